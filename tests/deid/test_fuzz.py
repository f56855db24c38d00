"""Broken by chance: always an answer, and never the identity in an output."""

from __future__ import annotations

import importlib.util
import random
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.deid import Limits, Policy, Refused
from anontui.deid.quiet import quiet
from anontui.deid.source import parse
from tests.deid.build import FORMS, PERMISSIVE, E, Form, file_of, run

FILES = 1000
ROUNDS = 20
IDENTITY = (b"lindqvist", b"tova", b"mrn-190284", b"19020304")

# As in life, the identity stands in several places: one of them may be hit.
PATIENT = [
    E(0x00100010, "PN", b"Lindqvist^Tova"),
    E(0x00100020, "LO", b"MRN-190284"),
    E(0x00101000, "LO", b"MRN-190284"),
    E(0x00101001, "PN", b"Lindqvist^Tova"),
    E(0x00101005, "PN", b"Lindqvist^Tova"),
    E(0x00101060, "PN", b"Tova^Lindqvist"),
]


def whole(form: Form) -> bytes:
    items = [[*PATIENT, E(0x00081155, "UI", b"1.2.9")], [E(0x00189006, "SQ", [PATIENT])]]
    texts = [E(0x00080070, "LO", b"maker"), E(0x00180050, "DS", b"1.5")]
    private = [E(0x00090010, "LO", b"ACME"), E(0x00091001, "PN", b"Lindqvist^Tova")]
    return file_of(*PATIENT, *texts, *private, E(0x00189006, "SQ", items), form=form)


def small_files() -> list[bytes]:
    spec = importlib.util.find_spec("pydicom")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "data" / "test_files"
    return [
        path.read_bytes() for path in sorted(folder.glob("*.dcm")) if path.stat().st_size < 20000
    ]


def mutated(data: bytes, chance: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(broken))
        match chance.randrange(6):
            case 0:
                broken[at] ^= 1 << chance.randrange(8)
            case 1:
                broken[at] = chance.randrange(256)
            case 2:
                del broken[at : at + chance.choice((1, 2, 8, 100))]
            case 3:
                broken[at:at] = chance.randbytes(chance.choice((1, 2, 8)))
            case 4:
                broken[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\xfe\xff\0\xe0", b"\xfe\xff\xdd\xe0", b"\0\0\0\0")
                )
            case _:
                other = chance.randrange(len(broken))
                broken[at:at] = broken[other : other + chance.choice((4, 8, 64))]
        if not broken:
            break
    return bytes(broken)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_mutated_files(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    forms = list(FORMS.values())
    for _ in range(FILES // ROUNDS):
        data = mutated(whole(chance.choice(forms)), chance)
        outcome, result = run(data, tmp_path, policy=PERMISSIVE)
        assert outcome.status in ("done", "rejected", "quarantined")
        if outcome.status == "done":
            dataset = pydicom.dcmread(BytesIO(result))
            plain = (result + repr(dataset).encode()).lower()
            assert not [word for word in IDENTITY if word in plain], (seed, data)


@pytest.mark.parametrize("seed", range(5))
def test_mutated_real_files(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    files = small_files()
    for _ in range(40):
        outcome, result = run(mutated(chance.choice(files), chance), tmp_path, policy=PERMISSIVE)
        if outcome.status == "done":
            repr(pydicom.dcmread(BytesIO(result)))


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(sorted(FORMS)), st.booleans())
def test_any_bytes_as_a_data_set(noise: bytes, name: str, in_front: bool) -> None:
    """What begins or ends with noise is parsed or refused, and nothing else."""
    form = FORMS[name]
    good = file_of(form=form)
    data = good[:-8] + noise if in_front else b"\x08\0" + noise
    try:
        with quiet():
            parse(data, Limits(depth=8))
    except Refused:
        pass


def test_policy_with_tight_limits_holds_everything(tmp_path: Path) -> None:
    tight = Policy.basic(limits=Limits(elements=5, depth=1))
    for form in FORMS.values():
        assert run(whole(form), tmp_path, policy=tight)[0].status == "quarantined"
