"""``anontui web``: the app in a browser on this machine."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import click

from anontui.cli.out import say
from anontui.errors import CannotStart, UsageError


@click.command("web")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any free one.")
@click.option("--readonly", is_flag=True, help="Open the app so that it changes nothing.")
@click.option("--open", "open_it", is_flag=True, help="Open your browser on it.")
def command(port: int, readonly: bool, open_it: bool) -> None:
    """Open the app on this folder in a browser on this machine.

    Prints an address that works once, for one browser, and not from other machines. Ends
    with Ctrl-C. Needs the extra: pip install 'anontui[web]'.
    """
    try:
        from anontui.cli.webserver import HOST, OneBrowser
    except ModuleNotFoundError as error:
        raise UsageError(
            "The app in a browser needs a package that is not installed",
            cause=f"no {error.name}",
            advice="Install it with: pip install 'anontui[web]'",
        ) from error
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sys.platform != "win32")
        listening.bind((HOST, port))
        listening.listen()  # a browser that is quicker than the server waits
    except OSError as error:
        listening.close()
        raise CannotStart(
            f"Nothing can listen on port {port}",
            cause=error.strerror or "",
            advice="Leave out --port to take any that is free.",
        ) from error
    words = [sys.executable, "-m", "anontui", *(["--readonly"] if readonly else [])]
    server = OneBrowser(words, listening)
    click.echo(server.url)
    sys.stdout.flush()
    say(f"Open it in a browser; it works once. The app is on {Path.cwd()}. Ctrl-C ends it.")
    if open_it:
        click.launch(server.url)
    server.run()
