"""The ``anon`` command of AnonAPI, as PyPI has it, against ``anontui serve``."""

from __future__ import annotations

import os
import re
import subprocess
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.server.support import SHARE, ServeProcess, files_below, serve, wait_until, write_dicom

# Commands of anonapi 2.1.2 that end in a traceback of its own before they call a server.
BROKEN = {"settings set-validate-ssl": "false", "create set-defaults": ""}
GIVEN = os.environ.get("ANONTUI_TEST_ANON", "")  # read before tests lose their environment
USER = "z123456"


@pytest.fixture(scope="session")
def anon_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``anon`` program, in a virtual environment of its own: it wants an older pydicom."""
    if GIVEN:
        return Path(GIVEN)
    folder = tmp_path_factory.mktemp("anonapi")
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    done = subprocess.run(
        [scripts / "python", "-m", "pip", "install", "-q", "anonapi==2.1.2"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = "needs anonapi 2.1.2 from PyPI, which could not be installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI {reason}: {done.stderr[-500:]}")
        pytest.skip(reason)
    return scripts / "anon"


@dataclass(frozen=True)
class Anon:
    """A user who works in a project folder with ``anon``, next to a server over the same share."""

    program: Path
    project: Path
    server: ServeProcess
    url: str
    used: set[str] = field(default_factory=set)

    def __call__(self, *words: str, answer: str = "", code: int = 0, at: Path | None = None) -> str:
        self.used.update({" ".join(words[:number]) for number in (1, 2, 3)})
        done = subprocess.run(
            [self.program, *words],
            cwd=at or self.project,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        output = done.stdout + done.stderr
        assert "Traceback" not in output, output
        assert done.returncode == code, output
        return output

    def wait(self, pattern: str, *words: str) -> str:
        """Repeat a command until what it prints matches."""
        printed = ""

        def matches() -> bool:
            nonlocal printed
            printed = self(*words)
            return re.search(pattern, printed) is not None

        wait_until(matches, seconds=120)
        return printed


@pytest.fixture
def anon(anon_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Anon]:
    """The user has set up everything and may begin."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    project = tmp_path / "share" / "project"
    write_dicom(project / "patient1", 6, name="Jansen^Invented")
    write_dicom(project / "patient2", 4, name="Pietersen^Invented")
    (project / "patient2" / "letter.txt").write_text("Dear Dr. Invented")
    server = ServeProcess(tmp_path / "data", tmp_path / "share")
    try:
        anon = Anon(anon_program, project, server, server.start().url)
        anon("server", "add", "ours", anon.url)
        anon("server", "activate", "ours")
        anon("settings", "user", "set-username", USER)
        anon("settings", "user", "get-token")
        printed = anon("settings", "user", "info")
        token = re.search(r"API token: (\w{64})", printed)
        assert token is not None
        serve(server.data, "user", "add", USER, "--own-token", stdin=token[1])
        yield anon
    finally:
        server.kill()


def _map(anon: Anon) -> None:
    """Make the mapping that ``anon`` starts with into one of two patients."""
    anon("map", "init")
    path = anon.project / "anon_mapping.csv"
    path.write_text(
        "## Description ##\nA test\n\n## Options ##\n"
        f"root_source_path,{SHARE}\\project\n"
        "project,Wetenschap-Algemeen\n"
        f"destination_path,{SHARE}\\out\n\n"
        "## Mapping ##\nsource,pseudo_id,pseudo_name,description\n"
        "folder:patient1,P-001,One,whole folder\n"
    )
    anon("map", "add-study-folders", "patient2")
    text = path.read_text()
    assert "fileselection:patient2" in text
    row = re.compile(r"^(fileselection:[^,]*),[^,]*,[^,]*,", re.MULTILINE)
    path.write_text(row.sub(r"\1,P-002,Two,", text))


def _statuses(printed: str) -> dict[str, str]:
    """Id → status in a table of jobs."""
    return dict(re.findall(r"^ *(\d+) +\S+ +([A-Z]+) ", printed, re.MULTILINE))


