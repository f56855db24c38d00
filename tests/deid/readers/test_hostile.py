"""Whatever stands in a file, a reader takes it or says what is wrong: nothing else happens."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.deid.readers.ctp import read_script
from anontui.deid.readers.dictionary import read_dictionary
from anontui.deid.readers.lookup import read_lookup
from anontui.deid.readers.policyfile import read_policy
from anontui.deid.readers.recipe import read_recipe
from anontui.deid.readers.told import ARGUMENTS, told_rule
from anontui.deid.rules.whitelist import WhiteList
from anontui.errors import DeidError

Reader = Callable[[Path], object]
PIECES = {
    "json": ["{", "}", "[", "]", ":", ",", '"', '"PatientID"', '"keep"', '"action"', "\\u", "1"],
    "script": [
        '<e en="T" t="00081030" n="">',
        "</e>",
        *("@if(", "this,", "isblank", ")", "{", "}", "@keep()", "@hash(", "@", "\\", '"', "&#0;"),
    ],
    "recipe": [
        *("%header\n", "KEEP ", "REMOVE ", "ADD ", "PatientID", "contains:", "select:", "(", ")"),
        *("\n", "#", '"', "'", "*", "[", "ALL", "var:"),
    ],
    "yaml": [
        *("options", "rules", "filters", "limits", ": ", "\n", "  ", "- ", "{", "}", "[", "]", "&"),
        *("*", "!", "?", "|", ">", "'", '"', "PatientID", "keep", "\0", "\ud800", "\x85"),
    ],
    "lookup": ["ptid", "/", "=", ":", "\\", "\\u", "\n", " ", "@", "#", ","],
}


def of_pieces(kind: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(PIECES[kind]), max_size=25).map("".join)


def taken_or_refused(read: Reader, data: bytes, name: str = "file.txt") -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        try:
            read(path)
        except DeidError as error:
            assert error.message.startswith(f"{name}"), error.message
            assert error.sentence().isprintable()
            assert len(error.message) < 250


READERS = [
    read_dictionary,
    read_script,
    read_recipe,
    read_policy,
    WhiteList.read,
    lambda path: read_lookup(path, frozenset({"ptid"})),
]


@pytest.mark.parametrize("read", READERS)
@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_arbitrary_files(read: Reader, data: bytes) -> None:
    taken_or_refused(read, data)


@pytest.mark.parametrize(
    ("read", "kind", "form"),
    [
        (read_dictionary, "json", "{}"),
        (WhiteList.read, "json", "{}"),
        (read_script, "script", "<script>{}</script>"),
        (read_script, "script", '<script><e en="T" t="00081030" n="">{}</e></script>'),
        (read_recipe, "recipe", "FORMAT dicom\n%header\n{}"),
        (read_policy, "yaml", "{}"),
        (READERS[-1], "lookup", "{}"),
    ],
)
@given(st.data())
def test_files_that_look_right(read: Reader, kind: str, form: str, data: st.DataObject) -> None:
    text = form.replace("{}", data.draw(of_pieces(kind)))
    taken_or_refused(read, text.encode("utf-8", "surrogatepass"))


@given(
    st.text(max_size=40) | st.from_regex(r"\(0x[0-9a-f]{1,4}, ?0x[0-9a-f]{1,4}\)", fullmatch=True),
    st.text(max_size=20) | st.sampled_from(list(ARGUMENTS)),
    st.lists(st.text(max_size=20), max_size=3),
)
def test_arbitrary_arguments(tag: str, action: str, arguments: list[str]) -> None:
    try:
        told_rule(tag, action, arguments, "-t")
    except DeidError as error:
        assert error.message.startswith("-t: ")
        assert error.sentence().isprintable()
