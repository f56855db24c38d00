"""Changing jobs of any server, after a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.operations.jobs import ActionResult
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI

MANY = 10
"""From this many jobs on, an action asks for a typed word."""


@dataclass(frozen=True)
class _Change:
    """How an operation on jobs is asked for and told."""

    operation: str
    verb: str
    meaning: str


_RESET = _Change("reset", "Reset", "Their output is made again.")
_CANCEL = _Change("cancel", "Cancel", "They stop where they are; reset starts them anew.")
_OPT_OUT = _Change(
    "ignore_opt_out",
    "Ignore opt-out of",
    "The server keeps the reason. Reset them to have them processed.",
)


def reset(app: AnonTUI, server: Server, ids: Sequence[int], then: Callable[[], None]) -> None:
    """Have a server process jobs again."""
    _act(app, _RESET, server, ids, then)


def cancel(app: AnonTUI, server: Server, ids: Sequence[int], then: Callable[[], None]) -> None:
    """Have a server stop jobs."""
    _act(app, _CANCEL, server, ids, then)


def ignore_opt_out(
    app: AnonTUI, server: Server, ids: Sequence[int], then: Callable[[], None]
) -> None:
    """Ask for the reason, then have jobs use the data of patients who opted out."""

    def answered(reason: str) -> None:
        from anontui.operations.jobs import check_reason

        check_reason(reason)
        _act(app, _OPT_OUT, server, ids, then, reason)

    common.ask(app, f"Signed consent for {_name(ids)} (the reason)", "", answered)


def _name(ids: Sequence[int]) -> str:
    return f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"


def _act(
    app: AnonTUI,
    change: _Change,
    server: Server,
    ids: Sequence[int],
    then: Callable[[], None],
    *words: str,
) -> None:
    settings = common.workspace_of(app).settings
    verb, jobs = change.verb, _name(ids)

    def work() -> Any:
        from anontui.operations import jobs as operations
        from anontui.operations.servers import connect

        with connect(settings, server) as client:
            yield from getattr(operations, change.operation)(client, ids, *words)

    def done(result: ActionResult) -> None:
        failed = "; ".join(f"job {i}: {why}" for i, why in result.failed.items())
        if failed:
            app.notify(failed, title=f"{verb} failed", severity="error", markup=False)
        app.say(f"{verb}: {len(result.done)} done, {len(result.failed)} failed")
        app.polling.restart()
        then()

    word = change.operation if len(ids) >= MANY and not words else ""
    question = ConfirmScreen(f"{verb} {jobs} on {server.name}?", change.meaning, verb, word=word)
    common.confirm(app, question, lambda: app.start("jobs", work, done, label=f"{verb} {jobs}"))
