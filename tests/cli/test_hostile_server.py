"""Every command against a server that is slow, down, broken or sly.

No traceback, an exit code other than 0, a sentence with advice, and nothing claimed done.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anontui.operations import servers
from anontui.operations.ledger import MARK_NAME
from anontui.project import created
from anontui.settings import load
from tests.cli.api import HTML, Api
from tests.cli.commands import documented
from tests.cli.conftest import Command
from tests.idis.fake_server import Answer, Behaviour, Request

ASKING = (
    "server status",
    "server jobs",
    "job info 1",
    "job list 1-3",
    "job reset 1 --yes",
    "job cancel 1,2 --yes",
    "job set-opt-out-ignore 1 consent --yes",
    "batch status",
    "batch status --patient-name --json",
    "batch reset --yes",
    "batch cancel --yes",
    "batch cancel-active --yes",
    "batch reset-error --yes",
    "batch show-error",
    "batch watch",
    "batch watch --json",
    "batch export out.xlsx",
    "create from-mapping --yes",
    "create from-mapping --yes --json",
)
"""The commands that ask a server."""
LOCAL = (
    "status",
    "server add other https://other.example",
    "server list",
    "server activate p01",
    "server remove other",
    "batch info",
    "batch add 4",
    "batch remove 4",
    "create from-mapping --dry-run",
    "create set-defaults --project Lung",
    "create show-defaults",
    "settings show",
    "settings set-validate-ssl true",
    "settings info",
    "settings user info",
    "settings set-username z1",
    "settings user set-username z1",
    "settings get-token --yes",
    "settings user get-token --yes",
    "map status",
    "batch delete --yes",
    "batch init",
)
"""Those that must not ask one, in an order in which each can be done."""


def silence(request: Request, connection: socket.socket, end: threading.Event) -> None:
    end.wait()


def drip(request: Request, connection: socket.socket, end: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    while not end.wait(0.05):
        connection.sendall(b" ")


def hang_up(*_: object) -> None:
    """Close the connection without a word."""


def cut_short(request: Request, connection: socket.socket, end: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"1": {"job_id": 1')


MOODS: dict[str, Answer | Behaviour] = {
    "silent": silence,
    "drips": drip,
    "hangs up": hang_up,
    "cuts short": cut_short,
    "401": Answer(401, {"detail": "Invalid token."}),
    "403": Answer(403, "<html>Forbidden</html>"),
    "500": Answer(500, "<html>oops</html>"),
    "503": Answer(503, "<html>later</html>"),
    "HTML": HTML,
    "HTML 404": Answer(404, "<html>not here</html>"),
    "400 without a word": Answer(400, {}),
    "no job": Answer(200, {"1": {}}),
    "another job": Answer(200, {"7": {"job_id": 7, "status": "DONE"}}),
    "list": Answer(200, []),
    "null": Answer(200, "null"),
    "text": Answer(200, '"done"'),
    "not JSON": Answer(200, '{"1": '),
    "bytes": Answer(200, b"\xff\xfe\x00"),
    "sends elsewhere": Answer(302, "", {"Location": "https://elsewhere.example/"}),
    "sends in circles": Answer(302, "", {"Location": "/p01"}),
    "sends to a file": Answer(302, "", {"Location": "file:///etc/passwd"}),
    "steers the terminal": Answer(400, {"errors": {"x": "\x1b]0;owned\x07\x1b[2Jboo"}}),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "TIMEOUT", 0.1)
    monkeypatch.setattr(servers, "PROBE_TIMEOUT", 0.1)


@pytest.fixture
def ready(anontui: Command, project: Path, mapping: Callable[..., Path]) -> Iterator[Path]:
    """A project with a batch and a mapping; afterwards, with nothing more."""
    mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002")
    anontui("batch", "add", "1-3")
    before = files(project)
    yield project
    assert files(project) == before


def files(project: Path) -> dict[str, bytes]:
    """What is in a project, but for the account that creating keeps."""
    account = {MARK_NAME, created.FILENAME}
    found = (path for path in project.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found if path.name not in account}


@pytest.mark.parametrize("words", ASKING)
@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.usefixtures("impatient")
def test_hostile(anontui: Command, ready: Path, api: Api, mood: str, words: str) -> None:
    api.instead = MOODS[mood]
    ran = anontui(*words.split())
    assert ran.code == 1, ran
    sentence = ran.err.splitlines()[-1]
    what, stop, advice = sentence.partition(". ")
    assert stop and advice.endswith("."), sentence
    assert what.startswith(("Error: ", "p01 (")) and len(ran.err) < 1500
    assert not ran.out
    assert not {"\x1b", "\x07"} & set(ran.err)
    assert created.read(ready) == {}


@pytest.mark.parametrize("words", ASKING)
def test_down(anontui: Command, ready: Path, api: Api, words: str) -> None:
    api.close()
    ran = anontui(*words.split())
    assert ran.code == 1 and not ran.out
    assert "refuses the connection" in ran.err and "tell the server's admin" in ran.err


@pytest.mark.parametrize("words", ASKING)
def test_name_that_is_not_known(anontui: Command, ready: Path, words: str) -> None:
    settings = load(ready / ".anontui" / "settings.yml")
    batch = ready / ".anonbatch"
    old = batch.read_text()
    try:
        settings.with_server("p01", "http://no-such-host.invalid/p01").save()
        batch.write_text(old.replace(settings.active_server.url, "http://no-such-host.invalid/p01"))
        ran = anontui(*words.split())
    finally:
        batch.write_text(old)
    assert ran.code == 1 and not ran.out and "Check the server's url" in ran.err


def test_the_others_ask_no_server(
    anontui: Command, project: Path, api: Api, mapping: Callable[..., Path]
) -> None:
    mapping("folder:p1,LUNG-001")
    anontui("batch", "add", "1-3")
    api.instead = MOODS["HTML"]
    for words in LOCAL:
        ran = anontui(*words.split())
        assert ran.code == 0, (words, ran)
    assert api.requests == []


def test_every_documented_command_is_asked() -> None:
    asked = {" ".join(words.split()[:n]) for words in (*ASKING, *LOCAL) for n in (1, 2, 3)}
    files_only = {name for name in documented() if name.split()[0] in ("map", "select")}
    assert set(documented()) - asked - files_only == {"settings edit"}  # opens an editor
