"""Archives over the web API: who sees which, what is told, and what is written down of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from anontui.pacs.node import Bucket, Dimse, Node, Web
from anontui.pacs.nodefile import write_nodes
from anontui.server import archives
from anontui.server.checks import problems
from anontui.server.identities import Identity
from anontui.server.review import Review
from anontui.server.users import Role
from tests.pacs.peers import ct_study
from tests.server.conftest import Ledger
from tests.server.fake_archive import FakeArchive
from tests.server.support import BOB_TOKEN, Caller, wait_until

ROOT_TOKEN = "root-" + "0123456789abcdef" * 2
NODES = {
    "PACS": Node("PACS", dimse=Dimse("PACS", "pacs.example.org", 104)),
    "WEB": Node("WEB", web=Web("https://web.example.org/dw", password="secret-1")),
    "STORE": Node("STORE", bucket=Bucket("store", secret_key="secret-2")),
    "HIDDEN": Node("HIDDEN", dimse=Dimse("X", "x.example.org", 104)),
}


@pytest.fixture
def pacs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArchive]:
    """The archive behind every name: two studies."""
    archive = FakeArchive()
    archive.add([*ct_study(0, instances=2), *ct_study(1, instances=3)])
    write_nodes(ledger.folder.path / "nodes.yml", NODES)
    for name, lines in {
        "A": "users: [alice]\narchives: [PACS]\ntargets: [STORE]\n",
        "B": "users: [bob]\narchives: [WEB]\n",
    }.items():
        (ledger.folder.projects / name).mkdir(parents=True)
        (ledger.folder.projects / name / "project.yml").write_text(lines)
    ledger.users.add("root", ROOT_TOKEN, Role.ADMIN)
    monkeypatch.setattr(archives, "Ways", archive.ways)
    yield archive
    archive.thaw.set()


@pytest.fixture
def admin(call: Caller) -> Caller:
    return Caller(call.url, "root", ROOT_TOKEN)


@pytest.fixture
def bob(call: Caller) -> Caller:
    return Caller(call.url, "bob", BOB_TOKEN)


@pytest.mark.usefixtures("pacs")
def test_nodes_are_told_to_those_whose_projects_name_them(
    call: Caller, bob: Caller, admin: Caller
) -> None:
    assert call("GET", "get_nodes")[1]["nodes"] == [
        {"name": "PACS", "ways": ["DIMSE"], "find": True, "retrieve": True, "send": True},
        {"name": "STORE", "ways": ["S3"], "find": False, "retrieve": False, "send": True},
    ]
    assert [one["name"] for one in bob("GET", "get_nodes")[1]["nodes"]] == ["WEB"]
    everything = admin("GET", "get_nodes")[1]
    assert [one["name"] for one in everything["nodes"]] == sorted(NODES)
    assert "pacs.example.org" in json.dumps(everything)
    assert "example.org" not in json.dumps(call("GET", "get_nodes")[1])
    assert "secret" not in json.dumps(everything)


@pytest.mark.usefixtures("pacs")
@pytest.mark.parametrize("function", ["echo_node", "find_studies"])
@pytest.mark.parametrize("node", ["WEB", "HIDDEN", "NONE"])
def test_other_nodes_cannot_be_used_or_told_from_none(
    call: Caller, ledger: Ledger, function: str, node: str
) -> None:
    status, answer = call("POST", function, node=node)
    assert (status, answer) == (400, {"errors": {"node": "User alice may use no such node"}})
    assert ledger.store.audit()[-1]["what"] == "denied"


def test_an_echo_is_answered_and_its_failure_told(call: Caller, pacs: FakeArchive) -> None:
    assert call("POST", "echo_node", node="PACS") == (200, {"seconds": 0.01})
    pacs.fault = "dies"
    status, answer = call("POST", "echo_node", node="PACS")
    text = "PACS ended the connection. Try again."
    assert (status, answer) == (400, {"errors": {"node": text}})


def test_studies_are_found_and_it_is_told_what_is_here_already(
    call: Caller, pacs: FakeArchive, ledger: Ledger
) -> None:
    study = str(ct_study(1)[0].StudyInstanceUID)
    with Review.of(ledger.folder, ledger.database) as review:
        known = [Identity("p", study, "1.2", "P", "9.1", "9.2", f"9.3.{n}") for n in range(2)]
        review.identities.record("A", known)
        review.identities.record("B", [Identity("p", study, "1.2", "Q", "8.1", "8.2", "8.3")] * 9)
    status, found = call("POST", "find_studies", node="PACS")
    assert status == 200
    assert [(one["accession"], one["imported"]) for one in found["answers"]] == [
        ("ACC0", 0),
        ("ACC1", 2),
    ]
    assert (found["not_found"], found["more"]) == ([], False)
    assert found["answers"][0]["patient_name"] == "Invented^Person0"
    level = {"node": "PACS", "level": "IMAGE", "study": study}
    assert len(call("POST", "find_studies", level)[1]["answers"]) == 3
    numbers = [("node", "PACS"), ("accession", "ACC1"), ("accession", "ACC7"), ("accession", " ")]
    found = call("POST", "find_studies", numbers)[1]
    assert [one["accession"] for one in found["answers"]] == ["ACC1"]
    assert found["not_found"] == ["ACC7"]
    found = call("POST", "find_studies", node="PACS", limit=1)[1]
    assert (len(found["answers"]), found["more"]) == (1, True)
    told = json.dumps([row for row in ledger.store.audit() if row["what"] == "searched"])
    assert told.count("searched") == 4
    for secret in ("ACC1", study, "Invented"):
        assert secret not in told


@pytest.mark.usefixtures("pacs")
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"level": "SERIES"}, "study"),
        ({"level": "IMAGE"}, "study"),
        ({"level": "PATIENT"}, "level"),
        ({"date_from": "2024-01-01"}, "date_from"),
        ({"study": "1.2\\1.3"}, "study"),
        ({"patient_id": "1\\2"}, "patient_id"),
        ({"accession": "1\\2"}, "accession"),
        ({"modality": "C;T"}, "modality"),
        ({"limit": "5001"}, "limit"),
        ({"node": "STORE"}, "node"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(
    call: Caller, admin: Caller, more: dict[str, str], field: str
) -> None:
    status, answer = admin("POST", "find_studies", {"node": "PACS"} | more)
    assert (status, list(answer["errors"])) == (400, [field])


def test_an_archive_that_hangs_holds_up_nobody_else(
    call: Caller, pacs: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ECHO_SECONDS", 3.0)
    pacs.fault = "hangs"
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(call("POST", "echo_node", node="PACS")[0]))
        for _ in range(60)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: pacs.opened >= 8)
    assert call("GET", "get_projects")[0] == 200
    assert not answers, "it was answered while all of them wait"
    pacs.thaw.set()
    pacs.fault = ""
    for thread in threads:
        thread.join()
    assert len(answers) == 60


def test_whoever_waits_too_long_is_told(
    call: Caller, pacs: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ECHO_SECONDS", 0.5)
    pacs.fault = "hangs"
    status, answer = call("POST", "echo_node", node="PACS")
    assert (status, "did not answer" in answer["errors"]["node"]) == (400, True)


@pytest.mark.usefixtures("pacs")
def test_the_index_counts_what_the_caller_sees(
    call: Caller, bob: Caller, admin: Caller, ledger: Ledger
) -> None:
    with Review.of(ledger.folder, ledger.database) as review:
        for project, patients in (("A", 1), ("B", 3)):
            for n in range(patients):
                one = Identity(f"p{n}", f"1.{n}", "1.2", f"{project}{n}", f"9.{n}", "9.2", "9.3")
                review.identities.record(project, [one])
    totals = {"patients": 1, "studies": 1, "series": 1, "instances": 1, "exported_instances": 0}
    assert call("GET", "get_index") == (200, totals)
    assert call("GET", "get_index", project="A") == (200, totals)
    assert bob("GET", "get_index")[1]["patients"] == 3
    assert admin("GET", "get_index")[1]["patients"] == 4
    assert call("GET", "get_index", project="B")[0] == 400
    assert admin("GET", "get_index", project="C")[0] == 400


@pytest.mark.usefixtures("pacs")
def test_mistakes_about_nodes_are_told(ledger: Ledger) -> None:
    for name, lines in {
        "C": "archives: [GONE, STORE]\ntargets: [AWAY]\n",
        "D": "receive: LUNG\ndestination: node:PACS\ntargets: [PACS]\npseudonyms: 'D{n}'\n",
        "E": "receive: LUNG\ndestination: node:PACS\ntargets: [PACS]\npseudonyms: 'E{n}'\n",
        "F": "receive: LONG\n",
        "G": "receive: 'THIS IS NO AE TITLE'\n",
        "H": "destination: node:PACS\n",
    }.items():
        (ledger.folder.projects / name).mkdir()
        (ledger.folder.projects / name / "project.yml").write_text(lines)
    told = "\n".join(error.sentence() for error in problems(ledger.folder))
    assert told.count("\n") == 6
    for text in (
        "Project C: archives: there is no node GONE",
        "Project C: targets: there is no node AWAY",
        "Project C: archives: nothing can be had from STORE",
        "Projects D and E both receive as LUNG",
        "project.yml line 1: what is received needs a destination and pseudonyms",
        "'THIS IS NO AE TITLE' is no AE title",
        "node:PACS is none of the targets",
    ):
        assert text in told, told
    (ledger.folder.path / "nodes.yml").write_text("PACS: {aet: A, nonsense: 1}\n")
    assert "nodes.yml" in "\n".join(error.sentence() for error in problems(ledger.folder))
