"""Looking at a held file: its frames, boxes to black out, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from anontui.deid.rules.pixelrules import Box
from anontui.errors import AnonTUIError
from anontui.tui.boxes import Boxes, told
from anontui.tui.screens.stage import Stage, facts_panel
from anontui.tui.widgets.drawing import Drawing

if TYPE_CHECKING:
    from anontui.deid.pixels.view import View
    from anontui.operations.quarantine import HeldFile
    from anontui.settings import Server

SIDE = 30
FETCHING = "Fetching the picture…"
HOW = """\
{review.move-left} {review.move-down} {review.move-up} {review.move-right} move the box
{review.size-right} … size it
{review.next-box} the next box
{review.undo} takes back
{review.drop-box} takes it away"""
CARRIED = "of the file before: {review.undo} takes away"


class ReviewScreen(Stage):
    """One held file after the other, until each is decided on.

    Boxes stay drawn for the next file of the same size, which often is of the same device.

    Parameters
    ----------
    server
        Where the files are.
    files
        What can be looked at.
    first
        Where to begin.
    drawn
        Boxes by the ids of files that were left undecided; they are kept here, too.
    """

    scope = "review"
    label = "Held file"
    DEFAULT_CSS = """
    ReviewScreen #foot { display: none; height: 2; padding: 0 1; color: $text-muted; }
    ReviewScreen.narrow #foot { display: block; }
    """

    def __init__(
        self,
        server: Server,
        files: Sequence[HeldFile],
        first: HeldFile,
        drawn: dict[str, Boxes],
    ) -> None:
        super().__init__()
        self.server = server
        self.files = list(files)
        self.at = self.files.index(first)
        self.frame = 0
        self.view: View | None = None
        self.problem = ""
        self.decided = 0
        self.note = ""
        """Why the last file was rejected: the next may be, too."""
        self.deciding: set[str] = set()
        """Ids of the files that the server is being told of."""
        self._drawn = drawn
        self._before: tuple[tuple[int, int], tuple[Box, ...]] = ((0, 0), ())
        """Size and boxes of the file that was looked at before."""
        self._asked = 0
        self.picture = Drawing(FETCHING, self._tell)
        self._side = Static("", classes="side", markup=False)
        self._foot = Static("", id="foot", markup=False)

    def parts(self) -> ComposeResult:
        """Picture and facts side by side, or two lines of facts below it."""
        with Horizontal():
            yield self.picture
            yield self._side
        yield self._foot

    def begin(self) -> None:
        """Fetch the first frame."""
        self.picture.focus()
        self.fetch()

    @property
    def file(self) -> HeldFile:
        """The file that is looked at."""
        return self.files[self.at]

    def about(self) -> list[str | tuple[str, str]]:
        """Which file, which frame, how many boxes."""
        done = f", {self.decided} decided" if self.decided else ""
        parts: list[str | tuple[str, str]] = [f"{self.at + 1} of {len(self.files)}{done}"]
        if self.view is not None and self.view.picture.frames > 1:
            parts.append(f"frame {self.frame + 1} of {self.view.picture.frames}")
        if len(self.boxes):
            parts.append((f"{len(self.boxes)} box{'es' * (len(self.boxes) > 1)}", "$accent"))
        return parts

    def state_line(self) -> list[str | tuple[str, str]]:
        """Beside the server: whose eyes this is for."""
        if self.has_class("narrow"):
            return [("identity", "bold $warning"), " "]
        return [("may show identity  ", "bold $warning"), *super().state_line()]

    def copied(self) -> tuple[str, str]:
        """The boxes, as the command line has them."""
        return "\n".join(map(told, self.boxes.all)), "the boxes"

    def back(self) -> None:
        """Let go of the box, else leave."""
        if self.boxes.current is not None:
            self.picture.choose(None)
        else:
            super().back()

    # -- fetching ------------------------------------------------------------------------

    def fetch(self) -> None:
        """Fetch the frame that is wanted; an answer that is late by then is dropped."""
        from anontui.tui.acts.quarantine import with_client

        self._asked += 1
        asked, entry_id, frame = self._asked, self.file.id, self.frame

        def work() -> View | None:
            from anontui.operations.quarantine import look

            if asked != self._asked:  # others were asked for meanwhile
                return None
            return with_client(
                self.anontui, self.server, lambda client: look(client, entry_id, frame)
            )

        def done(view: View | None) -> None:
            if view is not None and asked == self._asked and self.is_attached:
                self._show(view)

        def failed(error: AnonTUIError) -> None:
            if asked == self._asked and self.is_attached:
                self.view, self.problem = None, error.sentence()
                parts = filter(None, (f"✖ {error.message}", error.cause, error.advice))
                self.picture.show(None, "\n\n".join(parts))
                self._tell()

        self.anontui.start("frames", work, done, failed)

    def _show(self, view: View) -> None:
        self.view, self.problem = view, ""
        size, boxes = self._before
        is_alike = size == (view.picture.rows, view.picture.columns)
        self.picture.show(view.picture)
        self.picture.use(self._drawn.setdefault(self.file.id, Boxes(boxes if is_alike else ())))

    def step_frame(self, step: int) -> None:
        """Go on by frames; the last is followed by the first."""
        if self.view is not None:
            self.frame = (self.frame + step) % self.view.picture.frames
            self.fetch()

    def step_file(self, step: int) -> None:
        """Go to another file of the list; the last is followed by the first."""
        self._go_to((self.at + step) % len(self.files))

    def file_decided(self, entry_id: str) -> None:
        """Go on to the next file; back to the list after the last."""
        self._drawn.pop(entry_id, None)
        at = next(n for n, one in enumerate(self.files) if one.id == entry_id)
        del self.files[at]
        self.decided += 1
        if not self.files:
            self.dismiss(None)
        elif at == self.at:
            self._go_to(min(at, len(self.files) - 1))
        else:
            self.at -= at < self.at
            self.refresh_lines()

    def _go_to(self, at: int) -> None:
        if self.view is not None:
            picture = self.view.picture
            self._before = ((picture.rows, picture.columns), self.boxes.all)
        self.at, self.frame, self.view = at, 0, None
        self.picture.show(None, FETCHING)
        self.picture.use(Boxes())
        self.fetch()

    # -- needs ---------------------------------------------------------------------------

    def no_picture(self) -> str:
        """Need: a picture."""
        return "" if self.view is not None else self.problem or "the picture is on its way"

    def no_box(self) -> str:
        """Need: a box."""
        return self.no_picture() or (
            "" if len(self.boxes) else "there is no box ({review.box} draws one)"
        )

    def none_chosen(self) -> str:
        """Need: a current box."""
        return self.no_box() or (
            "" if self.boxes.box else "no box is chosen ({review.next-box} takes one)"
        )

    def one_frame(self) -> str:
        """Need: several frames."""
        several = self.view is not None and self.view.picture.frames > 1
        return "" if several else "it has one frame"

    def one_file(self) -> str:
        """Need: several files."""
        return "" if len(self.files) > 1 else "it is the only file"

    def is_decided(self) -> str:
        """Need: a file that waits."""
        if self.file.id in self.deciding:
            return "it is being decided"
        return "" if self.file.state == "waiting" else f"it is {self.file.state} already"

    # -- boxes ---------------------------------------------------------------------------

    @property
    def boxes(self) -> Boxes:
        """What is drawn on the file."""
        return self.picture.boxes

    def undo(self) -> None:
        """Take the last change to the boxes back."""
        if self.picture.undo():
            self.anontui.say("Taken back")
        else:
            self.anontui.say("Nothing was drawn yet", "$warning")

    # -- telling -------------------------------------------------------------------------

    def _tell(self) -> None:
        one, box, with_keys = self.file, self.boxes.box, self.anontui.registry.with_keys
        facts: list[tuple[str, str]] = [("why it is held", one.reason or one.code)]
        if self.view is not None:
            picture = self.view.picture
            facts.append(("size", f"{picture.columns} x {picture.rows} pixels"))
            facts += self.view.facts
        parts = [facts_panel(facts, SIDE)]
        if len(self.boxes):
            words = "\nboxes: left,top,width,height"
            parts.append(Content.assemble((words, "$text-muted")))
        for number, drawn in enumerate(self.boxes.all):
            is_current = number == self.boxes.current
            style = "bold $accent" if is_current else "$text"
            parts.append(Content.assemble((f"{'▌' if is_current else ' '} {told(drawn)}", style)))
        if len(self.boxes):
            how = CARRIED if self.boxes.is_untouched else HOW
            parts.append(Content.assemble((f"\n{with_keys(how)}", "$text-muted")))
        self._side.update(Content("\n").join(parts))
        known = dict(facts)
        names = ("size", "manufacturer", "model", "modality")
        line = " · ".join(known[name] for name in names if name in known)
        current = f"box {told(box)} · " if box else ""
        if len(self.boxes) and self.boxes.is_untouched:
            current = f"boxes {with_keys(CARRIED)} · "
        self._foot.update(f"{one.reason or one.code}\n{current}{line}")
        self.refresh_lines()
