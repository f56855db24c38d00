"""The mapping's file: saved by itself, merged when others write it, never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError, FileChangedError

if TYPE_CHECKING:
    from anontui.project.editor import MappingEditor
    from anontui.project.journal import Recovered
    from anontui.project.merge import Clash
    from anontui.tui.panes.mapping import MappingPane

SAVE_DELAY = 0.4
"""Seconds after the last edit until the file is saved."""


class MappingFile:
    """Keeps the mapping of a pane and its file the same."""

    def __init__(self, pane: MappingPane) -> None:
        self._pane = pane
        self.clashes: list[Clash] = []
        self._unreadable: tuple[object, ...] | None = None

    @property
    def editor(self) -> MappingEditor | None:
        """The editor of the mapping; None where there is no readable mapping."""
        return self._pane.editor

    def state(self) -> tuple[str, str]:
        """Whether all is on disk, and the tone to say it in."""
        if count := len(self.clashes):
            clashes = f"{count} clash{'es'[: 2 * (count != 1)]}"
            return f"{clashes}: M decide, R theirs, W mine", "bold $error"
        if self.editor is not None and self.editor.dirty:
            return "saving…", "$warning"
        return "saved", "$success"

    # -- saving --------------------------------------------------------------------------

    def changed(self) -> None:
        """Something was edited: save it soon, and make its journal durable."""
        pane = self._pane
        pane.show_title()
        pane.set_timer(SAVE_DELAY, self.save)
        if self.editor is not None and self.editor.journal is not None:
            pane.anontui.start("journal", self.editor.journal.sync, lambda _: None)

    def save(self, *, overwrite: bool = False) -> None:
        """Write the mapping to disk; what another program wrote there is merged first."""
        editor = self.editor
        if editor is None or not editor.dirty or (self.clashes and not overwrite):
            return
        try:
            try:
                editor.save(overwrite=overwrite)
            except FileChangedError:
                if self._merged():
                    editor.save()
        except FileChangedError:
            self._pane.set_timer(SAVE_DELAY, self.save)  # they write faster than we read
        except AnonTUIError as error:
            self._pane.anontui.fail(error)
        else:
            self.clashes = [] if overwrite else self.clashes
        self._pane.show_title()

    def keep(self) -> str:
        """Last save before the app ends; what may not be written comes back at the next start.

        Returns
        -------
        str
            What to tell the user if not all of it is in the file; else empty.
        """
        self.save()
        editor = self.editor
        if editor is None:
            return ""
        journal = editor.journal
        is_kept = journal is not None and journal.works
        if journal is not None:
            journal.close(keep=editor.dirty or self._pane.grid.editing is not None)
        if not editor.dirty:
            return ""
        if is_kept:
            return (
                "The last edits of the mapping are not in its file: they come back when you open "
                "the app on this folder again."
            )
        from anontui.operations.mappings import save_aside

        try:
            save_aside(editor)
        except AnonTUIError as error:
            return f"The last edits of the mapping are NOT saved. {error.sentence()}"
        return ""

    def recovered(self, kept: Recovered) -> None:
        """Say what came back that an earlier app had not saved, and go on with it."""
        pane = self._pane
        words = f"{kept.steps} unsaved edit{'s'[: kept.steps != 1]}"
        if kept.draft is not None and kept.draft.key in (self.editor.keys if self.editor else ()):
            pane.anontui.main.show_pane(pane)
            at = next((i for i, c in enumerate(pane.grid.columns) if c.id == kept.draft.column), 0)
            pane.grid.move_cursor(key=kept.draft.key, column=at)
            pane.grid.begin_edit(kept.draft.text)
            words = f"{words} and the cell you were in" if kept.steps else "The cell you were in"
        back = "are" if kept.steps > 1 or " and " in words else "is"
        undo = ", u takes them back" if kept.steps else ""
        pane.anontui.say(f"{words} {back} here again{undo}", "$success")
        self.changed()
        self.look()

    # -- other programs ------------------------------------------------------------------

    def look(self) -> None:
        """Merge what another program wrote, unless a cell is being edited."""
        editor = self.editor
        if editor is None or self._pane.grid.editing or not editor.changed_on_disk():
            return
        if self._merged() and editor.dirty:
            self.changed()

    def _merged(self) -> bool:
        """Merge; False if it is for the user to decide, or the file cannot be read now."""
        editor, pane = self.editor, self._pane
        assert editor is not None  # noqa: S101 - the callers have one
        before = {clash.place for clash in self.clashes}
        try:
            merged = editor.merge()
        except AnonTUIError as error:
            self._tell_unreadable(error)
            return False
        self._unreadable = None
        self.clashes = merged.clashes
        pane.show_title()
        if not merged.clashes:
            self._show(merged.changed)
            return True
        if {clash.place for clash in merged.clashes} != before:
            words = "Another program changed the same cells: M to decide what counts"
            pane.anontui.say(words, "$error")
        return False

    def _tell_unreadable(self, error: AnonTUIError) -> None:
        """Say it once: a file that is being written can be read a moment later."""
        now = (error.message, error.cause)
        if now != self._unreadable:
            self._unreadable = now
            self._pane.anontui.fail(error)

    def _show(self, changed: set[int]) -> None:
        pane, count = self._pane, len(changed)
        pane.show_rows()
        pane.grid.flash_rows(changed)
        rows = f"{count} row{'s'[: count != 1]}" if count else "the file"
        pane.anontui.say(f"Another program changed {rows}, taken over; u takes it back")

    def no_conflict(self) -> str:
        """Need: the file and our edits disagree."""
        return "" if self.clashes else "nobody else changed the same cells"

    def decide(self) -> None:
        """Ask which of both is right, place by place."""
        from anontui.tui.screens.clashes import ClashScreen

        editor, pane = self.editor, self._pane
        assert editor is not None  # noqa: S101 - clashes come from it
        asked = {clash.place for clash in self.clashes}

        def answered(theirs: frozenset[tuple[int | None, str]] | None) -> None:
            if theirs is None:
                return
            try:
                if {clash.place for clash in editor.merge().clashes} - asked:
                    self._merged()  # the file was changed once more: ask about that, too
                    return
                merged = editor.merge(theirs)
            except AnonTUIError as error:
                pane.anontui.fail(error)
                return
            self.clashes = []
            self._show(merged.changed)
            self.changed()

        pane.app.push_screen(ClashScreen(self.clashes, editor.keys), answered)

    def take_theirs(self) -> None:
        """Read the file again; our edits since the last save are given up."""
        assert self.editor is not None  # noqa: S101 - clashes come from it
        try:
            self.editor.reload()
        except AnonTUIError as error:
            self._pane.anontui.fail(error)
            return
        self.clashes = []
        self._pane.show_rows()

    def keep_mine(self) -> None:
        """Write our rows over the other program's, after a question."""
        from anontui.tui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.save(overwrite=True)

        question = "Overwrite the mapping on disk with the one shown here?"
        meaning = "What the other program wrote is lost."
        self._pane.app.push_screen(ConfirmScreen(question, meaning, "Overwrite"), answered)

    def saved(self) -> bool:
        """Save now; False, with a word about it, while the file and our edits disagree."""
        self.save()
        if self.clashes:
            text = "Create: first decide what counts, yours or what is on disk (M)"
            self._pane.anontui.say(text, "$warning")
        return not self.clashes
