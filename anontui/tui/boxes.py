"""Boxes that a person draws on a frame: which there are, which one is meant, undo. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anontui.deid.rules.pixelrules import Box

State = tuple[tuple[Box, ...], int | None]


class Boxes:
    """Boxes in the order in which they were drawn.

    Parameters
    ----------
    drawn
        What to begin with, none of them ``current``; undo takes them away.

    Attributes
    ----------
    all
        The boxes.
    current
        Which of them is moved and sized; None for none.
    is_untouched
        Whether they are as they were at the beginning.
    """

    def __init__(self, drawn: Sequence[Box] = ()) -> None:
        self.all: tuple[Box, ...] = tuple(drawn)
        self.current: int | None = None
        self.is_untouched = True
        self._past: list[State] = [((), None)] if drawn else []
        self._is_moving = False

    def __len__(self) -> int:
        return len(self.all)

    @property
    def box(self) -> Box | None:
        """The current box."""
        return None if self.current is None else self.all[self.current]

    def add(self, box: Box) -> None:
        """Draw a box, which is the current one then."""
        self._change((*self.all, box), len(self.all))

    def drop(self) -> None:
        """Take the current box away; the newest of the others is the current one then."""
        if self.current is not None:
            left = (*self.all[: self.current], *self.all[self.current + 1 :])
            self._change(left, len(left) - 1 if left else None)

    def put(self, box: Box) -> None:
        """Have the current box stand elsewhere; several in a row are taken back at once."""
        if self.current is not None:
            left, right = self.all[: self.current], self.all[self.current + 1 :]
            self._change((*left, box, *right), self.current, is_moving=True)

    def undo(self) -> bool:
        """Take the last change back; False if there is none."""
        if not self._past:
            return False
        self.all, self.current = self._past.pop()
        self.is_untouched = self._is_moving = False
        return True

    def choose(self, at: int | None) -> None:
        """Make another box the current one."""
        self.current, self._is_moving = at, False

    def choose_next(self) -> None:
        """Make the next box the current one."""
        if self.all:
            self.choose(0 if self.current is None else (self.current + 1) % len(self.all))

    def at(self, x: int, y: int) -> int | None:
        """Which box a point of the frame is in, the newest first; None for none."""
        found = (
            n
            for n, box in reversed(list(enumerate(self.all)))
            if box.left <= x < box.right and box.top <= y < box.bottom
        )
        return next(found, None)

    def _change(
        self, boxes: tuple[Box, ...], current: int | None, *, is_moving: bool = False
    ) -> None:
        if not (is_moving and self._is_moving):
            self._past.append((self.all, self.current))
        self.all, self.current, self._is_moving = boxes, current, is_moving
        self.is_untouched = False


def moved(box: Box, across: int, down: int, rows: int, columns: int) -> Box:
    """A box moved, in pixels, as far as it stays inside a frame."""
    across = min(max(across, -box.left), columns - box.right)
    down = min(max(down, -box.top), rows - box.bottom)
    return Box(box.left + across, box.top + down, box.right + across, box.bottom + down)


def sized(box: Box, across: int, down: int, rows: int, columns: int) -> Box:
    """A box with its right and lower edge moved, never empty, never outside of a frame."""
    right = min(max(box.right + across, box.left + 1), columns)
    bottom = min(max(box.bottom + down, box.top + 1), rows)
    return replace(box, right=right, bottom=bottom)


def told(box: Box) -> str:
    """A box as the command line has it: ``left,top,width,height``."""
    return f"{box.left},{box.top},{box.right - box.left},{box.bottom - box.top}"
