"""The data folder that the commands of ``anontui pacs`` work on: its nodes, projects, audit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.serve import default_data
from anontui.errors import AnonTUIError, CannotStart, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from anontui.pacs.node import Node
    from anontui.server.folder import DataFolder
    from anontui.server.projects import Project


def folder_of(data: Path | None) -> DataFolder:
    """The data folder, made if it is not there.

    Raises
    ------
    CannotStart
        If it cannot be made.
    """
    from anontui.server.folder import DataFolder

    folder = DataFolder((data or default_data()).absolute())
    folder.make()
    return folder


def nodes_file(data: Path | None) -> Path:
    """Where the nodes are written down."""
    from anontui.pacs.nodefile import NAME

    return (data or default_data()).absolute() / NAME


def nodes_of(data: Path | None) -> dict[str, Node]:
    """The nodes by name.

    Raises
    ------
    PacsError
        If their file is wrong; with its line.
    """
    from anontui.pacs.nodefile import read_nodes

    return read_nodes(nodes_file(data))


def node_of(data: Path | None, name: str) -> Node:
    """The node of this name.

    Raises
    ------
    UsageError
        If there is none.
    """
    nodes = nodes_of(data)
    if name not in nodes:
        known = f"Known: {', '.join(sorted(nodes))}." if nodes else "None is known yet."
        raise UsageError(
            f"There is no node {name!r}",
            advice=f"{known} Add it with: anontui pacs node add {name}",
        )
    return nodes[name]


def node_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete names of nodes."""
    from click.shell_completion import CompletionItem

    try:
        nodes = nodes_of(ctx.params.get("data"))
    except (AnonTUIError, OSError):
        return []
    return [CompletionItem(name) for name in sorted(nodes) if name.startswith(incomplete)]


def project_of(folder: DataFolder, name: str) -> Project:
    """The project of this name.

    Raises
    ------
    SettingsError
        If there is none, or its file is wrong.
    """
    from anontui.server.projects import Projects

    return Projects(folder.projects, folder.config, folder.path).of(name)


@contextmanager
def audited(data: Path | None, what: str, **details: object) -> Iterator[dict[str, object]]:
    """Note in the audit what the block does, before anything of it is shown; also if it fails.

    Parameters
    ----------
    data
        The data folder.
    what
        What is done.
    **details
        More of it, nothing of a patient; the block may add to the dictionary that it gets.

    Raises
    ------
    CannotStart
        If the audit cannot be written.
    """
    from anontui.server import audit
    from anontui.server.review import who_types

    told = dict(details)
    folder = folder_of(data)
    try:
        yield told
    except BaseException:
        told["outcome"] = "failed"
        raise
    finally:
        try:
            with closing(folder.database()) as database, database.transaction() as connection:
                audit.record(connection, who_types(), what, None, **told)
        except (OSError, sqlite3.Error) as error:
            raise CannotStart(
                f"The audit in {folder.path} cannot be written",
                cause=getattr(error, "strerror", None) or str(error),
                advice="Check that the disk has room, then try again.",
            ) from error
