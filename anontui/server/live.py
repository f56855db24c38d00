"""Changes of jobs as they happen, for callers who wait: server-sent events.

A stream reads on from the ledger's audit where it stands. Nothing is queued for anybody: a
caller who reads slowly, or comes back after an hour, gets the rest from the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from anontui.server.views import Seen, Views

HEARTBEAT = 15.0  # seconds of silence after which a comment tells that the stream lives
PAUSE = 0.2  # seconds in which changes gather
STUCK = 30.0  # seconds after which a caller who does not read is hung up on
BATCH = 200  # events
MOST_OF_ONE = 8  # streams of one user
MOST = 200  # streams

log = logging.getLogger(__name__)


class Void(Exception):
    """The caller's token is no longer valid."""


class Hub:
    """Wakes the streams; its callers may be in any thread.

    Parameters
    ----------
    views
        The ledger of jobs.
    """

    def __init__(self, views: Views) -> None:
        self.views = views
        self._streams: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._users: Counter[str] = Counter()
        self.closed = False

    def changed(self) -> None:
        """Say that the ledger changed."""
        for event, loop in list(self._streams.items()):
            with suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        self.changed()

    @contextmanager
    def listening(self, user: str) -> Iterator[asyncio.Event | None]:
        """An event that is set after each change; None if there are too many streams."""
        if self._users[user] >= MOST_OF_ONE or len(self._streams) >= MOST:
            yield None
            return
        event = asyncio.Event()
        self._streams[event] = asyncio.get_running_loop()
        self._users[user] += 1
        try:
            yield event
        finally:
            del self._streams[event]
            self._users[user] -= 1


@dataclass
class Stream:
    """An answer that does not end.

    ``after`` is the id of the last event that the caller knows; None starts from now.
    """

    hub: Hub
    after: int | None


class EventStream:
    """The ASGI application that sends a stream to one caller.

    Parameters
    ----------
    stream
        From where.
    user
        Whose it is.
    still_sees
        Looks anew what the caller sees; raises :class:`Void`, which ends it.
    too_many
        What is answered instead where there are too many streams.
    """

    MEDIA_TYPE = "text/event-stream"

    def __init__(
        self, stream: Stream, user: str, still_sees: Callable[[], Seen], too_many: ASGIApp
    ) -> None:
        self._hub = stream.hub
        self._after = stream.after
        self._user = user
        self._still_sees = still_sees
        self._too_many = too_many
        self._told: dict[int, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the caller goes, the server stops, or the token is void."""
        with self._hub.listening(self._user) as changed:
            if changed is None:
                await self._too_many(scope, receive, send)
                return
            gone = asyncio.ensure_future(_disconnected(receive, changed))
            try:
                await self._send(changed, gone, send)
            except TimeoutError:
                log.warning("event=stuck-stream")
            finally:
                gone.cancel()

    async def _send(self, changed: asyncio.Event, gone: asyncio.Future[None], send: Send) -> None:
        headers = [(b"content-type", self.MEDIA_TYPE.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _part(send, b"retry: 2000\n\n")
        while not (self._hub.closed or gone.done()):
            changed.clear()
            try:
                text, is_all = await run_in_threadpool(self._news)
            except Void:
                break
            if text:
                await _part(send, text)
            if not is_all:
                continue
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await changed.wait()
            except TimeoutError:
                await _part(send, b": alive\n\n")
            else:
                await asyncio.sleep(0 if self._hub.closed else PAUSE)
        if not gone.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _news(self) -> tuple[bytes, bool]:
        """What there is to tell, and whether that is all."""
        seen, views = self._still_sees(), self._hub.views
        if self._after is None:
            self._after = views.last_event()
        events, self._after = views.events(self._after, BATCH, seen)
        parts = [f"id: {number}\nevent: job\ndata: {job}\n\n" for number, job in events]
        is_all = len(events) < BATCH
        if is_all:
            running = views.running(seen, BATCH)
            for job_id, job in running.items():
                if self._told.get(job_id) != job:
                    parts.append(f"event: progress\ndata: {job}\n\n")
            self._told = running
        return "".join(parts).encode(), is_all


async def _part(send: Send, text: bytes) -> None:
    async with asyncio.timeout(STUCK):
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def _disconnected(receive: Receive, changed: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    changed.set()
