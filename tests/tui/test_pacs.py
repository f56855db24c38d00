"""The PACS screen: archives, the search, what was found, imports, the receiver."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from anontui.errors import AnonTUIError, CallRefused, ServerError, ServerUnreachable
from anontui.idis.advice import OTHER_VERSION
from anontui.idis.model import JobStatus
from anontui.operations import servers
from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from anontui.tui.actions import why_not
from anontui.tui.screens.adding import AddScreen
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.job import JobScreen
from anontui.tui.screens.studyimport import StudyImportScreen
from tests.tui import fakes
from tests.tui.archives import NO_ANSWER, RECEIVER, STUDIES, Archives, State, fetching
from tests.tui.conftest import Servers
from tests.tui.fakes import SMALL, Seat, opened

MISSING = ServerError("https://p01 does not know the call get_nodes", advice=OTHER_VERSION)
DOWN = ServerUnreachable("https://p01 does not answer", advice="Check the network.")
NAMED = [word for one in STUDIES for word in (one.patient_id, one.patient_name, one.accession)]


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> State:
    """A server with archives in the place of the network."""
    state = State()
    client = Archives(state)
    monkeypatch.setattr(servers, "connect", lambda *_, **__: nullcontext(client))
    return state


def mapped(project: Path) -> list[tuple[str, str]]:
    mapping = Mapping.load(project / "anon_mapping.csv")
    rows = range(len(mapping.rows))
    return [(mapping.cell(row, "source"), mapping.cell(row, "pseudo_id")) for row in rows]


def shown(seat: Seat, pane: str) -> list[str]:
    """The first two cells of a pane's rows."""
    rows = next(one for one in seat.pacs.panes if one.id == pane).rows()
    cells = [[c if isinstance(c, str) else c.text for c in rows.cells(i)] for i in range(len(rows))]
    return [" ".join(row[:3]).strip() for row in cells]


def words(seat: Seat) -> str:
    """What the studies pane says where it has no rows."""
    return seat.pacs.studies.grid.empty


def is_open(seat: Seat, kind: type) -> bool:
    return isinstance(seat.app.screen, kind)


def focus(seat: Seat) -> str | None:
    """The name of what takes the keys."""
    return seat.app.focused.id if seat.app.focused else None


async def search(seat: Seat, text: str, *, field: int = 0) -> None:
    """Open the screen, and look for something in one of the form's fields."""
    await seat.press("P", *["tab"] * field)
    await seat.type(text)
    await seat.press("enter")


# -- archives ----------------------------------------------------------------------------


async def test_archives_show_whether_they_answer(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        assert seat.title("archives") == "1 Archives · p01"
        assert shown(seat, "archives") == [
            "● MAIN 12 ms",
            "✖ OLD no answer",
            "● RESEARCH 148 ms",
            "● BUCKET 61 ms",
        ]
        assert seat.title("studies") == "2 Studies · ● MAIN"
        seat.pacs.show_pane(seat.pacs.archives)
        await seat.press("down")
        assert seat.said == f"OLD: {NO_ANSWER.errors['node']}"
        state.echoes = dict.fromkeys(state.echoes, 0.02)
        await seat.press("r")
        assert shown(seat, "archives")[1] == "● OLD 20 ms"


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ((), "p01 has no archive for you"),
        (MISSING, "p01 cannot search archives"),
        (DOWN, "p01 does not answer"),
        (CallRefused("No", errors={"user": "You may not. Ask your admin."}), "You may not. Ask"),
    ],
    ids=["none", "another kind of server", "offline", "refused"],
)
async def test_without_archives_it_says_what_to_do(
    project: Path, state: State, nodes: object, said: str
) -> None:
    state.nodes = nodes  # type: ignore[assignment]
    async with opened(project) as seat:
        await search(seat, "ACC4001")
        assert words(seat).removeprefix("✖ ").startswith(said)
        assert len(words(seat).splitlines()) > 1
        assert seat.said == "Search for what the form says: not now, there is no archive to search"
        assert state.asked == []


