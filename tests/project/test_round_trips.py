"""Selection, batch, record and input file: what is saved comes back, what is not ours stays.

The mapping has its own properties in ``test_properties.py``, the settings theirs in
``test_settings.py``.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.errors import ProjectError
from anontui.project import batch as batches
from anontui.project import created
from anontui.project import selection as selections
from anontui.project.batch import Batch
from anontui.project.inputfile import read_input_file
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection

PROPERTY = settings(max_examples=100, deadline=None, database=None)
SAFE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
NAME = SAFE.filter(lambda text: text == text.strip() and text.strip(". ") != "")
PART = NAME.filter(lambda text: not {"/", "\\", ":"} & set(text))
SERVER = SAFE.filter(lambda text: "\ufeff" not in text)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
STRANGERS = st.dictionaries(
    st.text("abxyz_ é#:-", min_size=1, max_size=6).map("other {}".format), ANYTHING, max_size=3
)


def saved_twice(path: Path, one: Selection | Batch, strangers: dict[str, Any]) -> None:
    """Save over a file that says more than is ours, twice; all of it is still there."""

    def save() -> None:
        one.save(path if isinstance(one, Selection) else path.parent)

    save()
    ours = yaml.safe_load(path.read_bytes())
    path.write_text(yaml.safe_dump(strangers | ours, allow_unicode=True), encoding="utf-8")
    before = yaml.safe_load(path.read_bytes())
    save()
    save()
    assert yaml.safe_load(path.read_bytes()) == before
    assert before.keys() == ours.keys() | strangers.keys()


@PROPERTY
@given(SERVER, st.lists(st.lists(PART, min_size=1).map("/".join), max_size=4), STRANGERS)
def test_selection(description: str, paths: list[str], strangers: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / selections.FILENAME
        one = Selection(description, "an-id", tuple(paths))
        saved_twice(path, one, strangers)
        assert Selection.load(path) == one


@PROPERTY
@given(st.sets(st.integers(0, 10**18 - 1)), SERVER, SERVER, STRANGERS)
def test_batch(ids: set[int], name: str, url: str, strangers: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        one = Batch(tuple(ids), name, url)
        saved_twice(Path(folder) / batches.FILENAME, one, strangers)
        assert Batch.load(Path(folder)) == one


RECORDS = st.lists(st.tuples(st.text("abc", min_size=1, max_size=2), st.integers(1, 99), SERVER))


@PROPERTY
@given(RECORDS, st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))))
def test_created(records: list[tuple[str, int, str]], strangers: list[bytes]) -> None:
    with TemporaryDirectory() as text:
        folder = Path(text)
        for (fingerprint, job_id, url), stranger in zip(
            records, [*strangers, *[b""] * len(records)], strict=False
        ):
            with (folder / created.FILENAME).open("ab") as file:
                file.write(stranger)  # a line of somebody else's, or torn
            created.record(folder, fingerprint, job_id, url)
        expected = {(url, fingerprint): job_id for fingerprint, job_id, url in records}
        assert created.read(folder) == expected


CELLS = st.lists(
    st.tuples(
        NAME.filter(lambda text: not text.startswith(("#", "=", "\ufeff")) and len(text) < 9),
        st.text("abcXYZ123", min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=5,
)


@PROPERTY
@given(CELLS, st.sampled_from(",;\t"), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_input_file(rows: list[tuple[str, str]], mark: str, encoding: str) -> None:
    """What a program writes of a table is read as that table."""
    with TemporaryDirectory() as folder:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=mark).writerows(
            [("remark", "x"), ("folder", "pseudonym"), *rows]
        )
        path = Path(folder) / "a.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        assert list(read_input_file(path).rows) == rows
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in [("folder", "pseudonym"), *rows]:
            book.active.append(row)
            for cell in book.active[book.active.max_row]:
                cell.data_type = "s"
        book.save(path.with_suffix(".xlsx"))
        assert list(read_input_file(path.with_suffix(".xlsx")).rows) == rows


MAPPING = b"## Description ##\n%b\n## Options ##\n%b\n## Mapping ##\nsource,pseudo_id\n%b\n"


@PROPERTY
@given(st.binary(max_size=200) | st.text("job_ids: -[]{}&*!'\"\n#?1", max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_our_errors(data: bytes) -> None:
    with TemporaryDirectory() as text:
        folder = Path(text)
        for name in (batches.FILENAME, created.FILENAME, selections.FILENAME, "a.csv", "a.xlsx"):
            (folder / name).write_bytes(data)
        for read in (
            lambda: Batch.load(folder),
            lambda: created.read(folder),
            lambda: Selection.load(folder / selections.FILENAME),
            lambda: read_input_file(folder / "a.csv"),
            lambda: read_input_file(folder / "a.xlsx"),
            lambda: Mapping.loads(data),
            lambda: Mapping.loads(MAPPING % (data, data, data)),
        ):
            try:
                read()
            except ProjectError as error:
                assert error.advice
        Batch((1,), "a", "b").save(folder)  # and over any file one can be saved
        Selection("", "1", ("a",)).save(folder / selections.FILENAME)
        assert Batch.load(folder) == Batch((1,), "a", "b")
        assert Selection.load(folder / selections.FILENAME).paths == ("a",)


@pytest.mark.parametrize(
    "stranger", ["x: {a: [1, 2.5, null]}", "x: !mine y", "x: |\n  two\n  lines"]
)
def test_what_is_not_ours_keeps_its_type(tmp_path: Path, stranger: str) -> None:
    path = tmp_path / selections.FILENAME
    path.write_text(f"selected_paths: [a]\n{stranger}\ndescription: b\n")
    Selection.load(path).save(path)

    def meaning(text: str) -> str:
        node = yaml.compose(text)
        assert isinstance(node, yaml.MappingNode)
        return yaml.serialize(next(v for k, v in node.value if k.value == "x"))

    assert meaning(path.read_text()) == meaning(f"{stranger}\n")
