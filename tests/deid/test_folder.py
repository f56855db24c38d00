"""A run over a folder: order, processes, bad files, conflicts, cancelling."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from anontui.deid import (
    Action,
    Deidentifier,
    Filters,
    Option,
    Policy,
    Pseudonym,
    Pseudonyms,
    Reason,
    Refused,
    Rule,
    Summary,
    deidentify_folder,
)
from anontui.deid.outcome import Original, Outcome
from anontui.deid.rules.tags import TagPattern
from anontui.deid.run.keyfile import key_from
from anontui.deid.run.layout import safe_name
from anontui.deid.run.processes import spread
from anontui.deid.run.pseudonyms import derived, read_pseudonyms
from anontui.errors import DeidError, UsageError
from anontui.events import Progress, Result
from anontui.events import Warning as Told
from tests.deid.build import KEY, E, file_of


def slice_of(number: int, *extra: E, patient: str = "MRN-190284", study: str = "1.2.3") -> bytes:
    own = [
        E(0x00080018, "UI", f"1.2.3.4.{number}".encode()),
        E(0x00100020, "LO", patient.encode()),
        E(0x0020000D, "UI", study.encode()),
    ]
    return file_of(*own, *extra)


def make(folder: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


class Run:
    """A run to its end: its events, its summary, and what is in the output."""

    def __init__(self, source: Path, target: Path, **options: Any) -> None:
        options = {"policy": Policy.basic(), "key": KEY, "sync": False, **options}
        self.target = target
        self.events = list(deidentify_folder(source, target, **options))
        last = self.events[-1]
        assert isinstance(last, Result)
        self.summary: Summary = last.value
        self.warnings = [event.message for event in self.events if isinstance(event, Told)]

    @property
    def reasons(self) -> dict[Reason | None, int]:
        return {total.reason: total.files for total in self.summary.totals}

    @property
    def files(self) -> dict[str, bytes]:
        return contents(self.target)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_shape_is_kept(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in", b=slice_of(1), a__x=slice_of(2), a__b__y=slice_of(3), _hidden=slice_of(4)
    )
    (source / "_hidden").rename(source / ".hidden")
    (source / ".git").mkdir()
    make(source / ".git", z=slice_of(5))
    (source / "empty").mkdir()
    run = Run(source, tmp_path / "new" / "out")
    assert set(run.files) == {"b", "a/x", "a/b/y"}
    assert run.reasons == {None: 3} and run.summary.is_complete
    assert "keeps the names" in run.warnings[0] and len(run.warnings) == 1
    for data in run.files.values():
        assert b"MRN-190284" not in data and b"Lindqvist" not in data


def test_progress_counts_every_file(tmp_path: Path) -> None:
    run = Run(make(tmp_path / "in", **{f"f{n}": slice_of(n) for n in range(9)}), tmp_path / "out")
    told = [event for event in run.events if isinstance(event, Progress)]
    assert (told[-1].done, told[-1].total, told[-1].unit) == (9, 9, "files")


def test_layout_has_new_identifiers_only(tmp_path: Path) -> None:
    source = make(tmp_path / "in", **{"MRN-190284__Lindqvist": slice_of(1), "b": slice_of(2)})
    run = Run(source, tmp_path / "out", layout=True)
    assert run.summary.is_complete and not run.warnings
    for name, data in run.files.items():
        (tmp_path / "probe").write_bytes(data)
        new = pydicom.dcmread(tmp_path / "probe")
        assert name == "/".join(
            (
                new.PatientID,
                new.StudyInstanceUID,
                new.SeriesInstanceUID,
                f"{new.SOPInstanceUID}.dcm",
            )
        )
    assert len(run.files) == 2
    kept = Policy.build(
        rules=[(TagPattern(0x00100020), Rule(Action.KEEP, "mine", told=True))]
    )  # the data keep the id, the path does not
    run = Run(source, tmp_path / "kept", policy=kept, layout=True)
    assert run.summary.is_complete and not any("MRN" in name for name in run.files)


def test_path_that_names_the_patient(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in",
        **{"mrn-190284__a": slice_of(1), "b_MRN-190284": slice_of(2), "xMRN-190284": slice_of(3)},
    )
    run = Run(source, tmp_path / "out")
    assert run.reasons == {None: 1, Reason.IDENTITY_IN_PATH: 2}
    assert set(run.files) == {"xMRN-190284"}  # no whole word, as the last look has it
    lenient = Policy.basic(filters=Filters(identity_left=False))
    assert Run(source, tmp_path / "lenient", policy=lenient).summary.is_complete


def test_single_file(tmp_path: Path) -> None:
    source = make(tmp_path, a=slice_of(1)) / "a"
    run = Run(source, tmp_path / "new" / "b.dcm")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b.dcm"] and not run.warnings
    (tmp_path / "folder").mkdir()
    Run(source, tmp_path / "folder")
    assert set(contents(tmp_path / "folder")) == {"a"}
    Run(source, tmp_path / "layout", layout=True)
    assert len(contents(tmp_path / "layout")) == 1


def test_places_that_make_no_sense(tmp_path: Path) -> None:
    source = make(tmp_path / "in", a__x=slice_of(1), b=slice_of(2))
    before = contents(tmp_path)
    for one, other in (
        (source, source),
        (source / "a", source),
        (source, source / "b"),
        (source / "b", source / "b"),
        (source / "b", source),
        (tmp_path / "none", tmp_path / "out"),
    ):
        with pytest.raises(UsageError):
            Run(one, other)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no files"):
        Run(tmp_path / "empty", tmp_path / "out")
    assert contents(tmp_path) == before


def test_output_inside_the_input_is_no_input(tmp_path: Path) -> None:
    source = make(tmp_path / "in", a=slice_of(1))
    for _ in range(2):
        run = Run(source, source / "out")
        assert run.reasons == {None: 1} and set(run.files) == {"a"}


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_links_never_lead_out(tmp_path: Path) -> None:
    outside = make(tmp_path / "outside", secret=slice_of(1), sub__x=slice_of(2))
    source = make(tmp_path / "in", real=slice_of(3))
    (source / "out_file").symlink_to(outside / "secret")
    (source / "out_folder").symlink_to(outside / "sub")
    (source / "loop").symlink_to(source)
    (source / "inside").symlink_to(source / "real")
    (source / "nowhere").symlink_to(source / "none")
    os.mkfifo(source / "pipe")
    run = Run(source, tmp_path / "out")
    assert set(run.files) == {"real", "inside"}
    assert run.reasons == {None: 2, Reason.NOT_A_FILE: 5}


def test_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> Any:
        if path.rstrip("/").endswith("in/a"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    source = make(tmp_path / "in", a__x=slice_of(1), b=slice_of(2))
    monkeypatch.setattr(os, "scandir", scandir)
    run = Run(source, tmp_path / "out")
    assert run.reasons == {None: 1, Reason.UNREADABLE: 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_one_bad_file_in_a_thousand(workers: int, tmp_path: Path) -> None:
    source = make(tmp_path / "in", **{f"f{n:04}": slice_of(n) for n in range(1000)})
    (source / "f0500").write_bytes(slice_of(500)[:-3])
    run = Run(source, tmp_path / "out", workers=workers)
    assert run.reasons[None] == 999 and run.summary.files("quarantined") == 1
    assert set(run.files) == {f"f{n:04}" for n in range(1000)} - {"f0500"}


def test_bytes_do_not_depend_on_processes_or_runs(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in",
        **{
            f"p{n % 3}__f{n}": slice_of(n, patient=f"ID-{n % 3}", study=f"1.{n % 3}")
            for n in range(99)
        },
    )
    one = Run(source, tmp_path / "one", workers=1, layout=True)
    two = Run(source, tmp_path / "two", workers=2, layout=True)
    again = Run(source, tmp_path / "two", workers=2, layout=True)  # what is there is the same
    assert one.files == two.files == again.files and len(one.files) == 99
    assert one.summary.totals == two.summary.totals == again.summary.totals
    assert one.summary.elements == two.summary.elements
    other = Run(source, tmp_path / "other", key=KEY[::-1], layout=True)
    assert not set(other.files) & set(one.files)


def test_long_work_gets_more_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def noted(*arguments: Any) -> Generator[Any]:
        given.append(arguments[2])
        return spread(*arguments)

    monkeypatch.setattr("anontui.deid.run.folder.spread", noted)
    monkeypatch.setattr("anontui.deid.run.folder._cores", lambda: 2)
    monkeypatch.setattr("anontui.deid.run.work.TICK", 0.0)
    source = make(tmp_path / "in", **{f"f{n:03}": slice_of(n) for n in range(200)})
    assert Run(source, tmp_path / "short").summary.files("done") == 200 and not given
    monkeypatch.setattr("anontui.deid.run.folder._SOON", 0.0)
    monkeypatch.setattr("anontui.deid.run.folder._LONG", 0.0)
    assert Run(source, tmp_path / "long").summary.files("done") == 200 and given == [2]
    assert contents(tmp_path / "short") == contents(tmp_path / "long")


def deadly(dataset: pydicom.Dataset, tag: Any) -> None:
    """A user's function that kills the process over one file."""
    if str(dataset.StudyID) == "DEADLY":
        os.kill(os.getpid(), signal.SIGKILL)


