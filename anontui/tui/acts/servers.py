"""Looking at servers and at any job on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.tui.acts import common

if TYPE_CHECKING:
    from anontui.idis.model import Job
    from anontui.operations.servers import ServerState
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI


def ask_again(app: AnonTUI) -> None:
    """Ask every server whether it is there, and say what is wrong with the one meant."""
    settings, name = common.workspace_of(app).settings, str(app.main.servers.key)

    def work() -> dict[str, ServerState]:
        from anontui.operations.servers import probe

        return {server.name: probe(settings, server) for server in settings.servers}

    def done(states: dict[str, ServerState]) -> None:
        app.model.look(states)
        app.main.servers.servers_changed()
        state = states[name]
        if state.up:
            app.say(f"{name} is up: {state.latency_ms:.0f} ms", "$success")
        else:
            app.say(f"{name} is down: {state.problem}. {state.advice}".strip(), "$error")

    app.start("poll", work, done, label="Asking the servers")


def newest_jobs(app: AnonTUI) -> None:
    """Show the newest jobs of the server under the cursor."""
    jobs_of(app, str(app.main.servers.key))


def jobs_of(app: AnonTUI, name: str) -> None:
    """Show the newest jobs of a server."""
    settings = common.workspace_of(app).settings
    server = next(server for server in settings.servers if server.name == name)

    def work() -> list[Job]:
        from anontui.operations.servers import connect

        with connect(settings, server) as client:
            return client.jobs()

    app.start(
        "poll", work, lambda jobs: _show(app, server, jobs, "newest jobs"), label=f"Asking {name}"
    )


def jobs_by_id(app: AnonTUI) -> None:
    """Ask for ids and show these jobs of the active server."""
    settings = common.workspace_of(app).settings
    server = settings.active_server

    def answered(text: str) -> None:
        from anontui.project.batch import parse_job_ids

        ids = parse_job_ids([text])

        def work() -> list[Job]:
            from anontui.operations.jobs import status
            from anontui.operations.servers import connect

            with connect(settings, server) as client:
                return list(status(client, ids).values())

        def done(jobs: list[Job]) -> None:
            title = f"{len(jobs)} of the {len(ids)} jobs asked for"
            _show(app, server, jobs, title)

        app.start("poll", work, done, label=f"Asking {server.name}")

    common.ask(app, f"Job ids on {server.name}: 1 2 3, 5-12, 1,4-7", "", answered)


def _show(app: AnonTUI, server: Server, jobs: list[Job], what: str) -> None:
    from anontui.tui.screens.jobs import JobsScreen

    app.push_screen(JobsScreen(app, server, jobs, f"{server.name}: {what}"))
