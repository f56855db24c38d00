"""Held images with something burned in: looked at, and delivered with boxes blacked out."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from anontui.deid.rules.pixelrules import Box
from anontui.errors import UsageError
from anontui.server import review as review_module
from anontui.server.engine import Processes
from anontui.server.quarantine import Held
from anontui.server.review import Review
from anontui.server.users import Role
from tests import ultrasound
from tests.server.conftest import Ledger
from tests.server.running import create, delivered, ended, running
from tests.server.support import Caller

BOX = ",".join(map(str, ultrasound.TEXT))


@pytest.fixture
def review(ledger: Ledger) -> Iterator[Review]:
    with Review.of(ledger.folder, ledger.database) as review:
        yield review


@pytest.fixture
def admin(call: Caller, ledger: Ledger) -> Caller:
    return Caller(call.url, "root", ledger.users.add("root", role=Role.ADMIN))


def _held(review: Review) -> list[str]:
    return [str(one["id"]) for one in review.quarantine.entries() if one["state"] == "waiting"]


def test_what_was_drawn_is_black_in_all_frames_and_nothing_else_changes(
    ledger: Ledger, share: Path, review: Review, admin: Caller
) -> None:
    sources = [
        ultrasound.write(share / "in" / "a.dcm", frames=3, number=1),
        ultrasound.write(share / "in" / "b.dcm", number=2),
    ]
    with running(ledger, Processes(1)):
        job_id = create(ledger.store)
        ended(ledger.store, job_id)
        both = _held(review)
        assert len(both) == 2
        assert delivered(share) == []
        parameters = [("entry_ids", both[0]), ("boxes", BOX), ("boxes", "0,230,9999,50")]
        status, answer = admin("POST", "release_quarantine", parameters)
        assert (status, answer) == (200, {"released": both[:1], "job_ids": [job_id]})
        ended(ledger.store, job_id)
    [result] = delivered(share)
    new, old = dcmread(result), dcmread(sources[0])
    left, top, width, height = ultrasound.TEXT
    expected = old.pixel_array.copy()
    expected[:, top : top + height, left : left + width] = 0
    expected[:, 230:] = 0
    assert (expected != old.pixel_array).any()
    assert (new.pixel_array == expected).all()
    assert new.BurnedInAnnotation == "NO"
    codes = {item.CodeValue for item in new.DeidentificationMethodCodeSequence}
    assert "113101" in codes
    assert b"Jansen" not in result.read_bytes()
    assert _held(review) == both[1:], "boxes are for the bytes of one file"
    [entry] = review.quarantine.entries(both[:1])
    assert json.loads(str(entry["boxes"])) == [[8, 6, 208, 26], [0, 230, 9999, 280]]
    told = [row for row in ledger.store.audit(limit=100) if row["what"] == "released"]
    assert json.loads(str(told[-1]["details"]))["boxes"][0] == [8, 6, 208, 26]


def test_boxes_drawn_before_stay_in_a_later_release(review: Review, tmp_path: Path) -> None:
    source = ultrasound.write(tmp_path / "us.dcm")
    review.quarantine.keep(7, "lung", [Held(1, source, "ultrasound", "for ultrasound")])
    [entry] = _held(review)
    review.quarantine.release([entry], "root", boxes=[ultrasound_box()])
    review.quarantine.keep(7, "lung", [Held(1, source, "identity_left", "a value")])
    review.quarantine.release([entry], "root")
    [pardon] = set(review.quarantine.pardons(7).values())
    assert pardon.boxes == ((8, 6, 208, 26),)
    assert pardon.filters == {"ultrasound", "identity_left"}


def ultrasound_box() -> Box:
    return Box.told(BOX)


def test_an_admin_looks_and_it_is_in_the_audit(
    ledger: Ledger, review: Review, admin: Caller, call: Caller, tmp_path: Path
) -> None:
    source = ultrasound.write(tmp_path / "Jansen.dcm", frames=2)
    create(ledger.store)
    review.quarantine.keep(1, "lung", [Held(1, source, "ultrasound", "for ultrasound")])
    [entry] = _held(review)
    assert call("GET", "get_quarantine_picture", entry_id=entry)[0] == 400
    status, answer = admin("GET", "get_quarantine_picture", entry_id=entry, frame=1)
    assert status == 200
    assert zlib.decompress(b64decode(answer["pixels"])) == ultrasound.pixels(1)
    size = (answer["rows"], answer["columns"], answer["frames"], answer["frame"], answer["samples"])
    assert size == (ultrasound.ROWS, ultrasound.COLUMNS, 2, 1, 3)
    assert ["manufacturer", "Invented Devices"] in answer["facts"]
    last = ledger.store.audit(limit=100)[-1]
    assert (last["who"], last["what"], last["job_id"]) == ("root", "looked at held file", 1)
    assert "Jansen" not in str(last)
    small = admin("GET", "get_quarantine_picture", entry_id=entry, most=80)[1]
    assert small["step"] == 4
    pixels = np.frombuffer(zlib.decompress(b64decode(small["pixels"])), np.uint8)
    assert pixels.size == 60 * 80 * 3
    for wrong in ({"entry_id": "../.."}, {"entry_id": entry, "frame": 2}):
        status, answer = admin("GET", "get_quarantine_picture", wrong)
        assert (status, list(answer["errors"])) == (400, ["entry_id"])


@pytest.mark.parametrize("box", ["", "1,2,3", "0,0,0,0", "a,b,c,d"])
def test_a_box_that_is_none_releases_nothing(
    ledger: Ledger, review: Review, admin: Caller, tmp_path: Path, box: str
) -> None:
    source = ultrasound.write(tmp_path / "us.dcm")
    create(ledger.store)
    review.quarantine.keep(1, "lung", [Held(1, source, "ultrasound", "for ultrasound")])
    [entry] = _held(review)
    status, answer = admin("POST", "release_quarantine", entry_ids=entry, boxes=box)
    assert (status, list(answer["errors"])) == (400, ["boxes"])
    assert _held(review) == [entry]


def test_a_server_without_decoders_says_so_and_releases_nothing(
    review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ultrasound.write(tmp_path / "us.dcm")
    review.quarantine.keep(7, "lung", [Held(1, source, "ultrasound", "for ultrasound")])
    [entry] = _held(review)
    monkeypatch.setattr(review_module, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="lacks the decoders"):
        review.release([entry], "root", boxes=[ultrasound_box()])
    assert _held(review) == [entry]
