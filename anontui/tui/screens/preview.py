"""A file before and after de-identification, element by element, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from anontui.errors import AnonTUIError
from anontui.tui.screens.stage import TableStage, facts_panel
from anontui.tui.widgets.grid import Cell, Column
from anontui.tui.widgets.picture import PictureView
from anontui.tui.widgets.view import NoRows

if TYPE_CHECKING:
    from anontui.deid.pixels.view import View
    from anontui.deid.pixels.viewer import Viewer
    from anontui.deid.run.explain import Explained
    from anontui.operations.previewing import Explainer, Forecast
    from anontui.tui.app import AnonTUI

LOOKING = "Looking…"
COLUMNS = (
    Column("sign", "", 1, min_width=1),
    Column("tag", "tag", 11),
    Column("name", "element", 26, min_width=16),
    Column("before", "before", None, min_width=12),
    Column("after", "after", None, min_width=12),
    Column("rule", "rule", 22, min_width=10),
)
TABLE_WIDTH = 100
"""From this many columns on, tag and rule stand beside the values."""
MODES = ("both", "header", "picture")


class ElementRows:
    """The elements of a file as rows, those inside of sequences where these are open."""

    def __init__(self, elements: Sequence[Explained]) -> None:
        self.elements = elements
        self.open: set[str] = set()
        self._above = [_above(one) for one in elements]
        names = {_name(one) for one in elements}
        within = {name for above in self._above for name in above}
        self._folds = names & within

    def __len__(self) -> int:
        return len(self.elements)

    def key(self, index: int) -> int:
        """The place in the file."""
        return index

    def shown(self, *, changed: bool) -> list[int]:
        """Which elements show: all whose sequences are open; of changed ones, all above too."""
        if not changed:
            return [n for n, above in enumerate(self._above) if self.open.issuperset(above)]
        wanted: set[str] = set()
        for one, above in zip(self.elements, self._above, strict=True):
            if one.is_changed:
                wanted.update(above)
        return [
            n
            for n, (one, above) in enumerate(zip(self.elements, self._above, strict=True))
            if (one.is_changed or _name(one) in wanted) and self.open.issuperset(above)
        ]

    def with_those_above(self, indices: Sequence[int]) -> list[int]:
        """These elements and the sequences that they stand in."""
        wanted = {name for n in indices for name in self._above[n]}
        chosen = set(indices)
        return [n for n, one in enumerate(self.elements) if n in chosen or _name(one) in wanted]

    def folds(self, index: int) -> bool:
        """Whether an element is a sequence with something in it."""
        return _name(self.elements[index]) in self._folds

    def fold(self, index: int) -> None:
        """Open a sequence, or close it."""
        self.open ^= {_name(self.elements[index])}

    def fold_all(self) -> None:
        """Open all sequences, or close them if all are open."""
        self.open = set() if self.open >= self._folds else set(self._folds)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Sign, tag, name, before, after, rule."""
        one = self.elements[index]
        sign, tone = sign_of(one)
        fold = ""
        if self.folds(index):
            fold = "▾ " if _name(one) in self.open else "▸ "
        depth = len(one.place.split())
        item = f"{one.place.rpartition('[')[2].rstrip(']')}." if one.place else ""
        name = (
            f"{'  ' * depth}{fold}{item}{one.name if one.name not in ('', 'private') else one.tag}"
        )
        quiet = "" if one.is_changed else "dim"
        before = Cell("" if one.before is None else one.before, quiet)
        if one.after is None:
            after = Cell("removed", "bad")
        elif one.is_changed and not one.after:
            after = Cell("emptied", "warn")
        else:
            after = Cell(one.after, tone or quiet)
        rest = [Cell(name, quiet), before, after, Cell(one.because, "dim")]
        return [Cell(sign, tone), Cell(one.tag, "dim"), *rest]


def sign_of(one: Explained) -> tuple[str, str]:
    """How an element's fate is shown: sign and tone."""
    if one.after is None:
        return "✖", "bad"
    if one.before is None:
        return "+", "good"
    return ("●", "accent") if one.is_changed else ("·", "")


