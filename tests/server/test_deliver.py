"""Files appear at their destination whole, once, and inside the share."""

from __future__ import annotations

import errno
import os
from itertools import count
from pathlib import Path

import pytest

from anontui.server import deliver as module
from anontui.server.deliver import PART_PREFIX, Placed, place, remove_parts, sweep_parts
from anontui.server.places import Places
from anontui.unc import ShareMap
from tests.server.support import SHARE, files_below


class Delivery:
    """Parts in a folder of the destination, and their way to their places."""

    def __init__(self, tmp_path: Path, share: Path) -> None:
        self.places = Places(ShareMap(((SHARE, share),)), tmp_path / "data")
        self.out = share / "out"
        self.parts = self.out / f"{PART_PREFIX}1"

    def __call__(self, *pairs: tuple[str, str]) -> list[Placed]:
        """Place new parts; each is a name and its content."""
        return self.again(
            *(self.write(number, name, text) for number, (name, text) in enumerate(pairs))
        )

    def write(self, number: int, name: str, text: str) -> tuple[Path, str]:
        self.parts.mkdir(parents=True, exist_ok=True)
        part = self.parts / f"{number}.me.1.part"
        part.unlink(missing_ok=True)
        part.write_text(text)
        return part, name

    def again(self, *pairs: tuple[Path, str]) -> list[Placed]:
        return list(place(pairs, self.out, self.places, self.tick))

    def tick(self) -> None:
        pass

    def found(self) -> dict[str, str]:
        return {
            str(p.relative_to(self.out)): p.read_text()
            for p in files_below(self.out)
            if p.is_file() and p.parent != self.parts
        }


@pytest.fixture
def delivery(tmp_path: Path, share: Path) -> Delivery:
    return Delivery(tmp_path, share)


@pytest.fixture(params=[True, False], ids=["links", "no-links"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """File systems that have hard links, and those that have not."""
    if not request.param:

        def link(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", link)
    return bool(request.param)


@pytest.mark.usefixtures("links")
def test_another_file_is_never_overwritten(delivery: Delivery) -> None:
    new, same, conflict = Placed.NEW, Placed.SAME, Placed.CONFLICT
    assert delivery(("P/1/1.dcm", "a"), ("P/1/1.dcm", "a"), ("P/1/2.dcm", "b")) == [new, same, new]
    assert delivery(("P/1/1.dcm", "a")) == [same]
    assert delivery(("P/1/1.dcm", "unlike"), ("P/1/3.dcm", "c")) == [conflict, new]
    assert delivery.found() == {"P/1/1.dcm": "a", "P/1/2.dcm": "b", "P/1/3.dcm": "c"}


def test_what_was_placed_before_a_crash_is_known_again(delivery: Delivery, links: bool) -> None:
    pair = delivery.write(1, "P/1/1.dcm", "a")
    assert delivery.again(pair) == [Placed.NEW]
    assert delivery.again(pair) == [Placed.SAME if links else Placed.GONE]
    assert delivery.found() == {"P/1/1.dcm": "a"}


@pytest.mark.usefixtures("links")
def test_a_part_that_is_gone_is_told(delivery: Delivery) -> None:
    assert delivery.again((delivery.parts / "1.me.1.part", "P/1/1.dcm")) == [Placed.GONE]
    assert delivery.found() == {}


@pytest.mark.parametrize("step", ["fsync", "link", "tick"])
@pytest.mark.parametrize("number", range(1, 4))
def test_an_end_at_any_moment_leaves_whole_files_only(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    calls = count(1)
    original = getattr(os, step, lambda: None)

    def failing(*arguments: object, **named: object) -> None:
        if next(calls) == number:
            raise InterruptedError
        original(*arguments, **named)

    monkeypatch.setattr(delivery if step == "tick" else os, step, failing)
    contents = {f"P/1/{letter}.dcm": letter * 100_000 for letter in "345"}
    if step == "fsync":  # some systems cannot sync a folder
        delivery(*contents.items())
    else:
        with pytest.raises(InterruptedError):
            delivery(*contents.items())
        assert len(delivery.found()) == number - 1
    assert delivery.found().items() <= contents.items()


def test_the_folders_are_on_the_disk_at_the_end(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(module, "sync_folder", synced.append)
    delivery(("P/1/2/3.dcm", "a"), ("P/1/4/5.dcm", "a"))
    names = ["", "P", "P/1", "P/1/2", "P/1/4"]
    assert {delivery.out / name for name in names} <= set(synced)


@pytest.mark.parametrize("level", ["P", "P/1", "P/1/2"])
def test_a_link_out_of_the_share_is_not_followed(
    delivery: Delivery, tmp_path: Path, level: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = delivery.out / level
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        delivery(("P/1/2/3.dcm", "a"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_share_that_is_away_is_not_made(delivery: Delivery, share: Path) -> None:
    pair = delivery.write(1, "P/1/1.dcm", "a")
    share.rename(share.with_name("away"))
    with pytest.raises(FileNotFoundError, match="share is away"):
        delivery.again(pair)
    assert not share.exists()


@pytest.mark.usefixtures("links")
def test_a_pipe_or_a_link_in_a_files_place_is_not_followed(
    delivery: Delivery, tmp_path: Path
) -> None:
    folder = delivery.out / "P/1"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "1.dcm")
    (folder / "2.dcm").symlink_to(tmp_path / "elsewhere")
    assert delivery(("P/1/1.dcm", "a"), ("P/1/2.dcm", "a")) == [Placed.CONFLICT] * 2
    assert not (tmp_path / "elsewhere").exists()


def test_only_part_folders_are_ever_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    remove_parts(tmp_path / "precious")
    remove_parts(tmp_path / f"{PART_PREFIX}gone")
    assert (tmp_path / "precious").exists()


def test_strays_are_swept_and_the_rest_is_told(tmp_path: Path) -> None:
    parts = tmp_path / f"{PART_PREFIX}1"
    assert sweep_parts(parts, ["1.me.1.part"]) == set()
    for name in ("1.me.1.part", "1.other.1.part", ".1.me.1.part.abc.tmp", "2.me.1.part"):
        (parts / name).write_text("x")
    assert sweep_parts(parts, ["1.me.1.part", "3.me.1.part"]) == {"1.me.1.part"}
    assert os.listdir(parts) == ["1.me.1.part"]
