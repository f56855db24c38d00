"""The app for one browser on this machine. Importing this needs the extra ``web``."""

from __future__ import annotations

import gc
import hmac
import logging
import secrets
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
CLOSE_SECONDS = 2.0
PAGE = Path(__file__).with_name("webpage")

HEADERS = {
    # the page's own scripts are all that runs; nothing is fetched from elsewhere
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; font-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self'; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

USED = (
    "This address was used before, or is not the one that was printed. Each opens one browser,"
    " once: for another, start 'anontui web' again.\n"
)


class OneBrowser(Server):
    """Serves a program of the terminal to the browser that has the token, and to no other.

    The token is in the address that is printed. It is taken once, for a cookie that only this
    browser has and that is good until the program ends; page and websocket need it.

    Parameters
    ----------
    command
        The program and its arguments.
    listening
        A socket on the loopback interface.
    """

    def __init__(self, command: Sequence[str], listening: socket.socket) -> None:
        self._socket = listening
        host, port = listening.getsockname()[:2]
        super().__init__(
            shlex.join(command), host=host, port=port, title="anontui", templates_path=PAGE
        )
        self._token = secrets.token_urlsafe(32)
        self._session = ""
        self._cookie = f"anontui-{port}"  # cookies do not tell ports apart
        self._address = f"{host}:{port}"

    @property
    def url(self) -> str:
        """The address with the token."""
        return f"{self.public_url}/?token={self._token}"

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has printed the address."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app.middlewares.append(guard)
        app.on_cleanup.append(_tidy)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the cookie; give it to who has the token; turn all others away."""
        # another page, also one whose name was made to lead here, must not reach the app
        origin = request.headers.get("Origin", self.public_url)
        if request.host != self._address or origin != self.public_url:
            return web.Response(status=403, text="This is not for other pages.\n")
        if request.path == "/" and "token" in request.query:
            return self._admit(request.query["token"])
        if not _same(request.cookies.get(self._cookie, ""), self._session):
            return web.Response(status=403, text=USED)
        if request.path == "/ws" and "Origin" not in request.headers:
            return web.Response(status=403, text="This is for a browser.\n")
        answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(self._headers())
        return answer

    def _admit(self, token: str) -> web.Response:
        if not _same(token, self._token):
            return web.Response(status=403, text=USED)
        self._token, self._session = "", secrets.token_urlsafe(32)
        # the address without the token is what the browser keeps in its history
        answer = web.Response(status=303, headers={"Location": "/", **self._headers()})
        answer.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict", path="/")
        return answer

    def _headers(self) -> dict[str, str]:
        return {name: value.replace("{host}", self._address) for name, value in HEADERS.items()}

    def run(self) -> None:
        """Serve until the program is interrupted."""
        log = logging.getLogger("textual-serve")  # it would print values with its tracebacks
        log.propagate = False
        log.addHandler(logging.NullHandler())
        web.run_app(
            self._make_app(),
            sock=self._socket,
            print=None,
            access_log=None,
            shutdown_timeout=CLOSE_SECONDS,
        )


async def _tidy(_: web.Application) -> None:
    """Close the pipes of apps that have ended, while there is a loop to close them in."""
    gc.collect()


def _same(given: str, wanted: str) -> bool:
    """True if both are the same and there is one; takes as long for a near miss."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())
