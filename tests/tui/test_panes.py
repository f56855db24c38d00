"""The panes, on a project folder with real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anontui.project.mapping import Mapping
from anontui.tui.screens.confirm import ConfirmScreen
from tests.tui import fakes
from tests.tui.fakes import LARGE, SMALL, WIDE, Seat, opened

THEIRS = fakes.MAPPING.replace("baseline", "from Excel")


@pytest.fixture
def path(project: Path) -> Path:
    """The mapping's file."""
    return project / "anon_mapping.csv"


def column(path: Path, name: str) -> list[str]:
    """A column of the mapping on disk."""
    mapping = Mapping.load(path)
    return [mapping.cell(row, name) for row in range(len(mapping.rows))]


def write_as_others_do(path: Path, text: str = THEIRS) -> None:
    """Change the file as another program does, at another time than the last one."""
    path.write_text(text)
    os.utime(path, ns=(1, 1))


async def saved(seat: Seat) -> None:
    """Wait until the mapping is on disk."""
    await seat.until(lambda: "saved" in seat.title("mapping"))


async def edit(seat: Seat, text: str) -> None:
    """Type a text over what is in the cell under the cursor."""
    await seat.pilot.press("e", "end", "ctrl+u")
    await seat.type(text)
    await seat.pilot.press("enter")


# -- editing the mapping -----------------------------------------------------------------


