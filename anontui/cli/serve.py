"""``anontui serve``: run an anonymization server on this machine, and administer it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.out import JSON_OPTION, show_json, show_table
from anontui.errors import CannotStart, UsageError

if TYPE_CHECKING:
    from anontui.server.users import Users

DATA_OPTION = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the server's data.  [default: anontui/server in your data folder]",
)


def default_data() -> Path:
    """Return the data folder of a server that was given none."""
    if base := os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_DATA_HOME"):
        return Path(base) / "anontui" / "server"
    return Path.home() / ".local" / "share" / "anontui" / "server"


@click.group(invoke_without_command=True)
@DATA_OPTION
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; by default a free one, kept.")
@click.option(
    "--share", "shares", multiple=True, metavar="UNC=PATH", help="A share and its folder."
)
@click.option("--project", "projects", multiple=True, metavar="NAME", help="Accept this project.")
@click.pass_context
def serve(
    context: click.Context,
    *,
    data: Path | None,
    host: str,
    port: int | None,
    shares: tuple[str, ...],
    projects: tuple[str, ...],
) -> None:
    r"""Run an anonymization server on this machine until Ctrl-C.

    It reads and writes the shares it was given, such as --share '\\server\share=/mnt/share'.
    Shares, projects and port are kept in server.yml in its data folder.
    """
    context.obj = data or default_data()
    if context.invoked_subcommand is not None:
        return
    from anontui.server.process import run

    def ready(url: str) -> None:
        click.echo(f"Serving on  {url}")
        click.echo(f"Data in     {context.obj.absolute()}")
        click.echo("Add a user  anontui serve user add NAME" + _data_hint(data))
        click.echo("Stop        Ctrl-C; jobs under way go on at the next start")

    run(
        context.obj,
        host=host,
        port=port,
        shares=dict(_share(text) for text in shares),
        projects=projects,
        ready=ready,
    )


@serve.command()
@DATA_OPTION
@JSON_OPTION
@click.pass_obj
def status(default: Path, data: Path | None, as_json: bool) -> None:
    """Show whether the server runs, and where."""
    from anontui.server.process import status as ask

    found = ask(data or default)
    if as_json:
        show_json({"running": found.running, "url": found.url, "pid": found.pid})
    elif found.running:
        click.echo(f"Running on {found.url} (process {found.pid})")
    else:
        click.echo("Not running" + (f"; it was on {found.url}" if found.url else ""))


@serve.command()
@DATA_OPTION
@click.pass_obj
def stop(default: Path, data: Path | None) -> None:
    """Stop the server; jobs under way go on at its next start."""
    from anontui.server.process import stop as end

    click.echo("Stopped" if end(data or default) else "Not running")


@serve.group(name="user")
def user() -> None:
    """Say who may use the server; works while it runs, too."""


@user.command()
@click.argument("name")
@click.option("--own-token", is_flag=True, help="Read a token that the user made from stdin.")
@DATA_OPTION
@click.pass_obj
def add(default: Path, name: str, own_token: bool, data: Path | None) -> None:
    """Give NAME a token and print it; earlier ones stay valid."""
    given = sys.stdin.readline().strip() if own_token else None
    with _users(data or default) as users:
        token = users.add(name, given)
    if given is None:
        click.echo(token)
        click.echo("This token is shown once; the server keeps its hash only.", err=True)


@user.command(name="list")
@DATA_OPTION
@JSON_OPTION
@click.pass_obj
def list_users(default: Path, data: Path | None, as_json: bool) -> None:
    """Show the users and how many tokens each has."""
    with _users(data or default) as users:
        rows = [
            {"name": one.name, "tokens": one.tokens, "created": one.created} for one in users.all()
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ("name", "tokens", "created"))


@user.command()
@click.argument("name")
@DATA_OPTION
@click.pass_obj
def revoke(default: Path, name: str, data: Path | None) -> None:
    """Make all tokens of NAME void."""
    with _users(data or default) as users:
        count = users.revoke(name)
    if not count:
        raise UsageError(f"{name} has no token", advice="See who has one: anontui serve user list")
    click.echo(f"Revoked {count} token{'s' * (count > 1)} of {name}")


@contextmanager
def _users(data: Path) -> Iterator[Users]:
    from anontui.server.folder import DataFolder
    from anontui.server.users import Users

    folder = DataFolder(data)
    folder.make()
    try:
        with closing(folder.database()) as database:
            yield Users(database)
    except sqlite3.Error as error:
        raise CannotStart(
            f"The users in {data} cannot be changed",
            cause=str(error),
            advice="Check that the disk has room, then try again.",
        ) from error


def _share(text: str) -> tuple[str, Path]:
    unc, equals, local = text.partition("=")
    if not equals or not local:
        raise UsageError(
            f"This is not a share: {text!r}", advice=r"Write --share '\\server\share=/its/folder'."
        )
    return unc, Path(local).expanduser().absolute()


def _data_hint(data: Path | None) -> str:
    return f" --data {data}" if data else ""


command = serve
