"""The page of the docs that lists every action and its keys, written from the registry."""

from __future__ import annotations

from collections.abc import Iterable

from anontui.tui.actions import Action
from anontui.tui.catalog import ACTIONS

PANES = {
    "servers": "Pane 1: servers",
    "files": "Pane 2: files",
    "mapping": "Pane 3: mapping",
    "batch": "Pane 4: batch",
    "": "Everywhere",
    "archives": "PACS: archives",
    "studies": "PACS: studies",
    "search": "PACS: the search form",
    "imports": "PACS: imports",
    "overview": "Overview of all servers",
    "quarantine": "Held files",
    "review": "A held file",
    "identities": "Who is who",
    "preview": "Preview",
    "settings": "Settings",
    "welcome": "The first start",
}

HEAD = """\
# Keys

Each action has an id. It is its name in the command line (`:`), and the name by which the
settings give it other keys:

    keys:
      app.zoom: z,f5
      job.reset: ctrl+r

A key is a character, or a name such as `ctrl+s`, `f5`, `shift+tab` or `escape`; a comma stands
between several, an empty text takes an action's keys away. `anontui config validate` tells what
is wrong with them. An action without a key is in the palette (`ctrl+p`) and the command line.
What changes files, jobs or settings is marked with *: `--readonly` refuses it.

In every table the arrows or `j` and `k` move, `page up` and `page down` by a page,
`home` and `end` or `g` and `G` to its ends.
"""


def key_page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for pane in dict.fromkeys([*(action.pane for action in ACTIONS if action.pane), ""]):
        title = PANES.get(pane, pane.capitalize())
        parts.append(f"\n## {title}\n\n| key | what it does | id |\n|---|---|---|\n")
        parts += _rows(action for action in ACTIONS if action.pane == pane)
    return "".join(parts)


def _rows(actions: Iterable[Action]) -> list[str]:
    return [
        f"| {' '.join(f'`{sign}`' for sign in action.signs)} | {action.name}"
        f"{' *' * action.changes} | `{action.id}` |\n"
        for action in actions
    ]
