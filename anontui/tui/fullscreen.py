"""What takes the whole screen: lines around its parts, and where a key goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.screen import Screen
from textual.widget import Widget

from anontui.tui.actions import Action, key_sign
from anontui.tui.catalog.places import PLACES
from anontui.tui.widgets.bars import ActivityStrip, KeyBar
from anontui.tui.widgets.grid import Grid
from anontui.tui.widgets.ofapp import OfApp

if TYPE_CHECKING:
    from anontui.tui.table import Table


class FullScreen(OfApp, Screen[None]):
    """A screen whose keys are the registry's, over an activity strip and a key bar.

    Of those on the stack, the uppermost is the app's ``here``: actions are about it also
    while a question is open over it.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(id=name)
        self.strip: ActivityStrip = ActivityStrip()
        self.keybar: KeyBar = KeyBar(self)

    @property
    def keys(self) -> str:
        """The group of actions that comes before those of everywhere."""
        raise NotImplementedError

    @property
    def scopes(self) -> frozenset[str]:
        """The groups of actions that can be meant here."""
        return frozenset({"", self.keys})

    @property
    def table(self) -> Table | None:
        """What has the table that is meant; None where there is none."""
        return None

    @property
    def last(self) -> tuple[tuple[str, str], ...]:
        """Actions that the key bar always shows, and the words that it has for them."""
        return (("app.command", "command"), ("app.palette", "all"), ("app.help", "help"))

    def groups(self) -> list[tuple[str, str]]:
        """The groups of actions for the help, with their titles: the nearest first."""
        raise NotImplementedError

    def not_here(self, action: Action) -> str:
        """Need: an action that can be meant here."""
        return f"it is for {PLACES[action.pane]}" if action.pane not in self.scopes else ""

    def copied(self) -> tuple[str, str]:
        """What copying takes where there is no table, and how that is called."""
        return "", ""

    def back(self) -> None:
        """Take one thing back, or leave."""
        raise NotImplementedError

    def refresh_lines(self) -> None:
        """Draw the lines around the parts again."""
        for line in (self.strip, self.keybar):
            line.redraw()

    def on_screen_resume(self) -> None:
        """What changed meanwhile, the lines show too."""
        self.refresh_lines()

    # -- keys ----------------------------------------------------------------------------

    async def take_key(self, event: events.Key) -> bool:
        """Do what a key means here, before the next one is looked at.

        Textual queues keys for the widget that has the focus; of keys typed fast, or sent
        in one piece over a slow line, a later one would then overtake an edit or a change
        of focus.

        Returns
        -------
        bool
            False if the key is left to the widget that has the focus.
        """
        raise NotImplementedError

    async def do_key(self, key: str, focused: Widget | None) -> bool:
        """Do what the registry says, else what the table moves by; else say that it is nothing."""
        app = self.anontui
        action = app.registry.for_key(key, self.keys)
        if action is not None:
            app.run_action_named(action)
            return True
        if isinstance(focused, Grid):
            bindings = focused._bindings.key_to_bindings.get(key, ())
            if any([await app.run_action(binding.action, focused) for binding in bindings]):
                return True
        if app.registry.has_key(key):
            shown = app.registry.with_keys("{app.help} shows what the keys do")
            app.say(f"{key_sign(key)} means nothing here: {shown}", "$warning")
            return True
        return False
