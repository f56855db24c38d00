"""Reaching anonymization servers with the user's credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anontui.errors import AnonTUIError, ServerUnreachable
from anontui.settings import Server, Settings

if TYPE_CHECKING:
    from anontui.idis.client import Client


TIMEOUT, PROBE_TIMEOUT = 10.0, 5.0
"""Seconds to wait for a sign of life, in a call and when only asking whether a server is there."""


@dataclass(frozen=True)
class ServerState:
    """How a server was found; ``latency_ms`` and ``problem`` exclude each other."""

    name: str
    url: str
    up: bool
    latency_ms: float | None
    problem: str = ""
    advice: str = ""


def connect(
    settings: Settings, server: Server | None = None, *, timeout: float | None = None
) -> Client:
    """A client for ``server`` (default: the active one) with the user's credentials.

    Nothing is sent yet.

    Raises
    ------
    SettingsError
        If no server is active.
    """
    from anontui.idis.client import Client

    server = server or settings.active_server
    return Client(
        server.url,
        settings.user_name,
        settings.user_token,
        validate_ssl=settings.validate_ssl,
        timeout=TIMEOUT if timeout is None else timeout,
    )


def probe(settings: Settings, server: Server) -> ServerState:
    """Ask ``server`` whether it is there; trouble is told in the answer, never raised."""
    try:
        with connect(settings, server, timeout=PROBE_TIMEOUT) as client:
            latency = client.probe().latency_ms
    except AnonTUIError as error:
        problem = f"{error.message} ({error.cause})" if error.cause else error.message
        advice = advice_for(settings, server, error)
        return ServerState(server.name, server.url, False, None, problem, advice)
    return ServerState(server.name, server.url, True, latency)


def advice_for(settings: Settings, server: Server, error: AnonTUIError) -> str:
    """What to do about ``error``; a silent server on this machine may be the built-in one."""
    is_here = urlsplit(server.url).hostname in ("127.0.0.1", "localhost", "::1")
    if settings.built_in and is_here and isinstance(error, ServerUnreachable):
        return f"Start the built-in server in the app, or: anontui serve --data {settings.built_in}"
    return error.advice
