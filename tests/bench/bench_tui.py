"""The app's gates, at a pty, against bare Textual apps in the same run.

``python -m tests.bench.bench_tui`` measures the grid. Further command lines
(``--command 'anontui FOLDER'``) are measured for start, idle and quit.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from tests.bench.pty_meter import Terminal

DOWN, UP, END, HOME, PAGE = b"\x1b[B", b"\x1b[A", b"G", b"g", b"\x1b[6~"
QUIT = b"\x11"


def app_command(name: str) -> list[str]:
    """Command line that runs one of :mod:`tests.bench.apps`."""
    return [sys.executable, "-m", "tests.bench.apps", name]


@dataclass(frozen=True)
class Run:
    """What one whole run of a program costs."""

    start: float
    idle: float
    quit: float


def run_once(
    command: Sequence[str], *, shows: bytes | None = None, how: bytes | None = QUIT
) -> Run:
    """Start a program, leave it alone, and end it.

    Parameters
    ----------
    command
        Its command line.
    shows
        Text that counts as painted; by default the first that is drawn.
    how
        The quit key; None for SIGTERM.

    Returns
    -------
    Run
        Seconds to first paint, bytes a second when idle, seconds to quit.
    """
    with Terminal(command) as terminal:
        start = terminal.wait_for(shows)
        terminal.settle()
        idle = terminal.idle(2)
        return Run(start, idle, terminal.end(signal.SIGTERM if how is None else how))


def runs(commands: Sequence[Sequence[str]], rounds: int, shows: bytes | None = None) -> list[Run]:
    """Run programs in turns; return the median of each."""
    found = [[run_once(command, shows=shows) for command in commands] for _ in range(rounds)]
    return [
        Run(
            median(r.start for r in column),
            median(r.idle for r in column),
            median(r.quit for r in column),
        )
        for column in zip(*found, strict=True)
    ]


def latencies(
    terminals: Sequence[Terminal], keys: Sequence[bytes], rounds: int
) -> list[tuple[float, float]]:
    """Type keys into programs in turns.

    Returns
    -------
    list of (float, float)
        For each program, the medians of the seconds to the last byte that follows a key,
        and of how many bytes follow.
    """
    bursts = [[t.burst(key, timeout=1) for t in terminals] for _ in range(rounds) for key in keys]
    return [
        (median(b.last for b in column), median(b.size for b in column))
        for column in zip(*bursts, strict=True)
    ]


def processor(terminal: Terminal, keys: Sequence[bytes], rounds: int) -> float:
    """Seconds of processor time for one of these keys, typed at the pace of a held key."""
    start = terminal.cpu()
    for _ in range(rounds):
        for key in keys:
            terminal.burst(key, quiet=0.02, timeout=0.1)
    return (terminal.cpu() - start) / rounds / len(keys)


class Table:
    """The figures, one line each."""

    def __init__(self) -> None:
        print(f"{'what':46}{'bare':>11}{'ours':>11}{'ratio':>8}  at most")

    def ratio(self, what: str, bare: float, ours: float, most: float, unit: str = "ms") -> None:
        """Compare with a bare app."""
        scale = 1000 if unit == "ms" else 1
        verdict = "" if ours <= most * bare else "  MISSED"
        print(
            f"{what:46}{bare * scale:8.1f} {unit}{ours * scale:8.1f} {unit}"
            f"{ours / bare if bare else float('nan'):7.2f}x  {most:g}x{verdict}"
        )

    def limit(self, what: str, ours: float, most: float, unit: str) -> None:
        """Compare with a limit."""
        verdict = "" if ours <= most else "  MISSED"
        print(f"{what:46}{'':11}{ours:8.4g} {unit:2}{'':8}  {most:g} {unit}{verdict}")


def to_bottom(terminal: Terminal) -> None:
    """Put the cursor on the last line in view, so that the next step scrolls."""
    terminal.burst(HOME)
    for _ in range(40):
        terminal.burst(DOWN, quiet=0.02, timeout=0.2)
    terminal.settle(0.1)


def measure(rounds: int, commands: Sequence[str]) -> None:
    """Measure and print everything."""
    table = Table()
    names = ("bare", "grid:1000", "grid:100000", "grid:1000000")
    commands_of = [app_command(name) for name in names]
    bare, *grids = runs(commands_of, max(rounds // 4, 3), shows=b"LUNG-000003")
    for name, run in zip(names[1:], grids, strict=True):
        table.ratio(f"start to rows on the screen, {name}", bare.start, run.start, 2.0)
    table.limit("idle, 1,000,000 rows", grids[-1].idle, 0, "B/s")
    table.limit("quit (ctrl+q), 1,000,000 rows", grids[-1].quit, 1, "s")

    with ExitStack() as stack:
        labels = ("echo", "list", "scroll", "grid:1000", "grid:1000000")
        terminals = [stack.enter_context(Terminal(app_command(name))) for name in labels]
        for terminal in terminals:
            terminal.wait_for()
            terminal.settle()
        echo, listed, plain, small, large = terminals
        few = min(rounds, 30)
        least, view, *both = latencies([echo, listed, small, large], [DOWN], few)
        table.ratio("key in view, against one line written anew", least[0], both[0][0], 1.5)
        table.ratio("key in view, against a ListView", view[0], both[0][0], 1.5)
        table.ratio("key in view, bytes, against a ListView", view[1], both[0][1], 1.5, "B ")
        table.ratio("key in view, 1,000,000 against 1,000", both[0][0], both[1][0], 1.5)
        for terminal in (small, large):
            to_bottom(terminal)
        rolling = latencies([plain, small, large], [DOWN], rounds)
        table.ratio("key scrolling, against one line written anew", least[0], rolling[1][0], 4)
        table.ratio("key scrolling, against a bare scroll", rolling[0][0], rolling[1][0], 4)
        table.ratio("key scrolling, bytes", rolling[0][1], rolling[1][1], 4, "B ")
        table.ratio("key scrolling, 1,000,000 against 1,000", rolling[1][0], rolling[2][0], 1.5)
        paging = latencies([small, large], [PAGE], 12)
        table.ratio("page down, 1,000,000 against 1,000", paging[0][0], paging[1][0], 1.5)
        jumps = latencies([small, large], [HOME, END], few)
        table.ratio("first and last row, 1,000,000 against 1,000", jumps[0][0], jumps[1][0], 1.5)
        for terminal in (small, large, plain):
            terminal.burst(HOME)
            terminal.settle(0.2)
        cost = [processor(t, [DOWN] * 8 + [UP] * 8, 12) for t in (echo, small, large)]
        table.ratio("processor time, key in view", cost[0], cost[1], 1.5)
        table.ratio("processor time, 1,000,000 against 1,000", cost[1], cost[2], 1.5)
        for terminal in (small, large):
            to_bottom(terminal)
        cost = [processor(t, [DOWN], 150) for t in (plain, small, large)]
        table.ratio("processor time, key scrolling", cost[0], cost[1], 4)
        table.ratio("processor time, 1,000,000 against 1,000", cost[1], cost[2], 1.5)
        small.burst(HOME)
        live = latencies([small], [b"r"], few)[0]
        table.limit("live refresh of 5 cells, 120x40", live[1], 1024, "B")
        on, off = [], []
        for _ in range(5):
            on.append(small.burst(b"f").size)
            off.append(small.burst(timeout=1.5).size)
        table.limit("the same, flashing", median(on), 1024, "B")
        table.limit("end of the flash", median(off), 1024, "B")

    for command in commands:
        words = shlex.split(command)
        bare, run = runs([app_command("bare"), words], max(rounds // 4, 3))
        table.ratio(f"start to first paint, {words[0]}", bare.start, run.start, 2.0)
        table.limit(f"idle, {words[0]}", run.idle, 0, "B/s")
        table.limit(f"quit (ctrl+q), {words[0]}", run.quit, 1, "s")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--command", action="append", default=[])
    arguments = parser.parse_args()
    measure(arguments.rounds, arguments.command)


if __name__ == "__main__":
    main()
