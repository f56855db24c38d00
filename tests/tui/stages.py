"""What the screens beside the panes are tested with: a server's answers, and the ways to them."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anontui.errors import CallRefused, ServerUnreachable
from anontui.idis.client import ServerInfo
from anontui.idis.model import Job
from tests import ultrasound
from tests.tui import fakes
from tests.tui.fakes import Seat

REASONS = {
    "ultrasound": "ultrasound, whose pixels may show identity",
    "burned_in": "annotation is burned in",
    "truncated": "the file ends before its data do",
}
FOUND = [
    {
        "new_id": f"LUNG-00{n}",
        "original_id": f"P-00{n}",
        "original_name": "Jansen^Invented",
        "original_uid": f"1.2.826.0.1.{n}",
        "new_uid": f"2.25.{n}4711",
        "original_date": "20240131",
        "date_offset": -1234 if n == 1 else None,
        "original_accession": f"1234567.1234567{n}",
        "series": 2,
        "instances": 312,
        "project": "Wetenschap-Algemeen",
    }
    for n in (1, 2)
]


def entry(number: int, code: str = "ultrasound", **changes: Any) -> dict[str, Any]:
    """A held file, as the server tells of it."""
    return {
        "id": f"{number:016x}",
        "job_id": 1040 + number,
        "project": "Wetenschap-Algemeen",
        "code": code,
        "reason": REASONS[code],
        "size": 231_104 * number,
        "has_copy": 1,
        "time": f"2026-02-12T10:0{number % 10}:00",
        "state": "waiting",
        "who": None,
        "note": None,
    } | changes


@dataclass
class StagedServer:
    """Answers what the screens ask, and remembers what was asked."""

    entries: list[dict[str, Any]] = field(
        default_factory=lambda: [entry(1), entry(2), entry(3, "burned_in"), entry(4, "truncated")]
    )
    newest: Sequence[Job] = fakes.JOBS
    frames: int = 1
    refusal: Exception | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __enter__(self) -> StagedServer:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def get(self, function: str, **parameters: Any) -> object:
        """Answer a question."""
        self._ask(function, parameters)
        if function == "get_quarantine":
            if parameters.get("after"):
                return {"entries": []}
            state = parameters.get("state")
            return {"entries": [one for one in self.entries if state in (None, one["state"])]}
        assert function == "get_quarantine_picture"
        pixels = zlib.compress(ultrasound.pixels(parameters["frame"]))
        return {
            "rows": ultrasound.ROWS,
            "columns": ultrasound.COLUMNS,
            "frames": self.frames,
            "frame": parameters["frame"],
            "step": 1,
            "samples": 3,
            "pixels": b64encode(pixels).decode(),
            "facts": [
                ["kind", "Ultrasound Image Storage"],
                ["modality", "US"],
                ["manufacturer", "Invented Devices"],
                ["model", "Echo 3"],
            ],
        }

    def post(self, function: str, **parameters: Any) -> object:
        """Do something."""
        self._ask(function, parameters)
        if function == "find_identity":
            return {"found": FOUND if "*" in parameters["text"] else []}
        state = function.partition("_")[0] + "d"
        for one in self.entries:
            if one["id"] in parameters["entry_ids"]:
                one |= {"state": state.replace("ee", "e").replace("rejectd", "rejected")}
        return {"released": parameters["entry_ids"], "job_ids": [1041]}

    def probe(self) -> ServerInfo:
        """Tell what it is."""
        self._ask("probe", {})
        told = {"server": "anontui", "version": "0.1.0", "extensions": ["get_quarantine"]}
        return ServerInfo(7.0, {**told})

    def jobs(self) -> list[Job]:
        """The newest jobs."""
        return list(self.newest)

    def _ask(self, function: str, parameters: dict[str, Any]) -> None:
        self.asked.append((function, parameters))
        if self.refusal is not None:
            raise self.refusal

    def calls(self, function: str) -> list[dict[str, Any]]:
        """What a function was called with."""
        return [parameters for name, parameters in self.asked if name == function]


NO_ADMIN = CallRefused(
    "The server refuses get_quarantine: get_quarantine is for admins",
    errors={"user_name": "get_quarantine is for admins"},
    advice="Tell the server's admin.",
)
GONE = ServerUnreachable(
    "https://p01.example/api takes too long to answer", advice="Try again in a while."
)


async def run(seat: Seat, action_id: str) -> None:
    """Run an action as the palette does."""
    seat.app.run_action_named(seat.app.registry.actions[action_id])
    await seat.settle()


async def preview(seat: Seat, path: Path) -> Any:
    """Open the preview of one file beside others; the picture is there when it returns."""
    from anontui.tui.screens.preview import PreviewScreen

    screen = PreviewScreen([path])
    seat.app.push_screen(screen)
    await seat.until(lambda: screen.is_attached)
    await seat.settle()
    return screen


LIST, LOOK = "quarantine.list", "quarantine.show"