def test_a_batch_from_mapping_to_files(anon: Anon, tmp_path: Path) -> None:
    assert "OK: ours:" in anon("server", "status")
    assert "* ours" in anon("server", "list")
    _map(anon)
    refused = anon("create", "from-mapping", answer="n\n")
    assert "Cancelled" in refused
    assert _statuses(anon("server", "jobs")) == {}

    created = anon("create", "from-mapping", answer="y\n")
    assert "Saving job ids in batch" in created
    printed = anon.wait(r"DONE +2 +100\.0 %", "batch", "status", "--patient-name")
    assert re.search(rf"1 +\S+ +DONE +6 +6 +{USER} +P-001", printed)
    assert re.search(rf"2 +\S+ +DONE +4 +4 +{USER} +P-002", printed)
    assert _statuses(anon("server", "jobs")) == {"1": "DONE", "2": "DONE"}
    assert list(_statuses(anon("job", "list", "1-2"))) == ["1", "2"]

    info = anon("job", "info", "1")
    for line in (
        ("job_id", 1),
        ("user_name", USER),
        ("status", "DONE"),
        ("error", None),
        ("project_name", "Wetenschap-Algemeen"),
        ("destination_path", rf"{SHARE}\out"),
        ("source_type", "PATH"),
        ("source_anonymizedpatientid", "P-001"),
        ("source_anonymizedpatientname", "One"),
        ("source_path", rf"folder:{SHARE}\project\patient1"),
    ):
        assert str(line) in info

    found = files_below(tmp_path / "share" / "out")
    assert len(found) == 10
    names = {(dcmread(path).PatientID, str(dcmread(path).PatientName)) for path in found}
    assert names == {("P-001", "One"), ("P-002", "Two")}
    assert not [path for path in found if re.search(b"Jansen|Pietersen", path.read_bytes())]


def test_cancel_reset_and_errors(anon: Anon) -> None:
    _map(anon)
    anon("create", "from-mapping", answer="y\n")
    anon.wait(r"DONE +2 ", "batch", "status")

    assert "Cancelled job 1 on ours" in anon("job", "cancel", "1", answer="y\n")
    assert _statuses(anon("batch", "status")) == {"1": "INACTIVE", "2": "DONE"}
    assert "Reset job 1 on ours" in anon("job", "reset", "1,2", answer="y\n")
    anon.wait(r"DONE +2 ", "batch", "status")
    anon("batch", "cancel", answer="y\n")
    assert set(_statuses(anon("batch", "status")).values()) == {"INACTIVE"}
    anon("batch", "reset", answer="y\n")
    anon.wait(r"DONE +2 ", "batch", "status")
    assert "This will reset 0 jobs" in anon("batch", "reset-error", answer="y\n")
    assert "This will cancel 0 jobs" in anon("batch", "cancel-active", answer="y\n")
    assert "no jobs with error status" in anon("batch", "show-error")
    printed = anon("job", "set-opt-out-ignore", "2", "signed consent", answer="y\n")
    assert "Set opt-out ignore (signed consent) for job 2" in printed

    anon("batch", "add", "99")
    assert re.search(r"NOT_FOUND +1 ", anon("batch", "status"))
    assert "Job with id 99 does not exist" in anon("job", "info", "99", code=1)
    assert "Job with id 99 does not exist" in anon("job", "cancel", "99", answer="y\n")


def test_a_job_that_fails_tells_why(anon: Anon) -> None:
    _map(anon)
    path = anon.project / "anon_mapping.csv"
    path.write_text(path.read_text().replace("folder:patient1", "accession_number:1234.5"))
    anon("create", "from-mapping", answer="y\n")
    anon.wait(r"ERROR +1 ", "batch", "status")
    assert "PACS retrieval" in anon("batch", "show-error")


def test_refusals_are_read(anon: Anon) -> None:
    _map(anon)
    path = anon.project / "anon_mapping.csv"
    path.write_text(path.read_text().replace("Wetenschap-Algemeen", "Unheard-of"))
    printed = anon("-v", "create", "from-mapping", answer="y\n")
    assert "Error creating job" in printed
    assert _statuses(anon("server", "jobs")) == {}


def test_a_wrong_token_and_a_server_that_is_away(anon: Anon) -> None:
    anon("settings", "user", "get-token")
    for words in (("server", "status"), ("server", "jobs")):
        assert "401" in anon(*words)
    anon.server.kill()
    assert "cannot be reached" in anon("server", "status")


