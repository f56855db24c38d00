"""A picture on which a person draws boxes, by keys and by mouse."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from anontui.deid.rules.pixelrules import Box
from anontui.tui.boxes import Boxes, moved, sized
from anontui.tui.widgets.picture import PictureView


class Drawing(PictureView):
    """A picture and its boxes; the methods need a picture.

    Parameters
    ----------
    message
        Shows in the picture's place while there is none.
    changed
        Called when boxes came, went or moved, or another one is the current one.
    """

    def __init__(self, message: str, changed: Callable[[], None]) -> None:
        super().__init__(message)
        self.boxes = Boxes()
        self._changed = changed
        self._from: tuple[int, int] | None = None
        self._is_drawing = False

    def use(self, boxes: Boxes) -> None:
        """Go on with other boxes."""
        self.boxes = boxes
        self._show_boxes()

    # -- keys ----------------------------------------------------------------------------

    def new_box(self) -> None:
        """Draw a box at the top of what is seen, where most devices write the patient."""
        lens, inset = self.lens, len(self.boxes) % 5 * 0.12
        across, down = lens.width * lens.scale, lens.height * lens.scale
        left, top = round(lens.left + across * 0.02), round(lens.top + down * (0.02 + inset))
        right, bottom = left + max(round(across / 3), 1), top + max(round(down / 10), 1)
        self.boxes.add(Box(left, top, right, bottom))
        self._show_boxes()

    def drop_box(self) -> None:
        """Take the current box away."""
        self.boxes.drop()
        self._show_boxes()

    def undo(self) -> bool:
        """Take the last change back; False if there is none."""
        is_done = self.boxes.undo()
        self._show_boxes()
        return is_done

    def choose(self, at: int | None) -> None:
        """Make a box the current one, or none."""
        self.boxes.choose(at)
        self._show_boxes()

    def choose_next(self) -> None:
        """Make the next box the current one."""
        self.boxes.choose_next()
        self._show_boxes()

    def move(self, across: int, down: int) -> None:
        """Move the current box by what is a pixel on the screen; without one, the picture."""
        step, (rows, columns) = self._step, self._frame_size
        if self.boxes.box is not None:
            self._put(moved(self.boxes.box, across * step, down * step, rows, columns))
            return
        x, y = self.center
        x, y = x + 6 * across * step, y + 6 * down * step
        self.look_at(min(max(x, 0.0), columns), min(max(y, 0.0), rows))

    def resize(self, across: int, down: int) -> None:
        """Make the current box wider or narrower, higher or lower, at its right and lower edge."""
        if self.boxes.box is None:
            self.new_box()
            return
        step = self._step
        self._put(sized(self.boxes.box, across * step, down * step, *self._frame_size))

    def zoom_by(self, steps: int) -> None:
        """Come nearer to the current box or the middle, or go back."""
        box = self.boxes.box
        if box is not None:
            self.center = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        super().zoom_by(steps)

    @property
    def _frame_size(self) -> tuple[int, int]:
        assert self.picture is not None  # noqa: S101 - the actions need one
        return self.picture.rows, self.picture.columns

    @property
    def _step(self) -> int:
        return max(round(self.lens.scale), 1)

    def _put(self, box: Box) -> None:
        self.boxes.put(box)
        if not self.lens.sees(box):
            self.look_at((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        self._show_boxes()

    def _show_boxes(self) -> None:
        self.draw(self.boxes.all, self.boxes.current)
        self._changed()

    # -- mouse ---------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a box."""
        offset = event.get_content_offset(self)
        if offset is not None and self.picture is not None and event.button == 1:
            self._from = self.point_at(*offset)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw it as far as the mouse is."""
        if self._from is None or self.picture is None:
            return
        x, y = self.point_at(*(event.screen_offset - self.content_region.offset))
        left, right = sorted((self._from[0], x))
        top, bottom = sorted((self._from[1], y))
        if right - left < 2 or bottom - top < 2:
            return
        draw = self.boxes.put if self._is_drawing else self.boxes.add
        draw(Box(left, top, right, bottom))
        self._is_drawing = True
        self._show_boxes()

    def on_mouse_up(self) -> None:
        """End the box; a click takes the box that it is in, or none."""
        if self._from is not None and not self._is_drawing:
            self.choose(self.boxes.at(*self._from))
        self._from, self._is_drawing = None, False
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Come nearer."""
        event.stop()
        if self.picture is not None:
            self.zoom_by(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go back again."""
        event.stop()
        if self.picture is not None:
            self.zoom_by(-1)
