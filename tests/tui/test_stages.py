"""The screens beside the panes: held files, preview, identities, servers, settings, first start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anontui.deid.rules.pixelrules import Box
from anontui.errors import ServerError
from anontui.operations import mounts, servers
from anontui.operations.mounts import Mount
from anontui.settings import Server, Settings, load
from anontui.tui import session
from anontui.tui.picked import texts
from anontui.tui.screens.checked import CheckedPrompt
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.identities import IdentitiesScreen
from anontui.tui.screens.overview import OverviewScreen
from anontui.tui.screens.preview import PreviewScreen
from anontui.tui.screens.quarantine import QuarantineScreen
from anontui.tui.screens.review import ReviewScreen
from anontui.tui.screens.settings import SettingsScreen
from anontui.tui.screens.welcome import WelcomeScreen
from tests import ultrasound
from tests.dicom.files import dicom_bytes
from tests.tui.fakes import LARGE, SMALL, WIDE, Opened, Seat, opened
from tests.tui.stages import GONE, NO_ADMIN, StagedServer, entry, preview, run


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> StagedServer:
    staged = StagedServer()
    monkeypatch.setattr(servers, "connect", lambda *_, **__: staged)
    monkeypatch.setattr("anontui.operations.surveying.connect", lambda *_, **__: staged)
    return staged


def screen_of(seat: Seat, kind: type[Any]) -> Any:
    assert isinstance(seat.app.screen, kind), seat.app.screen
    return seat.app.screen


def words(seat: Seat) -> str:
    """All that the open screen says, tables and pictures left out."""
    return "\n".join(str(widget.render()) for widget in seat.app.screen.query("Static, Line"))


async def held(seat: Seat) -> QuarantineScreen:
    await run(seat, "quarantine.list")
    screen: QuarantineScreen = screen_of(seat, QuarantineScreen)
    return screen


async def looked_at(seat: Seat) -> ReviewScreen:
    await held(seat)
    await seat.press("enter")
    screen: ReviewScreen = screen_of(seat, ReviewScreen)
    return screen


# --- held files


async def test_held_files_are_listed_with_reasons(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await held(seat)
        assert screen.grid.row_count == 4
        assert "4 waiting for a decision" in words(seat)
        assert "ultrasound, whose pixels" in words(seat)
        await seat.press("slash")
        await seat.type("burned")
        await seat.press("enter")
        assert [one.code for one in screen.order()] == ["burned_in"]
        await seat.press("escape", "escape")
        assert seat.app.screen is seat.main


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(NO_ADMIN, "Only admins of p01 may look at held files"), (GONE, "takes too long")],
)
async def test_a_server_that_refuses_says_why_and_can_be_asked_again(
    project: Path, server: StagedServer, refusal: ServerError, told: str
) -> None:
    server.refusal = refusal
    async with opened(project) as seat:
        screen = await held(seat)
        assert told in screen.grid.empty
        server.refusal = None
        await seat.press("R")
        assert screen.grid.row_count == 4


async def test_nothing_held_is_said(project: Path, server: StagedServer) -> None:
    server.entries = []
    async with opened(project) as seat:
        screen = await held(seat)
        assert "Nothing waits on p01" in screen.grid.empty
        await seat.press("enter")
        assert "there is no file" in seat.said


async def test_boxes_by_keys_go_with_the_release(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        assert "320 x 240" in words(seat)
        assert "may show identity" in words(seat)
        await seat.press("b")
        assert "there is no box" in seat.said
        await seat.press("n", "left", "left", "up", "up", *["shift+right"] * 4, "L", "shift+up")
        first = screen.boxes.all[0]
        assert (first.left, first.top) == (0, 0)
        await seat.press("n", "right")
        assert len(screen.boxes) == 2
        assert screen.boxes.current == 1
        await seat.press("tab", "shift+down")
        assert screen.boxes.current == 0
        assert screen.boxes.all[0].bottom > first.bottom
        second = screen.boxes.all[1]
        await seat.press("x")
        assert screen.boxes.all == (second,)
        await seat.press("b")
        assert isinstance(seat.app.screen, ConfirmScreen)
        assert "this file on p01, blacked out" in words(seat)
        assert server.calls("release_quarantine") == []
        await seat.press("enter")
    [told] = server.calls("release_quarantine")
    size = f"{second.right - second.left},{second.bottom - second.top}"
    assert told["boxes"] == [f"{second.left},{second.top},{size}"]
    assert told["entry_ids"] == [server.entries[0]["id"]]
    assert not told["again"]


async def test_boxes_stay_inside_and_are_never_empty(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("n", *["right"] * 100, *["down"] * 80)
        box = screen.boxes.all[0]
        assert (box.right, box.bottom) == (ultrasound.COLUMNS, ultrasound.ROWS)
        await seat.press(*["shift+left"] * 100, *["shift+up"] * 80)
        box = screen.boxes.all[0]
        assert box.right > box.left
        assert box.bottom > box.top


async def test_zoom_follows_the_box_and_steps_get_finer(
    project: Path, server: StagedServer
) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("n")
        whole = screen.picture.lens
        await seat.press("plus", "plus", "plus")
        lens = screen.picture.lens
        assert lens.scale < whole.scale / 3
        before = screen.boxes.all[0]
        await seat.press("right")
        assert screen.boxes.all[0].left == before.left + max(round(lens.scale), 1)
        await seat.press("minus", "minus", "minus")
        assert screen.picture.lens.scale == pytest.approx(whole.scale)


async def test_a_box_by_mouse(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        region = screen.picture.content_region
        start, end = (region.x + 20, region.y + 5), (region.x + 40, region.y + 9)
        await seat.pilot.mouse_down(offset=start)
        await seat.pilot.hover(offset=end)
        await seat.pilot.mouse_up(offset=end)
        await seat.settle()
        [box] = screen.boxes.all
        lens = screen.picture.lens
        assert box.right - box.left == pytest.approx(20 * lens.scale, abs=lens.scale)
        assert box.bottom - box.top == pytest.approx(8 * lens.scale, abs=lens.scale)


async def test_a_click_takes_a_box_or_none(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("n", "n")
        region, lens = screen.picture.content_region, screen.picture.lens
        first = screen.boxes.all[0]
        middle = (first.left + first.right) / 2, (first.top + first.bottom) / 2
        before, above = screen.picture._before, screen.picture._above
        x = region.x + before + int((middle[0] - lens.left) / lens.scale)
        y = region.y + above + int((middle[1] - lens.top) / lens.scale / 2)
        await seat.pilot.click(offset=(x, y))
        await seat.settle()
        assert screen.boxes.current == 0
        assert len(screen.boxes) == 2
        await seat.pilot.click(offset=(region.right - 2, region.bottom - 2))
        await seat.settle()
        assert screen.boxes.box is None


async def test_undo_takes_the_last_box_back(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("u")
        assert "Nothing was drawn yet" in seat.said
        await seat.press("n", "n", "right", "right", "u", "u")
        assert len(screen.boxes) == 1
        await seat.press("x", "u")
        assert len(screen.boxes) == 1
        assert screen.boxes.current == 0


async def test_esc_lets_go_of_the_box_then_leaves_and_nothing_drawn_is_lost(
    project: Path, server: StagedServer
) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("n", "right")
        drawn = screen.boxes.all
        await seat.press("escape")
        assert seat.app.screen is screen
        assert screen.boxes.current is None
        await seat.press("b")
        assert isinstance(seat.app.screen, ConfirmScreen)
        await seat.press("escape", "escape")
        screen_of(seat, QuarantineScreen)
        await seat.press("enter")
        again = screen_of(seat, ReviewScreen)
        assert again is not screen
        assert again.boxes.all == drawn


async def test_many_files_are_reviewed_without_leaving_the_screen(
    project: Path, server: StagedServer
) -> None:
    server.entries = [entry(n) for n in range(1, 13)]
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("n")
        drawn = screen.boxes.all
        for number in range(1, 12):
            await seat.press("b", "enter")
            assert seat.app.screen is screen
            assert f"1 of {12 - number}, {number} decided" in words(seat)
            assert screen.boxes.all == drawn
            assert "of the file before: u takes away" in words(seat)
            assert "Released; job 1041 goes on" in seat.said
        await seat.press("D")
        await seat.type("shows a name")
        await seat.press("enter", "enter")
        assert "Nothing waits" in screen_of(seat, QuarantineScreen).grid.empty
    assert len(server.calls("release_quarantine")) == 11
    assert {one["boxes"][0] for one in server.calls("release_quarantine")} == {"6,5,107,24"}


async def test_the_file_that_was_decided_leaves_not_the_one_that_is_looked_at(
    project: Path, server: StagedServer
) -> None:
    async with opened(project) as seat:
        screen = await looked_at(seat)
        first, second = screen.files[:2]
        await seat.press("right_square_bracket")
        screen.file_decided(first.id)
        await seat.settle()
        assert screen.file is second
        screen.deciding.add(second.id)
        await seat.press("r")
        assert "it is being decided" in seat.said


async def test_frames_and_files_are_stepped(project: Path, server: StagedServer) -> None:
    server.frames = 3
    async with opened(project) as seat:
        screen = await looked_at(seat)
        await seat.press("full_stop", "full_stop")
        assert "frame 3 of 3" in words(seat)
        await seat.press("full_stop")
        assert "frame 1 of 3" in words(seat)
        assert [one["frame"] for one in server.calls("get_quarantine_picture")] == [0, 1, 2, 0]
        await seat.press("n", "right_square_bracket")
        assert "2 of 4" in words(seat)
        assert screen.frame == 0
        assert len(screen.boxes) == 1  # the next file has the same size


async def test_a_picture_that_cannot_be_shown_is_a_sentence(
    project: Path, server: StagedServer
) -> None:
    async with opened(project) as seat:
        await held(seat)
        server.refusal = ServerError("The picture is compressed", advice="Install the decoders.")
        await seat.press("enter")
        screen = screen_of(seat, ReviewScreen)
        assert "Install the decoders." in screen.picture.message
        await seat.press("n")
        assert "not now, The picture is compressed" in seat.said


async def test_mass_actions_name_count_and_server_and_ask_for_a_word(
    project: Path, server: StagedServer
) -> None:
    server.entries = [entry(n) for n in range(1, 13)]
    async with opened(project) as seat:
        screen = await held(seat)
        await seat.press(*["space"] * 12)
        assert "12 marked" in words(seat)
        await seat.press("r")
        assert "Release 12 files on p01?" in words(seat)
        assert "Type  release  to go on" in words(seat)
        await seat.press("enter")
        assert server.calls("release_quarantine") == []
        await seat.type("release")
        await seat.press("enter")
        assert len(server.calls("release_quarantine")[0]["entry_ids"]) == 12
        assert screen.grid.row_count == 0


async def test_a_rejection_needs_a_reason(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        await held(seat)
        await seat.press("D", "enter")
        assert "for a reason" in seat.said
        await seat.press("D")
        await seat.type("shows a name")
        await seat.press("enter")
        assert "Reject this file on p01?" in words(seat)
        await seat.press("enter")
    [told] = server.calls("reject_quarantine")
    assert told["note"] == "shows a name"


async def test_by_the_policy_is_again(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        await held(seat)
        await seat.press("p", "enter")
    [told] = server.calls("release_quarantine")
    assert told["again"] == "true"


async def test_readonly_looks_and_decides_nothing(project: Path, server: StagedServer) -> None:
    async with opened(project, readonly=True) as seat:
        await looked_at(seat)
        await seat.press("n", "b", "r", "D", "p")
        assert "read-only" in seat.said
    assert {name for name, _ in server.asked} == {"get_quarantine", "get_quarantine_picture"}


@pytest.mark.parametrize(
    "answer",
    [{}, {"entries": [1]}, {"entries": [{"id": 5}]}, [], {"rows": 5}],
)
async def test_nonsense_is_told(
    project: Path, server: StagedServer, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(server, "get", lambda *_, **__: answer)
    async with opened(project) as seat:
        screen = await held(seat)
        assert "makes no sense" in screen.grid.empty


# --- preview


@pytest.fixture
def echo(project: Path) -> Path:
    return ultrasound.write(project / "data" / "echo" / "Jansen.dcm", frames=2)


async def test_a_preview_shows_before_and_after_with_the_rule(project: Path, echo: Path) -> None:
    path = project / "data" / "patient1" / "slice1.dcm"
    async with opened(project) as seat:
        screen = await preview(seat, path)
        rows = {cells[2]: cells for cells in _rows(screen)}
        assert rows["PatientID"][3] == "P-001"
        assert rows["PatientID"][4].startswith("ANON-")
        screen.grid.move_cursor(
            key=[one.name for one in screen.forecast.elements].index("PatientID")
        )
        await seat.settle()
        assert "PS3.15 E.1.1" in words(seat)
        assert "shows who the patient is" in words(seat)
        before = screen.grid.row_count
        await seat.press("c")
        assert 0 < screen.grid.row_count < before
        await seat.press("c", "slash")
        await seat.type("tag:0010,0020")
        await seat.press("enter")
        assert screen.grid.row_count == 1


async def test_a_held_file_says_why_and_its_frames_are_stepped(project: Path, echo: Path) -> None:
    async with opened(project) as seat:
        screen = await preview(seat, echo)
        assert "would be quarantined: ultrasound" in words(seat)
        assert screen.picture.picture.pixels == ultrasound.pixels(0)
        await seat.press("full_stop")
        assert "frame 2 of 2" in words(seat)
        assert screen.picture.picture.pixels == ultrasound.pixels(1)


async def test_sequences_are_folded(project: Path) -> None:
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    from pydicom.dataset import Dataset

    inner = Dataset()
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.3", "1.2.9"
    dataset.ReferencedPerformedProcedureStepSequence = [inner]
    dataset.ReferencedImageSequence = [inner]
    path = project / "seq.dcm"
    dataset.save_as(path)
    async with opened(project) as seat:
        screen = await preview(seat, path)
        names = [cells[2] for cells in _rows(screen)]
        folded = [name for name in names if name.startswith("▸")]
        assert folded
        assert not any("ReferencedSOPInstanceUID" in name for name in names)
        await seat.press("a")
        assert any("1.ReferencedSOPInstanceUID" in cells[2] for cells in _rows(screen))
        await seat.press("a", "slash")
        await seat.type("name:ReferencedSOPInstanceUID")
        await seat.press("enter")
        shown = [cells[2] for cells in _rows(screen)]
        assert any("ReferencedSOPInstanceUID" in name for name in shown)
        assert any(name.lstrip("▾▸ ").endswith("Sequence") for name in shown)


@pytest.mark.parametrize("content", [b"", b"nothing of DICOM", b"\0" * 128 + b"DICM" + b"\7" * 99])
async def test_a_hostile_file_is_a_sentence(project: Path, content: bytes) -> None:
    path = project / "x.dcm"
    path.write_bytes(content)
    async with opened(project) as seat:
        screen = await preview(seat, path)
        assert "would be" in words(seat)
        assert screen.picture.message
        assert seat.app.is_running


async def test_a_preview_opens_from_the_files_and_the_batch(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as seat:
        await seat.press("2", "down", "right")
        await seat.press("down", "p")
        screen = screen_of(seat, PreviewScreen)
        assert len(screen.files) == 2
        await seat.press("escape", "4", "down", "p")
        screen = screen_of(seat, PreviewScreen)
        assert screen.files[0].parent == project / "data" / "patient2"
        await seat.press("escape", *["down"] * 2, "p")
        assert "The data are not here any more" in seat.said


async def test_a_preview_opens_from_the_mapping_and_by_enter_on_a_file(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("3", "L")
        screen = screen_of(seat, PreviewScreen)
        assert screen.files[0].parent == project / "data" / "patient1"
        await seat.press("n")
        assert "file 2 of 2" in words(seat)
        await seat.press("n")
        assert "file 1 of 2" in words(seat)
        await seat.press("N", "escape", "down", "L")
        assert "not on a share that this machine sees" in seat.said
        await seat.press("2", "down", "right", "down", "enter", "down", "enter")
        screen = screen_of(seat, PreviewScreen)
        assert screen.files[screen.at].suffix == ".dcm"


@pytest.mark.parametrize("size", [SMALL, WIDE, LARGE])
async def test_long_uids_are_told_whole_and_before_and_after_stay_beside_each_other(
    project: Path, size: tuple[int, int]
) -> None:
    uid = "1.2.826.0.1.3680043.8.498.45787841905473114233124723359129632652"
    path = project / "long.dcm"
    path.write_bytes(dicom_bytes(patient_id="P-1", study=uid, series="1.2.3", pixels=200))
    async with opened(project, size) as seat:
        screen = await preview(seat, path)
        at = [one.name for one in screen._elements.elements].index("StudyInstanceUID")
        screen.grid.move_cursor(key=at)
        await seat.settle()
        told = str(screen.detail.render()).splitlines()
        assert len(told) <= screen.detail.size.height
        assert uid in "".join(line.strip() for line in told).replace("before", "").replace(" ", "")
        assert all(len(line) <= screen.detail.content_size.width for line in told)
        row = next(n for n in range(screen.grid.row_count) if screen.grid._view.key(n) == at)
        line = screen.grid.render_line(row + 1).text
        assert ("1.2.826" in line) and ("652" in line)
        assert (size == LARGE) == ("(0020,000D)" in line)


async def test_what_a_policy_blacks_out_is_drawn(project: Path, echo: Path) -> None:
    (project / "boxes.yml").write_text(
        "- name: all\n  match: {Manufacturer: Invented.*}\n  boxes: [[0, 0, 320, 30]]\n"
    )
    (project / "policy.yml").write_text("options: [clean-pixel-data]\npixel_rules: [boxes.yml]\n")
    async with opened(project) as seat:
        screen = await preview(seat, echo)
        assert screen.picture._boxes == ()
        screen.use_policy(project / "policy.yml")
        await seat.settle()
        assert screen.picture._boxes == (Box(0, 0, 320, 30),)


async def test_nothing_of_a_preview_is_kept(project: Path, echo: Path, tmp_path: Path) -> None:
    async with opened(project) as seat:
        await preview(seat, echo)
        await seat.press("slash")
        await seat.type("jansen")
        await seat.press("enter")
        session.write(seat.app)
        kept = json.dumps(session.read(seat.app.model.folder))
        told = str(seat.app.activity.entries) + str(seat.app.title) + str(seat.app.sub_title)
    assert "ansen" not in kept + told
    assert "1966" not in kept + told


async def test_another_policy_is_gone_by(project: Path) -> None:
    (project / "policy.yml").write_text("options: [retain-uids]\n")
    async with opened(project) as seat:
        screen = await preview(seat, project / "data" / "patient1" / "slice1.dcm")
        await seat.press("p", "ctrl+u")
        await seat.type("policy.yml")
        await seat.press("enter")
        rows = {cells[2]: cells for cells in _rows(screen)}
        assert rows["StudyInstanceUID"][3] == rows["StudyInstanceUID"][4]
        await seat.press("p", "ctrl+u")
        await seat.type("none.yml")
        await seat.press("enter")
        assert "There is no such file here" in seat.said


def _rows(screen: Any) -> list[list[str]]:
    grid, rows = screen.grid, screen.rows()
    indices = grid.order if grid.order is not None else range(len(rows))
    return [texts(rows.cells(at)) for at in indices]


# --- identities


async def test_somebody_is_looked_up(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        await run(seat, "identities.find")
        screen = screen_of(seat, IdentitiesScreen)
        await seat.type("Jan*")
        await seat.press("enter")
        assert [cells[0] for cells in _rows(screen)] == ["LUNG-001", "LUNG-002"]
        assert "moved by -1234 days" in words(seat)
        assert "shows who patients are" in words(seat)
        await seat.press("e")
        assert "anontui identities export FILE" in words(seat)
        await seat.press("escape", "i", "ctrl+u")
        await seat.type("nobody")
        await seat.press("enter")
        assert "Nobody is found" in screen.grid.empty
        assert "ansen" not in str(seat.app.activity.entries)
        await seat.press("escape")
        assert seat.app.screen is seat.main


async def test_only_admins_look_people_up(project: Path, server: StagedServer) -> None:
    server.refusal = NO_ADMIN
    async with opened(project) as seat:
        await run(seat, "identities.find")
        await seat.type("x")
        await seat.press("enter")
        assert "Only admins of p01" in screen_of(seat, IdentitiesScreen).grid.empty


# --- servers


async def test_all_servers_at_a_glance(project: Path, server: StagedServer) -> None:
    async with opened(project) as seat:
        await run(seat, "server.list")
        screen = screen_of(seat, OverviewScreen)
        rows = _rows(screen)
        assert rows[0][1:8] == ["p01 ←", "anontui 0.1.0", "< 10 ms", "2", "1", "1", "1"]
        assert rows[2][1] == "built-in"
        assert "2 of 2 answer" in words(seat)
        await seat.press("down", "enter")
        assert load(project.parent / "settings.yml").active_server_name == "sandbox"
        assert _rows(screen)[1][1] == "sandbox ←"


async def test_a_server_that_is_down_is_told_with_advice(
    project: Path, server: StagedServer
) -> None:
    server.refusal = GONE
    async with opened(project) as seat:
        await run(seat, "server.list")
        assert _rows(screen_of(seat, OverviewScreen))[0][3] == "down"
        assert "Try again in a while." in words(seat)
        assert "0 of 2 answer" in words(seat)


# --- settings


async def test_settings_tell_value_meaning_and_origin(project: Path) -> None:
    async with opened(project) as seat:
        await run(seat, "settings.show")
        rows = {cells[0]: cells for cells in _rows(screen_of(seat, SettingsScreen))}
        assert rows["user_name"][1:3] == ["z123456", "file"]
        assert rows["validate_ssl"][1:3] == ["yes", "default"]
        assert rows["user_token"][1] == "set"
        assert rows["key app.zoom"][1] == "z"
        assert "secret" not in str(rows)


async def test_a_setting_is_changed_and_checked_as_it_is_typed(project: Path) -> None:
    async with opened(project) as seat:
        await run(seat, "settings.show")
        screen = screen_of(seat, SettingsScreen)
        screen.grid.move_cursor(key="built_in")
        await seat.press("enter")
        screen_of(seat, CheckedPrompt)
        await seat.type("not/whole")
        assert "is not a whole path" in words(seat)
        await seat.press("enter")
        screen_of(seat, CheckedPrompt)
        await seat.press("ctrl+u")
        await seat.type("/srv/data")
        await seat.press("enter")
        screen_of(seat, SettingsScreen)
        assert load(project.parent / "settings.yml").built_in == Path("/srv/data")
        assert screen_of(seat, SettingsScreen).found["built_in"].value == "/srv/data"
        await seat.press("D", "enter")
        assert load(project.parent / "settings.yml").built_in is None


async def test_a_key_is_changed_and_holds_at_once(project: Path) -> None:
    async with opened(project) as seat:
        await run(seat, "settings.show")
        screen = screen_of(seat, SettingsScreen)
        screen.grid.move_cursor(key="key app.zoom")
        await seat.press("enter", "ctrl+u")
        await seat.type("q")
        assert "is given to both" in words(seat)
        await seat.press("backspace")
        await seat.type("f9")
        await seat.press("enter")
        assert load(project.parent / "settings.yml").keys == {"app.zoom": "f9"}
        assert screen.found["key app.zoom"].value == "f9"
        await seat.press("escape", "f9")
        assert seat.main.zoomed


async def test_choices_are_chosen(project: Path) -> None:
    async with opened(project) as seat:
        await run(seat, "settings.show")
        screen = screen_of(seat, SettingsScreen)
        screen.grid.move_cursor(key="clipboard")
        await seat.press("enter", "down", "enter")
        assert load(project.parent / "settings.yml").clipboard == "terminal"
        screen.grid.move_cursor(key="active_server_name")
        await seat.press("enter", "down", "enter")
        assert load(project.parent / "settings.yml").active_server_name == "sandbox"


# --- the first start


@pytest.fixture
def greeted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Opened, "greets", True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(mounts, "system_mounts", list)
    monkeypatch.setattr("anontui.operations.paths.system_mounts", list)


async def test_who_has_settings_is_not_greeted(project: Path, greeted: None) -> None:
    async with opened(project) as seat:
        assert seat.app.screen is seat.main


async def test_a_server_is_tested_before_it_is_taken(
    bare: Path, greeted: None, server: StagedServer
) -> None:
    server.refusal = GONE
    async with opened(bare) as seat:
        screen_of(seat, WelcomeScreen)
        await seat.press("u", "tab")
        await seat.type("p01.example/api")
        await seat.press("tab")
        await seat.type("z123456")
        await seat.press("tab")
        await seat.type("secret")
        await seat.press("enter")
        assert "takes too long to answer" in words(seat)
        assert not (bare.parent / "settings.yml").exists()
        server.refusal = None
        await seat.press("backspace")
        await seat.type("t")
        await seat.press("enter")
        assert seat.app.screen is seat.main
        assert "Press 3, then i" in seat.said
    saved = load(bare.parent / "settings.yml")
    assert saved.servers == (Server("p01", "https://p01.example/api"),)
    assert (saved.user_name, saved.user_token, saved.active_server_name) == (
        "z123456",
        "secret",
        "p01",
    )


async def test_anonapis_settings_are_found_and_taken_over(
    bare: Path, greeted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Mount(r"\\srv\share", "/mnt/share"),
        Mount(r"\\srv\other", "/mnt/other", is_sure=False),
    ]
    monkeypatch.setattr("anontui.operations.paths.system_mounts", lambda: found)
    home = tmp_path / "home"
    home.mkdir()
    theirs = Settings(
        path=home / "AnonWebAPIClientSettings.yml",
        servers=(Server("wado", "https://wado.example"),),
        active_server_name="wado",
        user_name="z123456",
        user_token="secret",
    )
    theirs.save()
    async with opened(bare) as seat:
        screen_of(seat, WelcomeScreen)
        await seat.press("enter")  # it is the first choice then
        assert r"Is /mnt/share the share \\srv\share?" in words(seat)
        await seat.press("enter")
        assert "This is a guess" in words(seat)
        await seat.press("n")
        assert seat.app.screen is seat.main
        assert seat.main.current is seat.main.files
    saved = load(bare.parent / "settings.yml")
    assert saved.active_server_name == "wado"
    assert saved.shares.pairs == ((r"\\srv\share", Path("/mnt/share")),)


async def test_without_settings_of_anonapi_that_choice_says_so(bare: Path, greeted: None) -> None:
    async with opened(bare, SMALL) as seat:
        await seat.press("i")
        assert "there is no AnonWebAPIClientSettings.yml" in seat.said
        await seat.press("escape")
        assert seat.app.screen is seat.main
        assert "b starts the built-in one" in seat.said
    assert not (bare.parent / "settings.yml").exists()


async def test_the_built_in_server_in_one_key(
    bare: Path, greeted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anontui.operations import own_server
    from anontui.operations.workspace import Workspace

    def switched_on(workspace: Workspace) -> Workspace:
        changed = workspace.settings.with_server("built-in", "http://127.0.0.1:1")
        changed = changed.activated("built-in")
        changed.save()
        return workspace.with_settings(changed)

    monkeypatch.setattr(own_server, "switch_on", switched_on)
    async with opened(bare) as seat:
        await seat.press("b")
        assert seat.app.screen is seat.main
        assert seat.app.model.server_name() == "built-in"
