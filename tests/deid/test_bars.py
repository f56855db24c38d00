"""The correctness bars that look at many files, or at many runs, at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from anontui.deid import Deidentifier, Option, Policy
from anontui.deid.values.uids import new_uid
from tests.deid.build import CT, FORMS, JPEG, KEY, PERMISSIVE, PSEUDONYM, E, Form, file_of
from tests.deid.executors import IS_NIGHT, Pair
from tests.deid.policies import POLICIES
from tests.deid.test_corpus import FILES, PIXELS
from tests.deid.test_series import slice_of, written
from tests.deid.test_structure import encapsulated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


# --- references resolve, UIDs do not collide


def linked(number: int, count: int) -> dict[int, E]:
    """A slice that refers to others of its corpus, in each place where that is done."""

    def reference(n: int) -> list[E]:
        uid = f"1.2.3.4.{n % count}".encode()
        return [E(0x00081150, "UI", CT.encode()), E(0x00081155, "UI", uid)]

    series = [
        E(0x00081199, "SQ", [reference(number + 3)]),
        E(0x0020000E, "UI", b"1.2.3.1"),
    ]
    return slice_of(number) | {
        element.tag: element
        for element in (
            E(0x00081110, "SQ", [[reference(0)[0], E(0x00081155, "UI", b"1.2.3")]]),
            E(0x00081115, "SQ", [series]),
            E(0x00081140, "SQ", [reference(number + 1), reference(number + 2)]),
            E(0x00082112, "SQ", [reference(number + 4)]),
            E(0x00200052, "UI", b"1.2.3.7"),
            E(0x00189006, "SQ", [[E(0x00081140, "SQ", [reference(number + 5)])]]),
        )
    }


def uids_in(dataset: Dataset, tag: int) -> set[str]:
    found = set()
    for element in dataset:
        if element.tag == tag:
            found.add(str(element.value))
        if element.VR == "SQ":
            for item in element.value:
                found |= uids_in(item, tag)
    return found


@pytest.mark.parametrize("policy", ["basic", "retain-uids"])
def test_references_resolve(policy: str, tmp_path: Path) -> None:
    """Whichever executor and process, whatever the form: what pointed somewhere still does."""
    count = 24
    instances, referenced, series, frames = set(), set(), set(), set()
    engines = [Deidentifier(POLICIES[policy], KEY, PSEUDONYM, fast=fast) for fast in (True, False)]
    for number in range(count):
        source, target = tmp_path / "a", tmp_path / "b"
        source.write_bytes(written(linked(number, count), list(FORMS.values())[number % 6]))
        assert engines[number % 2].file(source, target, sync=False).status == "done"
        dataset = pydicom.dcmread(target)
        assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
        assert dataset.SOPClassUID == dataset.file_meta.MediaStorageSOPClassUID
        instances.add(str(dataset.SOPInstanceUID))
        referenced |= uids_in(dataset, 0x00081155)
        series |= uids_in(dataset, 0x0020000E)
        frames |= uids_in(dataset, 0x00200052)
        study = str(dataset.StudyInstanceUID)
    assert len(instances) == count
    kept = set() if policy == "retain-uids" else {"1.2.3.4.0"}
    assert not kept & instances
    # those of sequences that the profile removes are gone; none points to nowhere
    assert referenced <= instances | {study}
    assert len(referenced & instances) > count // 2
    assert len(series) == len(frames) == 1


def test_a_million_uids_do_not_collide() -> None:
    seen = {new_uid(KEY, f"1.2.840.113619.2.55.3.{n}") for n in range(1_000_000)}
    assert len(seen) == 1_000_000
    assert max(map(len, seen)) <= 44
    assert all(uid.startswith("2.25.") for uid in seen)


# --- the same bytes, whatever came before


def corpus(count: int) -> list[bytes]:
    """A mixed bag: two series of two patients in several forms, and files between."""
    made = []
    for number in range(count):
        slice_ = slice_of(number)
        if number % 5 == 3:
            slice_[0x00100020] = E(0x00100020, "LO", b"MRN-77")
        if number % 7 == 5:
            slice_[0x00181160] = E(0x00181160, "SH", b"WEDGE")
            slice_[0x00180015] = E(0x00180015, "CS", b"HEAD")
        form = FORMS["implicit" if number % 11 == 8 else "explicit"]
        made.append(written(slice_, form))
    return made


RESEARCH = Policy.build(
    options=[Option.CLEAN_DESCRIPTORS, Option.RETAIN_MODIFIED_DATES], filters=PERMISSIVE.filters
)


@pytest.mark.parametrize("seed", range(6))
def test_order_does_not_matter(seed: int, tmp_path: Path) -> None:
    files = corpus(40)
    want = [Pair(RESEARCH, tmp_path).fast(data)[1] for data in files]
    order = list(range(len(files)))
    random.Random(seed).shuffle(order)
    pair = Pair(RESEARCH, tmp_path)
    for number in order:
        assert pair.fast(files[number])[1] == want[number]
    assert pair.ways["fast"] == len(files)


_WORKER = """
import hashlib, sys
from pathlib import Path
from anontui.deid import *
folder = Path(sys.argv[1])
policy = Policy.build(options=[Option.CLEAN_DESCRIPTORS, Option.RETAIN_MODIFIED_DATES])
engine = Deidentifier(policy, bytes(range(32)), Pseudonym("PSEUDO-7", "Pseudo^Seven"))
for name in sys.argv[2:]:
    target = folder / f"out-{name}"
    engine.file(folder / name, target, sync=False)
    print(name, hashlib.sha256(target.read_bytes()).hexdigest())
