"""The report of a run: what became of each file, by which policy, and with which key."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from anontui import __version__
from anontui.atomic import sync_folder
from anontui.deid.rules.actions import AnyRule, Choice
from anontui.deid.rules.policy import Filters, Policy
from anontui.deid.rules.tags import TagPattern, tag_text
from anontui.deid.run.records import Records, Row
from anontui.deid.values.treatment import key_id
from anontui.errors import DeidError, UsageError

FORMAT = "anontui de-identification report 1"
_FIELDS = ("path", "output", "status", "code", "reason", "patient", "study", "series", "instance")


@dataclass(frozen=True)
class Report:
    """Files that a run leaves, readable by their owner only, since paths can name patients.

    ``NAME.json`` holds policy, totals and every file, ``NAME.csv`` the files alone. With
    ``identities`` there are also ``NAME.uid_mapping.csv`` and ``NAME.patid_mapping.csv``: columns
    ``id_old`` and ``id_new``, as the MIDI-B validation script reads them.

    Parameters
    ----------
    prefix
        Folder and NAME.
    identities
        Whether the mappings are wanted.
    """

    prefix: Path
    identities: bool = False

    @classmethod
    def at(cls, path: Path, output: Path, *, identities: bool = False) -> Report:
        """A report at ``path``, an ending ``.json`` or ``.csv`` forgiven; nothing is written yet.

        Raises
        ------
        UsageError
            If its folder cannot be written or is inside ``output``, or a report is there already.
        """
        if path.suffix.lower() in (".json", ".csv"):
            path = path.with_suffix("")
        report = cls(path, identities)
        folder = Path(os.path.realpath(path.parent))
        if not path.name or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UsageError(
                "The report's folder does not exist or cannot be written",
                advice="Name a file in a folder that only you can read.",
            )
        if folder.is_relative_to(os.path.realpath(output)):
            raise UsageError(
                "The report, whose paths can name patients, would lie among the results",
                advice="Name a file outside the output folder.",
            )
        if any(os.path.lexists(file) for file in report.files):
            raise UsageError(
                f"There is already a report {path.name}",
                advice="A report is never overwritten: choose another name.",
            )
        return report

    @property
    def files(self) -> list[Path]:
        """The files that are written."""
        endings = [".json", ".csv"]
        if self.identities:
            endings += [".uid_mapping.csv", ".patid_mapping.csv"]
        return [self.prefix.with_name(self.prefix.name + ending) for ending in endings]

    def write(self, records: Records, policy: Policy, key: bytes, *, is_finished: bool) -> None:
        """Write everything.

        Raises
        ------
        DeidError
            If that cannot be done.
        """
        head: dict[str, object] = {
            "format": FORMAT,
            "program": f"anontui {__version__}",
            "finished": is_finished,
            "key_id": key_id(key),
            "policy": described(policy),
            "totals": [
                {"status": status, "code": code, "files": files}
                for status, code, files in records.totals()
            ],
            "elements": dict(sorted(records.counts.items())),
        }
        parts: list[Iterable[str]] = [
            _json_lines(head, records.rows()),
            _csv_lines(_FIELDS, ([cell for _, cell in _cells(row)] for row in records.rows())),
        ]
        if self.identities:
            columns = ("id_old", "id_new")
            parts += [_csv_lines(columns, records.uids()), _csv_lines(columns, records.patients())]
        for path, lines in zip(self.files, parts, strict=True):
            _write(path, lines)
        sync_folder(self.prefix.parent)


def described(policy: Policy) -> dict[str, object]:
    """A policy for people and programs; of lists of patients only how many there are."""
    filters = {
        name: getattr(policy.filters, name) for name in Filters.__slots__ if name != "opt_out"
    }
    filters["required"] = sorted(map(tag_text, policy.filters.required))
    filters["sop_classes"] = sorted(policy.filters.sop_classes)
    return {
        "profile": "DICOM PS3.15 Basic Application Level Confidentiality Profile",
        "edition": policy.edition,
        "options": sorted(policy.options),
        "clean_by": policy.clean_by,
        "keep_private": policy.keep_private,
        "shift_time": policy.shift_time,
        "rules": [{"tag": _pattern_text(pattern), **_rule(rule)} for pattern, rule in policy.told],
        "white_list": {
            tag_text(tag): len(values) for tag, values in sorted(policy.white_list.values.items())
        },
        "pixel_rules": [rule.name for rule in policy.pixel_rules.rules],
        "filters": {**filters, "opt_out": len(policy.filters.opt_out)},
    }


def _rule(rule: AnyRule) -> dict[str, object]:
    if isinstance(rule, Choice):
        condition = rule.condition
        return {
            "if": f"{tag_text(condition.tag)} {condition.test} {condition.argument}".strip(),
            "then": _rule(rule.then),
            "otherwise": _rule(rule.otherwise),
        }
    shown: dict[str, object] = {"action": rule.action.value, "because": rule.because}
    for name in ("find", "value", "number"):
        if getattr(rule, name) not in ("", None):
            shown[name] = getattr(rule, name)
    if rule.table:
        shown["entries"] = len(rule.table)
    return shown


def _pattern_text(pattern: TagPattern) -> str:
    digits = "".join(
        digit if mask == "F" else "x"
        for digit, mask in zip(f"{pattern.value:08X}", f"{pattern.mask:08X}", strict=True)
    )
    if pattern.creator:
        return f'({digits[:4]},"{pattern.creator}",{digits[6:]})'
    return f"({digits[:4]},{digits[4:]})"


def _cells(row: Row) -> list[tuple[str, str]]:
    if row.patient == row.old_patient:  # it was told to stay, but identity is not told here
        row = row._replace(patient="")
    return [
        (name, _shown(value) if isinstance(value, bytes) else value)
        for name, value in ((name, getattr(row, name)) for name in _FIELDS)
    ]


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace").replace(os.sep, "/")


def _json_lines(head: dict[str, object], rows: Iterator[Row]) -> Iterator[str]:
    text = json.dumps(head, indent=1, ensure_ascii=False)
    yield text.removesuffix("\n}") + ',\n "files": ['
    comma = "\n  "
    for row in rows:
        shown: dict[str, object] = {name: cell for name, cell in _cells(row) if cell}
        if row.cleaned:
            shown["cleaned"] = json.loads(row.cleaned)
        yield comma + json.dumps(shown, ensure_ascii=False)
        comma = ",\n  "
    yield "\n ]\n}\n"


def _csv_lines(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _write(path: Path, lines: Iterable[str]) -> None:
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}.tmp")
    try:
        with open(temporary, "x", encoding="utf-8", errors="replace", newline="") as file:
            os.chmod(temporary, 0o600)
            _write_all(file, lines)
        os.replace(temporary, path)
    except OSError as error:
        raise DeidError(
            "The report cannot be written",
            cause=error.strerror or type(error).__name__,
            advice="The results are complete; run it again with another --report.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write_all(file: TextIO, lines: Iterable[str]) -> None:
    for line in lines:
        file.write(line)
    file.flush()
    os.fsync(file.fileno())
