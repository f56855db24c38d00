"""Faults of AnonAPI 2.1.2 that must not be here; each test has the name of one."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.operations.calls import AT_ONCE
from anontui.project.batch import Batch
from anontui.settings import load
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command
from tests.idis.fake_server import Answer

Write = Callable[..., Path]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and modes")


def job_ids(project: Path) -> tuple[int, ...]:
    batch = Batch.load(project)
    return batch.job_ids if batch else ()


@pytest.mark.parametrize(
    "answer",
    [Answer(200, {}), Answer(200, "null"), Answer(404, {"404": "no"}), Answer(200, "")],
    ids=["empty object", "null", "404", "nothing"],
)
@pytest.mark.parametrize(
    "words",
    [
        "job reset 1",
        "job cancel 1-2",
        "job set-opt-out-ignore 1 consent",
        "batch reset",
        "batch cancel",
        "create from-mapping",
    ],
)
def test_success_reported_on_nothing(
    anontui: Command, project: Path, api: Api, mapping: Write, words: str, answer: Answer
) -> None:
    mapping("folder:p1,LUNG-001")
    anontui("batch", "add", "1-2")
    api.instead = answer
    ran = anontui(*words.split(), "--yes")
    assert ran.code == 1 and ran.out == "" and "Error: " in ran.err
    assert job_ids(project) == (1, 2)


def test_rows_posted_without_pseudonym(anontui: Command, mapping: Write, api: Api) -> None:
    mapping("folder:p1,LUNG-001", "folder:p2,")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "row 2, pseudo_id: There is no pseudonym" in ran.err
    assert api.requests == []


def test_rows_posted_with_project_not_set(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    settings = load(project / ".anontui" / "settings.yml")
    settings.replace(job_defaults={"project": "NOT_SET", "destination_path": "."}).save()
    mapping("folder:p1,LUNG-001", options=f"root_source_path,{SHARE}\\data\n")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "No project is chosen" in ran.err
    assert "The destination is not a UNC path" in ran.err
    assert api.requests == []


@posix
def test_created_ids_saved_only_at_the_end(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    mapping(*(f"folder:p{number},LUNG-{number:03}" for number in range(60)))
    command = [sys.executable, "-m", "anontui", "create", "from-mapping", "--yes"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE) as creating:
        end = time.monotonic() + 30
        while len(api.jobs) < 30:
            assert time.monotonic() < end and creating.poll() is None
            time.sleep(0.001)
        creating.send_signal(signal.SIGKILL)
    known = json.loads(anontui("batch", "info", "--json").out)["job_ids"]
    made = set(api.jobs)
    assert set(known) <= made and len(made) - len(known) <= AT_ONCE
    assert anontui("create", "from-mapping", "--yes").code == 0
    names = [job["source_anonymizedpatientid"] for job in api.jobs.values()]
    assert sorted(map(str, names)) == [f"LUNG-{number:03}" for number in range(60)]
    assert job_ids(project) == tuple(sorted(api.jobs))


def test_dry_run_writing_id_minus_1(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    mapping("folder:p1,LUNG-001")
    ran = anontui("create", "from-mapping", "--dry-run", "--yes")
    assert ran.code == 0 and "Nothing was sent" in ran.err
    assert api.requests == [] and Batch.load(project) is None


def test_second_create_duplicating_every_job(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    path = mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002")
    anontui("create", "from-mapping", "--yes")
    path.write_text(path.read_text() + "folder:p1,LUNG-003\n")
    ran = anontui("create", "from-mapping", "--yes", "-f", "LUNG-003")
    assert len(api.jobs) == 3, ran.err
    anontui("batch", "remove", "41-43")  # the record does not depend on the batch
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 0 and "nothing to create: 3 exist already" in ran.err
    assert len(api.jobs) == 3


def test_ids_sorted_as_text(anontui: Command, project: Path, api: Api) -> None:
    anontui("batch", "add", "112", "10", "9")
    assert json.loads(anontui("batch", "info", "--json").out)["job_ids"] == [9, 10, 112]
    assert (project / ".anonbatch").read_text().index("'9'") < (
        project / ".anonbatch"
    ).read_text().index("'10'")
    for number in (112, 9, 10):
        api.add(number)
    lines = anontui("batch", "status").out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["9", "10", "112"]


@pytest.mark.parametrize("ids", ["9-7", "abc", "1,,x", "1.5", "0x10", "-1", "1-2-3", "١"])
@pytest.mark.parametrize(
    "words", ["job info", "job cancel --yes", "batch add", "batch remove", "job list"]
)
def test_words_accepted_as_ids(
    anontui: Command, project: Path, api: Api, words: str, ids: str
) -> None:
    ran = anontui(*words.split(), "--", ids)
    assert ran.code == 2 and "Error: " in ran.err
    assert api.requests == [] and Batch.load(project) is None


def test_one_bad_id_failing_a_whole_batch(anontui: Command, project: Path, api: Api) -> None:
    api.add(1, "ERROR", error="Could not move file")
    api.add(3, "ACTIVE")
    anontui("batch", "add", "1,2,3")
    assert anontui("batch", "status").out.count("\n") == 4
    assert anontui("batch", "show-error").out.startswith("1: Could not move file")
    ran = anontui("job", "info", "1-3")
    assert ran.code == 1 and "no job 2" in ran.err and ran.out.count("job_id") == 2
    ran = anontui("batch", "cancel", "--yes")
    assert ran.code == 1 and ran.out == "1 cancelled\n3 cancelled\n"
    assert "job 2: " in ran.err and "Job with id 2 does not exist" in ran.err


def test_swallowed_causes(anontui: Command, mapping: Write, api: Api) -> None:
    mapping("folder:p1,LUNG-001")
    text = "User z123456 is not connected to project Lung"
    api.instead = Answer(400, {"errors": {"project_name": text}})
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and text in ran.err
    api.close()
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "refused" in ran.err and "tell the server's admin" in ran.err


@posix
def test_token_file_readable_by_others(
    anontui: Command, project: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(isolated_home)
    theirs = isolated_home / "AnonWebAPIClientSettings.yml"
    theirs.write_text("servers: {}\nuser_name: z1\nuser_token: secret\nunknown: kept\n")
    theirs.chmod(0o644)
    assert f"Others can read {theirs}" in anontui("settings", "info").err
    assert anontui("settings", "set-username", "z2").code == 0
    ours = load(isolated_home / ".config" / "anontui" / "settings.yml")
    assert (ours.user_name, ours.user_token, ours.extra) == ("z2", "secret", {"unknown": "kept"})
    assert stat.S_IMODE(ours.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "servers: {p01: 'http://127.0.0.1:9'}\n", "servers: {}\nactive_server_name: gone\n"],
    ids=["no server", "none active", "active one gone"],
)
@pytest.mark.parametrize(
    "words", ["server status", "server jobs", "job info 1", "batch init", "batch add 1"]
)
def test_tracebacks_on_missing_active_server(
    anontui: Command, project: Path, text: str, words: str
) -> None:
    (project / ".anontui" / "settings.yml").write_text(text)
    ran = anontui(*words.split())
    assert ran.code == 1
    assert "anontui server add NAME URL" in ran.err or "anontui server activate NAME" in ran.err


@pytest.mark.parametrize(
    "language", [{"LC_ALL": "xx_YY.nonsense"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LANG": ""}]
)
def test_tracebacks_on_odd_locale(
    anontui: Command, project: Path, mapping: Write, api: Api, language: dict[str, str]
) -> None:
    api.add(1, "ERROR", description="naïef – ✔", error="\N{WARNING SIGN} fout")
    anontui("batch", "add", "1")
    (project / "anon_mapping.csv").unlink(missing_ok=True)
    for words in ("map init", "map status", "batch status", "server jobs", "status", "job info 1"):
        done = subprocess.run(
            [sys.executable, "-m", "anontui", *words.split()],
            cwd=project,
            env=os.environ | language,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("typed", ["n\n", "\n", "no\n"])
def test_init_overwriting_on_no(
    anontui: Command, project: Path, mapping: Write, typed: str
) -> None:
    path = mapping("folder:p1,LUNG-001")
    anontui("batch", "add", "1")
    before = path.read_bytes(), (project / ".anonbatch").read_bytes()
    for words in ("map init", "batch init"):
        assert anontui(*words.split(), typed=typed).code == 1
    assert (path.read_bytes(), (project / ".anonbatch").read_bytes()) == before
