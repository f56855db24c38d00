"""A real HTTP server on loopback that answers, or misbehaves, as a test tells it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

TLS = Path(__file__).parents[1] / "data" / "tls"


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]


@dataclass(frozen=True)
class Answer:
    """What to answer; a body that is neither text nor bytes is sent as JSON."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Behaviour = Callable[[Request, socket.socket, threading.Event], None]
"""Does as it likes with the connection until the event (the test's end), then drops it."""


class FakeServer:
    """Answers each request with the next of ``answers``, the last one again and again."""

    def __init__(self, *, tls: bool = False, port: int = 0) -> None:
        self.answers: list[Answer | Behaviour] = [Answer()]
        self.requests: list[Request] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._http = _Server(self, port)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
            self._http.socket = context.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._http.server_address[1]
        host = "localhost" if tls else "127.0.0.1"
        self.url = f"http{'s' if tls else ''}://{host}:{self.port}/p01"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def will(self, *answers: Answer | Behaviour) -> None:
        """Set what comes next."""
        self.answers = list(answers)

    def next_for(self, request: Request) -> Answer | Behaviour:
        with self._lock:
            self.requests.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def misbehave(self, how: Behaviour, request: Request, connection: socket.socket) -> None:
        how(request, connection, self._end)

    def close(self) -> None:
        self._end.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: FakeServer, port: int) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.owner.connections += 1

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        request = Request(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            parse_qs(self.rfile.read(length).decode(), keep_blank_values=True),
        )
        answer = self.server.owner.next_for(request)
        if not isinstance(answer, Answer):
            self.close_connection = True
            self.server.owner.misbehave(answer, request, self.connection)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        pass
