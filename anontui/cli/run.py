"""The root command, and what becomes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import click

from anontui import __version__
from anontui.cli.lazy import LazyGroup
from anontui.errors import AnonTUIError, UsageError

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    lazy={
        "demo": ("anontui.cli.demo", "Try it all on invented patients."),
        "status": ("anontui.cli.status", "Show servers, settings, and this folder's project."),
        "server": ("anontui.cli.server", "Choose and look at anonymization servers."),
        "select": ("anontui.cli.select", "Select files for one job."),
        "map": ("anontui.cli.map", "Say which data becomes which pseudonym."),
        "paths": ("anontui.cli.paths", "Say which local folder is which share."),
        "create": ("anontui.cli.create", "Create jobs."),
        "batch": ("anontui.cli.batch", "Follow and change this folder's jobs."),
        "job": ("anontui.cli.job", "Look at and change single jobs."),
        "deid": ("anontui.cli.deid", "De-identify files on this machine."),
        "settings": ("anontui.cli.settings", "Look at the settings and change them."),
        "config": ("anontui.cli.config", "Make, look at and check the settings file."),
        "doctor": ("anontui.cli.doctor", "Find out what does not work here, and what to do."),
        "web": ("anontui.cli.web", "Open the app in a browser on this machine."),
        "serve": ("anontui.cli.serve", "Run an anonymization server on this machine."),
        "completion": ("anontui.cli.completion", "Print a shell's completion script."),
        "identities": ("anontui.cli.identities", "Look up who is who on this machine's server."),
        "quarantine": ("anontui.cli.quarantine", "Decide about files that a server holds back."),
        "pacs": ("anontui.cli.pacs", "Find, receive, send and import images on this machine."),
        "pipeline": ("anontui.cli.pipeline", "Bring studies from archive to archive."),
    },
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    help="Tell what kinds of errors led to one.",
)
@click.option("--readonly", is_flag=True, help="Open the app so that it changes nothing.")
@click.version_option(__version__, message="anontui %(version)s")
@click.pass_context
def root(context: click.Context, readonly: bool) -> None:
    """De-identify DICOM studies for research.

    Without a command, opens the full-screen app on the current folder.
    """
    if context.invoked_subcommand is None:
        context.exit(open_app(Path.cwd(), readonly=readonly))
    if readonly:
        raise UsageError(
            "--readonly is for the app; a command that changes nothing needs no such promise",
            advice="Leave it out, or write it behind the command if its --help names it.",
        )


def open_app(folder: Path, *, readonly: bool = False) -> int:
    """Open the app on ``folder`` and return its exit code.

    Raises
    ------
    UsageError
        If there is no terminal to draw on.
    """
    check_terminal()
    from anontui.tui.app import run as run_app

    return run_app(folder, readonly=readonly)


def check_terminal() -> None:
    """Raise UsageError if there is no terminal that the app can draw on."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return  # the app is drawn in a browser
    term = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The app needs a terminal that it can draw on, and there is none here",
            advice="Over SSH: ssh -t. Without one use its commands: anontui --help",
        )
    if sys.platform != "win32" and term in ("", "dumb", "unknown"):
        raise UsageError(
            f"The app needs a terminal that it can draw on, and this one cannot: TERM={term}",
            advice="Set TERM to what it is, such as xterm-256color, or use: anontui --help",
        )


def _is_verbose(arguments: Sequence[str]) -> bool:
    options = takewhile(lambda word: word.startswith("-"), arguments)
    return not {"-v", "--verbose"}.isdisjoint(options)


def _origins(error: BaseException) -> Iterator[str]:
    """The kinds of the errors that led to one; their texts could hold what is nobody's business."""
    origin = error.__cause__ or error.__context__
    while origin is not None:
        yield f"{type(origin).__module__}.{type(origin).__name__}".removeprefix("builtins.")
        origin = origin.__cause__ or origin.__context__


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; no expected failure leaves a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a locale without our signs is no failure
    try:
        outcome = root.main(list(arguments), prog_name="anontui", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AnonTUIError as error:
        from anontui.cli.out import clean

        click.echo(f"Error: {clean(error.sentence())}", err=True)
        if _is_verbose(arguments):
            click.echo(f"Led to by: {', '.join(_origins(error)) or 'nothing else'}", err=True)
        return 2 if isinstance(error, UsageError) else 1
    except (click.Abort, KeyboardInterrupt):
        # the terminal has written ^C at the end of the last line
        click.echo("\n" * sys.stderr.isatty() + "Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has seen enough; the stream must not be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return outcome if isinstance(outcome, int) else 0
