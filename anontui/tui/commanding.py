"""The command line's language: which action a text means, what may follow, what was typed before.

A command is an action's id (``batch.reset-error``, also ``batch reset-error``), or its last word
alone if no other action has it or it is the app's (``quit``), then perhaps a word (``theme
light``). A number is a row. No widgets here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.errors import UsageError

if TYPE_CHECKING:
    from anontui.tui.actions import Action, Registry
    from anontui.tui.app import AnonTUI

KEPT = 100
"""As many commands are remembered."""


@dataclass(frozen=True)
class Command:
    """An action, and the text that it is given."""

    action: Action
    text: str = ""


def names(registry: Registry) -> dict[str, Action]:
    """Every spelling of every action."""
    actions = registry.actions.values()
    last = Counter(action.id.partition(".")[2] for action in actions)
    found: dict[str, Action] = {}
    for action in actions:
        group, _, verb = action.id.partition(".")
        if last[verb] == 1 or group == "app":
            found[verb] = action
        found[f"{group} {verb}"] = action
    return found | dict(registry.actions)


def parse(registry: Registry, text: str) -> Command | None:
    """Return what a text means; None if it is no command yet."""
    words = text.split(maxsplit=2)
    known = names(registry)
    for count in (2, 1):
        action = known.get(" ".join(words[:count])) if len(words) >= count else None
        if action is not None:
            rest = text.split(maxsplit=count)[count:]
            return Command(action, rest[0].strip() if rest else "")
    return None


def matches(registry: Registry, text: str, pane: str = "") -> list[Action]:
    """Return the actions that a text may become, the likeliest first; all for an empty text.

    Of equally likely ones those of ``pane`` come first, then those of everywhere.
    """
    text = " ".join(text.lower().split())
    known = names(registry)
    ranked: dict[str, int] = {}
    for spelling, action in known.items():
        if spelling.startswith(text):
            rank = 0 if spelling == text else 1 if action.id.startswith(text) else 2
        elif _begins(text, spelling):
            rank = 3
        elif len(text) > 2 and _begins(text, f"{spelling} {action.name.lower()}"):
            rank = 4
        else:
            continue
        ranked[action.id] = min(ranked.get(action.id, rank), rank)
    order = {id_: at for at, id_ in enumerate(registry.actions)}
    near = {pane: 0, "": 1}

    def place(id_: str) -> tuple[int, int, int]:
        return ranked[id_], near.get(registry.actions[id_].pane, 2), order[id_]

    return [registry.actions[id_] for id_ in sorted(ranked, key=place)]


def _begins(text: str, names: str) -> bool:
    """True if each word of ``text`` begins a word of ``names``."""
    words = re.split(r"[^a-z0-9]+", names)
    return all(any(word.startswith(part) for word in words) for part in text.split())


def meant(registry: Registry, text: str) -> Command:
    """Return the one command that a text means, also where it is the start of only one.

    Raises
    ------
    UsageError
        If it is none, or may become several.
    """
    command = parse(registry, text)
    if command is not None:
        if command.text and command.action.told is None:
            raise UsageError(
                f"{command.action.id} takes no word", advice=f"Leave out {command.text!r}."
            )
        return command
    starting = {
        action.id: action
        for spelling, action in names(registry).items()
        if spelling.startswith(" ".join(text.split()))
    }
    if len(starting) == 1:
        return Command(next(iter(starting.values())))
    if not starting:
        raise UsageError(f"There is no command {text!r}", advice="tab shows what there is.")
    some = ", ".join(sorted(starting)[:4])
    more = ", …" if len(starting) > 4 else ""
    raise UsageError(f"{text!r} may mean {some}{more}", advice="tab goes on.")


def completed(app: AnonTUI, text: str) -> str:
    """Return a text with as much added as is certain."""
    command = parse(app.registry, text)
    if command is not None and command.action.words and (command.text or text.endswith(" ")):
        found = [word for word in command.action.words(app) if word.startswith(command.text)]
        stem = text[: len(text) - len(command.text)]
        return stem + _common(found, command.text)
    found = [name for name in names(app.registry) if name.startswith(text)]
    whole = _common(found, text)
    action = app.registry.actions.get(whole) or names(app.registry).get(whole)
    takes = action is not None and action.words is not None and len(found) == 1
    return f"{whole} " if takes else whole


def _common(options: Iterable[str], text: str) -> str:
    """Return what all options begin with; ``text`` if there are none."""
    found = list(options)
    if not found:
        return text
    first, last = min(found), max(found)
    same = (at for at, letter in enumerate(first) if last[at : at + 1] != letter)
    return first[: next(same, len(first))]


class History:
    """What was typed before, the newest last; :meth:`older` and :meth:`newer` walk through it."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = list(lines)[-KEPT:]
        self.rewind()

    def add(self, line: str) -> None:
        """Remember a line, once."""
        if line in self.lines:
            self.lines.remove(line)
        self.lines = [*self.lines, line][-KEPT:]
        self.rewind()

    def rewind(self) -> None:
        """Begin at the newest again."""
        self._at, self._typed = len(self.lines), ""

    def older(self, text: str) -> str:
        """Return the line before that begins with what was typed; ``text`` if there is none."""
        if self._at == len(self.lines):
            self._typed = text
        for at in range(self._at - 1, -1, -1):
            if self.lines[at].startswith(self._typed):
                self._at = at
                return self.lines[at]
        return text

    def newer(self, text: str) -> str:
        """Return the line after, or what was typed."""
        if self._at == len(self.lines):
            return text
        for at in range(self._at + 1, len(self.lines)):
            if self.lines[at].startswith(self._typed):
                self._at = at
                return self.lines[at]
        typed = self._typed
        self.rewind()
        return typed
