"""All commands, and those that users of AnonAPI know."""

from __future__ import annotations

import click

DOCUMENTED = """
status
server add|list|remove|activate|status|jobs
job info|list|reset|cancel|set-opt-out-ignore
batch init|info|status|add|remove|delete|reset|cancel|cancel-active|reset-error|show-error
map init|status|activate|add-study-folders|add-accession-numbers|edit|delete
map add-selection-file|add-selection
select add|status|edit|delete
create from-mapping|set-defaults|show-defaults
settings show|edit|set-validate-ssl|info|get-token|set-username
settings user info|get-token|set-username
"""


def documented() -> list[str]:
    """The commands of AnonAPI, one a line: ``server add``."""
    found = []
    for line in DOCUMENTED.split("\n"):
        *groups, names = line.split() or [""]
        found += [" ".join([*groups, name]) for name in names.split("|") if name]
    return found


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    """Every command below a group, by its words."""
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*names, name))
        if isinstance(command, click.Group):
            found += commands(command, *names, name)
    return found
