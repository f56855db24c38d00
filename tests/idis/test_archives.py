"""The calls that servers of ours have beyond IDIS's: what goes out, and what is believed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from anontui.errors import CallRefused, UnexpectedAnswer
from anontui.idis.archives import (
    ArchiveNode,
    Found,
    FoundAnswer,
    Index,
    ReceiverState,
)
from anontui.idis.client import Client
from anontui.idis.model import JobRequest
from tests.idis.answers import extended
from tests.idis.fake_server import Answer, FakeServer

REQUEST = JobRequest(
    source_type="WADO",
    project_name="Lung",
    destination_path="B",
    destination_type="NODE",
    source_instance_id="1.2.3",
    practice="True",
)
STUDY = {
    "study": "1.2",
    "patient_id": "P\x1b[2J",
    "modalities": ["CT", "SR"],
    "series": 2,
    "instances": None,
    "imported": 7,
}
SERIES = {"study": "1.2", "series": "1.2.3", "modality": "CT", "number": None, "instances": 4}
NODE = {"name": "A", "ways": ["DIMSE"], "find": True, "retrieve": True, "send": False}
RECEIVER = {"running": True, "host": "::", "port": 11112, "error": "", "projects": {"L": "Lung"}}

CALLS: dict[str, tuple[Callable[[Client], object], str, dict[str, list[str]], object, object]] = {
    # call, method, form besides user_name, an answer, and what becomes of it
    "get_nodes": (
        lambda c: c.nodes(),
        "GET",
        {},
        {"nodes": [NODE | {"addresses": "x"}, {"name": "B"}]},
        [ArchiveNode("A", ("DIMSE",), find=True, retrieve=True), ArchiveNode("B")],
    ),
    "echo_node": (lambda c: c.echo("A"), "POST", {"node": ["A"]}, {"seconds": 1}, 1.0),
    "find_studies": (
        lambda c: c.find("A", accessions=["1", "2"], modality="CT", study="", limit=9),
        "POST",
        {
            "node": ["A"],
            "level": ["STUDY"],
            "accession": ["1", "2"],
            "modality": ["CT"],
            "limit": ["9"],
        },
        {"answers": [STUDY, SERIES], "not_found": ["2"], "more": True},
        Found(
            (
                FoundAnswer(
                    "1.2",
                    patient_id="P\ufffd[2J",
                    modalities=("CT", "SR"),
                    series_count=2,
                    imported=7,
                ),
                FoundAnswer("1.2", series="1.2.3", modality="CT", instances=4),
            ),
            ("2",),
            more=True,
        ),
    ),
    "get_receiver": (
        lambda c: c.receiver(),
        "GET",
        {},
        RECEIVER,
        ReceiverState(running=True, host="::", port=11112, projects={"L": "Lung"}),
    ),
    "set_receiver": (
        lambda c: c.set_receiver(running=False),
        "POST",
        {"running": ["False"]},
        {"running": False, "error": "in use", "received": 3},
        ReceiverState(running=False, error="in use", projects={}, received=3),
    ),
    "get_index": (
        lambda c: c.index("Lung"),
        "GET",
        {"project": ["Lung"]},
        {"patients": 1, "studies": 2, "series": 3, "instances": 4, "exported_instances": 5},
        Index(1, 2, 3, 4, 5),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_goes_out_and_what_comes_of_it(server: FakeServer, client: Client, name: str) -> None:
    call, method, form, answer, expected = CALLS[name]
    server.will(Answer(body=answer))
    assert call(client) == expected
    (request,) = server.requests
    assert (request.method, request.path) == (method, f"/p01/{name}")
    assert request.form == {"user_name": ["z123"], **form}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("answer", [None, [], "text", 1])
def test_what_is_no_object_is_not_believed(
    server: FakeServer, client: Client, name: str, answer: object
) -> None:
    server.will(Answer(body=answer))
    with pytest.raises(UnexpectedAnswer):
        CALLS[name][0](client)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("get_nodes", {"nodes": {}}),
        ("get_nodes", {"nodes": [NODE | {"name": None}]}),
        ("get_nodes", {"nodes": [{"ways": []}]}),
        ("get_nodes", {"nodes": [NODE | {"ways": "DIMSE"}]}),
        ("echo_node", {}),
        ("echo_node", {"seconds": "1"}),
        ("echo_node", {"seconds": True}),
        ("echo_node", {"seconds": -1}),
        ("find_studies", {"answers": [STUDY | {"study": 1}]}),
        ("find_studies", {"answers": [{"series": "1.2"}]}),
        ("find_studies", {"answers": [STUDY | {"instances": "many"}]}),
        ("find_studies", {"answers": [STUDY | {"imported": 10**30}]}),
        ("find_studies", {"answers": ["1.2"]}),
        ("find_studies", {"not_found": [1]}),
        ("get_receiver", {"running": True, "projects": {"A": 1}}),
        ("get_receiver", {"running": True, "port": "x"}),
        ("get_receiver", {}),
        ("get_index", {"patients": True}),
    ],
)
def test_a_field_that_is_amiss_is_not_believed(
    server: FakeServer, client: Client, name: str, answer: object
) -> None:
    server.will(Answer(body=answer))
    with pytest.raises(UnexpectedAnswer):
        CALLS[name][0](client)


def test_what_was_found_shows_in_no_repr() -> None:
    one = FoundAnswer("1.2.840", patient_name="Jansen")
    assert "Jansen" not in repr(one) + repr(Found((one,)))


def test_an_archive_that_cannot_be_asked_is_a_refusal(server: FakeServer, client: Client) -> None:
    server.will(Answer(400, {"errors": {"node": "Nothing listens for A"}}))
    with pytest.raises(CallRefused, match="Nothing listens for A"):
        client.find("A")


def test_many_jobs_by_their_keys(server: FakeServer, client: Client) -> None:
    job = extended(project_name="Lung", destination_path="B", source_instance_id="1.2.3")
    job |= {"source_anonymizedpatientid": "L-1", "source_anonymizedpatientname": "L-1"}
    server.will(Answer(body={"k/2": job, "k/1": job | {"job_id": 7}}))
    made = client.create_many({"k/1": REQUEST, "k/2": REQUEST})
    assert [(key, one.job_id) for key, one in made.items()] == [("k/1", 7), ("k/2", 1234)]
    sent = [json.loads(text) for text in server.requests[0].form["jobs"]]
    assert [one["key"] for one in sent] == ["k/1", "k/2"]
    assert sent[0] == {"key": "k/1"} | REQUEST.to_form()


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"k": {}}, {"k": extended(), "l": extended()}, {"k": extended(project_name="Other")}],
)
def test_jobs_that_are_not_those_asked_for(
    server: FakeServer, client: Client, answer: object
) -> None:
    server.will(Answer(body=answer))
    with pytest.raises(UnexpectedAnswer):
        client.create_many({"k": REQUEST})


def test_items_in_pages(server: FakeServer, client: Client) -> None:
    pages: tuple[list[dict[str, int]], ...] = (
        [{"item_id": 4}, {"item_id": 9}],
        [{"item_id": 12}],
        [],
    )
    server.will(*(Answer(body={"items": page}) for page in pages))
    assert [item["item_id"] for item in client.items(1)] == [4, 9, 12]
    assert [request.form["after"] for request in server.requests] == [["0"], ["9"], ["12"]]


@pytest.mark.parametrize(
    "answer", [{}, {"items": {}}, {"items": [1]}, {"items": [{"item_id": 0}]}, {"items": [{}]}]
)
def test_items_that_make_no_sense_or_never_end(
    server: FakeServer, client: Client, answer: object
) -> None:
    server.will(Answer(body=answer))
    with pytest.raises(UnexpectedAnswer):
        list(client.items(1))