async def test_an_archive_that_is_only_sent_to_is_not_searched(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        seat.pacs.show_pane(seat.pacs.archives)
        await seat.press("G", "enter")
        assert seat.said.endswith("not now, BUCKET can only be sent to")
        await seat.press("g", "down", "down", "enter")
        assert seat.pacs.studies.form.in_use
        await seat.type("ACC4001")
        await seat.press("enter")
        assert state.asked[0]["node"] == "RESEARCH"
        assert seat.title("studies") == "2 Studies · ● RESEARCH · 1 found"


async def test_another_server_has_other_archives(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "PID*", field=2)
        assert len(seat.pacs.studies.studies) == len(STUDIES)
        await seat.press("P", "1", "down", "space", "P")
        assert seat.title("archives") == "1 Archives · sandbox"
        assert seat.pacs.studies.studies == []


# -- searching ---------------------------------------------------------------------------


async def test_each_field_is_asked_for(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        for text in ("ACC4001, ACC4002;ACC4001", "ct", "PID*", "Verz*", "2024-02 - 2024", "1.2.3"):
            await seat.type(text)
            await seat.press("tab")
        await seat.press("enter")
        assert state.asked == [
            {
                "node": "MAIN",
                "level": "STUDY",
                "accessions": ["ACC4001", "ACC4002"],
                "patient_id": "PID*",
                "patient_name": "Verz*",
                "modality": "CT",
                "date_from": "20240201",
                "date_to": "20241231",
                "study": "1.2.3",
            }
        ]
        assert words(seat).startswith("MAIN has no study like that.")


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (4, "2024-13", "These are no dates"),
        (0, "", "An empty search"),
        (0, "gone.csv", "cannot be used"),
    ],
)
async def test_what_cannot_be_searched_is_told_below_the_form(
    project: Path, state: State, field: int, text: str, said: str
) -> None:
    async with opened(project) as seat:
        await search(seat, text, field=field)
        assert said in str(seat.pacs.studies.form.note.render())
        assert state.asked == []


