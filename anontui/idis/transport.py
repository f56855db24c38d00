"""How calls reach a server: sockets with a deadline, trust in certificates, proxies.

httpx limits each wait for bytes, but not their sum: a server that sends a byte a second
would hold a call for ever. So the sockets below httpx keep the deadline of the call.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from anontui.errors import UsageError

# Below the five seconds after which common servers drop an idle connection, so that a call
# seldom goes out on one that is being dropped.
_KEEP_ALIVE_SECONDS = 4.0
MOST_CONNECTIONS = 16
"""More calls at the same time than this wait for one another."""


class Sockets(httpcore.NetworkBackend):
    """Sockets that wait no longer than the current call of their thread may take."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._call = threading.local()

    def start_call(self, seconds: float) -> None:
        """Let the calls that this thread makes from now on end within ``seconds``."""
        self._call.end = time.monotonic() + seconds

    def left(self, timeout: float | None = None) -> float:
        """Seconds that this thread may wait now, at most ``timeout``.

        Raises
        ------
        httpcore.ReadTimeout
            If the deadline is over.
        """
        left: float = self._call.end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer takes too long")
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, as httpcore asks it."""
        stream = self._inner.connect_tcp(
            host, port, self.left(timeout), local_address, socket_options
        )
        return _Stream(stream, self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, sockets: Sockets) -> None:
        self._inner = inner
        self._sockets = sockets

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._sockets.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._sockets.left(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secure = self._inner.start_tls(ssl_context, server_hostname, self._sockets.left(timeout))
        return _Stream(secure, self._sockets)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Transport(httpx.HTTPTransport):
    """httpx's transport over a pool with our sockets, which its own constructor cannot make."""

    def __init__(self, url: httpx.URL, sockets: Sockets, *, validate_ssl: bool) -> None:
        options: dict[str, Any] = {
            # reading the authorities' certificates takes longer than many a call
            "ssl_context": _trust(validate_ssl) if url.scheme == "https" else None,
            "network_backend": sockets,
            "max_connections": MOST_CONNECTIONS,
            "keepalive_expiry": _KEEP_ALIVE_SECONDS,
        }
        proxy = _proxy(url)
        if proxy is None:
            self._pool = httpcore.ConnectionPool(**options)
        else:
            self._pool = httpcore.HTTPProxy(str(proxy.url), proxy_auth=proxy.raw_auth, **options)


@cache
def _trust(validate_ssl: bool) -> ssl.SSLContext:
    """Trust the usual authorities and those that this machine's owner installed."""
    context = httpx.create_ssl_context(verify=validate_ssl)
    if validate_ssl:
        context.load_default_certs()
    return context


def _proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Find the proxy that the user's environment asks for.

    Some hospitals let machines reach a server through a proxy only, so it is obeyed as other
    programs obey it. Never for this machine's own server: a proxy could not reach it, and
    would read the token.
    """
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https"):
        raise UsageError(
            "The proxy that the environment sets cannot be used",
            advice=f"Correct {url.scheme.upper()}_PROXY, or add {url.host} to NO_PROXY.",
        )
    return proxy


def is_loopback(host: str) -> bool:
    """True if ``host`` is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
