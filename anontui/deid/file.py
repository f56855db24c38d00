"""One file in, one file out, or a reason why not."""

from __future__ import annotations

import copy
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from anontui.atomic import sync_folder
from anontui.deid.dataset import Executor
from anontui.deid.encode import file_bytes
from anontui.deid.filters import SERIES_INSTANCE, SOP_CLASS, SOP_INSTANCE, STUDY_INSTANCE, check
from anontui.deid.meta import new_meta
from anontui.deid.policy import Limits, Policy
from anontui.deid.pseudonym import Pseudonym
from anontui.deid.quiet import quiet
from anontui.deid.refusal import Reason, Refused, Status
from anontui.deid.source import DEFLATED, Parsed, encoding_of, parse, read, transfer_syntax_of
from anontui.deid.values import text_at
from anontui.errors import DeidError

_SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Parameters
    ----------
    status
        ``done``, ``rejected`` (nothing to de-identify) or ``quarantined`` (a person must look).
    reason
        Why it is not done, in words without identity; empty when done.
    code
        The reason's code to count by, see :class:`Reason`; ``None`` when done.
    study_instance_uid, series_instance_uid, sop_instance_uid
        The new UIDs; empty unless done.
    counts
        Elements by what happened to them: :class:`Action` names, and ``delete_invalid``
        for kept attributes whose value was not valid.
    """

    status: Status
    reason: str = ""
    code: Reason | None = None
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


def deidentify_file(
    source: Path,
    target: Path,
    *,
    policy: Policy,
    key: bytes,
    pseudonym: Pseudonym,
    sync: bool = True,
) -> Outcome:
    """De-identify a DICOM file.

    Parameters
    ----------
    source
        The file to read. Nothing about it is trusted.
    target
        Where the result goes, whole or not at all; its folder must exist.
    policy, key, pseudonym
        What to do, with which secret (16 bytes or more), and who the patient becomes. The
        same input and key give the same bytes.
    sync
        Whether the result is on the disk when this returns; a caller with many files may
        sync the folder once instead.

    Returns
    -------
    Outcome
        A file that cannot be made safe is no error: it is rejected or quarantined, and no
        target is written (one from before stays as it was).

    Raises
    ------
    DeidError
        If the key is too short, the target is the source, or it cannot be written.
    """
    _check_key(key)
    if _is_same(source, target):
        raise DeidError("The target is the source", advice="Choose another target folder.")
    try:
        with quiet(), _refusing_surprises():
            parsed = parse(_read(source, policy.limits), policy.limits)
            result, counts = _deidentified(parsed, policy, key, pseudonym)
            syntax = parsed.transfer_syntax
            parts = file_bytes(
                result, _meta(result, syntax), parsed.encoding, deflated=syntax == DEFLATED
            )
    except Refused as refused:
        return Outcome(refused.status, refused.words(), refused.reason)
    _write(target, parts, sync=sync)
    return Outcome(
        "done",
        study_instance_uid=text_at(result, STUDY_INSTANCE),
        series_instance_uid=text_at(result, SERIES_INSTANCE),
        sop_instance_uid=text_at(result, SOP_INSTANCE),
        counts=counts,
    )


def deidentify_dataset(
    dataset: Dataset, *, policy: Policy, key: bytes, pseudonym: Pseudonym
) -> Dataset:
    """De-identify a data set in memory; the given one stays as it is.

    Returns
    -------
    Dataset
        A new one. It has file meta information, made anew, if the given one has any.

    Raises
    ------
    Refused
        If it cannot be made safe, with the reason.
    DeidError
        If the key is too short.
    """
    _check_key(key)
    with quiet(), _refusing_surprises():
        parsed = _as_read(dataset, policy.limits)
        result, _ = _deidentified(parsed, policy, key, pseudonym)
        if getattr(dataset, "file_meta", None) is not None:
            result.file_meta = _meta(result, parsed.transfer_syntax)
        return result


def _is_same(source: Path, target: Path) -> bool:
    with suppress(OSError):  # most often there is no target yet
        return target.samefile(source)
    return False


def _check_key(key: bytes) -> None:
    if len(key) < _SHORTEST_KEY:
        raise DeidError(
            f"The key is shorter than {_SHORTEST_KEY} bytes",
            advice="Make a random one of 32 bytes and keep it secret.",
        )


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


def _deidentified(
    parsed: Parsed, policy: Policy, key: bytes, pseudonym: Pseudonym
) -> tuple[Dataset, dict[str, int]]:
    check(parsed, policy.filters)
    executor = Executor(policy, key, pseudonym, parsed)
    result = executor.run(text_at(parsed.dataset, SOP_CLASS))
    return result, dict(executor.counts)


def _as_read(dataset: Dataset, limits: Limits) -> Parsed:
    """A data set in memory as if it had come from a file, so that one way handles both."""
    syntax = transfer_syntax_of(dataset)
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding_of(syntax)
    write_dataset(buffer, copy.deepcopy(dataset))  # writing settles ambiguous VRs in place
    return read(buffer.getvalue(), 0, syntax, limits)


def _meta(result: Dataset, transfer_syntax: str) -> FileMetaDataset:
    sop_class, sop_instance = text_at(result, SOP_CLASS), text_at(result, SOP_INSTANCE)
    return new_meta(sop_class, sop_instance, transfer_syntax)


def _read(path: Path, limits: Limits) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(Reason.NOT_A_FILE)
        if status.st_size > limits.file_bytes:
            raise Refused(Reason.TOO_LARGE, f"more than {limits.file_bytes} bytes")
        with path.open("rb") as file:
            return file.read(limits.file_bytes)
    except OSError as error:
        raise Refused(Reason.UNREADABLE, error.strerror or type(error).__name__) from None


def _write(target: Path, parts: list[bytes], *, sync: bool) -> None:
    """Put the parts in the target's place, whole or not at all."""
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.writelines(parts)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if sync:
            sync_folder(target.parent)
    except OSError as error:
        raise DeidError(
            "A de-identified file cannot be written",
            advice="Check that the target folder exists, is writable and has room, then go on.",
            cause=error.strerror or type(error).__name__,
        ) from error
