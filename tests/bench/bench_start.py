"""How fast commands start, against ``anon``, and against Python itself.

``python -m tests.bench.bench_start --anon PATH`` with the path of AnonAPI's program. Runs
alternate, so that a busy machine slows all sides of a ratio.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

OURS = Path(sysconfig.get_path("scripts")) / "anontui"
COMMANDS = (["--help"], ["status"])


def seconds(command: Sequence[str], home: Path) -> float:
    """How long a command takes."""
    start = time.perf_counter()
    environment = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    subprocess.run(command, cwd=home, env=environment, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--anon", required=True, help="the program of AnonAPI 2.1.2")
    arguments = parser.parse_args()
    print(f"{'command':10}{'python':>10}{'anontui':>10}{'anon':>10}{'ratio':>8}  at most 0.5x")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        for words in COMMANDS:
            programs = [
                [sys.executable, "-c", ""],
                [str(OURS), *words],
                [str(arguments.anon), *words],
            ]
            for program in programs:  # settings are written, and bytecode
                seconds(program, home)
            rounds = [[seconds(p, home) for p in programs] for _ in range(arguments.rounds)]
            bare, ours, theirs = (median(column) for column in zip(*rounds, strict=True))
            figures = "".join(f"{figure * 1000:7.0f} ms" for figure in (bare, ours, theirs))
            verdict = "" if ours <= theirs / 2 else "  MISSED"
            print(f"{' '.join(words):10}{figures}{ours / theirs:7.2f}x{verdict}")


if __name__ == "__main__":
    main()
