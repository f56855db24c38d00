"""What was changed and is not saved yet, kept line by line, so that no crash loses it.

A journal says what the mapping was when it was last the same as its file, and every step
since. Each step is written before the next key is looked at, so a process that is killed
loses nothing; synced (:meth:`Journal.sync`), a machine that loses its power does not either.
What is large (a whole mapping, a step of many rows) is written by the sync, and what comes
after it, too.
It lies in the user's own state folder, readable by the user alone.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from anontui.project.changes import Change, RowsChange, Run, State, TextChange, WholeChange
from anontui.project.mapping import Mapping

_LOCKS = 9
_LARGE = 1000
"""Rows that are too many to be written while somebody waits."""


class Draft(NamedTuple):
    """A cell that was being typed in: the row's key, the column, the text."""

    key: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a journal kept.

    Attributes
    ----------
    base
        The mapping as its file was when it was last read or saved.
    state
        The mapping with what was changed since.
    steps
        How many steps that were.
    draft
        The cell that was being typed in; None if none was.
    """

    base: State
    state: State
    steps: int
    draft: Draft | None


class Journal:
    """The journal of one editor. It never fails: without it, editing goes on.

    Parameters
    ----------
    path
        Where it lies. Two apps on one folder keep two: a number is added to the name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._broken = False
        self._unsynced = False
        self._pending: deque[tuple[str, Callable[[], Any]]] = deque()
        self._syncing = threading.Lock()

    @property
    def works(self) -> bool:
        """Whether what is added can be found again."""
        return not self._broken

    def add(self, changes: Sequence[Change], base: State) -> None:
        """Note a step; ``base`` is what the file held before the first of them."""
        self._start(base)
        steps = [_kept(change) for change in changes]
        rows = sum(map(_size, steps))
        self._put("step", lambda: [_written(change) for change in steps], rows)

    def draft(self, draft: Draft | None, base: State) -> None:
        """Note what is being typed, or that it is not any more."""
        if draft is not None or self._file is not None:
            self._start(base)
            self._put("draft", lambda: draft)

    def saving(self) -> None:
        """Note that what there is now is being written."""
        self._put("saving", lambda: None)

    def saved(self) -> None:
        """Note that what there was when it was last :meth:`saving` is in the file now."""
        self._put("saved", lambda: None)

    def rebase(self, base: State) -> None:
        """Note that the file holds something else now."""
        self._put("base", lambda: _state(base), len(base.keys))

    def sync(self) -> None:
        """Write what is left and make it durable. May take long: to be called in the background."""
        with self._syncing:
            while self._pending:
                self._write(*self._pending[0])
                self._pending.popleft()  # not before: what comes next must not overtake it
            if self._file is not None and self._unsynced:
                self._unsynced = False
                with suppress(OSError):
                    os.fsync(self._file)

    def close(self, *, keep: bool = False) -> None:
        """End it; it is deleted unless it is to be found at the next start."""
        if keep:
            self.sync()
        self._pending.clear()
        with self._syncing:
            self._close(keep=keep)

    def _close(self, *, keep: bool) -> None:
        if self._file is None:
            return
        with suppress(OSError):
            if not keep:
                os.unlink(self._path)
            os.close(self._file)
        self._file = None

    def _start(self, base: State) -> None:
        if self._file is not None or self._broken:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path, self._file = next(_claimed(self._path, os.O_CREAT | os.O_EXCL))
        except (OSError, StopIteration):
            self._broken = True
            return
        self._put("base", lambda: _state(base), len(base.keys))

    def _put(self, kind: str, what: Callable[[], Any], rows: int = 0) -> None:
        """Write a line; now, if that is quickly done and nothing is left from before."""
        if rows > _LARGE or self._pending:
            self._pending.append((kind, what))
        else:
            self._write(kind, what)

    def _write(self, kind: str, what: Callable[[], Any]) -> None:
        if self._file is None:
            return
        line = json.dumps({kind: what()}).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError:  # a full disk: what is there is not whole any more
            self._broken = True
            self._close(keep=False)
        self._unsynced = True


