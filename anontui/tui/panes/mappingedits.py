"""Edits of the mapping: at once, or, where they are large, beside what the user does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from anontui.errors import AnonTUIError
from anontui.tui.table import AT_ONCE

if TYPE_CHECKING:
    from anontui.project.aside import Snapshot
    from anontui.project.editor import MappingEditor
    from anontui.tui.panes.mapping import MappingPane

T = TypeVar("T")
LANE = "edit"
"""Where large edits are worked out, one after the other."""
_WAIT = 0.2
"""Seconds until it is looked again whether a cell is still typed in."""


def edit(
    pane: MappingPane,
    label: str,
    size: int,
    work: Callable[[MappingEditor], T],
    done: Callable[[T], None],
) -> None:
    """Edit the mapping of a pane and show it; what is edited meanwhile stays.

    Parameters
    ----------
    pane
        The pane, with a mapping.
    label
        What the activity strip says meanwhile.
    size
        How many rows it is about; many are worked out in the background.
    work
        Edits the editor that it is given, and returns what ``done`` is to know. An expected
        failure is told, and nothing changes.
    done
        Called when it is done and shown.
    """
    editor, app = pane.editor, pane.anontui
    assert editor is not None  # noqa: S101 - the actions need it
    if size <= AT_ONCE:
        try:
            result = work(editor)
        except AnonTUIError as error:
            app.fail(error)
        else:
            pane.show_changes()
            done(result)
        return
    start = editor.snapshot()

    def aside() -> tuple[MappingEditor, T]:
        twin = editor.twin(start)
        return twin, work(twin)

    def worked(found: tuple[MappingEditor, T]) -> None:
        twin, result = found
        _adopt(pane, editor, twin, start, lambda: done(result), label)

    app.start(LANE, aside, worked, label=label)


def _adopt(
    pane: MappingPane,
    editor: MappingEditor,
    twin: MappingEditor,
    start: Snapshot,
    done: Callable[[], None],
    label: str,
) -> None:
    """Take over what was worked out; not under the hands of somebody who types."""
    if editor is not pane.editor:
        return
    if pane.grid.editing is not None:
        pane.set_timer(_WAIT, lambda: _adopt(pane, editor, twin, start, done, label))
        return
    if editor.adopt(twin, start):
        pane.show_changes()
        done()
        return
    now = editor.snapshot()
    pane.anontui.start(
        LANE,
        lambda: editor.rebased(twin, start, now),
        lambda again: _adopt(pane, editor, again, now, done, label),
        label=label,
    )
