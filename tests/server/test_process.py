"""``anontui serve`` as users and the app run it: a process that may die at any moment."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.support import (
    SHARE,
    Caller,
    ServeProcess,
    files_below,
    serve,
    wait_until,
    write_dicom,
)

Start = Callable[..., ServeProcess]


def test_it_starts_tells_where_it_is_and_stops(
    start_server: Start, tmp_path: Path, share: Path
) -> None:
    data = tmp_path / "data"
    assert json.loads(serve(data, "status", "--json").stdout) == {
        "running": False,
        "url": "",
        "pid": None,
    }
    server = start_server()
    call = server.start()
    assert server.process is not None
    found = json.loads(serve(data, "status", "--json").stdout)
    assert found == {"running": True, "url": call.url, "pid": server.process.pid}
    assert call("GET", "")[0] == 404
    done = serve(data, "stop")
    assert (done.returncode, done.stdout) == (0, "Stopped\n")
    output, _ = server.process.communicate(timeout=30)
    assert server.process.returncode == 0
    assert call.url in output
    assert str(data) in output
    assert serve(data, "stop").stdout == "Not running\n"
    assert serve(data, "status").stdout == f"Not running; it was on {call.url}\n"
    assert not (data / "server.json").exists()


def test_the_url_stays_the_same(start_server: Start) -> None:
    server = start_server()
    first = server.start().url
    server.kill(signal.SIGTERM)
    assert server.start().url == first
    server.kill()
    (server.data / "server.json").unlink()
    assert server.start().url == first


def test_what_it_keeps_is_its_owners(start_server: Start) -> None:
    server = start_server()
    server.start()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for name in ("jobs.sqlite", "identities/key", "server.json", "server.log"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600, name
    key = (server.data / "identities" / "key").read_bytes()
    assert len(key) == 32
    server.kill(signal.SIGINT)
    server.start()
    assert (server.data / "identities" / "key").read_bytes() == key


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(start_server: Start, number: signal.Signals) -> None:
    server = start_server()
    server.start()
    assert server.kill(number) == 0
    assert not (server.data / "server.json").exists()
    assert "event=stopping" in (server.data / "server.log").read_text()


def test_the_end_of_the_terminal_does_not_end_it(start_server: Start) -> None:
    server = start_server()
    call = server.start()
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert call("GET", "get_jobs")[0] == 200


def test_one_server_a_folder(start_server: Start) -> None:
    server = start_server()
    call = server.start()
    second = serve(server.data)
    assert second.returncode == 1
    assert f"already runs for {server.data}, on {call.url}" in second.stderr
    assert "Traceback" not in second.stderr
    assert call("GET", "get_jobs")[0] == 200


def test_users_come_and_go_while_it_runs(start_server: Start) -> None:
    server = start_server()
    call = server.start()
    added = serve(server.data, "user", "add", "bob")
    token = added.stdout.strip()
    assert added.stdout == f"{token}\n"
    assert len(token) >= 43
    assert "hash" in added.stderr
    bob = Caller(call.url, "bob", token)
    assert bob("GET", "get_jobs")[0] == 200
    listed = serve(server.data, "user", "list").stdout
    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [["alice", "1"], ["bob", "1"]]
    assert serve(server.data, "user", "revoke", "bob").returncode == 0
    assert bob("GET", "get_jobs")[0] == 401
    again = serve(server.data, "user", "revoke", "bob")
    assert (again.returncode, again.stdout) == (2, "")
    assert "user list" in again.stderr


def test_settings_are_read_again(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    call = server.start()
    assert call("POST", "create_job", project_name="Study")[0] == 400
    config = server.data / "server.yml"
    config.write_text(config.read_text().replace("- Wetenschap-Algemeen", "- Study"))
    assert call.create(project_name="Study")["project_name"] == "Study"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "unencrypted"),
        (["--host", "192.0.2.1"], "unencrypted"),
        (["--host", "example.org"], "unencrypted"),
        (["--share", "nonsense"], "not a share"),
        (["--share", "C:\\x=/tmp"], "UNC"),
    ],
)
def test_what_it_does_not_start_with(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = serve(tmp_path / "data", *arguments)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "jobs.sqlite").exists()


def test_a_taken_port_is_told_also_in_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = serve(tmp_path / "data", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "--port" in (tmp_path / "data" / "server.log").read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("server.yml", b"shares: [", "line 2"),
        ("identities/key", b"short", "key is damaged"),
        ("projects/Wetenschap-Algemeen/policy.yml", b"options: [all]\n", "policy.yml"),
        ("jobs.sqlite", b"rubbish" * 1000, "ledger"),
    ],
)
def test_a_damaged_data_folder_is_told(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(content)
    done = serve(tmp_path)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / name).read_bytes() == content


def test_it_is_light_and_loads_no_dicom_library() -> None:
    script = (
        "import sys, anontui.cli.serve, anontui.server.calls, anontui.server.http,"
        " anontui.server.listen, anontui.server.runner, anontui.server.process;"
        "print([m for m in ('pydicom', 'numpy', 'textual', 'rich', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_stopped_server_goes_on_with_its_job(start_server: Start, share: Path) -> None:
    write_dicom(share / "in", 150)
    server = start_server()
    call = server.start()
    job_id = call.create()["job_id"]
    wait_until(lambda: call.job(job_id)["status"] == "UPLOADED")
    assert server.kill(signal.SIGTERM) == 0
    job = server.start().wait(job_id)
    assert (job["status"], job["files_processed"]) == ("DONE", 150)
    assert [path for path in files_below(share) if path.name.startswith(".")] == []


def test_the_log_holds_no_source_and_no_patient(start_server: Start, share: Path) -> None:
    write_dicom(share / "Jansen", 2)
    (share / "Jansen" / "Jansen.txt").write_text("x")
    server = start_server()
    call = server.start()
    for source in (rf"{SHARE}\Jansen", rf"{SHARE}\Jansen-gone"):
        call.wait(call.create(source_path=source, anonymizedpatientid="P-77")["job_id"])
    log = (server.data / "server.log").read_text()
    assert "job=1 attempt=1 event=done" in log
    assert "job=2 attempt=1 event=error" in log
    for secret in ("Jansen", "P-77", "alice-"):
        assert secret not in log
