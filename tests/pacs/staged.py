"""A web server that says what a test has it say, down to the bytes."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from anontui.pacs.node import Node, Timeouts, Web

BOUNDARY = "the-boundary"


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Request], Iterable[bytes]]


@dataclass
class Staged:
    """Where it is, and what was asked of it."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def node(
        self, *, answer: float = 2.0, user: str = "", password: str = "", token: str = ""
    ) -> Node:
        web = Web(self.url, user=user, password=password, token=token)
        return Node("STAGED", web=web, timeouts=Timeouts(2.0, 2.0, answer))

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


@contextmanager
def staged(script: Script) -> Iterator[Staged]:
    """Answer each request with what ``script`` yields, then close the connection."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().split()
            if not line:
                return
            headers = {}
            while text := self.rfile.readline().decode().strip():
                name, _, value = text.partition(":")
                headers[name.lower()] = value.strip()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            request = Request(line[0], line[1].removeprefix("/dicom-web"), headers, body)
            told.requests.append(request)
            try:
                for piece in script(request):
                    self.wfile.write(piece)
            except OSError:
                pass  # who asked has heard enough

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        told = Staged(f"http://127.0.0.1:{server.server_address[1]}/dicom-web")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def answer(
    body: bytes = b"", *, status: int = 200, kind: str = "application/dicom+json", more: str = ""
) -> list[bytes]:
    """A whole answer of known length."""
    head = (
        f"HTTP/1.1 {status} As Staged\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    )
    return [head.encode(), body]


def as_json(value: object) -> list[bytes]:
    return answer(json.dumps(value).encode())


def open_ended(body: bytes, *, boundary: str = BOUNDARY) -> list[bytes]:
    """Files, as Orthanc sends them: where they end is where the connection does."""
    head = (
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/related; "
        f'type="application/dicom"; boundary={boundary}\r\n\r\n'
    )
    return [head.encode(), body]


def multipart(*files: bytes, close: bool = True, length: int | None = None) -> bytes:
    """A body of DICOM files; ``length`` is what each says it has, if not the truth."""
    parts = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n"
        f"Content-Length: {len(one) if length is None else length}\r\n\r\n".encode()
        + one
        + b"\r\n"
        for one in files
    )
    return parts + (f"--{BOUNDARY}--\r\n".encode() if close else b"")


def listed(study: str, *instances: str, series: str = "1.2.3") -> list[dict[str, object]]:
    """What QIDO-RS says of instances."""
    return [
        {
            "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
            "00080018": {"vr": "UI", "Value": [instance]},
            "0020000D": {"vr": "UI", "Value": [study]},
            "0020000E": {"vr": "UI", "Value": [series]},
        }
        for instance in instances
    ]
