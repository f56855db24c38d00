"""Many jobs in one call, and what became of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anontui.server import calls
from tests.server.conftest import Ledger
from tests.server.support import BOB_TOKEN, Caller, path_job


def bulk(call: Caller, *jobs: dict[str, Any]) -> tuple[int, Any]:
    return call("POST", "create_jobs", [("jobs", json.dumps(job)) for job in jobs])


def keyed(*keys: str, **more: Any) -> list[dict[str, Any]]:
    return [path_job(key=key) | more for key in keys]


def test_jobs_are_answered_by_key_and_made_once(call: Caller, ledger: Ledger) -> None:
    status, first = bulk(call, *keyed("a", "b"))
    assert (status, {key: job["job_id"] for key, job in first.items()}) == (200, {"a": 1, "b": 2})
    status, second = bulk(call, *keyed("c", "b", "a"))
    assert status == 200
    assert {key: job["job_id"] for key, job in second.items()} == {"c": 3, "b": 2, "a": 1}
    assert second["a"] == first["a"] == call.job(1)
    assert len(ledger.store.newest()) == 3


def test_keys_are_each_users_own(call: Caller) -> None:
    bob = Caller(call.url, "bob", BOB_TOKEN)
    assert bulk(call, *keyed("a"))[1]["a"]["job_id"] == 1
    assert bulk(bob, *keyed("a"))[1]["a"]["job_id"] == 2


@pytest.mark.parametrize(
    ("jobs", "errors"),
    [
        (keyed("a", "b", source_path="x"), ["jobs[0].source_path"]),
        ([path_job(key="a"), path_job()], ["jobs[1].key"]),
        ([path_job(key="a"), path_job(key="")], ["jobs[1].key"]),
        (keyed("a", "a"), ["jobs[1].key"]),
        ([path_job(key="a", extra=1)], ["jobs[0].extra"]),
        ([path_job(key="a", priority="high")], ["jobs[0].priority"]),
        ([path_job(key="a", priority=True)], ["jobs[0].priority"]),
        ([path_job(key="a", description=["x"])], ["jobs[0].json"]),
        ([path_job(key="a", source_type="FTP")], ["jobs[0].source_type"]),
        ([path_job(key="x" * 5000)], ["jobs[0].key"]),
        (["text"], ["jobs[0].json"]),
        ([], ["jobs"]),
    ],
)
def test_one_that_is_wrong_stops_all(
    call: Caller, ledger: Ledger, jobs: list[Any], errors: list[str]
) -> None:
    status, answer = bulk(call, *jobs)
    assert (status, list(answer["errors"])) == (400, errors)
    assert ledger.store.newest() == []


@pytest.mark.parametrize("text", ["{", "[" * 9000, "1", "x" * 17000, '{"a": NaN}'])
def test_what_is_no_job_is_refused(call: Caller, text: str) -> None:
    assert call("POST", "create_jobs", [("jobs", text)])[0] == 400


def test_there_may_be_only_so_many(
    call: Caller, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_JOBS", 2)
    assert bulk(call, *keyed("a", "b"))[0] == 200
    assert bulk(call, *keyed("c", "d", "e"))[0] == 400
    assert len(ledger.store.newest()) == 2


def test_the_audit_of_a_job_comes_in_pages(call: Caller) -> None:
    call.create()
    call.create()
    call("POST", "modify_job", job_id=1, description="new")
    call("POST", "cancel_job", job_id=1)
    rows = call("GET", "get_audit", job_id=1)[1]["audit"]
    assert [row["what"] for row in rows] == ["created", "modified", "cancelled"]
    assert {row["who"] for row in rows} == {"alice"}
    after = rows[0]["audit_id"]
    page = call("GET", "get_audit", job_id=1, after=after, limit=1)[1]["audit"]
    assert page == rows[1:2]
    assert call("GET", "get_audit")[0] == 400
    assert call("GET", "get_audit", job_id=1, limit=5000)[0] == 400


def test_the_extensions_are_announced(call: Caller) -> None:
    documentation = call("GET", "")[1]["documentation"]
    extensions = documentation["extensions"]
    assert {"create_jobs", "get_events", "get_job_items", "get_audit"} <= set(extensions)
    assert "create_job" not in extensions
    assert "jobs" in documentation["handlers"]["/create_jobs"]["POST"]["parameters"]
