"""A file before and after de-identification, element by element, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from anontui.errors import AnonTUIError, UsageError
from anontui.tui.filtering import compile_filter
from anontui.tui.screens.elements import COLUMNS, ElementRows
from anontui.tui.screens.stage import TableStage, facts_panel
from anontui.tui.widgets.columns import shortened
from anontui.tui.widgets.picture import PictureView

if TYPE_CHECKING:
    from anontui.deid.pixels.view import View
    from anontui.deid.pixels.viewer import Viewer
    from anontui.operations.previewing import Explainer, Forecast

LOOKING = "Looking…"
TOLD = 8
"""Cells for the words before the values below the table."""
TABLE_WIDTH = 100
"""From this many columns on, tag and rule stand beside the values."""
MODES = ("both", "header", "picture")


class PreviewScreen(TableStage):
    """Header and picture of one file after the other.

    Parameters
    ----------
    files
        What can be looked at.
    at
        Where to begin.
    """

    scope = "preview"
    label = "Preview"
    shows_identity = True
    columns = COLUMNS
    dropped = frozenset({"tag", "rule"})
    not_sorted = "elements stand in the order of their tags"
    filter_words = "filter, as tag:0010 name:patient rule:e.1-1 or after:anon"
    DEFAULT_CSS = """
    PreviewScreen .detail { height: 6; max-height: 6; }
    PreviewScreen #before-after { width: 1fr; height: 1fr; }
    PreviewScreen #seen { width: 40%; height: 1fr; border-left: solid $border; }
    PreviewScreen #seen Static { height: auto; max-height: 12; padding: 0 1; }
    PreviewScreen.narrow.both #seen, PreviewScreen.header #seen { display: none; }
    PreviewScreen.picture #before-after { display: none; }
    PreviewScreen.picture #seen { width: 1fr; border-left: none; }
    """

    def __init__(self, files: Sequence[Path], at: int = 0) -> None:
        super().__init__(LOOKING)
        from anontui.operations.previewing import Explainer

        self.files = list(files)
        self.at = at
        self.frame = 0
        self.changed_only = False
        self.mode = "both"
        self.forecast: Forecast | None = None
        self.policy: Path | None = None
        self._explainer: Explainer = Explainer()
        self._viewer: Viewer | None = None
        self._seen: View | None = None
        self._asked = 0
        self._elements = ElementRows(())
        self.picture = PictureView(LOOKING)
        self._facts = Static("", markup=False)
        self.add_class("both")

    def parts(self) -> ComposeResult:
        """The table on the left, the picture on the right."""
        with Horizontal():
            with Vertical(id="before-after"):
                yield self.grid
                yield self.detail
            with Vertical(id="seen"):
                yield self.picture
                yield self._facts

    def begin(self) -> None:
        """Look at the first file."""
        super().begin()
        self.look()

    def on_unmount(self) -> None:
        """End what decodes."""
        if self._viewer is not None:
            self._viewer.close()

    def about(self) -> list[str | tuple[str, str]]:
        """Which file and frame, what would become of it, and that this is identity."""
        parts: list[str | tuple[str, str]] = [f"file {self.at + 1} of {len(self.files)}"]
        if self._seen is not None and self._seen.picture.frames > 1:
            parts.append(f"frame {self.frame + 1} of {self._seen.picture.frames}")
        if self.forecast is not None:
            parts.append(self._fate(self.forecast))
        return [*parts, *self.counted()]

    def state_line(self) -> list[str | tuple[str, str]]:
        """In place of the server: whose eyes this is for."""
        word = "identity" if self.has_class("narrow") else "shows who the patient is"
        return [(word, "bold $warning"), " "]

    def _fate(self, forecast: Forecast) -> str | tuple[str, str]:
        if forecast.status != "done":
            return (f"✖ would be {forecast.status}: {forecast.reason}", "$error")
        count = sum(one.is_changed for one in forecast.elements)
        only = " (only these)" if self.changed_only else ""
        return (f"{count} of {len(forecast.elements)} elements change{only}", "$accent")

    # -- looking -------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the file, header and picture beside each other."""
        from anontui.deid.pixels.viewer import Viewer

        self._asked += 1
        asked, path, explainer = self._asked, self.files[self.at], self._explainer
        old, viewer = self._viewer, Viewer(path)
        self._viewer, self._seen, self.forecast = viewer, None, None
        self.picture.draw((), None)

        def explain() -> Forecast | None:
            return explainer.forecast(path) if asked == self._asked else None

        def explained(forecast: Forecast | None) -> None:
            if forecast is not None and asked == self._asked and self.is_attached:
                self._show(forecast)

        def failed(error: AnonTUIError) -> None:
            if asked == self._asked and self.is_attached:
                self._elements = ElementRows(())
                self.show_problem(error)

        self.anontui.start("preview", explain, explained, failed)
        if old is not None:
            self.anontui.start("pictures", old.close, lambda _: None)
        self._fetch()

    def _fetch(self) -> None:
        asked, viewer, frame = self._asked, self._viewer, self.frame
        assert viewer is not None  # noqa: S101 - made before

        def picture() -> View | None:
            wanted = asked == self._asked and frame == self.frame
            return viewer.look(frame) if wanted else None

        def seen(view: View | None) -> None:
            if view is not None and asked == self._asked and self.is_attached:
                self._seen = view
                self.picture.show(view.picture)
                self._tell_facts()
            elif not self.is_attached:
                viewer.close()

        def failed(error: AnonTUIError) -> None:
            if asked == self._asked and self.is_attached:
                parts = filter(None, (error.message, error.cause, error.advice))
                self.picture.show(None, "\n\n".join(parts))
                self._tell_facts()

        self.anontui.start("pictures", picture, seen, failed)

    def _show(self, forecast: Forecast) -> None:
        self.forecast = forecast
        opened = self._elements.open
        self._elements = ElementRows(forecast.elements, opened)
        self.show_rows(self._elements, "No element has this in it.")
        if not forecast.elements:
            self.grid.empty = f"Nothing of it can be told:\n\n{forecast.reason}"
        self.picture.draw(forecast.boxes, None)

    @property
    def is_tight(self) -> bool:
        """True where tag and rule have no room beside the values."""
        is_half = self.mode == "both" and not self.has_class("narrow")
        return self.size.width * (0.6 if is_half else 1) < TABLE_WIDTH

    def resized(self) -> None:
        """The values below have other room, too."""
        super().resized()
        self.call_after_refresh(self.cursor_moved)

    def apply_filter(self) -> None:
        """Show what the filter lets through."""
        try:
            self.grid.order = self._filtered()
        except UsageError as error:
            self.anontui.say(error.sentence(), "$warning")

    def _filtered(self) -> list[int]:
        """What is changed, or matches the filter; a match shows in a closed sequence too."""
        rows = self._elements
        if not self.filter_text:
            return rows.shown(changed=self.changed_only)
        names = ("tag", "name", "before", "after", "rule", "action")
        matches = compile_filter(self.filter_text, names)
        found = [
            n
            for n, one in enumerate(rows.elements)
            if (one.is_changed or not self.changed_only)
            and matches(
                [one.tag, one.name, one.before or "", one.after or "", one.because, one.action]
            )
        ]
        return rows.with_those_above(found)

    def cursor_moved(self) -> None:
        """Tell all of the element under the cursor."""
        if self.key is None or not len(self._elements):
            self.detail.update("")
            return
        one = self._elements.elements[self.key]
        width = max(self.detail.content_size.width, 20)
        head = Content.assemble(
            (" ".join(filter(None, (one.place, one.tag, one.name, one.vr))), "$text"),
            (f"  {one.action}: {one.because}", "$accent" if one.is_changed else "$text-muted"),
        )
        lines = [Content(""), head.truncate(width, ellipsis=True)]
        for name, text in (("before", one.before), ("after", one.after)):
            lines += _told(name, "not there" if text is None else text or "(empty)", width - TOLD)
        self.detail.update(Content("\n").join(lines))

    def _tell_facts(self) -> None:
        facts = [("file", self.files[self.at].name)]
        if self._seen is not None:
            picture = self._seen.picture
            facts.append(("size", f"{picture.columns} x {picture.rows}"))
            facts += [fact for fact in self._seen.facts if fact[0] in ("kind", "syntax", "series")]
        self._facts.update(facts_panel(facts, 38))
        self.refresh_lines()

    # -- deeds ---------------------------------------------------------------------------

    def activated(self) -> None:
        """A double click opens a sequence, or closes it."""
        self.anontui.run_action_named(self.anontui.registry.actions["preview.fold"])

    def fold(self) -> None:
        """Open the sequence under the cursor, or close it."""
        self._elements.fold(self.key)
        self._refilter()

    def fold_all(self) -> None:
        """Open all sequences, or close them."""
        self._elements.fold_all()
        self._refilter()

    def switch_changed(self) -> None:
        """Show only what changes, or all."""
        self.changed_only = not self.changed_only
        self._refilter()

    def _refilter(self) -> None:
        self.filter_by(self.filter_text)
        self.grid.refresh_rows([self.key])

    def switch_mode(self) -> None:
        """Show both, the header alone, or the picture alone."""
        modes = [mode for mode in MODES if mode != "both" or not self.has_class("narrow")]
        now = self.mode if self.mode in modes else "header"
        self.remove_class(*MODES)
        self.mode = modes[(modes.index(now) + 1) % len(modes)]
        self.add_class(self.mode)
        self.resized()

    def step_frame(self, step: int) -> None:
        """Go on by frames; the last is followed by the first."""
        if self._seen is not None:
            self.frame = (self.frame + step) % self._seen.picture.frames
            self._fetch()
            self.refresh_lines()

    def step_file(self, step: int) -> None:
        """Go to another file; the last is followed by the first."""
        self.at, self.frame = (self.at + step) % len(self.files), 0
        self.look()
        self.refresh_lines()

    def one_file(self) -> str:
        """Need: several files."""
        return "" if len(self.files) > 1 else "there is one file"

    def use_policy(self, policy: Path | None) -> None:
        """Tell what another policy would do; None for the Basic Profile."""
        from anontui.operations.previewing import Explainer

        self.policy, self._explainer = policy, Explainer(policy)
        self.look()

    def one_frame(self) -> str:
        """Need: several frames."""
        several = self._seen is not None and self._seen.picture.frames > 1
        return "" if several else "it has one frame"

    def no_fold(self) -> str:
        """Need: a sequence under the cursor."""
        is_one = self.key is not None and self._elements.folds(self.key)
        return "" if is_one else "this is no sequence with something in it"

    def no_picture(self) -> str:
        """Need: a picture."""
        return "" if self._seen is not None else "there is no picture"


def _told(name: str, text: str, room: int) -> list[Content]:
    """A value in two lines at most; one that is longer loses its middle (copying takes it all)."""
    text = shortened(" ".join(text.split()), 2 * room)
    parts = [text[at : at + room] for at in range(0, len(text), room)]
    words = (name, "")
    return [
        Content.assemble((f"{word:>{TOLD - 2}}  ", "$text-muted"), (part, "$text"))
        for word, part in zip(words, parts, strict=False)
    ]
