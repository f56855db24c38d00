"""At a real pty: not one colour without colours, 16 where the terminal has 16, a word where it
has none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.bench.pty_meter import Terminal

ANONTUI = [sys.executable, "-P", "-m", "anontui"]
SGR = re.compile(rb"\x1b\[([\d;:]*)m")
KEYS = (b":", b"\x1b", b"?", b"\x1b", b"\x10", b"\x1b", b"4", b"/", b"x", b"\x1b", b"\x14", b"\x1b")


def codes(output: bytes) -> set[int]:
    """Every parameter of every SGR sequence."""
    found = b";".join(SGR.findall(output)).replace(b":", b";").split(b";")
    return {int(code) for code in found if code}


def colours(output: bytes) -> set[int]:
    """The parameters that set, or unset, a colour."""
    return {c for c in codes(output) if 30 <= c <= 49 or 58 <= c <= 59 or 90 <= c <= 107}


def played(project: Path, **env: str) -> bytes:
    """All that the app writes while one goes through its screens."""
    with Terminal(ANONTUI, cwd=project, env=env) as terminal:
        terminal.wait_for(b"LUNG-001")
        terminal.settle()
        for key in KEYS:
            terminal.burst(key, quiet=0.15, timeout=1)
        terminal.end(b"\x11")
        return bytes(terminal.output)


@pytest.mark.parametrize("term", ["xterm-256color", "linux"])
def test_no_color_sends_not_one_colour(project: Path, term: str) -> None:
    output = played(project, NO_COLOR="1", TERM=term)
    assert colours(output) == set()
    assert codes(output) >= {0, 1, 7}  # bold and reverse tell what colours do
    assert b"\x1b]10;" not in output and b"\x1b]4;" not in output


def test_sixteen_colours_where_there_are_sixteen(project: Path) -> None:
    output = played(project, TERM="linux", COLORTERM="")
    assert {38, 48}.isdisjoint(codes(output))
    assert colours(output) & {*range(90, 98)}


def test_all_colours_where_there_are_all(project: Path) -> None:
    assert {38, 48} <= codes(played(project))


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_draw_gets_a_sentence(project: Path, term: str) -> None:
    with Terminal(ANONTUI, cwd=project, env={"TERM": term}) as terminal:
        terminal.wait_for(b"TERM")
        while terminal.exit_code() is None:
            terminal.read(0.1)
        assert terminal.exit_code() == 2
    assert b"\x1b" not in terminal.output


def test_a_window_that_is_too_small_says_so(project: Path) -> None:
    with Terminal(ANONTUI, cwd=project, size=(40, 10)) as terminal:
        terminal.wait_for(b"is too small")
        assert terminal.end(b"q") < 5
