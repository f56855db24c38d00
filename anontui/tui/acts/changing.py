"""Changing one setting, by what it may hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from anontui.errors import SettingsError
from anontui.settings import FIELDS
from anontui.settings_fields import FOLDER, TEXT, Field, Wrong, choices
from anontui.tui.actions import Registry, parse_key
from anontui.tui.acts import common, manners, paths, settings
from anontui.tui.catalog import ACTIONS
from anontui.tui.screens.checked import CheckedPrompt
from anontui.tui.screens.choose import ChooseScreen
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.settings import KEY, SettingsScreen

if TYPE_CHECKING:
    from anontui.settings import Settings
    from anontui.tui.app import AnonTUI

NONE = "not set"
_FIELDS = {field.name: field for field in FIELDS}


def change(app: AnonTUI) -> None:
    """Change the setting under the cursor."""
    screen = app.here
    assert isinstance(screen, SettingsScreen)  # noqa: S101 - the action needs it
    name = str(screen.grid.cursor_key)
    if name.startswith(KEY):
        _key(app, name.removeprefix(KEY))
        return
    others: dict[str, Callable[[AnonTUI], None]] = {
        "servers": lambda app: _elsewhere(app, "server.list"),
        "active_server_name": _active_server,
        "validate_ssl": settings.switch_validate_ssl,
        "job_default_parameters": settings.set_defaults,
        "shares": paths.add,
        "keys": lambda _: screen.grid.move_cursor(key=f"{KEY}{ACTIONS[0].id}"),
        "theme": manners.choose_theme,
    }
    if name in others:
        others[name](app)
    elif choices(_FIELDS[name]):
        _choice(app, _FIELDS[name])
    elif _FIELDS[name].kind in (TEXT, FOLDER):
        _text(app, _FIELDS[name])
    else:
        word = app.registry.with_keys("in your editor: {settings.edit-here} opens the file")
        app.say(f"{name} is changed {word}", "$warning")


def reset(app: AnonTUI) -> None:
    """Take the setting under the cursor out of the file, so that its default holds."""
    screen = app.here
    assert isinstance(screen, SettingsScreen)  # noqa: S101 - the action needs it
    name = str(screen.grid.cursor_key)
    if name.startswith(KEY):
        action_id = name.removeprefix(KEY)
        left = {one: key for one, key in screen.settings.keys.items() if one != action_id}
        common.save_settings(app, lambda s: s.replace(keys=left), f"{action_id} has its own key")
        return
    ours = _FIELDS[name].ours
    plain = getattr(type(screen.settings)(screen.settings.path), ours)
    word = f"{name} is as it is by default"
    question = ConfirmScreen(f"Forget what {name} is set to?", "Its default holds then.", "Forget")
    common.confirm(
        app,
        question,
        lambda: common.save_settings(app, lambda s: s.replace(**{ours: plain}), word),
    )


def _elsewhere(app: AnonTUI, action_id: str) -> None:
    app.here.dismiss(None)
    app.main.show_pane(app.main.servers)
    app.call_later(app.run_action_named, app.registry.actions[action_id])


def _active_server(app: AnonTUI) -> None:
    now = common.workspace_of(app).settings

    def chosen(name: str | None) -> None:
        if name is not None:
            word = f"{name} is the active server now"
            common.save_settings(app, lambda s: s.activated(name), word)

    options = [(server.name, server.url) for server in now.servers]
    if not options:
        keys = app.registry.with_keys("({app.pane-1}, {server.add})")
        app.say(f"There is no server yet: add one on the servers' pane {keys}", "$warning")
        return
    app.push_screen(
        ChooseScreen("Active server", options, now.active_server_name or "", lambda _: None), chosen
    )


def _choice(app: AnonTUI, field: Field) -> None:
    now = getattr(common.workspace_of(app).settings, field.ours) or NONE
    options = [(NONE, "as is best here"), *((word, "") for word in choices(field))]

    def chosen(word: str | None) -> None:
        if word is not None:
            value = None if word == NONE else word
            _save(app, field, value)

    app.push_screen(ChooseScreen(field.name, options, now, lambda _: None), chosen)


def _text(app: AnonTUI, field: Field) -> None:
    now = getattr(common.workspace_of(app).settings, field.ours)
    secret = field.name == "user_token"

    def read(text: str) -> Any:
        try:
            value = field.kind.read(field.name, text)
        except Wrong as wrong:
            raise SettingsError(wrong.reason, advice=wrong.advice) from wrong
        if secret and (not text.isascii() or not text.isprintable() or " " in text):
            raise SettingsError("No token has such characters", advice="Copy it anew.")
        return value

    def answered(text: str | None) -> None:
        if text is not None:
            empty = "" if isinstance(now, str) else None
            _save(app, field, read(text) or empty)

    shown = "" if now is None else str(now)
    app.push_screen(CheckedPrompt(field.name, field.about, shown, read, secret=secret), answered)


def _key(app: AnonTUI, action_id: str) -> None:
    now = common.workspace_of(app).settings
    action = app.registry.actions[action_id]

    def with_key(text: str) -> dict[str, str]:
        keys = {**now.keys, action_id: text}
        Registry(ACTIONS, keys)
        for key in filter(None, map(str.strip, text.split(","))):
            parse_key(key)
        return keys

    def answered(text: str | None) -> None:
        if text is not None:
            word = f"{action.name}: {text or 'no key'}"
            common.save_settings(app, lambda s: s.replace(keys=with_key(text)), word)

    about = f"{action.name}. Characters, or names such as ctrl+s or f5, with commas between."
    app.push_screen(CheckedPrompt(f"Key of {action_id}", about, action.key, with_key), answered)


def _save(app: AnonTUI, field: Field, value: object) -> None:
    def changed(now: Settings) -> Settings:
        return now.replace(**{field.ours: value})

    common.save_settings(app, changed, f"{field.name} is saved")