async def test_hundreds_of_numbers_are_pasted(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        numbers = [f"ACC{number}" for number in range(4000, 4300)]
        seat.app.post_message(events.Paste("\r\n".join(numbers)))
        await seat.until(lambda: seat.pacs.studies.form.numbers == tuple(numbers))
        assert "300 accession numbers" in str(seat.pacs.studies.form.note.render())
        await seat.press("enter")
        assert seat.title("studies") == "2 Studies · ● MAIN · 37 found · 263 numbers not found"
        assert [number for one in state.asked for number in one["accessions"]] == numbers


async def test_numbers_of_a_file_and_those_not_found(project: Path, state: State) -> None:
    (project / "wanted.csv").write_text("accession,why\nACC4001,x\nNIX7,y\nACC4001,z\nNIX8,\n")
    async with opened(project) as seat:
        await search(seat, "wanted.csv")
        assert seat.title("studies") == "2 Studies · ● MAIN · 1 found · 2 numbers not found"
        await seat.press("n")
        text = "\n".join(str(widget.render()) for widget in seat.app.screen.query("Static"))
        assert "NIX7\nNIX8" in text
        await seat.press("escape", "w")
        assert (project / "wanted-not-found.txt").read_text().split() == ["NIX7", "NIX8"]


async def test_a_failed_search_says_why(project: Path, state: State) -> None:
    state.failure = CallRefused("No", errors={"node": "MAIN does not know us. Tell its admin."})
    async with opened(project) as seat:
        await search(seat, "PID*", field=2)
        assert seat.title("studies") == "2 Studies · ● MAIN · ✖ the search failed"
        assert words(seat).startswith("MAIN does not know us. Tell its admin.")
        state.failure = None
        await seat.press("enter")
        assert seat.title("studies") == "2 Studies · ● MAIN · 37 found"


@pytest.mark.parametrize("key", ["escape", "x"])
async def test_a_search_is_cancelled_while_the_archive_is_silent(
    project: Path, state: State, key: str
) -> None:
    state.free.clear()
    async with opened(project) as seat:
        await seat.press("P", "tab", "tab")
        await seat.type("PID*")
        await seat.pilot.press("enter")
        await seat.until(lambda: state.asked)
        assert seat.title("studies") == "2 Studies · ● MAIN · searching MAIN"
        assert words(seat) == "Asking MAIN…\n\nesc cancels."
        if key == "x":
            seat.pacs.studies.grid.focus()
            await seat.pilot.pause()
        await seat.press(key)  # it comes to its end although the archive has not answered
        assert words(seat).startswith("The search was cancelled.")
        assert seat.app.screen is seat.pacs
        state.free.set()
        await seat.press(*(["f"] if key == "x" else []), "enter")
        assert seat.title("studies") == "2 Studies · ● MAIN · 37 found"


async def test_the_answer_to_an_earlier_search_is_not_shown(project: Path, state: State) -> None:
    state.free.clear()
    async with opened(project) as seat:
        await seat.press("P")
        await seat.type("ACC4001")
        await seat.pilot.press("enter")
        await seat.until(lambda: state.asked)
        await seat.type(" ACC4002")
        await seat.pilot.press("enter")
        await seat.until(lambda: len(state.asked) == 2)
        state.free.set()
        await seat.settle()
        assert [one.accession for one in seat.pacs.studies.studies] == ["ACC4001", "ACC4002"]


async def test_nobody_is_named_in_titles_words_or_files(
    project: Path, state: State, tmp_path: Path
) -> None:
    said: list[str] = []
    async with opened(project) as seat:
        seat.app.say = lambda text, tone="": said.append(text)  # type: ignore[method-assign]
        await search(seat, "PID*", field=2)
        await seat.press("enter", "space", "m", "asterisk", "s", "R", "slash", "enter")
        titles = [seat.title(str(pane.id)) for pane in seat.pacs.panes]
        seat.app.close()
    kept = [path.read_text() for path in tmp_path.rglob("*.json")]
    for name in NAMED:
        assert not [text for text in (*said, *titles, *kept, str(seat.app.title)) if name in text]


# -- what was found ----------------------------------------------------------------------


async def test_series_open_below_their_study(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "ACC4000,ACC4001")
        await seat.press("enter")
        assert shown(seat, "studies")[:3] == [
            "▾ PID00000 Verzonnen Persoon0 van 2024-01-01",
            "└ 1",
            "└ 2",
        ]
        assert len(shown(seat, "studies")) == 2 + 4
        await seat.press("down", "down", "enter")  # on one of the series
        assert len(shown(seat, "studies")) == 2
        assert seat.pacs.studies.grid.cursor_row == 0


async def test_marks_ranges_filter_and_sort(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "PID*", field=2)
        grid = seat.pacs.studies.grid
        await seat.press("space", "down", "down", "m")
        assert len(grid.marks) == 4
        await seat.press("escape", "slash")
        await seat.type("mod:PT")
        await seat.press("enter", "asterisk")
        assert {one.modalities for one in seat.pacs.studies.marked()} == {("CT", "PT")}
        await seat.press("escape", "escape", *["s"] * 8, "R", "g")
        assert grid.columns[7].label == "inst▼"
        assert seat.pacs.studies.marked()[0].instances == 2_315
        await seat.press("s", "s")
        assert [column.label for column in grid.columns] == [
            column.label for column in seat.pacs.studies.columns
        ]


async def test_imported_tells_how_much(project: Path, state: State, servers: Servers) -> None:
    jobs = [
        fetching(1041, STUDIES[5], JobStatus.ACTIVE, 100, 0),
        fetching(1042, STUDIES[6], JobStatus.ACTIVE, 0, 0),
        fetching(1043, STUDIES[2], JobStatus.DONE, 2_315, 2_315),
    ]
    fakes.write_batch(project, jobs)
    servers.jobs = {job.job_id: job for job in jobs}
    async with opened(project) as seat:
        await search(seat, "PID*", field=2)
        rows = seat.pacs.studies.rows()
        cells = [rows.cells(i)[-1] for i in (2, 4, 5, 6, 7)]
        assert [cell.text for cell in cells if not isinstance(cell, str)] == [
            "✔ 2,315",
            "◑ 13",
            "◐ 100",
            "◌ waiting",
            "",
        ]
        assert seat.title("imports") == "3 Imports · 3 jobs · ████░░░░░░░░ 33 %"
        imports = seat.pacs.imports.rows()
        row = [cell if isinstance(cell, str) else cell.text for cell in imports.cells(2)]
        assert row[3:] == ["4", "100/512", "0", "▉░░░░  19 %"]

        # all come to their end: the archive is asked once more, without a word
        state.studies = [replace(one, imported=one.instances or 0) for one in STUDIES]
        asked = len(state.asked)
        servers.jobs = {i: replace(job, status=JobStatus.DONE) for i, job in servers.jobs.items()}
        seat.app.polling.restart()
        await seat.settle()
        assert len(state.asked) == asked + 1
        assert {seat.pacs.studies.rows().cells(i)[-1][0][0] for i in range(9)} == {"✔"}

        seat.pacs.show_pane(seat.pacs.imports)
        await seat.press("enter")
        assert isinstance(seat.app.screen, JobScreen)


# -- adding and importing ----------------------------------------------------------------


async def test_studies_are_added_with_a_pseudonym_a_patient(project: Path, state: State) -> None:
    before = mapped(project)
    async with opened(project) as seat:
        await search(seat, "ACC4002,ACC4003,ACC4004")  # the first two are of one patient
        await seat.press("asterisk", "a")
        assert is_open(seat, AddScreen)
        await seat.press("escape")
        assert len(mapped(project)) == len(before)
        await seat.press("a", "enter")
        assert seat.said == "3 rows added to the mapping"
        assert not is_open(seat, AddScreen)
        assert not seat.pacs.studies.grid.marks
        await seat.press("asterisk", "a", "enter")
        assert seat.said == "0 rows added to the mapping, 3 already there"
    added = mapped(project)[len(before) :]
    assert [source for source, _ in added] == [
        f"study_instance_uid:{STUDIES[number].study}" for number in (2, 3, 4)
    ]
    (first, second, third) = (name for _, name in added)
    assert first == second != third
    assert all(len(name) == 8 for name in (first, third))


async def test_studies_are_added_without_pseudonyms(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "ACC4002")
        await seat.press("a", "e", "P")
        assert seat.app.screen is seat.main
    assert mapped(project)[-1] == (f"study_instance_uid:{STUDIES[2].study}", "")


async def test_without_a_mapping_it_says_why(bare: Path, state: State) -> None:
    fakes.write_settings(bare.parent / "settings.yml", bare)
    async with opened(bare) as seat:
        await search(seat, "ACC4002")
        await seat.press("a")
        assert "there is no mapping yet" in seat.said


async def test_studies_are_imported_at_once(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "ACC4006,ACC4007,ACC4008")
        await seat.press("a", "e")  # the first is in the mapping now
        await seat.press("asterisk", "i")
        screen = seat.app.screen
        assert isinstance(screen, StudyImportScreen)
        text = "\n".join(str(widget.render()) for widget in screen.query("Static"))
        assert "Import 2 studies (7 series, 2,317 instances) from MAIN through p01?" in text
        assert "1 more in the mapping: create their jobs there." in text
        await seat.press("escape")
        assert not state.created
        await seat.press("i", "enter")
        assert seat.said == "2 jobs created on p01"
    requests = list(state.created.values())
    assert [one.source_instance_id for one in requests] == [STUDIES[n].study for n in (7, 8)]
    for one in requests:
        assert (one.source_type, one.source_name) == ("WADO", "MAIN")
        assert one.project_name == "Wetenschap-Algemeen"
        assert one.destination_path == rf"{fakes.SHARE}\out"
        assert one.anonymizedpatientid is None
    batch = Batch.load(project)
    assert batch is not None
    assert len(batch.job_ids) == len(fakes.JOBS) + 2


async def test_an_import_needs_a_place_to_go_to(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await search(seat, "ACC4006")
        await seat.press("i", "ctrl+u", "ctrl+k", "enter")
        assert isinstance(seat.app.screen, StudyImportScreen)
        assert "Fill in: project" in str(seat.app.screen.query("Static.problem").last().render())
        await seat.type("Lung")
        await seat.press("tab", "ctrl+u", "ctrl+k")
        await seat.type("RESEARCH")
        await seat.press("enter")
    (request,) = state.created.values()
    assert (request.project_name, request.destination_type) == ("Lung", "NODE")
    assert request.destination_path == "RESEARCH"


async def test_a_batch_of_another_server_takes_no_imports(project: Path, state: State) -> None:
    Batch((1,), "sandbox", fakes.SERVERS[1].url).save(project)
    async with opened(project) as seat:
        await search(seat, "ACC4006")
        await seat.press("i")
        assert seat.said.endswith("this folder's batch is of another server, sandbox")


async def test_a_project_without_pseudonyms_says_what_to_do(
    project: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CallRefused("No", errors={"jobs[0].anonymizedpatientid": "Required"})

    monkeypatch.setattr(Archives, "create_many", refuse)
    async with opened(project) as seat:
        await search(seat, "ACC4006")
        await seat.press("i", "enter")
        assert "gives no pseudonyms by itself. Add the studies to the mapping (a)" in seat.said


# -- receiver, keys, layout --------------------------------------------------------------


async def test_the_receiver_is_switched_after_a_question(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        line = seat.pacs.archives.query_one(".receiver")
        assert "● on  port 11112  128 received" in str(line.render())
        seat.pacs.show_pane(seat.pacs.archives)
        await seat.press("b")
        assert isinstance(seat.app.screen, ConfirmScreen)
        await seat.press("enter")
        assert seat.said == "The receiver of p01 is off"
        assert "○ off" in str(line.render())
        state.receiver = replace(RECEIVER, running=False, error="port 11112 is in use")
        seat.pacs.archives.ask_receiver()
        await seat.settle()
        assert "✖ port 11112 is in use" in str(line.render())


async def test_a_server_without_receiver_shows_none(project: Path, state: State) -> None:
    state.receiver = MISSING
    async with opened(project) as seat:
        await seat.press("P")
        assert not seat.pacs.archives.query_one(".receiver").display
        why = why_not(seat.app.registry.actions["pacs.switch-receiver"], seat.app)
        assert why == "this server tells of no receiver"


async def test_the_screen_keeps_what_was_found(project: Path, state: State) -> None:
    async with opened(project, SMALL) as seat:
        await search(seat, "ACC4001,ACC4002")
        await seat.press("space", "P", "3")
        assert seat.app.screen is seat.main
        await seat.press("P")
        assert seat.title("studies") == "2 Studies · ● MAIN · 2 found · 1 marked"
        await seat.press("escape", "escape")  # first the marks
        assert seat.app.screen is seat.main


async def test_keys_in_the_form(project: Path, state: State) -> None:
    async with opened(project) as seat:
        await seat.press("P")
        await seat.type("qz/?12")  # text here, not keys of the app
        form = seat.pacs.studies.form
        assert form["accession"] == "qz/?12"
        await seat.press("ctrl+n")
        assert form.is_empty
        await seat.press("down", "down")
        assert focus(seat) == "dates"
        await seat.press("up", "shift+tab")
        assert focus(seat) == "modality"
        await seat.press("escape")
        assert seat.app.focused is seat.pacs.studies.grid
        await seat.press("4")
        assert seat.said == "Go to pane 4: not now, there is no pane 4 here"
        await seat.press("1", "z")
        assert seat.pacs.zoomed


@pytest.mark.parametrize("error", [DOWN, MISSING], ids=["down", "refused"])
async def test_a_receiver_that_cannot_be_switched_is_told(
    project: Path, state: State, monkeypatch: pytest.MonkeyPatch, error: AnonTUIError
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Archives, "set_receiver", refuse)
    async with opened(project) as seat:
        await seat.press("P")
        seat.pacs.show_pane(seat.pacs.archives)
        await seat.press("b", "enter")
        assert error.advice in seat.said


async def test_keys_typed_at_once_go_to_the_right_fields(project: Path, state: State) -> None:
    """As over a slow line: none overtakes a change of the field, or the search."""
    async with opened(project) as seat:
        await seat.press("P")
        keys = ["A", "tab", "c", "t", "tab", "P", "asterisk", "up", "C", "enter"]
        for key in keys:
            character = {"asterisk": "*"}.get(key, key if len(key) == 1 else None)
            seat.app.post_message(events.Key(key, character))
        await seat.until(lambda: state.asked)
        await seat.settle()
        form = seat.pacs.studies.form
        assert [form[name] for name in ("accession", "modality", "patient id")] == [
            "AC",
            "ct",
            "P*",
        ]
        assert state.asked[0]["accessions"] == ["AC"]
        assert state.asked[0]["patient_id"] == "P*"


async def test_who_the_patients_are_goes_into_no_file(
    project: Path, state: State, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(project) as seat:
        await search(seat, "ACC4001")
        before = set(project.iterdir())
        for word in ("", " studies.csv"):
            seat.app.run_action_named(seat.app.registry.actions["app.export"], word.strip())
            assert seat.said.endswith("it shows who patients are, which goes into no file")
        monkeypatch.setattr("anontui.tui.manners.clipboard", lambda *_: "file")
        seat.app.run_action_named(seat.app.registry.actions["app.copy"])
        assert seat.said.startswith("Not copied")
        assert set(project.iterdir()) == before
        assert not list(isolated_home.rglob("copied.txt"))
