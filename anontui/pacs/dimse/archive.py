"""An archive over DIMSE: :class:`~anontui.pacs.archive.Archive` by C-ECHO, -FIND, -GET, -MOVE
and -STORE in the Study Root model (PS3.4 C.4, C.6.2).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sent, Tick, Wanted
from anontui.pacs.dimse.client import associate, broken
from anontui.pacs.dimse.command import (
    RESPONSE,
    Command,
    E,
    Field,
    cancel,
    is_good,
    is_pending,
    request,
)
from anontui.pacs.dimse.contexts import (
    PLAIN,
    STORAGE,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    VERIFICATION,
    Proposal,
    to_receive,
)
from anontui.pacs.dimse.identifier import decode_answer, encode_query, encode_wanted
from anontui.pacs.dimse.provider import Accepted, Provider, Refusal, Where
from anontui.pacs.dimse.sending import Sender
from anontui.pacs.dimse.storing import take
from anontui.pacs.dimse.upper import Association, Context, Ended, How
from anontui.pacs.files import NotDicom, is_uid
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node
from anontui.pacs.query import Answer, Instance, Level, Query, Study

_LONGEST_IDENTIFIER = 1 << 20  # bytes
_MOST_ANSWERS = 200_000
_MOST_ASKED = 100  # instances in one request
_LINGER = 5.0  # seconds to wait for what an archive sends after it answered a C-MOVE
_SOP_CLASS_UNKNOWN = 0x0122
_DESTINATION_UNKNOWN = 0xA801


@dataclass
class _Tally:
    """What archives tell of their sub-operations."""

    completed: int = 0
    failed: int = 0

    def add(self, command: Command) -> None:
        self.completed += command.number(E.COMPLETED) or 0
        self.completed += command.number(E.WARNINGS) or 0
        self.failed += command.number(E.FAILED) or 0


class DimseArchive:
    """What talks DIMSE to a node that has a :class:`~anontui.pacs.node.Dimse`.

    One association is open at a time, for there are archives that take no more: that of queries
    and that of sending stay open until another one is needed, or :meth:`close`.
    """

    def __init__(self, node: Node) -> None:
        if node.dimse is None:
            raise NotOffered(
                f"{node.name} has no AE title", advice="Give its AE title, host and port."
            )
        self.node = node
        self._dimse: Dimse = node.dimse
        self._asking: Association | None = None
        self._sender = Sender(node, node.dimse)
        self._sop_classes: tuple[str, frozenset[str]] = ("", frozenset())  # of one study
        self._gets = True
        self._most_asked = _MOST_ASKED

    def echo(self) -> float:
        """Ask whether it is there and knows us; returns how many seconds its answer took."""
        start = time.monotonic()
        with self._association([Proposal(VERIFICATION, PLAIN)], lambda: None) as association:
            context = self._offered(association, VERIFICATION, "an echo")
            association.send(context, request(Field.ECHO, VERIFICATION))
            _, command = association.receive()
            if command.status:
                raise self._failed("does not answer an echo", command.status)
        return time.monotonic() - start

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Yield what it has, each once; closing the iterator cancels the query.

        What does not have the exact values that were asked for is left out, as some archives
        pass over keys that they do not know.
        """
        self._check(query)
        seen: set[Answer] = set()
        for encoded, syntax in self._answers(query, tick):
            try:
                answer = decode_answer(query.level, encoded, syntax)
            except NotDicom as error:
                raise broken(self.node, Ended(How.NONSENSE)) from error
            if answer is None or answer in seen or not _fits(answer, query):
                continue
            seen.add(answer)
            if isinstance(answer, Instance):
                self._remember(answer)
            yield answer

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """Bring instances into an inbox by C-GET, or by C-MOVE where that is not offered.

        They survive a killed program; for a power cut :meth:`Inbox.sync` is to be called. An
        archive that cannot take a list of instances is asked for each by itself.
        """
        try:
            self._retrieve(wanted, inbox, tick)
        except PacsError as error:
            if self._most_asked == 1 or len(wanted.instances) < 2 or not _cannot_process(error):
                raise
            self._most_asked = 1
            self._retrieve(wanted, inbox, tick)

    def _retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        if self._gets:
            try:
                self._get(wanted, inbox, tick)
            except NotOffered:
                self._gets = False
                if not self._dimse.move_port:
                    raise
            else:
                return
        self._move(wanted, inbox, tick)

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send files as they are, and yield what became of each, in their order.

        What the archive calls a duplicate was there; nothing else is asked before.
        """
        self._stop_asking()  # some archives take one association at a time
        return self._sender.send(files, tick)

    def close(self) -> None:
        """End all associations."""
        self._stop_asking()
        self._sender.close()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.release()
            self._asking = None

    @contextmanager
    def _association(self, proposals: Sequence[Proposal], tick: Tick) -> Iterator[Association]:
        self.close()
        try:
            with associate(self.node, self._dimse, proposals, tick) as association:
                yield association
        except Ended as error:
            raise broken(self.node, error) from error

    def _offered(self, association: Association, sop_class: str, what: str) -> Context:
        context = association.context(sop_class)
        if context is None:
            raise NotOffered(
                f"{self.node.name} does not offer {what}",
                advice="Have its administrators allow it for our AE title, or use another way.",
            )
        return context

    def _failed(self, what: str, status: int) -> PacsError:
        """What to say of a failed request (PS3.7 C, PS3.4 C.4); never the archive's comment."""
        cause = f"status {status:04X}"
        if status == _SOP_CLASS_UNKNOWN:
            return NotOffered(f"{self.node.name} {what}", advice="Use another way.", cause=cause)
        if status == _DESTINATION_UNKNOWN:
            return PacsError(
                f"{self.node.name} does not know {self._dimse.calling_aet} as a destination",
                advice="Have its administrators add this AE title with this machine's address"
                f" and port {self._dimse.move_port}.",
                cause=cause,
                transient=False,
            )
        busy = status >> 8 == 0xA7
        return PacsError(
            f"{self.node.name} {what}",
            advice="Try again in a while." if busy else "Ask its administrators for the reason.",
            cause=cause,
            transient=busy or status >> 12 == 0xC,
        )

    def _check(self, query: Query) -> None:
        wrong = ""
        if query.level is not Level.STUDY and not is_uid(query.study):
            wrong = "Name the study by its UID"
        elif any(uid and not is_uid(uid) for uid in (query.study, query.series)):
            wrong = "A UID has digits and dots only"
        elif any(
            d and not (len(d) == 8 and d.isdecimal()) for d in (query.date_from, query.date_to)
        ):
            wrong = "A date has the form YYYYMMDD"
        elif any("\\" in text for text in (query.patient_id, query.patient_name, query.accession)):
            wrong = "A backslash cannot be searched for"
        if wrong:
            raise PacsError("This cannot be searched for", advice=f"{wrong}.", transient=False)

    def _answers(self, query: Query, tick: Tick) -> Iterator[tuple[bytes, str]]:
        """Yield encoded answers; an association that went stale since the last query is renewed."""
        while True:
            kept, self._asking = self._asking, None
            self.close()
            association = kept or associate(
                self.node, self._dimse, [Proposal(STUDY_ROOT_FIND, PLAIN)], tick
            )
            count = 0
            try:
                association.wire.tick = tick
                context = self._offered(association, STUDY_ROOT_FIND, "a search")
                identifier = encode_query(query, context.syntax)
                association.send(context, request(Field.FIND, STUDY_ROOT_FIND), identifier)
                while (encoded := self._answer(association, tick)) is not None:
                    count += 1
                    if count > _MOST_ANSWERS:
                        raise PacsError(
                            f"{self.node.name} answers without end",
                            advice="Search for less.",
                            transient=False,
                        )
                    yield encoded, context.syntax
            except GeneratorExit:
                self._asking = _cancelled(association, context)
                raise
            except Ended as error:
                association.abort()
                if kept is None or count:
                    raise broken(self.node, error) from error
            except BaseException:
                association.abort()
                raise
            else:
                self._asking = association
                return

    def _answer(self, association: Association, tick: Tick) -> bytes | None:
        tick()
        _, command = association.receive()
        if command.field != Field.FIND | RESPONSE:
            raise Ended(How.NONSENSE)
        if not is_pending(command.status):
            if not is_good(command.status):
                raise self._failed("refuses the search", command.status)
            return None
        encoded = bytearray()
        for fragment in association.data():
            encoded += fragment
            if len(encoded) > _LONGEST_IDENTIFIER:
                raise Ended(How.NONSENSE)
        return bytes(encoded)

    def _remember(self, one: Instance) -> None:
        study, known = self._sop_classes
        if study != one.study:
            known = frozenset()
        if one.sop_class and one.sop_class not in known:
            known |= {one.sop_class}
        self._sop_classes = (one.study, known)

    def _classes_of(self, study: str, tick: Tick) -> Iterable[str]:
        """The SOP classes to propose for a study: those that it has, as far as it tells."""
        if self._sop_classes[0] != study:
            with suppress(NotOffered):
                for _ in self.find(Query(Level.IMAGE, study=study), tick):
                    pass
        known = sorted(self._sop_classes[1]) if self._sop_classes[0] == study else []
        only = self.node.sop_classes
        if not known:
            return only or STORAGE
        return [one for one in known if not only or one in only]

    def _get(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        classes = self._classes_of(wanted.study, tick)
        proposals = to_receive(classes, self.node.transfer_syntaxes)
        if not proposals:
            return
        tally = _Tally()
        came = 0

        def place(study: str) -> Inbox | None:
            return inbox if study == wanted.study else None

        get = Proposal(STUDY_ROOT_GET, PLAIN)
        with self._association([get, *proposals], tick) as association:
            context = self._offered(association, STUDY_ROOT_GET, "a retrieval by C-GET")
            for identifier in _identifiers(wanted, context.syntax, self._most_asked):
                association.send(context, request(Field.GET, STUDY_ROOT_GET), identifier)
                while True:
                    tick()
                    under, command = association.receive()
                    if command.field == Field.STORE:
                        status, where = take(
                            association, under, command, place, inbox.folder, sync=False
                        )
                        came += where is not None
                        association.send(under, command.answer(status))
                    elif self._final(association, command, Field.GET, tally):
                        break
            if tally.failed and not came:
                raise NotOffered(
                    f"{self.node.name} sends nothing by C-GET",
                    advice="Give a port for C-MOVE, and have its administrators add it.",
                )

    def _final(
        self, association: Association, command: Command, field: Field, tally: _Tally
    ) -> bool:
        """Whether a response is the last one. A failure raises, if it tells of none done."""
        if command.field != field | RESPONSE:
            raise Ended(How.NONSENSE)
        if is_pending(command.status):
            return False
        association.drain()  # the list of what failed
        tally.add(command)
        if not is_good(command.status) and not tally.completed + tally.failed:
            raise self._failed("refuses the retrieval", command.status)
        return True

    def _move(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        dimse, came, seen, tally = self._dimse, 0, 0, _Tally()
        if not dimse.move_port:
            raise NotOffered(
                f"{self.node.name} offers no C-GET, and there is no port for C-MOVE",
                advice="Give a port for C-MOVE, and have its administrators add it.",
            )

        def stored(_: Inbox) -> None:
            nonlocal came
            came += 1

        def accept(_: str, called: str) -> Accepted | Refusal:
            if called != dimse.calling_aet:
                return Refusal.CALLED_UNKNOWN
            return Accepted(
                lambda study: inbox if study == wanted.study else None, inbox.folder, stored
            )

        def listening() -> None:
            nonlocal seen
            tick()
            if came != seen:  # it answers when all is sent: what comes is a sign of life
                seen = came
                association.wire.touch()

        provider = Provider(Where(dimse.move_port, "", dimse.tls), accept, sync=False)
        with (
            provider,
            self._association([Proposal(STUDY_ROOT_MOVE, PLAIN)], tick) as association,
        ):
            association.wire.tick = listening
            context = self._offered(association, STUDY_ROOT_MOVE, "a retrieval by C-MOVE")
            for identifier in _identifiers(wanted, context.syntax, self._most_asked):
                move = request(Field.MOVE, STUDY_ROOT_MOVE, destination=dimse.calling_aet)
                association.send(context, move, identifier)
                while not self._final(association, association.receive()[1], Field.MOVE, tally):
                    tick()
            end = time.monotonic() + _LINGER
            while (provider.associations or came < tally.completed) and time.monotonic() < end:
                tick()
                if came != seen:
                    seen, end = came, time.monotonic() + _LINGER
                time.sleep(0.02)
        if tally.failed and not came:
            raise PacsError(
                f"{self.node.name} cannot send to us",
                advice=f"Have its administrators check that {dimse.calling_aet} is this machine's"
                f" address and port {dimse.move_port}, and that no firewall stops it.",
            )


def _cannot_process(error: PacsError) -> bool:
    """Whether a request was refused as one that the archive cannot process (PS3.4 C.4)."""
    return error.cause.startswith("status C")


def _cancelled(association: Association, context: Context) -> Association | None:
    """Cancel a query (PS3.7 9.3.2.3); the association, if it is usable afterwards."""
    end = time.monotonic() + _LINGER
    with suppress(Ended):
        association.wire.tick = lambda: None
        association.send(context, cancel())
        while time.monotonic() < end:
            _, command = association.receive()
            if not is_pending(command.status):
                return association
    association.abort()
    return None


def _fits(answer: Answer, query: Query) -> bool:
    asked = [(answer.study, query.study)]
    if isinstance(answer, Study):
        asked += [(answer.accession, query.accession), (answer.patient_id, query.patient_id)]
    else:
        asked += [(answer.series, query.series)]
    return all(
        not wanted or got == wanted.strip() or "*" in wanted or "?" in wanted
        for got, wanted in asked
    )


def _identifiers(wanted: Wanted, syntax: str, most: int) -> Iterator[bytes]:
    """What to ask for, one request each: the study, or some instances of a series at a time."""
    if not wanted.instances:
        yield encode_wanted(wanted.study, "", (), syntax)
    by_series: dict[str, list[str]] = {}
    for series, instance in wanted.instances:
        by_series.setdefault(series, []).append(instance)
    for series, instances in by_series.items():
        for start in range(0, len(instances), most):
            some = instances[start : start + most]
            yield encode_wanted(wanted.study, series, some, syntax)