"""


def test_processes_agree(tmp_path: Path) -> None:
    """Two workers with other hash seeds, each with another part and order of the files."""
    names = []
    for number, data in enumerate(corpus(30)):
        (tmp_path / f"{number}.dcm").write_bytes(data)
        names.append(f"{number}.dcm")
    told = []
    for seed, part in (("1", names), ("2", names[::-1]), ("3", names[::3]), ("4", names[1::2])):
        words = [sys.executable, "-c", _WORKER, str(tmp_path), *part]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
        told.append(dict(line.split() for line in done.stdout.splitlines()))
    for other in told[1:]:
        assert other.items() <= told[0].items()


# --- what no rule touches is untouched

UNTOUCHED = {
    0x00080008: ("CS", b"ORIGINAL \\ PRIMARY"), 0x00080064: ("CS", b"SYN "),
    0x00080070: ("LO", b" Maker  "), 0x00081090: ("LO", b"Model\0"), 0x00180015: ("CS", b"chest "),
    0x00180020: ("CS", b"SE\\GR"), 0x00180050: ("DS", b"+1.500E0"), 0x00180060: ("DS", b""),
    0x00181151: ("IS", b"0200"), 0x00189073: ("FD", bytes(range(8))), 0x00189087: ("FD", bytes(24)),
    0x00189219: ("SS", b"\xff\xff"), 0x00189423: ("LO", b"protocol = 7"),
    0x00200011: ("IS", b" 2"), 0x00200013: ("IS", b"007 "), 0x00200032: ("DS", b"1\\-0.0\\1e3 "),
    0x00280009: ("AT", b"\x18\0\x63\x10"), 0x00280106: ("US", b"\7\0"),
    0x00281050: ("DS", b"40\\400"), 0x00281201: ("OW", bytes(range(256)) * 300),
    0x00282000: ("OB", b"icc!" * 9), 0x00283003: ("LO", b"a\\b"), 0x00540081: ("US", b"\1\0"),
}  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("form", [name for name in FORMS if name != "big endian"])
def test_nothing_is_removed_too_much(policy: str, form: str, tmp_path: Path) -> None:
    """Bytes of values, and their order, at the top and inside a sequence."""
    own = [E(tag, vr, value) for tag, (vr, value) in UNTOUCHED.items()]
    told = {0x00180050, 0x00180060, 0x00080070} if policy == "told" else set()
    nested = E(0x00189006, "SQ", [own, [], own[3:]])
    pair = Pair(POLICIES[policy], tmp_path)
    for _ in range(3):
        outcome, result = pair.fast(file_of(*own, nested, form=FORMS[form]))
        assert outcome.status == "done", outcome.reason
        before = pydicom.dcmread(BytesIO(file_of(*own, nested, form=FORMS[form])))
        after = pydicom.dcmread(BytesIO(result))
        items = after[0x00189006].value
        assert len(items) == 3
        for left, right in ((before, after), (before[0x00189006].value[0], items[0])):
            for tag in set(UNTOUCHED) - told:
                assert right.get_item(tag).value == left.get_item(tag).value, hex(tag)
        gone = {0x00180060} & told
        assert len(items[2]) == len(own[3:]) - len(gone)
        assert after.PixelData == before.PixelData


@pytest.mark.parametrize("policy", ["basic", "everything that stays", "private kept", "scrub"])
def test_pixels_of_the_corpus(policy: str, tmp_path: Path) -> None:
    pair = Pair(POLICIES[policy], tmp_path)
    count = 0
    for path in FILES:
        data = path.read_bytes()
        if len(data) > (2_000_000 if policy == "basic" else 200_000):
            continue
        outcome, result = pair.fast(data)
        if outcome.status != "done":
            continue
        before = pydicom.dcmread(BytesIO(data), force=True)
        after = pydicom.dcmread(BytesIO(result))
        for tag in PIXELS:
            assert (tag in before) is (tag in after)
            if tag in before:
                count += 1
                assert before.get_item(tag).value == after.get_item(tag).value, path.name
    assert count > 40


def test_pixels_of_made_files(tmp_path: Path) -> None:
    pair = Pair(PERMISSIVE, tmp_path)
    size = [E(0x00280010, "US", 300), E(0x00280011, "US", 300)]
    for seed, form in enumerate(FORMS.values()):
        pixels = random.Random(seed).randbytes(300 * 300 * 2)
        _, result = pair.fast(file_of(*size, E(0x7FE00010, "OW", pixels), form=form))
        assert pydicom.dcmread(BytesIO(result)).PixelData == pixels
    _, result = pair.fast(encapsulated(JPEG))
    assert pydicom.dcmread(BytesIO(result)).PixelData == (
        pydicom.dcmread(BytesIO(encapsulated(JPEG))).PixelData
    )
    assert Form(JPEG).syntax == pydicom.dcmread(BytesIO(result)).file_meta.TransferSyntaxUID


# --- killed at any moment

_KILLED = """
import sys
from pathlib import Path
from anontui.deid import *
source, target = Path(sys.argv[1]), Path(sys.argv[2])
engine = Deidentifier(Policy.basic(), bytes(range(32)), Pseudonym("PSEUDO-7", "Pseudo^Seven"))
print("ready", flush=True)
n = 0
while True:
    engine.file(source, target / f"{n % 50}.dcm", sync=False)
    n += 1
"""


@pytest.mark.parametrize("syntax", ["explicit", "big endian"])
def test_killed_at_any_moment(syntax: str, tmp_path: Path) -> None:
    """Whatever has a target's name is whole; what is not has a name of its own."""
    size = [E(0x00280010, "US", 600), E(0x00280011, "US", 600)]
    pixels = random.Random(1).randbytes(600 * 600 * 2)
    source, out = tmp_path / "a.dcm", tmp_path / "out"
    source.write_bytes(file_of(*size, E(0x7FE00010, "OW", pixels), form=FORMS[syntax]))
    out.mkdir()
    whole = Pair(PERMISSIVE, tmp_path).fast(source.read_bytes())[1]
    chance = random.Random(syntax)
    left_over = 0
    for _ in range(100 if IS_NIGHT else 3):
        words = [sys.executable, "-c", _KILLED, str(source), str(out)]
        worker = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        worker.stdout.readline()
        time.sleep(chance.random() * 0.05)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        for path in out.iterdir():
            if path.name.endswith(".tmp"):
                left_over += 1
                path.unlink()
            else:
                assert path.read_bytes() == whole
                path.unlink()
    print("unfinished files that were left:", left_over)
