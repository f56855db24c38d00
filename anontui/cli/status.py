"""``anontui status``: where one stands, without asking any server."""

from __future__ import annotations

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, show_fields, show_json


@click.command("status")
@JSON_OPTION
def command(as_json: bool) -> None:
    """Show servers, settings, and this folder's project; asks no server."""
    from anontui.project.batch import Batch
    from anontui.project.mapping import Mapping

    here = workspace()
    settings = here.settings
    has_mapping = here.mapping_path.exists()
    rows = len(Mapping.load(here.mapping_path).rows) if has_mapping else None
    batch = Batch.load(here.folder)
    facts = {
        "folder": str(here.folder),
        "mapping_rows": rows,
        "batch_jobs": len(batch.job_ids) if batch else None,
        "batch_server": batch.server_name if batch else None,
        "settings": str(settings.path),
        "user": settings.user_name,
        "has_token": bool(settings.user_token),
        "validate_ssl": settings.validate_ssl,
        "active_server": settings.active_server_name,
        "servers": {server.name: server.url for server in settings.servers},
    }
    if as_json:
        show_json(facts)
        return
    servers = [
        f"{server.name} {server.url}{' (active)' * (server.name == settings.active_server_name)}"
        for server in settings.servers
    ]
    show_fields(
        {
            "Folder": here.folder,
            "Mapping": f"{rows} rows" if has_mapping else "none (anontui map init)",
            "Batch": f"{len(batch.job_ids)} jobs on {batch.server_name}" if batch else "none",
            "Settings": settings.path,
            "User": settings.user_name or "not set",
            "Token": "set" if settings.user_token else "not set",
            "TLS": "" if settings.validate_ssl else "certificates are NOT checked",
            "Servers": ", ".join(servers) or "none (anontui server add NAME URL)",
        }
    )
