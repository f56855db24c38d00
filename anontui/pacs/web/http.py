"""Requests to a DICOMweb service: who we are there, and what each failure means."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx

import anontui
from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Tick
from anontui.pacs.node import Node, Web
from anontui.pacs.web.sockets import Sockets, Transport

MOST_JSON_BYTES = 64 << 20
_GZIP = frozenset(("gzip", "x-gzip", "deflate"))
_INFLATED = 1 << 20
_JSON_PATIENCE = 10
"""A JSON answer may take this many times as long in all as the wait for its first byte."""

_AS_IS = "*?^,=/:;@!$'()~"
_E = TypeVar("_E", bound=BaseException)
_CHECK_URL = "Check the url of its DICOMweb service, and whether a proxy is in between."
_CHECK_WHO = "Check the user and password, or the token, of this node."
_ASK_ARCHIVE = "Ask the people of this archive, and give them the cause."
_TRY_AGAIN = "Try again later."

# httpx would tell of each url, which holds what is searched for, and httpcore of each byte
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Session:
    """A connection to the DICOMweb service of a node. Not for two threads at once.

    Raises
    ------
    PacsError
        If the node's url or certificate cannot be used.
    """

    def __init__(self, node: Node, web: Web) -> None:
        self.name = node.name
        self._patience = _JSON_PATIENCE * node.timeouts.answer
        self._sockets = Sockets()
        try:
            base = httpx.URL(web.url)
        except httpx.InvalidURL:
            base = httpx.URL()
        is_plain = not (base.query or base.userinfo or "%" in base.host)
        if base.scheme not in ("http", "https") or not base.host or not is_plain:
            raise PacsError(
                f"The url of {node.name} is not that of a DICOMweb service",
                advice="Write it as https://host:port/path, without user, '?' and what follows.",
                transient=False,
            )
        self._base = str(base).rstrip("/")
        headers = {
            "User-Agent": f"anontui/{anontui.__version__}",
            "Accept-Encoding": "identity",
        }
        if web.token:
            headers["Authorization"] = f"Bearer {web.token}"
        self._http = httpx.Client(
            transport=Transport(
                self._sockets, _trust(node.name, web.authority) if base.scheme == "https" else None
            ),
            auth=(web.user, web.password) if web.user and not web.token else None,
            headers=headers,
            timeout=httpx.Timeout(node.timeouts.answer, connect=node.timeouts.connect),
            trust_env=False,  # neither another's password nor a proxy that could read along
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    @contextmanager
    def request(
        self,
        method: str,
        path: str,
        tick: Tick,
        *,
        accept: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
        good: frozenset[int] = frozenset((200, 204, 206)),
    ) -> Iterator[httpx.Response]:
        """Send a request and give its answer while the block runs, its body not read yet.

        Raises
        ------
        PacsError
            If the answer is another than the ``good`` ones, or the connection fails, in the
            block too.
        NotOffered
            If the service says that it does not have this.
        """
        self._sockets.tick = tick
        try:
            with self._http.stream(
                method,
                f"{self._base}/{path}{_query(params or {})}",
                headers={"Accept": accept, **(headers or {})},
                content=content,
            ) as response:
                if response.status_code not in good:
                    raise self._refused(response.status_code)
                yield response
        except httpx.TransportError as error:
            raise self._broken(error) from None
        finally:
            self._sockets.tick = lambda: None
            self._sockets.deadline = float("inf")

    def body(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the bytes of an answer as they come, no compression left in them.

        Raises
        ------
        PacsError
            If the connection fails, or they are compressed in a way that was not asked for.
        """
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("", "identity"):
            return response.iter_raw()
        if encoding in _GZIP:
            return self._inflated(response)
        raise self.garbled("it is compressed, which was not asked for")

    def json(self, response: httpx.Response) -> object:
        """Read an answer as JSON; None if it is empty.

        Raises
        ------
        PacsError
            If it is none, or has no end.
        """
        self._sockets.deadline = time.monotonic() + self._patience
        content = bytearray()
        for chunk in self.body(response):
            content += chunk
            if len(content) > MOST_JSON_BYTES:
                raise self.garbled("it has no end", transient=False)
        try:
            answer: object = json.loads(content) if content.strip() else None
        except (ValueError, RecursionError):
            raise self.garbled("it is not JSON", transient=False) from None
        return answer

    def garbled(self, cause: str, *, transient: bool = True) -> PacsError:
        """Return the error of an answer that is not what it must be."""
        return PacsError(
            f"The answer of {self.name} makes no sense",
            cause=cause,
            advice=_TRY_AGAIN if transient else _CHECK_URL,
            transient=transient,
        )

    def _inflated(self, response: httpx.Response) -> Iterator[bytes]:
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip's header or zlib's
        try:
            for chunk in response.iter_raw():
                while chunk and not inflater.eof:
                    yield inflater.decompress(chunk, _INFLATED)
                    chunk = inflater.unconsumed_tail
        except zlib.error:
            raise self.garbled("its compression is broken") from None
        if not inflater.eof:
            raise self.garbled("it ends too early")

    def _refused(self, status: int) -> PacsError:
        cause = f"HTTP {status}"
        if status in (404, 405, 406, 410, 415, 501):
            what = (
                "does not have it in the form asked for"
                if status in (406, 415)
                else ("does not have what was asked for")
            )
            return NotOffered(f"{self.name} {what}", cause=cause, advice=_CHECK_URL)
        is_transient = status in (408, 409, 425, 429) or status >= 500
        if is_transient:
            what, do = "cannot answer now", _TRY_AGAIN
        elif status == 401:
            what, do = "does not know who we are", _CHECK_WHO
        elif status == 403:
            what, do = "does not allow us this", _ASK_ARCHIVE
        elif 300 <= status < 400:
            what = "sends us on to another address, where we do not follow"
            do = "Find out the final url of its DICOMweb service, and make it the node's."
        else:
            what, do = "does not understand what was asked", _ASK_ARCHIVE
        return PacsError(f"{self.name} {what}", cause=cause, advice=do, transient=is_transient)

    def _broken(self, error: httpx.TransportError) -> PacsError:
        if refused := _origin(error, ssl.SSLCertVerificationError):
            return PacsError(
                f"The certificate of {self.name} is not trusted",
                cause=refused.verify_message,
                advice="Name a file in PEM of the authority that signed it as web_authority.",
                transient=False,
            )
        do = _CHECK_URL
        if _origin(error, socket.gaierror):
            what = "has a host name that is not known"
        elif _origin(error, ConnectionRefusedError):
            what, do = "refuses the connection", "Check the port, and whether it is running."
        elif isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            what, do = "cannot be reached", "Check the url, the network and the firewall."
        elif isinstance(error, httpx.TimeoutException):
            what, do = "takes too long to answer", _TRY_AGAIN
        else:
            what, do = "broke off before its answer was complete", _TRY_AGAIN
        return PacsError(f"{self.name} {what}", advice=do)


def _query(params: Mapping[str, str | int]) -> str:
    """Write parameters, escaped as browsers do: some archives take more escapes literally."""
    pairs = (f"{name}={quote(str(value), safe=_AS_IS)}" for name, value in params.items())
    return "".join(f"{'&' if number else '?'}{pair}" for number, pair in enumerate(pairs))


def _trust(name: str, authority: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if authority is None:
            import certifi

            context.load_verify_locations(certifi.where())
        else:
            context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError):
        raise PacsError(
            f"The authority's certificate of {name} cannot be read",
            advice="Name a file in PEM as the node's web_authority.",
            transient=False,
        ) from None
    return context


def _origin(error: BaseException | None, kind: type[_E]) -> _E | None:
    """Find the error of this kind that led to ``error``, if one did."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
