"""What the server opens, and what it never does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import CallRefused
from anontui.server.places import Places, SourceKind, safe_name
from anontui.unc import ShareMap
from tests.server.support import SHARE


@pytest.fixture
def places(tmp_path: Path, share: Path) -> Places:
    (tmp_path / "outside").mkdir()
    (share / "data").mkdir()
    (share / "way-out").symlink_to(tmp_path / "outside")
    (share / "way-to-data").symlink_to(share / "data")
    (share / "in" / "back").symlink_to(share)
    (share / "link-to-in").symlink_to(share / "in")
    shares = ShareMap(((SHARE, share), (r"\\server\second", tmp_path / "second")))
    return Places(shares, share / "data")


@pytest.mark.parametrize(
    ("text", "kind", "relative"),
    [
        (rf"{SHARE}\in", SourceKind.FOLDER, "in"),
        (rf"folder:{SHARE}\in", SourceKind.FOLDER, "in"),
        ("folder://SERVER/Share/in/", SourceKind.FOLDER, "in"),
        (rf"folder:{SHARE}\link-to-in", SourceKind.FOLDER, "in"),
        (rf"fileselection:{SHARE}\in\fileselection.txt", SourceKind.FILESELECTION, "in"),
    ],
)
def test_sources(places: Places, share: Path, text: str, kind: SourceKind, relative: str) -> None:
    source = places.source(text)
    assert (source.kind, source.folder) == (kind, share / relative)


@pytest.mark.parametrize(
    "unc",
    [
        rf"{SHARE}\data",
        rf"{SHARE}\data\jobs.sqlite",
        rf"{SHARE}\way-out",
        rf"{SHARE}\way-out\deeper",
        rf"{SHARE}\way-to-data",
        rf"{SHARE}\..\outside",
        rf"{SHARE}\in\..\..\outside",
        rf"{SHARE}x\in",
        r"\\other\share\in",
        r"\\?\C:\in",
        r"\\.\pipe\in",
        "/etc/passwd",
        r"C:\in",
        "in",
        "",
    ],
)
def test_what_is_not_opened(places: Places, unc: str) -> None:
    for attempt in (lambda: places.source(f"folder:{unc}"), lambda: places.destination(unc)):
        with pytest.raises(CallRefused) as caught:
            attempt()
        assert list(caught.value.errors) in (["source_path"], ["destination_path"])


@pytest.mark.parametrize(
    "text", ["study:1.2.3", "accession_number:1", "FOLDER:" + SHARE, "file:/x"]
)
def test_other_kinds_of_source_are_refused(places: Places, text: str) -> None:
    with pytest.raises(CallRefused):
        places.source(text)


@pytest.mark.parametrize(
    ("source", "destination", "fits"),
    [
        ("folder:{0}\\in", "{0}\\out", True),
        ("folder:{0}\\in", "{0}\\in-too", True),
        ("folder:{0}\\in", r"\\server\second\in", True),
        ("fileselection:{0}\\in\\fileselection.txt", "{0}\\out", True),
        ("folder:{0}\\in", "{0}\\in", False),
        ("folder:{0}\\in", "{0}\\IN\\..\\in", False),
        ("folder:{0}\\in", "{0}\\in\\out", False),
        ("folder:{0}\\in", "{0}", False),
        ("folder:{0}\\in", "{0}\\link-to-in\\out", False),
        ("folder:{0}\\in", "{0}\\in\\back", False),
        ("folder:{0}", "{0}\\out", False),
        ("fileselection:{0}\\in\\fileselection.txt", "{0}\\in", False),
        ("fileselection:{0}\\in\\fileselection.txt", "{0}\\in\\out", False),
    ],
)
def test_source_and_destination_lie_apart(
    places: Places, source: str, destination: str, fits: bool
) -> None:
    texts = source.format(SHARE), destination.format(SHARE)
    if fits:
        places.pair(*texts)
    else:
        with pytest.raises(CallRefused):
            places.pair(*texts)


@pytest.mark.parametrize("name", ["P-001", "Patient 1", "Zoë", "病人", "a.b", "P^1"])
def test_a_harmless_pseudonym_is_its_own_name(name: str) -> None:
    assert safe_name(name) == name


@given(st.text(max_size=64))
def test_any_pseudonym_makes_one_proper_folder(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    name = safe_name(text)
    assert name.strip(" .") == name
    assert name
    assert not set(name) & set('<>:"/\\|?*\0\n\r\t')
    assert len(name.encode()) <= 255
    assert safe_name(text) == name


@given(st.text(max_size=64), st.text(max_size=64))
def test_two_pseudonyms_never_share_a_folder(one: str, other: str) -> None:
    assert one == other or safe_name(one) != safe_name(other)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "CON", "nul.txt", "x" * 64, "a "])
def test_a_harmful_pseudonym_gets_another_name(name: str) -> None:
    assert safe_name(name) != name
    assert safe_name(name)
