"""Many cells of the mapping at once, pseudonyms, input files, columns: by keys, on real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events

from anontui.project.mapping import Mapping
from tests.tui import fakes
from tests.tui.fakes import Seat, opened
from tests.tui.test_panes import column, saved


@pytest.fixture
def path(project: Path) -> Path:
    """The mapping's file."""
    return project / "anon_mapping.csv"


async def paste(seat: Seat, text: str) -> None:
    """What a terminal sends when one pastes."""
    seat.main.mapping.grid.post_message(events.Paste(text))
    await seat.pilot.pause()
    await seat.settle()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])  # a terminal sends carriage returns
async def test_cells_that_fit_are_pasted_and_undone_at_once(path: Path, end: str) -> None:
    async with opened(path.parent) as seat:
        await paste(seat, f"A\tB{end}C\tD{end}")
        assert seat.said == "4 cells pasted, u takes it back"
        await saved(seat)
        assert column(path, "pseudo_id")[:2] == ["A", "C"]
        assert column(path, "pseudo_name")[:2] == ["B", "D"]
        await seat.press("u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def test_what_overflows_is_shown_first(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("G")
        await paste(seat, "A\tB\nC\tD\tE\tF\n")
        text = seat.app.screen.query_one(".question").render()
        assert "1 new row at the end" in str(text)
        await seat.press("escape")
        assert path.read_text() == fakes.MAPPING
        await paste(seat, "A\tB\nC\tD\tE\tF\n")
        await seat.press("enter")
        await saved(seat)
        assert column(path, "pseudo_id")[2:] == ["A", "C"]
        await seat.press("u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def test_pasting_follows_the_order_that_is_shown(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("right", "right", "S", "S")  # by description, falling
        assert seat.main.mapping.grid.columns[4].label == "description ▼"
        await seat.press("g", "left", "left")
        await paste(seat, "first\nsecond\nthird")
        await saved(seat)
        assert column(path, "pseudo_id") == ["third", "second", "first"]


async def test_nothing_is_pasted_when_read_only(path: Path) -> None:
    async with opened(path.parent, readonly=True) as seat:
        await paste(seat, "A\tB")
        assert "read-only" in seat.said
    assert path.read_text() == fakes.MAPPING


async def test_a_range_is_filled_cleared_and_copied(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("shift+right", "shift+down", "shift+down")
        assert seat.main.mapping.grid.range == (range(3), range(2, 4))
        await seat.press("y")
        assert seat.app.clipboard.split("\n")[0] == "LUNG-001\tLUNG-001"
        await seat.press("f")
        await saved(seat)
        assert column(path, "pseudo_name") == ["LUNG-001"] * 3
        await seat.press("g", "shift+down", "backspace")
        await saved(seat)
        await seat.press("u", "u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def test_escape_drops_the_range_first(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("space", "shift+down")
        grid = seat.main.mapping.grid
        before = grid.has_range, bool(grid.marks)
        await seat.press("escape")
        assert (before, (grid.has_range, bool(grid.marks))) == ((True, True), (False, True))


async def test_fill_from_above_goes_on(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("down", "f", "f")
        await saved(seat)
        assert column(path, "pseudo_id") == ["LUNG-001"] * 3


async def test_rows_are_copied(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("equals_sign")
        await saved(seat)
        assert column(path, "source")[:2] == ["folder:data/patient1"] * 2
        assert seat.main.mapping.grid.cursor_row == 1


async def test_pseudonyms_are_shown_and_then_given(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("a")
        grid = seat.app.screen.query_one("Grid")
        assert "LUNG-007" in str(grid.render_line(1).text)
        assert path.read_text() == fakes.MAPPING
        await seat.press("enter")
        await saved(seat)
        # jobs have LUNG-003 to LUNG-006: nobody else shall get these
        assert column(path, "pseudo_id") == ["LUNG-001", "LUNG-002", "LUNG-007"]
        assert column(path, "pseudo_name")[2] == "LUNG-007"


async def test_a_bad_recipe_gives_nothing(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press("a", "ctrl+u")
        await seat.type("LUNG")
        await seat.press("enter")
        assert seat.app.screen is not seat.main
        await seat.press("escape")
    assert path.read_text() == fakes.MAPPING


async def test_a_bad_cell_says_why_while_it_is_typed(path: Path) -> None:
    async with opened(path.parent) as seat:
        grid = seat.main.mapping.grid
        await seat.press("left", "e", "end")
        await seat.type("/..")
        await seat.pilot.pause()
        assert seat.said == "source: The path holds '..'; write it without"
        assert grid.edit_problem
        await seat.press("backspace", "backspace", "backspace")
        assert not grid.edit_problem
        assert "enter takes it" in seat.said
        await seat.press("escape")


async def imported(seat: Seat, name: str) -> None:
    await seat.press("n")
    await seat.type(name)
    await seat.press("enter")


async def test_an_input_file_shows_what_it_is_taken_for(path: Path) -> None:
    (path.parent / "in.csv").write_text(
        "Trial 7\nnumber;who;acc nr\n1;OAK;100.1\n2;;100.2\n3;ELM;\n"
    )
    async with opened(path.parent) as seat:
        await imported(seat, "in.csv")
        screen = seat.app.screen
        assert "2 accession numbers, without pseudonyms" in str(
            screen.query_one(".question").render()
        )
        await seat.press("left", "space", "space")  # "who" are the pseudonyms
        said = str(screen.query_one(".question").render())
        assert "1 accession number with pseudonyms" in said
        detail = str(screen.query_one(".detail").render())
        assert "row 4 has no pseudonym; row 5 has no accession number" in detail
        assert "above row 2" in detail
        assert "Not used: number" in detail
        await seat.press("enter")
        await seat.type("pseudonyms")  # a column that is not called so is asked about
        await seat.press("enter")
        await saved(seat)
        assert column(path, "source")[3:] == ["accession_number:100.1"]
        assert column(path, "pseudo_id")[3:] == ["OAK"]
        await seat.press("u")
        await saved(seat)
        assert path.read_text() == fakes.MAPPING


async def test_a_file_without_known_names_is_the_user_s_to_explain(path: Path) -> None:
    (path.parent / "in.txt").write_text("who,what\nOAK,100.1\n")
    async with opened(path.parent) as seat:
        await imported(seat, "in.txt")
        await seat.press("enter")  # nothing is taken before it is said what it is
        assert seat.app.screen is not seat.main
        await seat.press("right", "space", "space", "enter")
        await saved(seat)
        assert column(path, "source")[3:] == ["accession_number:100.1"]


async def test_columns_are_hidden_widened_sorted_and_remembered(path: Path) -> None:
    async with opened(path.parent) as seat:
        await seat.press(
            "vertical_line", "down", "down", "down", "space", "down", "s", "right", "escape"
        )
        labels = [column.label for column in seat.main.mapping.grid.columns]
        assert labels == ["#", "source", "pseudo_id", "description ▲"]
        width = seat.main.mapping.grid.places[3].width
        await seat.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        place = seat.main.mapping.grid.places[2].width
        assert place == 13
        seat.app.close()
        await seat.pilot.pause()
    async with opened(path.parent) as seat:
        grid = seat.main.mapping.grid
        assert [column.label for column in grid.columns] == labels
        assert (grid.places[3].width, grid.places[2].width) == (width, place)
        await seat.press("e")
        await seat.type("x")
        await seat.press("enter")
        await saved(seat)
    assert Mapping.load(path).cell(0, "pseudo_name") == "LUNG-001"


async def test_the_batch_is_sorted_by_a_click_on_a_label(project: Path) -> None:
    async with opened(project) as seat:
        grid = seat.main.jobs.grid
        await seat.pilot.click(grid, offset=(10, 0))
        status = [str(grid.render_line(y).text[9:22]).split()[1] for y in range(1, 7)]
        assert status == sorted(status)
        await seat.press("4", "asterisk")
        assert len(grid.marks) == 6
        await seat.press("escape", "g", "space", "G", "m")
        assert len(grid.marks) == 6
