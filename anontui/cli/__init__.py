"""The headless face: a module a command group, loaded when it is used."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the ``anontui`` command and end the process with its exit code."""
    from anontui.cli.run import run

    sys.exit(run(sys.argv[1:]))
