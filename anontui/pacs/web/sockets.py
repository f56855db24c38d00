"""Sockets below httpx that can be stopped while they wait, and have a deadline."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpcore
import httpx

_SLICE = 0.2
"""Seconds after which a wait asks whether to go on."""

_READ = 256 << 10
"""Bytes to read at once; httpcore's own quarter of it takes half as long again."""

_NODELAY = ((6, 1, 1),)  # IPPROTO_TCP, TCP_NODELAY
_KEEP_ALIVE_SECONDS = 0.9
_T = TypeVar("_T")


class Sockets(httpcore.NetworkBackend):
    """Makes sockets that call :attr:`tick` often, and end all waits at :attr:`deadline`."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self.tick: Callable[[], None] = lambda: None
        self.deadline = float("inf")  # of time.monotonic()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, as httpcore asks it."""
        self.tick()
        stream = self._inner.connect_tcp(
            host, port, timeout, local_address, [*(socket_options or ()), *_NODELAY]
        )
        return _Stream(stream, self)

    def patiently(
        self, call: Callable[[float], _T], timeout: float | None, late: type[Exception]
    ) -> _T:
        """Repeat a call with short timeouts until it succeeds, or the long one is over."""
        end = self.deadline
        if timeout is not None:
            end = min(end, time.monotonic() + timeout)
        while True:
            self.tick()
            left = end - time.monotonic()
            if left <= 0:
                raise late("it takes too long")
            try:
                return call(min(left, _SLICE))
            except late:
                continue


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, sockets: Sockets) -> None:
        self._inner = inner
        self._sockets = sockets

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        most = max(max_bytes, _READ)
        return self._sockets.patiently(
            lambda seconds: self._inner.read(most, seconds), timeout, httpcore.ReadTimeout
        )

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sockets.tick()
        self._inner.write(buffer, timeout)  # cannot be cut: how much was written is not told

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secure = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(secure, self._sockets)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Transport(httpx.HTTPTransport):
    """httpx's transport over a pool with our sockets, which its own constructor cannot make."""

    def __init__(self, sockets: Sockets, trust: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            network_backend=sockets,
            max_connections=1,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,  # Orthanc drops idle ones after a second
        )
