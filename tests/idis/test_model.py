"""The job model reads hostile JSON, writes the web API's, and costs no heavy imports."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UnexpectedAnswer
from anontui.idis.model import CORE_FIELDS, FIELDS, Job, JobRequest, JobStatus, plain
from tests.idis.answers import CORE, EXTENDED, core, extended

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_any_value_is_a_job_or_one_clear_error(changes: dict[str, Any]) -> None:
    try:
        job = Job.from_json(EXTENDED | changes)
    except UnexpectedAnswer as error:
        assert error.advice
        return
    assert isinstance(job.job_id, int)
    assert isinstance(job.status, JobStatus)
    again = job.to_json()
    assert Job.from_json(again) == job
    str(again).encode()


@given(JSON)
def test_no_other_answer_is_a_job(answer: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        Job.from_json(answer)


@pytest.mark.parametrize("name", CORE_FIELDS)
def test_core_fields_are_needed(name: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="not a job") as caught:
        Job.from_json({key: value for key, value in CORE.items() if key != name})
    assert name in caught.value.cause


def test_job_is_written_as_the_web_api_does() -> None:
    job = Job.from_json(extended(5))
    assert list(job.to_json(extended=False)) == list(CORE)
    assert job.to_json(extended=False) == core(5)
    assert job.to_json().keys() == set(FIELDS)
    assert job.to_json()["source_path"] == EXTENDED["source_path"]


@pytest.mark.parametrize(
    ("status", "is_final"),
    [("ACTIVE", False), ("UPLOADED", False), ("DONE", True), ("ERROR", True), ("INACTIVE", True)],
)
def test_final_states(status: str, is_final: bool) -> None:
    assert JobStatus(status).is_final is is_final


def test_absent_fields_are_not_sent() -> None:
    form = JobRequest("PATH", "project", r"\\s\out", source_path=r"\\s\in").to_form()
    assert form == {
        "source_type": "PATH",
        "project_name": "project",
        "destination_path": r"\\s\out",
        "source_path": r"\\s\in",
        "destination_type": "PATH",
    }


@given(st.text())
def test_plain_text_commands_no_terminal(text: str) -> None:
    shown = plain(text)
    shown.encode()
    assert len(shown) == len(text)
    assert all(char.isprintable() or char in "\t\n" or ord(char) >= 0xA0 for char in shown)
    assert plain(shown) == shown


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("anontui.idis.model", ("httpx", "yaml", "pydicom")),
        ("anontui.idis.advice", ("httpx", "yaml")),
        ("anontui.idis.address", ("httpx", "yaml")),
        ("anontui.settings", ("httpx", "yaml")),
        ("anontui.unc", ("httpx", "yaml")),
    ],
)
def test_light_modules_stay_light(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; sys.exit(bool(sys.modules.keys() & {set(absent)!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
