"""Two users and two projects: one may not see or touch the other's jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anontui.server import refusals
from anontui.server.functions import FUNCTIONS
from anontui.server.users import Role
from tests.server.conftest import Ledger
from tests.server.support import BOB_TOKEN, SHARE, Caller, path_job

GONE = {"errors": {"job_id": "Job with id 1 does not exist"}}


@pytest.fixture
def alice(call: Caller, ledger: Ledger, share: Path) -> Caller:
    """Alice of project A, next to bob of project B; job 1 is hers."""
    for project, user in (("A", "alice"), ("B", "bob")):
        (share / project / "in").mkdir(parents=True)
        folder = ledger.folder.projects / project
        folder.mkdir(parents=True)
        (folder / "project.yml").write_text(
            f"users: [{user}]\nsources: ['{SHARE}\\{project}']\ndescription: The {project}\n"
        )
    config = ledger.folder.config
    config.write(replace(config.current(), projects=()))
    assert call.create(**job("A"))["job_id"] == 1
    return call


@pytest.fixture
def bob(alice: Caller) -> Caller:
    return Caller(alice.url, "bob", BOB_TOKEN)


@pytest.fixture
def admin(alice: Caller, ledger: Ledger) -> Caller:
    return Caller(alice.url, "root", ledger.users.add("root", role=Role.ADMIN))


def job(project: str, **more: Any) -> dict[str, Any]:
    return path_job(rf"{project}\in", rf"{project}\out", project_name=project) | more


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "get_job", {}),
    ("POST", "cancel_job", {}),
    ("POST", "modify_job", {"status": "ACTIVE"}),
    ("POST", "modify_job", {"description": "mine now"}),
    ("POST", "modify_job", {"project_name": "B"}),
    ("POST", "modify_job", {"source_ignore_opt_out": True, "source_ignore_opt_out_reason": "x"}),
    ("GET", "get_job_items", {}),
    ("GET", "get_audit", {}),
]


@pytest.mark.parametrize(("method", "function", "more"), CALLS)
def test_anothers_job_does_not_exist(
    alice: Caller, bob: Caller, ledger: Ledger, method: str, function: str, more: dict[str, Any]
) -> None:
    before = alice.job(1)
    audited = len(ledger.store.audit())
    assert bob(method, function, more | {"job_id": 1}) == (400, GONE)
    assert alice.job(1) == before
    (last,) = ledger.store.audit()[audited:]
    assert (last["who"], last["what"], last["job_id"]) == ("bob", "denied", 1)
    assert json.loads(str(last["details"])) == {"function": function}


def test_no_function_of_a_job_was_forgotten() -> None:
    of_a_job = {
        name
        for name, function in FUNCTIONS.items()
        if any(one.name == "job_id" for one in function.parameters) and not function.admins_only
    }
    tried = {function for _, function, _ in CALLS}
    assert of_a_job <= tried, "try these with another user's job"


def test_lists_leave_anothers_jobs_out(alice: Caller, bob: Caller, admin: Caller) -> None:
    assert bob.create(**job("B"))["job_id"] == 2
    both = [("job_ids", 1), ("job_ids", 2)]
    for caller, ids in ((alice, ["1"]), (bob, ["2"]), (admin, ["1", "2"])):
        for function in ("get_jobs_list", "get_jobs_list_extended"):
            assert list(caller("GET", function, both)[1]) == ids
        assert sorted(caller("GET", "get_jobs")[1]) == ids
    assert alice("GET", "get_projects")[1] == {"A": {"description": "The A"}}
    assert list(admin("GET", "get_projects")[1]) == ["A", "B"]


def test_a_job_for_anothers_project_is_refused_and_audited(
    alice: Caller, bob: Caller, ledger: Ledger
) -> None:
    told = {"errors": {"project_name": "User bob is not connected to project A"}}
    assert bob("POST", "create_job", job("A")) == (400, told)
    assert bob("POST", "create_job", job("Unknown"))[0] == 400
    many = [("jobs", json.dumps(job(p) | {"key": p})) for p in ("B", "A")]
    status, answer = bob("POST", "create_jobs", many)
    assert (status, list(answer["errors"])) == (400, ["jobs[1].project_name"])
    assert [row["job_id"] for row in ledger.store.newest()] == [1]
    denied = [row for row in ledger.store.audit() if row["what"] == "denied"]
    assert [json.loads(str(row["details"]))["function"] for row in denied] == [
        "create_job",
        "create_job",
        "create_jobs",
    ]


def test_a_job_may_not_be_moved_into_anothers_project(alice: Caller) -> None:
    status, answer = alice("POST", "modify_job", job_id=1, project_name="B")
    assert (status, list(answer["errors"])) == (400, ["project_name"])
    assert alice.job(1)["project_name"] == "A"


def test_anothers_places_are_not_read(alice: Caller, share: Path) -> None:
    status, answer = alice("POST", "create_job", job("A", source_path=rf"folder:{SHARE}\B\in"))
    assert (status, list(answer["errors"])) == (400, ["source_path"])


def test_a_key_of_another_project_is_not_shown(alice: Caller, ledger: Ledger, share: Path) -> None:
    made = alice("POST", "create_jobs", [("jobs", json.dumps(job("A") | {"key": "k"}))])
    assert made[0] == 200
    for project, users in (("A", ""), ("B", "alice")):
        path = ledger.folder.projects / project / "project.yml"
        path.write_text(f"users: [{users}]\n")
    again = alice("POST", "create_jobs", [("jobs", json.dumps(job("B") | {"key": "k"}))])
    assert again == (400, {"errors": {"jobs": "The key k is in use"}})


def test_an_admin_sees_and_touches_all(admin: Caller, ledger: Ledger) -> None:
    assert admin.job(1)["project_name"] == "A"
    assert admin("POST", "cancel_job", job_id=1)[1]["status"] == "INACTIVE"
    assert admin.create(**job("B"))["user_name"] == "root"
    assert [row["what"] for row in admin("GET", "get_audit")[1]["audit"]][-2:] == [
        "cancelled",
        "created",
    ]
    [cancelled] = [row for row in ledger.store.audit() if row["what"] == "cancelled"]
    assert cancelled["who"] == "root"


def test_a_user_who_is_taken_off_a_project_sees_nothing_more(alice: Caller, ledger: Ledger) -> None:
    (ledger.folder.projects / "A" / "project.yml").write_text("users: [carol]")
    assert alice("GET", "get_job", job_id=1) == (400, GONE)
    assert alice("GET", "get_jobs") == (200, {})


def test_every_refused_token_is_audited_but_the_disk_is_not_filled(
    alice: Caller, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST", 5)
    for _ in range(8):
        assert Caller(alice.url, "alice", BOB_TOKEN)("GET", "get_jobs")[0] == 401
    rows = [row for row in ledger.store.audit() if row["what"] == "unauthorized"]
    assert [row["who"] for row in rows] == ["alice"] * 5
    monkeypatch.setattr(refusals, "_MINUTE", 0.0)
    Caller(alice.url, "nobody", BOB_TOKEN)("POST", "create_job")
    last = ledger.store.audit()[-1]
    assert last["who"] == "?"
    assert json.loads(str(last["details"])) == {"function": "create_job", "unwritten_before": 3}
