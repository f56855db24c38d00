"""``anontui doctor``: what works here, and what does not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from anontui.cli.out import JSON_OPTION, clean, show_json


@click.command("doctor")
@JSON_OPTION
def command(as_json: bool) -> None:
    """Find out what does not work here, and what to do about it.

    Looks at terminal, settings, servers, shares, disk and what is installed. Tells nothing
    secret. The exit code is 1 if there is a problem.
    """
    from anontui.operations.doctor import PROBLEM, examine

    found = examine(Path.cwd())
    if as_json:
        show_json([asdict(check) for check in found])
    else:
        room = max(len(check.name) for check in found)
        for check in found:
            click.echo(f"{check.state:<7}  {check.name:<{room}}  {clean(check.what)}")
            if check.advice:
                click.echo(f"{'':{room + 9}}  → {clean(check.advice)}")
    if any(check.state == PROBLEM for check in found):
        click.get_current_context().exit(1)
