"""Small files that want to become large, and large ones: refused or done, within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Literal

import pytest

from anontui.deid import Deidentifier, Limits, Policy, Reason
from tests.deid.build import (
    DEFLATED,
    EXPLICIT,
    FORMS,
    KEY,
    PERMISSIVE,
    PSEUDONYM,
    E,
    Form,
    encode,
    file_of,
    image,
    part10,
    run,
)
from tests.deid.executors import IS_NIGHT, Pair
from tests.deid.policies import POLICIES
from tests.deid.test_fuzz import PATIENT, no_hang

MEGABYTE = 1 << 20
_MEASURED = """
import json, resource, sys
from pathlib import Path
from anontui.deid import *
engine = Deidentifier(Policy.basic(), bytes(range(32)), Pseudonym("PSEUDO-7", "Pseudo^Seven"))
engine.file(Path(sys.argv[1]), Path(sys.argv[3]), sync=False)  # so that the tables are loaded
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outcome = engine.file(Path(sys.argv[2]), Path(sys.argv[4]), sync=False)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([outcome.status, outcome.code, (after - before) * 1024]))
"""


def measured(source: Path) -> tuple[str, str | None, int]:
    """Status, reason, and how many bytes of memory a process of its own took more for a file."""
    folder = source.parent
    small = folder / "small.dcm"
    small.write_bytes(file_of())
    words = [sys.executable, "-c", _MEASURED, str(small), str(source)]
    words += [str(folder / "small-out.dcm"), str(folder / "out.dcm")]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120)
    status, code, more = json.loads(done.stdout)
    return status, code, more


def deflate_bomb(megabytes: int) -> bytes:
    """A whole image, then a private value of zeros without end."""
    deflater = zlib.compressobj(9, wbits=-15)
    form = Form(EXPLICIT)
    head = encode([*image(E(0x00091001, "OB", b""))], form)
    value = b"OB\0\0" + (megabytes * MEGABYTE).to_bytes(4, "little")
    start = deflater.compress(head.replace(b"OB\0\0\0\0\0\0", value))
    start += deflater.flush(zlib.Z_FULL_FLUSH)
    # behind a full flush nothing refers to what was before, so a part may be repeated
    zeros = deflater.compress(bytes(MEGABYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)
    meta = part10(b"", EXPLICIT).replace(
        encode([E(0x00020010, "UI", EXPLICIT.encode())], form),
        encode([E(0x00020010, "UI", DEFLATED.encode())], form),
    )
    return meta + start + zeros * megabytes + deflater.flush()


def test_deflated_gigabyte(tmp_path: Path) -> None:
    data = deflate_bomb(1024)
    assert len(data) < 1_200_000
    source = tmp_path / "source.dcm"
    source.write_bytes(data)
    status, code, more = measured(source)
    assert (status, code) == ("quarantined", "too_large")
    assert more < 1100 * MEGABYTE  # the limit of 512 MiB, and what a growing buffer copies


@pytest.mark.parametrize("limit", [1, 4])
def test_inflating_stops_at_the_limit(limit: int, tmp_path: Path) -> None:
    policy = Policy.basic(limits=Limits(inflated_bytes=limit * MEGABYTE))
    data = deflate_bomb(64)
    run(file_of(form=FORMS["deflated"]), tmp_path, policy=policy)
    tracemalloc.start()
    try:
        outcome, _ = run(data, tmp_path, policy=policy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.code is Reason.TOO_LARGE
    assert peak < 4 * limit * MEGABYTE + 4 * len(data)


@pytest.mark.parametrize(
    "element",
    [
        E(0x00282000, "OB", b""),  # kept
        E(0x00091001, "OB", b""),  # removed
        E(0x00284000, "LT", b""),  # a text, in a 32-bit length
    ],
)
@pytest.mark.parametrize("form", ["explicit", "implicit"] if IS_NIGHT else ["explicit"])
def test_header_of_a_hundred_megabytes(element: E, form: str, tmp_path: Path) -> None:
    large = element._replace(value=b"h" * (100 * MEGABYTE))
    if large.vr == "LT":
        large = large._replace(vr="UT")
    source = tmp_path / "source.dcm"
    source.write_bytes(file_of(large, form=FORMS[form]))
    status, _, more = measured(source)
    assert status in ("done", "quarantined")
    assert more < 4.5 * 100 * MEGABYTE


@pytest.mark.parametrize("policy", ["basic", "scrub", "private kept"])
@pytest.mark.parametrize("form", ["explicit", "implicit", "big endian"])
@pytest.mark.parametrize("tag", [0x00189006, 0x00091003, 0x00101002])
@pytest.mark.parametrize("levels", [60, 65, 200, 5000])
def test_nested_sequences(policy: str, form: str, tag: int, levels: int, tmp_path: Path) -> None:
    """Kept, private or removed: no stack overflows, and nothing is refused as a crash."""
    written = FORMS[form]
    order: Literal["big", "little"] = "big" if written.order == ">" else "little"
    item = (0xFFFE).to_bytes(2, order) + (0xE000).to_bytes(2, order) + b"\xff" * 4
    mark = (0xFFFE).to_bytes(2, order)
    ends = [mark + end.to_bytes(2, order) + bytes(4) for end in (0xE00D, 0xE0DD)]
    head = (tag >> 16).to_bytes(2, order) + (tag & 0xFFFF).to_bytes(2, order)
    head += b"\xff" * 4 if written.implicit else b"SQ\0\0" + b"\xff" * 4
    opening, closing = (head + item) * levels, b"".join(ends) * levels
    whole = image()
    before = encode([element for element in whole if element.tag < tag], written)
    behind = encode([element for element in whole if element.tag > tag], written)
    data = part10(before + opening + closing + behind, written.syntax)
    with no_hang():
        outcome = Pair(POLICIES[policy], tmp_path).same(data)
    assert outcome.code is (Reason.TOO_DEEP if levels > 64 else None)


@pytest.mark.parametrize("form", [name for name in FORMS if name != "deflated"])
def test_zeros_that_are_no_padding(form: str, tmp_path: Path) -> None:
    """Four million zeros read as elements of no length, and at their end something else."""
    data = file_of(form=FORMS[form]) + bytes(4_000_000) + b"x"
    with no_hang():
        outcome, _ = run(data, tmp_path)
    assert outcome.status == "quarantined"


@pytest.mark.parametrize("form", ["explicit", "big endian"])
def test_many_small_elements(form: str, tmp_path: Path) -> None:
    """What pydicom needs for an element does not depend on its length: so many may be in a file."""
    items = 4_000
    data = file_of(E(0x00189006, "SQ", [[]] * items), form=FORMS[form])
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(data)
    engine = Deidentifier(PERMISSIVE, KEY, PSEUDONYM)
    engine.file(source, target, sync=False)
    tracemalloc.start()
    try:
        assert engine.file(source, target, sync=False).status == "done"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(data) + 2500 * items
    policy = Policy.basic(limits=Limits(elements=items))
    refused = Deidentifier(policy, KEY, PSEUDONYM).file(source, target, sync=False)
    assert refused.code is Reason.TOO_LARGE


@pytest.mark.parametrize("policy", ["basic", "scrub"])
def test_what_is_remembered_is_bounded(policy: str, tmp_path: Path) -> None:
    """A hostile series, each file with other long values, does not fill the memory."""
    engine = Deidentifier(POLICIES[policy], KEY, lambda _: PSEUDONYM)
    source, target = tmp_path / "a", tmp_path / "b"

    def one(number: int) -> None:
        value = f"{number}.".encode() * 8_000
        own = [
            E(0x00080008, "CS", b"ORIGINAL\\" + value[:16_000]),
            E(0x0008103E, "LO", value[:16_000]),
            E(0x00081155, "UI", (value * 3)[:60_000]),
            E(0x00081195, "UI", (value * 3)[:60_000]),
            E(0x00101001, "PN", b"Name" + value[:16_000]),
            E(0x00283003, "LO", value[:16_000]),
        ]
        names = [E(0x00100020, "LO", f"P{number}".encode())] if number % 2 else PATIENT
        source.write_bytes(file_of(*names, *own))
        engine.file(source, target, sync=False)

    for number in range(10):
        one(number)
    tracemalloc.start()
    try:
        for number in range(10, 60):
            one(number)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert left < 1.5 * MEGABYTE  # of 9 that went through
