"""Running a server for years: detached, checked, backed up."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from anontui.errors import CannotStart
from anontui.server.backup import back_up
from anontui.server.folder import DataFolder
from tests.server.conftest import Ledger
from tests.server.support import (
    ALICE_TOKEN,
    SHARE,
    Caller,
    ServeProcess,
    alive,
    path_job,
    serve,
    wait_until,
    write_dicom,
)

Start = Callable[..., ServeProcess]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose detached server is stopped at the end."""
    yield tmp_path / "data"
    serve(tmp_path / "data", "stop")


def detach(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "anontui", "serve", "--data", str(data), "--detach", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_detached_it_outlives_its_terminal(data: Path, share: Path) -> None:
    done = detach(data, "--share", f"{SHARE}={share}", "--workers", "1", "--project", "Lung")
    assert done.returncode == 0, done.stderr
    found = json.loads(serve(data, "status", "--json").stdout)
    assert found["running"]
    assert f"Serving on  {found['url']}" in done.stdout
    assert "anontui serve stop --data" in done.stdout
    assert os.getsid(found["pid"]) != os.getsid(0)
    serve(data, "user", "add", "alice", "--own-token", stdin=ALICE_TOKEN)
    call = Caller(found["url"])
    write_dicom(share / "in", 2)
    job = call.wait(call.create(project_name="Lung")["job_id"])
    assert (job["status"], job["files_processed"]) == ("DONE", 2)
    assert "anontui_workers 1" in httpx.get(f"{found['url']}/metrics").text
    assert serve(data, "stop").stdout == "Stopped\n"
    wait_until(lambda: not alive(found["pid"]))
    assert detach(data).returncode == 0
    assert json.loads(serve(data, "status", "--json").stdout)["url"] == found["url"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0"], "unencrypted"),
        (["--engine", "dask"], "--scheduler"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--engine dask"),
        (["--tls-cert", __file__], "one of them is missing"),
    ],
)
def test_what_stops_it_is_told_also_when_it_is_detached(
    data: Path, words: list[str], told: str
) -> None:
    done = detach(data, *words)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not json.loads(serve(data, "status", "--json").stdout)["running"]


def test_a_second_one_is_refused(data: Path) -> None:
    assert detach(data).returncode == 0
    again = detach(data)
    assert again.returncode == 1
    assert "already runs" in again.stderr


def test_check_tells_projects_or_all_mistakes(tmp_path: Path, share: Path) -> None:
    projects = tmp_path / "projects"
    for name, text in {"A": "users: [bob, alice]", "B": "", "C": "users: x"}.items():
        (projects / name).mkdir(parents=True)
        (projects / name / "project.yml").write_text(text)
    (projects / "A" / "policy.yml").write_text("options: [clean-descriptors]")
    (tmp_path / "server.yml").write_text(f"shares:\n  '{SHARE}': {share}\nprojects: [Open]\n")
    done = serve(tmp_path, "check")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "A\talice, bob\tpolicy.yml",
            "B\tadmins only\tthe basic profile",
            "C\tx\tthe basic profile",
            "Open\tevery user\tthe basic profile",
        ],
    )
    (projects / "A" / "policy.yml").write_text("\noptions: [all]")
    (projects / "C" / "project.yml").write_text("user: x")
    (tmp_path / "server.yml").write_text(f"shares:\n  '{SHARE}': {tmp_path / 'none'}\n")
    done = serve(tmp_path, "check")
    assert done.returncode == 1
    assert f"{tmp_path / 'none'} of the share" in done.stdout
    assert "Project A: policy.yml line 2" in done.stdout
    assert f"{projects / 'C' / 'project.yml'} line 1" in done.stdout
    assert "mistakes: 3" in done.stderr
    started = serve(tmp_path)
    assert started.returncode == 1
    assert "line" in started.stderr
    assert "1 more: anontui serve check" in started.stderr


def test_users_are_listed_with_role_and_projects(tmp_path: Path) -> None:
    (tmp_path / "projects" / "A").mkdir(parents=True)
    (tmp_path / "projects" / "A" / "project.yml").write_text("users: [alice]")
    added = serve(tmp_path, "user", "add", "alice")
    assert "Role user; connected to: A, Wetenschap-Algemeen" in added.stderr
    serve(tmp_path, "user", "add", "root", "--role", "admin")
    rows = json.loads(serve(tmp_path, "user", "list", "--json").stdout)
    assert [(row["name"], row["role"], row["projects"]) for row in rows] == [
        ("alice", "user", "A, Wetenschap-Algemeen"),
        ("root", "admin", "all projects"),
    ]


