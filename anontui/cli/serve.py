"""``anontui serve``: run an anonymization server on this machine, and administer it."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.out import JSON_OPTION, show_json, show_table
from anontui.errors import CannotStart, SettingsError, UsageError

if TYPE_CHECKING:
    from anontui.server.config import Given
    from anontui.server.folder import DataFolder
    from anontui.server.users import User, Users

FILE = click.Path(path_type=Path, dir_okay=False, resolve_path=True)
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
@click.option("--host", help="Address to serve on; other than this machine's own it needs TLS.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; by default a free one, kept.")
@click.option("--tls-cert", type=FILE, help="Certificate (PEM), for https.")
@click.option("--tls-key", type=FILE, help="Its key (PEM).")
@click.option(
    "--share", "shares", multiple=True, metavar="UNC=PATH", help="A share and its folder."
)
@click.option("--project", "projects", multiple=True, metavar="NAME", help="Open it to all users.")
@click.option(
    "--engine",
    type=click.Choice(["process", "dask"]),
    default="process",
    show_default=True,
    help="Work in processes here, or on a Dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask's scheduler, such as tcp://host:8786.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; by default one a CPU.")
@click.option("--detach", is_flag=True, help="Go on without this terminal.")
@click.pass_context
def serve(
    context: click.Context,
    *,
    data: Path | None,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    shares: tuple[str, ...],
    projects: tuple[str, ...],
    engine: str,
    scheduler: str | None,
    workers: int | None,
    detach: bool,
) -> None:
    r"""Run an anonymization server on this machine until Ctrl-C.

    It reads and writes the shares it was given, such as --share '\\server\share=/mnt/share'.
    Host, port, TLS, shares and projects are kept in server.yml in its data folder.
    """
    context.obj = data or default_data()
    if context.invoked_subcommand is not None:
        return
    from anontui.server.config import Given
    from anontui.server.detach import start
    from anontui.server.process import EngineOptions, run

    given = Given(dict(_share(text) for text in shares), projects, host, port, tls_cert, tls_key)

    def ready(url: str) -> None:
        click.echo(f"Serving on  {url}")
        click.echo(f"Data in     {context.obj.absolute()}")
        click.echo("Add a user  anontui serve user add NAME" + _data_hint(data))
        if detach:
            click.echo("Stop        anontui serve stop" + _data_hint(data))
        else:
            click.echo("Stop        Ctrl-C; jobs under way go on at the next start")

    if detach:
        ready(start(context.obj, _words(given, engine, scheduler, workers)))
    else:
        run(context.obj, given, EngineOptions(engine, scheduler or "", workers), ready)


def _words(given: Given, engine: str, scheduler: str | None, workers: int | None) -> list[str]:
    """The options of a command that does the same."""
    options = {
        "--host": given.host,
        "--port": given.port,
        "--tls-cert": given.certificate,
        "--tls-key": given.key,
        "--engine": engine,
        "--scheduler": scheduler,
        "--workers": workers,
    }
    words = [f"{name}={value}" for name, value in options.items() if value is not None]
    words += [f"--share={unc}={local}" for unc, local in given.shares.items()]
    return words + [f"--project={name}" for name in given.projects]


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


@serve.command()
@DATA_OPTION
@click.pass_obj
def check(default: Path, data: Path | None) -> None:
    """Look for mistakes in the settings and projects; a server that runs may go on."""
    from anontui.server.checks import problems
    from anontui.server.folder import DataFolder
    from anontui.server.projects import Projects

    folder = DataFolder((data or default).absolute())
    found = list(problems(folder))
    for problem in found:
        click.echo(problem.sentence())
    if found:
        raise SettingsError(f"There are mistakes: {len(found)}", advice="Correct them.")
    projects = Projects(folder.projects, folder.config, folder.path).all()
    for name, project in sorted(projects.items()):
        users = "every user" if project.users is None else ", ".join(sorted(project.users))
        policy = project.policy.name if project.policy else "the basic profile"
        click.echo(f"{name}\t{users or 'admins only'}\t{policy}")
    click.echo("No mistakes found", err=True)


@serve.command()
@click.argument("target", type=click.Path(path_type=Path))
@DATA_OPTION
@click.pass_obj
def backup(default: Path, target: Path, data: Path | None) -> None:
    """Copy everything the server keeps to the new folder TARGET; also while it runs.

    It holds the secrets. To go back, serve with it: --data TARGET.
    """
    from anontui.server.backup import back_up
    from anontui.server.folder import DataFolder

    size = back_up(DataFolder((data or default).absolute()), target)
    click.echo(f"Backed up to {target} ({size / 1e6:.1f} MB)")


@serve.command("audit")
@click.option("--since", metavar="DATE", help="From this date or time on, such as 2024-01-31.")
@click.option("--job", "job_id", type=int, help="Of this job only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a row a line.")
@DATA_OPTION
@click.pass_obj
def show_audit(
    default: Path, since: str | None, job_id: int | None, as_json: bool, data: Path | None
) -> None:
    """Show who did what, oldest first, and check that nobody changed it.

    Keep the hash that it ends with elsewhere, such as on paper: a row that is changed, added
    or taken out later then shows, for that hash is gone.
    """
    from anontui.server import audit

    with _users(data or default) as (_, folder), closing(folder.database()) as database:
        after = 0
        while rows := audit.page(database, after, 1000, job_id):
            after = int(rows[-1]["audit_id"] or 0)
            for row in rows:
                if str(row["time"]) < (since or ""):
                    continue
                if as_json:
                    click.echo(json.dumps(row, ensure_ascii=False))
                    continue
                job = f"  job {row['job_id']}" if row["job_id"] is not None else ""
                told = json.loads(str(row["details"])).items()
                details = "".join(f"  {name}={value}" for name, value in told if value)
                click.echo(f"{row['time']}  {row['who']}  {row['what']}{job}{details}")
        broken, last = audit.verify(database)
    if broken is not None:
        raise CannotStart(
            f"The audit was changed: row {broken} does not fit those before it",
            advice="Compare it with a backup, and find out who can write to the data folder.",
        )
    click.echo(f"The audit is whole up to {last or 'its start'}", err=True)


@serve.group(name="user")
def user() -> None:
    """Say who may use the server; works while it runs, too."""


@user.command()
@click.argument("name")
@click.option("--own-token", is_flag=True, help="Read a token that the user made from stdin.")
@click.option(
    "--role",
    type=click.Choice(["user", "admin"]),
    help="An admin sees every project.  [default: as it is; user]",
)
@DATA_OPTION
@click.pass_obj
def add(default: Path, name: str, own_token: bool, role: str | None, data: Path | None) -> None:
    """Give NAME a token and print it; earlier ones stay valid.

    Which projects a user is connected to, their files projects/NAME/project.yml say.
    """
    from anontui.server.review import who_types
    from anontui.server.users import Role

    given = sys.stdin.readline().strip() if own_token else None
    with _users(data or default) as (users, folder):
        token = users.add(name, given, Role(role) if role else None, who_types())
        known = next(user for user in users.all() if user.name == name)
        connected = _connected(folder, known)
    if given is None:
        click.echo(token)
        click.echo("This token is shown once; the server keeps its hash only.", err=True)
        click.echo(f"Role {known.role}; connected to: {connected}", err=True)


@user.command(name="list")
@DATA_OPTION
@JSON_OPTION
@click.pass_obj
def list_users(default: Path, data: Path | None, as_json: bool) -> None:
    """Show the users: name, tokens, since when, role, and projects."""
    with _users(data or default) as (users, folder):
        rows = [
            {
                "name": one.name,
                "tokens": one.tokens,
                "created": one.created,
                "role": str(one.role),
                "projects": _connected(folder, one),
            }
            for one in users.all()
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ("name", "tokens", "created", "role", "projects"))


@user.command()
@click.argument("name")
@DATA_OPTION
@click.pass_obj
def revoke(default: Path, name: str, data: Path | None) -> None:
    """Make all tokens of NAME void."""
    from anontui.server.review import who_types

    with _users(data or default) as (users, _):
        count = users.revoke(name, who_types())
    if not count:
        raise UsageError(f"{name} has no token", advice="See who has one: anontui serve user list")
    click.echo(f"Revoked {count} token{'s' * (count > 1)} of {name}")


@contextmanager
def _users(data: Path) -> Iterator[tuple[Users, DataFolder]]:
    from anontui.server.folder import DataFolder
    from anontui.server.users import Users

    folder = DataFolder(data)
    folder.make()
    try:
        with closing(folder.database()) as database:
            yield Users(database), folder
    except sqlite3.Error as error:
        raise CannotStart(
            f"The users in {data} cannot be changed",
            cause=str(error),
            advice="Check that the disk has room, then try again.",
        ) from error


def _connected(folder: DataFolder, user: User) -> str:
    from anontui.server.projects import Projects

    projects = Projects(folder.projects, folder.config, folder.path)
    try:
        seen = projects.seen_by(user.name, user.role)
    except SettingsError as error:
        return f"unknown ({error.message})"
    return "all projects" if seen is None else ", ".join(sorted(seen)) or "no project yet"


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
