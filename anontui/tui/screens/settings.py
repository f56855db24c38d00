"""All settings: what holds, what it means, where it comes from; and the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from anontui.operations.configuring import origins
from anontui.settings import FIELDS
from anontui.tui.catalog import ACTIONS
from anontui.tui.screens.stage import TableStage
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.settings import Settings
    from anontui.tui.actions import Registry

KEY = "key "
"""What the names of rows about keys begin with."""


class Entry(NamedTuple):
    """A row: its name, the value, whether the file says so, and what it means."""

    name: str
    value: str
    is_set: bool
    about: str


def entries(settings: Settings, registry: Registry) -> list[Entry]:
    """All settings, then the key of each action."""
    told = origins(settings)
    found = []
    for field in FIELDS:
        value, is_set = told[field.name]
        found.append(Entry(field.name, _shown(value), is_set, field.about))
    for action in ACTIONS:
        now = registry.actions[action.id]
        is_set = action.id in settings.keys
        found.append(Entry(f"{KEY}{action.id}", " ".join(now.signs), is_set, action.name))
    return found


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {one}" for name, one in value.items())
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


class EntryRows:
    """Settings as rows."""

    def __init__(self, found: Sequence[Entry]) -> None:
        self.found = found

    def __len__(self) -> int:
        return len(self.found)

    def key(self, index: int) -> str:
        """The setting's name."""
        return self.found[index].name

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Name, value, origin, meaning."""
        one = self.found[index]
        tone = "accent" if one.name == "validate_ssl" and one.value == "no" else ""
        value = Cell(one.value, tone) if one.value else Cell("not set", "dim")
        origin = Cell("file", "good") if one.is_set else Cell("default", "dim")
        name = Cell(one.name, "dim" if one.name.startswith(KEY) else "")
        return [name, value, origin, Cell(one.about, "dim")]


class SettingsScreen(TableStage):
    """The settings; Enter changes the one under the cursor, checked as it is typed."""

    scope = "settings"
    label = "Settings"
    columns = (
        Column("name", "setting", 28, min_width=20),
        Column("value", "value", None, min_width=16),
        Column("origin", "from", 7),
        Column("about", "what it means", None, min_width=16),
    )
    dropped = frozenset({"about"})
    filter_words = "filter, as name:key or value:ctrl"
    DEFAULT_CSS = "SettingsScreen .detail { height: 5; }"

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Entry] = {}

    def begin(self) -> None:
        """Show them."""
        super().begin()
        self.project_loaded()

    @property
    def settings(self) -> Settings:
        """What holds now."""
        workspace = self.anontui.model.workspace
        assert workspace is not None  # noqa: S101 - the action needs it
        return workspace.settings

    def about(self) -> list[str | tuple[str, str]]:
        """Which file they are in."""
        return [(str(self.settings.path), "$text-muted"), *self.counted()]

    def state_line(self) -> list[str | tuple[str, str]]:
        """In place of the server: the theme."""
        return [("theme ", "$text-muted"), (self.anontui.theme, "bold"), " "]

    def project_loaded(self) -> None:
        """The settings were read, or read again."""
        found = entries(self.settings, self.anontui.registry)
        self.found = {one.name: one for one in found}
        self.show_rows(EntryRows(found))

    def cursor_moved(self) -> None:
        """Tell all of the setting under the cursor."""
        one = self.found.get(str(self.grid.cursor_key))
        if one is None:
            self.detail.update("")
            return
        where = "the settings file says so" if one.is_set else "nothing is set: this is the default"
        self.detail.update(
            Content("\n").join(
                [
                    Content(""),
                    Content.assemble((one.name, "bold $text"), f"  {one.about}"),
                    Content.assemble((one.value or "not set", "$text"), f"  ({where})"),
                ]
            )
        )

    def no_setting(self) -> str:
        """Need: a setting under the cursor."""
        return "" if str(self.grid.cursor_key) in self.found else "there is no setting"

    def activated(self) -> None:
        """A double click changes it, if that may be."""
        self.anontui.run_action_named(self.anontui.registry.actions["settings.change"])
