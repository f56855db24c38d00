"""What actions do beyond the panes: by key or palette, on files and on a server's memory."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from anontui.idis.model import Job, JobRequest, JobStatus
from anontui.idis.testresources import MockClient
from anontui.operations import mounts, servers
from anontui.project.batch import Batch
from anontui.project.editor import MappingEditor
from anontui.project.selection import Selection
from anontui.settings import Settings, load
from anontui.tui.catalog import ACTIONS
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.job import JobScreen
from anontui.tui.screens.jobs import JobsScreen
from anontui.tui.screens.plan import PlanScreen
from anontui.tui.screens.text import TextScreen
from tests.tui import fakes
from tests.tui.fakes import SERVERS, SHARE, Opened, Seat, opened


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> MockClient:
    """A server that has the batch's jobs, and one more."""
    client = MockClient([*fakes.JOBS, fakes.job(2000, JobStatus.DONE)])
    monkeypatch.setattr(servers, "connect", lambda *_, **__: nullcontext(client))
    return client


def saved(project: Path) -> Settings:
    return load(project.parent / "settings.yml")


def ids(project: Path) -> tuple[int, ...]:
    batch = Batch.load(project)
    return batch.job_ids if batch else ()


async def palette(seat: Seat, action_id: str) -> None:
    """Run an action as the palette does."""
    seat.app.run_action_named(seat.app.registry.actions[action_id])
    await seat.settle()


async def answer(seat: Seat, text: str) -> None:
    """Replace what a prompt proposes, and take it."""
    await seat.press("ctrl+u", "ctrl+k")
    await seat.type(text)
    await seat.press("enter")


def shown(seat: Seat) -> str:
    """What the open dialog says."""
    return "\n".join(str(widget.render()) for widget in seat.app.screen.query("Static"))


def is_open(seat: Seat, kind: type) -> bool:
    return isinstance(seat.app.screen, kind)


def test_every_act_is_there() -> None:
    """Those that are imported late, too."""
    from importlib import import_module

    late = [action.run for action in ACTIONS if action.run.__qualname__.startswith("late.")]
    assert len(late) > 20
    for run in late:
        module, name, *_ = (cell.cell_contents for cell in run.__closure__ or ())
        assert callable(getattr(import_module(f"anontui.tui.acts.{module}"), str(name)))


# -- servers and jobs --------------------------------------------------------------------


async def test_newest_jobs_are_looked_at_added_and_changed(
    project: Path, server: MockClient
) -> None:
    async with opened(project) as seat:
        await seat.press("1", "n")
        assert is_open(seat, JobsScreen)
        await seat.press("i")
        assert is_open(seat, JobScreen)
        await seat.press("escape")
        await seat.press("a")
        assert ids(project)[-1] == 2000
        await seat.press("space", "space", "c")
        assert is_open(seat, ConfirmScreen)
        await seat.press("enter")
        assert seat.said == "Cancel: 2 done, 0 failed"
        assert server.job(2000).status is JobStatus.INACTIVE
        assert server.job(1046).status is JobStatus.INACTIVE
        assert seat.app.screen is seat.main


async def test_any_jobs_by_their_ids(project: Path, server: MockClient) -> None:
    async with opened(project) as seat:
        await palette(seat, "job.list")
        await answer(seat, "2000,7")
        assert is_open(seat, JobsScreen)
        await seat.press("r", "enter")
        assert server.job(2000).status is JobStatus.ACTIVE
        await palette(seat, "job.list")
        await answer(seat, "9-7")
        assert "runs backwards" in seat.said


async def test_readonly_changes_no_listed_job(project: Path, server: MockClient) -> None:
    before = ids(project)
    async with opened(project, readonly=True) as seat:
        await seat.press("1", "n")
        for key in "rcoa":
            await seat.press(key)
            assert is_open(seat, JobsScreen) and "read-only" in seat.said
    assert ids(project) == before


