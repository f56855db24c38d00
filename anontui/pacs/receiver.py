"""Receiving what archives and modalities send to us (C-STORE SCP), study by study."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Self

from anontui.atomic import sync_folder
from anontui.pacs.dimse.provider import Accepted, Provider, Refusal, Where
from anontui.pacs.inbox import Inbox

__all__ = ["Receiver", "Refusal", "Where", "study_key"]

Accept = Callable[[str, str], Path | Refusal | None]
"""The folder for what a calling AE title sends to a called one, or why it is refused; None:
the called AE title is not known."""

Told = Callable[[Path], None]
"""Told the folder of a study after each instance that came into it; from many threads."""


def study_key(study: str) -> str:
    """The name of the folder of a study: it does not tell its UID."""
    return sha256(study.encode()).hexdigest()[:32]


class Receiver:
    """Keeps what it acknowledges: it is on disk before success is answered.

    Each study gets an :class:`~anontui.pacs.inbox.Inbox` of its own in the folder that
    ``accept`` returns. Bytes are kept as they come, in all transfer syntaxes; an instance that
    comes again is acknowledged, and kept once. A study's folder may be renamed at any time:
    what comes after that goes into a new one.

    Parameters
    ----------
    where
        Where to listen.
    accept
        Decides on each association.
    told
        Told of each instance.
    """

    def __init__(self, where: Where, accept: Accept, told: Told = lambda _: None) -> None:
        self._provider = Provider(where, self._decide)
        self._accept = accept
        self._told = told
        self._lock = threading.Lock()
        self._received = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def received(self) -> int:
        """How many instances were acknowledged, those that came again too."""
        return self._received

    @property
    def port(self) -> int:
        """The port that is listened on; 0 when it does not listen."""
        return self._provider.port

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        PacsError
            If the port cannot be had, or the certificate not be read.
        """
        self._provider.start()

    def stop(self) -> None:
        """Stop listening, and abort what is open: it was not acknowledged, and comes again."""
        self._provider.stop()

    def _decide(self, calling: str, called: str) -> Accepted | Refusal:
        folder = self._accept(calling, called)
        if folder is None:
            return Refusal.CALLED_UNKNOWN
        if isinstance(folder, Refusal):
            return folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

        def place(study: str) -> Inbox:
            path = folder / study_key(study)
            known = path.exists()
            inbox = Inbox(path)
            if not known:
                sync_folder(folder)
            return inbox

        return Accepted(place, folder, self._stored)

    def _stored(self, inbox: Inbox) -> None:
        with self._lock:
            self._received += 1
        self._told(inbox.folder)
