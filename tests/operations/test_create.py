"""Creating jobs: each once, whatever happens in between."""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anontui.errors import (
    CallRefused,
    ProjectError,
    ServerError,
    ServerUnreachable,
    UnexpectedAnswer,
)
from anontui.events import Progress, result_of
from anontui.idis.model import JobRequest
from anontui.operations import ledger
from anontui.operations.creating import create, plan
from anontui.operations.workspace import Workspace
from anontui.project import created
from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from tests.operations.conftest import Make
from tests.operations.fakes import URL, FakeClient, made


def batch_ids(workspace: Workspace) -> tuple[int, ...]:
    batch = Batch.load(workspace.folder)
    return batch.job_ids if batch else ()


def go(workspace: Workspace, mapping: Mapping, client: FakeClient) -> dict[int, int]:
    return result_of(create(workspace, plan(workspace, mapping), client)).jobs


def rows(count: int) -> list[str]:
    return [f"folder:p{number},LUNG-{number:03d}" for number in range(count)]


def test_each_job_is_recorded_before_the_next_is_sent(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(5))

    def look(request: JobRequest) -> None:
        assert batch_ids(workspace) == tuple(client.store)
        assert set(created.read(workspace.folder).values()) == set(client.store)

    client.before = look
    assert go(workspace, mapping, client) == {0: 41, 1: 42, 2: 43, 3: 44, 4: 45}
    assert batch_ids(workspace) == (41, 42, 43, 44, 45)
    assert not (workspace.folder / ledger.MARK_NAME).exists()
    assert plan(workspace, mapping).ready == ()


def test_second_time_only_what_is_new(workspace: Workspace, make: Make, client: FakeClient) -> None:
    go(workspace, make(*rows(3)), client)
    assert go(workspace, make(*rows(5)), client) == {3: 44, 4: 45}
    assert batch_ids(workspace) == (41, 42, 43, 44, 45)