def test_file_that_kills_its_process(tmp_path: Path) -> None:
    files = {f"f{n:02}": slice_of(n, E(0x00200010, "SH", b"1")) for n in range(70)}
    files["f33"] = slice_of(33, E(0x00200010, "SH", b"DEADLY"))
    policy = Policy.build(
        rules=[(TagPattern(0x00200010), Rule(Action.FUNCTION, "mine", function=deadly))]
    )
    run = Run(make(tmp_path / "in", **files), tmp_path / "out", policy=policy, workers=2)
    assert run.reasons == {None: 69, Reason.STOPPED: 1}
    assert set(run.files) == set(files) - {"f33"}


def test_trouble_of_ours_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Deidentifier.file

    def file(self: Any, source: Path, *rest: Any, **options: Any) -> Outcome:
        if source.name == "b":
            raise KeyError("Lindqvist^Tova")
        return real(self, source, *rest, **options)

    monkeypatch.setattr(Deidentifier, "file", file)
    source = make(tmp_path / "in", a=slice_of(1), b=slice_of(2), c=slice_of(3))
    run = Run(source, tmp_path / "out")
    assert run.reasons == {None: 2, Reason.STOPPED: 1}
    assert "Lindqvist" not in repr(run.events)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_study_of_two_patients_is_withdrawn(workers: int, order: str, tmp_path: Path) -> None:
    """Whichever file comes first, and however the rest of the output lies."""
    files = {
        f"{order[0]}__x": slice_of(1, patient="ONE"),
        f"{order[1]}__x": slice_of(2, patient="OTHER"),
        f"{order[1]}__y": slice_of(3, patient="OTHER"),
        "c__x": slice_of(4, patient="OTHER", study="1.2.99"),
        "c__broken": slice_of(5, patient="ONE", study="1.2.99")[:-3],
    }
    run = Run(make(tmp_path / "in", **files), tmp_path / "out", workers=workers)
    assert run.reasons[Reason.PATIENT_CONFLICT] == 3 and run.reasons[None] == 1
    assert set(run.files) == {"c/x"}
    assert not (tmp_path / "out" / "a").exists()
    lenient = Policy.basic(filters=Filters(patient_conflict=False))
    run = Run(tmp_path / "in", tmp_path / "lenient", workers=workers, policy=lenient)
    assert run.reasons[None] == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_sources_of_one_name(workers: int, tmp_path: Path) -> None:
    """A copy is no conflict; other content is, for every source of that name."""
    files = {
        "a": slice_of(1),
        "b__copy": slice_of(1),
        "c": slice_of(2),
        "d": slice_of(2, E(0x00080070, "LO", b"Maker")),
        "e": slice_of(2),
    }
    run = Run(make(tmp_path / "in", **files), tmp_path / "out", layout=True, workers=workers)
    assert run.reasons == {None: 2, Reason.TARGET_EXISTS: 3}
    assert len(run.files) == 1


