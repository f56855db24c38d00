"""The pictures of the docs: the demo, played in the app without a terminal.

``python -m tests.pictures`` takes them anew into ``docs/pictures``: look at them before you keep
them. Everything that would differ from run to run (addresses, keys, what the server answers) is
the same each time.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from anontui.events import result_of
from anontui.idis.model import Job, JobStatus
from anontui.operations import builtin
from anontui.operations.demo import make_demo
from anontui.operations.servers import ServerState
from anontui.project.batch import Batch
from anontui.settings import load
from anontui.tui import app as app_module
from anontui.tui.polling import Look, Polling
from tests.tui import fakes, stages

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
NAMES = (
    "files",
    "mapping",
    "dry-run",
    "main",
    "job",
    "help",
    "preview",
    "review",
    "light",
)
SIZE = (120, 36)
URL = "http://127.0.0.1:8421"
FULL = "Could not move file: [Errno 28] No space left on device"


class Standing(NamedTuple):
    """How one of the demo's jobs stands."""

    folder: str
    status: JobStatus
    downloaded: int
    processed: int
    description: str
    error: str = ""


STANDINGS = (
    Standing("patient1/study1", JobStatus.DONE, 60, 60, "baseline"),
    Standing("patient2/study1", JobStatus.DONE, 36, 36, "spine, without the notes"),
    Standing("patient3/study1_fixed", JobStatus.ERROR, 80, 52, "PET/CT", FULL),
    Standing("patient4/study1", JobStatus.UPLOADED, 1200, 874, "perfusion"),
    Standing("patient5", JobStatus.ACTIVE, 0, 0, ""),
    Standing("patient6", JobStatus.ACTIVE, 0, 0, ""),
)


def demo_jobs() -> dict[int, Job]:
    """The jobs of the demo while they are worked on."""
    share = r"\\anontui\anontui-demo"
    return {
        number: fakes.job(
            number,
            one.status,
            user_name="demo",
            description=one.description,
            error=one.error,
            files_downloaded=one.downloaded,
            files_processed=one.processed,
            source_path=rf"{share}\data\{one.folder}".replace("/", "\\"),
            destination_path=rf"{share}\anonymized",
            source_anonymizedpatientid=f"LUNG-{number:03}",
        )
        for number, one in enumerate(STANDINGS, 1)
    }


class Opened(fakes.Opened):
    """The app on the demo, wherever that lies."""

    def folder_name(self, whole: bool = True) -> str:
        return "~/anontui-demo" if whole else "anontui-demo"


def prepare(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Make a world that is the same in every run."""
    for name in ("TMUX", "SSH_CONNECTION", "SSH_TTY", "COLORFGBG", "NO_COLOR", "ANONTUI_SETTINGS"):
        patch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        patch.setenv(name, str(home))
    patch.setenv("TERM", "xterm-256color")
    patch.setenv("COLORTERM", "truecolor")

    def look(_: Polling, workspace: object, batch: Batch | None, all_servers: bool) -> Look:
        up = ServerState("demo", URL, True, 4.0)
        return Look({"demo": up}, demo_jobs() if batch else {})

    running = builtin.BuiltinState(True, URL, 1)

    def start(data: Path, shares: Mapping[str, Path], projects: Sequence[str]) -> object:
        data.mkdir(parents=True)
        builtin._configure(data, shares, projects)
        return running

    staged = stages.StagedServer()
    for target, instead in {
        "anontui.tui.polling.Polling._look": look,
        "anontui.tui.polling.Polling._wait": lambda _: 3600.0,
        "anontui.operations.builtin.start": start,
        "anontui.operations.builtin.state": lambda *_: running,
        "anontui.operations.builtin.new_token": lambda *_: "invented",
        "anontui.operations.servers.connect": lambda *_, **__: staged,
        "anontui.operations.paths.system_mounts": list,
        "anontui.deid.run.keyfile.new_key": lambda: b"the same in every run",
        "tests.tui.fakes.Opened": Opened,
    }.items():
        patch.setattr(target, instead)
    patch.setattr(app_module, "CLOSE_SECONDS", 3600.0)


def picture(seat: fakes.Seat) -> str:
    """What is on the screen as SVG that loads nothing from elsewhere."""
    svg = re.sub(r"terminal-\d+", "terminal", seat.app.export_screenshot(title="anontui"))
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace(
        "Fira Code, monospace", "Fira Code, Menlo, Consolas, DejaVu Sans Mono, monospace"
    )
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


async def open_data(seat: fakes.Seat) -> None:
    """Open the folder with the data."""
    await seat.press("2", "down", "down", "right")


async def choosing(folder: Path) -> dict[str, str]:
    """The README's first steps, before there are jobs."""
    taken = {}
    async with fakes.opened(folder, SIZE) as seat:
        await open_data(seat)
        await seat.press("down", "down", "down", "down", "down", "space", "space")
        taken["files"] = picture(seat)
        await seat.press("a")
        await seat.press("e")
        await seat.type("LUNG-005")
        await seat.pilot.pause()
        taken["mapping"] = picture(seat)
        await seat.press("enter", "e")
        await seat.type("LUNG-006")
        await seat.press("enter", "c")
        taken["dry-run"] = picture(seat)
    return taken


async def following(folder: Path) -> dict[str, str]:
    """The jobs at work, and the screens beside the panes."""
    taken = {}
    async with fakes.opened(folder, SIZE) as seat:
        await open_data(seat)
        await seat.press("4", "down", "down")
        taken["main"] = picture(seat)
        await seat.press("enter")
        taken["job"] = picture(seat)
        await seat.press("escape", "question_mark")
        taken["help"] = picture(seat)
        await seat.press("escape")
        path = folder / "data" / "patient1" / "study1" / "VERMEULEN_J_030.dcm"
        await stages.preview(seat, path)
        await seat.press("c", *["down"] * 17)
        taken["preview"] = picture(seat)
        await seat.press("escape")
        for step in (stages.LIST, stages.LOOK):
            await stages.run(seat, step)
        await seat.press("n", "left", "left", "up", "up", *["shift+right"] * 22)
        taken["review"] = picture(seat)
    return taken


async def in_light(folder: Path) -> dict[str, str]:
    """The app by day."""
    settings = folder / ".anontui" / "settings.yml"
    load(settings).replace(theme="light").save()
    async with fakes.opened(folder, SIZE) as seat:
        await open_data(seat)
        await seat.press("4", "down", "down")
        return {"light": picture(seat)}


async def _play(folder: Path) -> dict[str, str]:
    taken = await choosing(folder)
    Batch(tuple(demo_jobs()), "demo", URL).save(folder)
    return taken | await following(folder) | await in_light(folder)


def take() -> Mapping[str, str]:
    """Play the demo; returns the pictures by name."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        home, folder = Path(place) / "home", Path(place) / "anontui-demo"
        home.mkdir()
        prepare(patch, home)
        result_of(make_demo(folder))
        return asyncio.run(_play(folder))


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, svg in take().items():
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
