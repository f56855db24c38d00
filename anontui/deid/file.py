"""One file in, one file out, or a reason why not."""

from __future__ import annotations

import copy
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from anontui.deid.earlier import NOTHING, Earlier
from anontui.deid.engine import facts as at
from anontui.deid.engine.dataset import Executor, Step
from anontui.deid.engine.encode import data_set_bytes
from anontui.deid.engine.facts import facts_of, facts_wanted
from anontui.deid.engine.filters import check
from anontui.deid.engine.meta import file_head, new_meta
from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.source import (
    DEFLATED,
    Parsed,
    encoding_of,
    parse,
    read,
    transfer_syntax_of,
)
from anontui.deid.engine.spans import Spans
from anontui.deid.engine.walk import Emission
from anontui.deid.engine.writing import copy_range, new_file, write_all
from anontui.deid.outcome import Original, Outcome
from anontui.deid.pixels.elements import cleaned_pixels
from anontui.deid.pseudonym import Pseudonym
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.policy import Limits, Policy
from anontui.deid.values.form import text_at
from anontui.deid.values.treatment import Treatment
from anontui.errors import DeidError

_SHORTEST_KEY = 16

PseudonymFor = Callable[[str], Pseudonym]
"""From a Patient ID to the pseudonym; raises :class:`Refused` if there is none."""
TargetFor = Callable[[Outcome], Path | None]
"""From what becomes of a file to where it goes; ``None``: nothing is written."""


class _Result(NamedTuple):
    dataset: Dataset
    parsed: Parsed
    transfer_syntax: str
    executor: Executor
    treatment: Treatment


