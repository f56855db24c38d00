"""The table of a mapping file: which separator it has, and where its records are.

A record is a row's exact text with its line end, and with whatever follows it that is no
row (empty lines, comments), so that all records together are the text of the table.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence

from anontui.errors import ProjectError
from anontui.project.columns import COLUMNS, KNOWN, canonical
from anontui.project.dialect import DELIMITERS, quote, read_fields, split_fields
from anontui.project.sections import check_text
from anontui.project.source import Source, SourceKind

_PADDING = " \t\r\n,;"
_SUSPECTS = frozenset(_PADDING + "#")  # only what starts with these may be no row
_FIELD_LIMIT = 131_072  # where Python's csv reader, and so other programs, stop


def is_between(record: str, delimiter: str = ",", source: int | None = 0) -> bool:
    """Whether a record is no row: nothing but separators, or a comment.

    A comment starts with ``#`` and has no source in its source column.
    """
    if not record.lstrip(" ").startswith("#"):
        return not record.strip(_PADDING)
    cells = read_fields(record, delimiter)
    return source is None or source >= len(cells) or not is_source(cells[source])


def is_source(text: str) -> bool:
    """Whether a cell is a source."""
    try:
        Source.parse(text)
    except ProjectError:
        return False
    return True


def sniff_delimiter(header: str, hints: Iterable[str] = ()) -> str:
    """Return the separator by which a header row has the most known columns.

    Parameters
    ----------
    header
        The first row of the table.
    hints
        Lines outside the table, which decide where the table has one column only.
    """
    known = {
        mark: sum(canonical(cell) in KNOWN for cell in read_fields(header, mark))
        for mark in DELIMITERS
    }
    best = [mark for mark in DELIMITERS if known[mark] == max(known.values())]
    marks = (mark for line in hints for mark in line if mark in best)
    return best[0] if len(best) == 1 else next(marks, best[0])


def split_table(lines: list[str], hints: Sequence[str]) -> tuple[str, str, str, list[str]]:
    """Split the lines of a table.

    Returns
    -------
    The separator, what stands above the header row, the header row (with what follows it
    that is no row), and the records. A table without a header row has no records.

    Raises
    ------
    ProjectError
        If there are rows but no header row, or a quote is never closed.
    """
    start = next((i for i, line in enumerate(lines) if not is_between(line)), len(lines))
    above = "".join(lines[:start])
    if start == len(lines):
        return sniff_delimiter("", hints), above, "", []
    delimiter = sniff_delimiter(lines[start], hints)
    header, *records = split_records(lines[start:], delimiter, "mapping")
    names = read_fields(header, delimiter)
    if not any(canonical(name) in KNOWN for name in names) or any(
        name.strip().lower().startswith(tuple(f"{kind}:" for kind in SourceKind)) for name in names
    ):
        raise ProjectError(
            "The table of the mapping has no row of column names",
            advice=f"Write '{delimiter.join(COLUMNS)}' below the line ## Mapping ##.",
        )
    columns = [canonical(name) for name in names]
    source = columns.index("source") if "source" in columns else None
    suspects = (i for i, record in enumerate(records) if record[0] in _SUSPECTS)
    between = {i for i in suspects if is_between(records[i], delimiter, source)}
    if between:
        starts = [0, *(i + 1 for i in range(len(records)) if i not in between)]
        texts = [header, *records]
        header, *records = (
            "".join(texts[start:stop])
            for start, stop in zip(starts, [*starts[1:], len(texts)], strict=True)
        )
    return delimiter, above, header, records


def split_records(lines: list[str], delimiter: str, what: str) -> list[str]:
    """Join the lines that a quoted line break has parted (``what`` is for the message).

    Raises
    ------
    ProjectError
        If a quote is never closed, or a cell is too long for Python's csv reader.
    """
    if max(map(len, lines)) <= _FIELD_LIMIT and not any('"' in line for line in lines):
        return lines
    records: list[str] = []
    start = 0
    # One line too many: it makes a record of its own, unless a quote is still open.
    reader = csv.reader([*lines, "end"], delimiter=delimiter, skipinitialspace=True)
    try:
        for _ in reader:
            end = reader.line_num
            one = end - start == 1 and start < len(lines)
            records.append(lines[start] if one else "".join(lines[start:end]))
            start = end
    except csv.Error:
        start = -1
    if start < 0 or records.pop():
        raise ProjectError(
            f"In record {len(records)} of the {what}'s table a quote is never closed, "
            "or a cell is far too long",
            advice='Close the quote ("), or write two of them where one is meant.',
        )
    return records


def rewrite(record: str, cells: Mapping[int, str], delimiter: str) -> str:
    """Return a record with some cells (by position) changed, all other text as it is.

    Spaces in front of a cell stay, by which people align columns.

    Raises
    ------
    ProjectError
        If a mapping cannot hold one of the texts.
    """
    fields, rest = split_fields(record, delimiter)
    fields += [""] * (max(cells, default=0) + 1 - len(fields))
    for position, cell in cells.items():
        check_text(cell)
        old, field = fields[position], quote(cell, delimiter)
        spaces = "" if field.startswith('"') else old[: len(old) - len(old.lstrip())]
        fields[position] = spaces + field
    if fields[0].lstrip().startswith("#"):  # it shall not be taken for a comment
        fields[0] = quote(fields[0], delimiter, always=True)
    return delimiter.join(fields) + rest
