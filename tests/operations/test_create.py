"""Creating jobs: each once, whatever happens in between."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
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
from anontui.idis.transport import MOST_CONNECTIONS
from anontui.operations import ledger, sending
from anontui.operations.batches import open_batch, remove_jobs
from anontui.operations.calls import AT_ONCE
from anontui.operations.creating import create, plan
from anontui.operations.workspace import Workspace
from anontui.project import created
from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from tests.operations.conftest import Make
from tests.operations.fakes import URL, FakeClient, made


@pytest.fixture(autouse=True)
def never_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can run side by side does, to see that nothing depends on the order."""
    monkeypatch.setattr(sending, "FEW", 0)


def batch_ids(workspace: Workspace) -> tuple[int, ...]:
    batch = Batch.load(workspace.folder)
    return batch.job_ids if batch else ()


def go(workspace: Workspace, mapping: Mapping, client: FakeClient) -> dict[int, int]:
    return result_of(create(workspace, plan(workspace, mapping), client)).jobs


def rows(count: int) -> list[str]:
    return [f"folder:p{number},LUNG-{number:03d}" for number in range(count)]


def of(workspace: Workspace, client: FakeClient) -> dict[str, int]:
    """Which pseudonym is which job, on the server; each once, and all of them in the batch."""
    found = {str(job.source_anonymizedpatientid): i for i, job in client.store.items()}
    assert len(found) == len(client.store)
    assert batch_ids(workspace) == tuple(sorted(found.values()))
    return found