class Deidentifier:
    """The engine for one policy; it remembers what it saw, so make one for many files.

    Parameters
    ----------
    policy, key
        What to do, and with which secret (16 bytes or more). The same input, policy and key
        give the same bytes.
    pseudonym
        Who the patient becomes, or a function that tells it by the Patient ID.
    fast
        Whether the executor over bytes may be used; the results are the same.
    earlier
        What was given out before, by another program, and goes on being used.

    Raises
    ------
    DeidError
        If the key is too short.
    """

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        pseudonym: Pseudonym | PseudonymFor,
        *,
        fast: bool = True,
        earlier: Earlier = NOTHING,
    ) -> None:
        if len(key) < _SHORTEST_KEY:
            raise DeidError(
                f"The key is shorter than {_SHORTEST_KEY} bytes",
                advice="Make a random one of 32 bytes and keep it secret.",
            )
        self.policy = policy
        self.uids: dict[str, str] | None = None
        """Original to new UIDs, while it is a dictionary; see :meth:`record_uids`."""
        self._key = key
        self._pseudonym = pseudonym
        self._earlier = earlier
        self._wanted = facts_wanted(policy)
        self._treatments: dict[str, Treatment] = {}
        self._spans = Spans(policy, self._treatment) if fast else None

    def record_uids(self) -> None:
        """Remember from now on which UID became which, in :attr:`uids`."""
        self.uids = {}
        for treatment in self._treatments.values():
            treatment.uids = self.uids

    def file(
        self, source: Path, target: Path | TargetFor, *, sync: bool = True, replace: bool = True
    ) -> Outcome:
        """De-identify a DICOM file.

        Parameters
        ----------
        source
            The file to read. Nothing about it is trusted.
        target
            Where the result goes, whole or not at all, or a function that tells when the new
            identifiers are known; its folder must exist by then.
        sync
            Whether the result is on the disk when this returns; a caller with many files may
            sync the folder once instead.
        replace
            Whether a file at the target may be replaced; if not, and it is another than the
            result, the outcome is quarantined.

        Returns
        -------
        Outcome
            A file that cannot be made safe is no error: it is rejected or quarantined, and no
            target is written (one from before stays as it was).

        Raises
        ------
        DeidError
            If the target is the source, or it cannot be written.
        """
        try:
            with _opened(source) as (file, state):
                if isinstance(target, Path):
                    _check_target(target, state)
                emission = self._emission(file, state.st_size)
                if emission is not None:
                    outcome, head = self._emitted(emission)
                    goal = target if isinstance(target, Path) else target(outcome)
                    if goal is None:
                        return outcome
                    with new_file(os.fspath(goal), sync=sync, replace=replace) as new:
                        write_all(new, head)
                        copy_range(file, new, emission.start, emission.length)
                        if emission.tail:
                            write_all(new, emission.tail)
                    return outcome
                data = _read(file, state.st_size, self.policy.limits)
            with quiet(), _refusing_surprises():
                result = self._result(parse(data, self.policy.limits))
                parts = _file_parts(result)
            outcome = _outcome(result)
            goal = target if isinstance(target, Path) else target(outcome)
            if goal is not None:
                with new_file(os.fspath(goal), sync=sync, replace=replace) as new:
                    for part in parts:
                        write_all(new, part)
        except Refused as refused:
            return Outcome(refused.status, refused.words(), refused.reason)
        return outcome

    def instance(self, data: bytes, transfer_syntax: str = "") -> tuple[Outcome, bytes]:
        """De-identify what was received: a data set's bytes, not decoded.

        Parameters
        ----------
        data
            A data set as a C-STORE carries it, in ``transfer_syntax``; without one, a whole
            file (PS3.10) as a WADO-RS part is.
        transfer_syntax
            The UID that was agreed on.

        Returns
        -------
        Outcome, bytes
            The result is a whole file; no bytes unless the outcome is done.
        """
        try:
            emission = None
            if transfer_syntax and self._spans is not None:
                try:
                    emission = self._spans.instance(data, 0, transfer_syntax)
                except DeidError:
                    raise
                except Exception:  # noqa: BLE001 - the other executor decides
                    emission = None
            if emission is not None:
                outcome, head = self._emitted(emission)
                body = data[emission.start : emission.start + emission.length]
                return outcome, b"".join((head, body, emission.tail))
            limits = self.policy.limits
            with quiet(), _refusing_surprises():
                parsed = (
                    read(data, 0, transfer_syntax, limits)
                    if transfer_syntax
                    else parse(data, limits)
                )
                result = self._result(parsed)
                return _outcome(result), b"".join(_file_parts(result))
        except Refused as refused:
            return Outcome(refused.status, refused.words(), refused.reason), b""

    def dataset(self, dataset: Dataset) -> Dataset:
        """De-identify a data set in memory; the given one stays as it is.

        One without a SOP class, such as some fields from a database, need not have what every
        instance has.

        Returns
        -------
        Dataset
            A new one. It has file meta information, made anew, if the given one has any.

        Raises
        ------
        Refused
            If it cannot be made safe, with the reason.
        """
        with quiet(), _refusing_surprises():
            parsed = _as_read(dataset, self.policy.limits)
            result = self._result(parsed, is_instance="SOPClassUID" in dataset)
            if getattr(dataset, "file_meta", None) is not None:
                new = result.dataset
                sop_class, sop_instance = text_at(new, at.SOP_CLASS), text_at(new, at.SOP_INSTANCE)
                new.file_meta = new_meta(sop_class, sop_instance, result.transfer_syntax)
            return result.dataset

    def steps(self, source: Path) -> tuple[Outcome, list[Step]]:
        """What would happen to each element of a file; nothing is written.

        A file that is held has the steps up to where it was, and its reason in the outcome.
        """
        steps: list[Step] = []
        try:
            data = file_bytes(source, self.policy.limits)
            with quiet(), _refusing_surprises():
                result = self._result(parse(data, self.policy.limits), steps)
        except Refused as refused:
            return Outcome(refused.status, refused.words(), refused.reason), steps
        return _outcome(result), steps

    def new_study_uid(self, uid: str) -> str:
        """What becomes of a StudyInstanceUID."""
        nobody = Pseudonym("-", "-")
        treatment = Treatment(self.policy, self._key, nobody, "", self._earlier)
        return treatment.new_uid_at(at.STUDY_INSTANCE, uid)

    def _treatment(self, patient_id: str) -> Treatment:
        treatment = self._treatments.get(patient_id)
        if treatment is None:
            if len(self._treatments) > 1024:
                self._treatments.clear()
            pseudonym = self._pseudonym
            if not isinstance(pseudonym, Pseudonym):
                pseudonym = pseudonym(patient_id)
            treatment = Treatment(self.policy, self._key, pseudonym, patient_id, self._earlier)
            treatment.uids = self.uids
            self._treatments[patient_id] = treatment
        return treatment

    def _emission(self, file: int, size: int) -> Emission | None:
        """The fast way, if it can be gone."""
        if self._spans is None:
            return None
        try:
            return self._spans.file(file, size)
        except DeidError:
            raise
        except Exception:  # noqa: BLE001 - whatever it stumbled over, the other executor decides
            return None

    def _emitted(self, emission: Emission) -> tuple[Outcome, bytes]:
        treatment = emission.treatment
        study, series, instance = (treatment.new_uid_at(*pair) for pair in _pairs(emission))
        outcome = Outcome(
            "done",
            "",
            None,
            treatment.new_patient_id,
            study,
            series,
            instance,
            Counter(filter(None, emission.counts)),
            tuple(emission.stayed),
            Original(treatment.patient_id, *emission.uids),
        )
        head = file_head(emission.sop_class, instance, emission.syntax)
        return outcome, b"".join((head, *emission.head))

    def _result(
        self, parsed: Parsed, steps: list[Step] | None = None, *, is_instance: bool = True
    ) -> _Result:
        facts = facts_of(parsed.dataset, self._wanted, little=parsed.encoding.little)
        syntax = parsed.transfer_syntax
        rule = check(facts, syntax, self.policy, is_instance=is_instance)
        treatment = self._treatment(facts.patient_id())
        pixels = None
        if rule is not None and rule.boxes:
            syntax, pixels = cleaned_pixels(parsed, rule.boxes)
        executor = Executor(treatment, parsed, pixels, steps)
        return _Result(executor.run(facts.text(at.SOP_CLASS)), parsed, syntax, executor, treatment)


