"""What is wrong with one row of a mapping, cheap enough to ask while someone types."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Dict

from anontui.errors import ProjectError
from anontui.project.mapping import Mapping
from anontui.project.sections import check_text
from anontui.project.source import Source, SourceKind
from anontui.unc import ShareMap, as_local, is_unc

_NO_SHARES = ShareMap()
_KINDS = "|".join(SourceKind)
_SWALLOWED = re.compile(rf"[\r\n]\s*(?:{_KINDS}):")
_UP = re.compile(r"(?:^|[/\\]) *\.\.[. ]*(?:[/\\]|$)")
_LOCAL = re.compile(r"[A-Za-z]:|[/\\](?![/\\])")
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def problems_of(
    mapping: Mapping,
    row: int,
    shares: ShareMap = _NO_SHARES,
    typed: Dict[str, str] | None = None,
) -> dict[str, str]:
    """Return what is wrong with a row, by the column it is in (as it is called now).

    A problem of the row's shape stands under "". No message repeats a cell. Only the file
    is looked at: no disk, no server. A local path is right where ``shares`` has its UNC path.
    With ``typed`` (texts by column) it is as if these stood in the row already.
    """

    def is_local(path: str) -> bool:
        local = as_local(path)
        return not is_unc(path) and not (local and shares.to_unc(local))

    cells = mapping.cells(row)
    found: dict[str, str] = {}
    for name in sorted(mapping.doubled):
        found[name] = f"Two columns mean {name}; keep one of them"
    names = [name.strip() for name in mapping.columns]
    names += [""] * (len(cells) - len(names))
    if any(cell.strip() and not name for cell, name in zip(cells, names, strict=False)):
        found[""] = "A cell has no column name above it; name its column"
    if any(_SWALLOWED.search(cell) for cell in cells):
        found[""] = "A cell holds other rows; look for a quote that is never closed"
    values = mapping.parameters(row)
    for name, text in (typed or {}).items():
        values[name] = text.strip() or mapping.option(name)
        try:
            check_text(text)
        except ProjectError as error:
            found[name] = error.sentence().rstrip(".")
    for name, problem in (
        ("source", _source_problem(values.get("source", ""), is_local)),
        *((name, pseudonym_problem(values.get(name, ""))) for name in ("pseudo_id", "pseudo_name")),
    ):
        if problem:
            found.setdefault(name, problem)
    if not values.get("pseudo_id") and not values.get("pseudo_name"):
        name = "pseudo_name" if mapping.column("pseudo_id") is None else "pseudo_id"
        found.setdefault(name, "The pseudonym is missing")
    for name in ("root_source_path", "destination_path"):
        if mapping.column(name) is not None and is_local(values.get(name, r"\\a\b")):
            found.setdefault(name, r"This is not a UNC path (\\server\share\folder)")
    return found


def _source_problem(text: str, is_local: Callable[[str], bool]) -> str:
    if not text:
        return "The source is missing"
    try:
        source = Source.parse(text)
    except ProjectError as error:
        return error.sentence().rstrip(".")
    if source.is_path:
        if _UP.search(source.value):
            return "The path holds '..'; write it without"
        if _LOCAL.match(source.value) and is_local(source.value):
            return "The path is this computer's own; write it relative to the root, or as UNC path"
    if source.kind is SourceKind.STUDY_INSTANCE_UID and not (
        _UID.fullmatch(source.value) and len(source.value) <= 64
    ):
        return "This is no DICOM UID: numbers with dots between, at most 64 characters"
    return ""


def pseudonym_problem(text: str) -> str:
    """Return why a DICOM Patient ID (LO) or Patient's Name (PN) cannot hold it; "" if it can."""
    if "\\" in text or _CONTROL.search(text):
        return "A pseudonym holds no backslash, line break or tab"
    if len(text) > 64:
        return "A pseudonym has at most 64 characters"
    return ""
