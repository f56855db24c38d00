"""What a terminal program costs, measured where its user sits: at the other end of the pty.

Every figure is taken from the bytes that arrive and the time they arrive at, so it holds
for any program, whatever it is built with.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

ANSWERS = (
    (rb"\x1b\[\?2026\$p", b"\x1b[?2026;2$y"),  # synchronized output: known, off
    (rb"\x1b\[\?2048\$p", b"\x1b[?2048;0$y"),  # in-band resize: unknown
    (rb"\x1b\[0?c", b"\x1b[?62;22c"),  # device attributes
    (rb"\x1b\[6n", b"\x1b[1;1R"),  # cursor position
    (rb"\x1b\]11;\?(?:\x07|\x1b\\)", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),  # background colour
)
"""What programs ask of a terminal, and what xterm would say."""

QUESTION = re.compile(b"|".join(b"(%b)" % question for question, _ in ANSWERS))

ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)"
)


@dataclass(frozen=True)
class Burst:
    """What came back after a key: seconds to its first and last byte, and how many."""

    first: float
    last: float
    size: int


class TooLate(Exception):
    """The program did not do in time what was waited for."""


class Terminal:
    """A program on a pty of its own; leaving the context ends it.

    Parameters
    ----------
    command
        What to run.
    size
        Columns and rows.
    env
        Added to this process's environment.
    cwd
        Folder to run it in.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        drop = ("NO_COLOR", "TEXTUAL", "SSH_CONNECTION", "TMUX")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        self.output = bytearray()
        self.started = monotonic()
        self._unread = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(size), 0, 0))
                if cwd:
                    os.chdir(cwd)
                os.execvpe(command[0], list(command), environment)
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Type."""
        os.write(self._fd, data)

    def read(self, timeout: float) -> bytes:
        """Return what arrives next, nothing after ``timeout`` seconds; answer what it asks."""
        if not select.select([self._fd], [], [], max(timeout, 0))[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # Linux: the program has closed its end
            return b""
        self.output += data
        self._unread += data
        while match := QUESTION.search(self._unread):
            self.write(ANSWERS[(match.lastindex or 1) - 1][1])
            self._unread = self._unread[match.end() :]
        self._unread = self._unread[-16:]  # a question may come in two pieces
        return data

    def wait_for(self, text: bytes | None = None, timeout: float = 20) -> float:
        """Wait until the program has drawn something, or ``text``.

        Drawn is what is left of the output without escape sequences, controls and blanks.

        Returns
        -------
        float
            Seconds since the program was started.
        """
        end = monotonic() + timeout
        while (left := end - monotonic()) > 0:
            if self.read(left):
                drawn = ESCAPES.sub(b"", self.output)
                if text in drawn if text else drawn.strip(b"\0\a\b\t\n\v\f\r "):
                    return monotonic() - self.started
            elif self.exit_code() is not None:
                break
        raise TooLate(f"{text!r} was not drawn; the last output was {bytes(self.output[-2000:])!r}")

    def burst(self, key: bytes = b"", quiet: float = 0.08, timeout: float = 5) -> Burst:
        """Type ``key`` and gather what comes back until nothing comes for ``quiet`` seconds."""
        start = monotonic()
        if key:
            self.write(key)
        first = last = 0.0
        size = 0
        while data := self.read(quiet if size else timeout):
            last = monotonic() - start
            first = first or last
            size += len(data)
        return Burst(first, last, size)

    def settle(self, quiet: float = 0.4) -> None:
        """Read until nothing comes for ``quiet`` seconds."""
        self.burst(quiet=quiet, timeout=quiet)

    def idle(self, seconds: float) -> float:
        """Bytes a second while nobody types."""
        size, end = 0, monotonic() + seconds
        while (left := end - monotonic()) > 0:
            size += len(self.read(left))
        return size / seconds

    def cpu(self) -> float:
        """Seconds of processor time that the program has used (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, how: bytes | signal.Signals, timeout: float = 10) -> float:
        """Type the quit key, or send a signal; return the seconds until the program is gone."""
        start = monotonic()
        if isinstance(how, bytes):
            self.write(how)
        else:
            os.kill(self.pid, how)
        while monotonic() - start < timeout:
            self.read(0.002)
            if self.exit_code() is not None:
                return monotonic() - start
        raise TooLate(f"still running {timeout} s after {how!r}")

    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.pid:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                return None
            self.pid, self._code = 0, os.waitstatus_to_exitcode(status)
        return self._code

    _code: int | None = None


def main() -> None:
    """Print what a command line costs: ``python -m tests.bench.pty_meter COMMAND…``."""
    with Terminal(sys.argv[1:]) as terminal:
        print(f"first paint {terminal.wait_for() * 1000:.0f} ms")
        terminal.settle()
        print(f"idle        {terminal.idle(3):.0f} bytes/s")
        print(f"quit        {terminal.end(signal.SIGTERM) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