def test_every_command_there_is(
    anon: Anon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's whole way with each command of the documentation, and what it prints."""
    opened = _editor(tmp_path, monkeypatch)
    # settings and servers
    url = anon.url
    assert USER in anon("status")
    assert "validate_ssl" in anon("settings", "show")
    anon("settings", "edit")
    anon("server", "add", "second", f"{url}/")
    assert re.search(r"\* ours .*\n +second ", anon("server", "list"))
    anon("server", "activate", "second")
    assert "OK: second" in anon("server", "status")
    anon("server", "activate", "ours")
    assert "removed second" in anon("server", "remove", "second")

    # a selection, and the mapping
    one = anon.project / "patient1"
    chosen = "0000[1-4].dcm"
    anon("select", "add", chosen, at=one)
    assert "Selection containing 4 files" in anon("select", "status", at=one)
    anon("select", "edit", at=one)
    assert "project:" in anon("create", "show-defaults")
    _map(anon)
    assert "Activated mapping" in anon("map", "activate")
    anon("map", "edit")
    assert "Done" in anon("map", "add-accession-numbers", "1234567.12345673")
    anon("map", "add-selection", str(one / "fileselection.txt"))
    text = anon("map", "status")
    for source in ("folder:patient1", "fileselection:patient2", "accession_number:1234567.123"):
        assert source in text
    assert [Path(line).name for line in opened.read_text().splitlines()] == [
        "AnonWebAPIClientSettings.yml",
        "fileselection.txt",
        "anon_mapping.csv",
    ]

    # jobs and their batch
    created = anon("create", "from-mapping", answer="y\n")
    assert "created 4 jobs: ['1', '2', '3', '4']" in created
    info = anon("batch", "info")
    assert re.findall(r"- '?(\d)'?", info) == ["1", "2", "3", "4"]
    assert f"url: {url}" in info
    printed = anon.wait(r"DONE +3 +75\.0 %", "batch", "status")
    assert re.search(r"ERROR +1 +25\.0 %", printed)
    assert _statuses(printed) == {"1": "DONE", "2": "DONE", "3": "ERROR", "4": "DONE"}
    assert re.search(rf"4 +\S+ +DONE +4 +4 +{USER}", printed)
    assert "PACS retrieval" in anon("batch", "show-error")
    assert "This will reset 1 jobs" in anon("batch", "reset-error", answer="y\n")
    anon.wait(r"ERROR +1 ", "batch", "status")
    anon("batch", "cancel-active", answer="y\n")
    anon("batch", "remove", "3")
    assert re.findall(r"- '?(\d)'?", anon("batch", "info")) == ["1", "2", "4"]
    anon("batch", "add", "3")
    anon("batch", "cancel", answer="y\n")
    assert set(_statuses(anon("batch", "status")).values()) == {"INACTIVE"}
    anon("batch", "reset", answer="y\n")
    anon.wait(r"DONE +3 ", "batch", "status", "--patient-name")
    assert list(_statuses(anon("server", "jobs"))) == ["4", "3", "2", "1"]
    assert list(_statuses(anon("job", "list", "1-2", "4"))) == ["1", "2", "4"]
    assert "('status', 'DONE')" in anon("job", "info", "4")
    assert "Cancelled job 2 on ours" in anon("job", "cancel", "1-2", answer="y\n")
    assert "Reset job 2 on ours" in anon("job", "reset", "1,2", answer="y\n")
    anon.wait(r"DONE +3 ", "batch", "status")
    told = anon("job", "set-opt-out-ignore", "3", "signed consent", answer="y\n")
    assert "Set opt-out ignore (signed consent) for job 3 on ours" in told

    # and away with it all
    assert "Removed batch" in anon("batch", "delete")
    assert "Initialised batch for ours" in anon("batch", "init")
    assert "Removed mapping" in anon("map", "delete")
    assert "Removed file selection" in anon("select", "delete", at=one)
    for words, more in BROKEN.items():
        command = [str(anon.program), *words.split(), *more.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Traceback" in done.stderr, f"{words} works now: try it"
    assert _commands(anon.program) - set(BROKEN) <= anon.used


def _editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the desktop's editor; returns the file that tells what was opened."""
    opened = tmp_path / "opened"
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("xdg-open", "open"):
        (programs / name).write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return opened


def _commands(program: Path, *group: str) -> set[str]:
    """Every command that ``anon`` has, by what its help lists."""
    done = subprocess.run([program, *group, "--help"], capture_output=True, text=True, check=False)
    _, _, listed = done.stdout.partition("Commands:\n")
    names = re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)
    below = {name: _commands(program, *group, name) for name in names}
    return {f"{name} {inner}".strip() for name, inside in below.items() for inner in inside or {""}}
