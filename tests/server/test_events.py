"""Changes of jobs as server-sent events."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from anontui.server import live
from anontui.server.http import Web, make_app
from tests.server.conftest import Ledger
from tests.server.support import ALICE_TOKEN, BOB_TOKEN, Caller, app_server, path_job, wait_until


class Events:
    """The events of an open stream, as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()

    def next(self, kind: str = "job") -> dict[str, Any]:
        """Return the next event of this kind, with its ``id``."""
        event: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            event[name] = value
            if line == "":
                if event.get("event") == kind:
                    return {"id": event.get("id"), **json.loads(event["data"])}
                event = {}
        raise EOFError

    def comment(self) -> str:
        return next(line for line in self._lines if line.startswith(":"))

    def ends(self) -> bool:
        """True if nothing comes any more but a few heartbeats."""
        return len(list(islice(self._lines, 20))) < 20


@contextmanager
def events(
    call: Caller, after: str | None = None, last: str | None = None, token: str = ""
) -> Iterator[Events]:
    headers = {"Authorization": f"Token {token or call.token}"}
    if last is not None:
        headers["Last-Event-ID"] = last
    query = {"user_name": call.user} | ({"after": after} if after is not None else {})
    url = f"{call.url}/get_events"
    with httpx.stream("GET", url, params=query, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream"
        yield Events(answer)


def test_a_change_is_told_as_it_happens(call: Caller, web: Web) -> None:
    call.create()
    with events(call) as stream:
        wait_until(lambda: len(web.api.hub._streams) == 1)
        call.create(description="second")
        event = stream.next()
        assert (event["event"], event["job_id"]) == ("created", 2)
        assert event["description"] == "second"
        call("POST", "cancel_job", job_id=1)
        event = stream.next()
        assert (event["event"], event["job_id"], event["status"]) == ("cancelled", 1, "INACTIVE")
    wait_until(lambda: not web.api.hub._streams)


def test_a_caller_who_comes_back_misses_nothing(call: Caller) -> None:
    call.create()
    with events(call, after="0") as stream:
        known = stream.next()["id"]
    for _ in range(3):
        call.create()
    with events(call, last=known) as stream:
        assert [stream.next()["job_id"] for _ in range(3)] == [2, 3, 4]
    with events(call, after=known) as stream:
        assert stream.next()["job_id"] == 2


def test_more_than_a_batch_comes_whole_and_in_order(
    call: Caller, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BATCH", 3)
    for _ in range(10):
        call.create()
    with events(call, after="0") as stream:
        assert [stream.next()["job_id"] for _ in range(10)] == list(range(1, 11))


def test_only_what_the_caller_sees_is_told(call: Caller, ledger: Ledger) -> None:
    folder = ledger.folder.projects / "Closed"
    folder.mkdir(parents=True)
    (folder / "project.yml").write_text("users: [alice]")
    call.create(project_name="Closed")
    assert Caller(call.url, "bob", BOB_TOKEN)("GET", "get_job", job_id=1)[0] == 400
    call.create()
    with events(Caller(call.url, "bob", BOB_TOKEN), after="0") as stream:
        assert stream.next()["job_id"] == 2
    with events(call, after="0") as stream:
        assert [stream.next()["job_id"] for _ in range(2)] == [1, 2]


def test_progress_of_a_running_job_is_told(call: Caller, ledger: Ledger) -> None:
    call.create()
    with events(call) as stream:
        with ledger.database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET owner = 'x', status = 'UPLOADED', files_downloaded = 9"
            )
        event = stream.next("progress")
        assert (event["job_id"], event["files_downloaded"]) == (1, 9)


def test_silence_has_a_heartbeat(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    with events(call) as stream:
        assert stream.comment() == ": alive"
        assert stream.comment() == ": alive"


def test_a_void_token_ends_the_stream(
    call: Caller, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    with events(call) as stream:
        ledger.users.revoke("alice")
        assert stream.ends()


def test_the_end_of_the_server_ends_the_streams(web: Web) -> None:
    ended = threading.Event()
    with app_server(make_app(web), web.api.hub.close) as url:
        stream = events(Caller(url))
        opened = stream.__enter__()

        def read() -> None:
            if opened.ends():
                ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        wait_until(lambda: len(web.api.hub._streams) == 1)
    thread.join(5)
    assert ended.is_set()
    stream.__exit__(None, None, None)


def test_one_user_may_not_take_all_streams(
    call: Caller, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 1)
    with events(call):
        answer = httpx.get(
            f"{call.url}/get_events?user_name=alice",
            headers={"Authorization": f"Token {ALICE_TOKEN}"},
        )
        assert (answer.status_code, list(answer.json())) == (429, ["errors"])
        with events(Caller(call.url, "bob", BOB_TOKEN)):
            pass
    wait_until(lambda: not web.api.hub._streams)
    with events(call):
        pass


def test_a_caller_who_does_not_read_is_hung_up_on(
    call: Caller, web: Web, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STUCK", 0.3)
    fields = {k.replace("anonymized", "source_anonymized"): v for k, v in path_job().items()}
    ledger.store.create_many(
        "alice", [(None, fields | {"description": "x" * 4000}) for _ in range(3000)]
    )
    parts = urlsplit(call.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((parts.hostname, parts.port))
        client.sendall(
            b"GET /get_events?user_name=alice&after=0 HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Token " + ALICE_TOKEN.encode() + b"\r\n\r\n"
        )
        wait_until(lambda: len(web.api.hub._streams) == 1)
        wait_until(lambda: not web.api.hub._streams)
    assert call("GET", "get_jobs")[0] == 200


def test_head_does_not_wait(call: Caller) -> None:
    assert call("HEAD", "get_events") == (200, None)
