"""What commands print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from anontui.errors import UsageError
from anontui.events import Progress, Result, Warning  # noqa: A004 - the word of the field

if TYPE_CHECKING:
    from rich.progress import ProgressColumn
    from rich.table import Table

T = TypeVar("T")

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
YES_OPTION = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Text of a file or a server without what could steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str) -> None:
    """Tell the user something that is not data."""
    click.echo(clean(text), err=True)


def show_json(data: object) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def show_table(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> None:
    """Print a table; off a terminal each row is one line, however long."""
    names = list(columns)
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(table_of(rows, names))
        return
    numeric = _numeric(rows, names)
    table = [names, *_cells(rows, names)]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for line in table:
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, numeric, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def table_of(rows: Sequence[Mapping[str, object]], columns: Iterable[str]) -> Table:
    """Make the table that a terminal shows."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = list(columns)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name, is_number in zip(names, _numeric(rows, names), strict=True):
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(name, justify=justify, no_wrap=is_number, overflow="fold")
    for line in _cells(rows, names):
        table.add_row(*map(Text, line))
    return table


def _numeric(rows: Sequence[Mapping[str, object]], names: Iterable[str]) -> list[bool]:
    return [all(isinstance(row.get(name), int | None) for row in rows) for name in names]


def _cells(rows: Iterable[Mapping[str, object]], names: Sequence[str]) -> list[list[str]]:
    return [
        ["" if row.get(name) is None else clean(" ".join(str(row[name]).split())) for name in names]
        for row in rows
    ]


def show_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line; absent values are left out."""
    shown = {name: clean(str(value)) for name, value in fields.items() if value not in (None, "")}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {value}")


def confirm(question: str, *, yes: bool) -> None:
    """Have the user agree, or end with exit code 1.

    Raises
    ------
    UsageError
        If there is no terminal to ask on, and ``yes`` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "This must be confirmed, and there is no terminal to ask on",
            advice="Add --yes if you are sure.",
        )
    if not click.confirm(clean(question), err=True):
        say("Nothing was done.")
        click.get_current_context().exit(1)


def _columns() -> list[ProgressColumn]:
    """Label, bar, how many of how many, how many a second, and the time that is left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.total is None or not task.speed:
                return Text()
            slow = task.speed < 1
            rate = task.speed * 60 if slow else task.speed
            return Text(f"{rate:,.0f} {task.fields['unit']}/{'min' if slow else 's'}")

    text = TextColumn("{task.description}")
    return [
        text,
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(compact=True),
    ]


def follow(events: Iterator[Progress | Warning | Result[T]], label: str) -> T:
    """Run an operation to its end, with a progress bar on a terminal; returns its result.

    Raises
    ------
    RuntimeError
        If the operation ends without a result (a programming error).
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False)
    shown = 0.0
    with Bar(
        *_columns(),
        console=console,
        transient=True,
        refresh_per_second=4,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(label, total=None, unit="")
        try:
            for event in events:
                if isinstance(event, Result):
                    return event.value
                if isinstance(event, Warning):
                    text = f"Warning: {event.message.rstrip('.')}. {event.advice}".strip()
                    bar.console.print(clean(text), markup=False, soft_wrap=True)
                elif time.monotonic() - shown > 0.1:
                    shown = time.monotonic()
                    text = escape(clean(f"{label}  {event.what}".strip()))
                    bar.update(
                        task,
                        completed=event.done,
                        total=event.total,
                        description=text,
                        unit=event.unit,
                    )
        finally:
            if isinstance(events, Generator):
                events.close()  # Ctrl-C ends it here and now, not when it is collected
    raise RuntimeError("the operation ended without a result")
