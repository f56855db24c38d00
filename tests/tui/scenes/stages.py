"""The screens beside the panes: first start, held files, preview, identities, servers, settings."""

from __future__ import annotations

from pathlib import Path

from anontui.errors import CannotStart
from anontui.settings import load
from anontui.unc import ShareMap
from tests import ultrasound
from tests.tui.fakes import Seat
from tests.tui.scenes.scene import (
    EMPTY,
    ERROR,
    FULL,
    HOLD,
    LOADING,
    Change,
    Scene,
    World,
    act,
    typed,
)
from tests.tui.stages import GONE, LIST, LOOK, NO_ADMIN, preview, run

# -- the world ---------------------------------------------------------------------------------


def refused(world: World) -> None:
    """Only admins may."""
    world.staged.refusal = NO_ADMIN


def gone(world: World) -> None:
    """The server takes too long."""
    world.staged.refusal = GONE


def nothing_held(world: World) -> None:
    """No file waits."""
    world.staged.entries = []


def no_servers(world: World) -> None:
    """Settings without a server."""
    path = world.folder.parent / "settings.yml"
    load(path).replace(servers=(), active_server_name=None).save()


def does_not_start(world: World) -> None:
    """A first start, where the built-in server cannot be started."""
    world.greet()

    def start(*_: object) -> None:
        raise CannotStart("The built-in server did not start", cause="port 8421 is taken")

    world.patch.setattr("anontui.operations.builtin.start", start)


# -- steps -------------------------------------------------------------------------------------


async def first_file(seat: Seat) -> None:
    """The preview of a slice."""
    await preview(seat, seat.app.model.folder / "data" / "patient1" / "slice1.dcm")


async def echo(seat: Seat) -> None:
    """The preview of an ultrasound image, which would be held."""
    await preview(seat, ultrasound.write(seat.app.model.folder / "data" / "us1.dcm"))


async def no_dicom(seat: Seat) -> None:
    """The preview of a text."""
    await preview(seat, seat.app.model.folder / "notes" / "readme.txt")


async def known_settings(seat: Seat) -> None:
    """Settings that look the same in every run."""
    workspace = seat.app.model.workspace
    assert workspace is not None
    path = Path("/home/z123456/.config/anontui/settings.yml")
    shares = ShareMap(((r"\\srv\share", Path("/mnt/share")),))
    changed = workspace.settings.replace(path=path, shares=shares)
    seat.app.model.workspace = workspace.with_settings(changed)
    await run(seat, "settings.show")


HELD = (act(LIST),)
LOOKED_AT = (*HELD, act(LOOK))
ASKED = act("identities.find")
SERVER = ("u tab", typed("p01.example"), "tab z tab s")
CHANGED = (known_settings, "slash", typed("zoom"), "enter enter ctrl+u")

SCENES = {
    "held": Scene("QuarantineScreen", FULL, (*HELD, "space space")),
    "held-empty": Scene("QuarantineScreen", EMPTY, HELD, nothing_held),
    "held-loading": Scene("QuarantineScreen", LOADING, (HOLD, *HELD)),
    "held-error": Scene("QuarantineScreen", ERROR, HELD, gone),
    "held-no-admin": Scene("QuarantineScreen", ERROR, HELD, refused),
    "review": Scene("ReviewScreen", FULL, LOOKED_AT),
    "review-boxes": Scene(
        "ReviewScreen",
        FULL,
        (*LOOKED_AT, "n left left up up", "shift+right " * 20, "n down down"),
    ),
    "review-near": Scene("ReviewScreen", FULL, (*LOOKED_AT, "n plus plus plus")),
    "review-loading": Scene("ReviewScreen", LOADING, (*HELD, HOLD, act(LOOK))),
    "review-error": Scene("ReviewScreen", ERROR, (*HELD, Change(gone), act(LOOK))),
    "review-release": Scene("ConfirmScreen", FULL, (*LOOKED_AT, "n b")),
    "preview": Scene("PreviewScreen", FULL, (first_file,)),
    "preview-changed": Scene("PreviewScreen", FULL, (first_file, "c down down")),
    "preview-held": Scene("PreviewScreen", FULL, (echo,)),
    "preview-picture": Scene("PreviewScreen", FULL, (echo, "v v")),
    "preview-loading": Scene("PreviewScreen", LOADING, (HOLD, first_file)),
    "preview-error": Scene("PreviewScreen", ERROR, (no_dicom,)),
    "identities-empty": Scene("IdentitiesScreen", EMPTY, (ASKED,)),
    "identities-nobody": Scene("IdentitiesScreen", EMPTY, (ASKED, typed("Jan"), "enter")),
    "identities-loading": Scene("IdentitiesScreen", LOADING, (ASKED, HOLD, typed("Jan*"), "enter")),
    "identities": Scene("IdentitiesScreen", FULL, (ASKED, typed("Jan*"), "enter")),
    "identities-error": Scene("IdentitiesScreen", ERROR, (ASKED, typed("J"), "enter"), refused),
    "overview": Scene("OverviewScreen", FULL, (act("server.list"),)),
    "overview-empty": Scene("OverviewScreen", EMPTY, (act("server.list"),), no_servers),
    "overview-loading": Scene("OverviewScreen", LOADING, (HOLD, act("server.list"))),
    "overview-error": Scene("OverviewScreen", ERROR, (act("server.list"),), gone),
    "settings": Scene("SettingsScreen", FULL, (known_settings,)),
    "settings-none": Scene(
        "SettingsScreen", EMPTY, (known_settings, "slash", typed("qqqq"), "enter")
    ),
    "settings-value": Scene("CheckedPrompt", FULL, (*CHANGED[:-1], "enter enter")),
    "settings-no-value": Scene("CheckedPrompt", EMPTY, CHANGED),
    "settings-key": Scene("CheckedPrompt", ERROR, (*CHANGED, typed("no key"))),
    "welcome": Scene("WelcomeScreen", FULL, (), World.greet),
    "welcome-loading": Scene("WelcomeScreen", LOADING, (HOLD, "b"), World.greet),
    "welcome-error": Scene("WelcomeScreen", ERROR, ("b",), does_not_start),
    "welcome-form": Scene("FirstServerForm", EMPTY, ("u",), World.greet),
    "welcome-asking": Scene("FirstServerForm", LOADING, (HOLD, *SERVER, "enter"), World.greet),
    "welcome-server": Scene(
        "FirstServerForm", ERROR, (Change(gone), *SERVER, "enter"), World.greet
    ),
}
