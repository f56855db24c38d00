"""What the tests of the app share: a project made by code, server answers, the app itself."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from anontui.errors import AnonTUIError
from anontui.idis.model import Job, JobStatus
from anontui.operations.servers import ServerState
from anontui.project.batch import Batch
from anontui.settings import Server, Settings
from anontui.tui import app as app_module
from anontui.tui.app import AnonTUI
from anontui.tui.screens.pacs import PacsScreen
from anontui.tui.worker import Task, TaskEnded, TaskStarted, Worker
from anontui.unc import ShareMap
from tests.dicom.files import dicom_bytes

SMALL, WIDE, LARGE = (80, 24), (120, 40), (200, 60)
SHARE = r"\\srv\share"
SERVERS = (Server("p01", "https://p01.example/api"), Server("sandbox", "https://sandbox.example"))
UP = ServerState("p01", SERVERS[0].url, True, 42.0)
DOWN = ServerState("sandbox", SERVERS[1].url, False, None, "No answer", "Check the server's url.")
MAPPING = rf"""## Description ##
Lung study

## Options ##
root_source_path,{SHARE}\lung-ct
project,Wetenschap-Algemeen
destination_path,{SHARE}\out

## Mapping ##
source,pseudo_id,pseudo_name,description
folder:data/patient1,LUNG-001,LUNG-001,baseline
accession_number:1234567.12345678,LUNG-002,LUNG-002,follow-up
folder:data/patient2,,,no pseudonym yet
"""


class EndingWorker(Worker):
    """A worker whose lanes can end."""

    def _serve(self, lane: queue.SimpleQueue[Task]) -> None:
        with suppress(SystemExit):
            super()._serve(lane)


class Opened(AnonTUI):
    """The app, counting the work that it has not seen the end of."""

    CSS_PATH = str(Path(app_module.__file__).with_name("styles.tcss"))
    pending = 0
    holds: Callable[[str], bool] = staticmethod(lambda lane: False)
    """Whether work that is started in a lane never comes to its end."""
    greets = False  # a test of the first start says so
    watches = False  # a test says when it looks
    tidies = False  # the process is not the app's

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        super().__init__(folder, readonly=readonly)
        self.worker = EndingWorker(self.post_message)
        self.held: dict[str, Task] = {}

    def start(
        self,
        lane: str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[AnonTUIError], None] | None = None,
        label: str = "",
        dropped: Callable[[], None] | None = None,
    ) -> Task:
        is_held = self.holds(lane)
        task = super().start(lane, self._held if is_held else work, done, failed, label, dropped)
        if not is_held or lane not in self.held:
            self.pending += 1
        if is_held:
            self.held.setdefault(lane, task)
        return task

    def _held(self) -> None:
        self.freed.wait()
        raise SystemExit  # ends the lane's thread without a word

    def end_threads(self) -> None:
        """Have the threads of the worker end, which otherwise keep the app in memory."""
        self.freed.set()
        for lane in self.worker._lanes:
            self.worker.start(Task(lane, self._held, lambda _: None))

    @cached_property
    def freed(self) -> threading.Event:
        """Set where the app has ended, so that nothing is held any more."""
        return threading.Event()

    def on_task_started(self, message: TaskStarted) -> None:
        """What is held is seen to begin, and then no more of it."""
        if message.task is self.held.get(message.task.lane):
            self.pending -= 1

    def on_task_ended(self, message: TaskEnded) -> None:
        """Count; the app's own handler is called after this one."""
        self.pending -= 1

    def folder_name(self, whole: bool = True) -> str:
        """The same in every run."""
        return "~/studies/lung-ct" if whole else "lung-ct"


