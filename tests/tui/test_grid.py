"""The grid: what it draws, what it tells, and how little of it is painted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from anontui.tui.widgets.columns import arrange, fit
from anontui.tui.widgets.grid import Cell, Column, Editing, Grid

COLUMNS = (
    Column("id", "id", 4, right=True),
    Column("name", "name", 8, editable=True),
    Column("what", "what", editable=True),
)


@dataclass
class Table:
    """Rows as lists, asked for no more than is needed."""

    rows: list[list[str | Cell]]
    keys: list[Hashable] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = self.keys or [f"k{i}" for i in range(len(self.rows))]

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, index: int) -> Hashable:
        return self.keys[index]

    def cells(self, index: int) -> Sequence[str | Cell]:
        self.asked.append(index)
        return self.rows[index]


def table(count: int) -> Table:
    return Table([[str(i), f"n{i}", f"text {i}"] for i in range(count)])


class Bench(App[None]):
    """An app around one grid, which keeps what the grid tells and what it repaints."""

    CSS = "Grid { background: black; color: white; }"

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid
        self.told: list[Message] = []
        self.painted: list[Region] = []

    def compose(self) -> ComposeResult:
        yield self.grid
        yield Input()

    def on_mount(self) -> None:
        self.grid.focus()
        refresh = self.grid.refresh

        def watched(*regions: Region, **how: bool) -> Grid:
            self.painted += regions or [self.grid.size.region]
            return refresh(*regions, **how)

        self.grid.refresh = watched  # type: ignore[method-assign]

    def on_grid_cursor_moved(self, message: Grid.CursorMoved) -> None:
        self.told.append(message)

    def on_grid_activated(self, message: Grid.Activated) -> None:
        self.told.append(message)

    def on_grid_edited(self, message: Grid.Edited) -> None:
        self.told.append(message)

    def on_grid_marks_changed(self, message: Grid.MarksChanged) -> None:
        self.told.append(message)


@asynccontextmanager
async def shown(
    grid: Grid, size: tuple[int, int] = (40, 13)
) -> AsyncIterator[tuple[Bench, Pilot[None]]]:
    """An app of this size with the grid above a field of three lines."""
    app = Bench(grid)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.told.clear()
        app.painted.clear()
        yield app, pilot


def lines(grid: Grid) -> list[str]:
    """What it draws, without blanks at the end."""
    return [grid.render_line(y).text.rstrip() for y in range(grid.size.height)]


def cursor_of(grid: Grid) -> tuple[Hashable | None, int]:
    return grid.cursor_key, grid.cursor_row


def draft(grid: Grid) -> Editing | None:
    return grid.editing


# -- drawing -----------------------------------------------------------------------------


async def test_draws_header_rows_cursor_and_marks() -> None:
    grid = Grid(COLUMNS, table(3))
    async with shown(grid) as (_, pilot):
        await pilot.press("down")
        grid.toggle_mark()
        assert lines(grid)[:4] == [
            "    id  name      what",
            "     0  n0        text 0",
            "▌●   1  n1        text 1",
            "     2  n2        text 2",
        ]
        await pilot.press("tab")
        assert lines(grid)[2].startswith("▏●")  # without focus: another sign, not only a colour


async def test_each_line_fills_the_width() -> None:
    rows = Table([["1", "漢字漢字漢字", "é" * 50], ["2", Cell("x", "bad"), "[b]no markup[/b]"]])
    grid = Grid(COLUMNS, rows)
    async with shown(grid):
        for y in range(grid.size.height):
            strip = grid.render_line(y)
            assert strip.cell_length == cell_len(strip.text) == 40
        assert "漢字漢 …" in lines(grid)[1]
        assert "[b]no markup[/b]" in lines(grid)[2]


async def test_tones_color_the_text_and_the_cursor_its_background() -> None:
    grid = Grid(COLUMNS, Table([["1", Cell("good", "good"), ""]] * 2, ["a", "b"]))
    async with shown(grid):
        styles = [
            {segment.text.strip(): segment.style for segment in grid.render_line(y)} for y in (1, 2)
        ]
        at, away = styles[0]["good"], styles[1]["good"]
        assert at is not None and away is not None
        assert at.color == away.color
        assert at.bgcolor != away.bgcolor


async def test_another_theme_shows_at_once() -> None:
    grid = Grid(COLUMNS, Table([["1", Cell("good", "good"), ""]]))
    async with shown(grid) as (app, pilot):
        before = grid.render_line(1)
        app.theme = "textual-light"
        await pilot.pause()
        assert grid.render_line(1).text == before.text
        assert list(grid.render_line(1)) != list(before)


async def test_hidden_controls_cannot_reach_the_terminal() -> None:
    grid = Grid(COLUMNS, Table([["\x1b[2J", "a\nb\tc", "\x9b31m\u202e\udcff\x07"]]))
    async with shown(grid):
        row = grid.render_line(1).text
        assert row.isprintable()
        assert "␛[2J" in row
        assert "a␊b␉c" in row
        row.encode()


@pytest.mark.parametrize("count", [0, 1, 9, 10, 1000])
async def test_thumb_shows_only_where_there_is_more(count: int) -> None:
    grid = Grid(COLUMNS, table(count))
    async with shown(grid) as (_, pilot):
        thumb = [y for y, text in enumerate(lines(grid)) if text.endswith("▐")]
        assert bool(thumb) == (count > grid.size.height - 1)
        if thumb:
            assert thumb[0] == 1
            await pilot.press("G")
            assert lines(grid)[-1].endswith("▐")


async def test_empty_text_stands_in_the_middle() -> None:
    grid = Grid(COLUMNS, empty="Nothing here.\n\nPress a.")
    async with shown(grid, size=(31, 12)):
        drawn = lines(grid)
        assert drawn[3] == "         Nothing here."
        assert drawn[5] == "            Press a."
        grid.empty = "Now."
        assert "Now." in "".join(lines(grid))
        grid.set_rows(table(1))
        assert "Now." not in "".join(lines(grid))
        assert grid.cursor_key == "k0"


async def test_without_header_rows_start_at_the_top() -> None:
    grid = Grid(COLUMNS, table(3), header=False)
    async with shown(grid):
        assert "n0" in lines(grid)[0]


async def test_narrow_window_keeps_the_cursors_column_in_view() -> None:
    wide = tuple(Column(c, c, 12, min_width=12, editable=True) for c in "abcd")
    grid = Grid(wide, Table([["first", "second", "third", "fourth"]]), cell_cursor=True)
    async with shown(grid, size=(20, 8)) as (_, pilot):
        assert "first" in lines(grid)[1]
        await pilot.press("end")
        assert "fourth" in lines(grid)[1]
        assert "d" in lines(grid)[0]
        assert "first" not in lines(grid)[1]
        await pilot.press("home")
        assert "first" in lines(grid)[1]


async def test_resize_and_new_columns_lay_out_anew() -> None:
    grid = Grid(COLUMNS, table(50))
    async with shown(grid) as (_, pilot):
        await pilot.press("G")
        await pilot.resize_terminal(60, 9)
        assert len(lines(grid)) == 6
        assert "n49" in lines(grid)[-1]
        grid.columns = COLUMNS[:1]
        assert lines(grid)[0] == "    id"


async def test_height_auto_follows_the_rows() -> None:
    grid = Grid(COLUMNS, table(2), id="auto")
    grid.styles.height = "auto"
    async with shown(grid) as (_, pilot):
        assert grid.size.height == 3
        grid.set_rows(table(5))
        await pilot.pause()
        assert grid.size.height == 6


@given(
    st.integers(0, 200),
    st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=8),
)
def test_columns_share_the_room(room: int, widths: list[tuple[int, bool]]) -> None:
    columns = tuple(
        Column(str(i), "", None if flexible else width + 3, min_width=width)
        for i, (width, flexible) in enumerate(widths)
    )
    places = arrange(columns, room)
    assert len(places) == len(columns)
    for (column, place), after in zip(
        zip(columns, places, strict=True), [*places[1:], None], strict=True
    ):
        assert place.width >= column.min_width
        if after:
            assert after.start - place.end in (1, 2)
    fits = sum(column.min_width for column in columns) + len(columns) - 1 <= room
    if fits:
        assert places[-1].end <= room
        if any(column.width is None for column in columns):
            assert places[-1].end == room


@given(st.text(), st.integers(1, 20), st.booleans())
def test_fit_is_exact_and_printable(text: str, width: int, right: bool) -> None:
    fitted = fit(text, width, right)
    assert cell_len(fitted) == width
    assert fitted.isprintable()


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 5, "abcd…"),
        ("漢字", 4, "漢字"),
        ("漢字", 3, "漢…"),
        ("漢字", 2, " …"),
        ("", 2, "  "),
        ("ab", 1, "…"),
    ],
)
def test_fit(text: str, width: int, expected: str) -> None:
    assert fit(text, width) == expected


# -- cursor ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        ("down", 1),
        ("j j k", 1),
        ("up", 0),
        ("G", 99),
        ("G g", 0),
        ("end", 99),
        ("ctrl+end ctrl+home", 0),
        ("pagedown", 8),
        ("pagedown pagedown pageup", 8),
        ("pageup", 0),
        ("left right", 0),
    ],
)
async def test_keys_move_the_row(keys: str, row: int) -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        await pilot.press(*keys.split())
        assert (grid.cursor_row, grid.cursor_key) == (row, f"k{row}")
        assert any(text.startswith("▌") for text in lines(grid))
        moves = [m for m in app.told if isinstance(m, Grid.CursorMoved)]
        assert not moves or (moves[-1].key, moves[-1].row) == (f"k{row}", row)


async def test_cell_cursor_moves_by_columns() -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid) as (_, pilot):
        await pilot.press("right", "right", "right", "left")
        assert grid.cursor_column == 1
        await pilot.press("end")
        assert (grid.cursor_row, grid.cursor_column) == (0, 2)
        await pilot.press("home", "down")
        assert (grid.cursor_row, grid.cursor_column) == (1, 0)


async def test_left_and_right_are_free_where_they_mean_nothing() -> None:
    class Tree(Bench):
        BINDINGS = [("right", "open")]  # noqa: RUF012 - Textual's own way
        opened = 0

        def action_open(self) -> None:
            self.opened += 1

    app = Tree(Grid(COLUMNS, table(3)))
    async with app.run_test() as pilot:
        await pilot.press("right")
        assert app.opened == 1


async def test_enter_tells_which_cell() -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await pilot.press("down", "right", "enter")
        assert isinstance(told := app.told[-1], Grid.Activated)
        assert (told.key, told.column_id, told.control) == ("k1", "name", grid)


async def test_empty_grid_takes_every_key_in_peace() -> None:
    grid = Grid(COLUMNS)
    async with shown(grid) as (app, pilot):
        await pilot.press("down", "G", "pagedown", "enter", "left", "end")
        grid.toggle_mark()
        grid.mark_range()
        grid.mark_all()
        assert not grid.begin_edit()
        assert grid.cursor_key is None
        assert app.told == []


async def test_click_sets_the_cursor_and_wheel_leaves_it() -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        await pilot.click(grid, offset=(10, 4))
        assert (grid.cursor_row, grid.cursor_column) == (3, 1)
        grid.action_move(0)
        await pilot._post_mouse_events([_scroll_down()], grid, offset=(5, 5))
        assert grid.cursor_row == 3
        assert "n3" in lines(grid)[1]
        await pilot.click(grid, offset=(39, 9))  # the foot of the thumb's track
        assert "n99" in lines(grid)[-1]
        await pilot.click(grid, offset=(10, 2), times=2)
        assert isinstance(app.told[-1], Grid.Activated)


def _scroll_down() -> type:
    from textual.events import MouseScrollDown

    return MouseScrollDown


# -- rows that change --------------------------------------------------------------------


async def test_cursor_and_marks_follow_their_keys() -> None:
    rows = table(100)
    grid = Grid(COLUMNS, rows)
    async with shown(grid) as (app, _):
        grid.move_cursor(key="k50")
        grid.toggle_mark()
        grid.move_cursor(row=54)
        grid.move_cursor(row=52)  # above the last line in view
        line = next(y for y, text in enumerate(lines(grid)) if text.startswith("▌"))
        app.told.clear()
        rows.rows.insert(0, ["x", "new", ""])
        rows.keys.insert(0, "new")
        grid.rows_changed()
        assert (grid.cursor_key, grid.cursor_row) == ("k52", 53)
        assert lines(grid)[line].startswith("▌")  # on the same line of the screen
        assert grid.marks == {"k50"}
        grid.set_rows(table(51))
        assert (grid.cursor_key, grid.cursor_row) == ("k50", 50)
        grid.set_rows(table(10))
        assert (grid.cursor_key, grid.cursor_row) == ("k9", 9)
        assert grid.marks == frozenset()
        grid.set_rows(Table([]))
        assert grid.cursor_key is None


async def test_order_permutes_and_filters() -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        grid.move_cursor(row=7)
        grid.toggle_mark()
        grid.order = range(99, -1, -1)
        assert (grid.cursor_key, grid.cursor_row) == ("k7", 92)
        grid.order = [3, 5, 7]
        assert (grid.cursor_key, grid.cursor_row, grid.row_count) == ("k7", 2, 3)
        assert [text.split()[-1] for text in lines(grid)[1:4]] == ["3", "5", "7"]
        grid.order = [3, 5]
        assert grid.cursor_key == "k5"
        assert grid.marks == {"k7"}  # hidden, not forgotten
        grid.mark_all()
        assert grid.marks == {"k3", "k5", "k7"}
        await pilot.pause()
        app.painted.clear()
        grid.order = [3, 5]
        assert app.painted == []
        grid.order = []
        assert cursor_of(grid) == (None, 0)
        grid.order = None
        assert grid.row_count == 100


async def test_an_order_that_cannot_fit_is_dropped() -> None:
    rows = table(9)
    grid = Grid(COLUMNS, rows)
    async with shown(grid):
        grid.order = [8, 7]
        del rows.rows[5:], rows.keys[5:]
        grid.rows_changed()
        assert grid.row_count == 5


async def test_marks() -> None:
    grid = Grid(COLUMNS, table(10))
    async with shown(grid) as (app, pilot):
        grid.toggle_mark()
        grid.move_cursor(row=4)
        grid.mark_range()
        assert grid.marks == {f"k{i}" for i in range(5)}
        grid.toggle_mark()
        assert "k4" not in grid.marks
        grid.clear_marks()
        grid.clear_marks()
        await pilot.pause()
        counts = [m.count for m in app.told if isinstance(m, Grid.MarksChanged)]
        assert counts == [1, 5, 4, 0]


# -- editing -----------------------------------------------------------------------------


async def edit(grid: Grid, pilot: Pilot[None], *keys: str) -> None:
    grid.move_cursor(column=1)
    assert grid.begin_edit()
    await pilot.press(*keys)


@pytest.mark.parametrize(
    ("key", "move", "cursor"), [("enter", "down", (1, 1)), ("tab", "right", (0, 2))]
)
async def test_edit_commits(key: str, move: str, cursor: tuple[int, int]) -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await edit(grid, pilot, "j", "space", "é", "backspace", "backspace", "X")
        assert grid.editing == Editing("k0", "name", "n0jX")
        assert "n0jX" in lines(grid)[1]
        assert grid.cursor_row == 0
        await pilot.press(key)
        told = next(m for m in app.told if isinstance(m, Grid.Edited))
        assert (told.key, told.column_id, told.value, told.move) == ("k0", "name", "n0jX", move)
        assert (grid.cursor_row, grid.cursor_column) == cursor
        assert not draft(grid)
        assert app.focused is grid


async def test_edit_is_cancelled_by_escape() -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await edit(grid, pilot, "x", "escape")
        assert grid.editing is None
        assert "n0x" not in lines(grid)[1]
        assert app.told == []


async def test_edit_starts_with_what_is_given_and_only_where_allowed() -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid):
        assert not grid.begin_edit("x")
        grid.move_cursor(column=2)
        assert grid.begin_edit("")
        assert grid.editing == Editing("k0", "what", "")


async def test_edit_keeps_its_draft_without_focus_and_while_rows_move() -> None:
    rows = table(20)
    grid = Grid(COLUMNS, rows, cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await edit(grid, pilot, "x")
        app.set_focus(None)
        await pilot.pause()
        rows.rows.insert(0, ["", "", ""])
        rows.keys.insert(0, "new")
        grid.rows_changed()
        assert grid.editing == Editing("k0", "name", "n0x")
        assert "n0x" in "".join(lines(grid))
        del rows.rows[1], rows.keys[1]
        grid.rows_changed()
        assert grid.editing is None


async def test_a_second_edit_commits_the_first() -> None:
    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await edit(grid, pilot, "x")
        grid.move_cursor(row=1)
        assert grid.begin_edit()
        await pilot.pause()
        assert [m.value for m in app.told if isinstance(m, Grid.Edited)] == ["n0x"]
        assert grid.editing == Editing("k1", "name", "n1")
        grid.columns = COLUMNS[:1]
        assert not draft(grid)


async def test_paste_and_click_while_editing() -> None:
    grid = Grid(COLUMNS, table(20), cell_cursor=True)
    async with shown(grid) as (app, pilot):
        await edit(grid, pilot)
        assert grid.paste("a\nb")
        assert grid.editing == Editing("k0", "name", "n0a b")
        await pilot.click(grid, offset=(10, 5))
        told = next(m for m in app.told if isinstance(m, Grid.Edited))
        assert (told.value, told.move) == ("n0a b", "")
        assert grid.cursor_row == 4
        assert not grid.paste("free for others")
        assert not grid.press("x", "x")


async def test_while_editing_only_priority_keys_of_the_app_work() -> None:
    class Keyed(Bench):
        BINDINGS = [  # noqa: RUF012 - Textual's own way
            Binding("ctrl+t", "count", priority=True),
            Binding("x", "count"),
            Binding("f5", "count"),
        ]
        count = 0

        def action_count(self) -> None:
            self.count += 1

    grid = Grid(COLUMNS, table(3), cell_cursor=True)
    app = Keyed(grid)
    async with app.run_test() as pilot:
        await edit(grid, pilot, "ctrl+t", "x", "f5", "down")
        assert app.count == 1
        assert grid.editing == Editing("k0", "name", "n0x")


async def test_long_text_scrolls_in_its_cell() -> None:
    grid = Grid(COLUMNS, table(2), cell_cursor=True)
    async with shown(grid) as (_, pilot):
        grid.move_cursor(column=1)
        grid.begin_edit("0123456789")
        assert "3456789 " in lines(grid)[1]
        await pilot.press("home")
        assert "01234567" in lines(grid)[1]


# -- how little is painted ---------------------------------------------------------------


async def painted(app: Bench, pilot: Pilot[None]) -> list[Region]:
    await pilot.pause()
    regions, app.painted[:] = list(app.painted), []
    return regions


async def test_a_move_in_view_paints_two_rows() -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        await pilot.press("down")
        assert await painted(app, pilot) == [Region(0, 1, 40, 1), Region(0, 2, 40, 1)]


async def test_a_move_to_where_it_is_paints_nothing() -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        await pilot.press("up")
        assert await painted(app, pilot) == []


async def test_a_changed_cell_paints_its_row_up_to_itself() -> None:
    rows = table(100)
    grid = Grid(COLUMNS, rows)
    async with shown(grid) as (app, pilot):
        rows.rows[2][1] = Cell("new", "good")
        rows.rows[50][1] = "out of view"
        grid.refresh_rows({"k2", "k3", "k50"})
        assert await painted(app, pilot) == [Region(0, 3, 16, 1)]
        assert "new" in lines(grid)[3]
        grid.refresh_rows({"k2"})
        assert await painted(app, pilot) == []


async def test_a_mark_paints_the_gutter_alone() -> None:
    grid = Grid(COLUMNS, table(100))
    async with shown(grid) as (app, pilot):
        grid.toggle_mark()
        assert await painted(app, pilot) == [Region(0, 1, 2, 1)]


async def test_scrolling_paints_no_line_that_looks_the_same() -> None:
    rows = Table([["1", "same", "text"]] * 100, [f"k{i}" for i in range(100)])
    grid = Grid(COLUMNS, rows)
    async with shown(grid) as (app, pilot):
        grid.move_cursor(row=20)
        app.painted.clear()
        await pilot.press("up", "down", "down")
        ys = {region.y for region in await painted(app, pilot)}
        assert ys <= {8, 9}


async def test_flash_stands_out_and_ends_by_itself() -> None:
    rows = table(100)
    grid = Grid(COLUMNS, rows)
    async with shown(grid) as (app, pilot):
        rows.rows[2][1] = "new"
        grid.refresh_rows({"k2"})
        grid.flash({"k2", "k70"})
        assert lines(grid)[3].startswith(" •")
        assert grid.render_line(3).text.rstrip() == " •   2  new       text 2"
        await painted(app, pilot)
        await pilot.pause(1.2)
        assert not lines(grid)[3].startswith(" •")
        assert await painted(app, pilot) == [Region(0, 3, 16, 1)]


async def test_flash_can_be_switched_off() -> None:
    rows = table(10)
    grid = Grid(COLUMNS, rows)
    async with shown(grid):
        grid.flashing = False
        rows.rows[2][1] = "new"
        grid.flash({"k2"})
        assert "•" not in "".join(lines(grid))
        assert "new" in lines(grid)[3]


async def test_a_million_rows_are_not_looked_at() -> None:
    class Million:
        asked = 0

        def __len__(self) -> int:
            return 1_000_000

        def key(self, index: int) -> int:
            self.asked += 1
            return index

        def cells(self, index: int) -> Sequence[str]:
            self.asked += 1
            return [str(index), "", ""]

    rows = Million()
    grid = Grid(COLUMNS, rows)
    async with shown(grid) as (_, pilot):
        await pilot.press("G", "up", "pageup", "g", "down")
        grid.refresh_rows([1, 2])
        grid.toggle_mark()
        assert rows.asked < 1000
