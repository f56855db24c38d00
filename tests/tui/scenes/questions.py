"""The boxes that open over the panes, and the palette."""

from __future__ import annotations

import time

from anontui.errors import ServerUnreachable
from anontui.idis.model import Job, JobStatus
from anontui.project import created
from anontui.project.editor import MappingEditor
from tests.tui import fakes
from tests.tui.calm import shown
from tests.tui.fakes import Seat
from tests.tui.scenes.scene import (
    EMPTY,
    ERROR,
    FULL,
    HOLD,
    LOADING,
    Change,
    Scene,
    Step,
    World,
    typed,
)

# -- before the app opens --------------------------------------------------------------------


def one_created(world: World) -> None:
    """The mapping's first row became a job before."""
    from anontui.operations.creating import plan
    from anontui.operations.workspace import open_workspace

    workspace = open_workspace(world.folder)
    mapping = MappingEditor.load(workspace.mapping_path).mapping
    first = plan(workspace, mapping).jobs[0]
    created.record(world.folder, first.fingerprint, 1041, fakes.SERVERS[0].url)


def no_options(world: World) -> None:
    """Neither project nor destination is given."""
    lines = fakes.MAPPING.splitlines(keepends=True)
    left_out = ("project,", "destination_path,")
    world.mapping.write_text("".join(line for line in lines if not line.startswith(left_out)))


def all_named(world: World) -> None:
    """Every row has a pseudonym."""
    world.mapping.write_text(fakes.MAPPING.replace("patient2,,,", "patient2,LUNG-003,LUNG-003,"))


def many_jobs() -> list[Job]:
    """As many running jobs as ask for a typed word."""
    return [fakes.job(i, JobStatus.ACTIVE) for i in range(1001, 1013)]


def many(world: World) -> None:
    """A batch of them."""
    fakes.write_batch(world.folder, many_jobs())
    world.servers.jobs = {job.job_id: job for job in many_jobs()}


def no_jobs(world: World) -> None:
    """The server has none."""
    world.staged.newest = []


# -- steps -----------------------------------------------------------------------------------


async def paste(seat: Seat) -> None:
    """More rows than there are."""
    await seat.press("3", "down")
    text = "source\tpseudo_id\nfolder:data/patient7\tLUNG-007\nfolder:data/patient8\tLUNG-008\n"
    seat.main.mapping.pasted(text + "folder:data/patient9\tLUNG-009\n")
    await seat.settle()


def import_of(*lines: str) -> tuple[Step, ...]:
    """Import a list."""

    def write(world: World) -> None:
        (world.folder / "list.csv").write_text("\n".join(lines))

    return (Change(write), "3 n", typed("list.csv"), "enter")


async def clashes(seat: Seat) -> None:
    """Cells are changed here and by another program."""
    theirs = fakes.MAPPING.replace("baseline", "first visit").replace("LUNG-002,f", "LUNG-222,f")
    editor = seat.app.model.editor
    assert editor is not None
    editor.set_cells([(0, "description", "at baseline"), (2, "pseudo_id", "X")])
    editor.set_cell(1, "pseudo_name", "LUNG-020")
    (seat.app.model.folder / "anon_mapping.csv").write_text(theirs)
    seat.main.mapping.show_rows()
    seat.main.mapping.file.look()
    await seat.settle()
    await seat.press("3", "M", "right")


async def told(seat: Seat) -> None:
    """A message in each tone."""
    for tone in ("$success", "$warning", "$error"):
        seat.app.activity.add(f"Told in {tone[1:]}", tone, "And what to do about it.")
    for entry in seat.app.activity.entries:
        entry.at = time.mktime((2026, 2, 12, 10, 3, 0, 0, 0, -1))
    await seat.press("ctrl+l")


async def nothing_told(seat: Seat) -> None:
    """Nobody said a word yet."""
    seat.app.activity.entries.clear()
    await seat.press("ctrl+l")


def found(seat: Seat) -> str:
    """What the palette's list says."""
    return "".join(strip.text for strip in shown(seat.app))


async def palette(seat: Seat) -> None:
    """Wait for what it finds, which comes a little later."""
    await seat.press("ctrl+p", *"zoom")
    await seat.until(lambda: "Zoom" in found(seat))


async def palette_without(seat: Seat) -> None:
    """Nothing is called like that."""
    await seat.press("ctrl+p", *"qqqq")
    await seat.until(lambda: "No matches" in found(seat))


def refuses(world: World) -> None:
    """The server is not there."""
    world.staged.refusal = ServerUnreachable("No answer", advice="Check the network.")


LISTED = ("Lung study;;;", "Folder;Name;Age;Code", "data/p1;OAK;54;7", "data/p2;;61;8")

SCENES = {
    "activity": Scene("ActivityScreen", FULL, (told,)),
    "activity-empty": Scene("ActivityScreen", EMPTY, (nothing_told,)),
    "help": Scene("HelpScreen", FULL, ("question_mark",)),
    "command": Scene("CommandScreen", FULL, ("4 colon", typed("job"))),
    "command-empty": Scene("CommandScreen", EMPTY, ("colon", typed("qqqq"))),
    "command-error": Scene("CommandScreen", ERROR, ("colon", typed("nonsense"), "enter")),
    "palette": Scene("CommandPalette", FULL, (palette,), again=True),
    "palette-empty": Scene("CommandPalette", EMPTY, (palette_without,), again=True),
    "themes": Scene("ChooseScreen", FULL, ("ctrl+t down",)),
    "dry-run": Scene("PlanScreen", FULL, ("3 c", "down"), one_created),
    "dry-run-error": Scene("PlanScreen", ERROR, ("3 v",), no_options),
    "confirm": Scene("ConfirmScreen", FULL, ("4 A",), many),
    "confirm-one": Scene("ConfirmScreen", FULL, ("4 r",)),
    "job": Scene("JobScreen", ERROR, ("4 down down i",)),
    "job-done": Scene("JobScreen", FULL, ("4 i",)),
    "jobs": Scene("JobsScreen", FULL, ("1 n",)),
    "jobs-empty": Scene("JobsScreen", EMPTY, ("1 n",), no_jobs),
    "server": Scene("ServerForm", FULL, ("1 e",)),
    "server-empty": Scene("ServerForm", EMPTY, ("1 a",)),
    "server-loading": Scene("ServerForm", LOADING, ("1 e", HOLD, "ctrl+t")),
    "server-error": Scene("ServerForm", ERROR, ("1 e ctrl+t",), refuses),
    "columns": Scene("ColumnsScreen", FULL, ("3 vertical_line down down down space up s right",)),
    "paste": Scene("PasteScreen", FULL, (paste,)),
    "import": Scene("ImportScreen", FULL, import_of(*LISTED, "data/p3;ELM;33;9")),
    "import-error": Scene("ImportScreen", ERROR, import_of("Tree;Age", "OAK;54", "ELM;33")),
    "clashes": Scene("ClashScreen", FULL, (clashes,)),
    "pseudonyms": Scene("PseudonymScreen", FULL, ("3 a ctrl+r",)),
    "pseudonyms-empty": Scene("PseudonymScreen", EMPTY, ("3 a",), all_named),
    "pseudonyms-error": Scene("PseudonymScreen", ERROR, ("3 a end", "backspace " * 3)),
    "prompt": Scene("PromptScreen", FULL, ("3 p",)),
    "prompt-empty": Scene("PromptScreen", EMPTY, ("4 a",)),
    "errors": Scene("TextScreen", FULL, ("4 e",)),
}