class Seat:
    """A user before the app."""

    def __init__(self, app: Opened, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self.main = app.main

    async def settle(self) -> None:
        """Wait until what runs in the background has come to its end and is shown."""
        await self.until(lambda: not self.app.pending)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 20
        await self.pilot.pause()
        while not condition():
            assert time.monotonic() < limit, "it did not happen"
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def go_to(self, pane: str) -> None:
        """Go to a pane by its name, on whichever screen it is."""
        if pane and all(one.id != pane for one in self.app.front.panes):
            await self.press("P")
            self.pacs.studies.grid.focus()
        found = next((one for one in self.app.front.panes if one.id == pane), None)
        self.app.front.show_pane(found)
        await self.settle()

    @property
    def pacs(self) -> PacsScreen:
        """The PACS screen, which is in front."""
        assert isinstance(self.app.front, PacsScreen)
        return self.app.front

    async def press(self, *keys: str) -> None:
        """Type keys, and let what they start come to its end."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*text)

    def title(self, pane: str) -> str:
        """The title of a pane's frame, without its markup."""
        from textual.content import Content

        return Content.from_markup(str(self.app.front.query_one(f"#{pane}").border_title)).plain

    @property
    def said(self) -> str:
        """What the app said last."""
        return self.app.last_word[0]


@asynccontextmanager
async def opened(
    folder: Path, size: tuple[int, int] = WIDE, *, readonly: bool = False
) -> AsyncIterator[Seat]:
    """The app on a folder, loaded, nothing running."""
    app = Opened(folder, readonly=readonly)
    for pane in app.main.panes:
        pane.grid.flashing = False
    async with app.run_test(size=size, notifications=True) as pilot:
        seat = Seat(app, pilot)
        await seat.until(lambda: app.model.loaded or app.holds("files"))
        await seat.settle()
        assert app._exception is None  # else a picture would be taken of half an app
        try:
            yield seat
        finally:
            app.end_threads()


def job(job_id: int, status: JobStatus, **changes: Any) -> Job:
    """A job of an invented patient."""
    values: dict[str, Any] = {
        "date": f"2026-02-12T10:{job_id % 60:02}:00",
        "user_name": "z123456",
        "error": "",
        "description": "",
        "project_name": "Wetenschap-Algemeen",
        "priority": 0,
        "files_downloaded": 312,
        "files_processed": 312,
        "source_type": "PATH",
        "source_path": rf"{SHARE}\lung-ct\data\patient{job_id % 10}",
        "destination_path": rf"{SHARE}\out",
        "source_anonymizedpatientid": f"LUNG-{job_id % 10:03}",
    }
    return Job(job_id=job_id, status=status, **(values | changes))


JOBS = (
    job(1041, JobStatus.DONE, description="baseline"),
    job(1042, JobStatus.UPLOADED, files_processed=180),
    job(1043, JobStatus.ERROR, files_downloaded=0, files_processed=0, error="HTTP Error 404"),
    job(1044, JobStatus.ACTIVE, files_downloaded=0, files_processed=0),
    job(1045, JobStatus.INACTIVE, files_downloaded=17, files_processed=0),
    job(1046, JobStatus.DONE, error="2 files were left out"),
)


def write_settings(path: Path, folder: Path) -> None:
    """Settings with two servers, and the folder as a share."""
    Settings(
        path=path,
        servers=SERVERS,
        active_server_name="p01",
        user_name="z123456",
        user_token="secret",
        shares=ShareMap(((rf"{SHARE}\lung-ct", folder),)),
    ).save()


def write_data(folder: Path) -> None:
    """Two patients with two slices each, and a folder without DICOM."""
    for at, patient in enumerate(("patient1", "patient2"), 1):
        place = folder / "data" / patient
        place.mkdir(parents=True)
        for slice_ in (1, 2):
            study, series = f"1.2.826.0.1.{at}", f"1.2.826.0.1.{at}.{slice_}"
            content = dicom_bytes(patient_id=f"P-{at:03}", study=study, series=series, pixels=200)
            (place / f"slice{slice_}.dcm").write_bytes(content)
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.txt").write_text("nothing to see")


def write_batch(folder: Path, jobs: Iterable[Job] = JOBS) -> None:
    """A batch of these jobs on p01."""
    Batch(tuple(job.job_id for job in jobs), "p01", SERVERS[0].url).save(folder)
