"""What the app knows: the project's files, the servers' answers. No widgets, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from anontui.idis.model import Job, JobStatus

if TYPE_CHECKING:
    from anontui.errors import AnonTUIError
    from anontui.operations.servers import ServerState
    from anontui.operations.workspace import Workspace
    from anontui.project.batch import Batch
    from anontui.project.editor import MappingEditor


@dataclass
class Model:
    """The state behind the panes. Changed on the UI thread only."""

    folder: Path
    workspace: Workspace | None = None
    editor: MappingEditor | None = None
    mapping_error: AnonTUIError | None = None
    batch: Batch | None = None
    batch_error: AnonTUIError | None = None
    jobs: dict[int, Job] = field(default_factory=dict)
    servers: dict[str, ServerState] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    """When each server answered last, by :func:`time.monotonic`."""
    loaded: bool = False

    def server_name(self) -> str:
        """Name of the active server."""
        name = self.workspace.settings.active_server_name if self.workspace else None
        return name or ("no server" if self.loaded else "…")

    def server_state(self) -> ServerState | None:
        """What is known of the active server; None before its first answer."""
        return self.servers.get(self.server_name())

    def connection(self) -> tuple[str, str, str]:
        """Sign, word and tone for the state of the active server."""
        state = self.server_state()
        if state is None:
            return "○", "", "$text-muted"
        return ("●", "up", "$success") if state.up else ("✖", self.down(state.name), "$error")

    def look(self, states: Mapping[str, ServerState]) -> None:
        """Keep what servers answered, or that they did not."""
        self.servers.update(states)
        self.heard.update({name: monotonic() for name, state in states.items() if state.up})

    def down(self, name: str) -> str:
        """That a server is down, and since how long: so old is all that is shown of it."""
        if name not in self.heard:
            return "down"
        seconds = int(monotonic() - self.heard[name])
        if seconds < 100:
            return f"down {seconds} s"
        return f"down {seconds // 60} min" if seconds < 6000 else f"down {seconds // 3600} h"

    def job_ids(self) -> tuple[int, ...]:
        """The ids of the batch, in order."""
        return self.batch.job_ids if self.batch else ()

    def batch_server(self) -> str:
        """Name of the server that the batch's jobs are on."""
        return self.batch.server_name if self.batch else ""

    def counts(self) -> Counter[JobStatus]:
        """How many of the batch's known jobs are in which state."""
        return Counter(self.jobs[i].status for i in self.job_ids() if i in self.jobs)

    def has_running_jobs(self) -> bool:
        """True if a job of the batch may still change by itself."""
        known = [self.jobs.get(i) for i in self.job_ids()]
        return any(job is not None and not job.status.is_final for job in known)
