"""Held files: the list, the pictures, and the decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from anontui.errors import AnonTUIError, UsageError
from anontui.tui.acts import common
from anontui.tui.acts.jobs import MANY
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.quarantine import QuarantineScreen
from anontui.tui.screens.review import ReviewScreen

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI

T = TypeVar("T")
PICTURE_SECONDS = 40.0
"""To wait for a picture: the server gives hostile ones up after 30 s."""


def with_client(app: AnonTUI, server: Server, work: Callable[[Client], T]) -> T:
    """Do something with a server, in the background."""
    from anontui.operations.servers import connect

    with connect(common.workspace_of(app).settings, server, timeout=PICTURE_SECONDS) as client:
        return work(client)


def open_list(app: AnonTUI) -> None:
    """Show what the active server holds."""
    server = common.workspace_of(app).settings.active_server
    app.push_screen(QuarantineScreen(server))


def look(app: AnonTUI) -> None:
    """Show the file under the cursor."""
    screen = app.here
    assert isinstance(screen, QuarantineScreen)  # noqa: S101 - the action needs it

    def closed(_: None) -> None:
        screen.ask()

    files = screen.order()
    first = screen.files[str(screen.grid.cursor_key)]
    app.push_screen(ReviewScreen(screen.server, files, first, screen.drawn), closed)


def release(app: AnonTUI, again: bool = False) -> None:
    """Release what is marked, or looked at: as it is, or by the policy as it is now."""
    server, ids = _chosen(app)
    how = "Judge again" if again else "Release"
    meaning = (
        "They are judged by the project's policy as it is now."
        if again
        else "They are de-identified and delivered AS THEY ARE: pictures that show a name show it."
    )
    if len(ids) == 1:
        meaning = meaning.replace("They are", "It is", 1).replace("AS THEY ARE", "AS IT IS")

    def work(client: Client) -> str:
        from anontui.operations.quarantine import release as let_go

        return _goes_on(let_go(client, ids, again=again))

    word = "" if again or len(ids) < MANY else "release"
    question = ConfirmScreen(f"{how} {_files(ids)} on {server.name}?", meaning, how, word=word)
    _decide(app, question, work)


def release_blacked(app: AnonTUI) -> None:
    """Release the file that is looked at, with the boxes blacked out."""
    screen = app.here
    assert isinstance(screen, ReviewScreen)  # noqa: S101 - the action needs it
    server, ids = _chosen(app)
    boxes = screen.boxes.all

    def work(client: Client) -> str:
        from anontui.operations.quarantine import release as let_go

        return _goes_on(let_go(client, ids, boxes=boxes))

    count = f"{len(boxes)} box{'es' * (len(boxes) > 1)}"
    frames = screen.view.picture.frames if screen.view else 1
    meaning = f"{count} blacked out in {f'all {frames} frames' if frames > 1 else 'its frame'}."
    meaning += " Everything outside is delivered as it is."
    question = ConfirmScreen(
        f"Release {_files(ids)} on {server.name}, blacked out?", meaning, "Release"
    )
    _decide(app, question, work)


def reject(app: AnonTUI) -> None:
    """Ask for the reason, then have what is marked, or looked at, stay out for good."""
    server, ids = _chosen(app)
    screen = app.here
    before = screen.note if isinstance(screen, ReviewScreen) else ""

    def answered(note: str) -> None:
        if not note:
            raise UsageError("A file is rejected for a reason", advice="Say why, for the audit.")
        if isinstance(screen, ReviewScreen):
            screen.note = note

        def work(client: Client) -> str:
            from anontui.operations.quarantine import reject as keep_out

            keep_out(client, ids, note)
            return f"Rejected {_files(ids)}"

        question = ConfirmScreen(
            f"Reject {_files(ids)} on {server.name}?",
            "The server's copies are deleted, and they are never delivered.",
            "Reject",
            word="reject" if len(ids) >= MANY else "",
        )
        _decide(app, question, work)

    common.ask(app, f"Why {_files(ids)} must stay out (for the audit)", before, answered)


def _chosen(app: AnonTUI) -> tuple[Server, list[str]]:
    """Server and files that an action is about."""
    screen = app.here
    if isinstance(screen, ReviewScreen):
        return screen.server, [screen.file.id]
    assert isinstance(screen, QuarantineScreen)  # noqa: S101 - the actions need one of the two
    return screen.server, screen.waiting()


def _decide(app: AnonTUI, question: ConfirmScreen, work: Callable[[Client], str]) -> None:
    """Ask, tell the server, then go on."""
    screen = app.here
    server, ids = _chosen(app)

    def done(word: str) -> None:
        app.say(word, "$success")
        app.polling.restart()
        if not screen.is_attached:
            return
        if isinstance(screen, ReviewScreen):
            screen.deciding.difference_update(ids)
            screen.file_decided(ids[0])
        elif isinstance(screen, QuarantineScreen):
            screen.grid.clear_marks()
            screen.ask()

    def failed(error: AnonTUIError) -> None:
        if isinstance(screen, ReviewScreen):
            screen.deciding.difference_update(ids)
        app.fail(error)

    def begin() -> None:
        if isinstance(screen, ReviewScreen):
            screen.deciding.update(ids)
        app.start("held", lambda: with_client(app, server, work), done, failed, label="Deciding")

    common.confirm(app, question, begin)


def _goes_on(jobs: Sequence[int]) -> str:
    if not jobs:
        return "Released; a reset of the job has it done"
    names = ", ".join(map(str, jobs[:5])) + " …" * (len(jobs) > 5)
    return f"Released; job{'s' * (len(jobs) > 1)} {names} go{'es' * (len(jobs) == 1)} on"


def _files(ids: Sequence[str]) -> str:
    return "this file" if len(ids) == 1 else f"{len(ids)} files"
