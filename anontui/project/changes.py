"""Changes of a mapping that can be taken back, and the history of them.

A change keeps the rows that it touches and no others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias, TypeVar

from anontui.project.mapping import Mapping, Part

T = TypeVar("T")


@dataclass(slots=True)
class State:
    """What is edited: a mapping, and a key for each of its rows."""

    mapping: Mapping
    keys: list[int]


@dataclass(frozen=True, slots=True)
class TextChange:
    """Another text of a part above the rows."""

    part: Part
    old: str
    new: str

    def apply(self, state: State) -> None:
        """Make the change."""
        state.mapping.set_part(self.part, self.new)

    def inverse(self) -> TextChange:
        """Return the change that takes this one back."""
        return TextChange(self.part, self.new, self.old)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring rows (keys and records) that others take the place of.

    ``at`` is the first row's index before any run of the same change.
    """

    at: int
    old_keys: list[int]
    old: list[str]
    new_keys: list[int]
    new: list[str]


@dataclass(frozen=True, slots=True)
class RowsChange:
    """Other rows: runs in order, none overlapping."""

    runs: list[Run]

    def apply(self, state: State) -> None:
        """Make the change."""
        spans = [(run.at, run.at + len(run.old)) for run in self.runs]
        _splice(state.keys, spans, [run.new_keys for run in self.runs])
        _splice(state.mapping.records, spans, [run.new for run in self.runs])

    def inverse(self) -> RowsChange:
        """Return the change that takes this one back."""
        shift, runs = 0, []
        for run in self.runs:
            runs.append(Run(run.at + shift, run.new_keys, run.new, run.old_keys, run.old))
            shift += len(run.new) - len(run.old)
        return RowsChange(runs)


@dataclass(frozen=True, slots=True)
class WholeChange:
    """Another mapping in place of the whole."""

    old: State
    new: State

    def apply(self, state: State) -> None:
        """Make the change."""
        state.mapping, state.keys[:] = self.new.mapping, self.new.keys

    def inverse(self) -> WholeChange:
        """Return the change that takes this one back."""
        return WholeChange(self.new, self.old)


Change: TypeAlias = TextChange | RowsChange | WholeChange


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one undo takes back, and what it is called."""

    label: str
    changes: list[Change]


@dataclass(slots=True)
class History:
    """Steps done, and steps undone that can be done again."""

    state: State
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)

    @property
    def last(self) -> Step | None:
        """The last step that counts now."""
        return self.done[-1] if self.done else None

    def do(self, step: Step) -> None:
        """Make a new step; what was undone is forgotten."""
        self.undone.clear()
        self._apply(step)

    def join(self, start: int, label: str) -> None:
        """Make one step of those from ``start`` on, if there are any."""
        steps = self.done[start:]
        if steps:
            changes = [change for step in steps for change in step.changes]
            self.done[start:] = [Step(label, changes)]

    def undo(self) -> Step | None:
        """Take the last step back, if there is one."""
        if not self.done:
            return None
        step = self.done.pop()
        for change in reversed(step.changes):
            change.inverse().apply(self.state)
        self.undone.append(step)
        return step

    def redo(self) -> Step | None:
        """Make the step again that was undone last, if there is one."""
        if not self.undone:
            return None
        step = self.undone.pop()
        self._apply(step)
        return step

    def _apply(self, step: Step) -> None:
        for change in step.changes:
            change.apply(self.state)
        self.done.append(step)


def neighbours(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return the runs (start, stop) of neighbouring numbers, in order."""
    runs = []
    for _, group in groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0]):
        members = [row for _, row in group]
        runs.append((members[0], members[-1] + 1))
    return runs


def _splice(items: list[T], spans: list[tuple[int, int]], news: list[list[T]]) -> None:
    """Replace spans (in order) in place; many that move the rest, in one pass."""
    if len(spans) == 1 or all(b - a == len(new) for (a, b), new in zip(spans, news, strict=True)):
        for (start, stop), new in zip(spans, news, strict=True):
            items[start:stop] = new
        return
    out: list[T] = []
    done = 0
    for (start, stop), new in zip(spans, news, strict=True):
        out += items[done:start]
        out += new
        done = stop
    items[:] = out + items[done:]
