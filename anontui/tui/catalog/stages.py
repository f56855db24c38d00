"""How actions reach the screen that is open: its scope stands in the place of a pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from anontui.tui.actions import Need

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def here(scope: str, where: str) -> Need:
    """Need: the screen of this scope is open."""

    def need(app: AnonTUI) -> str:
        return "" if getattr(app.screen, "scope", "") == scope else f"it is for {where}"

    return need


def asked(method: str) -> Need:
    """Need: what the open screen's ``method`` says."""

    def need(app: AnonTUI) -> str:
        return str(getattr(app.screen, method)())

    return need


def do(method: str, *words: Any) -> Callable[[AnonTUI], None]:
    """Do what the open screen's ``method`` does."""

    def run(app: AnonTUI) -> None:
        getattr(app.screen, method)(*words)

    return run
