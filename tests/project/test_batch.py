"""The batch file, job ids as people write them, and the record of created jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from anontui.errors import ProjectError, UsageError
from anontui.project import created
from anontui.project.batch import FILENAME, Batch, parse_job_ids

URL = "https://anon.example/api"


def test_round_trip_and_the_form_that_anonapi_has(tmp_path: Path) -> None:
    assert Batch.load(tmp_path) is None
    batch = Batch((10, 9, 100, 9), "p01", URL)
    assert batch.job_ids == (9, 10, 100)
    batch.save(tmp_path)
    assert Batch.load(tmp_path) == batch
    assert yaml.safe_load((tmp_path / FILENAME).read_text()) == {
        "job_ids": ["9", "10", "100"],
        "server": {"name": "p01", "url": URL},
    }
    Batch.delete(tmp_path)
    assert Batch.load(tmp_path) is None
    with pytest.raises(ProjectError):
        Batch.delete(tmp_path)


@pytest.mark.parametrize("ids", ["", " []", "\n- 3\n- '1'", " [3, 1]"])
def test_ids_may_be_numbers_or_none(tmp_path: Path, ids: str) -> None:
    (tmp_path / FILENAME).write_text(f"job_ids:{ids}\nserver: {{name: a, url: b}}\n")
    batch = Batch.load(tmp_path)
    assert batch is not None
    assert batch.job_ids == ((1, 3) if "3" in ids else ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job_ids: [1]\n",
        "server: {name: a, url: b}\n",
        "job_ids: [x]\nserver: {name: a, url: b}\n",
        "job_ids: [-1]\nserver: {name: a, url: b}\n",
        "job_ids: [1.5]\nserver: {name: a, url: b}\n",
        "job_ids: 1\nserver: {name: a, url: b}\n",
        "job_ids: [1]\nserver: {name: a}\n",
        "job_ids: [1]\nserver: a\n",
        "job_ids: [1]\nserver: null\n",
        f"job_ids: [{'9' * 5000}]\nserver: {{name: a, url: b}}\n",
    ],
)
def test_a_wrong_batch_gives_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / FILENAME).write_text(text)
    with pytest.raises(ProjectError) as caught:
        Batch.load(tmp_path)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["1", "2", "3"], (1, 2, 3)),
        (["20-22"], (20, 21, 22)),
        (["1,4-6"], (1, 4, 5, 6)),
        (["10", "9", "9-10"], (9, 10)),
        (["1,", "2"], (1, 2)),
        (["1 2"], (1, 2)),
        (["007"], (7,)),
        (["1-100000"], tuple(range(1, 100_001))),
    ],
)
def test_job_ids(words: list[str], ids: tuple[int, ...]) -> None:
    assert parse_job_ids(words) == ids


@pytest.mark.parametrize(
    "words",
    [
        ["9-7"],
        ["1", "9-7"],
        ["abc"],
        ["1-"],
        ["-1"],
        ["1--2"],
        ["1.5"],
        ["²"],
        ["١"],
        ["1" * 30],
        [],
        [","],
        ["1-1000000000"],
        ["1-99999", "200000-300000"],
    ],
)
def test_what_is_no_job_id(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_job_ids(words)
    assert caught.value.advice


def test_created_jobs_are_recorded(tmp_path: Path) -> None:
    assert created.read(tmp_path) == {}
    created.record(tmp_path, "aa", 1, URL)
    created.record(tmp_path, "bb", 2, URL)
    created.record(tmp_path, "aa", 3, "https://other")
    created.record(tmp_path, "bb", 4, URL)
    assert created.read(tmp_path) == {(URL, "aa"): 1, ("https://other", "aa"): 3, (URL, "bb"): 4}
    path = tmp_path / created.FILENAME
    assert len(path.read_bytes().splitlines()) == 4
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_torn_line_costs_itself_only(tmp_path: Path, cut: int) -> None:
    created.record(tmp_path, "aa", 1, URL)
    created.record(tmp_path, "bb", 2, URL)
    path = tmp_path / created.FILENAME
    path.write_bytes(path.read_bytes()[:-cut])
    torn = created.read(tmp_path)
    assert torn == {(URL, "aa"): 1} | ({(URL, "bb"): 2} if cut == 1 else {})
    created.record(tmp_path, "cc", 3, URL)
    assert created.read(tmp_path) == torn | {(URL, "cc"): 3}


@pytest.mark.parametrize(
    "line",
    [b"[]", b"1", b"\xff", b'{"server": 1}', b"[" * 100_000, b'{"server": "u"}', b"", b"null"],
)
def test_a_strange_line_is_left_out(tmp_path: Path, line: bytes) -> None:
    (tmp_path / created.FILENAME).write_bytes(line + b"\n")
    created.record(tmp_path, "aa", 1, URL)
    assert created.read(tmp_path) == {(URL, "aa"): 1}


def test_a_job_that_cannot_be_recorded_is_named(tmp_path: Path) -> None:
    (tmp_path / created.FILENAME).mkdir()
    with pytest.raises(ProjectError) as caught:
        created.record(tmp_path, "aa", 4711, URL)
    assert "Job 4711" in caught.value.message
    assert "4711" in caught.value.advice
