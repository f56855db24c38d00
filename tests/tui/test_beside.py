"""What is worked out beside the screen: edits go on meanwhile, and what is stale says so."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import openpyxl
import pytest

from anontui.idis.testresources import MockClient
from anontui.operations import servers
from anontui.project import editor as editor_module
from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from anontui.tui import table
from anontui.tui.acts import cells, copying
from anontui.tui.panes import mappingedits, mappingfile
from anontui.tui.screens import pseudonyms
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.plan import PlanScreen
from tests.tui import fakes
from tests.tui.fakes import Seat, opened
from tests.tui.test_panes import column, edit, saved, write_as_others_do


@pytest.fixture
def path(project: Path) -> Path:
    return project / "anon_mapping.csv"


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is a large one."""
    for module in (cells, copying, mappingedits, mappingfile, pseudonyms, table):
        monkeypatch.setattr(module, "AT_ONCE", 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MockClient:
    client = MockClient(list(fakes.JOBS))
    monkeypatch.setattr(servers, "connect", lambda *_, **__: nullcontext(client))
    return client


class Held:
    """A method that waits until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        real: Callable[..., object] = getattr(MappingEditor, name)

        def held(*args: object, **how: object) -> object:
            self.reached.set()
            assert self.go.wait(20)
            return real(*args, **how)

        monkeypatch.setattr(editor_module.MappingEditor, name, held)


# -- large tables ------------------------------------------------------------------------


@pytest.mark.usefixtures("beside")
async def test_large_edits_are_one_step_and_are_saved(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("asterisk", "f")
        await saved(seat)
        assert column(path, "pseudo_id") == ["LUNG-001"] * 3
        await seat.press("u", "equals_sign")
        await saved(seat)
        assert len(column(path, "source")) == 6
        await seat.press("u", "D")
        await saved(seat)
        assert column(path, "source") == []
        await seat.press("u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


@pytest.mark.usefixtures("beside")
async def test_an_edit_made_meanwhile_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch, "duplicate_rows")
    async with opened(path.parent) as seat:
        await seat.pilot.press("equals_sign")
        await seat.until(held.reached.is_set)
        await seat.pilot.press("down")
        await edit(seat, "MEANWHILE")
        held.go.set()
        await saved(seat)
        await seat.settle()
        await saved(seat)
    assert column(path, "pseudo_id") == ["LUNG-001", "LUNG-001", "MEANWHILE", ""]


@pytest.mark.usefixtures("beside")
async def test_quitting_asks_before_a_large_edit_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, "duplicate_rows")
    async with opened(path.parent) as seat:
        await seat.pilot.press("equals_sign")
        await seat.until(held.reached.is_set)
        await seat.pilot.press("q")
        await seat.until(lambda: isinstance(seat.app.screen, ConfirmScreen))
        await seat.pilot.press("escape")
        held.go.set()
        await saved(seat)
        await seat.settle()
        await saved(seat)
        assert seat.app.is_running
        await seat.pilot.press("q")
        assert not isinstance(seat.app.screen, ConfirmScreen)
    assert len(column(path, "source")) == 4


async def test_an_edit_made_while_it_is_merged_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, "compare")
    async with opened(path.parent) as seat:
        write_as_others_do(path)
        seat.main.mapping.file.look()
        await seat.until(held.reached.is_set)
        await edit(seat, "MEANWHILE")
        held.go.set()
        await saved(seat)
        await seat.settle()
        await saved(seat)
    assert column(path, "pseudo_id")[0] == "MEANWHILE"
    assert column(path, "description")[0] == "from Excel"


async def test_an_edit_made_while_it_is_saved_is_saved_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, "write")
    async with opened(path.parent) as seat:
        await edit(seat, "FIRST")
        await seat.until(held.reached.is_set)
        await edit(seat, "SECOND")
        held.go.set()
        seat.app.close()
        await seat.pilot.pause()
    assert column(path, "pseudo_id")[:2] == ["FIRST", "SECOND"]


@pytest.mark.usefixtures("beside")
async def test_sorting_and_filtering_come_later_and_can_be_cancelled(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as seat:
        jobs = seat.main.jobs
        jobs.filter_by("status:done")
        assert "filtering" in seat.title("batch")
        await seat.settle()
        assert jobs.grid.row_count == 2
        assert "2 shown" in seat.title("batch")
        jobs.filter_by("")
        jobs.sort_by("status")
        await seat.settle()
        status = [str(jobs.grid.render_line(y).text[9:22]).split()[1] for y in range(1, 7)]
        assert status == sorted(status)
        go = threading.Event()
        monkeypatch.setattr(table, "compile_filter", lambda *_: lambda _: go.wait(20))
        jobs.filter_by("slow")
        await seat.until(lambda: seat.app.tasks)
        seat.app.cancel_newest()
        go.set()
        await seat.settle()
        assert not jobs.filter_text
        assert jobs.grid.row_count == 6


@pytest.mark.usefixtures("beside")
async def test_a_large_paste_and_pseudonyms(path: Path) -> None:
    async with opened(path.parent) as seat:
        seat.main.mapping.pasted("A\tB\nC\tD\n")
        await seat.settle()
        await saved(seat)
        assert column(path, "pseudo_id")[:2] == ["A", "C"]
        await seat.press("u", "a")
        await seat.press("enter")
        await saved(seat)
        assert column(path, "pseudo_id")[2] == "LUNG-007"


async def test_pseudonyms_are_not_given_to_rows_that_moved(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("a")
        lines = fakes.MAPPING.splitlines(keepends=True)
        write_as_others_do(path, "".join([*lines[:-3], *lines[-1:], *lines[-3:-1]]))
        seat.main.mapping.file.look()
        await seat.settle()
        await seat.press("enter")
        assert "look at the pseudonyms again" in seat.said
        await seat.press("enter")
        await saved(seat)
    assert column(path, "source")[0] == "folder:data/patient2"
    assert column(path, "pseudo_id") == ["LUNG-007", "LUNG-001", "LUNG-002"]


# -- the dry run -------------------------------------------------------------------------


def plan_of(seat: Seat) -> PlanScreen:
    screen = seat.app.screen
    assert isinstance(screen, PlanScreen)
    return screen


def words(screen: PlanScreen) -> str:
    return str(screen.query("Static").first().render())


@pytest.mark.parametrize("what", ["mapping", "batch", "record"])
async def test_a_dry_run_that_is_out_of_date_creates_nothing(
    path: Path, server: MockClient, what: str
) -> None:
    before = len(server.jobs())
    async with opened(path.parent) as seat:
        await seat.press("c")
        assert "to create on p01" in words(plan_of(seat))
        if what == "mapping":
            write_as_others_do(path)
        elif what == "batch":
            fakes.write_batch(path.parent, fakes.JOBS[:2])
        else:
            (path.parent / ".anonbatch-created").write_text("")
        await seat.press("c")  # whoever is quicker than the look at the files
        assert len(server.jobs()) == before
        await seat.press("c")
        plan_of(seat).project_loaded()
        await seat.settle()
    assert len(server.jobs()) == before


async def test_an_outdated_dry_run_says_so_and_is_made_anew(path: Path, server: MockClient) -> None:
    async with opened(path.parent) as seat:
        await seat.press("c")
        write_as_others_do(path, fakes.MAPPING.replace("LUNG-002", "LUNG-902"))
        plan_of(seat).project_loaded()
        await seat.settle()
        assert words(plan_of(seat)) == (
            "✖ Out of date: the mapping or the batch was changed. r looks again."
        )
        await seat.press("c")
        assert isinstance(seat.app.screen, PlanScreen)
        seat.main.mapping.file.look()
        await seat.settle()
        await seat.press("r")
        assert "to create on p01" in words(plan_of(seat))
        assert "LUNG-902" in {job.pseudonym for job in plan_of(seat)._rows.plan.jobs}
        before = len(server.jobs())
        await seat.press("c")
        assert len(server.jobs()) == before + 2


# -- copy and export ---------------------------------------------------------------------


async def test_rows_are_copied_as_csv(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("G", "space", "Y")
        lines = list(csv.reader(io.StringIO(seat.app.clipboard)))
        assert lines == [
            ["#", "source", "pseudo_id", "pseudo_name", "description"],
            ["3", "folder:data/patient2", "", "", "no pseudonym yet"],
        ]


@pytest.mark.parametrize("how", ["csv", "xlsx", "json"])
@pytest.mark.parametrize("name", ["mapping", "batch", "files"])
async def test_what_is_shown_is_exported(project: Path, name: str, how: str) -> None:
    to = project / f"out.{how}"
    async with opened(project) as seat:
        await seat.go_to(name)
        seat.app.front.current.filter_by({"batch": "status:done"}.get(name, "data"))
        count = seat.app.front.current.grid.row_count
        await seat.press("ctrl+e", "ctrl+u", "ctrl+k")
        await seat.type(to.name)
        await seat.press("enter")
        assert f"{count} row{'s'[: count != 1]} written to {to.name}" == seat.said
    if how == "json":
        found = [list(row.values()) for row in json.loads(to.read_text())]
    elif how == "csv":
        found = list(csv.reader(io.StringIO(to.read_text("utf-8-sig"))))[1:]
    else:
        sheet = openpyxl.load_workbook(to).active
        assert sheet is not None
        found = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(found) == count > 0
    first = {"mapping": "1", "batch": "1041", "files": str(project / "data")}[name]
    assert found[0][0] == first
    if name == "batch":
        assert found[0][1] == "DONE"


async def test_an_export_without_a_format_writes_nothing(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("ctrl+e", "ctrl+u", "ctrl+k")
        await seat.type("out.doc")
        await seat.press("enter")
        assert "Let it end in .csv, .xlsx or .json" in seat.said
    assert not (project / "out.doc").exists()


async def test_the_empty_mapping_names_the_key_that_is_bound(project: Path) -> None:
    settings = project.parent / "settings.yml"
    settings.write_text(settings.read_text() + "keys:\n  mapping.add-row: f6\n")
    (project / "anon_mapping.csv").write_text(fakes.MAPPING.partition("folder:")[0])
    async with opened(project) as seat:
        assert seat.main.mapping.grid.empty.endswith("or add a row here with f6.")
    assert Mapping.load(project / "anon_mapping.csv").records == []
