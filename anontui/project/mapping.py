"""The mapping: one row a job, with a description and options above the rows.

A mapping is kept as the text it was read from, cut into sections and records; cells
are read from that text when they are asked for. So an untouched file is written back
byte for byte, and an edit changes the one field that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any, Literal, overload

from anontui.project import files, sections
from anontui.project.columns import COLUMN_ALIASES, COLUMNS, KNOWN, OPTIONS, canonical
from anontui.project.dialect import (
    Encoding,
    decode,
    line_end_of,
    lines_of,
    local_delimiter,
    read_fields,
)
from anontui.project.table import split_table

__all__ = [
    "COLUMNS",
    "COLUMN_ALIASES",
    "FILENAME",
    "KNOWN",
    "OPTIONS",
    "Mapping",
    "Part",
    "canonical",
]

FILENAME = "anon_mapping.csv"

Part = Literal["opening", "description", "options header", "options", "mapping header", "columns"]


class Mapping:
    """A mapping as its file says it.

    Rows are counted from 0. To change one, use :class:`~anontui.project.editor.MappingEditor`.

    Attributes
    ----------
    parts
        The text above the rows, whole when joined.
    records
        The text of each row (see :mod:`anontui.project.table`).
    delimiter, line_end, encoding
        How the file is written, and how new text is.
    columns
        The names of the columns as written.
    doubled
        The names (as they are called now) that more than one column means.
    """

    def __init__(
        self,
        parts: Dict[Part, str],
        records: list[str],
        *,
        delimiter: str,
        line_end: str,
        encoding: Encoding,
        open_end: bool = False,
    ) -> None:
        self.parts = dict(parts)
        self.records = records
        self.delimiter = delimiter
        self.line_end = line_end
        self.encoding = encoding
        self._open_end = open_end  # the last line had no line end
        self._padding = sections.padding_of(parts["opening"])
        self.columns: list[str] = []
        self.doubled: frozenset[str] = frozenset()
        self._positions: dict[str, int] = {}
        self._read_columns()

    # -- files -----------------------------------------------------------------------

    @classmethod
    def new(
        cls,
        *,
        description: str = "",
        options: Dict[str, str] | Iterable[tuple[str, str]] = (),
        delimiter: str | None = None,
    ) -> Mapping:
        """Return a mapping without rows, written as Excel here would (or with ``delimiter``)."""
        end = "\r\n"
        parts: dict[Part, str] = {
            "opening": f"## Description ##{end}",
            "description": end,
            "options header": f"## Options ##{end}",
            "options": end,
            "mapping header": f"## Mapping ##{end}",
            "columns": "",
        }
        delimiter = delimiter or local_delimiter()
        mapping = cls(parts, [], delimiter=delimiter, line_end=end, encoding=Encoding())
        mapping.parts["columns"] = mapping.columns_text()
        if description:
            mapping.set_part("description", mapping.changed_description(description))
        for name, value in dict(options).items():
            mapping.set_option(name, value)
        return mapping

    @classmethod
    def load(cls, path: Path) -> Mapping:
        """Read a mapping file.

        Raises
        ------
        ProjectError
            If it is missing or unreadable, or no mapping; says what to do.
        """
        return cls.loads(files.read_bytes(path, "mapping"))

    @classmethod
    def loads(cls, data: bytes) -> Mapping:
        """Read the content of a mapping file (errors as :meth:`load`)."""
        text, encoding = decode(data, "mapping")
        line_end = line_end_of(text)
        open_end = not text.endswith(("\r", "\n"))
        lines = lines_of(text + line_end if open_end else text)
        first, second, third = sections.find_sections(lines)
        hints = [lines[third], lines[second], lines[first], *lines[second + 1 : third]]
        delimiter, above, header, records = split_table(lines[third + 1 :], hints)
        parts: dict[Part, str] = {
            "opening": "".join(lines[: first + 1]),
            "description": "".join(lines[first + 1 : second]),
            "options header": lines[second],
            "options": "".join(lines[second + 1 : third]),
            "mapping header": lines[third] + above,
            "columns": header,
        }
        return cls(
            parts,
            records,
            delimiter=delimiter,
            line_end=line_end,
            encoding=encoding,
            open_end=open_end,
        )

    def dumps(self) -> bytes:
        """Return the content of the file; of an untouched mapping the bytes it was read from.

        If the file's encoding cannot hold what was typed, the result is UTF-8 with a mark.
        """
        header = self.columns_text() if self.records else self.parts["columns"]
        text = "".join((*(self.parts | {"columns": header}).values(), *self.records))
        return self.encoding.encode(text.removesuffix(self.line_end) if self._open_end else text)

    def save(self, path: Path) -> None:
        """Write the file, atomically.

        Raises
        ------
        ProjectError
            If it cannot be written; the old file is then untouched.
        """
        files.write_bytes(path, self.dumps(), "mapping")

    # -- what it says ----------------------------------------------------------------

    @property
    def description(self) -> str:
        """The description, its lines parted by LF."""
        return sections.read_description(self.parts["description"], self._padding)

    @property
    def options(self) -> list[tuple[str, str]]:
        """Name and value of each option, as written but without spaces around them."""
        return list(sections.read_options(self.parts["options"], self.delimiter))

    def option(self, name: str) -> str:
        """Return the value of an option, by its name now or an old one; "" when absent."""
        values = [value for key, value in self.options if canonical(key) == canonical(name)]
        return values[-1] if values else ""

    def column(self, name: str) -> int | None:
        """Return where a column is, by its name now or an old one, case ignored."""
        return self._positions.get(canonical(name))

    @property
    def rows(self) -> Sequence[list[str]]:
        """The cells of each row as written, read when asked for; to look at only.

        A row may have fewer or more cells than there are columns.
        """
        return _Rows(self)

    def cells(self, row: int) -> list[str]:
        """Return the cells of one row as written."""
        return read_fields(self.records[row], self.delimiter)

    def cell(self, row: int, name: str) -> str:
        """Return one cell without the spaces around it; "" when there is none."""
        position = self.column(name)
        cells = self.cells(row)
        return cells[position].strip() if position is not None and position < len(cells) else ""

    def parameters(self, row: int) -> dict[str, str]:
        """Return what counts for one row: the options, overruled by its cells.

        Names are as they are called now; what is empty is left out.
        """
        options = {canonical(name): value for name, value in self.options if value}
        return options | self.named(row)

    def named(self, row: int) -> dict[str, str]:
        """Return the texts of one row by the column they are in, as it is called now.

        What is empty is left out, and what stands in no column or in a doubled one's second.
        """
        cells = self.cells(row)
        return {
            name: text
            for name, position in self._positions.items()
            if position < len(cells) and (text := cells[position].strip())
        }

    def copy(self) -> Mapping:
        """Return a mapping of its own that says the same."""
        return Mapping.of_plain(self.plain() | {"records": self.records[:]})

    def plain(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it, also rows that no file would have."""
        return {
            "parts": self.parts,
            "records": self.records,
            "delimiter": self.delimiter,
            "line_end": self.line_end,
            "encoding": [self.encoding.name, self.encoding.bom.hex()],
            "open_end": self._open_end,
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> Mapping:
        """Return the mapping that :meth:`plain` gave."""
        name, bom = plain["encoding"]
        return cls(**plain | {"encoding": Encoding(name, bytes.fromhex(bom))})

    # -- changing it (the editor does, and can undo it) ------------------------------

    def set_part(self, part: Part, text: str) -> None:
        """Replace the text of one part."""
        self.parts[part] = text
        if part == "columns":
            self._read_columns()

    def changed_description(self, text: str) -> str:
        """Return the text of the description's part for a new description.

        Raises
        ------
        ProjectError
            If a mapping cannot hold it.
        """
        old = self.parts["description"]
        return sections.write_description(old, text, self._padding, self.line_end)

    def changed_options(self, name: str, value: str) -> str:
        """Return the text of the options' part with one set (errors as above)."""
        return sections.write_option(
            self.parts["options"], name, value, self.delimiter, self.line_end
        )

    def set_option(self, name: str, value: str) -> None:
        """Set an option; an empty value takes it out (errors as above)."""
        self.set_part("options", self.changed_options(name, value))

    def columns_text(self) -> str:
        """Return the text of the row of column names; ours if the file has none yet."""
        return self.parts["columns"] or self.delimiter.join(COLUMNS) + self.line_end

    def _read_columns(self) -> None:
        names = read_fields(self.columns_text(), self.delimiter)
        while not names[-1].strip():  # Excel's separators; one name at least is known
            names.pop()
        self.columns = names
        self._positions = {}
        counts = Counter(canonical(name) for name in names if name.strip())
        self.doubled = frozenset(name for name, times in counts.items() if times > 1)
        # The first of equal names counts, and a name of now before an old one.
        for position, name in sorted(
            enumerate(names), key=lambda item: item[1].strip().lower() in COLUMN_ALIASES
        ):
            if name.strip():
                self._positions.setdefault(canonical(name), position)


class _Rows(Sequence[list[str]]):
    """The rows of a mapping, read when asked for."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping

    def __len__(self) -> int:
        return len(self._mapping.records)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...
    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, int):
            return self._mapping.cells(index)
        delimiter = self._mapping.delimiter
        return [read_fields(record, delimiter) for record in self._mapping.records[index]]

    def __iter__(self) -> Iterator[list[str]]:
        delimiter = self._mapping.delimiter
        return (read_fields(record, delimiter) for record in self._mapping.records)
