"""The command line, a project folder, and a server that does as it is told."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from anontui.cli.run import run
from anontui.settings import Settings
from anontui.unc import ShareMap
from tests.cli.api import Api

SHARE = r"\\srv\share"


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit code, and what it wrote where."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


class Keyboard(io.StringIO):
    """A terminal's input with somebody at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api) -> Path:
    """The current folder: on a share, with the server active in its settings."""
    folder = tmp_path / "project"
    (folder / ".anontui").mkdir(parents=True)
    monkeypatch.chdir(folder)
    settings = Settings(
        path=folder / ".anontui" / "settings.yml",
        user_name="z123456",
        user_token="token",
        shares=ShareMap(((SHARE, folder),)),
    )
    settings.with_server("p01", api.url).activated("p01").save()
    return folder


@pytest.fixture
def anontui(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command; ``typed`` is what somebody types at a terminal, None: there is none."""

    def anontui(*words: str, typed: str | None = None) -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Keyboard(typed))
        capsys.readouterr()
        code = run(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(code, out, err)

    return anontui


@pytest.fixture
def mapping(project: Path) -> Callable[..., Path]:
    """Write the project's mapping; folders named p… get a file each."""

    def mapping(*rows: str, options: str = "", columns: str = "source,pseudo_id") -> Path:
        options = options or (
            f"root_source_path,{SHARE}\\data\nproject,Lung\ndestination_path,{SHARE}\\out\n"
        )
        for row in rows:
            if row.startswith("folder:p"):
                place = project / "data" / row[7:].split(",")[0]
                place.mkdir(parents=True, exist_ok=True)
                (place / "a.dcm").touch()
        path = project / "anon_mapping.csv"
        table = "".join(f"{row}\n" for row in rows)
        path.write_text(
            f"## Description ##\nx\n\n## Options ##\n{options}\n## Mapping ##\n{columns}\n{table}"
        )
        return path

    return mapping
