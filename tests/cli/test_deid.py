"""``anontui deid``, its -t, and its explain and diff."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pydicom
import pytest
from rich.console import Console
from rich.progress import Progress

from anontui.cli.out import _columns
from anontui.cli.told import joined, words_of
from tests.cli.conftest import Command
from tests.deid.build import E, file_of

IDENTITIES = ("MRN-190284", "Lindqvist", "ACC-4711", "19020304", "1.2.3.4")
STUDY = (
    E(0x00080020, "DA", b"20080701"),
    E(0x00081030, "LO", b"CT CHEST W/CONTRAST"),
    E(0x0008103E, "LO", b"Series of Lindqvist"),
    E(0x00090010, "LO", b"MAKER"),
    E(0x00091001, "LO", b"private"),
    E(0x00200010, "SH", b"7"),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``in/a`` and ``in/sub/b``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(file_of(*STUDY))
    (tmp_path / "in" / "sub" / "b").write_bytes(file_of(*STUDY, E(0x00080018, "UI", b"1.2.3.5")))
    return tmp_path


def result(path: str = "out/a") -> pydicom.Dataset:
    return pydicom.dcmread(path)


def test_summary_and_advice(here: Path, anontui: Command) -> None:
    ran = anontui("deid", "in", "out")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()] == [
        ["outcome", "reason", "files"], ["done", "2"]
    ]  # fmt: skip
    assert "2 of 2 files de-identified" in ran.err and "--key-file" in ran.err
    assert "--layout" in ran.err
    assert result("out/sub/b").PatientID == result().PatientID != "MRN-190284"


def test_exit_codes(here: Path, anontui: Command) -> None:
    (here / "in" / "note.txt").write_text("text")
    ran = anontui("deid", "in", "out")
    assert ran.code == 1 and "rejected  not a DICOM file" in ran.out
    assert anontui("deid", "none", "out").code == 2
    assert anontui("deid", "in").code == 2
    assert anontui("deid", "in", "in").code == 2
    ran = anontui("deid", "in", "new", "--option", "none")
    assert ran.code == 1 and "retain-uids" in ran.err and not (here / "new").exists()


def test_json(here: Path, anontui: Command) -> None:
    (here / "in" / "note.txt").write_text("text")
    data = json.loads(anontui("deid", "in", "out", "--json").out)
    assert data["files"] == {"done": 2, "rejected": 1, "quarantined": 0}
    assert data["outcomes"][1] == {
        "outcome": "rejected", "code": "not_dicom", "reason": "not a DICOM file", "files": 1
    }  # fmt: skip
    assert len(data["key_id"]) == 16 and data["elements"]["pseudonym"] >= 2


def test_no_identity_is_said(here: Path, anontui: Command) -> None:
    (here / "in" / "conflict").write_bytes(file_of(E(0x00100020, "LO", b"OTHER-ONE")))
    (here / "in" / "burned").write_bytes(file_of(E(0x00280301, "CS", b"YES")))
    (here / "p.csv").write_text("MRN-190284,MRN-190284\n")
    ran = anontui("deid", "in/burned", "o0")
    assert ran.code == 1 and "--pixel-rules can black out" in ran.err
    for words in (
        ["in", "out", "--report", "rep", "--identities"],
        ["in", "o2", "--json"],
        ["in", "o3", "--dry-run"],
        ["in", "o4", "--pseudonyms", "p.csv"],
        ["in/a", "o5"],
    ):
        ran = anontui("deid", *words)
        assert not any(identity in ran.out + ran.err for identity in (*IDENTITIES, "OTHER-ONE"))
    assert "1.2.3.4" in (here / "rep.uid_mapping.csv").read_text()


def test_dry_run(here: Path, anontui: Command) -> None:
    ran = anontui("deid", "in", "out", "--dry-run", "--key-file", "key")
    assert ran.code == 0 and "2 of 2 files would be" in ran.err and "Nothing was written" in ran.err
    assert sorted(path.name for path in here.iterdir()) == ["in"]


def test_key_file_makes_runs_agree(here: Path, anontui: Command) -> None:
    ran = anontui("deid", "in", "out", "--key-file", "key")
    assert "Made the key key" in ran.err and "--key-file" not in ran.err
    assert (here / "key").stat().st_mode & 0o777 == 0o600
    again = anontui("deid", "in", "again", "--key-file", "key", "--workers", "2")
    assert again.code == 0 and "Made" not in again.err
    assert (here / "out" / "a").read_bytes() == (here / "again" / "a").read_bytes()
    assert anontui("deid", "in", "other").code == 0
    assert (here / "out" / "a").read_bytes() != (here / "other" / "a").read_bytes()
    inside = anontui("deid", "in", "out", "--key-file", "out/key")
    assert inside.code == 2 and "among the results" in inside.err


def test_pseudonyms(here: Path, anontui: Command) -> None:
    (here / "p.csv").write_text("patient_id;pseudo_id;pseudo_name\nMRN-190284;LUNG-1;Lung^One\n")
    (here / "in" / "c").write_bytes(
        file_of(E(0x00100020, "LO", b"X1"), E(0x0020000D, "UI", b"1.9"))
    )
    ran = anontui("deid", "in", "out", "--pseudonyms", "p.csv", "--layout")
    assert ran.code == 1 and "the list of pseudonyms has none" in ran.out
    assert [path.name for path in (here / "out").iterdir()] == ["LUNG-1"]


def test_report_needs_a_place(here: Path, anontui: Command) -> None:
    assert "Add --report" in anontui("deid", "in", "out", "--identities").err
    assert anontui("deid", "in", "out", "--report", "out/rep").code == 2
    assert not (here / "out").exists()


# --- as dicom-anonymizer's readme has it


@pytest.mark.parametrize("private", ["--keepPrivateTags", "--keep-private"])
def test_private_elements_can_stay(here: Path, anontui: Command, private: str) -> None:
    assert anontui("deid", "in", "out").code == 0 and 0x00091001 not in result()
    assert anontui("deid", "in", "kept", private).code == 0
    assert result("kept/a")[0x00091001].value == "private"


def test_readme_keep(here: Path, anontui: Command) -> None:
    assert anontui("deid", "in/a", "new.dcm", "-t", "(0x0010, 0x0020)", "keep").code == 0
    assert result("new.dcm").PatientID == "MRN-190284"


def test_readme_regexp(here: Path, anontui: Command) -> None:
    words = ["-t", "(0x0008, 0x0020)", "regexp", "0701$", "0000"]
    ran = anontui("deid", "in/a", "new.dcm", *words)
    assert ran.code == 0, ran.err
    assert result("new.dcm")["StudyDate"].value == "20080000"


def test_readme_several_rules(here: Path, anontui: Command) -> None:
    words = ["-t", "(0x0020, 0x0010)", "keep", "-t", "(0x0008, 0x1030)", "keep"]
    for order in (
        ["in", "out", *words],
        [*words, "in", "o2"],
        [*words[:3], "in", *words[3:], "o3"],
    ):
        assert anontui("deid", *order).code == 0
    for folder in ("out", "o2", "o3"):
        new = result(f"{folder}/a")
        assert (new.StudyID, new.StudyDescription) == ("7", "CT CHEST W/CONTRAST")


def test_readme_dictionary(here: Path, anontui: Command) -> None:
    (here / "dictionary.json").write_text(
        """{
        "(0x0020, 0x0010)": "keep",
        "(0x0008, 0x0020)": { "action": "regexp", "find": "0701$", "replace": "0000" }
        }"""
    )
    assert anontui("deid", "in", "out", "--dictionary", "dictionary.json").code == 0
    assert (result().StudyID, result()["StudyDate"].value) == ("7", "20080000")
    words = ["--dictionary", "dictionary.json", "-t", "StudyID", "delete"]
    assert anontui("deid", "in", "o2", *words).code == 0
    assert "StudyID" not in result("o2/a")  # what is typed overrules the file


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-t", "T", "keep", "IN", "OUT"], [["T", "keep"]]),
        (["-t", "T", "shift_date", "-5", "IN"], [["T", "shift_date", "-5"]]),
        (["-t", "T", "shift_date", "IN"], [["T", "shift_date"]]),
        (["-t", "T", "hash", "8", "--json"], [["T", "hash", "8"]]),
        (["-t", "T", "regexp", "-a", "-", "IN"], [["T", "regexp", "-a", "-"]]),
        (["-t", "T", "replace_with_value", "-1"], [["T", "replace_with_value", "-1"]]),
        (["-t", "T", "regexp", "a", "--json"], [["T", "regexp", "a"]]),
        (["-t", "T", "REGEXP", "a", "", "-t", "U", "e"], [["T", "REGEXP", "a", ""], ["U", "e"]]),
        (["-t", "T", "nonsense", "IN", "OUT"], [["T", "nonsense"]]),
        (["-t", "T"], [["T"]]),
        (["--", "-t", "T", "keep"], []),
        (["IN", "-t"], []),
    ],
)  # fmt: skip
def test_how_many_words_an_action_takes(words: list[str], told: list[list[str]]) -> None:
    made = joined(words)
    found = [
        words_of(made[at + 1])
        for at, word in enumerate(made[:-1])
        if word == "-t" and made[0] != "--"
    ]
    assert found == told
    rest = [word for at, word in enumerate(made) if word != "-t" and made[at - 1] != "-t"]
    if told:
        assert sum(map(len, told)) + len(rest) + len(told) == len(words)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-t", "(0x0010, 0x0020)"], "-t needs a tag and an action"),
        (["-t", "(0x0010, 0x0020)", "ActionName"], "no action ActionName"),
        (["-t", "Nonsense", "keep"], "Nonsense is not a tag"),
        (["-t", "StudyDate", "regexp", "a"], "It takes FIND and REPLACE"),
        (["-t", "(0009,1001)", "keep"], "Name the creator"),
        (["-t"], "requires an argument"),
        (["--lookup", "x"], "Add --script"),
    ],
)
def test_rules_that_are_none(here: Path, anontui: Command, words: list[str], problem: str) -> None:
    ran = anontui("deid", "in", "out", *words)
    assert ran.code in (1, 2) and problem in ran.err and not (here / "out").exists()


def test_shifted_dates(here: Path, anontui: Command) -> None:
    assert anontui("deid", "in", "out", "-t", "StudyDate", "shift_date", "-5").code == 0
    assert result()["StudyDate"].value == "20080626"


def test_page_of_ours(here: Path, anontui: Command) -> None:
    """Every command and the script of the page work, in its order."""
    section = (Path(__file__).parents[2] / "docs" / "deid.md").read_text(encoding="utf-8")
    (here / "in").rename(here / "data")
    (here / "data" / "a").rename(here / "data" / "a.dcm")
    (here / "pseudonyms.csv").write_text("MRN-190284,LUNG-1,Lung^One\n")
    (here / "rules.json").write_text('{"(0x0020,0x0010)": "keep"}')
    (here / "anonymizer.script").write_text('<script><e en="T" t="00200010">@keep()</e></script>')
    (here / "words.json").write_text('{"0008,1030": ["CT CHEST W/CONTRAST"]}')
    (here / "policy.yml").write_text("filters: {secondary_capture: no}\n")
    commands = [line.strip() for line in section.splitlines() if line.startswith("    anontui ")]
    assert len(commands) > 12
    for line in commands:
        words = shlex.split(line, comments=True)[1:]
        ran = anontui(*words)
        assert ran.code == (words[1] == "diff"), f"{line}\n{ran.err}"
    assert result("clean8/a.dcm").PatientID == "MRN-190284"
    assert result("clean8/a.dcm")["StudyDate"].value == "20080000"
    assert (here / "clean3").is_dir() and not (here / "clean2").exists()
    script = section[section.index("    from pathlib") : section.index("`Deidentifier(")]
    (here / "script.py").write_text(textwrap.dedent(script))
    for path in ("data/a.dcm", "data/sub/b"):  # with the name in it, it would be quarantined
        data = (here / path).read_bytes().replace(b"Series of Lindqvist", b"Series of somebody ")
        (here / path).write_bytes(data)
    words = [sys.executable, "script.py"]
    paths = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    script_ran = subprocess.run(words, check=True, capture_output=True, text=True, env=paths)
    assert script_ran.stdout == "2\n"
    assert result("clean12/a.dcm").SeriesDescription.endswith("-suffix")


# --- policies


def test_policy_file_and_what_is_added(here: Path, anontui: Command) -> None:
    (here / "policy.yml").write_text(
        "options: [retain-longitudinal-full-dates]\nrules:\n  StudyID: keep\n"
        "white_list:\n  '0008,1030': [ct chest w/contrast]\n"
    )
    assert anontui("deid", "in", "out", "--policy", "policy.yml").code == 0
    new = result()
    assert (new.StudyDate, new.StudyID) == ("20080701", "7")
    assert new.StudyDescription == "CT CHEST W/CONTRAST" and "SeriesDescription" not in new
    words = ["--policy", "policy.yml", "-t", "StudyID", "empty", "--option", "retain-uids"]
    assert anontui("deid", "in", "o2", *words).code == 0
    new = result("o2/a")
    assert (new.StudyDate, new.StudyID, new.StudyInstanceUID) == ("20080701", "", "1.2.3")
    codes = [item.CodeValue for item in new.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113106", "113110"]


def test_texts_scrubbed(here: Path, anontui: Command) -> None:
    words = ["--option", "clean-descriptors", "--clean-by", "scrub"]
    assert anontui("deid", "in", "out", *words).code == 0
    assert "Series" in result().SeriesDescription and "Lindqvist" not in result().SeriesDescription


def test_white_list_and_script(here: Path, anontui: Command) -> None:
    (here / "white.json").write_text('{"0008,1030": ["CT CHEST W/CONTRAST"]}')
    (here / "ctp.xml").write_text('<script><e en="T" t="00200010" n="StudyID">@keep()</e></script>')
    words = ["--white-list", "white.json", "--script", "ctp.xml"]
    ran = anontui("deid", "in", "out", *words)
    assert ran.code == 0, ran.err
    assert (result().StudyDescription, result().StudyID) == ("CT CHEST W/CONTRAST", "7")


# --- explain and diff


def test_explain(here: Path, anontui: Command) -> None:
    ran = anontui("deid", "explain", "in/a", "-t", "StudyID", "keep")
    lines = {line.split()[1]: line for line in ran.out.splitlines()}
    assert ran.code == 0 and not ran.err
    assert "Lindqvist^Tova" in lines["PatientName"] and "ANON-" in lines["PatientName"]
    assert " keep " in lines["StudyID"] and " -t " in lines["StudyID"]
    assert lines["StudyDescription"].split()[-4:] == ["CT", "CHEST", "W/CONTRAST", "-"]
    changed = anontui("deid", "explain", "in/a", "--changed").out
    assert "PixelData" in ran.out and "PixelData" not in changed and "PatientName" in changed
    data = json.loads(anontui("deid", "explain", "in/a", "--json").out)
    assert data["status"] == "done" and data["elements"][0]["tag"] == "(0008,0016)"
    assert sorted(path.name for path in here.iterdir()) == ["in"]


def test_explain_of_what_is_held(here: Path, anontui: Command) -> None:
    (here / "x").write_bytes(b"text")
    ran = anontui("deid", "explain", "x")
    assert ran.code == 1 and "would be rejected: not a DICOM file" in ran.err
    assert anontui("deid", "explain", "none").code == 1


def test_diff(here: Path, anontui: Command) -> None:
    anontui("deid", "in", "out", "--key-file", "key")
    two = anontui("deid", "diff", "in/a", "out/a")
    one = anontui("deid", "diff", "in/a", "--key-file", "key")
    assert two.code == one.code == 1
    ours = [line.split() for line in one.out.splitlines()[1:]]
    theirs = [line.split() for line in two.out.splitlines()[1:] if not line.startswith("(0002")]
    assert {line[0] for line in ours} == {line[0] for line in theirs if "> " not in line[0]} - {">"}
    same = anontui("deid", "diff", "in/a", "in/a")
    assert (same.code, len(same.out.splitlines())) == (0, 1)
    data = json.loads(anontui("deid", "diff", "in/a", "out/a", "--json").out)
    assert {"(0010,0010)", "(0002,0003)"} <= {row["tag"] for row in data}


def test_folders_of_those_names(here: Path, anontui: Command) -> None:
    (here / "in").rename(here / "explain")
    assert anontui("deid", "./explain", "out").code == 0
    assert result().PatientIdentityRemoved == "YES"


# --- what it looks like, and how it ends


def test_rate_and_time_left() -> None:
    now = 0.0
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, color_system=None)
    bar = Progress(*_columns(), console=console, get_time=lambda: now, auto_refresh=False)
    task = bar.add_task("de-identifying", total=None, unit="files")
    console.print(bar.get_renderable())
    assert "/s" not in output.getvalue()
    for now in (1.0, 2.0, 3.0):
        bar.update(task, completed=now * 1500, total=90_000)
    console.print(bar.get_renderable())
    line = output.getvalue().splitlines()[-1]
    assert "1,500 files/s" in line and "00:5" in line and "4500/90000" in line
    for now in range(100, 200, 4):
        bar.update(task, completed=4500 + now // 2)
    console.print(bar.get_renderable())
    assert "30 files/min" in output.getvalue().splitlines()[-1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_at_once(here: Path, workers: str) -> None:
    for number in range(20_000):  # seconds of work, however late the signal comes
        os.link(here / "in" / "a", here / "in" / f"f{number:05}")
    process = subprocess.Popen(
        [sys.executable, "-m", "anontui", "deid", "in", "out", "--workers", workers],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    out = here / "out"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (out.exists() and any(out.iterdir())):
        time.sleep(0.002)
    os.killpg(process.pid, 2)  # as a terminal does: all of its processes
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and errors.rstrip().endswith("Interrupted.")
    assert "Traceback" not in errors
    left = sorted(path.name for path in out.rglob("*"))
    time.sleep(0.2)
    assert sorted(path.name for path in out.rglob("*")) == left and len(left) < 20_000
    assert not [name for name in left if name.startswith(".")]
