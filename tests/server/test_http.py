"""The web API over a real loopback socket, good and bad."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from anontui.idis.model import CORE_FIELDS, FIELDS, Job
from anontui.server import functions, http, listen
from anontui.server.views import Seen, Views
from tests.server.conftest import Ledger
from tests.server.support import BOB_TOKEN, SHARE, Caller, path_job


def test_every_answer_is_a_job_with_the_documented_fields(call: Caller) -> None:
    created = call.create()
    assert tuple(created) == FIELDS
    job = Job.from_json(created)
    assert (job.status, job.user_name, job.files_downloaded) == ("ACTIVE", "alice", 0)
    assert job.source_anonymizedpatientid == "P-001"
    assert call.job(created["job_id"]) == created
    _, newest = call("GET", "get_jobs")
    assert tuple(newest["1"]) == CORE_FIELDS
    _, extended = call("GET", "get_jobs_list_extended", [("job_ids", 1)])
    assert extended == {"1": created}


def test_newest_jobs_come_newest_first_and_are_fifty(call: Caller, ledger: Ledger) -> None:
    for _ in range(53):
        ledger.store.create("alice", _fields())
    _, newest = call("GET", "get_jobs")
    assert list(newest) == [str(number) for number in range(53, 3, -1)]


def test_a_list_leaves_out_unknown_ids_and_may_be_long(call: Caller) -> None:
    for _ in range(3):
        call.create()
    ids = [("job_ids", number) for number in range(2, 20_000)]
    status, jobs = call("GET", "get_jobs_list", ids)
    assert (status, list(jobs)) == (200, ["2", "3"])


@pytest.mark.parametrize("function", ["", "nothing", "nothing/at/all", "get_job/x"])
def test_an_unknown_function_answers_its_documentation(call: Caller, function: str) -> None:
    for status, answer in (call("GET", function), call.raw("GET", function, token="")):
        assert status == 404
        assert "/create_job" in answer["documentation"]["handlers"]


@pytest.mark.parametrize("path", ["/get_jobs", "//get_jobs", "/get_jobs/"])
def test_slashes_too_many_do_no_harm(call: Caller, path: str) -> None:
    assert call("GET", path) == (200, {})


def test_parameters_may_stand_in_the_query(call: Caller) -> None:
    call.create()
    status, job = call.raw("GET", "get_job?user_name=alice&job_id=1")
    assert (status, job["job_id"]) == (200, 1)


FUNCTIONS = {"": "GET", **{name: one.method for name, one in functions.FUNCTIONS.items()}}


@pytest.mark.parametrize(
    ("user", "token"),
    [
        ("alice", "wrong" * 10),
        ("alice", BOB_TOKEN),
        ("carol", BOB_TOKEN),
        ("", BOB_TOKEN),
        ("alice' OR 1=1 --", BOB_TOKEN),
    ],
)
def test_wrong_credentials_are_refused_and_change_nothing(
    call: Caller, ledger: Ledger, user: str, token: str
) -> None:
    before = call.create()
    parameters = path_job(job_id=1, status="INACTIVE")
    for function, method in FUNCTIONS.items():
        status, answer = Caller(call.url, user, token)(method, function, parameters)
        assert (status, list(answer)) == (401, ["errors"]), function
    assert call.job(1) == before
    assert len(ledger.store.newest()) == 1
    rows = [row for row in ledger.store.audit() if row["what"] == "unauthorized"]
    assert [json.loads(str(row["details"]))["function"] for row in rows] == [
        name or "?" for name in FUNCTIONS
    ]
    assert {row["who"] for row in rows} == {user if user == "alice" else "?"}


@pytest.mark.parametrize("header", ["", "Token", "Basic YWxpY2U6eA=="])
def test_missing_or_strange_credentials_are_refused(
    call: Caller, ledger: Ledger, header: str
) -> None:
    answer = httpx.get(
        f"{call.url}/get_jobs?user_name=alice",
        headers={"Authorization": header} if header else {},
    )
    assert answer.status_code == 401
    assert ledger.store.audit()[-1]["what"] == "unauthorized"


def test_refused_credentials_are_logged_without_the_token(
    call: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    token = "secret" * 8
    assert Caller(call.url, token, token)("GET", "get_jobs")[0] == 401
    assert "event=unauthorized user=? function=get_jobs" in caplog.text
    assert "secret" not in caplog.text


def test_a_token_is_valid_at_once_and_void_at_once(call: Caller, ledger: Ledger) -> None:
    token = ledger.users.add("carol")
    carol = Caller(call.url, "carol", token)
    assert carol("GET", "get_jobs")[0] == 200
    ledger.users.revoke("carol")
    assert carol("GET", "get_jobs")[0] == 401


@pytest.mark.parametrize("function", list(FUNCTIONS)[1:])
def test_a_function_has_one_method(call: Caller, function: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - {FUNCTIONS[function]}:
        status, answer = call(method, function, job_id=1)
        assert (status, list(answer)) == (405, ["errors"]), method


def test_head_is_get_without_a_body(call: Caller) -> None:
    assert call("HEAD", "get_jobs") == (200, None)
    assert call("HEAD", "create_job") == (405, None)
    assert call("HEAD", "") == (404, None)


@pytest.mark.parametrize(
    ("function", "parameters", "errors"),
    [
        ("get_job", {}, {"job_id": "Required parameter job_id not supplied"}),
        ("get_job", {"job_id": ""}, {"job_id": "Required parameter job_id not supplied"}),
        ("get_job", {"job_id": 447783}, {"job_id": "Job with id 447783 does not exist"}),
        ("get_job", {"job_id": "x"}, {"job_id": "Parameter job_id must be a whole number"}),
        ("get_job", {"job_id": "9" * 40}, {"job_id": "Parameter job_id must be a whole number"}),
        ("get_job", {"job_id": "-1"}, {"job_id": "Parameter job_id must be a whole number"}),
        (
            "get_job",
            [("job_id", 1), ("job_id", 2)],
            {"job_id": "Parameter job_id supplied more than once"},
        ),
        ("get_jobs_list", {}, {"job_ids": "Required parameter job_ids not supplied"}),
        ("cancel_job", {"job_id": 9}, {"job_id": "Job with id 9 does not exist"}),
        ("modify_job", {"job_id": 9}, {"job_id": "Job with id 9 does not exist"}),
        ("cancel_job", {"job_id": 1, "x": 1}, {"x": "There is no parameter x"}),
    ],
)
def test_refusals_say_what_is_wrong(
    call: Caller, function: str, parameters: Any, errors: dict[str, str]
) -> None:
    assert call(FUNCTIONS[function], function, parameters) == (400, {"errors": errors})


BAD_JOBS: list[tuple[dict[str, Any], str]] = [
    ({"source_type": None}, "source_type"),
    ({"source_type": "FTP", "source_instance_id": "1"}, "source_type"),
    ({"source_path": None}, "source_path"),
    ({"source_path": r"study:\\server\share\in"}, "source_path"),
    ({"source_path": r"\\elsewhere\share\in"}, "source_path"),
    ({"source_path": r"folder:\\server\share\..\x"}, "source_path"),
    ({"source_path": "/etc"}, "source_path"),
    ({"source_path": "folder:in"}, "source_path"),
    ({"source_path": "folder:" + SHARE + "\\" + "x" * 5000}, "source_path"),
    ({"source_path": f"folder:{SHARE}\\a\0b"}, "source_path"),
    ({"destination_path": None}, "destination_path"),
    ({"destination_path": "out"}, "destination_path"),
    ({"destination_path": rf"{SHARE}\in"}, "destination_path"),
    ({"destination_path": rf"{SHARE}\in\deeper"}, "destination_path"),
    ({"destination_path": SHARE}, "destination_path"),
    ({"destination_path": r"\\elsewhere\share"}, "destination_path"),
    ({"destination_type": "PACS"}, "destination_type"),
    ({"project_name": None}, "project_name"),
    ({"project_name": "Other"}, "project_name"),
    (
        {"anonymizedpatientid": None, "anonymizedpatientname": None, "pims_keyfile_id": "12"},
        "anonymizedpatientid",
    ),
    ({"anonymizedpatientid": " ", "anonymizedpatientname": ""}, "anonymizedpatientid"),
    ({"anonymizedpatientid": "a\\b"}, "anonymizedpatientid"),
    ({"anonymizedpatientid": "x" * 65}, "anonymizedpatientid"),
    ({"anonymizedpatientname": "a\tb"}, "anonymizedpatientid"),
    ({"priority": "high"}, "priority"),
    ({"status": "DONE"}, "status"),
    ({"source_sop_class_filter_list": "CT"}, "source_sop_class_filter_list"),
]


@pytest.mark.parametrize(("changes", "field"), BAD_JOBS)
def test_a_job_that_cannot_be_done_safely_is_refused(
    call: Caller, ledger: Ledger, changes: dict[str, Any], field: str
) -> None:
    wanted = {name: value for name, value in (path_job() | changes).items() if value is not None}
    status, answer = call("POST", "create_job", wanted)
    assert (status, field in answer["errors"]) == (400, True), answer
    assert ledger.store.newest() == []


def test_one_half_of_the_pseudonym_serves_as_both(call: Caller) -> None:
    job = call.create(anonymizedpatientid="", anonymizedpatientname="Only a name")
    assert job["source_anonymizedpatientid"] == "Only a name"


def test_a_refused_project_is_told_as_the_web_api_tells_it(call: Caller) -> None:
    _, answer = call("POST", "create_job", path_job(project_name="Other"))
    expected = "User alice is not connected to project Other"
    assert answer["errors"] == {"project_name": expected}


def test_a_job_from_a_pacs_is_taken_on(call: Caller) -> None:
    wanted = path_job(source_type="WADO", source_name="IDC_WADO", source_instance_id="1.2.3")
    del wanted["source_path"]
    status, job = call("POST", "create_job", wanted)
    assert (status, job["source_instance_id"], job["source_path"]) == (200, "1.2.3", None)


def test_reset_and_cancel(call: Caller) -> None:
    call.create()
    status, job = call("POST", "cancel_job", job_id=1)
    assert (status, job["status"]) == (200, "INACTIVE")
    reset = {"status": "ACTIVE", "files_downloaded": 0, "files_processed": 0, "error": " "}
    status, job = call("POST", "modify_job", reset | {"job_id": 1})
    assert (status, job["status"], job["error"]) == (200, "ACTIVE", " ")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": "DONE"}, "status"),
        ({"status": "UPLOADED"}, "status"),
        ({"files_processed": "9"}, "files_processed"),
        ({"error": "nonsense"}, "error"),
        ({"project_name": "Other"}, "project_name"),
        ({"destination_path": rf"{SHARE}\in"}, "destination_path"),
        ({"anonymizedpatientid": "", "anonymizedpatientname": ""}, "anonymizedpatientid"),
        ({"source_ignore_opt_out": "True"}, "source_ignore_opt_out_reason"),
        ({"source_ignore_opt_out": "perhaps"}, "source_ignore_opt_out"),
        ({"user_name_": "bob"}, "user_name_"),
    ],
)
def test_an_illegal_change_is_refused(call: Caller, changes: dict[str, str], field: str) -> None:
    before = call.create()
    status, answer = call("POST", "modify_job", changes | {"job_id": "1"})
    assert (status, field in answer["errors"]) == (400, True), answer
    assert call.job(1) == before


def test_legal_changes(call: Caller, ledger: Ledger) -> None:
    call.create()
    changes = {
        "job_id": 1,
        "description": "new",
        "anonymizedpatientid": "P-002",
        "source_ignore_opt_out": True,
        "source_ignore_opt_out_reason": "Reason: signed consent",
    }
    status, job = call("POST", "modify_job", changes)
    assert (status, job["description"]) == (200, "new")
    assert job["source_anonymizedpatientid"] == "P-002"
    row = ledger.store.job(1)
    assert row is not None
    assert row["source_ignore_opt_out_reason"] == "Reason: signed consent"


def test_settings_that_are_wrong_are_the_admins_business(call: Caller, ledger: Ledger) -> None:
    ledger.folder.config.path.write_text("shares: [")
    status, answer = call("POST", "create_job", path_job())
    assert status == 500
    assert "admin" in answer["errors"]["server"]
    assert ledger.store.newest() == []


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\x00", b"user_name=%ff%fe", "user_name=ä".encode(), b"{}", b"a&&&=", b"=" * 999],
)
def test_a_body_that_is_no_form_is_refused(call: Caller, body: bytes) -> None:
    assert call.raw("GET", "get_jobs", body)[0] in (400, 401)


def test_many_fields_are_read(call: Caller) -> None:
    call.create()
    body = urlencode([("user_name", "alice"), *(("job_ids", 1) for _ in range(200_000))])
    status, answer = call.raw("GET", "get_jobs_list", body.encode())
    assert (status, list(answer)) == (200, ["1"])


def test_a_huge_body_is_refused_unread(call: Caller) -> None:
    with _connection(call) as client:
        client.sendall(b"POST /create_job HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        assert b" 413 " in client.recv(1000)


def test_a_huge_body_in_chunks_is_refused_too(call: Caller) -> None:
    with _connection(call) as client:
        head = b"POST /create_job HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head)
        sent = 0
        try:
            for _ in range(100):
                sent += 1
                client.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
            answer = client.recv(1000)
        except ConnectionError:
            answer = b""
    assert sent < 100 or b" 413 " in answer
    assert call("GET", "get_jobs")[0] == 200


@pytest.mark.parametrize(
    "half",
    [b"GET /get_jobs HT", b"GET /get_jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nuser"],
)
def test_half_a_request_is_hung_up_on_and_blocks_nobody(
    call: Caller, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(http, "SLOWEST_BODY", 0.5)
    clients = [_connection(call) for _ in range(50)]
    for client in clients:
        client.sendall(half)
    assert call("GET", "get_jobs")[0] == 200
    for client in clients:
        client.settimeout(10)
        answer = client.recv(1000)
        assert answer == b"" or b" 408 " in answer
        client.close()


def test_nobody_waits_for_hostile_callers(call: Caller) -> None:
    """While some send too little and others too much, a third is answered."""
    call.create()
    head = b"POST /create_job HTTP/1.1\r\nHost: x\r\n"
    fields = urlencode([("user_name", "alice"), *(("job_ids", 1) for _ in range(200_000))])
    slow = [_connection(call) for _ in range(200)]
    for client in slow:
        client.sendall(head if client.fileno() % 2 else head + b"Content-Length: 9\r\n\r\nu")
    huge = [_connection(call) for _ in range(10)]
    for client in huge:
        with suppress(ConnectionError):  # it may hang up while we send
            client.sendall(head + b"Content-Length: 100000000\r\n\r\n" + b"x" * 100_000)
    many = [
        threading.Thread(target=call.raw, args=("GET", "get_jobs_list", fields.encode()))
        for _ in range(4)
    ]
    for thread in many:
        thread.start()
    for _ in range(10):
        assert call("GET", "get_jobs")[0] == 200
    for client in slow:  # their time is not over yet
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
    for thread in many:
        thread.join()
    for client in (*slow, *huge):
        client.close()


def test_who_asks_is_let_in_before_who_only_waits(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "MOST_CONNECTIONS", 10)
    waiting = [_connection(call) for _ in range(50)]
    for client in waiting:
        with suppress(ConnectionError):
            client.sendall(b"GET /get_jobs HT")
    assert call("GET", "get_jobs")[0] == 200
    held = 0
    for client in waiting:
        client.setblocking(False)
        try:
            client.recv(1)
        except BlockingIOError:
            held += 1
        except ConnectionError:
            pass
        client.close()
    assert held <= 10


def test_a_kept_connection_outlives_the_time_for_a_head(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "HEAD_SECONDS", 0.2)
    with httpx.Client(base_url=call.url) as client:
        client.get("/")
        time.sleep(0.5)
        assert client.get("/").status_code == 404


def test_many_callers_at_once(call: Caller) -> None:
    statuses: list[int] = []

    def create() -> None:
        statuses.append(call("POST", "create_job", path_job())[0])

    threads = [threading.Thread(target=create) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 30
    assert len(call("GET", "get_jobs")[1]) == 30


def test_a_mistake_of_ours_is_json_and_the_log_tells_no_values(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(views: Views, seen: Seen) -> bytes:
        raise KeyError("Jansen")

    monkeypatch.setattr(Views, "newest", broken)
    status, answer = call("GET", "get_jobs")
    assert status == 500
    assert "Jansen" not in json.dumps(answer)
    assert call("GET", "")[0] == 404


def _connection(call: Caller) -> socket.socket:
    parts = urlsplit(call.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def _fields() -> dict[str, Any]:
    job = path_job()
    for name in ("anonymizedpatientid", "anonymizedpatientname"):
        job[f"source_{name}"] = job.pop(name)
    return job
