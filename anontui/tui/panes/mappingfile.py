"""The mapping's file: saved by itself, merged when others write it, never lost.

Nothing here waits for the file: it is read, merged and written in the background, of
snapshots, one after the other. What was edited meanwhile is still there when that is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError, FileChangedError
from anontui.tui.table import AT_ONCE

if TYPE_CHECKING:
    from anontui.project.aside import Outside, Snapshot
    from anontui.project.editor import MappingEditor
    from anontui.project.journal import Recovered
    from anontui.project.merge import Clash
    from anontui.tui.panes.mapping import MappingPane

Places = frozenset[tuple[int | None, str]]
SAVE_DELAY = 0.4
"""Seconds after the last edit until the file is saved."""
_LANE = "mapping"


class MappingFile:
    """Keeps the mapping of a pane and its file the same."""

    def __init__(self, pane: MappingPane) -> None:
        self._pane = pane
        self._clashing: Outside | None = None
        self._unreadable: tuple[object, ...] | None = None
        self._looking = self._look_again = False
        self._when_saved: list[Callable[[], None]] = []

    @property
    def editor(self) -> MappingEditor | None:
        """The editor of the mapping; None where there is no readable mapping."""
        return self._pane.editor

    @property
    def clashes(self) -> list[Clash]:
        """What another program and the user changed, each in another way."""
        return self._clashing.clashes if self._clashing else []

    def state(self) -> tuple[str, str]:
        """Whether all is on disk, and the tone to say it in."""
        if count := len(self.clashes):
            clashes = f"{count} clash{'es'[: 2 * (count != 1)]}"
            keys = "{mapping.merge} decide, {mapping.take-theirs} theirs, {mapping.keep-mine} mine"
            return f"{clashes}: {self._pane.anontui.registry.with_keys(keys)}", "bold $error"
        if self.editor is not None and self.editor.dirty:
            return "saving…", "$warning"
        return "saved", "$success"

    # -- saving, and what other programs write -------------------------------------------

    def changed(self) -> None:
        """Something was edited: save it soon, and make its journal durable."""
        self._pane.show_title()
        self._pane.set_timer(SAVE_DELAY, self.look)
        self.sync_journal()

    def sync_journal(self) -> None:
        """Make what is edited, or typed, durable."""
        if self.editor is not None and self.editor.journal is not None:
            self._pane.anontui.start("journal", self.editor.journal.sync, lambda _: None)

    def look(self, *, overwrite: bool = False) -> None:
        """Merge what another program wrote, else save what was edited.

        Nothing is merged while a cell is edited; ``overwrite`` gives up what they wrote.
        """
        editor = self.editor
        if editor is None:
            return
        if self._looking and not overwrite:
            self._look_again = True
            return
        self._looking = True
        to_save = editor.dirty and (overwrite or not self.clashes)
        snapshot = editor.snapshot(to_save=to_save)
        is_typed, known = self._pane.grid.editing is not None, self._clashing

        def work() -> Outside | Snapshot | AnonTUIError | None:
            if not overwrite and editor.changed_on_disk():
                if is_typed or (known is not None and editor.is_known(known, snapshot)):
                    return None
                try:
                    return editor.compare(snapshot)
                except AnonTUIError as error:  # half written, maybe
                    return error
            if not to_save:
                return None
            editor.write(snapshot, overwrite=overwrite)
            return snapshot

        def done(found: Outside | Snapshot | AnonTUIError | None) -> None:
            self._looking = False
            if editor is self.editor:
                self._looked(editor, found)

        def failed(error: AnonTUIError) -> None:
            self._looking = False
            self._when_saved.clear()
            if isinstance(error, FileChangedError):  # just now
                self._pane.set_timer(SAVE_DELAY, self.look)
            else:
                self._pane.anontui.fail(error)

        self._pane.anontui.start(_LANE, work, done, failed)

    def _looked(
        self, editor: MappingEditor, found: Outside | Snapshot | AnonTUIError | None
    ) -> None:
        from anontui.project.aside import Outside, Snapshot

        if isinstance(found, AnonTUIError):
            self._tell_unreadable(found)
        elif isinstance(found, Outside):
            self._merge(editor, found)
        elif isinstance(found, Snapshot):
            editor.noted(found)
            self._clashing = None
        if found is not None:
            self._pane.show_title()
        if not editor.dirty:
            waiting, self._when_saved = self._when_saved, []
            for then in waiting:
                then()
        if self._look_again:
            self._look_again = False
            self.look()

    def _merge(self, editor: MappingEditor, found: Outside) -> None:
        pane, before = self._pane, self._clashing
        self._unreadable = None
        if pane.grid.editing is not None:
            return  # it is looked again when the cell is left
        if editor.take(found):
            self._show(found)
            return
        self._clashing = found if found.clashes else None
        if found.clashes and (before is None or len(before.clashes) != len(found.clashes)):
            words = "Another program changed the same cells: {mapping.merge} to decide what counts"
            pane.anontui.say(pane.anontui.registry.with_keys(words), "$error")

    def _tell_unreadable(self, error: AnonTUIError) -> None:
        """Say it once: a file that is being written can be read a moment later."""
        now = (error.message, error.cause)
        if now != self._unreadable:
            self._unreadable = now
            self._pane.anontui.fail(error)

    def _show(self, found: Outside) -> None:
        pane, count = self._pane, len(found.changed)
        self._clashing = None
        pane.show_rows()
        pane.grid.flash_rows(found.changed)
        rows = f"{count:,} row{'s'[: count != 1]}" if count else "the file"
        words = f"Another program changed {rows}, taken over; {{mapping.undo}} takes it back"
        pane.anontui.say(pane.anontui.registry.with_keys(words))
        if self.editor is not None and self.editor.dirty:
            self.changed()

    def when_saved(self, then: Callable[[], None]) -> None:
        """Do something as soon as all is in the file; while there are clashes, say so."""
        if self.clashes:
            self.tell_clashes("Not now")
        elif self.editor is None or not self.editor.dirty:
            then()
        else:
            self._when_saved.append(then)
            self.look()

    def tell_clashes(self, what: str) -> None:
        """Say why something cannot be done while the file and our edits disagree."""
        text = f"{what}: first decide what counts, yours or what is on disk ({{mapping.merge}})"
        self._pane.anontui.say(self._pane.anontui.registry.with_keys(text), "$warning")

    # -- clashes -------------------------------------------------------------------------

    def no_conflict(self) -> str:
        """Need: the file and our edits disagree."""
        return "" if self.clashes else "nobody else changed the same cells"

    def decide(self) -> None:
        """Ask which of both is right, place by place."""
        from anontui.tui.screens.clashes import ClashScreen

        editor = self.editor
        assert editor is not None  # noqa: S101 - clashes come from it
        asked = self.clashes

        def answered(theirs: Places | None) -> None:
            if theirs is not None:
                self._decided(editor, theirs, asked)

        self._pane.app.push_screen(ClashScreen(asked, editor.keys), answered)

    def _decided(self, editor: MappingEditor, theirs: Places, asked: list[Clash]) -> None:
        snapshot = editor.snapshot()

        def work() -> Outside:
            found = editor.compare(snapshot, theirs)
            return found if _places(found.clashes) <= _places(asked) else found.undecided()

        def done(found: Outside) -> None:
            if editor.take(found):
                self._show(found)
            elif found.is_decided:  # edited meanwhile
                self._decided(editor, theirs, asked)
            else:
                self._clashing = None
                self.look()  # one of both was changed once more: ask about that, too

        self._pane.anontui.start(_LANE, work, done, label=self._label("Merging"))

    def take_theirs(self) -> None:
        """Read the file again; our edits since the last save are given up."""
        editor = self.editor
        assert editor is not None  # noqa: S101 - clashes come from it
        snapshot = editor.snapshot()

        def done(found: Outside) -> None:
            if editor.take(found):
                self._clashing = None
                self._pane.show_rows()
            else:
                self.take_theirs()

        self._pane.anontui.start(
            _LANE, lambda: editor.reread(snapshot), done, label=self._label("Reading")
        )

    def keep_mine(self) -> None:
        """Write our rows over the other program's, after a question."""
        from anontui.tui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.look(overwrite=True)

        question = "Overwrite the mapping on disk with the one shown here?"
        meaning = "What the other program wrote is lost."
        self._pane.app.push_screen(ConfirmScreen(question, meaning, "Overwrite"), answered)

    def _label(self, verb: str) -> str:
        rows = len(self.editor.keys) if self.editor else 0
        return f"{verb} {rows:,} rows" if rows > AT_ONCE else ""

    # -- begin and end -------------------------------------------------------------------

    def forget(self) -> None:
        """Another mapping is edited from now on."""
        self._clashing = self._unreadable = None
        self._when_saved.clear()

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

    def keep(self) -> str:
        """Last save before the app ends; what may not be written comes back at the next start.

        Returns
        -------
        str
            What to tell the user if not all of it is in the file; else empty.
        """
        editor = self.editor
        if editor is None:
            return ""
        if editor.dirty and not self.clashes:
            try:
                self._save_now(editor)
            except AnonTUIError as error:
                self._pane.anontui.fail(error)
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

    def _save_now(self, editor: MappingEditor) -> None:
        try:
            editor.save()
        except FileChangedError:
            if not editor.merge().clashes:
                editor.save()


def _places(clashes: list[Clash]) -> Places:
    return frozenset(clash.place for clash in clashes)
