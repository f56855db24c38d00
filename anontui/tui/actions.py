"""The action registry: everything that a key can do, named once.

Keys, key bar, palette, command line, help and the docs' key page are all drawn from it. An
action that cannot run now is shown all the same, and says why.
"""

from __future__ import annotations

import difflib
import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anontui.errors import SettingsError

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

_ACTION = re.compile(r"\{([a-z0-9.-]+)\}")
Need = Callable[["AnonTUI"], str]
"""Looks whether a condition holds: an empty text, or the reason why it does not."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do.

    Attributes
    ----------
    id
        Stable name, ``group.verb``; the same as the command's where there is one.
    key
        Default keys in Textual's spelling (``ctrl+s,question_mark``); rebindable by id. Empty
        for what is in the palette only.
    name
        What it does, for palette and help.
    run
        Does it.
    label
        One word for the key bar; empty keeps it out of the bar.
    pane
        The pane that must have the focus; empty for anywhere.
    needs
        Conditions, checked in this order before it runs.
    changes
        True if it changes files, jobs or settings, so that ``--readonly`` refuses it.
    told
        Does it with what stands behind its name in the command line, where that makes sense.
    words
        What may stand there, for completion.
    """

    id: str
    key: str
    name: str
    run: Callable[[AnonTUI], None]
    label: str = ""
    pane: str = ""
    needs: tuple[Need, ...] = ()
    changes: bool = False
    told: Callable[[AnonTUI, str], None] | None = None
    words: Callable[[AnonTUI], Iterable[str]] | None = None

    @property
    def signs(self) -> list[str]:
        """Its keys as a person reads them."""
        return [key_sign(key) for key in filter(None, self.key.split(","))]


class Registry:
    """All actions, under the user's keys.

    Raises
    ------
    SettingsError
        If the user's keys name an unknown action, or give one key to two actions that
        could both be meant.
    """

    def __init__(self, actions: Iterable[Action], keys: Mapping[str, str] | None = None) -> None:
        self.actions = {action.id: action for action in actions}
        for action_id, key in (keys or {}).items():
            if action_id not in self.actions:
                near = difflib.get_close_matches(action_id, self.actions, n=1)
                raise SettingsError(
                    f"The settings give a key to {action_id!r}, which is no action",
                    advice=f"Did you mean {near[0]}?" if near else "Help (?) shows their names.",
                )
            spelled = ",".join(map(parse_key, filter(None, map(str.strip, key.split(",")))))
            self.actions[action_id] = replace(self.actions[action_id], key=spelled)
        self._by_key: dict[tuple[str, str], Action] = {}
        for action in self.actions.values():
            self._bind(action)

    def _bind(self, action: Action) -> None:
        for key in filter(None, action.key.split(",")):
            other = self._by_key.setdefault((action.pane, key), action)
            if other is not action:
                raise SettingsError(
                    f"The key {key!r} is given to both {other.id!r} and {action.id!r}",
                    advice="Give one of them another key in the settings.",
                )

    def for_key(self, key: str, pane: str) -> Action | None:
        """The action that a key means while ``pane`` has the focus."""
        return self._by_key.get((pane, key)) or self._by_key.get(("", key))

    def has_key(self, key: str) -> bool:
        """Whether a key means something anywhere."""
        return any(bound == key for _, bound in self._by_key)

    def with_keys(self, text: str) -> str:
        """A text with the keys as they are now: ``{app.quit}`` → ``q``.

        An action that has no key is called by its name in the command line (``:app.quit``).
        """
        return _ACTION.sub(
            lambda found: next(iter(self.actions[found[1]].signs), f":{found[1]}"), text
        )

    def of_pane(self, pane: str) -> list[Action]:
        """The actions of one pane (or of all, for an empty name), in their order."""
        return [action for action in self.actions.values() if action.pane == pane]


def why_not(action: Action, app: AnonTUI) -> str:
    """The reason why an action cannot run now; empty if it can."""
    if action.changes and app.readonly:
        return "the app was started read-only"
    return app.here.not_here(action) or next(filter(None, (need(app) for need in action.needs)), "")


_TEXTUAL_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


def _name(character: str) -> str:
    """Textual's name of a character that is neither letter nor digit."""
    name = unicodedata.name(character, "").lower().replace(" ", "_").replace("-", "_")
    return _TEXTUAL_NAMES.get(name, name)


KEY_SIGNS = {_name(character): character for character in string.punctuation} | {
    "escape": "esc",
    "delete": "del",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
}
_NAMES = {sign: name for name, sign in KEY_SIGNS.items()}
_WORDS = re.compile(
    r"(?:(?:ctrl|shift|alt|super)\+)*(?:[a-z]+(?:_[a-z]+)*|f[1-9][0-9]?|[^\W_])", re.ASCII
)


def key_sign(key: str) -> str:
    """A key as a person reads it: ``question_mark`` → ``?``, ``ctrl+s`` → ``^s``."""
    first = key.split(",", maxsplit=1)[0]
    if first.startswith("ctrl+"):
        return "^" + first.removeprefix("ctrl+")
    held, plus, last = first.rpartition("+")
    return held + plus + KEY_SIGNS.get(last, last)


def parse_key(text: str) -> str:
    """Spell a key as Textual does; both spellings of :func:`key_sign` are understood.

    Raises
    ------
    SettingsError
        If it is no key.
    """
    if text in _NAMES:
        return _NAMES[text]
    held, plus, last = text.rpartition("+")
    if held and last in _NAMES:
        return held + plus + _NAMES[last]
    if len(text) == 1 and not text.isalnum() and text.isprintable():
        return _name(text)
    if text.startswith("^"):
        text = "ctrl+" + text[1:].lower()
    if len(text) == 1 or _WORDS.fullmatch(text):
        return text
    raise SettingsError(
        f"The settings give an action the key {text!r}, which is no key",
        advice="Write a character, or a name such as ctrl+s, f5 or escape.",
    )
