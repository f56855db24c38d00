"""Taking one instance that is stored to us: its bytes as they come, into an inbox."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from anontui.pacs.dimse.command import Command, E
from anontui.pacs.dimse.raw import file_head, study_of
from anontui.pacs.dimse.upper import Association, Context
from anontui.pacs.files import NotDicom, is_uid
from anontui.pacs.inbox import Inbox

Place = Callable[[str], Inbox | None]
"""Where instances of this study go; None: nowhere, they are not wanted."""

_IN_MEMORY = 4 << 20  # bytes of a data set; a longer one goes through a temporary file
_TRIES = 5


class Status(IntEnum):
    """How a C-STORE is answered (PS3.4 B.2.3, PS3.7 C)."""

    STORED = 0x0000
    INVALID_INSTANCE = 0x0117
    NOT_WANTED = 0x0124
    NO_SPACE = 0xA700
    WRONG_CLASS = 0xA900
    NOT_UNDERSTOOD = 0xC000


def take(
    association: Association,
    context: Context,
    command: Command,
    place: Place,
    spool: Path,
    *,
    sync: bool,
) -> tuple[Status, Inbox | None]:
    """Read an instance's data set, and have it in its inbox before this returns.

    Parameters
    ----------
    association, context, command
        Where its C-STORE request was just received.
    place
        Tells the inbox of a study.
    spool
        An existing folder, for what is too long for the memory.
    sync
        Whether it must survive a power cut.

    Returns
    -------
    tuple[Status, Inbox | None]
        What to answer, and where it is if it is stored. An instance that was there already is
        kept as it was.

    Raises
    ------
    Ended
        If the association is over; nothing is stored then.
    OSError
        If it cannot be written; its data set may then not be read to its end.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(spool)) as data:
        try:
            for fragment in association.data():
                data.write(fragment)
            data.seek(0)
            return _keep(cast(BinaryIO, data), context, command, place, sync=sync)
        except NotDicom:
            return Status.NOT_UNDERSTOOD, None


def _keep(
    data: BinaryIO, context: Context, command: Command, place: Place, *, sync: bool
) -> tuple[Status, Inbox | None]:
    instance = command.text(E.INSTANCE)
    if not is_uid(instance):
        return Status.INVALID_INSTANCE, None
    if command.text(E.SOP_CLASS) != context.sop_class:
        return Status.WRONG_CLASS, None
    study = study_of(data, context.syntax)
    for left in reversed(range(_TRIES)):
        try:
            inbox = place(study)
            if inbox is None:
                return Status.NOT_WANTED, None
            with inbox.writing(instance, sync=sync) as file:
                file.write(file_head(context.sop_class, instance, context.syntax))
                data.seek(0)
                shutil.copyfileobj(data, file)
        except (FileNotFoundError, FileExistsError):
            if not left:  # else its folder was taken away meanwhile, and gets a new one
                raise
        else:
            return Status.STORED, inbox
    raise AssertionError("unreachable")
