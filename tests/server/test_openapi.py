"""The OpenAPI document, and schemathesis over it: callers who send anything that it allows."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema_rs import validator_for
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from anontui.server.functions import FUNCTIONS
from anontui.server.openapi import openapi
from anontui.server.store import Store
from tests.server.conftest import Ledger
from tests.server.support import PROJECT, Caller, path_job

EXAMPLES = 15  # a function
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


def narrowed() -> dict[str, Any]:
    """The document without what does not end, for one user with few jobs.

    A caller who guesses names would hardly ever come past the refusals.
    """
    document = json.loads(json.dumps(openapi()))
    del document["paths"]["/get_events"]
    narrow = {
        "user_name": {"enum": ["alice"]},
        "job_id": {"type": "integer", "minimum": 0, "maximum": 4},
        "project_name": {"enum": [PROJECT, "Other"]},
        "source_path": {"enum": [path_job()["source_path"], "elsewhere"]},
        "destination_path": {"enum": [path_job()["destination_path"], "elsewhere"]},
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            for one in operation.get("parameters", ()):
                one["schema"] = narrow.get(one["name"], one["schema"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                properties = content["schema"]["properties"]
                properties.update({k: v for k, v in narrow.items() if k in properties})
    return dict(document)


SCHEMA = schemathesis.openapi.from_dict(narrowed())


@pytest.fixture
def known(call: Caller, ledger: Ledger) -> Caller:
    """Alice, with jobs 0 < id < 4 to be asked for."""
    for _ in range(3):
        call.create()
    return call


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_anything_that_the_document_allows_has_an_answer_that_it_tells(
    case: Any, known: Caller
) -> None:
    headers = {"Authorization": f"Token {known.token}"}
    case.call_and_validate(base_url=known.url, headers=headers, checks=CHECKS)
    assert known("GET", "get_jobs")[0] == 200


def test_the_document_is_served_and_tells_every_function(call: Caller) -> None:
    answer = httpx.get(f"{call.url}/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {f"/{name}" for name in FUNCTIONS}
    for name, function in FUNCTIONS.items():
        operation = document["paths"][f"/{name}"][function.method.lower()]
        assert operation["summary"], name


def test_answers_are_as_the_document_tells(call: Caller, ledger: Ledger) -> None:
    document = openapi()
    call.create()
    many = [("jobs", json.dumps(path_job(key="a")))]
    for method, function, parameters in (
        ("GET", "get_jobs", {}),
        ("GET", "get_jobs_list_extended", {"job_ids": 1}),
        ("GET", "get_job", {"job_id": 1}),
        ("POST", "create_jobs", many),
        ("GET", "get_job_items", {"job_id": 1}),
        ("GET", "get_audit", {"job_id": 1}),
        ("POST", "cancel_job", {"job_id": 1}),
    ):
        status, answer = call(method, function, parameters)
        assert status == 200
        schema = {
            "$ref": f"#/components/schemas/{FUNCTIONS[function].answers}",
            "components": document["components"],
        }
        validator_for(schema).validate(answer)


def test_the_check_would_find_a_crash(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """What schemathesis looks for is there to be found."""

    def broken(store: Store, job_id: int) -> None:
        raise KeyError(job_id)

    monkeypatch.setattr(Store, "job", broken)
    case = SCHEMA["/get_job"]["GET"].Case(query={"user_name": "alice", "job_id": 1})
    with pytest.raises(FailureGroup, match="1 distinct failure"):
        case.call_and_validate(
            base_url=call.url,
            headers={"Authorization": f"Token {call.token}"},
            checks=CHECKS,
        )
