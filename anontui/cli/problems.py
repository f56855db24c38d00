"""Telling what is wrong with a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from anontui.cli.out import say
from anontui.operations.creating import Problem, grouped


def show_problems(problems: Iterable[Problem]) -> None:
    """Tell problems on stderr, the same one of many rows once; rows count from 1."""
    for problem, rows in grouped(problems):
        where = f"{_rows(rows)}, " if rows else ""
        column = f"{problem.column}: " if problem.column else ""
        text = f"{problem.message.rstrip('.')}. {problem.advice}".strip()
        say(f"{problem.severity.capitalize()}: {where}{column}{text}")


def _rows(rows: Sequence[int]) -> str:
    """Rows as people write them: ``rows 1-4, 7``."""
    spans: list[list[int]] = []
    for row in rows:
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    shown = [f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in spans[:10]]
    more = f" and {len(spans) - 10} more" if len(spans) > 10 else ""
    return f"row{'s' * (len(rows) > 1)} {', '.join(shown)}{more}"
