"""``anontui server`` and ``anontui status``."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from anontui.settings import load
from tests.cli.api import Api
from tests.cli.conftest import Command


def test_add_list_activate_remove(anontui: Command, project: Path) -> None:
    assert anontui("server", "add", "sandbox", "https://sandbox.example/api/").code == 0
    ran = anontui("server", "list")
    assert [line.split() for line in ran.out.splitlines()][2:] == [
        ["sandbox", "https://sandbox.example/api"]
    ]
    assert anontui("server", "activate", "sandbox").code == 0
    found = json.loads(anontui("server", "list", "--json").out)
    assert [(server["name"], server["active"]) for server in found] == [
        ("p01", False),
        ("sandbox", True),
    ]
    assert anontui("server", "remove", "sandbox").code == 0
    settings = load(project / ".anontui" / "settings.yml")
    assert [server.name for server in settings.servers] == ["p01"]
    assert settings.active_server_name is None


def test_first_server_becomes_active(
    anontui: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "No server is set" in anontui("server", "list").err
    assert "now active" in anontui("server", "add", "one", "http://one").err
    assert "active" not in anontui("server", "add", "two", "http://two").err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["add", "p01", "https://other"], 2, "There is a server 'p01' already"),
        (["add", "x", "no url"], 2, "This is not a server's url"),
        (["add", "x", "https://user:secret@host"], 2, "holds credentials"),
        (["remove", "x"], 1, "The server 'x' is not among the servers"),
        (["activate", "x"], 1, "The server 'x' is not among the servers"),
        (["status", "x"], 1, "The server 'x' is not among the servers"),
    ],
)
def test_what_cannot_be(
    anontui: Command, project: Path, words: list[str], code: int, says: str
) -> None:
    before = (project / ".anontui" / "settings.yml").read_bytes()
    ran = anontui("server", *words)
    assert ran.code == code and says in ran.err and "secret" not in ran.err
    assert (project / ".anontui" / "settings.yml").read_bytes() == before


def test_no_server_at_all(
    anontui: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = anontui("server", "jobs")
    assert ran.code == 1 and "anontui server add NAME URL" in ran.err


def test_up(anontui: Command, project: Path) -> None:
    ran = anontui("server", "status")
    assert ran.code == 0 and "is up" in ran.out
    assert json.loads(anontui("server", "status", "p01", "--json").out)["up"] is True


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_down(anontui: Command, project: Path) -> None:
    anontui("server", "add", "off", f"http://127.0.0.1:{closed_port()}")
    ran = anontui("server", "status", "off")
    assert ran.code == 1 and "is down" in ran.err and not ran.out
    found = json.loads(anontui("server", "status", "off", "--json").out)
    assert found["up"] is False and found["problem"] and found["advice"]


def test_jobs(anontui: Command, project: Path, api: Api) -> None:
    api.add(9, "DONE", description="nine\x1b[2J\nlines")
    api.add(10, "ERROR")
    lines = anontui("server", "jobs").out.splitlines()
    assert [line.split()[0] for line in lines] == ["id", "10", "9"]
    assert "\x1b" not in "".join(lines)
    found = json.loads(anontui("server", "jobs", "--json").out)
    assert [job["job_id"] for job in found] == [10, 9]


def test_status_tells_where_one_stands(anontui: Command, project: Path, api: Api) -> None:
    anontui("batch", "add", "5-7")
    ran = anontui("status")
    for word in (str(project), "3 jobs on p01", "z123456", f"p01 {api.url} (active)"):
        assert word in ran.out
    found = json.loads(anontui("status", "--json").out)
    assert found["batch_jobs"] == 3 and found["has_token"] and "token" not in found
    assert "token" not in anontui("status").out.replace("Token", "")
    assert api.requests == []
