"""Which local folder is which share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.operations.mounts import Mount
    from anontui.operations.paths import Share
    from anontui.tui.app import AnonTUI


def show(app: AnonTUI) -> None:
    """Show the shares that are known, and the mounts that may be some."""
    from anontui.operations.paths import shares

    workspace = common.workspace_of(app)

    def done(found: list[Share]) -> None:
        if found:
            fields = {one.unc: f"{one.local}   ({one.origin})" for one in found}
            common.show_fields(app, "Shares", fields)
        else:
            app.say("No share is known: add one with the palette (^p), Say that …")

    app.start("files", lambda: shares(workspace), done)


def confirm(app: AnonTUI) -> None:
    """Ask of each mount whether it is the share that it seems to be."""
    from anontui.operations.paths import proposals

    workspace = common.workspace_of(app)

    def done(found: list[Mount]) -> None:
        if found:
            _ask_each(app, found)
        else:
            app.say("No mount waits to be confirmed")

    app.start("files", lambda: proposals(workspace), done)


def _ask_each(app: AnonTUI, mounts: Sequence[Mount]) -> None:
    from anontui.operations import paths

    mount, rest = mounts[0], mounts[1:]

    def answered(yes: bool | None) -> None:
        if yes:
            workspace = common.workspace_of(app)
            common.run(app, lambda: paths.confirm(workspace, [mount]), f"{mount.unc} is known now")
        if rest and yes is not None:
            app.start("files", lambda: None, lambda _: _ask_each(app, rest))

    doubt = "" if mount.is_sure else "This is a guess: Windows may know it by another name. "
    meaning = f"{doubt}Jobs find data by the names of shares."
    question = f"Is {mount.local} the share {mount.unc}?"
    app.push_screen(ConfirmScreen(question, meaning, "It is"), answered)


def add(app: AnonTUI) -> None:
    """Ask for a share, then for its folder."""
    from anontui.operations import paths

    def with_share(share: str) -> None:
        def with_folder(text: str) -> None:
            folder = app.model.folder / Path(text).expanduser()
            if not folder.is_dir():
                raise UsageError("There is no such folder here", advice="Correct its path.")
            workspace = common.workspace_of(app)
            common.run(app, lambda: paths.add(workspace, share, folder), f"{share} is known now")

        common.ask(app, f"Local folder of {share}", str(app.model.folder), with_folder)

    common.ask(app, r"Share, as \\server\share", "", with_share)


def remove(app: AnonTUI) -> None:
    """Ask which share to forget."""
    from anontui.operations import paths

    workspace = common.workspace_of(app)
    pairs = workspace.settings.shares.pairs

    def answered(name: str) -> None:
        common.run(app, lambda: paths.remove(workspace, name), f"{name} is forgotten")

    common.ask(app, "Share to forget", pairs[0][0] if pairs else "", answered)
