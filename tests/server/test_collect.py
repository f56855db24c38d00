"""Which files a source has, whatever lies there."""

from __future__ import annotations

import os
import socket
from collections import Counter
from pathlib import Path

import pytest
import yaml

from anontui.errors import ProjectError
from anontui.server.collect import collect
from anontui.server.places import Places, SourceKind, SourcePlace
from anontui.unc import ShareMap
from tests.server.support import SHARE


@pytest.fixture
def places(tmp_path: Path, share: Path) -> Places:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "passwd").write_text("root")
    (share / "data").mkdir()
    (share / "data" / "key").write_text("key")
    return Places(ShareMap(((SHARE, share),)), share / "data")


def _collect(places: Places, source: SourcePlace, top: Path) -> tuple[list[str], dict[str, int]]:
    found = list(collect(source, places, lambda: None))
    files = [one for one in found if not one.reason]
    assert all(file.size == file.path.stat().st_size for file in files)
    left_out = Counter(one.reason for one in found if one.reason)
    return [str(file.path.relative_to(top)) for file in files], dict(left_out)


def _fill(folder: Path) -> None:
    for name in ("b.dcm", "a.dcm", "sub/deep/c", ".hidden", ".dot/d.dcm", "fileselection.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_a_folder_gives_its_regular_files(places: Places, share: Path) -> None:
    _fill(share / "in")
    found = _collect(places, SourcePlace(SourceKind.FOLDER, share / "in"), share / "in")
    assert found == (["a.dcm", "b.dcm", "sub/deep/c"], {})


def test_what_is_no_data_is_left_out_and_counted(
    places: Places, share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(share / "in")
    (share / "else").mkdir()
    (share / "else" / "e.dcm").write_text("e")
    (share / "in" / "link.dcm").symlink_to(share / "else" / "e.dcm")
    (share / "in" / "again.dcm").symlink_to(share / "in" / "a.dcm")
    (share / "in" / "escape.dcm").symlink_to(tmp_path / "secret" / "passwd")
    (share / "in" / "key.dcm").symlink_to(share / "data" / "key")
    (share / "in" / "broken.dcm").symlink_to(share / "nothing")
    (share / "in" / "loop").symlink_to(share / "in")
    (share / "in" / "way-out").symlink_to(tmp_path / "secret")
    os.mkfifo(share / "in" / "pipe.dcm")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(share / "in")  # a socket's path must be short
        listener.bind("socket.dcm")
        found = _collect(places, SourcePlace(SourceKind.FOLDER, share / "in"), share)
    assert found[0] == ["in/a.dcm", "in/b.dcm", "else/e.dcm", "in/sub/deep/c"]
    assert found[1] == {
        "outside the shares": 2,
        "not found": 1,
        "a link to a folder": 2,
        "not a regular file": 2,
    }


def test_the_data_folder_is_passed_over(places: Places, share: Path) -> None:
    _fill(share / "in")
    found = _collect(places, SourcePlace(SourceKind.FOLDER, share), share)
    assert found == (["in/a.dcm", "in/b.dcm", "in/sub/deep/c"], {})


def test_a_folder_that_is_not_there(places: Places, share: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _collect(places, SourcePlace(SourceKind.FOLDER, share / "nothing"), share)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read anything")
def test_a_folder_that_cannot_be_read_is_counted(places: Places, share: Path) -> None:
    _fill(share / "in")
    (share / "in" / "sub").chmod(0)
    found = _collect(places, SourcePlace(SourceKind.FOLDER, share / "in"), share / "in")
    (share / "in" / "sub").chmod(0o700)
    assert found == (["a.dcm", "b.dcm"], {"in a folder that cannot be read": 1})


def test_a_selection_gives_what_it_names(places: Places, share: Path, tmp_path: Path) -> None:
    _fill(share / "in")
    os.mkfifo(share / "in" / "pipe")
    (share / "in" / "escape").symlink_to(tmp_path / "secret" / "passwd")
    (share / "in" / "way-out").symlink_to(tmp_path / "secret")
    names = ["b.dcm", "sub/deep/c", "./b.dcm", "gone", "pipe", "sub", "escape", "way-out/passwd"]
    path = share / "in" / "fileselection.txt"
    path.write_text(yaml.safe_dump({"selected_paths": names}))
    found = _collect(places, SourcePlace(SourceKind.FILESELECTION, path), share / "in")
    assert found == (
        ["b.dcm", "sub/deep/c"],
        {"not found": 1, "not a regular file": 2, "outside the shares": 2},
    )


def test_a_selection_that_leads_elsewhere_gives_nothing(places: Places, share: Path) -> None:
    _fill(share / "in")
    path = share / "in" / "fileselection.txt"
    path.write_text(yaml.safe_dump({"selected_paths": ["a.dcm", "../data/key"]}))
    with pytest.raises(ProjectError):
        _collect(places, SourcePlace(SourceKind.FILESELECTION, path), share)


@pytest.mark.parametrize("name", ["../secret/passwd", "/etc/passwd", r"..\secret\passwd", "C:\\x"])
def test_a_selection_never_leads_out(places: Places, share: Path, name: str) -> None:
    path = share / "in" / "fileselection.txt"
    path.write_text(yaml.safe_dump({"selected_paths": [name]}))
    with pytest.raises(ProjectError) as caught:
        _collect(places, SourcePlace(SourceKind.FILESELECTION, path), share / "in")
    assert "passwd" not in caught.value.sentence()


def test_whoever_waits_can_stop_it_in_a_folder_without_files(places: Places, share: Path) -> None:
    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    for number in range(3):
        (share / "in" / str(number)).mkdir()
    with pytest.raises(Enough):
        list(collect(SourcePlace(SourceKind.FOLDER, share / "in"), places, enough))
