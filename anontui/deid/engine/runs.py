"""Runs of elements that one file after the other repeats to the byte, as a series does.

Of some hundred elements in a slice's header a dozen differ from the slice before. What lies
between those is treated once and then only compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

_LONGEST = 1 << 15  # bytes
_LONGEST_HEADER = 1 << 20
_LONGEST_ELEMENT = 4096
_MANY_MISSES = 4
_LONGEST_WAIT = 512  # files


class Treated(NamedTuple):
    """What a walk over some elements came to; ``out`` is ``None`` if they are kept."""

    out: bytes | None
    values: dict[int, bytes]
    told: list[tuple[int, bytes]]
    texts: list[str]
    counts: list[str]
    stayed: list[tuple[int, str]]


class Run(NamedTuple):
    """Elements from tag ``first`` to ``last``, as they stand in a file, and what they come to."""

    raw: bytes
    first: int
    last: int
    treated: Treated


class Runs:
    """What the files of one plan have in common; it looks at two, then again when they change."""

    def __init__(self, boundaries: Sequence[int], *, skip_private: bool) -> None:
        self.known: dict[bytes, Run] = {}
        """By the bytes that a run's first element is recognised by."""
        self._boundaries = boundaries  # tags that something is put in before
        self._skip_private = skip_private  # what becomes of them depends on what is in front
        self._previous: dict[int, bytes] | None = None
        self._is_looking = True
        self._wait = 1
        self._files = 0

    def record(self) -> list[tuple[int, int]] | None:
        """Where tags and positions of a file's elements are to be noted; ``None`` if nowhere."""
        return [] if self._is_looking else None

    def seen(
        self,
        data: bytes,
        record: list[tuple[int, int]] | None,
        missed: int,
        key_length: int,
        treat: Callable[[int, int], Treated],
    ) -> None:
        """Learn from a file that was walked.

        Parameters
        ----------
        data, record
            Its bytes, and what :meth:`record` gave, filled in.
        missed
            How many known runs were not repeated.
        key_length
            How many bytes an element is recognised by.
        treat
            Walks a part of the file again.
        """
        self._files += 1
        if len(data) > _LONGEST_HEADER:
            return
        if record is None:
            if missed >= _MANY_MISSES and self._files >= self._wait:
                # what is known must not hide elements from the one who looks
                self.known, self._is_looking, self._previous = {}, True, None
                self._files, self._wait = 0, min(self._wait * 2, _LONGEST_WAIT)
            return
        spans = [(tag, start, stop) for (tag, start), (_, stop) in pairwise(record)]
        before = self._previous
        if before is None:
            self._previous = {
                tag: data[start:stop]
                for tag, start, stop in spans
                if stop - start <= _LONGEST_ELEMENT
            }
            return
        self._is_looking, self._previous = False, None
        self.known = {}
        for group in self._stable(data, spans, before):
            start, stop = group[0][1], group[-1][2]
            run = Run(data[start:stop], group[0][0], group[-1][0], treat(start, stop))
            self.known[data[start : start + key_length]] = run

    def _stable(
        self, data: bytes, spans: list[tuple[int, int, int]], before: dict[int, bytes]
    ) -> list[list[tuple[int, int, int]]]:
        groups: list[list[tuple[int, int, int]]] = [[]]
        for span in spans:
            tag, start, stop = span
            last = groups[-1]
            if last and (
                stop - last[0][1] > _LONGEST
                or any(last[-1][0] < boundary <= tag for boundary in self._boundaries)
            ):
                groups.append([])
            is_skipped = self._skip_private and tag >> 16 & 1
            if before.get(tag) == data[start:stop] and not is_skipped:
                groups[-1].append(span)
            elif groups[-1]:
                groups.append([])
        return [group for group in groups if len(group) > 1]
