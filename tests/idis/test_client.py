"""What goes over the wire, and what is believed of what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from anontui.errors import (
    AnonTUIError,
    CallRefused,
    CredentialsRefused,
    NotAWebAPI,
    ServerError,
    ServerUnreachable,
    UnexpectedAnswer,
    UsageError,
)
from anontui.idis.client import IDS_PER_CALL, Client
from anontui.idis.model import JobRequest, JobStatus
from tests.idis.answers import (
    DOCUMENTATION,
    NO_JOB_ID,
    NO_SUCH_JOB,
    NOT_CONNECTED,
    core,
    extended,
    keyed,
)
from tests.idis.conftest import TOKEN
from tests.idis.fake_server import Answer, FakeServer

REQUEST = JobRequest(
    source_type="PATH",
    project_name="Wetenschap-Algemeen",
    source_path=r"folder:\\server\share\data\patient1",
    destination_path=r"\\server\share\output",
    anonymizedpatientname="TEST_NAME_01",
    anonymizedpatientid="01",
    description="A test job",
)

Call = Callable[[Client], object]

CALLS: dict[str, tuple[Call, str, str, dict[str, list[str]], object]] = {
    # call, method, path, form besides user_name, a good answer
    "jobs": (lambda c: c.jobs(), "GET", "/p01/get_jobs", {}, keyed(core(2), core(1))),
    "job": (
        lambda c: c.job(1234),
        "GET",
        "/p01/get_job",
        {"job_id": ["1234"]},
        extended(),
    ),
    "jobs_by_id": (
        lambda c: c.jobs_by_id([1, 2, 1]),
        "GET",
        "/p01/get_jobs_list",
        {"job_ids": ["1", "2"]},
        keyed(core(1), core(2)),
    ),
    "jobs_by_id extended": (
        lambda c: c.jobs_by_id([7], extended=True),
        "GET",
        "/p01/get_jobs_list_extended",
        {"job_ids": ["7"]},
        keyed(extended(7)),
    ),
    "create": (
        lambda c: c.create(REQUEST),
        "POST",
        "/p01/create_job",
        {
            "source_type": ["PATH"],
            "project_name": ["Wetenschap-Algemeen"],
            "source_path": [r"folder:\\server\share\data\patient1"],
            "destination_type": ["PATH"],
            "destination_path": [r"\\server\share\output"],
            "anonymizedpatientname": ["TEST_NAME_01"],
            "anonymizedpatientid": ["01"],
            "description": ["A test job"],
        },
        extended(),
    ),
    "cancel": (
        lambda c: c.cancel(1234),
        "POST",
        "/p01/cancel_job",
        {"job_id": ["1234"]},
        extended(status="INACTIVE"),
    ),
    "reset": (
        lambda c: c.reset(1234),
        "POST",
        "/p01/modify_job",
        {
            "job_id": ["1234"],
            "status": ["ACTIVE"],
            "files_downloaded": ["0"],
            "files_processed": ["0"],
            "error": [" "],
        },
        extended(error=" "),
    ),
    "modify": (
        lambda c: c.modify(1234, description="naïef & co", priority=None),
        "POST",
        "/p01/modify_job",
        {"job_id": ["1234"], "description": ["naïef & co"]},
        extended(),
    ),
    "ignore_opt_out": (
        lambda c: c.ignore_opt_out(1234, "consent 12"),
        "POST",
        "/p01/modify_job",
        {
            "job_id": ["1234"],
            "source_ignore_opt_out": ["True"],
            "source_ignore_opt_out_reason": ["Reason: consent 12"],
        },
        extended(),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_goes_over_the_wire_as_the_web_api_wants_it(
    server: FakeServer, client: Client, name: str
) -> None:
    call, method, path, form, answer = CALLS[name]
    server.will(Answer(body=answer))
    call(client)
    (request,) = server.requests
    assert (request.method, request.path) == (method, path)
    assert request.form == {"user_name": ["z123"], **form}
    assert request.headers["authorization"] == f"Token {TOKEN}"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("ending", ["", "/", "//", "  "])
def test_url_may_end_with_slashes_and_spaces(server: FakeServer, ending: str) -> None:
    server.will(Answer(body={}))
    with Client(f" {server.url}{ending}", "z123", TOKEN) as client:
        assert client.jobs() == []
    assert server.requests[0].path == "/p01/get_jobs"


def test_recorded_answers_become_jobs(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=extended(source_path="fileselection:\\\\s\\d\\fileselection.txt")))
    job = client.job(1234)
    assert job.status is JobStatus.ACTIVE
    assert job.source_path == "fileselection:\\\\s\\d\\fileselection.txt"
    assert job.source_protocol == "3178"
    assert job.source_pims_keyfile_id is None

    server.will(Answer(body=keyed(core(9), core(30), core(100, error=" ", status="DONE"))))
    jobs = client.jobs()
    assert [job.job_id for job in jobs] == [100, 30, 9]
    assert jobs[0].error_text == ""


def test_probe_knows_a_web_api_by_its_documentation(server: FakeServer, client: Client) -> None:
    server.will(Answer(404, DOCUMENTATION))
    info = client.probe()
    assert info.documentation == {"overview": "some docs"}
    assert info.latency_ms > 0
    assert server.requests[0].path == "/p01/"


def test_unknown_ids_are_left_out_and_the_order_is_ours(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=keyed(core(1), core(3))))
    assert list(client.jobs_by_id([3, 2, 1])) == [3, 1]


def test_many_ids_go_in_several_calls(server: FakeServer, client: Client) -> None:
    ids = range(1, IDS_PER_CALL + 3)
    server.will(
        Answer(body=keyed(*(core(i) for i in ids[:IDS_PER_CALL]))),
        Answer(body=keyed(*(core(i) for i in ids[IDS_PER_CALL:]))),
    )
    assert list(client.jobs_by_id(ids)) == list(ids)
    assert [len(r.form["job_ids"]) for r in server.requests] == [IDS_PER_CALL, 2]


def test_no_ids_need_no_call(server: FakeServer, client: Client) -> None:
    assert client.jobs_by_id([]) == {}
    assert server.requests == []


HTML = Answer(200, "<html><body>Sign in</body></html>", {"Content-Type": "text/html"})
DEEP = "[" * 100_000


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in extended().items() if key != name}


@pytest.mark.parametrize("call", ["job", "create", "cancel", "reset", "modify"])
@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        Answer(200, ""),
        Answer(200, b"\xff\xfe\x00"),
        Answer(200, DEEP),
        Answer(200, "1" * 5000),
        Answer(200, "{"),
        Answer(200, {}),
        Answer(200, None),
        Answer(200, []),
        Answer(200, [extended()]),
        Answer(200, "1"),
        Answer(200, '"text"'),
        Answer(200, True),
        Answer(200, {"1234": extended()}),
        *(Answer(200, without(name)) for name in core(1)),
        *(
            Answer(200, extended(**{name: value}))
            for name, value in {
                "job_id": None,
                "status": "FINISHED",
                "project_name": {"a": 1},
                "files_downloaded": "many",
                "files_processed": 1.5,
                "priority": True,
                "date": ["2019"],
                "source_id": 10**30,
            }.items()
        ),
        Answer(200, extended(status=None)),
        Answer(200, extended(status=[])),
        Answer(200, extended(status={})),
        Answer(200, extended(status=1)),
        Answer(200, extended(status="active")),
        Answer(201, extended()),
        Answer(204, b""),
    ],
)
def test_anything_but_the_job_is_an_error(
    server: FakeServer, client: Client, call: str, answer: Answer
) -> None:
    server.will(answer)
    with pytest.raises(ServerError) as caught:
        CALLS[call][0](client)
    assert answer.status != 200 or isinstance(caught.value, UnexpectedAnswer)
    assert caught.value.advice


@pytest.mark.parametrize("call", ["job", "cancel", "reset", "modify", "ignore_opt_out"])
def test_another_job_is_an_error(server: FakeServer, client: Client, call: str) -> None:
    server.will(Answer(body=extended(4321, status="INACTIVE")))
    with pytest.raises(UnexpectedAnswer):
        CALLS[call][0](client)


@pytest.mark.parametrize("call", ["jobs", "jobs_by_id", "jobs_by_id extended"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        [core(1)],
        "text",
        {"1": None},
        {"1": {}},
        {"1": core(2)},
        {"01": core(1)},
        {"x": core(1)},
        core(1),
    ],
)
def test_a_list_with_anything_amiss_is_an_error(
    server: FakeServer, client: Client, call: str, body: object
) -> None:
    server.will(Answer(body=body))
    with pytest.raises(UnexpectedAnswer):
        CALLS[call][0](client)


def test_a_job_that_was_not_asked_for_is_an_error(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=keyed(core(1), core(5))))
    with pytest.raises(UnexpectedAnswer):
        client.jobs_by_id([1, 2])


@pytest.mark.parametrize("status", [s for s in JobStatus if s is not JobStatus.INACTIVE])
def test_cancel_believes_only_inactive(
    server: FakeServer, client: Client, status: JobStatus
) -> None:
    server.will(Answer(body=extended(status=status)))
    with pytest.raises(UnexpectedAnswer):
        client.cancel(1234)


@pytest.mark.parametrize("status", [JobStatus.DONE, JobStatus.ERROR, JobStatus.INACTIVE])
def test_reset_believes_only_a_job_under_way(
    server: FakeServer, client: Client, status: JobStatus
) -> None:
    server.will(Answer(body=extended(status=status)))
    with pytest.raises(UnexpectedAnswer):
        client.reset(1234)


@pytest.mark.parametrize(
    ("name", "value", "is_same"),
    [
        ("project_name", "Another", False),
        ("project_name", "wetenschap-algemeen", False),
        ("source_anonymizedpatientid", "02", False),
        ("source_anonymizedpatientname", "NAME^REAL", False),
        ("destination_path", r"\\server\share\elsewhere", False),
        ("source_path", r"\\server\share\data\patient2", False),
        ("source_path", r"fileselection:\\server\share\data\patient2", False),
        # a server may write these otherwise, or not tell them
        ("destination_path", r"\\SERVER\share\output" + "\\", True),
        ("source_path", "//server/share/data/patient1", True),
        ("source_path", None, True),
        ("source_anonymizedpatientid", None, True),
        ("source_anonymizedpatientid", "01 ", True),
        ("description", "A te", True),
    ],
)
def test_created_job_must_be_the_one_asked_for(
    server: FakeServer, client: Client, name: str, value: str | None, is_same: bool
) -> None:
    server.will(Answer(body=extended(**{name: value})))
    if is_same:
        assert client.create(REQUEST).job_id == 1234
        return
    with pytest.raises(UnexpectedAnswer, match="1234") as caught:
        client.create(REQUEST)
    assert str(value) not in caught.value.sentence()
    assert "Cancel it" in caught.value.advice


def test_modified_job_must_be_as_asked(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=extended()))
    with pytest.raises(UnexpectedAnswer, match="project_name"):
        client.modify(1234, project_name="Another")


def test_accession_number_may_be_answered_bare(server: FakeServer, client: Client) -> None:
    request = JobRequest(
        source_type="WADO",
        project_name="Wetenschap-Algemeen",
        source_name="IDC_WADO",
        source_instance_id="accession_number:123.4",
        destination_path=r"\\server\share\output",
        anonymizedpatientid="01",
    )
    server.will(Answer(body=extended(source_path=None, source_instance_id="123.4")))
    assert client.create(request).source_instance_id == "123.4"
    server.will(Answer(body=extended(source_path=None, source_instance_id="123.5")))
    with pytest.raises(UnexpectedAnswer):
        client.create(request)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (Answer(400, NO_SUCH_JOB), CallRefused, "Job with id 447783 does not exist"),
        (Answer(400, NO_SUCH_JOB), CallRefused, "right server is active"),
        (Answer(400, NOT_CONNECTED), CallRefused, "ask the server's admin to connect you"),
        (Answer(400, NO_JOB_ID), CallRefused, "Required parameter job_id not supplied"),
        (Answer(400, {"errors": "no"}), CallRefused, "no"),
        (Answer(400, {"errors": {"a": [1, {"b": 2}]}}), CallRefused, "tell"),
        (Answer(400, {"errors": {}}), NotAWebAPI, "url"),
        (Answer(400, {"errors": None}), NotAWebAPI, "url"),
        (Answer(400, "<h1>Bad Request</h1>"), NotAWebAPI, "url"),
        (Answer(401, {"errors": {"auth": "no"}}), CredentialsRefused, "user_token"),
        (Answer(401, ""), CredentialsRefused, "user_token"),
        (Answer(404, DOCUMENTATION), ServerError, "does not know the call"),
        (Answer(404, {"404": "no"}), NotAWebAPI, "url"),
        (Answer(404, "<h1>Not Found</h1>"), NotAWebAPI, "url"),
        (Answer(404, ["documentation"]), NotAWebAPI, "url"),
        (Answer(405, ""), ServerError, "does not take"),
        (Answer(500, "<h1>Server Error</h1>"), ServerError, "something is wrong with the job"),
        (Answer(502, ""), ServerUnreachable, "try again"),
        (Answer(503, ""), ServerUnreachable, "try again"),
        (Answer(504, ""), ServerUnreachable, "try again"),
        (Answer(303, "", {"Location": "/p01/done"}), ServerError, "303"),
        (Answer(403, ""), ServerError, "403"),
        (Answer(418, ""), ServerError, "418"),
    ],
)
@pytest.mark.parametrize("call", ["job", "jobs", "create", "cancel"])
def test_refusals_say_what_to_do(
    server: FakeServer,
    client: Client,
    call: str,
    answer: Answer,
    error: type[ServerError],
    text: str,
) -> None:
    server.will(answer)
    with pytest.raises(ServerError) as caught:
        CALLS[call][0](client)
    assert type(caught.value) is error
    assert text.lower() in caught.value.sentence().lower()
    assert caught.value.advice
    assert len(server.requests) == 1


def test_refusal_keeps_the_servers_own_account(server: FakeServer, client: Client) -> None:
    server.will(Answer(400, NO_SUCH_JOB))
    with pytest.raises(CallRefused) as caught:
        client.job(447783)
    assert caught.value.errors == NO_SUCH_JOB["errors"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, {"404": "no"}), NotAWebAPI),
        (Answer(404, "<h1>Not Found</h1>"), NotAWebAPI),
        (HTML, NotAWebAPI),
        (Answer(200, {}), NotAWebAPI),
        (Answer(200, DEEP), NotAWebAPI),
        (Answer(401, ""), CredentialsRefused),
        (Answer(500, ""), ServerError),
        (Answer(503, ""), ServerUnreachable),
    ],
)
def test_probe_of_anything_else_fails(
    server: FakeServer, client: Client, answer: Answer, error: type[ServerError]
) -> None:
    server.will(answer)
    with pytest.raises(error):
        client.probe()


@pytest.mark.parametrize("status", [400, 401, 404, 500, 200])
def test_servers_words_are_tamed(
    server: FakeServer,
    client: Client,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    evil = f"\x1b[2J\x1b]0;owned\x07\u202eToken {TOKEN}\ud800\n" + "x" * 100_000
    server.will(Answer(status, {"errors": {evil: evil}, "documentation": 1, "job_id": evil}))
    with caplog.at_level(0), pytest.raises(ServerError) as caught:
        client.job(1234)
    shown = caught.value.sentence() + repr(caught.value) + repr(client) + caplog.text
    shown += repr(getattr(caught.value, "errors", ""))
    assert TOKEN not in shown
    assert len(caught.value.sentence()) < 1000
    assert caught.value.sentence().isprintable()
    caught.value.sentence().encode()


def test_jobs_words_cannot_command_the_terminal(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=extended(error="bad\x1b[2J \x9b1m\ud800\u202e\r\nend")))
    assert client.job(1234).error == "bad\ufffd[2J \ufffd1m\ufffd\ufffd\ufffd\nend"


def test_calls_log_nothing(
    server: FakeServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.will(Answer(body=extended()))
    with caplog.at_level(0):
        client.job(1234)
    assert caplog.records == []


def test_one_connection_serves_many_calls(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=extended()))
    for _ in range(20):
        client.job(1234)
        client.create(REQUEST)
    assert (server.connections, len(server.requests)) == (1, 40)


def test_threads_share_a_client(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=extended()))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                client.job(1234)
        except AnonTUIError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(server.requests) == 80
    assert server.connections <= 8


def test_cookies_are_not_kept(server: FakeServer, client: Client) -> None:
    server.will(Answer(body={}, headers={"Set-Cookie": "session=1; Path=/"}))
    client.jobs()
    client.jobs()
    assert "cookie" not in server.requests[1].headers


def test_close_may_be_repeated_and_ends_the_client(server: FakeServer, client: Client) -> None:
    server.will(Answer(body={}))
    client.jobs()
    client.close()
    client.close()
    with pytest.raises(ServerUnreachable, match="closed"):
        client.jobs()


@pytest.mark.parametrize("token", ["to\nken", "tokén", "to\x00ken"])
def test_token_that_cannot_be_one_is_refused_unseen(token: str) -> None:
    with pytest.raises(AnonTUIError) as caught:
        Client("http://127.0.0.1:1", "z123", token)
    assert token not in caught.value.sentence()


def test_no_token_sends_no_header(server: FakeServer) -> None:
    server.will(Answer(401, ""))
    with Client(server.url, "", "") as client, pytest.raises(CredentialsRefused):
        client.jobs()
    assert "authorization" not in server.requests[0].headers


def test_text_that_cannot_be_sent_is_refused(client: Client, server: FakeServer) -> None:
    with pytest.raises(UsageError):
        client.modify(1, description="half \ud800")
    assert server.requests == []
