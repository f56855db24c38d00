"""Looking at a file's picture in a process of its own, which hostile pixels may kill or fill.

The path goes there through a pipe, for the table of processes shows arguments to everybody.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from anontui.deid.pixels.view import Picture, View
from anontui.errors import AnonTUIError, DeidError

if TYPE_CHECKING:
    from anontui.deid.engine.source import Parsed

SECONDS = 30.0
MEMORY = 6 << 30  # bytes of address space
_FACTS = {
    "SOPClassUID": "kind",
    "Modality": "modality",
    "Manufacturer": "manufacturer",
    "ManufacturerModelName": "model",
    "SoftwareVersions": "software",
    "StationName": "station",
    "ImageType": "image type",
    "SeriesDescription": "series",
    "BurnedInAnnotation": "burned in",
    "PhotometricInterpretation": "colours",
    "BitsStored": "bits",
}


class Viewer:
    """One file, looked at frame by frame. Threads must take turns.

    Parameters
    ----------
    path
        The file. Nothing about it is trusted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does. May be called again, from any thread."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()

    def look(self, frame: int = 0, most: int = 1024) -> View:
        """Make the picture of a frame; see :func:`~anontui.deid.pixels.picture.picture`.

        Raises
        ------
        DeidError
            If it cannot be shown, with the reason.
        """
        process = self._process or self._start()
        self._process = process
        assert process.stdin is not None  # noqa: S101 - it has both pipes
        assert process.stdout is not None  # noqa: S101 - the same
        limit = threading.Timer(SECONDS, process.kill)
        limit.daemon = True
        limit.start()
        try:
            process.stdin.write(json.dumps({"frame": frame, "most": most}).encode() + b"\n")
            process.stdin.flush()
            head = json.loads(process.stdout.readline())
            pixels = process.stdout.read(head.pop("length", 0))
        except (OSError, ValueError):
            self.close()
            raise DeidError(
                "The picture cannot be shown",
                cause="the program that decodes it broke down over it, or took too long",
                advice="The file may be damaged; take it for hostile.",
            ) from None
        finally:
            limit.cancel()
        if "problem" in head:
            raise DeidError(head["problem"], cause=head["cause"], advice=head["advice"])
        facts = tuple((name, text) for name, text in head.pop("facts"))
        return View(Picture(**head, pixels=pixels), facts)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for us
        )
        assert process.stdin is not None  # noqa: S101 - it was asked for
        with suppress(OSError):
            process.stdin.write(os.fsencode(self._path).hex().encode() + b"\n")
        return process


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """What the process does: a path, then requests until there are no more."""
    path = Path(os.fsdecode(bytes.fromhex(requests.readline().decode())))
    parsed: Parsed | None = None
    for line in requests:
        asked, pixels = json.loads(line), b""
        head: dict[str, Any]
        try:
            parsed = parsed or _parsed(path)
            found = _picture(parsed, asked)
            head = asdict(found) | {"facts": _facts(parsed)}
            pixels = head.pop("pixels")
        except AnonTUIError as error:
            head = {"problem": error.message, "cause": error.cause, "advice": error.advice}
        answers.write(json.dumps(head | {"length": len(pixels)}).encode() + b"\n" + pixels)
        answers.flush()


def _parsed(path: Path) -> Parsed:
    from anontui.deid.engine.source import parse
    from anontui.deid.file import file_bytes
    from anontui.deid.rules.policy import Limits

    limits = Limits()
    return parse(file_bytes(path, limits), limits)


def _picture(parsed: Parsed, asked: dict[str, int]) -> Picture:
    from anontui.deid.engine.quiet import quiet
    from anontui.deid.pixels.picture import picture
    from anontui.deid.refusal import Reason, Refused

    try:
        with quiet():
            return picture(parsed, asked["frame"], most=asked["most"])
    except DeidError:
        raise
    except Exception as error:  # noqa: BLE001 - on hostile bytes anything at all
        raise Refused(Reason.PARSER, type(error).__name__) from None


def _facts(parsed: Parsed) -> list[tuple[str, str]]:
    from pydicom import datadict
    from pydicom.uid import UID

    from anontui.deid.pixels.image import text_of

    found = []
    for keyword, name in _FACTS.items():
        tag = datadict.tag_for_keyword(keyword) or 0
        with suppress(Exception):  # a value may be anything
            text = text_of(parsed.dataset, tag)
            if keyword == "SOPClassUID":
                text = UID(text).name
            if keyword == "BitsStored" and text:
                text = str(int.from_bytes(text.encode("latin-1")[:2], "little"))
            if text and text != "None":
                found.append((name, text[:200]))
    with suppress(Exception):
        found.append(("syntax", UID(parsed.transfer_syntax).name))
    return found


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    _limit_memory()
    _serve(sys.stdin.buffer, sys.stdout.buffer)
