"""A storage provider (C-STORE and C-ECHO SCP): a thread for each association."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Self

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext

from anontui.errors import PacsError
from anontui.pacs.dimse.client import APPLICATION, longest_of, ourselves
from anontui.pacs.dimse.command import Field
from anontui.pacs.dimse.contexts import STORAGE, SYNTAXES, VERIFICATION
from anontui.pacs.dimse.storing import Place, Status, take
from anontui.pacs.dimse.upper import Association, Context, Ended, How, Pdu, Wire, simple_pdu
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Tls

_MOST_ASSOCIATIONS = 64
_PATIENCE = 30.0  # seconds to wait for an association request
_STORAGE, _SYNTAXES = frozenset(STORAGE), frozenset(SYNTAXES)


class Refusal(IntEnum):
    """Why an association is not accepted (PS3.8 9.3.4, rejected by the service user)."""

    CALLING_UNKNOWN = 3
    CALLED_UNKNOWN = 7


@dataclass(frozen=True)
class Where:
    """Where to listen: port 0 is any free one. With ``tls`` its ``authority`` signs callers."""

    port: int
    host: str = "127.0.0.1"
    tls: Tls | None = None


@dataclass(frozen=True)
class Accepted:
    """What becomes of what comes over an association.

    ``place`` tells the inboxes, ``spool`` is an existing folder on the same disk, ``stored``
    is told each inbox after an instance was acknowledged to be there.
    """

    place: Place
    spool: Path
    stored: Callable[[Inbox], None]


Accept = Callable[[str, str], Accepted | Refusal]
"""Decides by the calling and the called AE title."""


class Provider:
    """Listens from :meth:`start` to :meth:`stop`, or within its block.

    Parameters
    ----------
    where
        Where to listen.
    accept
        Decides on each association.
    sync
        Whether an instance survives a power cut before it is acknowledged.
    patience
        Seconds an association may be idle.
    """

    def __init__(
        self, where: Where, accept: Accept, *, sync: bool = True, patience: float = 300.0
    ) -> None:
        self.where = where
        self._accept = accept
        self._sync = sync
        self._patience = patience
        self._context: ssl.SSLContext | None = None
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._open: set[threading.Thread] = set()
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that is listened on; 0 when it does not listen."""
        return self._listener.getsockname()[1] if self._listener is not None else 0

    @property
    def associations(self) -> int:
        """How many are open."""
        return len(self._open)

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        PacsError
            If the port cannot be had, or the certificate not be read.
        """
        where = self.where
        self._context = _server_context(where.tls) if where.tls is not None else None
        family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
        try:
            self._listener = socket.create_server((where.host, where.port), family=family)
        except (OSError, OverflowError) as error:
            raise PacsError(
                f"Port {where.port} of {where.host or 'this machine'} cannot be listened on",
                advice="Another program may use it: end that, or choose another port.",
                cause=str(getattr(error, "strerror", "") or ""),
            ) from error
        self._stopping.clear()
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and abort what is open: it was not acknowledged, and comes again."""
        self._stopping.set()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            threads = list(self._open)
        for thread in threads:
            thread.join()

    def _listen(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                if self._stopping.wait(0.1):  # out of file descriptors: some will end
                    return
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._open.add(thread)
                try:
                    thread.start()
                except RuntimeError:  # no more threads
                    self._open.discard(thread)
                    connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(Ended, OSError, _Stop):
                if self._context is not None:
                    connection.settimeout(_PATIENCE)
                    connection = self._context.wrap_socket(connection, server_side=True)
                with connection:
                    wire = Wire(connection, _PATIENCE, self._tick)
                    self._associate(wire)
        finally:
            with self._lock:
                self._open.discard(threading.current_thread())

    def _tick(self) -> None:
        if self._stopping.is_set():
            raise _Stop

    def _associate(self, wire: Wire) -> None:
        kind, content = wire.read()
        if kind != Pdu.ASSOCIATE_RQ:
            wire.write(simple_pdu(Pdu.ABORT, b"\0\0\2\2"))
            return
        try:
            asked, contexts, answer = _negotiate(bytes(content))
        except Exception as error:
            wire.write(simple_pdu(Pdu.ABORT, b"\0\0\2\6"))
            raise Ended(How.NONSENSE) from error
        if len(self._open) > _MOST_ASSOCIATIONS:
            wire.write(simple_pdu(Pdu.ASSOCIATE_RJ, b"\0\2\3\2"))
            return
        accepted = self._accept(asked.calling_ae_title.strip(), asked.called_ae_title.strip())
        if isinstance(accepted, Refusal):
            wire.write(simple_pdu(Pdu.ASSOCIATE_RJ, bytes((0, 1, 1, accepted))))
            return
        wire.write(answer)
        wire.patience = self._patience
        with Association(wire, contexts, longest_of(asked)) as association:
            while True:
                self._tick()
                self._answer(association, accepted)

    def _answer(self, association: Association, accepted: Accepted) -> None:
        context, command = association.receive()
        if command.field == Field.ECHO:
            association.send(context, command.answer(0))
        elif command.field == Field.STORE and context.sop_class != VERIFICATION:
            try:
                status, inbox = take(
                    association, context, command, accepted.place, accepted.spool, sync=self._sync
                )
            except OSError:
                association.drain()
                status, inbox = Status.NO_SPACE, None
            association.send(context, command.answer(status))
            if status is Status.STORED and inbox is not None:
                accepted.stored(inbox)
        elif command.field != Field.CANCEL:
            raise Ended(How.NONSENSE)


class _Stop(Exception):
    """The provider is stopping."""


def _negotiate(content: bytes) -> tuple[A_ASSOCIATE, dict[int, Context], bytes]:
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(b"\x01\0" + len(content).to_bytes(4, "big") + content)
    asked = pdu.to_primitive()
    contexts: dict[int, Context] = {}
    results = []
    for proposed in asked.presentation_context_definition_list:
        number, sop_class = proposed.context_id or 0, str(proposed.abstract_syntax)
        known = [str(one) for one in proposed.transfer_syntax if one in _SYNTAXES]
        result = PresentationContext()
        result.context_id = number
        result.transfer_syntax = [*proposed.transfer_syntax[:1]] if not known else [known[0]]
        if sop_class not in _STORAGE and sop_class != VERIFICATION:
            result.result = 3
        elif not known:
            result.result = 4
        else:
            result.result = 0
            contexts[number] = Context(number, sop_class, known[0])
        results.append(result)
    answer = A_ASSOCIATE()
    answer.application_context_name = APPLICATION
    answer.calling_ae_title = asked.calling_ae_title
    answer.called_ae_title = asked.called_ae_title
    answer.result, answer.result_source = 0, 1
    answer.presentation_context_definition_results_list = results
    answer.user_information = [*ourselves()]
    return asked, contexts, bytes(A_ASSOCIATE_AC(answer).encode())


def _server_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.authority)
    try:
        if tls.certificate is None:
            raise OSError
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise PacsError(
            "The certificate to listen with cannot be read",
            advice="Give a certificate and its key: PEM files that you may read.",
            transient=False,
        ) from error
    if tls.authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