@pytest.mark.parametrize("system", ["unnamed files", "named files", "no links"])
def test_what_is_there_is_never_overwritten(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if system != "unnamed files":
        monkeypatch.setattr("anontui.deid.engine.writing._UNNAMED", 0)
    if system == "no links":
        monkeypatch.setattr(os, "link", refuse)
    source = make(tmp_path / "in", a=slice_of(1), b=slice_of(2), c__x=slice_of(3), d=slice_of(4))
    out = make(tmp_path / "out", a=b"somebody's", c=b"a file where a folder belongs")
    (out / "b").symlink_to(tmp_path / "elsewhere")
    run = Run(source, out)
    assert run.reasons == {None: 1, Reason.TARGET_EXISTS: 3}
    assert (out / "a").read_bytes() == b"somebody's"
    assert (out / "c").read_bytes() == b"a file where a folder belongs"
    assert not (tmp_path / "elsewhere").exists()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    assert Run(source, out).reasons == run.reasons  # d is there, and it is the same


def test_source_that_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk or a share that fails inside a file's pixels costs that file only."""
    pixels = [
        E(0x00280010, "US", 512), E(0x00280011, "US", 512), E(0x7FE00010, "OW", bytes(1 << 19))
    ]  # fmt: skip
    real = os.pread
    source = make(tmp_path / "in", a=slice_of(1), b=slice_of(2, *pixels), c=slice_of(3))

    def pread(file: int, length: int, at: int) -> bytes:
        if length > 1 << 16:
            raise OSError(5, "Input/output error")
        return real(file, length, at)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", pread)
    monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    run = Run(source, tmp_path / "out")
    assert run.reasons == {None: 2, Reason.UNREADABLE: 1} and set(run.files) == {"a", "c"}


@pytest.mark.parametrize("workers", [1, 2])
def test_output_that_cannot_be_written(workers: int, tmp_path: Path) -> None:
    source = make(tmp_path / "in", **{f"f{n}": slice_of(n) for n in range(5)})
    out = Path("/proc/anontui")
    with pytest.raises(DeidError) as caught:
        Run(source, out, workers=workers)
    assert caught.value.advice


def test_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    source = make(tmp_path / "in", a=slice_of(1))
    monkeypatch.setattr("anontui.deid.file.write_all", full)
    with pytest.raises(DeidError, match="cannot be written"):
        Run(source, tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "in", a=slice_of(1), b=b"text", c=slice_of(3)[:-3])
    wet, dry = Run(source, tmp_path / "wet"), Run(source, tmp_path / "dry", dry_run=True)
    assert wet.summary.totals == dry.summary.totals
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_cancelled_run_leaves_whole_files(workers: int, tmp_path: Path) -> None:
    source = make(tmp_path / "in", **{f"f{n:04}": slice_of(n) for n in range(600)})
    events = deidentify_folder(
        source, tmp_path / "out", policy=Policy.basic(), key=KEY, workers=workers
    )
    for event in events:
        if isinstance(event, Progress) and event.done:
            break
    events.close()
    left = contents(tmp_path / "out")
    time.sleep(0.2)
    assert contents(tmp_path / "out") == left  # no process goes on
    whole = Run(source, tmp_path / "whole").files
    assert all(whole[name] == data for name, data in left.items())


def test_conflict_known_when_cancelled_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anontui.deid.run.work.TICK", 0.0)
    files = {"a": slice_of(1, patient="ONE"), "b": slice_of(2, patient="OTHER")}
    source = make(tmp_path / "in", **files, **{f"c{n}": b"" for n in range(9)})
    events = deidentify_folder(source, tmp_path / "out", policy=Policy.basic(), key=KEY)
    for event in events:
        if isinstance(event, Progress) and event.done >= 2:
            break
    assert set(contents(tmp_path / "out")) == {"a", "b"}
    events.close()
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_run_leaves_whole_files(workers: int, tmp_path: Path) -> None:
    """kill -9: what is there is complete, no part of a file is, under whatever name."""
    pixels = [
        E(0x00280010, "US", 512), E(0x00280011, "US", 512), E(0x7FE00010, "OW", os.urandom(1 << 19))
    ]  # fmt: skip
    source = make(tmp_path / "in", **{f"f{n:03}": slice_of(n, *pixels) for n in range(300)})
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    words = [sys.executable, "-m", "anontui", "deid", str(source), str(tmp_path / "out")]
    words += ["--workers", str(workers), "--key-file", str(tmp_path / "key")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while time.monotonic() < end and len(list((tmp_path / "out").glob("*"))) < 5:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    left: dict[str, bytes] = {}
    while left != (left := contents(tmp_path / "out")):  # its processes see that it is gone
        time.sleep(0.3)
    whole = Run(source, tmp_path / "whole", workers=1).files
    assert left and all(whole[name] == data for name, data in left.items())


def test_patients_without_id_are_told_of(tmp_path: Path) -> None:
    source = make(
        tmp_path / "in",
        a=slice_of(1, patient="", study="1.2"),
        b=slice_of(2, patient="", study="1.3"),
    )
    run = Run(source, tmp_path / "out")
    assert run.summary.is_complete and "2 studies have no Patient ID" in run.warnings[1]
    listed = Pseudonyms(KEY, {"": Pseudonym("P-1", "P-1")})
    assert len(Run(source, tmp_path / "listed", pseudonym_for=listed).warnings) == 1


def test_function_that_cannot_be_sent_runs_here(tmp_path: Path) -> None:
    rule = Rule(Action.FUNCTION, "mine", function=lambda dataset, tag: None)
    policy = Policy.build(rules=[(TagPattern(0x00200010), rule)])
    run = Run(make(tmp_path / "in", a=slice_of(1)), tmp_path / "out", policy=policy, workers=2)
    assert run.summary.is_complete


# --- pseudonyms and keys


def test_derived_pseudonyms() -> None:
    names = {derived(KEY, f"MRN-{n}").patient_id for n in range(20_000)}
    assert len(names) == 20_000
    assert all(len(name) == 19 and name.startswith("ANON-") for name in names)
    assert derived(KEY, "MRN-1") != derived(KEY[::-1], "MRN-1")
    assert all(safe_name(name) == name for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "MRN-190284,LUNG-1,Lung^One\n",
        "pseudo_id;Patient ID;note;pseudo_name\nLUNG-1;MRN-190284;x;Lung^One\n\n",
        "\ufeffPATIENT_ID\tpseudonym\tpseudo_name\r\nMRN-190284\tLUNG-1\tLung^One\r\n",
    ],
)
def test_list_of_pseudonyms(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8", newline="")
    listed = read_pseudonyms(path)
    assert listed == {"MRN-190284": Pseudonym("LUNG-1", "Lung^One")}
    source = make(tmp_path / "in", a=slice_of(1), b=slice_of(2, patient="UNKNOWN", study="1.9"))
    run = Run(source, tmp_path / "out", pseudonym_for=Pseudonyms(KEY, listed))
    assert run.reasons == {None: 1, Reason.NO_PSEUDONYM: 1}
    assert pydicom.dcmread(tmp_path / "out" / "a").PatientName == "Lung^One"


def test_list_with_letters_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes("é1,LUNG-1\n".encode("cp1252"))
    lookup = Pseudonyms(KEY, read_pseudonyms(path))
    assert lookup("é1").patient_id == lookup("é1".encode().decode("latin-1")).patient_id == "LUNG-1"
    with pytest.raises(Refused):
        lookup("é")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no pseudonyms"),
        ("patient_id,name\nSECRET,x\n", "lacks a column"),
        ("SECRET\n", "line 1: there is no pseudonym"),
        ("A,B\nSECRET,SECRET\n", "line 2: the pseudonym is the Patient ID"),
        ("SECRET,A\nSECRET,B\n", "line 2: the patient has another"),
        ("SECRET,A\\B\n", "line 1: A pseudonym is not a valid"),
    ],
)
def test_wrong_lists(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(DeidError, match=problem) as caught:
        read_pseudonyms(path)
    assert "SECRET" not in caught.value.sentence()


def test_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key, is_new = key_from(path)
    assert is_new and len(key) == 32 and path.stat().st_mode & 0o777 == 0o600
    assert key_from(path) == (key, False)
    path.chmod(0o644)
    with pytest.raises(DeidError, match="Others"):
        key_from(path)
    (tmp_path / "short").write_bytes(b"x")
    (tmp_path / "short").chmod(0o600)
    for wrong in (tmp_path / "short", tmp_path, tmp_path / "none" / "key"):
        with pytest.raises(DeidError):
            key_from(wrong)


@pytest.mark.parametrize("name", ["../up", "a/b", "CON", "nul.x", "", " ", ".", "a" * 300, "å\0"])
def test_safe_names(name: str) -> None:
    safe = safe_name(name)
    assert safe and safe != name and not set(safe) & set("/\\:\0") and len(safe.encode()) < 255
    assert safe not in (".", "..") and safe == safe_name(name)


def test_patient_ids_of_any_letters_in_paths() -> None:
    from anontui.deid.run.layout import holds_patient_id

    latin = "Ålborg-1".encode().decode("latin-1")
    outcome = Outcome("done", patient_id="P", original=Original(latin, "", "", ""))
    assert holds_patient_id("x/ålborg-1.dcm", outcome)
    assert not holds_patient_id("x/ålborg-12.dcm", outcome)


def test_option_retain_uids_names_folders(tmp_path: Path) -> None:
    source = make(tmp_path / "in", a=slice_of(1))
    policy = Policy.build(options=[Option.RETAIN_UIDS])
    run = Run(source, tmp_path / "out", policy=policy, layout=True)
    assert [name.split("/")[1] for name in run.files] == ["1.2.3"]