async def test_an_edited_cell_is_saved_and_undone(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("down", "down", "e")
        await seat.type("LUNG-003")
        assert column(path, "pseudo_id")[2] == ""  # not before enter
        await seat.press("enter")
        assert "saving" in seat.title("mapping")
        await saved(seat)
        assert column(path, "pseudo_id") == ["LUNG-001", "LUNG-002", "LUNG-003"]
        await seat.press("u")
        assert seat.said == "undo: edit pseudo_id of row 3"
        await saved(seat)
        assert path.read_text() == fakes.MAPPING
        await seat.press("U")
        await saved(seat)
        assert column(path, "pseudo_id")[2] == "LUNG-003"
        await seat.press("u", "u")
        assert seat.said == "nothing to undo"


async def test_escape_leaves_the_cell_as_it_is(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("e")
        await seat.type("xyz")
        await seat.press("escape")
        assert not seat.main.mapping.grid.editing
        assert "saved" in seat.title("mapping")
    assert path.read_text() == fakes.MAPPING


async def test_letters_typed_into_a_cell_are_no_actions(path: Path) -> None:
    async with opened(path.parent) as seat:
        await edit(seat, "qxzu?c/:123")
        await saved(seat)
        assert column(path, "pseudo_id")[0] == "qxzu?c/:123"
        assert seat.app.screen is seat.main
        assert seat.main.current is seat.main.mapping


async def test_deleted_rows_come_back(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("space", "space")
        assert "2 marked" in seat.title("mapping")
        await seat.press("D")
        assert seat.said == "2 rows deleted, u brings them back"
        await saved(seat)
        assert column(path, "source") == ["folder:data/patient2"]
        assert "marked" not in seat.title("mapping")
        await seat.press("u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def test_an_added_row_is_edited_and_saved(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("plus")
        assert "4 rows" in seat.title("mapping")
        await seat.press("left")
        await edit(seat, "folder:data/patient9")
        await saved(seat)
        assert column(path, "source")[3] == "folder:data/patient9"


async def test_an_option_is_set(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("p", "ctrl+u")
        await seat.type("Heart")
        await seat.press("enter")
        await saved(seat)
        assert Mapping.load(path).option("project") == "Heart"
        assert "project Heart" in str(seat.main.mapping.options.render())
        await seat.press("p")
        await seat.type("xyz")
        await seat.press("escape")
        assert Mapping.load(path).option("project") == "Heart"


async def test_the_row_under_the_cursor_says_what_is_wrong(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("G")
        assert "pseudonym" in seat.said


async def test_a_mapping_is_made(bare: Path) -> None:
    async with opened(bare) as seat:
        await seat.press("i")
        await seat.settle()
        assert seat.title("mapping") == "3 Mapping · 0 rows · saved"
        await seat.press("i")
        assert seat.said.endswith("this folder has a mapping already")
    assert len(Mapping.load(bare / "anon_mapping.csv").rows) == 0


# -- other programs at the same file ------------------------------------------------------


async def test_a_change_from_outside_is_taken_over(path: Path) -> None:
    async with opened(path.parent) as seat:
        write_as_others_do(path)
        seat.main.mapping.file.look()
        await seat.settle()
        assert seat.said == "Another program changed 1 row, taken over; u takes it back"
        assert "saved" in seat.title("mapping")
        assert seat.main.mapping.rows().cells(0)[4] == "from Excel"


async def test_nothing_is_taken_over_while_a_cell_is_edited(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("e")
        await seat.type("9")
        write_as_others_do(path)
        seat.main.mapping.file.look()
        await seat.settle()
        assert seat.main.mapping.grid.editing
        assert seat.main.mapping.rows().cells(0)[4] == "baseline"
        await seat.press("enter")
        await saved(seat)
        assert column(path, "pseudo_id")[0] == "LUNG-0019"
        assert column(path, "description")[0] == "from Excel"


async def test_edits_of_other_cells_are_merged(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("down", "down")
        write_as_others_do(path)
        await edit(seat, "LUNG-003")
        await saved(seat)
        assert column(path, "pseudo_id")[2] == "LUNG-003"
        assert column(path, "description")[0] == "from Excel"
        await seat.press("u", "u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def conflict(seat: Seat, path: Path) -> None:
    """An edit of ours and one of theirs of the same cell at the same time."""
    await seat.press("right", "right")
    write_as_others_do(path)
    await edit(seat, "ours")
    await seat.until(lambda: "1 clash:" in seat.title("mapping"))
    assert path.read_text() == THEIRS


async def test_conflict_w_writes_ours_after_a_question(path: Path) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.press("W")
        assert isinstance(seat.app.screen, ConfirmScreen)
        await seat.press("escape")
        assert path.read_text() == THEIRS
        await seat.press("W", "enter")
        await saved(seat)
        assert column(path, "description")[0] == "ours"


async def test_conflict_r_takes_theirs_and_undo_brings_ours(path: Path) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.press("R")
        assert "saved" in seat.title("mapping")
        assert seat.main.mapping.rows().cells(0)[4] == "from Excel"
        assert path.read_text() == THEIRS
        await seat.press("u")
        await saved(seat)
        assert column(path, "description")[0] == "ours"


@pytest.mark.parametrize(("key", "text"), [("right", "from Excel"), ("left", "ours")])
async def test_conflict_m_decides_place_by_place(path: Path, key: str, text: str) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.press("M")
        await seat.press(key, "enter")
        await saved(seat)
        assert column(path, "description")[0] == text
        await seat.press("M")
        assert seat.said.endswith("nobody else changed the same cells")


async def test_conflict_that_is_put_off_stays(path: Path) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.press("M", "escape")
        assert "1 clash:" in seat.title("mapping")
        assert path.read_text() == THEIRS


async def test_conflict_sends_no_jobs(path: Path) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.press("c")
        assert seat.said.startswith("Create: first decide")
        assert seat.app.screen is seat.main


async def test_conflict_at_quit_comes_back(path: Path) -> None:
    async with opened(path.parent) as seat:
        await conflict(seat, path)
        await seat.pilot.press("q")
        await seat.pilot.pause()
    assert path.read_text() == THEIRS
    async with opened(path.parent) as seat:
        assert "1 clash:" in seat.title("mapping")
        assert seat.main.mapping.rows().cells(0)[4] == "ours"
        await seat.press("M", "H", "enter")
        await saved(seat)
    assert column(path, "description")[0] == "ours"


async def test_a_cell_that_was_open_at_the_end_is_open_again(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("down", "e", "end")
        await seat.type("-typed")
        seat.app.close()
        await seat.pilot.pause()
    async with opened(path.parent) as seat:
        editing = seat.main.mapping.grid.editing
        assert editing is not None
        assert editing.text == "LUNG-002-typed"
        assert "here again" in seat.said
        await seat.press("enter")
        await saved(seat)
    assert column(path, "pseudo_id")[1] == "LUNG-002-typed"
    async with opened(path.parent) as seat:
        assert "again" not in seat.said


async def test_quitting_at_once_saves_the_last_edit(path: Path) -> None:
    async with opened(path.parent) as seat:
        await edit(seat, "LAST")
        await seat.pilot.press("q")
        await seat.pilot.pause()
    assert column(path, "pseudo_id")[0] == "LAST"
    assert not path.with_name("anon_mapping.unsaved.csv").exists()


# -- files -------------------------------------------------------------------------------


def shown(seat: Seat) -> list[str]:
    """The names in the tree."""
    rows = seat.main.files.rows()
    return [rows.key(at).name for at in range(len(rows))]


async def test_folders_open_and_close(project: Path) -> None:
    async with opened(project) as seat:
        assert shown(seat) == ["lung-ct", "data", "notes", "anon_mapping.csv"]
        await seat.press("2", "down", "right")
        assert shown(seat)[1:4] == ["data", "patient1", "patient2"]
        await seat.press("right", "left")  # to the first child, and back to its parent
        assert seat.main.files.key == project / "data"
        await seat.press("left")
        assert shown(seat) == ["lung-ct", "data", "notes", "anon_mapping.csv"]
        (project / "new").mkdir()
        await seat.press("R")
        assert "new" in shown(seat)


async def test_reading_again_keeps_the_cursor(project: Path) -> None:
    """Else the next key is about another folder than the one that was looked at."""
    async with opened(project) as seat:
        await seat.press("2", "down", "right", "down", "down")
        assert seat.main.files.key == project / "data" / "patient2"
        await seat.press("R")
        assert seat.main.files.key == project / "data" / "patient2"


async def test_a_marked_folder_is_looked_into(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("2", "down", "right", "down", "space")
        assert "1 marked" in seat.title("files")
        assert seat.main.files._rows.nodes[2].note == ("2 of 2 CT", "good")
        await seat.press("G", "up", "space")
        assert "2 marked" in seat.title("files")
        assert any(node.note[0] == "no DICOM" for node in seat.main.files._rows.nodes)
        await seat.press("escape")
        assert "marked" not in seat.title("files")


async def test_marked_folders_become_selections_and_rows(path: Path) -> None:
    project = path.parent
    path.write_text(fakes.MAPPING.split("folder:data/patient1")[0])
    async with opened(project) as seat:
        await seat.press("2", "down", "right", "down", "space", "space", "a")
        assert seat.said == "2 rows added to the mapping"
        assert seat.main.current is seat.main.mapping
        assert "2 rows" in seat.title("mapping")
        await saved(seat)
    assert (project / "data" / "patient1" / "fileselection.txt").exists()
    sources = column(path, "source")
    assert sources == [
        rf"fileselection:data{sep}patient{number}{sep}fileselection.txt"
        for number in (1, 2)
        for sep in ["\\" if "\\" in sources[0] else "/"]
    ]


async def test_a_folder_that_is_already_there_adds_no_row(path: Path) -> None:
    path.write_text(fakes.MAPPING.split("folder:data/patient1")[0])
    async with opened(path.parent) as seat:
        await seat.press("2", "down", "right", "down", "a")
        await seat.press("2")
        seat.main.files.grid.move_cursor(key=path.parent / "data" / "patient1")
        await seat.press("a")
        assert seat.said == "0 rows added to the mapping, 1 already there"
        assert "1 row " in seat.title("mapping")


async def test_a_folder_without_dicom_is_told(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("2", "down", "down", "a")
        assert seat.said == "0 rows added to the mapping"
        assert seat.app._notifications
    assert path.read_text() == fakes.MAPPING


# -- filter, Esc, layout -------------------------------------------------------------------


async def test_the_filter_narrows_while_it_is_typed(project: Path) -> None:
    async with opened(project) as seat:
        grid = seat.main.mapping.grid
        await seat.press("slash")
        await seat.type("follow")
        await seat.pilot.pause()
        assert grid.row_count == 1
        await seat.press("enter")
        assert "/follow · 1 shown" in seat.title("mapping")
        await seat.press("slash", "escape")
        assert grid.row_count == 3
        assert "shown" not in seat.title("mapping")


async def test_a_filter_by_column_and_not(project: Path) -> None:
    async with opened(project) as seat:
        jobs = seat.main.jobs
        for text, count in [("status:done", 2), ("!status:done", 4), ("id:104", 6), ("zzz", 0)]:
            jobs.filter_by(text)
            assert jobs.grid.row_count == count


async def test_escape_drops_marks_then_filter_then_zoom(project: Path) -> None:
    async with opened(project) as seat:
        pane = seat.main.jobs
        await seat.press("4", "z", "slash")
        await seat.type("done")
        await seat.press("enter", "space")

        def state() -> tuple[bool, str, bool]:
            return bool(pane.grid.marks), pane.filter_text, seat.main.zoomed

        assert state() == (True, "done", True)
        await seat.press("escape")
        assert state() == (False, "done", True)
        await seat.press("escape")
        assert state() == (False, "", True)
        await seat.press("escape")
        assert state() == (False, "", False)


def visible(seat: Seat) -> list[str | None]:
    """The panes that have room on the screen."""
    return [pane.id for pane in seat.main.panes if pane.region.area]


@pytest.mark.parametrize(("size", "count"), [(SMALL, 1), ((80, 60), 1), (WIDE, 4), (LARGE, 4)])
async def test_panes_that_fit(project: Path, size: tuple[int, int], count: int) -> None:
    async with opened(project, size) as seat:
        assert len(visible(seat)) == count
        assert seat.main.tabs.display == (count == 1)


async def test_one_pane_at_a_time(project: Path) -> None:
    async with opened(project, SMALL) as seat:
        for number, name in enumerate(("servers", "files", "mapping", "batch"), 1):
            await seat.press(str(number))
            assert visible(seat) == [name]
        await seat.press("tab")
        assert visible(seat) == ["servers"]
        await seat.press("shift+tab")
        assert visible(seat) == ["batch"]
        assert seat.main.panes[3].region.width == 80


async def test_zoom_and_back(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("4", "z")
        assert visible(seat) == ["batch"]
        await seat.press("z")
        assert len(visible(seat)) == 4


async def test_resizing_changes_the_layout(project: Path) -> None:
    async with opened(project) as seat:
        await seat.pilot.resize_terminal(*SMALL)
        await seat.pilot.pause()
        assert visible(seat) == ["mapping"]
        await seat.pilot.resize_terminal(*WIDE)
        await seat.pilot.pause()
        assert len(visible(seat)) == 4