async def test_a_server_says_what_is_wrong(
    project: Path, server: MockClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"p01": fakes.UP, "sandbox": fakes.DOWN}
    monkeypatch.setattr(servers, "probe", lambda settings, one: states[one.name])
    async with opened(project) as seat:
        await seat.press("1", "r")
        assert seat.said == "p01 is up: 42 ms"
        await seat.press("down", "r")
        assert seat.said == "sandbox is down: No answer. Check the server's url."


# -- the batch ---------------------------------------------------------------------------


async def test_batch_made_filled_emptied_forgotten(project: Path) -> None:
    (project / ".anonbatch").unlink()
    async with opened(project) as seat:
        await palette(seat, "batch.init")
        assert Batch.load(project) == Batch((), "p01", SERVERS[0].url)
        await seat.press("4", "a")
        await answer(seat, "3, 10-12")
        assert ids(project) == (3, 10, 11, 12)
        await seat.press("down", "D")
        assert "Take job 10 out of the batch?" in shown(seat)
        await seat.press("enter")
        assert ids(project) == (3, 11, 12)
        await seat.press("space", "space", "delete", "n")
        assert ids(project) == (3, 11, 12)
        await palette(seat, "batch.delete")
        await seat.press("enter")
        assert Batch.load(project) is None


async def test_what_are_no_ids(project: Path) -> None:
    before = ids(project)
    async with opened(project) as seat:
        await seat.press("4", "a")
        await answer(seat, "abc")
        assert "'abc' is no job id" in seat.said
    assert ids(project) == before


async def test_errors_with_advice(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("4", "e")
        assert "1043  HTTP Error 404" in shown(seat) and "After 30 minutes" in shown(seat)


async def test_the_advice_is_a_key_away(project: Path, server: MockClient) -> None:
    async with opened(project) as seat:
        await seat.press("4", "down", "down", "i")
        assert "r reset it" in str(seat.app.screen.query_one(".box").border_subtitle)
        await seat.press("r")
        assert "Reset job 1043 on p01?" in shown(seat)
        await seat.press("enter")
        assert server.job(1043).status is JobStatus.ACTIVE


async def test_an_opt_out_is_ignored_for_a_reason(
    project: Path, server: MockClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, str]] = []

    def ignore(job_id: int, reason: str) -> Any:
        given.append((job_id, reason))
        return server.job(job_id)

    monkeypatch.setattr(server, "ignore_opt_out", ignore)
    async with opened(project) as seat:
        await seat.press("4", "o")
        await answer(seat, "")
        assert "for a reason only" in seat.said and not given
        await seat.press("space", "space", "o")
        await answer(seat, "consent 7")
        assert "Ignore opt-out of 2 jobs on p01?" in shown(seat)
        await seat.press("enter")
        assert sorted(given) == [(1041, "consent 7"), (1042, "consent 7")]


@pytest.mark.parametrize("action", ["batch.reset", "batch.cancel"])
async def test_the_whole_batch(project: Path, server: MockClient, action: str) -> None:
    status = JobStatus.ACTIVE if action == "batch.reset" else JobStatus.INACTIVE
    async with opened(project) as seat:
        await palette(seat, action)
        assert "6 jobs on p01?" in shown(seat)
        await seat.press("enter")
        assert {server.job(job.job_id).status for job in fakes.JOBS} == {status}
        assert server.job(2000).status is JobStatus.DONE


async def test_export(project: Path) -> None:
    path = project / "jobs.xlsx"
    async with opened(project) as seat:
        await seat.press("4", "s")
        await answer(seat, "jobs.xlsx")
        await seat.press("enter")  # the columns are what they are taken for
        assert seat.said == "6 jobs written to jobs.xlsx"
        sheet = openpyxl.load_workbook(path).active
        assert sheet is not None and sheet.max_row == 7
        path.write_text("mine")
        await seat.press("s")
        await answer(seat, "jobs.xlsx")
        await seat.press("enter")  # the columns are what they are taken for
        await seat.press("n")
        assert path.read_text() == "mine"


# -- the mapping and selections ----------------------------------------------------------