def test_created_ids_saved_as_they_come(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    held = threading.Event()

    def hold_the_last(request: JobRequest) -> None:
        if request.anonymizedpatientid == "LUNG-004":
            assert held.wait(20)

    client.before = hold_the_last
    events = create(workspace, plan(workspace, make(*rows(5))), client)
    for event in events:
        if isinstance(event, Progress) and event.done == 4:
            break
    recorded = set(created.read(workspace.folder).values())
    assert recorded == set(client.store) == {41, 42, 43, 44}
    assert open_batch(workspace).job_ids == (41, 42, 43, 44)
    held.set()
    assert len(result_of(events).jobs) == 5
    assert len(of(workspace, client)) == 5
    assert not (workspace.folder / ledger.MARK_NAME).exists()
    assert plan(workspace, make(*rows(5))).ready == ()


def test_calls_run_side_by_side(workspace: Workspace, make: Make, client: FakeClient) -> None:
    meeting = threading.Barrier(AT_ONCE, timeout=20)
    client.before = lambda request: meeting.wait()
    assert len(go(workspace, make(*rows(2 * AT_ONCE)), client)) == 2 * AT_ONCE
    assert AT_ONCE <= MOST_CONNECTIONS  # else they would wait for one another


def test_a_few_become_jobs_in_their_order(
    workspace: Workspace, make: Make, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FEW", 5)
    client.before = lambda request: time.sleep(0.005 if request.pims_keyfile_id == "0" else 0)
    mapping = make(
        *(f"{row},{at % 2}" for at, row in enumerate(rows(5))), columns="source,pseudo_id,pims_key"
    )
    assert go(workspace, mapping, client) == {0: 41, 1: 42, 2: 43, 3: 44, 4: 45}


def test_second_time_only_what_is_new(workspace: Workspace, make: Make, client: FakeClient) -> None:
    go(workspace, make(*rows(3)), client)
    assert go(workspace, make(*rows(5)), client).keys() == {3, 4}
    assert batch_ids(workspace) == (41, 42, 43, 44, 45)


def test_jobs_that_were_in_the_batch_stay(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    Batch((7,), "p01", URL).save(workspace.folder)
    go(workspace, make(*rows(1)), client)
    assert batch_ids(workspace) == (7, 41)


def refuse(request: JobRequest) -> None:
    raise CallRefused("The server refuses the project", errors={}, advice="Ask its admin.")


def vanish(request: object) -> None:
    raise ServerUnreachable("The server does not answer", may_have_arrived=False)


def break_off(request: JobRequest) -> None:
    raise ServerUnreachable("The connection broke", may_have_arrived=True)


def garble(request: JobRequest) -> None:
    raise UnexpectedAnswer("The server's answer is not a job")


def on_third(fail: Callable[[JobRequest], object]) -> Callable[[JobRequest], object]:
    """Let it happen to the third row."""

    def call(request: JobRequest) -> None:
        if request.anonymizedpatientid == "LUNG-002":
            fail(request)

    return call


@pytest.mark.parametrize("fail", [refuse, vanish, break_off, garble])
def test_failure_tells_how_far_it_was_and_going_on_does_the_rest(
    workspace: Workspace, make: Make, client: FakeClient, fail: Callable[[JobRequest], object]
) -> None:
    mapping = make(*rows(5))
    client.before = on_third(fail)
    with pytest.raises(
        ServerError, match=r"^4 of 5 jobs were created, then it stopped: "
    ) as caught:
        go(workspace, mapping, client)
    assert "only the rest is sent" in caught.value.advice
    assert of(workspace, client).keys() == {f"LUNG-00{n}" for n in (0, 1, 3, 4)}
    is_in_doubt = (workspace.folder / ledger.MARK_NAME).exists()
    assert is_in_doubt == (fail in (break_off, garble))
    client.before = lambda request: None
    assert go(workspace, mapping, client) == {2: 45}
    assert len(of(workspace, client)) == 5


def test_nothing_more_is_sent_after_a_failure(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    client.before = refuse
    with pytest.raises(ServerError, match=r"^0 of 100 jobs were created, then it stopped: "):
        go(workspace, make(*rows(100)), client)
    assert len(client.sent) <= AT_ONCE


def test_lost_answer_is_found_in_the_same_run(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    client.after = on_third(break_off)
    assert go(workspace, make(*rows(25)), client).keys() == set(range(25))
    assert len(client.sent) == len(of(workspace, client)) == 25


def test_answer_that_was_no_job_is_looked_for_the_next_time(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(5))
    client.after = on_third(garble)
    with pytest.raises(ServerError, match="4 of 5"):
        go(workspace, mapping, client)
    assert go(workspace, mapping, client).keys() == {2}
    assert len(of(workspace, client)) == len(client.sent) == 5
    assert not (workspace.folder / ledger.MARK_NAME).exists()


def test_lost_job_is_remembered_while_other_rows_are_created(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    client.after = on_third(garble)
    with pytest.raises(ServerError):
        go(workspace, make(*rows(5)), client)
    mapping = make(*rows(7))
    only = plan(workspace, mapping, only={"LUNG-006"})
    assert result_of(create(workspace, only, client)).jobs == {6: 46}
    assert go(workspace, mapping, client).keys() == {2, 5}
    assert len(of(workspace, client)) == len(client.sent) == 7


def test_a_lost_answer_and_a_server_that_is_gone(
    workspace: Workspace, make: Make, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = make(*rows(3))
    client.after = on_third(break_off)
    with monkeypatch.context() as patch:
        patch.setattr(ledger.Ledger, "look_for", lambda self, prints: vanish(prints))
        with pytest.raises(ServerError, match=r"2 of 3 jobs were created.*connection broke"):
            go(workspace, mapping, client)
    assert go(workspace, mapping, client).keys() == {2}
    assert len(client.sent) == 3


def test_job_of_somebody_else_is_not_taken_for_a_lost_one(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(3))
    other = plan(workspace, make("folder:p2,OTHER-2")).ready[0].request
    assert other

    def fail(request: JobRequest) -> None:
        client.store[60] = made(60, other)
        break_off(request)

    client.before = on_third(fail)
    with pytest.raises(ServerError):
        go(workspace, mapping, client)
    client.before = lambda request: None
    assert go(workspace, mapping, client).keys() == {2}
    assert len(client.store) == 4 and 60 not in batch_ids(workspace)


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


def test_folder_that_cannot_be_written_sends_nothing(
    workspace: Workspace, make: Make, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    mapping = make(*rows(3))
    monkeypatch.setattr("anontui.atomic.write_bytes", full)
    with pytest.raises(ProjectError, match="cannot be written") as caught:
        go(workspace, mapping, client)
    assert caught.value.cause == "No space left on device" and client.sent == []


def test_two_lost_jobs_that_look_alike_are_two(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make("folder:p1,A,1", "folder:p1,A,2", columns="source,pseudo_id,pims_key")
    client.after = break_off
    assert set(go(workspace, mapping, client).values()) == {41, 42} == set(client.store)


@pytest.mark.parametrize("has_batch", [True, False])
def test_batch_knows_what_a_kill_kept_from_it(
    workspace: Workspace,
    make: Make,
    client: FakeClient,
    monkeypatch: pytest.MonkeyPatch,
    has_batch: bool,
) -> None:
    before = (7,) if has_batch else ()
    mapping = make(*rows(3))
    if has_batch:
        Batch((7,), "p01", URL).save(workspace.folder)
    with monkeypatch.context() as patch:
        patch.setattr(ledger.Ledger, "__exit__", lambda self, *_: self._unlock())
        patch.setattr(ledger, "SAVE_SECONDS", 1e9)
        go(workspace, mapping, client)
    assert batch_ids(workspace) == before
    assert open_batch(workspace).job_ids == (*before, 41, 42, 43)
    assert go(workspace, mapping, client) == {}  # nothing is left to send
    assert remove_jobs(workspace, [7, 42]).job_ids == batch_ids(workspace) == (41, 43)
    assert open_batch(workspace).job_ids == (41, 43)  # what is taken out stays out
    assert go(workspace, mapping, client) == {}


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
    seen = tmp_path / "seen"  # the server's own memory of what it made

    def make_it_known(request: JobRequest) -> None:
        with seen.open("a") as file:
            print(request.anonymizedpatientid, file=file)
        if request.anonymizedpatientid == "LUNG-002":
            os.kill(os.getpid(), signal.SIGKILL)

    client.after = make_it_known
    context = multiprocessing.get_context("fork")
    child = context.Process(target=go, args=(workspace, mapping, client))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    requests = {job.pseudonym: job.request for job in plan(workspace, mapping).jobs}
    for number, pseudonym in enumerate(seen.read_text().split(), 41):
        request = requests[pseudonym]
        assert request
        client.store[number] = made(number, request)
    existed = len(client.store)
    client.after = lambda request: None
    go(workspace, mapping, client)
    assert len(client.sent) == 4 - existed
    assert len(of(workspace, client)) == 4


def test_closing_it_midway_keeps_what_was_created(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(3 * AT_ONCE))
    events = create(workspace, plan(workspace, mapping), client)
    for event in events:
        if isinstance(event, Progress) and event.done:
            break
    events.close()  # type: ignore[attr-defined]
    count = len(of(workspace, client))
    assert 0 < count < 3 * AT_ONCE
    assert not (workspace.folder / ledger.MARK_NAME).exists()
    assert len(go(workspace, mapping, client)) == 3 * AT_ONCE - count
    assert len(of(workspace, client)) == len(client.sent) == 3 * AT_ONCE


def test_only_one_process_creates_from_a_folder(
    workspace: Workspace, make: Make, client: FakeClient
) -> None:
    mapping = make(*rows(3))
    first = create(workspace, plan(workspace, mapping), client)
    next(first)
    with pytest.raises(ProjectError, match="are being created from this folder already"):
        go(workspace, mapping, client)
    assert len(result_of(first).jobs) == 3
    assert len(client.sent) == 3


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
