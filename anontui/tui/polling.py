"""Asking the servers how the jobs stand: often while something moves, seldom else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError, ServerError, SettingsError

if TYPE_CHECKING:
    from textual.timer import Timer

    from anontui.idis.client import Client
    from anontui.idis.model import Job
    from anontui.operations.servers import ServerState
    from anontui.operations.workspace import Workspace
    from anontui.project.batch import Batch
    from anontui.settings import Settings
    from anontui.tui.app import AnonTUI

MOVING, RESTING, LONGEST = 0.5, 5.0, 30.0
"""Seconds between two looks: jobs run on a quick server; nothing runs; server down."""


@dataclass(frozen=True)
class Look:
    """What one look at the servers found."""

    servers: dict[str, ServerState]
    jobs: dict[int, Job]
    error: AnonTUIError | None = None


class Polling:
    """Looks at the active server and the batch's jobs, and passes on what changed."""

    def __init__(self, app: AnonTUI) -> None:
        self._app = app
        self._client: Client | None = None
        self._settings: Settings | None = None
        self._timer: Timer | None = None
        self._failures = 0
        self._busy = False
        self._again = False
        self._round = 0

    def restart(self) -> None:
        """Look now, and go on from there."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._busy:
            self._again = True
            return
        model = self._app.model
        if model.workspace is None:
            return
        workspace, batch = model.workspace, model.batch
        settings = workspace.settings
        all_servers = self._round % 10 == 0 or settings is not self._settings
        self._round += 1
        self._busy = True
        self._app.start("poll", lambda: self._look(workspace, batch, all_servers), self._seen)

    def _look(self, workspace: Workspace, batch: Batch | None, all_servers: bool) -> Look:
        from anontui.operations import batches, jobs, servers

        settings = workspace.settings
        states = {
            server.name: servers.probe(settings, server)
            for server in settings.servers
            if all_servers or server.name == settings.active_server_name
        }
        if batch is None or not batch.job_ids:
            return Look(states, {})
        try:
            server = batches.server_of(workspace, batch)  # not always the active one
            if server.name in states and not states[server.name].up:
                return Look(states, {})
            if self._client is None or self._settings is not settings:
                if self._client is not None:
                    self._client.close()
                self._client, self._settings = servers.connect(settings, server), settings
            return Look(states, jobs.status(self._client, batch.job_ids))
        except (ServerError, SettingsError) as error:
            return Look(states, {}, error)

    def _seen(self, look: Look) -> None:
        app, model = self._app, self._app.model
        self._busy = False
        model.look(look.servers)
        new = look.jobs.keys() - model.jobs.keys()
        changed = {i for i, job in look.jobs.items() if model.jobs.get(i) != job}
        model.jobs.update(look.jobs)
        app.main.servers.servers_changed()
        if changed:
            for screen in {app.main, app.front}:
                screen.jobs_changed(changed, flash=changed - new)
        if look.error is not None:
            app.say(look.error.sentence(), "$error")
        state = model.server_state()
        self._failures = 0 if state and state.up and not look.error else self._failures + 1
        app.here.refresh_lines()
        if self._again:
            self._again = False
            self.restart()
        else:
            self._timer = app.set_timer(self._wait(), self.restart)

    def _wait(self) -> float:
        if self._failures:
            return min(2.0**self._failures, LONGEST)
        state = self._app.model.server_state()
        if not self._app.model.has_running_jobs() or state is None:
            return RESTING
        return max(MOVING, min((state.latency_ms or 0) / 50, 2.0))
