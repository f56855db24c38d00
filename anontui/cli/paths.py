"""``anontui paths``: which local folder is which share."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, say, show_json, show_table
from anontui.errors import UsageError


@click.group("paths", invoke_without_command=True)
@JSON_OPTION
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    r"""Show which local folder is which share (\\server\share), and change that.

    A server knows data by UNC paths only. What is shown here turns local paths into them by
    itself. The mounts of this computer are proposed; agree to them with: anontui paths confirm
    """
    if context.invoked_subcommand is not None:
        return
    from anontui.operations.paths import Origin, shares

    rows = shares(workspace())
    if as_json:
        show_json(
            [
                {
                    "share": r.unc,
                    "folder": r.local,
                    "origin": r.origin.name.lower(),
                    "sure": r.is_sure,
                }
                for r in rows
            ]
        )
        return
    if rows:
        show_table(
            [{"share": row.unc, "folder": row.local, "from": str(row.origin)} for row in rows],
            ("share", "folder", "from"),
        )
    else:
        say("No share is known. Name one with: anontui paths add SHARE FOLDER")
    if any(row.origin is Origin.PROPOSED for row in rows):
        say("Agree to the mounts that are right with: anontui paths confirm")


@command.command()
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@YES_OPTION
def confirm(folders: tuple[str, ...], yes: bool) -> None:
    """Agree that mounts of this computer are the shares they seem to be.

    Asks for each that is proposed, or only for those at a FOLDER. With --yes, those that may
    be called otherwise on Windows (NFS exports, parts of a share) must be named.
    """
    from anontui.operations import paths

    here = workspace()
    found = paths.proposals(here)
    if folders:
        chosen = {str(Path(folder).absolute()): folder for folder in folders}
        missing = chosen.keys() - {str(Path(mount.local)) for mount in found}
        if missing:
            names = ", ".join(chosen[name] for name in sorted(missing))
            raise UsageError(
                f"No mount is proposed at {names}", advice="See them with: anontui paths"
            )
        found = [mount for mount in found if str(Path(mount.local)) in chosen]
    if found and not yes and not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask on", advice="Add --yes if the shares are right."
        )
    agreed = []
    for mount in found:
        what = f"{mount.local} is the share {mount.unc}"
        if not yes:
            doubt = "" if mount.is_sure else " (a guess: Windows may know it by another name)"
            if click.confirm(f"{what}{doubt}. Is that right?", err=True):
                agreed.append(mount)
        elif mount.is_sure or folders:
            agreed.append(mount)
        else:
            say(f"Left out, because it is a guess: {what}. Name the folder to agree to it.")
    if agreed:
        paths.confirm(here, agreed)
    for mount in agreed:
        click.echo(f"{mount.unc}  {mount.local}")
    say(f"{len(agreed)} shares confirmed." if found else "No mount waits to be confirmed.")


@command.command()
@click.argument("share")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def add(share: str, folder: str) -> None:
    r"""Say that a local FOLDER is a SHARE (\\server\share, or //server/share).

    What was said of that folder before is replaced.
    """
    from anontui.operations import paths

    after = paths.add(workspace(), share, Path(folder))
    unc, local = after.settings.shares.pairs[-1]
    say(f"{local} is {unc}.")


@command.command()
@click.argument("name", metavar="SHARE|FOLDER")
def remove(name: str) -> None:
    """Forget a share, by its UNC path or its folder; nothing happens to the data."""
    from anontui.operations import paths

    before = workspace()
    after = paths.remove(before, name)
    say(f"{len(before.settings.shares.pairs) - len(after.settings.shares.pairs)} shares forgotten.")
