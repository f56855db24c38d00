"""The receiver: which project what is sent to us belongs to, in a process of its own."""

from __future__ import annotations

import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from anontui.errors import AnonTUIError, SettingsError
from anontui.pacs.receiver import Receiver, Refusal, Where
from anontui.server.config import ConfigFile
from anontui.server.folder import DataFolder
from anontui.server.projects import Projects
from anontui.server.worker import obey

TELL_EVERY = 0.5  # seconds between two looks at how many came


def make_receiver(folder: DataFolder) -> Receiver:
    """A receiver as the settings of a data folder say; not started yet.

    Who may send, and to which project, is looked up for each association.

    Raises
    ------
    SettingsError
        If ``server.yml`` is wrong.
    """
    config = folder.config
    settings = config.current().receiver
    projects = Projects(folder.projects, config, folder.path)

    def accept(calling: str, called: str) -> Path | Refusal | None:
        return _accept(config, projects, calling.strip(), called.strip())

    return Receiver(Where(settings.port, settings.host), accept)


def _accept(
    config: ConfigFile, projects: Projects, calling: str, called: str
) -> Path | Refusal | None:
    try:
        callers = config.current().receiver.callers
        found = [one.name for one in projects.all().values() if one.receive == called]
    except SettingsError:  # the server tells of it
        return None
    if callers and calling not in callers:
        return Refusal.CALLING_UNKNOWN
    return projects.incoming.received(found[0]) if len(found) == 1 and called else None


def run(data: Path, lifeline: Connection, news: Connection) -> None:
    """Receive until the other end of ``lifeline`` is closed; what a process of its own runs.

    ``news`` gets the port once it listens, then how many instances came, or a sentence that
    says why it cannot listen.
    """
    obey(lifeline)
    try:
        with make_receiver(DataFolder(data)) as receiver:
            news.send(receiver.port)
            told = 0
            while True:
                time.sleep(TELL_EVERY)
                if receiver.received != told:
                    told = receiver.received
                    news.send((told,))
    except AnonTUIError as error:
        with suppress(OSError):
            news.send(error.sentence())
    except OSError:  # nobody listens any more
        return
