"""Files appear at their destination whole, once, and inside the share."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from anontui.server import deliver as module
from anontui.server.deliver import CONFLICT, PART_PREFIX, deliver, remove_parts
from anontui.server.places import Places
from anontui.server.worker import Item, Treated
from anontui.unc import ShareMap
from tests.server.support import SHARE, files_below


def _treated(tmp_path: Path, contents: dict[str, str]) -> list[Treated]:
    """Staged files; the key is ``<instance>`` with anything after a space."""
    (tmp_path / "staging").mkdir(exist_ok=True)
    treated = []
    for name, content in contents.items():
        target = tmp_path / "staging" / name
        target.write_text(content)
        treated.append(Treated(Item(tmp_path, target), ("1.1", "1.2", name.split()[0])))
    return treated


class Delivery:
    def __init__(self, tmp_path: Path, share: Path) -> None:
        self.places = Places(ShareMap(((SHARE, share),)), tmp_path / "data")
        self.out = share / "out"
        self.parts = self.out / f"{PART_PREFIX}1"
        self.tmp_path = tmp_path
        self.staged: list[Treated] = []

    def __call__(self, contents: dict[str, str], pseudonym: str = "P-1") -> Counter[str]:
        return deliver(
            self.staged or _treated(self.tmp_path, contents),
            self.out,
            pseudonym=pseudonym,
            part_folder=self.parts,
            places=self.places,
            tick=self.tick,
        )

    def tick(self) -> None:
        pass

    def found(self) -> dict[str, str]:
        return {
            str(p.relative_to(self.out)): p.read_text()
            for p in files_below(self.out)
            if p.is_file()
        }


@pytest.fixture
def delivery(tmp_path: Path, share: Path) -> Delivery:
    return Delivery(tmp_path, share)


def test_files_go_by_pseudonym_study_series_and_instance(delivery: Delivery) -> None:
    assert not delivery({"1.3": "a", "1.4": "b"}, pseudonym="P/1")
    names = [name.split("/") for name in delivery.found()]
    assert [name[1:] for name in names] == [["1.1", "1.2", "1.3.dcm"], ["1.1", "1.2", "1.4.dcm"]]
    assert names[0][0].startswith("P_1_")


def test_the_same_file_twice_is_one_and_another_is_never_overwritten(delivery: Delivery) -> None:
    assert not delivery({"1.3 one": "a", "1.3 two": "a", "1.4": "b"})
    assert not delivery({"1.3": "a"})
    assert delivery({"1.3": "unlike", "1.5": "c"}) == {CONFLICT: 1}
    assert delivery.found() == {
        "P-1/1.1/1.2/1.3.dcm": "a",
        "P-1/1.1/1.2/1.4.dcm": "b",
        "P-1/1.1/1.2/1.5.dcm": "c",
    }


@pytest.mark.parametrize("step", ["fsync", "replace", "tick"])
@pytest.mark.parametrize("number", range(1, 4))
def test_an_end_at_any_moment_leaves_whole_files_only(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    calls = count(1)
    original = getattr(os, step, lambda: None)

    def failing(*arguments: object) -> None:
        if next(calls) == number:
            raise InterruptedError
        original(*arguments)

    monkeypatch.setattr(delivery if step == "tick" else os, step, failing)
    contents = {f"1.{letter}": letter * 100_000 for letter in "345"}
    with pytest.raises(InterruptedError):
        delivery(contents)
    whole = {f"P-1/1.1/1.2/{name}.dcm": text for name, text in contents.items()}
    assert delivery.found().items() <= whole.items()
    assert len(delivery.found()) < 3 or step == "tick"
    assert not delivery.parts.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, os_replace = os.fsync, os.replace

    def sync(handle: int) -> None:
        steps.append("sync")
        fsync(handle)

    def rename(old: Path, new: Path) -> None:
        steps.append("rename")
        os_replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    delivery({"1.3": "a"})
    assert steps[:3] == ["sync", "rename", "sync"]


@pytest.mark.parametrize("level", ["P-1", "P-1/1.1", "P-1/1.1/1.2"])
def test_a_link_out_of_the_share_is_not_followed(
    delivery: Delivery, tmp_path: Path, level: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = delivery.out / level
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        delivery({"1.3": "a"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_files_of_one_name_are_compared_in_turn(delivery: Delivery) -> None:
    contents = {f"1.3 {number}": "a" * (1 + number % 2) for number in range(40)}
    assert delivery(contents) == {CONFLICT: 20}
    assert delivery.found() == {"P-1/1.1/1.2/1.3.dcm": "a"}


def test_one_instance_in_two_series_is_two_files(delivery: Delivery, tmp_path: Path) -> None:
    treated = _treated(tmp_path, {f"1.3 {number}": "a" for number in range(20)})
    delivery.staged = [
        replace(one, uids=("1.1", f"2.{number}", "1.3")) for number, one in enumerate(treated)
    ]
    assert not delivery({})
    assert len(delivery.found()) == 20


def test_a_pipe_in_a_files_place_is_not_waited_for(delivery: Delivery) -> None:
    folder = delivery.out / "P-1/1.1/1.2"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "1.3.dcm")
    assert delivery({"1.3": "a"}) == {CONFLICT: 1}


def test_only_part_folders_are_ever_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    remove_parts(tmp_path / "precious")
    remove_parts(tmp_path / f"{PART_PREFIX}gone")
    assert (tmp_path / "precious").exists()