def test_who_gave_and_took_tokens_is_in_the_audit(tmp_path: Path) -> None:
    serve(tmp_path, "user", "add", "alice", "--role", "admin", "--own-token", stdin=ALICE_TOKEN)
    serve(tmp_path, "user", "revoke", "alice")
    serve(tmp_path, "user", "revoke", "alice")
    told = serve(tmp_path, "audit").stdout
    assert [line.split("  ")[2:] for line in told.splitlines()] == [
        ["token given", "user=alice", "role=admin"],
        ["tokens revoked", "user=alice"],
    ]
    assert ALICE_TOKEN not in told


def test_a_stream_does_not_hold_up_the_end(start_server: Start) -> None:
    server = start_server()
    call = server.start()
    headers = {"Authorization": f"Token {ALICE_TOKEN}"}
    with httpx.stream(
        "GET", f"{call.url}/get_events?user_name=alice", headers=headers, timeout=20
    ) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        started = time.monotonic()
        assert serve(server.data, "stop").stdout == "Stopped\n"
        assert not [line for line in lines if line.startswith("data")]
    assert time.monotonic() - started < 20
    assert server.process is not None
    server.process.communicate(timeout=30)
    assert server.process.returncode == 0


# --- backup


def test_a_backup_of_a_busy_server_is_whole(start_server: Start, share: Path) -> None:
    write_dicom(share / "in", 30)
    server = start_server()
    call = server.start()
    (server.data / "projects" / "A").mkdir(parents=True)
    (server.data / "projects" / "A" / "project.yml").write_text("users: [alice]")
    with closing(sqlite3.connect(server.data / "identities" / "other.sqlite")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE t (x)")
        other.execute("INSERT INTO t VALUES (1)")
        other.commit()
        ended = threading.Event()

        def work() -> None:
            number = 0
            while not ended.is_set():
                number += 1
                call.create(destination_path=rf"{SHARE}\out-{number % 3}")

        thread = threading.Thread(target=work)
        thread.start()
        try:
            targets = [server.data.parent / f"backup-{number}" for number in range(3)]
            for target in targets:
                done = serve(server.data, "backup", str(target))
                assert done.returncode == 0, done.stderr
                assert f"Backed up to {target} (" in done.stdout
        finally:
            ended.set()
            thread.join()
    server.kill()
    for target in targets:
        _check_backup(server.data, target)
    shutil.rmtree(server.data)
    targets[-1].rename(server.data)
    call = server.start()
    jobs = call("GET", "get_jobs")[1]
    assert jobs
    assert call.wait(max(map(int, jobs)))["status"] == "DONE"


def _check_backup(data: Path, target: Path) -> None:
    names = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert {
        "jobs.sqlite",
        "server.yml",
        "identities/key",
        "identities/other.sqlite",
        "projects/A/project.yml",
    } <= names
    for left in ("lock", "server.json", "server.log", "jobs.sqlite-wal", "start.log"):
        assert left not in names
    for path in [target, *target.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (target / "identities/key").read_bytes() == (data / "identities/key").read_bytes()
    for name in ("jobs.sqlite", "identities/other.sqlite"):
        with closing(sqlite3.connect(target / name)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(sqlite3.connect(target / "identities/other.sqlite")) as database:
        assert database.execute("SELECT x FROM t").fetchall() == [(1,)]


def test_a_backup_replaces_nothing_and_stays_out_of_the_data(ledger: Ledger) -> None:
    (ledger.folder.path.parent / "there").mkdir()
    for name, told in (("../there", "is there already"), ("inside", "itself")):
        with pytest.raises(CannotStart, match=told):
            back_up(ledger.folder, ledger.folder.path / name)
    with pytest.raises(CannotStart, match="no server's data"):
        back_up(DataFolder(ledger.folder.path / "none"), ledger.folder.path.parent / "new")
    with pytest.raises(CannotStart, match="cannot be made"):
        back_up(ledger.folder, ledger.folder.path.parent / "no" / "such" / "folder")


def test_a_backup_that_fails_leaves_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.store.create("alice", {**_fields()})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(os.listdir(ledger.folder.path.parent))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CannotStart, match="cannot be made") as caught:
            back_up(ledger.folder, ledger.folder.path.parent / "new")
    assert "No space left" in caught.value.cause
    assert sorted(os.listdir(ledger.folder.path.parent)) == before
    assert back_up(ledger.folder, ledger.folder.path.parent / "new") > 0


def test_a_damaged_database_is_not_passed_off_as_a_backup(ledger: Ledger) -> None:
    broken = ledger.folder.path / "identities.sqlite"
    broken.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(CannotStart, match="cannot be made"):
        back_up(ledger.folder, ledger.folder.path.parent / "new")
    assert not (ledger.folder.path.parent / "new").exists()


def _fields() -> dict[str, str]:
    return {k.replace("anonymized", "source_anonymized"): v for k, v in path_job().items()}
