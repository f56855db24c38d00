"""What a long operation tells while it runs.

A long operation is an iterator of these. It is cancelled by closing the iterator
(``close()``), which takes effect at its next event; so operations yield a
:class:`Progress` at least every 200 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: ``done`` of ``total`` (``None`` while unknown) of ``unit``."""

    done: int
    total: int | None
    unit: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the word of the field; used as events.Warning
    """Something the user should know of, that does not stop the operation."""

    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """The last event of an operation that came to its end."""

    value: T


Event: TypeAlias = "Progress | Warning | Result[T]"
Events: TypeAlias = "Iterator[Progress | Warning | Result[T]]"


def result_of(events: Iterator[Progress | Warning | Result[T]]) -> T:
    """Run an operation to its end and return its result, dropping the rest.

    Raises
    ------
    RuntimeError
        If the operation ends without a :class:`Result` (a programming error).
    """
    for event in events:
        if isinstance(event, Result):
            return event.value
    raise RuntimeError("the operation ended without a result")
