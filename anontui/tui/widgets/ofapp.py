"""What belongs to the app knows it, with its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


class OfApp:
    """Mixed into widgets of the app."""

    @property
    def anontui(self) -> AnonTUI:
        """The app, with its type."""
        from anontui.tui.app import AnonTUI

        app = self.app  # type: ignore[attr-defined] # a widget has it
        assert isinstance(app, AnonTUI)  # noqa: S101 - tells the type checker
        return app
