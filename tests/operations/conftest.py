"""A project folder on a share, with a mapping in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anontui.operations import demo_data
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping
from anontui.settings import Settings
from anontui.unc import ShareMap
from tests.operations.fakes import URL, FakeClient

SHARE = r"\\srv\share"

Make = Callable[..., Mapping]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folder = tmp_path / "project"
    folder.mkdir()
    settings = Settings(path=tmp_path / "settings.yml", shares=ShareMap(((SHARE, folder),)))
    return Workspace(folder, settings.with_server("p01", URL).activated("p01"))


@pytest.fixture
def client() -> Iterator[FakeClient]:
    with FakeClient() as client:
        yield client


@pytest.fixture
def make(workspace: Workspace) -> Make:
    """Make a mapping of rows; their folders exist and hold a file each."""

    def make(*rows: str, options: str = "", columns: str = "source,pseudo_id") -> Mapping:
        options = options or (
            rf"root_source_path,{SHARE}\data" + "\n"
            r"project,Wetenschap-Algemeen" + "\n"
            rf"destination_path,{SHARE}\out" + "\n"
        )
        for row in rows:
            if row.startswith("folder:p"):
                place = workspace.folder / "data" / row[7:].split(",")[0]
                place.mkdir(parents=True, exist_ok=True)
                (place / "a.dcm").touch()
        text = (
            f"## Description ##\nx\n\n## Options ##\n{options}\n## Mapping ##\n{columns}\n"
            + "".join(f"{row}\n" for row in rows)
        )
        return Mapping.loads(text.encode())

    return make


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the demo's data small: four slices of a series."""
    few = tuple(
        (patient, tuple(replace(one, count=min(one.count, 4)) for one in series))
        for patient, series in demo_data.PATIENTS
    )
    monkeypatch.setattr(demo_data, "PATIENTS", few)
