"""``anontui demo``: a project with invented patients and a server of its own."""

from __future__ import annotations

import os
from pathlib import Path

import click

from anontui.cli.context import connected, job_row
from anontui.cli.out import follow, say, show_table
from anontui.cli.problems import show_problems
from anontui.cli.run import check_terminal, open_app


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--readonly", is_flag=True, help="Open the app so that it changes nothing.")
@click.option("--no-app", is_flag=True, help="Create the jobs, wait for them, and print a summary.")
@click.pass_context
def command(context: click.Context, folder: Path | None, readonly: bool, no_app: bool) -> None:
    """Try it all on invented patients.

    Makes a project in FOLDER (default: anontui-demo), with data, a mapping and a server of
    its own, and opens the app on it. Run again, it opens what is there.
    """
    from anontui.operations import builtin
    from anontui.operations.demo import DEFAULT_FOLDER, make_demo, server_folder

    os.environ.pop("ANONTUI_SETTINGS", None)  # the demo has settings of its own
    if not no_app:
        check_terminal()
    folder = folder or DEFAULT_FOLDER
    data = server_folder(folder)
    was_running = builtin.state(data).running
    try:
        follow(make_demo(folder), "making the demo")
        if no_app:
            context.exit(0 if _play(folder) else 1)
        code = open_app(folder, readonly=readonly)
    finally:
        if no_app and not was_running and builtin.state(data).running:
            builtin.stop(data)
    if builtin.state(data).running:
        say(f"The demo's server still runs. Stop it with: anontui serve stop --data {data}")
    context.exit(code)


def _play(folder: Path) -> bool:
    """Create the mapping's jobs, wait for all of the batch, print them; True if all are DONE."""
    from anontui.operations import batches, jobs
    from anontui.operations.creating import create, plan
    from anontui.operations.workspace import open_workspace
    from anontui.project.mapping import Mapping

    here = open_workspace(folder)
    planned = plan(here, Mapping.load(here.mapping_path))
    show_problems(planned.problems)
    with connected(here.settings, planned.server) as client:
        made = follow(create(here, planned, client), "creating jobs").jobs
        ids = batches.open_batch(here).job_ids
        say(f"Created {len(made)} jobs in {here.folder}; waiting for all {len(ids)} of the batch.")
        found = follow(jobs.wait(client, ids), "de-identifying")
    rows = [job_row(found[job_id]) for job_id in ids if job_id in found]
    show_table(rows, ("id", "pseudonym", "status", "proc", "down", "error"))
    say(f"The de-identified files are in {here.folder / 'anonymized'}")
    return all(row["status"] == "DONE" for row in rows) and len(rows) == len(ids)
