"""The examples of ``docs/python.md`` do what they say, on a server of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import anontui.idis
from anontui.idis.client import Client
from tests.server.support import ALICE_TOKEN, Caller, ServeProcess, write_dicom

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Caller]:
    write_dicom(tmp_path / "share" / "data" / "patient1", 2)
    process = ServeProcess(tmp_path / "data", tmp_path / "share")
    try:
        yield process.start()
    finally:
        process.kill()


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_every_example_runs(
    server: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ours(url: str, user_name: str, token: str) -> Client:
        assert (url, user_name, token) == ("https://server.example/api", "z123456", "token")
        return Client(server.url, "alice", ALICE_TOKEN)

    monkeypatch.setattr(anontui.idis, "Client", ours, raising=False)
    found = examples()
    assert len(found) >= 9
    for example in found:
        exec(compile(example, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert "Created job 1" in printed
    assert "The server says: {'job_id': 'Job with id 99999 does not exist'}" in printed
    jobs = [server.job(number) for number in (1, 2, 3)]
    assert [job["source_type"] for job in jobs] == ["PATH", "WADO", "WADO"]
    assert jobs[0]["description"] == "Third delivery" and jobs[2]["description"] == (
        "Second delivery"
    )