def recover(path: Path) -> Iterator[tuple[Recovered, Callable[[], None]]]:
    """Find what apps that were cut short had not saved.

    Parameters
    ----------
    path
        Where :class:`Journal` writes.

    Yields
    ------
    What was kept, and what to call when it is safe elsewhere: it deletes the journal. One
    that a living app writes is passed over, one without anything to recover is deleted.
    """
    for name, handle in _claimed(path, 0):
        try:
            with open(handle, "rb", closefd=False) as file:
                found = _read(file.read())
            if found is not None:
                yield found, lambda name=name: name.unlink(missing_ok=True)  # type: ignore[misc]  # name is bound
            else:
                name.unlink(missing_ok=True)
        finally:
            os.close(handle)


def _claimed(path: Path, flags: int) -> Iterator[tuple[Path, int]]:
    """Open the journals of this name that no living process has open, for this one alone."""
    for number in range(1, _LOCKS + 1):
        name = path.with_name(f"{path.name}-{number}")
        try:
            handle = os.open(name, os.O_RDWR | os.O_APPEND | flags, 0o600)
        except OSError:
            continue
        if _lock(handle):
            yield name, handle
        else:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Hold a lock that ends with the process; where there are none, nobody is asked."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(data: bytes) -> Recovered | None:
    """Do again what the lines say, as far as they are whole; None if all of it was saved."""
    base = state = written = None
    steps, since, draft = 0, 0, None
    for line in data.splitlines():
        try:
            ((kind, what),) = json.loads(line).items()
            if kind == "base":
                base = _read_state(what)
                state = state or _read_state(what)
            elif state is None:
                return None
            elif kind == "draft":
                draft = Draft(*what) if what else None
            elif kind == "saving":
                written, since = State(state.mapping.copy(), state.keys[:]), 0
            elif kind == "saved":
                base, steps = written or base, since
            else:
                for change in map(_read_change, what):
                    state = _done(change, state)
                steps, since, draft = steps + 1, since + 1, None
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error):
            break  # the last line, half written
    if base is None or state is None or not (steps or draft):
        return None
    return Recovered(base, state, steps, draft)


def _done(change: Change | State, state: State) -> State:
    if isinstance(change, State):
        return change
    change.apply(state)
    return state


def _kept(change: Change) -> Change:
    """Return a change that stays as it is, however the mapping is edited further."""
    if not isinstance(change, WholeChange):
        return change
    new = change.new
    return WholeChange(change.old, State(new.mapping.copy(), new.keys[:]))


def _size(change: Change) -> int:
    """How many rows a change is about."""
    match change:
        case TextChange():
            return 0
        case RowsChange(runs):
            return sum(len(run.old) + len(run.new) for run in runs)
    return len(change.new.keys)


def _written(change: Change) -> Any:
    match change:
        case TextChange(part, old, new):
            return [part, old, new]
        case RowsChange(runs):
            return [[run.at, run.old_keys, run.old, run.new_keys, run.new] for run in runs]
    return _state(change.new)


def _read_change(what: Any) -> Change | State:
    if isinstance(what, dict):
        return _read_state(what)
    if what and isinstance(what[0], str):
        return TextChange(*what)
    return RowsChange([Run(*run) for run in what])


def _state(state: State) -> dict[str, Any]:
    plain = zlib.compress(json.dumps(state.mapping.plain()).encode(), 1)
    return {"mapping": base64.b64encode(plain).decode(), "keys": state.keys}


def _read_state(what: dict[str, Any]) -> State:
    mapping = Mapping.of_plain(json.loads(zlib.decompress(base64.b64decode(what["mapping"]))))
    keys = list(map(int, what["keys"]))
    if len(keys) != len(mapping.records):
        raise ValueError
    return State(mapping, keys)
