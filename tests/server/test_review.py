"""The privileged functions by the web API: for admins, and all in the audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anontui.server.identities import Identity, StudyFacts
from anontui.server.quarantine import Held
from anontui.server.review import Review
from anontui.server.users import Role
from tests.server.conftest import Ledger
from tests.server.running import create
from tests.server.support import Caller, path_job

FACTS = StudyFacts("Jansen^Invented", "20240131", "ACC 7")
FUNCTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "get_quarantine", {}),
    ("POST", "release_quarantine", {"entry_ids": "x"}),
    ("POST", "reject_quarantine", {"entry_ids": "x"}),
    ("POST", "find_identity", {"text": "4711"}),
    ("GET", "get_hook_output", {"job_id": 1}),
]


@pytest.fixture
def admin(call: Caller, ledger: Ledger) -> Caller:
    return Caller(call.url, "root", ledger.users.add("root", role=Role.ADMIN))


@pytest.fixture
def held(ledger: Ledger, tmp_path: Path) -> str:
    """A job with a held file; returns its id in quarantine."""
    source = tmp_path / "Jansen"
    source.write_text("pristine")
    with Review.of(ledger.folder, ledger.database) as review:
        job_id = create(ledger.store)
        with ledger.database.transaction() as connection:
            connection.execute("UPDATE jobs SET status = 'DONE'")
            connection.execute(
                "INSERT INTO items (item_id, job_id, source, size, status, code)"
                " VALUES (1, 1, ?, 1, 'quarantined', 'burned_in')",
                (str(source).encode(),),
            )
        review.quarantine.keep(job_id, "lung", [Held(1, source, "burned_in", "burned in")])
        file = Identity("4711", "1.2.1", "1.2.1.1", "P-001", "2.25.1", "2.25.2", "2.25.3", FACTS)
        review.identities.record("lung", [file])
        [entry] = review.quarantine.entries()
    return str(entry["id"])


@pytest.mark.parametrize(("method", "function", "parameters"), FUNCTIONS)
def test_others_than_admins_are_refused_and_audited(
    call: Caller, ledger: Ledger, held: str, method: str, function: str, parameters: dict[str, Any]
) -> None:
    parameters = parameters | ({"entry_ids": held} if "entry_ids" in parameters else {})
    status, answer = call(method, function, parameters)
    assert (status, answer) == (400, {"errors": {"user_name": f"{function} is for admins"}})
    last = ledger.store.audit()[-1]
    assert (last["who"], last["what"]) == ("alice", "denied")
    with Review.of(ledger.folder, ledger.database) as review:
        assert [entry["state"] for entry in review.quarantine.entries()] == ["waiting"]


def test_they_are_announced(call: Caller) -> None:
    extensions = json.dumps(call("GET", "")[1]["documentation"]["extensions"])
    assert all(function in extensions for _, function, _ in FUNCTIONS)


def test_an_admin_finds_somebody_and_the_audit_tells_it_without_whom(
    admin: Caller, ledger: Ledger, held: str
) -> None:
    status, answer = admin("POST", "find_identity", text="jansen*")
    assert status == 200
    assert [(row["original_id"], row["new_id"]) for row in answer["found"]] == [("4711", "P-001")]
    last = ledger.store.audit()[-1]
    assert (last["who"], last["what"]) == ("root", "looked up")
    assert "ansen" not in str(last)
    assert "4711" not in str(last)
    assert admin("POST", "find_identity", text="*")[0] == 400


def test_an_admin_sees_and_decides(admin: Caller, ledger: Ledger, held: str) -> None:
    [entry] = admin("GET", "get_quarantine", state="waiting")[1]["entries"]
    assert (entry["id"], entry["code"], entry["job_id"]) == (held, "burned_in", 1)
    assert "Jansen" not in str(entry)
    assert admin("GET", "get_quarantine", job_id=2) == (200, {"entries": []})
    assert admin("GET", "get_quarantine", after=held) == (200, {"entries": []})
    answer = admin("POST", "release_quarantine", entry_ids=held, note="looked")
    assert answer == (200, {"released": [held], "job_ids": [1]})
    assert admin.job(1)["status"] == "ACTIVE"
    last = ledger.store.audit()[-1]
    assert (last["who"], last["what"], last["job_id"]) == ("root", "released", 1)
    status, answer = admin("POST", "reject_quarantine", entry_ids=held)
    assert (status, list(answer["errors"])) == (400, ["entry_ids"])


def test_an_admin_rejects(admin: Caller, ledger: Ledger, held: str) -> None:
    assert admin("POST", "reject_quarantine", entry_ids=held) == (200, {"rejected": [held]})
    [entry] = admin("GET", "get_quarantine")[1]["entries"]
    assert (entry["state"], entry["who"]) == ("rejected", "root")
    assert ledger.store.audit()[-1]["what"] == "rejected"
    assert admin.job(1)["status"] == "DONE"


def test_a_job_without_a_pseudonym_gets_the_projects_template(call: Caller, ledger: Ledger) -> None:
    folder = ledger.folder.projects / "Lung"
    folder.mkdir(parents=True)
    text = "users: [alice]\npseudonyms: '{site}-{n:04d}'\nsite: S01\n"
    (folder / "project.yml").write_text(text)
    wanted = path_job(project_name="Lung")
    del wanted["anonymizedpatientid"], wanted["anonymizedpatientname"]
    status, job = call("POST", "create_job", wanted)
    assert (status, job["source_anonymizedpatientid"]) == (200, "S01-{n:04d}")
    wanted["project_name"] = "Wetenschap-Algemeen"
    status, answer = call("POST", "create_job", wanted)
    assert (status, "anonymizedpatientid" in answer["errors"]) == (400, True)


def test_a_template_that_is_none_is_told_with_its_line(ledger: Ledger) -> None:
    from anontui.errors import SettingsError
    from anontui.server.projects import read_project

    file = ledger.folder.projects / "Lung" / "project.yml"
    file.parent.mkdir(parents=True)
    file.write_text("users: [alice]\npseudonyms: 'S-001'\n")
    with pytest.raises(SettingsError, match=r"project\.yml.*line 2"):
        read_project(file)


def test_what_a_hook_said_is_for_admins_and_in_the_audit(
    admin: Caller, ledger: Ledger, held: str
) -> None:
    assert admin("GET", "get_hook_output", job_id=1) == (200, {"overview": "", "output": ""})
    folder = ledger.folder.path / "runs" / "1"
    folder.mkdir(parents=True)
    (folder / "hook_overview.txt").write_text("2 files were hooked up\n")
    (folder / "post_anon_output.txt").write_text("Jansen is P-001")
    status, answer = admin("GET", "get_hook_output", job_id=1)
    assert status == 200
    assert answer == {"overview": "2 files were hooked up\n", "output": "Jansen is P-001"}
    rows = ledger.database.rows("SELECT details FROM audit WHERE what = 'read hook output'")
    assert [str(row["details"]) for row in rows] == ['{"job": 1}'] * 2