class PreviewScreen(TableStage):
    """Header and picture of one file after the other.

    Parameters
    ----------
    app
        The app.
    files
        What can be looked at.
    at
        Where to begin.
    """

    scope = "preview"
    label = "Preview"
    columns = COLUMNS
    dropped = frozenset({"tag", "rule"})
    DEFAULT_CSS = """
    PreviewScreen .detail { height: 5; }
    PreviewScreen #before-after { width: 1fr; height: 1fr; }
    PreviewScreen #seen { width: 40%; height: 1fr; border-left: solid $border; }
    PreviewScreen #seen Static { height: auto; max-height: 12; padding: 0 1; }
    PreviewScreen.narrow.both #seen, PreviewScreen.header #seen { display: none; }
    PreviewScreen.picture #before-after { display: none; }
    PreviewScreen.picture #seen { width: 1fr; border-left: none; }
    """

    def __init__(self, app: AnonTUI, files: Sequence[Path], at: int = 0) -> None:
        super().__init__(app, NoRows(), LOOKING)
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
        self._elements: ElementRows | None = None
        self.picture = PictureView(LOOKING)
        self._facts = Static("", markup=False)
        self._detail = Static("", classes="detail", markup=False)
        self.add_class("both")

    def parts(self) -> ComposeResult:
        """The table on the left, the picture on the right."""
        with Horizontal():
            with Vertical(id="before-after"):
                yield self.grid
                yield self._detail
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

        def explain() -> Forecast | None:
            return explainer.forecast(path) if asked == self._asked else None

        def explained(forecast: Forecast | None) -> None:
            if forecast is not None and asked == self._asked and self.is_attached:
                self._show(forecast)

        def failed(error: AnonTUIError) -> None:
            if asked == self._asked and self.is_attached:
                self._elements = None
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
        opened = self._elements.open if self._elements else set()
        self._elements = ElementRows(forecast.elements)
        self._elements.open = opened & self._elements._folds
        empty = f"Nothing of it can be told:\n\n{forecast.reason}"
        self.show_rows(self._elements, empty)
        self.on_grid_cursor_moved()

    @property
    def is_tight(self) -> bool:
        """True where tag and rule have no room beside the values."""
        return self.mode != "header" or self.size.width < TABLE_WIDTH

    def filtered(self) -> list[int] | None:
        """What is changed, or matches the filter; a match shows in a closed sequence too."""
        rows = self._elements
        if rows is None:
            return None
        if not self.filter_text:
            return rows.shown(changed=self.changed_only)
        from anontui.tui.filtering import compile_filter

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

    def on_grid_cursor_moved(self) -> None:
        """Tell all of the element under the cursor."""
        key = self.grid.cursor_key
        if self._elements is None or not isinstance(key, int):
            self._detail.update("")
            return
        one = self._elements.elements[key]
        place = f"{one.place} " if one.place else ""
        head = Content.assemble(
            "\n",
            (f"{place}{one.tag} {one.name} {one.vr}", "$text"),
            (f"  {one.action}: {one.because}", "$accent" if one.is_changed else "$text-muted"),
        )
        lines = [head]
        for name, text in (("before", one.before), ("after", one.after)):
            shown = "not there" if text is None else text or "(empty)"
            lines.append(Content.assemble((f"{name:>6}  ", "$text-muted"), (shown[:400], "$text")))
        self._detail.update(Content("\n").join(lines))

    def _tell_facts(self) -> None:
        facts = [("file", self.files[self.at].name)]
        if self._seen is not None:
            picture = self._seen.picture
            facts.append(("size", f"{picture.columns} x {picture.rows}"))
            facts += [fact for fact in self._seen.facts if fact[0] in ("kind", "syntax", "series")]
        self._facts.update(facts_panel(facts, 38))
        self.refresh_lines()

    # -- deeds ---------------------------------------------------------------------------

    def on_grid_activated(self) -> None:
        """A double click opens a sequence, or closes it."""
        self.fold()

    def fold(self) -> None:
        """Open the sequence under the cursor, or close it."""
        key = self.grid.cursor_key
        if self._elements is not None and isinstance(key, int) and self._elements.folds(key):
            self._elements.fold(key)
            self._refilter(key)

    def fold_all(self) -> None:
        """Open all sequences, or close them."""
        if self._elements is not None:
            self._elements.fold_all()
            self._refilter(self.grid.cursor_key)

    def switch_changed(self) -> None:
        """Show only what changes, or all."""
        self.changed_only = not self.changed_only
        self._refilter(self.grid.cursor_key)

    def _refilter(self, key: object) -> None:
        self.grid.refresh_rows([key] if isinstance(key, int) else [])
        self.filter_by(self.filter_text)

    def switch_mode(self) -> None:
        """Show both, the header alone, or the picture alone."""
        modes = [mode for mode in MODES if mode != "both" or not self.has_class("narrow")]
        now = self.mode if self.mode in modes else "header"
        self.remove_class(*MODES)
        self.mode = modes[(modes.index(now) + 1) % len(modes)]
        self.add_class(self.mode)
        self.lay_out()

    def step_frame(self, step: int) -> None:
        """Go on by frames."""
        if self._seen is None:
            return
        frame = min(max(self.frame + step, 0), self._seen.picture.frames - 1)
        if frame != self.frame:
            self.frame = frame
            self._fetch()
            self.refresh_lines()

    def step_file(self, step: int) -> None:
        """Go to another file."""
        at = min(max(self.at + step, 0), len(self.files) - 1)
        if at != self.at:
            self.at, self.frame = at, 0
            self.look()
            self.refresh_lines()

    def zoom(self, steps: int) -> None:
        """Come nearer to the middle of the picture, or go back."""
        self.picture.zoom_by(steps)

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
        key = self.grid.cursor_key
        is_one = self._elements is not None and isinstance(key, int) and self._elements.folds(key)
        return "" if is_one else "this is no sequence with something in it"

    def no_picture(self) -> str:
        """Need: a picture."""
        return "" if self._seen is not None else "there is no picture"


def _name(one: Explained) -> str:
    return f"{one.place} {one.tag}".strip()


def _above(one: Explained) -> tuple[str, ...]:
    """The sequences that an element stands in, by the names that they have here."""
    parts = one.place.split()
    return tuple(
        " ".join([*parts[:n], part.partition("[")[0]]).strip() for n, part in enumerate(parts)
    )
