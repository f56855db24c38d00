"""Values that a shell completes: what is known on this machine; no server is asked.

A completion must never fail or print: whatever goes wrong, there is nothing to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.errors import AnonTUIError
from anontui.operations.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def _completer(values: Callable[[Workspace], Iterable[tuple[str, str]]]) -> Completer:
    """Complete from (value, help) pairs of the current folder."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        try:
            found = list(values(open_workspace(Path.cwd())))
        except (AnonTUIError, OSError):
            return []
        given = {str(value) for value in ctx.params.get(param.name or "") or ()}
        return [
            CompletionItem(value, help=about)
            for value, about in dict(found).items()
            if value.startswith(incomplete) and value not in given
        ]

    return complete


@_completer
def server_names(here: Workspace) -> Iterable[tuple[str, str]]:
    """The names of the user's servers."""
    return ((server.name, server.url) for server in here.settings.servers)


@_completer
def batch_ids(here: Workspace) -> Iterable[tuple[str, str]]:
    """The ids of the jobs in the folder's batch."""
    from anontui.operations.batches import open_batch

    batch = open_batch(here)
    return ((str(job_id), f"job on {batch.server_name}") for job_id in batch.job_ids)


@_completer
def pseudonyms(here: Workspace) -> Iterable[tuple[str, str]]:
    """The pseudonyms in the mapping."""
    from anontui.operations.mappings import active_mapping
    from anontui.project.mapping import Mapping

    mapping = Mapping.load(active_mapping(here))
    for row in range(len(mapping.rows)):
        for name in ("pseudo_id", "pseudo_name"):
            if text := mapping.cell(row, name).strip():
                yield text, mapping.cell(row, "source")


@_completer
def mapping_paths(here: Workspace) -> Iterable[tuple[str, str]]:
    """Mappings in the current folder and the folders in it, and the active one."""
    from anontui.operations.workspace import MAPPING_NAME

    found = [*here.folder.glob(MAPPING_NAME), *here.folder.glob(f"*/{MAPPING_NAME}")]
    names = [str(path.relative_to(here.folder)) for path in sorted(found)]
    active = here.settings.active_mapping_file
    return ((name, "mapping") for name in [*names, *([active] if active else [])])
