"""Sending files over DIMSE as they are (C-STORE SCU, PS3.4 B)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from anontui.pacs.archive import Sending, Sent, Tick
from anontui.pacs.dimse.client import associate
from anontui.pacs.dimse.command import RESPONSE, Command, Field, is_good, request
from anontui.pacs.dimse.contexts import MOST, Proposal
from anontui.pacs.dimse.raw import Meta, read_meta
from anontui.pacs.dimse.upper import Association, Ended, How
from anontui.pacs.node import Dimse, Node

_READ_AHEAD = 500  # files whose heads are read before contexts are negotiated
_DUPLICATE = 0x0111


class Sender:
    """Keeps an association open until :meth:`close`, or until other contexts are needed."""

    def __init__(self, node: Node, dimse: Dimse) -> None:
        self._node = node
        self._dimse = dimse
        self._association: Association | None = None
        self._asked: frozenset[tuple[str, str]] = frozenset()  # contexts that it was asked for

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send files as they are, and yield what became of each, in their order.

        What the archive calls a duplicate was there; nothing else is asked before.
        """
        ahead: list[tuple[Path, Meta | None]] = []
        for path in files:
            ahead.append((path, _head(path)))
            tick()
            if len(ahead) == _READ_AHEAD:
                yield from self._send(ahead, tick)
                ahead.clear()
        yield from self._send(ahead, tick)

    def close(self) -> None:
        """End the association."""
        if self._association is not None:
            self._association.release()
            self._association = None

    def _send(self, files: Sequence[tuple[Path, Meta | None]], tick: Tick) -> Iterator[Sent]:
        kinds = list(dict.fromkeys((h.sop_class, h.syntax) for _, h in files if h is not None))
        for path, head in files:
            if head is None:
                yield Sent(path, Sending.FAILED, "it is no DICOM file that can be read", False)
                continue
            kind = (head.sop_class, head.syntax)
            at = kinds.index(kind)
            yield self._send_one(path, head, kinds[at : at + MOST], tick)

    def _send_one(
        self, path: Path, head: Meta, kinds: Sequence[tuple[str, str]], tick: Tick
    ) -> Sent:
        for again in (True, False):  # an association may have gone stale, or been lost
            association = self._sender(kinds, tick)
            context = association.context(head.sop_class, head.syntax)
            if context is None:
                return Sent(path, Sending.FAILED, "it takes no such objects so encoded", False)
            try:
                tick()
                with path.open("rb") as file:
                    file.seek(head.offset)
                    store = request(Field.STORE, head.sop_class, instance=head.instance)
                    association.send(context, store, file)
                _, command = association.receive()
            except OSError:
                self._drop()
                return Sent(path, Sending.FAILED, "the file cannot be read", False)
            except Ended as error:
                self._drop()
                if not again:
                    return Sent(path, Sending.FAILED, error.how.value)
                continue
            except BaseException:
                self._drop()
                raise
            return _sent(path, command)
        raise AssertionError("unreachable")

    def _sender(self, kinds: Sequence[tuple[str, str]], tick: Tick) -> Association:
        """The association to send over, anew if it was not asked for these contexts."""
        association = self._association
        if association is None or kinds[0] not in self._asked:
            self.close()
            self._asked = frozenset(kinds)
            proposals = [Proposal(sop_class, (syntax,)) for sop_class, syntax in kinds]
            association = associate(self._node, self._dimse, proposals, tick)
        association.wire.tick = tick
        self._association = association
        return association

    def _drop(self) -> None:
        if self._association is not None:
            self._association.abort()
            self._association = None


def _head(path: Path) -> Meta | None:
    try:
        return read_meta(path)
    except (OSError, ValueError):
        return None


def _sent(path: Path, command: Command) -> Sent:
    """What a C-STORE response means (PS3.4 B.2.3)."""
    status = command.status
    if command.field != Field.STORE | RESPONSE:
        return Sent(path, Sending.FAILED, How.NONSENSE.value)
    if is_good(status):
        return Sent(path, Sending.SENT)
    if status == _DUPLICATE:
        return Sent(path, Sending.THERE)
    if status >> 8 == 0xA7:
        return Sent(path, Sending.FAILED, f"it has no room for it (status {status:04X})")
    return Sent(path, Sending.FAILED, f"it refuses it (status {status:04X})", False)
