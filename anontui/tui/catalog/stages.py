"""How actions reach the screen that is open: its scope stands in the place of a pane."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from anontui.tui.actions import Need

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def asked(method: str) -> Need:
    """Need: what the open screen's ``method`` says, with the keys as they are now."""

    def need(app: AnonTUI) -> str:
        return app.registry.with_keys(str(getattr(app.here, method)()))

    return need


def do(method: str, *words: Any) -> Callable[[AnonTUI], None]:
    """Do what the open screen's ``method`` does."""

    def run(app: AnonTUI) -> None:
        attrgetter(method)(app.here)(*words)

    return run
