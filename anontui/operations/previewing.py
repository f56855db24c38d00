"""Looking at files before they go anywhere: which there are, and what would become of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from anontui import unc
from anontui.errors import UsageError

if TYPE_CHECKING:
    from anontui.deid import Deidentifier, Policy
    from anontui.deid.rules.pixelrules import Box
    from anontui.deid.run.explain import Explained
    from anontui.operations.workspace import Workspace
    from anontui.project.mapping import Mapping

MOST_FILES = 5000
_HOLD = (
    "burned_in",
    "secondary_capture",
    "ultrasound",
    "encapsulated_document",
    "dose_report",
    "screen",
    "embedded_overlay",
    "identity_left",
)
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_PREFIXES = ("folder:", "fileselection:")


@dataclass(frozen=True, repr=False)
class Forecast:
    """What would become of a file. It is identity.

    ``reason`` is empty if it would be done, else why it would be held or rejected; where a
    filter holds it, ``elements`` are what would happen if it were released. ``boxes`` are what
    a pixel rule of the policy would black out.
    """

    status: str
    reason: str
    elements: Sequence[Explained]
    boxes: tuple[Box, ...] = ()


class Explainer:
    """Tells what a policy would do; one key, so that files agree. For one thread.

    Parameters
    ----------
    policy
        A policy file; by default the Basic Profile.
    """

    def __init__(self, policy: Path | None = None) -> None:
        self._policy = policy
        self._engine: Deidentifier | None = None
        self._lenient: Deidentifier | None = None

    def forecast(self, path: Path) -> Forecast:
        """Tell what would happen to each element of a file; nothing is written.

        Raises
        ------
        DeidError
            If the policy cannot be read.
        """
        from anontui.deid.run.explain import explain

        if self._engine is None:
            self._engine, self._lenient = self._made()
        outcome, elements = explain(self._engine, path)
        if outcome.status != "done" and not elements and self._lenient is not None:
            _, elements = explain(self._lenient, path)
        boxes = _blacked_out(self._engine.policy, elements)
        return Forecast(outcome.status, outcome.reason, elements, boxes)

    def _made(self) -> tuple[Deidentifier, Deidentifier]:
        from anontui.deid import Deidentifier, Policy
        from anontui.deid.readers.policyfile import read_policy
        from anontui.deid.run.keyfile import new_key
        from anontui.deid.run.pseudonyms import Pseudonyms

        policy = read_policy(self._policy) if self._policy else Policy.basic()
        key = new_key()
        pseudonyms = Pseudonyms(key)
        passing = policy.filters
        for name in _HOLD:
            passing = replace(passing, **{name: False})  # type: ignore[arg-type]  # a field's name
        released = replace(policy, filters=passing)
        return Deidentifier(policy, key, pseudonyms), Deidentifier(released, key, pseudonyms)


def _blacked_out(policy: Policy, elements: Sequence[Explained]) -> tuple[Box, ...]:
    """What the pixel rule that fits a file with these elements blacks out."""
    from anontui.deid.rules.options import Option

    if Option.CLEAN_PIXEL_DATA not in policy.options:
        return ()
    top = {_number(one.tag): (one.before or "").strip() for one in elements if not one.place}
    rows, columns = (int(top.get(tag) or 0) for tag in (_ROWS, _COLUMNS))
    rule = policy.pixel_rules.fitting(lambda tag: top.get(tag, ""), rows, columns)
    return rule.boxes if rule is not None else ()


def _number(tag: str) -> int:
    return int(re.sub("[^0-9A-Fa-f]", "", tag), 16)


def files_near(path: Path) -> tuple[list[Path], int]:
    """The files of a folder and below, or those beside a file; and where to begin.

    Hidden ones are left out, and what is beyond :data:`MOST_FILES`.

    Raises
    ------
    UsageError
        If there is none.
    """
    if not path.exists():
        raise UsageError(
            "The data are not here any more", advice="Look whether their share is mounted."
        )
    if path.is_dir():
        found = _below(path)
        if not found:
            raise UsageError("There is no file in this folder", advice="Choose another one.")
        return found, 0
    found = sorted(_files(path.parent))
    return (found, found.index(path)) if path in found else ([path], 0)


def files_of_source(workspace: Workspace, source: str | None) -> list[Path]:
    """The files that a job's source names, if they are on a share that this machine sees.

    Raises
    ------
    UsageError
        If they are not.
    """
    prefix = next((one for one in _PREFIXES if (source or "").startswith(one)), "")
    path = (source or "").removeprefix(prefix)
    local = workspace.share_map().to_local(path) if unc.is_unc(path) else None
    return _files_at(local, is_selection=prefix == "fileselection:")


def files_of_row(workspace: Workspace, mapping: Mapping, text: str) -> list[Path]:
    """The files that the source of a mapping's row names, as :func:`files_of_source` does.

    Raises
    ------
    UsageError, ProjectError
        If they cannot be seen from here, or it is no source.
    """
    from anontui.operations.roots import Root
    from anontui.project.source import Source, SourceKind

    source = Source.parse(text)
    local = None
    if unc.is_unc(source.value):
        local = workspace.share_map().to_local(source.value)
    elif source.is_path:
        root = Root.of(workspace, mapping).local
        local = unc.as_local(source.value) or (root and root / source.value.replace("\\", "/"))
    return _files_at(local, is_selection=source.kind is SourceKind.FILESELECTION)


def _files_at(local: Path | None, *, is_selection: bool) -> list[Path]:
    if local is None:
        raise UsageError(
            "The data are not on a share that this machine sees",
            advice="Data of a PACS are seen on the server only; for a share: anontui paths.",
        )
    if not is_selection:
        return files_near(local)[0]
    from anontui.project.selection import Selection

    found = [local.parent / name for name in Selection.load(local).paths[:MOST_FILES]]
    if not found:
        raise UsageError("The selection is empty", advice="Look at the selection.")
    return found


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += sorted(_files(Path(place)))
        if len(found) >= MOST_FILES:
            break
    return found[:MOST_FILES]


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                folder / entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_file()
            ]
    except OSError:
        return []
