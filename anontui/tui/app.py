"""The app: owns the model, the worker and the registry, and ties panes to operations."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen

from anontui.errors import AnonTUIError, SettingsError
from anontui.operations.terminal import wants_mouse
from anontui.tui import manners, session, tidying
from anontui.tui.actions import Action, Registry, why_not
from anontui.tui.catalog import ACTIONS
from anontui.tui.commanding import History
from anontui.tui.front import PaneScreen
from anontui.tui.fullscreen import FullScreen
from anontui.tui.history import Activity
from anontui.tui.main import MainScreen
from anontui.tui.model import Model
from anontui.tui.polling import Polling
from anontui.tui.watching import FolderChanged, watch_folder
from anontui.tui.worker import Task, TaskEnded, TaskProgress, TaskStarted, TaskWarning, Worker

if TYPE_CHECKING:
    from anontui.tui.loading import Loaded

CLOSE_SECONDS = 1.0
SWITCH_SECONDS = 0.001
"""How long the worker may keep Python to itself while the screen waits: a fifth of the usual."""
Severity: TypeAlias = Literal["information", "warning", "error"]


class AnonTUI(App[int]):
    """The full-screen app on one project folder.

    Parameters
    ----------
    folder
        The project folder.
    readonly
        Refuse every action that changes files or jobs.
    """

    TITLE = "anontui"
    watches = True
    greets = True
    tidies = True
    CSS_PATH = "styles.tcss"

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        super().__init__()
        self.readonly = readonly
        self.model = Model(folder)
        self.registry = Registry(ACTIONS)
        self.worker = Worker(self.post_message)
        self.tasks: dict[int, Task] = {}
        self.last_word = ("", "$text-muted")
        self.session = session.read(folder)
        self.commands = History(session.lines(self.session.get("commands")))
        self.activity = Activity()
        self.warned: set[str] = set()
        self.chosen_theme: str | None = None
        self.mouse = wants_mouse(self.session.get("mouse"), os.environ)
        self.main: MainScreen = MainScreen()
        self.polling = Polling(self)
        self.animation_level = "none"
        self._bindings.key_to_bindings.pop(self.COMMAND_PALETTE_BINDING, None)  # the registry's
        manners.dress(self)

    def get_default_screen(self) -> Screen[Any]:
        """The four panes."""
        return self.main

    @property
    def front(self) -> PaneScreen:
        """The screen of panes that is in front, or behind what is open over it."""
        screens = (one for one in reversed(self.screen_stack) if isinstance(one, PaneScreen))
        return next(screens, self.main)

    @property
    def here(self) -> FullScreen:
        """The screen that actions are about: in front, or behind the open question."""
        screens = (one for one in reversed(self.screen_stack) if isinstance(one, FullScreen))
        return next(screens, self.main)

    def on_mount(self) -> None:
        """Paint first, then load the project in the background."""
        if os.name == "posix" and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, lambda *_: self.call_later(self.close))
        if self.tidies:
            tidying.at_rest(self)
        self.call_after_refresh(self.load)

    async def on_event(self, event: events.Event) -> None:
        """Let a screen take its keys in order (see :meth:`FullScreen.take_key`)."""
        is_taken = (
            isinstance(event, events.Key)
            and isinstance(self.screen, FullScreen)
            and await self.screen.take_key(event)
        )
        if not is_taken:
            await super().on_event(event)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Have no cursor blink, the palette's neither: each blink would be sent over the line."""
        if getattr(event.widget, "cursor_blink", False):
            event.widget.cursor_blink = False  # type: ignore[attr-defined]  # it was asked

    # -- the project ---------------------------------------------------------------------

    def load(self) -> None:
        """Read the project's files and the user's settings."""
        folder = self.model.folder
        is_new = self.model.editor is None and not self.readonly
        journal = session.journal_path(folder) if is_new else None

        def read() -> Loaded:
            from anontui.tui.loading import load

            return load(folder, journal)

        self.start("files", read, self._loaded)

    def _loaded(self, loaded: Loaded) -> None:
        model = self.model
        first = not model.loaded
        model.workspace = loaded.workspace
        if model.editor is None:  # else it holds edits and their undo, and watches the file
            model.editor, model.mapping_error = loaded.editor, loaded.mapping_error
        model.batch, model.batch_error = loaded.batch, loaded.batch_error
        model.loaded = True
        try:
            self.registry = Registry(ACTIONS, loaded.workspace.settings.keys)
        except SettingsError as error:
            self.fail(error)
        manners.take_settings(self, loaded.workspace.settings)
        for problem in loaded.errors:
            self.fail(problem)
        for pane in self.main.panes:
            pane.grid.empty = pane.hint()
            pane.project_loaded()
        for screen in self.screen_stack[1:]:
            if look_again := getattr(screen, "project_loaded", None):
                look_again()
        if first:
            session.restore(self)
            if self.greets and not loaded.workspace.settings.path.exists():
                from anontui.tui.acts.welcome import greet

                greet(self)
            if self.watches:
                watch_folder(model.folder, self.post_message)
        if loaded.recovered is not None and model.editor is loaded.editor:
            self.main.mapping.file.recovered(loaded.recovered)
        self.here.refresh_lines()
        self.polling.restart()

    def on_folder_changed(self, _: FolderChanged) -> None:
        """Another program may have written the mapping."""
        self.main.mapping.file.look()

    def folder_name(self, whole: bool = True) -> str:
        """The project folder as shown: with ``~`` for the home folder, or its name alone."""
        folder = self.model.folder
        if not whole:
            return folder.name
        home = Path.home()
        return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)

    # -- actions -------------------------------------------------------------------------

    def run_action_named(self, action: Action, text: str = "") -> None:
        """Run an action if it can run now, with what it is told; else say why it cannot."""
        reason = why_not(action, self)
        if reason:
            self.say(f"{action.name}: not now, {reason}", "$warning")
        elif text and action.told is not None:
            action.told(self, text)
        else:
            action.run(self)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action that can be meant on the open screen, for the command palette."""
        if not isinstance(screen, FullScreen):
            return
        for action in self.registry.actions.values():
            if action.pane not in screen.scopes:
                continue
            reason = why_not(action, self)
            keys = f" · {' '.join(action.signs)}" if action.signs else ""
            detail = f"not now: {reason}" if reason else f"{action.id}{keys}"
            yield SystemCommand(
                action.name, detail, lambda action=action: self.run_action_named(action)
            )

    # -- background work -----------------------------------------------------------------

    def start(
        self,
        lane: str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[AnonTUIError], None] | None = None,
        label: str = "",
        dropped: Callable[[], None] | None = None,
    ) -> Task:
        """Run ``work`` in the background; see :class:`~anontui.tui.worker.Task`."""
        return self.worker.start(Task(lane, work, done, failed, label, dropped))

    def cancel_newest(self) -> None:
        """Cancel the task that the activity strip shows."""
        task = next(iter(self.tasks.values()))
        task.cancel()
        self.say(f"{task.label}: cancelling", "$warning")

    def on_task_started(self, message: TaskStarted) -> None:
        """Show it in the strip, if it has a name."""
        if message.task.label:
            self.tasks[message.task.number] = message.task
            self.here.refresh_lines()

    def on_task_progress(self, message: TaskProgress) -> None:
        """Show how far it is."""
        message.task.progress = message.progress
        self.refresh_strip()

    def on_task_warning(self, message: TaskWarning) -> None:
        """Tell the user."""
        warning = message.warning
        self.activity.add(warning.message, "$warning", warning.advice)
        self.notify(warning.advice, title=warning.message, severity="warning", markup=False)

    def on_task_ended(self, message: TaskEnded) -> None:
        """Hand the result, or the error, to whoever asked for it."""
        task = message.task
        self.tasks.pop(task.number, None)
        error = message.error
        if isinstance(error, AnonTUIError):
            (task.failed or self.fail)(error)
        elif error is not None:
            raise error
        elif message.value is None and task.cancelled.is_set():
            if task.label:
                self.say(f"{task.label}: cancelled", "$warning")
            if task.dropped is not None:
                task.dropped()
            elif task.label:
                self.load()  # what was done until then stays, and is shown
        else:
            if task.label:
                seconds = time.monotonic() - task.started
                self.activity.add(f"{task.label}: done in {seconds:.1f} s", "$success")
            task.done(message.value)
        if task.label or error is not None or message.value is not None:
            self.here.refresh_lines()  # else nothing happened that shows

    # -- telling the user ----------------------------------------------------------------

    def refresh_strip(self) -> None:
        """Draw the activity strip again."""
        self.here.strip.redraw()

    def say(self, text: str, tone: str = "$text-muted") -> None:
        """Say something in the activity strip."""
        self.last_word = (text, tone)
        self.activity.add(text, tone)
        self.refresh_strip()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Pop a message up; a sign tells what its colour does."""
        sign = {"error": "✖ ", "warning": "⚠ "}.get(severity, "")
        super().notify(
            message, title=f"{sign}{title}", severity=severity, timeout=timeout, markup=markup
        )

    def fail(self, error: AnonTUIError, severity: Literal["error", "warning"] = "error") -> None:
        """Tell of an expected failure: what, why and what to do."""
        self.last_word = (error.sentence(), f"${severity}")
        self.refresh_strip()
        detail = ". ".join(part for part in (error.cause, error.advice) if part)
        self.activity.add(error.message, f"${severity}", detail)
        self.notify(detail, title=error.message, severity=severity, timeout=12, markup=False)

    def _fatal_error(self) -> None:
        """Textual's hook for a mistake of our own: by default it prints all local variables.

        Those can name a patient. The user gets one line; the details go where only they read.
        """
        self.bell()
        kept = self.main.mapping.file.keep() or "Your edits are saved."
        where = session.write_crash(self._exception)
        self._exit_renderables.append(
            f"anontui stopped by a mistake of its own. {kept} Details: {where}"
        )
        self._close_messages_no_wait()

    # -- the end -------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Leave; what runs on a server goes on."""
        self.run_action_named(self.registry.actions["app.quit"])

    def on_exit_app(self) -> None:
        """Save when it is the browser that leaves."""
        self.main.mapping.file.keep()
        session.write(self)

    def close(self) -> None:
        """Save what is not saved yet and leave, within a second whatever hangs."""
        last = threading.Timer(CLOSE_SECONDS, os._exit, (0,))
        last.daemon = True  # it must not itself keep the process alive
        last.start()
        trouble = self.main.mapping.file.keep()
        session.write(self)
        self.exit(1 if trouble else 0, message=trouble or None)


def run(folder: Path, *, readonly: bool = False) -> int:
    """Open the app on a project folder and stay until the user leaves.

    Returns
    -------
    int
        The exit code for the process.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    app = AnonTUI(folder.absolute(), readonly=readonly)
    code = app.run(mouse=app.mouse)
    return code if code is not None else 1
