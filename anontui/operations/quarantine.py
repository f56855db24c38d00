"""Files that a server holds back: looked at, and decided on, over its web API. For admins."""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.deid.pixels.view import Picture, View
from anontui.errors import UnexpectedAnswer, UsageError

if TYPE_CHECKING:
    from anontui.deid.rules.pixelrules import Box
    from anontui.idis.client import Client

MOST_FILES = 100_000
_MOST_SIDE = 1 << 16
_MOST_PIXELS = 64 << 20


@dataclass(frozen=True)
class HeldFile:
    """A file that a server holds, or held: where it came from, why, and what was decided."""

    id: str
    job_id: int
    project: str
    code: str
    reason: str
    size: int
    time: str
    state: str
    has_copy: bool
    who: str
    note: str


def held_files(client: Client, *, state: str = "waiting") -> list[HeldFile]:
    """All files in a state (waiting, released, rejected; empty: all), oldest first.

    Raises
    ------
    ServerError
        If the user is no admin, or the server has no quarantine or answers nonsense.
    """
    found: list[HeldFile] = []
    while True:
        after = found[-1].id if found else None
        answer = client.get("get_quarantine", state=state or None, after=after)
        page = [_held_file(one) for one in _list(answer, "entries")]
        found += page
        if not page or len(found) > MOST_FILES or page[-1].id == after:
            return found


def look(client: Client, entry_id: str, frame: int = 0) -> View:
    """The picture of a frame, from 0. Each look is in the server's audit.

    Raises
    ------
    ServerError
        If it cannot be shown, or makes no sense.
    """
    answer = client.get("get_quarantine_picture", entry_id=entry_id, frame=frame)
    try:
        return _view(answer)
    except (KeyError, TypeError, ValueError, zlib.error, binascii.Error):
        raise _nonsense("get_quarantine_picture") from None


def release(
    client: Client,
    ids: Sequence[str],
    note: str = "",
    *,
    again: bool = False,
    boxes: Sequence[Box] = (),
) -> list[int]:
    """Have files done again in their jobs; returns the jobs that go on by themselves.

    Parameters
    ----------
    client
        The server.
    ids
        What is released, all or none.
    note
        Why, for the audit.
    again
        True has them judged by the policy as it is now.
    boxes
        What is blacked out in all their frames.

    Raises
    ------
    ServerError
        If one does not wait any more, or cannot go.
    """
    told = [f"{b.left},{b.top},{b.right - b.left},{b.bottom - b.top}" for b in boxes]
    answer = client.post(
        "release_quarantine",
        entry_ids=list(ids),
        note=note or None,
        again="true" if again else None,
        boxes=told or None,
    )
    jobs = _list(answer, "job_ids")
    return [job for job in jobs if isinstance(job, int)]


def reject(client: Client, ids: Sequence[str], note: str) -> None:
    """Have files stay out for good; the server deletes its copies.

    Raises
    ------
    UsageError
        If there is no reason given.
    ServerError
        If one does not wait any more.
    """
    if not note.strip():
        raise UsageError("A file is rejected for a reason", advice="Say why, for the audit.")
    client.post("reject_quarantine", entry_ids=list(ids), note=note)


def _held_file(one: object) -> HeldFile:
    if not isinstance(one, dict) or not isinstance(one.get("id"), str):
        raise _nonsense("get_quarantine")

    def number(name: str) -> int:
        value = one.get(name)
        return value if isinstance(value, int) else 0

    def text(name: str) -> str:
        return str(one.get(name) or "")[:1000]

    return HeldFile(
        one["id"],
        number("job_id"),
        text("project"),
        text("code"),
        text("reason"),
        number("size"),
        text("time"),
        text("state"),
        bool(number("has_copy")),
        text("who"),
        text("note"),
    )


def _view(answer: object) -> View:
    if not isinstance(answer, dict):
        raise ValueError
    names = ("rows", "columns", "frames", "frame", "step", "samples")
    numbers = {name: answer[name] for name in names}
    if not all(isinstance(n, int) and 0 <= n < 1 << 31 for n in numbers.values()):
        raise ValueError
    picture = Picture(**numbers, pixels=b"")
    if not (0 < max(picture.rows, picture.columns) < _MOST_SIDE and picture.step):
        raise ValueError
    size = picture.width * picture.height * picture.samples
    if picture.samples not in (1, 3) or not 0 < size <= _MOST_PIXELS:
        raise ValueError
    pixels = zlib.decompressobj().decompress(b64decode(answer["pixels"], validate=True), size + 1)
    if len(pixels) != size:
        raise ValueError
    facts = tuple((str(name)[:40], str(text)[:200]) for name, text in answer["facts"])
    return View(Picture(**numbers, pixels=pixels), facts[:40])


def _list(answer: object, name: str) -> list[object]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise _nonsense(name)
    return found


def _nonsense(function: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"The server's answer to {function} makes no sense", advice="Tell the server's admin."
    )
