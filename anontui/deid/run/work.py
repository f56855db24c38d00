"""De-identifying the files of a folder, one after the other, in whichever process."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from anontui.deid.file import Deidentifier, PseudonymFor
from anontui.deid.outcome import Outcome
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.tags import tag_text
from anontui.deid.run.layout import by_identifiers, holds_patient_id
from anontui.deid.run.pseudonyms import as_text
from anontui.deid.run.records import Batch, Row
from anontui.errors import DeidError

TICK = 0.1
"""Seconds between two reports."""

_IMPOSSIBLE_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


@dataclass(frozen=True)
class Work:
    """What is done to every file of a run.

    Parameters
    ----------
    source, target
        The folders that paths are relative to.
    policy, key, pseudonym_for
        As for :class:`~anontui.deid.file.Deidentifier`; a run with several processes needs
        them such that they can be pickled.
    name
        What the result is called, if there is only one; empty for as its source is.
    layout
        Whether results go to folders named by their new identifiers.
    dry_run
        Whether nothing is written.
    with_uids
        Whether it is told which UID became which.
    """

    source: str
    target: str
    policy: Policy
    key: bytes
    pseudonym_for: PseudonymFor
    name: str = ""
    layout: bool = False
    dry_run: bool = False
    with_uids: bool = False


class Worker:
    """Does the work, file by file."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._deidentifier = Deidentifier(work.policy, work.key, work.pseudonym_for)
        if work.with_uids:
            self._deidentifier.record_uids()
        self._path = ""
        self._output = ""
        self._folders: set[str] = set()

    def batches(self, paths: Iterable[str]) -> Iterator[Batch]:
        """Treat files, and tell of them every :data:`TICK` and at the end.

        Raises
        ------
        DeidError
            If the output cannot be written (a full disk); it is of no use to go on.
        """
        batch, told = Batch([], Counter(), []), monotonic()
        for path in paths:
            outcome = self._outcome(path)
            batch.rows.append(self._row(outcome))
            batch.counts.update(outcome.counts)
            if monotonic() - told > TICK:
                yield self._with_uids(batch)
                batch, told = Batch([], Counter(), []), monotonic()
        yield self._with_uids(batch)

    def _outcome(self, path: str) -> Outcome:
        self._path, self._output = path, ""
        source = Path(self._work.source, path)
        try:
            return self._deidentifier.file(source, self._target, sync=False, replace=False)
        except DeidError as error:
            if getattr(error.__cause__, "errno", None) in _IMPOSSIBLE_NAME:
                return _refused(Refused(Reason.TARGET_NAME))
            raise
        except Exception as error:  # noqa: BLE001 - one file, whatever is wrong with it, is one file
            return _refused(Refused(Reason.STOPPED, type(error).__name__))

    def _target(self, outcome: Outcome) -> Path | None:
        """Where a result goes, its folder made."""
        work = self._work
        if work.layout:
            original = outcome.original.patient_id if outcome.original else ""
            self._output = by_identifiers(work.pseudonym_for(original).patient_id, outcome)
        else:
            self._output = work.name or self._path
            is_checked = work.policy.filters.identity_left and not work.name
            if is_checked and holds_patient_id(self._output, outcome):
                raise Refused(Reason.IDENTITY_IN_PATH)
        if work.dry_run:
            return None
        target = os.path.join(work.target, self._output)
        folder = os.path.dirname(target)
        if folder not in self._folders:
            self._make(folder)
        return Path(target)

    def _make(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise Refused(Reason.TARGET_EXISTS) from None
        except OSError as error:
            raise DeidError(
                "A folder of the output cannot be made",
                cause=error.strerror or type(error).__name__,
                advice="Check that the output folder is writable and has room, then go on.",
            ) from error
        if len(self._folders) > 4096:
            self._folders.clear()
        self._folders.add(folder)

    def _row(self, outcome: Outcome) -> Row:
        path = os.fsencode(self._path)
        # whose place is taken by whom can only be told at the end, so that place is told too
        output = b""
        if outcome.status == "done" or outcome.code is Reason.TARGET_EXISTS:
            output = os.fsencode(self._output)
        if outcome.original is None:
            code = outcome.code.value if outcome.code else ""
            return Row(path, outcome.status, code, outcome.reason, output)
        cleaned = ""
        if outcome.cleaned:
            cleaned = json.dumps([[tag_text(tag), text] for tag, text in outcome.cleaned])
        return Row(
            path,
            outcome.status,
            "",
            "",
            output,
            as_text(outcome.patient_id),
            outcome.study_instance_uid,
            outcome.series_instance_uid,
            outcome.sop_instance_uid,
            as_text(outcome.original.patient_id),
            outcome.original.study_instance_uid,
            cleaned,
        )

    def _with_uids(self, batch: Batch) -> Batch:
        uids = self._deidentifier.uids
        if uids:
            batch.uids.extend(uids.items())
            uids.clear()
        return batch


def refused_row(path: str, reason: Reason, detail: str = "") -> Row:
    """The row of something that no worker could treat."""
    refused = Refused(reason, detail)
    return Row(os.fsencode(path), refused.status, reason.value, refused.words())


def _refused(refused: Refused) -> Outcome:
    return Outcome(refused.status, refused.words(), refused.reason)
