"""Where one stands: the folder's project and the settings, without asking any server."""

from __future__ import annotations

from anontui.operations.batches import find_batch
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping


def overview(workspace: Workspace) -> dict[str, object]:
    """Tell what there is, by name; None where there is nothing.

    Raises
    ------
    ProjectError
        If the mapping or the batch cannot be read.
    """
    settings = workspace.settings
    has_mapping = workspace.mapping_path.exists()
    batch = find_batch(workspace)
    return {
        "folder": str(workspace.folder),
        "mapping_rows": len(Mapping.load(workspace.mapping_path).rows) if has_mapping else None,
        "active_mapping": settings.active_mapping_file,
        "batch_jobs": len(batch.job_ids) if batch else None,
        "batch_server": batch.server_name if batch else None,
        "settings": str(settings.path),
        "user": settings.user_name,
        "has_token": bool(settings.user_token),
        "validate_ssl": settings.validate_ssl,
        "active_server": settings.active_server_name,
        "servers": {server.name: server.url for server in settings.servers},
    }


def in_words(workspace: Workspace) -> dict[str, object]:
    """Tell the same as a person reads it; see :func:`overview`."""
    facts, settings = overview(workspace), workspace.settings
    servers = [
        f"{server.name} {server.url}{' (active)' * (server.name == settings.active_server_name)}"
        for server in settings.servers
    ]
    rows, jobs, active = facts["mapping_rows"], facts["batch_jobs"], settings.active_mapping_file
    return {
        "Folder": workspace.folder,
        "Mapping": "none (anontui map init)" if rows is None else f"{rows} rows",
        "Active": active if active and active != str(workspace.mapping_path) else "",
        "Batch": "none" if jobs is None else f"{jobs} jobs on {facts['batch_server']}",
        "Settings": settings.path,
        "User": settings.user_name or "not set",
        "Token": "set" if settings.user_token else "not set",
        "TLS": "" if settings.validate_ssl else "certificates are NOT checked",
        "Servers": ", ".join(servers) or "none (anontui server add NAME URL)",
    }
