"""The three single lines around the panes: header, activity strip and key bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from anontui.idis.model import JobStatus
from anontui.tui.actions import key_sign, why_not
from anontui.tui.widgets.ofapp import OfApp

if TYPE_CHECKING:
    from anontui.tui.fullscreen import FullScreen
    from anontui.tui.worker import Task

BAR = "█▏▎▍▌▋▊▉"


def spread(left: Content, right: Content, width: int) -> Content:
    """``left`` and ``right`` at the two ends of a line; the left one gives way."""
    room = width - right.cell_length - 1
    if left.cell_length > room:
        left = left.truncate(max(room, 0), ellipsis=True)
    gap = " " * max(width - left.cell_length - right.cell_length, 0)
    return Content.assemble(left, gap, right)


def bar(done: int, total: int, width: int) -> str:
    """A bar of ``width`` cells, filled by eighths of a cell."""
    eighths = width * 8 * min(done, total) // total if total else 0
    whole, part = divmod(eighths, 8)
    filled = BAR[0] * whole + (BAR[part] if part else "")
    return filled + "░" * (width - len(filled))


class Line(OfApp, Widget):
    """One line that draws itself from the app's state."""

    DEFAULT_CSS = "Line { height: 1; }"
    _drawn = Content.empty()

    def says(self) -> Content:
        """What the line says now, for the width there is."""
        raise NotImplementedError

    def render(self) -> Content:
        """Draw it, and remember what was drawn."""
        self._drawn = self.says()
        return self._drawn

    def redraw(self) -> None:
        """Draw it again if it says something else now: a line over SSH costs 500 bytes."""
        if not self.says().is_same(self._drawn):
            self.refresh()


class HeaderBar(Line):
    """Project folder, server and its state, and how the batch stands."""

    def says(self) -> Content:
        """Draw the line for the width there is."""
        app, model = self.anontui, self.anontui.model
        wide = self.size.width >= 100
        left: list[str | tuple[str, str]] = [
            (" anontui ", "bold $background on $primary"),
            "  ",
        ]
        left.append((app.folder_name(wide), "$text"))
        if app.front.place:
            left += [(" › ", "$text-disabled"), (app.front.place, "bold $text")]
        if app.readonly:
            left.append(("  read-only", "$warning"))
        right: list[str | tuple[str, str]] = []
        counts = model.counts()
        total = sum(counts.values())
        if total:
            right += [(f"{counts[JobStatus.DONE]}/{total} done", "$text-muted"), "  "]
            if counts[JobStatus.ERROR]:
                errors = counts[JobStatus.ERROR]
                right += [(f"✖ {errors} error{'s'[: errors != 1]}", "$error"), "  "]
        sign, word, tone = model.connection()
        right += [(f"{sign} ", tone), (model.server_name(), "bold"), (f" {word} ", tone)]
        return spread(Content.assemble(*left), Content.assemble(*right), self.size.width)


class TabBar(Line):
    """The panes' names, where only one pane fits the screen."""

    def says(self) -> Content:
        """Draw the tabs, the open one lit."""
        parts: list[str | tuple[str, str]] = [" "]
        for pane in self.anontui.front.panes:
            style = "bold $primary" if pane is self.anontui.front.current else "$text-muted"
            parts += [(f" {pane.number} {pane.label} ", style), " "]
        return Content.assemble(*parts)


class ActivityStrip(Line):
    """What runs in the background: how far, how fast, how long still; else the last word said."""

    def says(self) -> Content:
        """Draw the running task, or what was said last."""
        task = next(iter(self.anontui.tasks.values()), None)
        if task is None:
            text, tone = self.anontui.last_word
            return Content.assemble(" ", (text, tone)).truncate(self.size.width, ellipsis=True)
        return self._task_line(task)

    def _task_line(self, task: Task) -> Content:
        others = len(self.anontui.tasks) - 1
        left: list[str | tuple[str, str]] = [(" ▸ ", "$accent"), (task.label, "bold")]
        progress = task.progress
        if progress is not None:
            elapsed = max(time.monotonic() - task.started, 0.001)
            rate = progress.done / elapsed
            amount = f"{progress.done:,}"
            if progress.total:
                amount += f" of {progress.total:,}"
                left += ["  ", (bar(progress.done, progress.total, 20), "$accent"), "  "]
            if progress.done or progress.total:
                left += [f"  {amount} {progress.unit}"]
            if elapsed > 1 and rate > 0:
                left += [(f"  {rate:,.0f}/s" if rate >= 10 else f"  {rate:.1f}/s", "$text-muted")]
                if progress.total:
                    seconds = int((progress.total - progress.done) / rate)
                    left += [(f"  {seconds // 60}:{seconds % 60:02} left", "$text-muted")]
        right = f"+{others} more  " if others else ""
        sign = " ".join(self.anontui.registry.actions["app.cancel-task"].signs[:1])
        return spread(
            Content.assemble(*left),
            Content.assemble((right, "$text-muted"), (f"{sign} ", "bold $accent"), "cancel "),
            self.size.width,
        )


class KeyBar(Line):
    """The keys that mean something here; a key that is disabled now is dimmed."""

    def __init__(self, screen: FullScreen) -> None:
        super().__init__()
        self._of = screen

    def says(self) -> Content:
        """Draw as many hints as fit; those of the screen's ``last`` always do."""
        app = self.anontui
        hints: list[Content] = []
        for action in [*app.registry.of_pane(self._of.keys), *app.registry.of_pane("")]:
            if not action.label or not action.key:
                continue
            off = bool(why_not(action, app))
            if off and not action.pane:
                continue
            sign = (f" {key_sign(action.key)}", "$text-disabled" if off else "bold $accent")
            word = (f" {action.label} ", "$text-disabled" if off else "$text-muted")
            hints.append(Content.assemble(sign, word))
        last = Content.empty()
        for action_id, name in self._of.last:
            for key in app.registry.actions[action_id].signs[:1]:
                last += Content.assemble((f" {key}", "bold $accent"), (f" {name} ", "$text-muted"))
        if last.cell_length > self.size.width:
            return last.truncate(self.size.width, ellipsis=True)
        line = Content.empty()
        for hint in hints:
            if line.cell_length + hint.cell_length + last.cell_length >= self.size.width:
                break
            line += hint
        return spread(line, last, self.size.width)
