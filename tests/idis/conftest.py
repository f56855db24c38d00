"""A fake server and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from anontui.idis.client import Client
from tests.idis.fake_server import FakeServer

TOKEN = "f9a1c0ffee5e7"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    yield server
    server.close()


@pytest.fixture
def tls_server() -> Iterator[FakeServer]:
    server = FakeServer(tls=True)
    yield server
    server.close()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client(server.url, "z123", TOKEN, timeout=5) as client:
        yield client