async def test_accession_numbers_become_rows(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("3", "n")
        await answer(seat, "1234567.1 1234567.2, 1234567.12345678")
        assert seat.said == "2 rows added to the mapping, 1 already there"
    rows = MappingEditor.load(project / "anon_mapping.csv").mapping
    assert rows.cell(4, "source") == "accession_number:1234567.2"


@pytest.mark.parametrize("typed", ["pseudonyms", "no"])
async def test_names_are_taken_as_pseudonyms_only_after_a_question(
    project: Path, typed: str
) -> None:
    (project / "numbers.csv").write_text("accession number,name\n1234567.5,LUNG-005\n")
    async with opened(project) as seat:
        await seat.press("3", "n")
        await answer(seat, "numbers.csv")
        await seat.press("enter")  # the columns are what they are taken for
        assert "real names" in shown(seat)
        await seat.type(typed)
        await seat.press("enter")
        assert ("1 row added" in seat.said) == (typed == "pseudonyms")
    mapping = MappingEditor.load(project / "anon_mapping.csv").mapping
    assert len(mapping.rows) == (4 if typed == "pseudonyms" else 3)


async def test_folders_of_an_input_file(project: Path) -> None:
    (project / "folders.csv").write_text("folder,pseudonym\ndata/patient1,A-1\nnowhere,A-2\n")
    async with opened(project) as seat:
        await seat.press("3", "n")
        await answer(seat, "folders.csv")
        await seat.press("enter")  # the columns are what they are taken for
        assert "1 row added to the mapping" in seat.said
    mapping = MappingEditor.load(project / "anon_mapping.csv").mapping
    assert mapping.cell(3, "pseudo_id") == "A-1"
    assert "fileselection" in mapping.cell(3, "source")


async def test_check_only_looks(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("3", "v")
        assert is_open(seat, PlanScreen)
        await seat.press("c")
        assert is_open(seat, PlanScreen)


async def test_marked_rows_are_created_alone(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("3", "space", "c")
        assert is_open(seat, PlanScreen) and "1 to create on p01" in shown(seat)
        await seat.press("escape", "down", "space", "escape")
        await seat.press("down", "space", "c")
        assert seat.said == "Create: the marked rows have no pseudonym"


async def test_what_was_created_before_a_cancel_is_shown(
    project: Path, server: MockClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".anonbatch").unlink()
    held = threading.Event()
    make = server.create

    def slow(request: JobRequest) -> Job:
        if request.anonymizedpatientid == "LUNG-002":
            held.wait(20)
        return make(request)

    monkeypatch.setattr(server, "create", slow)
    async with opened(project) as seat:
        await seat.press("3", "space", "space", "c")
        await seat.pilot.press("c")
        await seat.until(lambda: len(server.jobs()) == 8)
        seat.app.cancel_newest()
        held.set()
        await seat.settle()
        assert "cancelled" in seat.said
        await seat.until(lambda: len(seat.app.model.job_ids()) == 2)


async def test_the_mapping_is_made_active_and_deleted(project: Path) -> None:
    path = project / "anon_mapping.csv"
    async with opened(project) as seat:
        await palette(seat, "map.activate")
        assert saved(project).active_mapping_file == str(path)
        await palette(seat, "map.delete")
        await seat.press("enter")  # the word is not typed
        assert path.exists()
        await seat.type("delete")
        await seat.press("enter")
        assert not path.exists() and seat.app.model.editor is None
    assert saved(project).active_mapping_file is None and not path.exists()


async def test_a_selection_is_made_shown_added_deleted(project: Path) -> None:
    path = project / "data" / "fileselection.txt"
    async with opened(project) as seat:
        await seat.press("2", "down", "s")
        await answer(seat, "*.dcm")
        assert seat.said == "The selection holds 4 files"
        await seat.press("i")
        assert is_open(seat, TextScreen) and "patient2/slice1.dcm" in shown(seat)
        await seat.press("escape", "f")
        assert "1 row added" in seat.said
        await seat.press("2", "D", "n")
        assert len(Selection.load(path).paths) == 4
        await seat.press("D", "enter")
        assert not path.exists()
        await seat.press("i")
        assert "has no selection" in seat.said


# -- settings and shares -----------------------------------------------------------------


async def test_settings_are_changed(project: Path) -> None:
    async with opened(project) as seat:
        await palette(seat, "settings.set-username")
        await answer(seat, "z9")
        assert saved(project).user_name == "z9"
        await palette(seat, "settings.get-token")
        await seat.press("n")
        assert saved(project).user_token == "secret"
        await palette(seat, "settings.get-token")
        await seat.press("enter")
        assert len(saved(project).user_token) == 64
        await palette(seat, "settings.set-validate-ssl")
        await seat.press("enter")
        assert saved(project).validate_ssl is False
        await palette(seat, "settings.set-validate-ssl")
        assert saved(project).validate_ssl is True
        await palette(seat, "create.set-defaults")
        await answer(seat, "Lung")
        await answer(seat, "/mnt/out")
        assert "not a UNC path" in seat.said and saved(project).job_defaults == {}


async def test_shares(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        mounts.Mount(r"\\nas\mri", "/mnt/mri", True),
        mounts.Mount(r"\\nas\ct", "/mnt/ct", False),
    ]
    monkeypatch.setattr("anontui.operations.paths.proposals", lambda workspace, **_: found)
    async with opened(project) as seat:
        await palette(seat, "paths.add")
        await answer(seat, r"\\srv\more")
        await answer(seat, "data")
        assert (r"\\srv\more", project / "data") in saved(project).shares.pairs
        await palette(seat, "paths.show")
        assert rf"{SHARE}\lung-ct" in shown(seat) and r"\\srv\more" in shown(seat)
        await seat.press("escape")
        await palette(seat, "paths.remove")
        await answer(seat, r"\\srv\more")
        assert len(saved(project).shares.pairs) == 1
        await palette(seat, "paths.confirm")
        assert r"Is /mnt/mri the share \\nas\mri?" in shown(seat)
        await seat.press("n")
        assert "This is a guess" in shown(seat)
        await seat.press("y")
        assert saved(project).shares.pairs[-1] == (r"\\nas\ct", Path("/mnt/ct"))


# -- the user's own editor ---------------------------------------------------------------


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], None]:
    """An editor that replaces one text by another."""

    def editor(old: str, new: str) -> None:
        program = tmp_path / "editor.py"
        program.write_text(
            "import sys\nfrom pathlib import Path\npath = Path(sys.argv[-1])\n"
            f"path.write_text(path.read_text().replace({old!r}, {new!r}))\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")
        monkeypatch.setattr(Opened, "suspend", lambda _: nullcontext())

    return editor


async def test_files_in_an_editor(project: Path, editor: Callable[[str, str], None]) -> None:
    async with opened(project) as seat:
        editor("LUNG-001", "LUNG-100")
        await seat.press("3", "E")
        await seat.until(lambda: seat.app.model.editor)
        rows = seat.app.model.editor
        assert rows and rows.mapping.cell(0, "pseudo_id") == "LUNG-100"
        editor("z123456", "z7")
        await palette(seat, "settings.edit")
        assert saved(project).user_name == "z7"
        await seat.press("2", "down", "s")
        await answer(seat, "*.dcm")
        editor("- patient1/slice1.dcm\n", "")
        await seat.press("e")
        assert seat.said == "The selection holds 3 files"
        editor("selected_paths", "[")
        await seat.press("e")
        assert seat.said.startswith("The file selection")


async def test_no_editor_is_no_crash(
    project: Path, editor: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as seat:
        await seat.press("3", "E")
        assert seat.said == "This terminal cannot be left for an editor"
        editor("", "")
        monkeypatch.setenv("EDITOR", "/no/such/editor")
        await seat.press("E")
        assert "No editor could be started" in seat.said


async def test_where_one_stands_is_shown_without_the_token(project: Path) -> None:
    async with opened(project) as seat:
        await palette(seat, "app.status")
        assert "6 jobs on p01" in shown(seat)
        assert "secret" not in shown(seat)
