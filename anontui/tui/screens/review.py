"""Looking at a held file: its frames, boxes to black out, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from anontui.deid.rules.pixelrules import Box
from anontui.errors import AnonTUIError
from anontui.tui.screens.stage import Stage, facts_panel
from anontui.tui.widgets.picture import PictureView

if TYPE_CHECKING:
    from anontui.deid.pixels.view import View
    from anontui.operations.quarantine import HeldFile
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI

SIDE = 30


class ReviewScreen(Stage):
    """One held file after the other; boxes stay drawn for the next one of the same size."""

    scope = "review"
    label = "Held file"
    DEFAULT_CSS = """
    ReviewScreen #foot { display: none; height: 2; padding: 0 1; color: $text-muted; }
    ReviewScreen.narrow #foot { display: block; }
    """

    def __init__(
        self, app: AnonTUI, server: Server, files: Sequence[HeldFile], first: HeldFile
    ) -> None:
        super().__init__(app)
        self.server = server
        self.files = list(files)
        self.at = self.files.index(first)
        self.frame = 0
        self.boxes: list[Box] = []
        self.current: int | None = None
        self.view: View | None = None
        self.problem = ""
        self._frame_size: tuple[int, int] | None = None
        self._asked = 0
        self._from: tuple[int, int] | None = None
        self.picture = PictureView("Fetching the picture…")
        self._side = Static("", classes="side", markup=False)
        self._foot = Static("", id="foot", markup=False)

    def parts(self) -> ComposeResult:
        """Picture and facts side by side, or one line of facts below it."""
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
        """Which file, which frame, and that it shows identity."""
        parts: list[str | tuple[str, str]] = [f"{self.at + 1} of {len(self.files)}"]
        if self.view is not None and self.view.picture.frames > 1:
            parts.append(f"frame {self.frame + 1} of {self.view.picture.frames}")
        if self.boxes:
            parts.append((f"{len(self.boxes)} box{'es' * (len(self.boxes) > 1)}", "$accent"))
        return [*parts, ("may show identity", "bold $warning")]

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
                parts = filter(None, (error.message, error.cause, error.advice))
                self.picture.show(None, "\n\n".join(parts))
                self._tell()

        self.anontui.start("frames", work, done, failed)

    def _show(self, view: View) -> None:
        self.view, self.problem = view, ""
        size = (view.picture.rows, view.picture.columns)
        if self._frame_size not in (None, size):
            self.boxes, self.current = [], None
        self._frame_size = size
        self.picture.show(view.picture)
        self._draw()

    def step_frame(self, step: int) -> None:
        """Go on by frames."""
        if self.view is None:
            return
        frame = min(max(self.frame + step, 0), self.view.picture.frames - 1)
        if frame != self.frame:
            self.frame = frame
            self.fetch()

    def step_file(self, step: int) -> None:
        """Go to another file of the list."""
        at = min(max(self.at + step, 0), len(self.files) - 1)
        if at != self.at:
            self.at, self.frame, self.view = at, 0, None
            self.picture.message = "Fetching the picture…"
            self.fetch()
            self._tell()

    def no_picture(self) -> str:
        """Need: a picture."""
        return "" if self.view is not None else self.problem or "the picture is on its way"

    def no_box(self) -> str:
        """Need: a box."""
        return "" if self.boxes else "there is no box (n draws one)"

    def one_frame(self) -> str:
        """Need: several frames."""
        several = self.view is not None and self.view.picture.frames > 1
        return "" if several else "it has one frame"

    def is_decided(self) -> str:
        """Need: a file that waits."""
        return "" if self.file.state == "waiting" else f"it is {self.file.state} already"

    # -- boxes ---------------------------------------------------------------------------

    def new_box(self) -> None:
        """Draw a box at the top of what is seen, where most devices write the patient."""
        lens, inset = self.picture.lens, len(self.boxes) % 5 * 0.12
        across, down = lens.width * lens.scale, lens.height * lens.scale
        left, top = round(lens.left + across * 0.02), round(lens.top + down * (0.02 + inset))
        box = Box(left, top, left + max(round(across / 3), 1), top + max(round(down / 10), 1))
        self.boxes.append(box)
        self.current = len(self.boxes) - 1
        self._draw()
        if len(self.boxes) == 1:
            self.anontui.say("Arrows move the box, with shift they size it; b releases the file")

    def drop_box(self) -> None:
        """Take the current box away."""
        if self.current is not None:
            del self.boxes[self.current]
            self.current = len(self.boxes) - 1 if self.boxes else None
            self._draw()

    def next_box(self) -> None:
        """Make the next box the current one."""
        if self.current is not None:
            self.current = (self.current + 1) % len(self.boxes)
            self._draw()

    def move(self, across: int, down: int) -> None:
        """Move the current box by what is a pixel on the screen; without one, the picture."""
        step = self._step()
        if self.current is None:
            x, y = self.picture.center
            self.picture.look_at(*self._inside(x + 6 * across * step, y + 6 * down * step))
            return
        box = self.boxes[self.current]
        rows, columns = self._frame_size or (0, 0)
        across = min(max(across * step, -box.left), columns - box.right)
        down = min(max(down * step, -box.top), rows - box.bottom)
        self._change(Box(box.left + across, box.top + down, box.right + across, box.bottom + down))

    def resize(self, across: int, down: int) -> None:
        """Make the current box wider or narrower, higher or lower, at its right and lower edge."""
        if self.current is None:
            self.new_box()
            return
        step, box = self._step(), self.boxes[self.current]
        rows, columns = self._frame_size or (0, 0)
        right = min(max(box.right + across * step, box.left + 1), columns)
        bottom = min(max(box.bottom + down * step, box.top + 1), rows)
        self._change(Box(box.left, box.top, right, bottom))

    def zoom(self, steps: int) -> None:
        """Come nearer to the current box, or go back."""
        if self.current is not None:
            box = self.boxes[self.current]
            self.picture.center = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        self.picture.zoom_by(steps)
        self._tell()

    def _step(self) -> int:
        return max(round(self.picture.lens.scale), 1)

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        rows, columns = self._frame_size or (0, 0)
        return min(max(x, 0.0), float(columns)), min(max(y, 0.0), float(rows))

    def _change(self, box: Box) -> None:
        assert self.current is not None  # noqa: S101 - its callers have one
        self.boxes[self.current] = box
        lens = self.picture.lens
        if self.picture.zoom > 1 and not (
            lens.left <= box.left
            and box.right <= lens.left + lens.width * lens.scale
            and lens.top <= box.top
            and box.bottom <= lens.top + lens.height * lens.scale
        ):
            self.picture.look_at((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        self._draw()

    def _draw(self) -> None:
        self.picture.draw(self.boxes, self.current)
        self._tell()

    # -- mouse ---------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a box where the button goes down on the picture."""
        offset = event.get_content_offset(self.picture)
        if offset is not None and self.view is not None and event.button == 1:
            self._from = self.picture.point_at(*offset)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw it as far as the mouse is."""
        if self._from is None:
            return
        offset = event.screen_offset - self.picture.content_region.offset
        x, y = self.picture.point_at(*offset)
        left, right = sorted((self._from[0], x))
        top, bottom = sorted((self._from[1], y))
        if right - left < 2 or bottom - top < 2:
            return
        box = Box(left, top, right, bottom)
        if self._drawing:
            self.boxes[-1] = box
        else:
            self.boxes.append(box)
        self._drawing, self.current = True, len(self.boxes) - 1
        self._draw()

    def on_mouse_up(self) -> None:
        """End the box."""
        self._from, self._drawing = None, False
        self.release_mouse()

    _drawing = False

    # -- telling -------------------------------------------------------------------------

    def _tell(self) -> None:
        one = self.file
        facts: list[tuple[str, str]] = [("why it is held", one.reason or one.code)]
        if self.view is not None:
            picture = self.view.picture
            facts.append(("size", f"{picture.columns} x {picture.rows} pixels"))
            facts += self.view.facts
        parts = [facts_panel(facts, SIDE)]
        if self.boxes:
            parts.append(Content(""))
            parts.append(Content.assemble(("boxes: left,top,width,height", "$text-muted")))
        for number, box in enumerate(self.boxes):
            is_current = number == self.current
            sizes = f"{box.left},{box.top},{box.right - box.left},{box.bottom - box.top}"
            style = "bold $accent" if is_current else "$text"
            parts.append(Content.assemble((f"{'▌' if is_current else ' '} {sizes}", style)))
        if self.boxes:
            hint = "arrows move it, with shift they\nsize it; tab takes the next one"
            parts += [Content(""), Content.assemble((hint, "$text-muted"))]
        self._side.update(Content("\n").join(parts))
        told = dict(facts)
        line = " · ".join(
            told[name] for name in ("size", "manufacturer", "model", "modality") if name in told
        )
        current = ""
        if self.current is not None:
            box = self.boxes[self.current]
            current = f"box {box.left},{box.top},{box.right - box.left},{box.bottom - box.top} · "
        self._foot.update(f"{one.reason or one.code}\n{current}{line}")
        self.refresh_lines()
