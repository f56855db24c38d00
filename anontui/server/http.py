"""The web API over HTTP: credentials, limits, and errors as the clients know them."""

from __future__ import annotations

import asyncio
import json
import logging
import re

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from anontui.errors import AnonTUIError, CallRefused
from anontui.server.calls import FUNCTIONS, Answer, Api, documentation
from anontui.server.parameters import Parameters
from anontui.server.users import Users

BIGGEST_BODY = 4 << 20  # bytes
SLOWEST_BODY = 10.0  # seconds
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

log = logging.getLogger(__name__)


class Reply(Exception):
    """An answer that ends a call early."""

    def __init__(self, status: int, content: Answer, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers


def make_app(api: Api, users: Users) -> Starlette:
    """Return the ASGI application that answers ``/<function>`` for the known ``users``."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await _read(request)
        except Reply as reply:
            # the rest of the body is not waited for
            return _response(reply.status, reply.content, {"Connection": "close"})
        return await run_in_threadpool(answer, request, body)

    def answer(request: Request, body: bytes) -> Response:
        try:
            return _response(200, _call(api, users, request, body))
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


def _call(api: Api, users: Users, request: Request, body: bytes) -> Answer:
    given = Parameters.parse(request.scope["query_string"], body)
    name = request.scope["path"].strip("/")
    function = FUNCTIONS.get(name)
    authorization = request.headers.get("authorization")
    if authorization is None and function is None:
        raise Reply(404, documentation())
    user = given.text("user_name") or ""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "token" or users.role(user, token.strip()) is None:
        log.warning("event=unauthorized function=%s", name if function else "?")
        refusal = {"errors": {"authorization": "User name and token do not belong together"}}
        raise Reply(401, refusal, **{"WWW-Authenticate": "Token"})
    if function is None:
        raise Reply(404, documentation())
    if request.method not in (function.method, "HEAD" if function.method == "GET" else ""):
        refusal = {"errors": {"method": f"{name} is called by {function.method}"}}
        raise Reply(405, refusal, Allow=function.method)
    given.only(function.parameters)
    return function.call(api, user, given)


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
    return Response(json.dumps(content), status, headers, "application/json")
