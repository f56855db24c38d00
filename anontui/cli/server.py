"""``anontui server``: the servers that the user knows."""

from __future__ import annotations

import click

from anontui.cli.complete import server_names
from anontui.cli.context import connected, job_row, workspace
from anontui.cli.out import JSON_OPTION, say, show_json, show_table


@click.group("server")
def command() -> None:
    """Choose and look at anonymization servers."""


@command.command()
@click.argument("name")
@click.argument("url")
def add(name: str, url: str) -> None:
    """Add a server; the first one becomes the active one."""
    from anontui.errors import UsageError
    from anontui.idis.address import server_url

    settings = workspace().settings
    if any(server.name == name for server in settings.servers):
        raise UsageError(
            f"There is a server {name!r} already",
            advice=f"Choose another name, or: anontui server remove {name}",
        )
    settings = settings.with_server(name, server_url(url))
    if settings.active_server_name is None:
        settings = settings.activated(name)
    settings.save()
    is_active = settings.active_server_name == name
    say(f"Added the server {name}{', which is now active' if is_active else ''}.")


@command.command("list")
@JSON_OPTION
def list_servers(as_json: bool) -> None:
    """List the servers; asks none of them."""
    settings = workspace().settings
    rows = [
        {
            "name": server.name,
            "url": server.url,
            "active": server.name == settings.active_server_name,
        }
        for server in settings.servers
    ]
    if as_json:
        show_json(rows)
    elif rows:
        marked = [row | {"active": "*" if row["active"] else ""} for row in rows]
        show_table(marked, ("active", "name", "url"))
    else:
        say("No server is set. Add one with: anontui server add NAME URL")


@command.command()
@click.argument("name", shell_complete=server_names)
def remove(name: str) -> None:
    """Forget a server; its jobs stay as they are."""
    workspace().settings.without_server(name).save()
    say(f"Removed the server {name}.")


@command.command()
@click.argument("name", shell_complete=server_names)
def activate(name: str) -> None:
    """Make a server the one that commands go to."""
    workspace().settings.activated(name).save()
    say(f"The server {name} is now active.")


@command.command()
@click.argument("name", required=False, shell_complete=server_names)
@JSON_OPTION
@click.pass_context
def status(context: click.Context, name: str | None, as_json: bool) -> None:
    """Ask the active server, or NAME, whether it is there; exit code 1 if not."""
    from dataclasses import asdict

    from anontui.operations.servers import probe

    settings = workspace().settings
    if name is not None:
        settings = settings.activated(name)
    state = probe(settings, settings.active_server)
    if as_json:
        show_json(asdict(state))
    elif state.up:
        click.echo(f"{state.name} ({state.url}) is up: {state.latency_ms:.0f} ms")
    else:
        say(f"{state.name} ({state.url}) is down: {state.problem}. {state.advice}".strip())
    context.exit(0 if state.up else 1)


@command.command()
@JSON_OPTION
def jobs(as_json: bool) -> None:
    """List the newest jobs of the active server."""
    with connected(workspace().settings) as client:
        found = client.jobs()
    if as_json:
        show_json([job.to_json(extended=False) for job in found])
    else:
        columns = ("id", "date", "status", "down", "proc", "user", "project", "description")
        show_table([job_row(job) for job in found], columns)
