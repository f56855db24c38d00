"""uvicorn as this server runs it: on a socket of its own, asleep while nobody calls."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 400  # systems give a process 1,024 descriptors, or 256


class _Protocol(H11Protocol):
    """Hangs up on a client that does not finish the head of its request.

    Where too many clients are connected, the one who waits longest without having asked for
    anything makes room: files and databases need descriptors, too.
    """

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # narrower
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()
        # asyncio does this only for sockets that were made with a protocol number; without
        # it every answer may wait 40 ms for the client's acknowledgement
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._patience is not None:
            self._patience.cancel()

    def _make_room(self) -> None:
        waiting = [
            (one._patience.when(), id(one), one.transport)
            for one in self.connections
            if isinstance(one, _Protocol)
            and one._patience is not None
            and not one.transport.is_closing()
        ]
        if waiting:
            min(waiting)[2].abort()

    def _watch(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        elif not waits and self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Server(uvicorn.Server):
    """Waits for its end instead of looking for it ten times a second.

    Parameters
    ----------
    app
        The ASGI application.
    ready
        Called when requests are taken.
    ending
        Called when the end begins; what does not end by itself ends then.
    tls
        Certificate and key; without, it speaks plain HTTP.
    """

    def __init__(
        self,
        app: Starlette,
        ready: Callable[[], None],
        ending: Callable[[], None] = lambda: None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        certificate, key = tls or (None, None)
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=3,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._ready = ready
        self._ending = ending
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Make :meth:`serve` return, once the calls under way are answered."""
        self._ended.set()

    async def main_loop(self) -> None:
        """What :meth:`serve` does between its start and its end."""
        self._ready()
        await self._ended.wait()
        self._ending()

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]  # wider there
        """Leave the signals to :func:`serve_http`."""
        return contextlib.nullcontext()


def serve_http(server: Server, listener: socket.socket) -> None:
    """Answer on ``listener`` until SIGTERM or SIGINT, which are ignored from then on.

    ``listener`` is a listening socket, closed at the end.
    """
    asyncio.run(_serve(server, listener))


async def _serve(server: Server, listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()

    def end(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(server.end)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        await server.serve([listener])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