def test_jobs_that_were_in_the_batch_stay(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    Batch((7,), "p01", URL).save(workspace.folder)
    go(workspace, make(*rows(1)), client)
    assert batch_ids(workspace) == (7, 41)


def refuse(request: JobRequest) -> None:
    raise CallRefused("The server refuses the project", errors={}, advice="Ask its admin.")


def vanish(request: JobRequest) -> None:
    raise ServerUnreachable("The server does not answer", may_have_arrived=False)


def break_off(request: JobRequest) -> None:
    raise ServerUnreachable("The connection broke", may_have_arrived=True)


def garble(request: JobRequest) -> None:
    raise UnexpectedAnswer("The server's answer is not a job")


def on_third(fail: object) -> object:
    count = iter(range(1000))

    def call(request: JobRequest) -> None:
        if next(count) == 2:
            assert callable(fail)
            fail(request)

    return call


@pytest.mark.parametrize("fail", [refuse, vanish, break_off, garble])
def test_failure_tells_how_far_it_was_and_going_on_does_the_rest(
    workspace: Workspace, make: Make, client: FakeClient, fail: object
) -> None:
    mapping = make(*rows(5))
    client.before = on_third(fail)  # type: ignore[assignment]
    with pytest.raises(
        ServerError, match=r"^2 of 5 jobs were created, then it stopped: "
    ) as caught:
        go(workspace, mapping, client)
    assert "only the rest is sent" in caught.value.advice
    assert batch_ids(workspace) == (41, 42)
    assert go(workspace, mapping, client) == {2: 43, 3: 44, 4: 45}
    assert len(client.store) == 5


def test_lost_answer_is_found_in_the_same_run(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    client.after = on_third(break_off)  # type: ignore[assignment]
    assert go(workspace, make(*rows(5)), client) == {0: 41, 1: 42, 2: 43, 3: 44, 4: 45}
    assert len(client.sent) == 5


def test_answer_that_was_no_job_is_looked_for_the_next_time(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(5))
    client.after = on_third(garble)  # type: ignore[assignment]
    with pytest.raises(ServerError, match="2 of 5"):
        go(workspace, mapping, client)
    assert go(workspace, mapping, client) == {2: 43, 3: 44, 4: 45}
    assert len(client.store) == 5
    assert not (workspace.folder / ledger.MARK_NAME).exists()


def test_lost_job_is_remembered_while_other_rows_are_created(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(5))
    client.after = on_third(garble)  # type: ignore[assignment]
    with pytest.raises(ServerError):
        go(workspace, mapping, client)
    only = plan(workspace, mapping, only={"LUNG-004"})
    assert result_of(create(workspace, only, client)).jobs == {4: 44}
    assert go(workspace, mapping, client) == {2: 43, 3: 45}
    assert len(client.store) == 5


def test_job_of_somebody_else_is_not_taken_for_a_lost_one(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(3))
    other = plan(workspace, make("folder:p2,OTHER-2")).ready[0].request
    assert other

    def fail(request: JobRequest) -> None:
        client.store[43] = made(43, other)
        break_off(request)

    client.before = on_third(fail)  # type: ignore[assignment]
    with pytest.raises(ServerError):
        go(workspace, mapping, client)
    assert go(workspace, mapping, client) == {2: 44}


def test_an_older_equal_job_is_not_taken_for_a_lost_one(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(1))
    request = plan(workspace, mapping).ready[0].request
    assert request
    client.store[30] = made(30, request)
    client.before = break_off
    with pytest.raises(ServerError):
        go(workspace, mapping, client)
    client.before = lambda request: None
    assert go(workspace, mapping, client) == {0: 31}


def test_a_job_that_is_written_down_is_not_taken_for_a_lost_one(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    # servers do not repeat the key, so these two look alike in their answers
    mapping = make("folder:p1,A,1", "folder:p1,A,2", columns="source,pseudo_id,pims_key")
    client.before = lambda request: break_off(request) if request.pims_keyfile_id == "2" else None
    with pytest.raises(ServerError, match="1 of 2"):
        go(workspace, mapping, client)
    client.before = lambda request: None
    assert go(workspace, mapping, client) == {1: 42}


def test_killed_between_record_and_batch(
    workspace: Workspace, make: Make, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = make(*rows(3))
    with monkeypatch.context() as patch:
        patch.setattr(ledger.Ledger, "__exit__", lambda self, *_: self._unlock())
        patch.setattr(ledger.Ledger, "_save_batch", garble)
        with pytest.raises(UnexpectedAnswer):
            go(workspace, mapping, client)
    assert batch_ids(workspace) == () and len(created.read(workspace.folder)) == 1
    assert go(workspace, mapping, client) == {1: 42, 2: 43}
    assert batch_ids(workspace) == (41, 42, 43)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(failures=st.lists(st.sampled_from(["before", "after", "garbled", "killed"]), max_size=6))
def test_however_it_fails_every_row_becomes_one_job(
    tmp_path_factory: pytest.TempPathFactory, make: Make, workspace: Workspace, failures: list[str]
) -> None:
    class Killed(BaseException):
        """As a process that ends before it can do anything more."""

    mapping = make(*rows(3))
    here = Workspace(tmp_path_factory.mktemp("p"), workspace.settings)
    with FakeClient() as client:
        for failure in failures:

            def fail(request: JobRequest, failure: str = failure) -> None:
                if failure == "killed":
                    raise Killed
                (garble if failure == "garbled" else break_off)(request)

            client.before = fail if failure == "before" else lambda request: None
            client.after = fail if failure != "before" else lambda request: None
            with pytest.MonkeyPatch.context() as patch:
                if failure == "killed":  # then nothing is tidied up either
                    patch.setattr(ledger.Ledger, "__exit__", lambda self, *_: self._unlock())
                with suppress(ServerError, Killed):
                    go(here, mapping, client)
        client.before = client.after = lambda request: None
        go(here, mapping, client)
        assert len({job.source_path for job in client.store.values()}) == 3
        assert len(client.store) == 3
        assert batch_ids(here) == tuple(sorted(client.store))


def test_kill_dash_nine_between_answer_and_record(
    workspace: Workspace, make: Make, client: FakeClient, tmp_path: Path
) -> None:
    mapping = make(*rows(4))
    client.after = on_third(lambda request: os.kill(os.getpid(), signal.SIGKILL))  # type: ignore[assignment]
    context = multiprocessing.get_context("fork")
    child = context.Process(target=go, args=(workspace, mapping, client))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert batch_ids(workspace) == (41, 42)
    for number, job in enumerate(plan(workspace, mapping).jobs[:3]):  # what the server has
        assert job.request
        client.store[41 + number] = made(41 + number, job.request)
    client.after = lambda request: None
    client.sent.clear()
    assert go(workspace, mapping, client) == {2: 43, 3: 44}
    assert len(client.sent) == 1
    assert batch_ids(workspace) == (41, 42, 43, 44)


def test_closing_it_midway_keeps_what_was_created(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(4))
    events = create(workspace, plan(workspace, mapping), client)
    for event in events:
        if isinstance(event, Progress) and event.done == 2:
            break
    events.close()  # type: ignore[attr-defined]
    assert batch_ids(workspace) == (41, 42)
    assert not (workspace.folder / ledger.MARK_NAME).exists()
    assert go(workspace, mapping, client) == {2: 43, 3: 44}


def test_only_one_process_creates_from_a_folder(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(3))
    first = create(workspace, plan(workspace, mapping), client)
    next(first)
    with pytest.raises(ProjectError, match="are being created from this folder already"):
        go(workspace, mapping, client)
    assert client.sent == []
    assert len(result_of(first).jobs) == 3


def test_unreachable_at_the_start_sends_nothing(
    workspace: Workspace, make: Make, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jobs() -> None:
        raise ServerUnreachable("The server does not answer")

    monkeypatch.setattr(client, "jobs", jobs)
    with pytest.raises(ServerUnreachable, match="does not answer"):
        go(workspace, make(*rows(3)), client)
    assert client.sent == [] and Batch.load(workspace.folder) is None


@pytest.mark.parametrize("text", ["", "{", "[1]", f'{{"{URL}": 5}}', f'{{"{URL}": {{}}}}'])
def test_unreadable_mark_stops_rather_than_repeats(
    workspace: Workspace, make: Make, client: FakeClient, text: str
) -> None:
    (workspace.folder / ledger.MARK_NAME).write_text(text)
    mapping = make(*rows(1))
    if text.endswith("{}}"):
        assert go(workspace, mapping, client)  # nothing in doubt
        return
    with pytest.raises(ProjectError, match="unknown which jobs exist"):
        go(workspace, mapping, client)
    assert client.sent == []
