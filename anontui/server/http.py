"""The web API over HTTP: credentials, limits, and errors as the clients know them."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
from dataclasses import dataclass

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from anontui.errors import AnonTUIError, CallRefused
from anontui.server.calls import Answer, Api, Caller, Denied
from anontui.server.functions import FUNCTIONS
from anontui.server.live import EventStream, Stream, Void
from anontui.server.metrics import Metrics
from anontui.server.openapi import documentation, openapi
from anontui.server.parameters import Parameters
from anontui.server.refusals import Refusals
from anontui.server.users import Role, Users

BIGGEST_BODY = 4 << 20  # bytes
SLOWEST_BODY = 10.0  # seconds
SLOW = 8  # calls at once that wait for archives
HEAVY = 1 << 16  # bytes of a body that takes long to read, so that few are read at once
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

log = logging.getLogger(__name__)


class Reply(Exception):
    """An answer that ends a call early."""

    def __init__(self, status: int, content: Answer, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers


@dataclass(frozen=True)
class Web:
    """What the web API is made of."""

    api: Api
    users: Users
    refusals: Refusals
    metrics: Metrics


def make_app(web: Web) -> Starlette:
    """Return the ASGI application that answers ``/<function>`` for the known users."""
    heavy = anyio.CapacityLimiter(2)
    slow = anyio.CapacityLimiter(SLOW)

    async def endpoint(request: Request) -> ASGIApp:
        try:
            body = await _read(request)
        except Reply as reply:
            # the rest of the body is not waited for
            return _response(reply.status, reply.content, {"Connection": "close"})
        function = FUNCTIONS.get(request.scope["path"].strip("/"))
        limiter = heavy if len(body) > HEAVY else None
        if function is not None and function.is_slow:
            limiter = slow
        return await anyio.to_thread.run_sync(answer, request, body, limiter=limiter)

    def answer(request: Request, body: bytes) -> ASGIApp:
        try:
            return _answer(web, request, body)
        except Reply as reply:
            return _response(reply.status, reply.content, reply.headers)
        except CallRefused as error:
            return _response(400, {"errors": error.errors})
        except AnonTUIError as error:  # the server's settings are wrong
            log.error("event=refused %s", error.sentence())
        except Exception:
            # a mistake of ours is told as one, in JSON, and the server goes on
            log.exception("event=crash")
        return _response(500, {"errors": {"server": "Internal error: tell the server's admin"}})

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)])


def _answer(web: Web, request: Request, body: bytes) -> ASGIApp:
    name = request.scope["path"].strip("/")
    if request.method in ("GET", "HEAD"):
        if name == "health":
            return _response(200, {"status": "ok"})
        if name == "openapi.json":
            return _response(200, openapi())
        if name == "metrics" and _is_of_this_machine(request):
            return Response(web.metrics.text(), 200, media_type=Metrics.MEDIA_TYPE)
    given = Parameters.parse(request.scope["query_string"], body)
    function = FUNCTIONS.get(name)
    if "authorization" not in request.headers and function is None:
        raise Reply(404, documentation())
    caller = _caller(web, request, given, name)
    if name == "metrics" and caller.role is Role.ADMIN and request.method == "GET":
        return Response(web.metrics.text(), 200, media_type=Metrics.MEDIA_TYPE)
    if function is None:
        raise Reply(404, documentation())
    if request.method not in (function.method, "HEAD" if function.method == "GET" else ""):
        refusal = {"errors": {"method": f"{name} is called by {function.method}"}}
        raise Reply(405, refusal, Allow=function.method)
    given.check(function.parameters)
    try:
        if function.admins_only and caller.role is not Role.ADMIN:
            raise Denied("It is for admins", errors={"user_name": f"{name} is for admins"})
        content = function.call(web.api, caller, given)
    except Denied:
        web.refusals.denied(caller.name, name, given.values.get("job_id", ()))
        raise
    web.metrics.called(name)
    if isinstance(content, Stream):
        return _stream(web, request, content, caller)
    return _response(200, content)


def _caller(web: Web, request: Request, given: Parameters, name: str) -> Caller:
    user = given.text("user_name") or ""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    role = web.users.role(user, token.strip()) if scheme.lower() == "token" else None
    if role is None:
        web.refusals.unauthorized(user, name if name in FUNCTIONS else "?")
        refusal = {"errors": {"authorization": "User name and token do not belong together"}}
        raise Reply(401, refusal, **{"WWW-Authenticate": "Token"})
    return Caller(user, role, web.api.projects.seen_by(user, role))


def _stream(web: Web, request: Request, stream: Stream, caller: Caller) -> ASGIApp:
    token = request.headers["authorization"].partition(" ")[2].strip()
    last = request.headers.get("last-event-id", "")
    if re.fullmatch(r"[0-9]{1,18}", last):
        stream = Stream(stream.hub, int(last))

    def still_sees() -> frozenset[str] | None:
        role = web.users.role(caller.name, token)
        if role is None:
            raise Void
        return web.api.projects.seen_by(caller.name, role)

    if request.method == "HEAD":
        return Response(media_type=EventStream.MEDIA_TYPE)
    refusal = _response(429, {"errors": {"user_name": "Too many event streams are open"}})
    return EventStream(stream, caller.name, still_sees, refusal)


def _is_of_this_machine(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _read(request: Request) -> bytes:
    too_big = Reply(413, {"errors": {"body": f"The body is larger than {BIGGEST_BODY} bytes"}})
    length = request.headers.get("content-length", "0")
    if re.fullmatch(r"[0-9]+", length) and int(length[:20]) > BIGGEST_BODY:
        raise too_big
    body = bytearray()
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            async for part in request.stream():
                body += part
                if len(body) > BIGGEST_BODY:
                    raise too_big
    except TimeoutError:
        raise Reply(408, {"errors": {"body": "The body took too long to come"}}) from None
    except ClientDisconnect:
        raise Reply(400, {"errors": {"body": "The body ended early"}}) from None
    return bytes(body)


def _response(status: int, content: Answer, headers: dict[str, str] | None = None) -> Response:
    text = content if isinstance(content, bytes) else json.dumps(content)
    return Response(text, status, headers, "application/json")