def file_bytes(source: Path, limits: Limits) -> bytes:
    """Read a regular file that may be a DICOM file.

    Raises
    ------
    Refused
        If it is none, cannot be read, or is larger than the limits allow.
    """
    with _opened(source) as (file, state):
        return _read(file, state.st_size, limits)


def deidentify_file(
    source: Path,
    target: Path,
    *,
    policy: Policy,
    key: bytes,
    pseudonym: Pseudonym,
    sync: bool = True,
) -> Outcome:
    """De-identify one DICOM file; see :meth:`Deidentifier.file`."""
    return Deidentifier(policy, key, pseudonym).file(source, target, sync=sync)


def deidentify_dataset(
    dataset: Dataset, *, policy: Policy, key: bytes, pseudonym: Pseudonym
) -> Dataset:
    """De-identify one data set in memory; see :meth:`Deidentifier.dataset`."""
    return Deidentifier(policy, key, pseudonym).dataset(dataset)


def _pairs(emission: Emission) -> Iterator[tuple[int, str]]:
    return zip((at.STUDY_INSTANCE, at.SERIES_INSTANCE, at.SOP_INSTANCE), emission.uids, strict=True)


def _outcome(result: _Result) -> Outcome:
    new, old, executor = result.dataset, result.parsed.dataset, result.executor
    identifiers = (at.STUDY_INSTANCE, at.SERIES_INSTANCE, at.SOP_INSTANCE)
    study, series, instance = (text_at(new, tag) for tag in identifiers)
    patient = facts_of(new, frozenset({at.CHARACTER_SET, at.PATIENT_ID}), little=True)
    return Outcome(
        "done",
        "",
        None,
        patient.patient_id(),
        study,
        series,
        instance,
        dict(executor.counts),
        tuple(executor.cleaned),
        Original(result.treatment.patient_id, *(text_at(old, tag) for tag in identifiers)),
    )


def _file_parts(result: _Result) -> list[bytes]:
    """The parts of a DICOM file (PS3.10 section 7), its preamble zeroed."""
    new, syntax = result.dataset, result.transfer_syntax
    head = file_head(text_at(new, at.SOP_CLASS), text_at(new, at.SOP_INSTANCE), syntax)
    body = data_set_bytes(new, result.parsed.encoding, deflated=syntax == DEFLATED)
    return [head, *body]


@contextmanager
def _refusing_surprises() -> Iterator[None]:
    """Whatever else goes wrong in the block is a reason not to deliver, never a crash."""
    try:
        yield
    except DeidError:
        raise
    except Exception as error:  # noqa: BLE001 - on hostile bytes pydicom may raise anything at all
        # its text may quote a value, and so would a chained traceback
        raise Refused(Reason.PARSER, type(error).__name__) from None


def _as_read(dataset: Dataset, limits: Limits) -> Parsed:
    """A data set in memory as if it had come from a file, so that one way handles both."""
    syntax = transfer_syntax_of(dataset)
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding_of(syntax)
    write_dataset(buffer, copy.deepcopy(dataset))  # writing settles ambiguous VRs in place
    return read(buffer.getvalue(), 0, syntax, limits)


@contextmanager
def _opened(source: Path) -> Iterator[tuple[int, os.stat_result]]:
    """A regular file's descriptor and state; a pipe is not waited for."""
    try:
        file = os.open(source, os.O_RDONLY | _FLAGS)
    except OSError as error:
        raise _unreadable(error) from None
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise Refused(Reason.NOT_A_FILE)
        yield file, state
    finally:
        os.close(file)


_FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK"))


def _read(file: int, size: int, limits: Limits) -> bytes:
    if size > limits.file_bytes:
        raise Refused(Reason.TOO_LARGE, f"more than {limits.file_bytes} bytes")
    try:
        with os.fdopen(os.dup(file), "rb") as stream:
            stream.seek(0)
            return stream.read(size)
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> Refused:
    return Refused(Reason.UNREADABLE, error.strerror or type(error).__name__)


def _check_target(target: Path, source: os.stat_result) -> None:
    """Raise DeidError if the target is the source; most often there is no target yet."""
    try:
        state = os.stat(target)
    except OSError:
        return
    if os.path.samestat(state, source):
        raise DeidError("The target is the source", advice="Choose another target folder.")
