"""One call to a web API and what its status means; nothing here knows of jobs."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeAlias, TypeVar
from urllib.parse import urlencode

import httpx

import anontui
from anontui.errors import (
    CallRefused,
    CertificateRefused,
    CredentialsRefused,
    NotAWebAPI,
    ServerError,
    ServerUnreachable,
    SettingsError,
    UnexpectedAnswer,
    UsageError,
)
from anontui.idis import advice
from anontui.idis.address import server_url
from anontui.idis.model import plain
from anontui.idis.transport import Sockets, Transport

Value: TypeAlias = "str | int | bool | Sequence[int] | Sequence[str] | None"
Form: TypeAlias = "Mapping[str, Value]"
_E = TypeVar("_E", bound=BaseException)

MAX_ANSWER_BYTES = 64 << 20
MAX_REDIRECTS = 5
_MAX_TEXT = 300
_MAX_ERRORS = 20
# Not 303: it says that the request was carried out, and to look elsewhere for its outcome.
_SENT_ON = (301, 302, 307, 308)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)

# httpx would tell of each call at INFO, and httpcore of each byte at DEBUG
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Connection:
    """Calls of one user to one server; see :class:`anontui.idis.client.Client`."""

    def __init__(
        self,
        url: str,
        user_name: str,
        token: str,
        *,
        validate_ssl: bool,
        timeout: float,
        connect_timeout: float,
    ) -> None:
        self.url = server_url(url)
        self.user_name = user_name
        self._token = token.strip()
        if not self._token.isascii() or not self._token.isprintable():
            raise SettingsError(
                "user_token holds characters that no token has",
                advice="Copy the token anew into the settings.",
            )
        try:
            base = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise UsageError(
                f"This is not a server's url: {self.url!r}", advice=advice.CHECK_URL
            ) from error
        self._timeout = httpx.Timeout(timeout, connect=connect_timeout)
        self._sockets = Sockets()
        self._http = httpx.Client(
            transport=Transport(base, self._sockets, validate_ssl=validate_ssl),
            timeout=self._timeout,
            headers={
                "Accept": "application/json",
                "User-Agent": f"anontui/{anontui.__version__}",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # keeps none
            trust_env=False,
        )

    def close(self) -> None:
        """Close the sockets; later calls fail. May be called again."""
        self._http.close()

    def call(self, method: str, function: str, form: Form) -> object:
        """Call a function and return the JSON of its answer.

        Raises
        ------
        ServerError
            If the answer is not a success with JSON.
        """
        status, body = self.exchange(method, function, form)
        if status != 200:
            raise self.failure(method, function, status, body)
        try:
            return parse(body)
        except ValueError:
            raise self.unexpected(function, "it is not JSON") from None

    def exchange(self, method: str, function: str, form: Form) -> tuple[int, bytes]:
        """Send a call and return the answer's status and body, whatever they are.

        Raises
        ------
        ServerError
            If no whole answer of a bearable size came.
        """
        try:
            pairs = {"user_name": self.user_name, **form}
            content = urlencode(
                {name: value for name, value in pairs.items() if value is not None}, doseq=True
            ).encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                "A text cannot be sent, because it holds half a letter",
                advice="Write it anew; a file's name may have to be changed.",
            ) from error
        self._sockets.start_call(3 * (self._timeout.read or 0))
        is_repeat = False
        while True:
            try:
                return self._follow(method, function, content)
            except httpx.TransportError as error:
                is_harmless = method == "GET" and isinstance(error, _BROKEN)
                if is_repeat or not (is_harmless or _origin(error, ConnectionRefusedError)):
                    raise self._unreachable(error) from error
            except httpx.DecodingError as error:
                raise self.unexpected(function, "it is garbled") from error
            except RuntimeError as error:
                if not self._http.is_closed:
                    raise
                raise ServerUnreachable(
                    f"The connection to {self.url} was closed",
                    advice="Try again.",
                    may_have_arrived=True,
                ) from error
            is_repeat = True
            time.sleep(0.1)

    def _follow(self, method: str, function: str, content: bytes) -> tuple[int, bytes]:
        url = httpx.URL(f"{self.url}/{function}")
        for _ in range(MAX_REDIRECTS + 1):
            try:
                status, body, location = self._send(method, url, content)
                if status not in _SENT_ON:
                    return status, body
                target = url.join(location)
            except httpx.InvalidURL:  # httpx itself reads the place that we are sent to
                target = httpx.URL()
            # The token goes to nobody else, and never from a secret line to an open one.
            if target.host != url.host or target.scheme not in {url.scheme, "https"}:
                final = str(target.copy_with(query=None, fragment=None, userinfo=b""))
                final = self._text(final.removesuffix(function).rstrip("/"))
                raise ServerError(
                    f"{self.url} sends us on to {final or 'nowhere'}",
                    advice="If you trust that, make it the server's url.",
                )
            url = target
        raise ServerError(f"{self.url} sends us in circles", advice=advice.CHECK_URL)

    def _send(self, method: str, url: httpx.URL, content: bytes) -> tuple[int, bytes, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        body = bytearray()
        with self._http.stream(method, url, content=content, headers=headers) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise UnexpectedAnswer(
                        f"The answer of {self.url} has no end", advice=advice.TELL_ADMIN
                    )
        return response.status_code, bytes(body), response.headers.get("location", "")

    def _unreachable(self, error: httpx.TransportError) -> ServerUnreachable:
        arrived = not isinstance(error, _NEVER_SENT)
        if refused := _origin(error, ssl.SSLCertVerificationError):
            return CertificateRefused(
                f"The certificate of {self.url} is not trusted",
                cause=self._text(refused.verify_message),
                advice=advice.CERTIFICATE,
            )
        if _origin(error, socket.gaierror):
            what, do = "has a name that is not known", advice.CHECK_URL
        elif _origin(error, ConnectionRefusedError):
            what, do = "refuses the connection", advice.REFUSED
        elif isinstance(error, httpx.ConnectTimeout):
            what, do = "cannot be reached in time", advice.CHECK_NETWORK
        elif isinstance(error, httpx.TimeoutException):
            what, do = "takes too long to answer", advice.TRY_AGAIN
        elif isinstance(error, httpx.ProxyError):
            what, do = "cannot be reached through the proxy", advice.PROXY
        elif isinstance(error, _NEVER_SENT):
            what, do = "cannot be reached", advice.CHECK_NETWORK
        else:
            what, do = "broke off before its answer was complete", advice.TRY_AGAIN
        cause = self._text(str(error))
        return ServerUnreachable(
            f"{self.url} {what}", cause=cause, advice=do, may_have_arrived=arrived
        )

    def failure(self, method: str, function: str, status: int, body: bytes) -> ServerError:
        """Return the error that an answer other than 200 means."""
        call = function or "a probe"
        if status == 400 and (errors := self._errors(body)):
            text = "; ".join(errors.values())
            return CallRefused(
                f"The server refuses {call}: {self._text(text)}",
                errors=errors,
                advice=advice.first_of(advice.REFUSALS, text) or advice.TELL_ADMIN,
            )
        if status == 401:
            return CredentialsRefused(
                f"{self.url} does not accept the user name and token",
                advice=advice.CREDENTIALS,
            )
        if status in (400, 404) and documentation(body) is None:
            return self.not_a_web_api()
        if status in (502, 503, 504):
            return ServerUnreachable(
                f"{self.url} is not ready",
                cause=f"it answers {status}",
                advice=advice.TRY_AGAIN,
                may_have_arrived=status != 503,
            )
        what, do = {
            404: (f"does not know the call {call}", advice.OTHER_VERSION),
            405: (f"does not take {method} for {call}", advice.OTHER_VERSION),
            500: (f"failed at {call}", advice.SERVER_FAILED),
        }.get(status, (f"answers {call} with status {status}", advice.TELL_ADMIN))
        return ServerError(f"{self.url} {what}", advice=do)

    def unexpected(self, function: str, cause: str) -> UnexpectedAnswer:
        """Return the error of an answer that is not what the call promises."""
        return UnexpectedAnswer(
            f"The answer of {self.url} to {function or 'a probe'} makes no sense",
            cause=cause,
            advice=advice.NOT_A_WEB_API,
        )

    def not_a_web_api(self) -> NotAWebAPI:
        """Return the error of something else than a web API."""
        return NotAWebAPI(
            f"{self.url} is not an anonymization web API", advice=advice.NOT_A_WEB_API
        )

    def _errors(self, body: bytes) -> dict[str, str]:
        """Read a refusal's ``errors``; empty if there are none."""
        errors = _object(body).get("errors")
        if isinstance(errors, str):
            errors = {"error": errors}
        if not isinstance(errors, dict):
            return {}
        some = list(errors.items())[:_MAX_ERRORS]
        return {self._text(name): self._text(str(text)) for name, text in some}

    def _text(self, text: str) -> str:
        """Make another program's words fit to be shown: short, on one line, no token."""
        if self._token:
            text = text.replace(self._token, "[token]")
        text = " ".join(plain(text[: 4 * _MAX_TEXT]).split())
        return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def parse(body: bytes) -> object:
    """Read JSON.

    Raises
    ------
    ValueError
        If it is not JSON, or nested beyond reason.
    """
    try:
        answer: object = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return answer


def documentation(body: bytes) -> dict[str, object] | None:
    """Return the documentation by which a web API is known; None if there is none."""
    found = _object(body).get("documentation")
    return found if isinstance(found, dict) else None


def _object(body: bytes) -> dict[str, object]:
    """Read a JSON object; empty if it is none."""
    try:
        answer = parse(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _origin(error: BaseException | None, kind: type[_E]) -> _E | None:
    """Find the error of this kind that led to ``error``, if one did."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
