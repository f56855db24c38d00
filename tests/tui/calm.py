"""Waiting for the app until it has nothing left to do: by what it has to do, not by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from textual._compositor import Compositor
from textual._context import active_app, visible_screen_stack
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip

ROUNDS = 5_000


def _pumps(app: App[Any]) -> Iterator[MessagePump]:
    yield app
    for screen in list(app.screen_stack):
        yield from screen.walk_children(with_self=True)


async def _answered(app: App[Any]) -> None:
    """Wait until what has messages, or may be at work on one, has dealt with those there are."""
    waiting = 0
    done = asyncio.Event()

    def one_less() -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting:
            done.set()

    first = {app, *app.screen_stack, app.focused}
    for pump in [one for one in _pumps(app) if one in first or one.message_queue_size]:
        waiting += pump.call_later(one_less)
    if not waiting:
        return
    tasks = [asyncio.create_task(one.wait()) for one in (done, app._exception_event)]
    await asyncio.wait(tasks, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _unlaid(app: App[Any]) -> list[Screen[Any]]:
    """The screens that show, and have something to lay out or to paint.

    One behind a box asks for its painting again each time it was painted.
    """
    top = app.screen
    has_more = top._repaint_required or top._recompose_required
    return [
        one
        for one in (*app._background_screens, top)
        if one._layout_required
        or one._scroll_required
        or one._dirty_widgets
        or (one is top and has_more)
    ]


def _is_busy(app: App[Any]) -> bool:
    if _unlaid(app):
        return True
    return any(pump._next_callbacks or pump.message_queue_size for pump in _pumps(app)) or any(
        one._callbacks for one in app.screen_stack
    )


def shown(app: App[Any]) -> list[Strip]:
    """The lines on the screen, with those of the screens behind it where it lets them through."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


_unpainted: WeakSet[Compositor] = WeakSet()


def put_off(compositor: Compositor, *_: object, **__: object) -> None:
    """Paint later: in the place of a compositor's painting, of which a test sees nothing."""
    compositor._dirty_regions.clear()
    _unpainted.add(compositor)


async def calm(*_: float) -> None:
    """Wait until nothing waits to be handled or laid out, and paint once.

    In the place of Textual's own, which takes at least 20 ms a time, and ends too early where
    the process gets no time.
    """
    app = active_app.get()
    quiet = 0
    for _round in range(ROUNDS):
        if app._exception is not None or not app.is_running or not app.screen_stack:
            return
        if app._resize_event is not None:
            app._check_resize()  # else it waits for a timer
        await _answered(app)
        if _is_busy(app):
            quiet = 0
            for screen in _unlaid(app):
                screen._on_timer_update()
        else:
            quiet += 1
            if quiet == 2:
                if _unpainted:
                    shown(app)  # a table knows its columns once it was drawn
                    _unpainted.clear()
                return
        await asyncio.sleep(0)
    raise AssertionError("the app does not come to rest")
