"""The PACS screen and its panes, and what opens over it."""

from __future__ import annotations

from anontui.errors import CallRefused, ServerError, ServerUnreachable
from anontui.idis.advice import OTHER_VERSION
from anontui.idis.model import JobStatus
from tests.tui import fakes
from tests.tui.archives import STUDIES, fetching
from tests.tui.fakes import Seat
from tests.tui.scenes.scene import (
    EMPTY,
    ERROR,
    FULL,
    HOLD,
    LOADING,
    Scene,
    World,
    typed,
)

MISSING = ServerError("https://p01 does not know the call get_nodes", advice=OTHER_VERSION)
DOWN = ServerUnreachable("https://p01 does not answer", advice="Check the network.")
UNKNOWN = "MAIN does not know the AE title ANONTUI. Have its admin add it."

# -- the world ---------------------------------------------------------------------------------


def archives(world: World) -> None:
    """A server with archives, and imports in each state."""
    world.has_archives = True
    some = [
        fetching(2001, STUDIES[2], JobStatus.DONE, 2_315, 2_315),
        fetching(2002, STUDIES[9], JobStatus.ERROR, 0, 0, error="HTTP Error 404"),
        fetching(2003, STUDIES[4], JobStatus.UPLOADED, 41, 13),
        fetching(2004, STUDIES[7], JobStatus.ACTIVE, 1_400, 0),
        fetching(2005, STUDIES[8], JobStatus.ACTIVE, 0, 0),
    ]
    fakes.write_batch(world.folder, some)
    world.servers.jobs = {job.job_id: job for job in some}


def no_archives(world: World) -> None:
    """A server that has none for this user."""
    archives(world)
    world.archives.nodes = ()


def foreign(world: World) -> None:
    """A server that knows nothing of archives."""
    archives(world)
    world.archives.nodes = world.archives.receiver = MISSING


def offline(world: World) -> None:
    """A server that is not there."""
    archives(world)
    world.archives.nodes = world.archives.receiver = DOWN


def refusing(world: World) -> None:
    """An archive that lets nobody search."""
    archives(world)
    world.archives.failure = CallRefused("No", errors={"node": UNKNOWN})


def no_imports(world: World) -> None:
    """Nothing was imported yet."""
    world.has_archives = True


# -- steps -------------------------------------------------------------------------------------


async def searching(seat: Seat) -> None:
    """Wait until the archive was asked."""
    await seat.press("enter")
    await seat.until(lambda: seat.app.tasks)


ALL = ("P tab tab", typed("PID*"), "enter")
SOME = ("P", typed("ACC4001,ACC4002,ACC4003"), "enter")
FOUND = (*ALL, "space down down m")

SCENES = {
    f"pacs-{name}": scene
    for name, scene in {
        "form": Scene("StudiesPane", EMPTY, ("P",), archives),
        "nothing": Scene("StudiesPane", EMPTY, ("P", typed("ACC1"), "enter"), archives),
        "searching": Scene(
            "StudiesPane", LOADING, ("P tab tab", typed("PID*"), HOLD, searching), archives
        ),
        "series": Scene(
            "StudiesPane",
            FULL,
            ("P", typed("ACC4001,ACC4002,ACC4003,NIX7"), "enter", "enter"),
            archives,
        ),
        "error": Scene("StudiesPane", ERROR, ALL, refusing),
        "none": Scene("PacsScreen", EMPTY, ("P",), no_archives),
        "loading": Scene("PacsScreen", LOADING, (HOLD, "P"), archives),
        "found": Scene("PacsScreen", FULL, FOUND, archives),
        "foreign": Scene("PacsScreen", ERROR, ("P",), foreign),
        "readonly": Scene("PacsScreen", FULL, (*FOUND, "i"), archives, readonly=True),
        "help": Scene("HelpScreen", FULL, (*ALL, "question_mark"), archives),
        "archives": Scene("ArchivesPane", FULL, ("P escape 1 down",), archives),
        "archives-empty": Scene("ArchivesPane", EMPTY, ("P escape 1",), no_archives),
        "archives-loading": Scene("ArchivesPane", LOADING, (HOLD, "P escape 1"), archives),
        "offline": Scene("ArchivesPane", ERROR, ("P escape 1",), offline),
        "imports": Scene("ImportsPane", FULL, (*ALL, "3"), archives),
        "imports-empty": Scene("ImportsPane", EMPTY, ("P escape 3",), no_imports),
        "imports-error": Scene("ImportsPane", ERROR, (*ALL, "3 z down down down"), archives),
        "add": Scene("AddScreen", FULL, (*SOME, "asterisk a"), archives),
        "plan": Scene("StudyImportScreen", FULL, (*SOME, "asterisk i"), archives),
        "plan-error": Scene(
            "StudyImportScreen",
            ERROR,
            (*SOME, "asterisk i ctrl+u", "home ctrl+k enter"),
            archives,
        ),
        "receiver": Scene("ConfirmScreen", FULL, ("P escape 1 down b",), archives),
    }.items()
}
