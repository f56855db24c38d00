"""The live table of ``anontui batch watch``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from anontui.cli.context import job_row
from anontui.cli.out import clean, say, table_of
from anontui.events import Warning  # noqa: A004 - the word of the field

if TYPE_CHECKING:
    from rich.console import RenderableType

    from anontui.idis.model import Job

_COLUMNS = ("id", "status", "down", "proc", "pseudonym", "error")
_ORDER = ("ERROR", "UPLOADED", "ACTIVE", "INACTIVE", "DONE")
"""What needs a look comes first, for not all may fit."""


def follow_jobs(
    news: Iterator[dict[int, Job] | Warning], ids: Sequence[int], *, quiet: bool
) -> dict[int, Job]:
    """Show jobs until ``news`` ends; return how they were then.

    On a terminal a table that is drawn anew, else a line for each change; ``quiet`` shows
    nothing but what is wrong.
    """
    if quiet:
        return _print(news, silent=True)
    return _draw(news, ids) if sys.stdout.isatty() else _print(news, silent=False)


def _print(news: Iterator[dict[int, Job] | Warning], *, silent: bool) -> dict[int, Job]:
    last: dict[int, Job] = {}
    for found in news:
        if isinstance(found, Warning):
            _warn(found)
            continue
        for job_id, job in found.items():
            if not silent and job != last.get(job_id):
                counts = f"{job.files_processed or 0}/{job.files_downloaded or 0}"
                click.echo(clean(f"{job_id} {job.status} {counts} {job.error_text}").rstrip())
        if found is not last:
            sys.stdout.flush()
        last = found
    return last


def _draw(news: Iterator[dict[int, Job] | Warning], ids: Sequence[int]) -> dict[int, Job]:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    last: dict[int, Job] = {}
    # afterwards the whole table is printed as ``batch status`` does
    with Live(console=console, transient=True, auto_refresh=False) as live:
        for found in news:
            if isinstance(found, Warning):
                _warn(found)
            elif found is not last:
                last = found
                live.update(_picture(found, ids, console.size.height), refresh=True)
    return last


def _picture(found: Mapping[int, Job], ids: Sequence[int], height: int) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    jobs = sorted(found.values(), key=lambda job: (_ORDER.index(job.status), job.job_id))
    room = max(height - 6, 1)
    counts = Counter(job.status for job in jobs)
    words = [f"{counts[name]} {name}" for name in _ORDER if counts[name]]  # type: ignore[index]  # a status is its text
    if missing := len(ids) - len(found):
        words.append(f"{missing} NOT_FOUND")
    final = sum(job.status.is_final for job in jobs) + missing
    left_out = len(jobs) - room
    total = Table.grid(padding=(0, 2))
    total.add_row(
        ProgressBar(total=max(len(ids), 1), completed=final, width=30),
        Text(f"{final} of {len(ids)} jobs are over: {', '.join(words)}"),
    )
    return Group(
        table_of([job_row(job) for job in jobs[:room]], _COLUMNS),
        Text(f"… and {left_out} more" if left_out > 0 else "", style="dim"),
        total,
    )


def _warn(warning: Warning) -> None:
    say(f"Warning: {warning.message.rstrip('.')}. {warning.advice}")
