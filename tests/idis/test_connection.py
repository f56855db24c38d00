"""Servers that are absent, slow, broken or sly; nothing hangs and nothing is sent twice."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from anontui.errors import (
    CertificateRefused,
    ServerError,
    ServerUnreachable,
    UnexpectedAnswer,
    UsageError,
)
from anontui.idis import connection, transport
from anontui.idis.client import Client
from tests.idis.answers import DOCUMENTATION, extended
from tests.idis.conftest import TOKEN
from tests.idis.fake_server import TLS, Answer, Behaviour, FakeServer, Request
from tests.idis.test_client import REQUEST

GOOD = Answer(body=extended())


def get(client: Client) -> object:
    return client.job(1234)


def post(client: Client) -> object:
    return client.create(REQUEST)


both_methods = pytest.mark.parametrize("call", [get, post])


def hang(_: Request, connection: socket.socket, end: threading.Event) -> None:
    end.wait(20)


def drop(_: Request, connection: socket.socket, end: threading.Event) -> None:
    pass


def reset(_: Request, connection: socket.socket, end: threading.Event) -> None:
    linger_not = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)


def send(content: bytes) -> Behaviour:
    """Send this and drop the connection."""

    def behave(_: Request, connection: socket.socket, end: threading.Event) -> None:
        connection.sendall(content)

    return behave


def drip(start: bytes) -> Behaviour:
    """Send this, then a byte now and then for ever."""

    def behave(_: Request, connection: socket.socket, end: threading.Event) -> None:
        connection.sendall(start)
        while not end.wait(0.05):
            connection.sendall(b"x")

    return behave


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HALF = HEAD + b'Content-Length: 500\r\n\r\n{"job_id": 12'


def impatient(server: FakeServer) -> Client:
    return Client(server.url, "z123", TOKEN, timeout=0.2, connect_timeout=0.2)


@both_methods
@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
        drip(HEAD + b"Content-Length: 5000\r\n\r\n"),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_slow_server_does_not_hang_us(
    server: FakeServer, call: Callable[[Client], object], behaviour: Behaviour
) -> None:
    server.will(behaviour)
    with impatient(server) as client, pytest.raises(ServerError) as caught:
        call(client)
    assert isinstance(caught.value, ServerUnreachable)
    assert caught.value.may_have_arrived
    assert len(server.requests) == 1


@both_methods
@pytest.mark.parametrize("behaviour", [drop, reset, send(b"HTTP/1.1 2"), send(HALF), send(b"?\n")])
def test_broken_answer_is_asked_for_again_only_where_harmless(
    server: FakeServer, client: Client, call: Callable[[Client], object], behaviour: Behaviour
) -> None:
    server.will(behaviour, GOOD)
    if call is get:
        assert call(client)
        assert len(server.requests) == 2
        return
    with pytest.raises(ServerUnreachable) as caught:
        call(client)
    assert caught.value.may_have_arrived
    assert len(server.requests) == 1


def test_get_is_repeated_once(server: FakeServer, client: Client) -> None:
    server.will(drop)
    with pytest.raises(ServerUnreachable):
        client.job(1234)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "call",
    [
        post,
        lambda c: c.cancel(1),
        lambda c: c.reset(1),
        lambda c: c.modify(1, description=""),
        lambda c: c.ignore_opt_out(1, "consent"),
    ],
)
def test_no_change_is_sent_twice(
    server: FakeServer, client: Client, call: Callable[[Client], object]
) -> None:
    for behaviour in (drop, Answer(500, ""), Answer(200, "<html>"), Answer(503, "")):
        server.requests.clear()
        server.will(behaviour)
        with pytest.raises(ServerError):
            call(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "arrived"), [(502, True), (503, False), (504, True)])
def test_gateway_that_fails_may_have_passed_the_call_on(
    server: FakeServer, client: Client, status: int, arrived: bool
) -> None:
    server.will(Answer(status, ""))
    with pytest.raises(ServerUnreachable) as caught:
        client.create(REQUEST)
    assert caught.value.may_have_arrived is arrived


@both_methods
def test_refused_connection(call: Callable[[Client], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port}", "z", TOKEN) as client,
        pytest.raises(ServerUnreachable, match="refuses") as caught,
    ):
        call(client)
    assert not caught.value.may_have_arrived
    assert "tell the server's admin" in caught.value.advice


def test_refused_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    servers = []

    def open_late(_: float) -> None:
        servers.append(FakeServer(port=port))
        servers[0].will(GOOD)

    monkeypatch.setattr(time, "sleep", open_late)
    with Client(f"http://127.0.0.1:{port}/p01", "z", TOKEN) as client:
        assert client.create(REQUEST).job_id == 1234
    assert len(servers[0].requests) == 1
    servers[0].close()


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with (
        Client("http://idis.invalid", "z", TOKEN) as client,
        pytest.raises(ServerUnreachable, match="not known") as caught,
    ):
        client.create(REQUEST)
    assert not caught.value.may_have_arrived
    assert caught.value.advice == "Check the server's url."


def test_unreachable_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", fail)
    with (
        Client("http://idis.invalid", "z", TOKEN) as client,
        pytest.raises(ServerUnreachable, match="in time") as caught,
    ):
        client.create(REQUEST)
    assert not caught.value.may_have_arrived
    assert "VPN" in caught.value.advice


def test_endless_answer_is_cut_off(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 1000)
    server.will(Answer(body=b" " * 1001))
    with pytest.raises(UnexpectedAnswer, match="no end"):
        client.jobs()
    server.will(Answer(body=b" " * 998 + b"{}"))
    assert client.jobs() == []


def test_small_answer_that_unpacks_to_a_huge_one_is_cut_off(
    server: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 1 << 20)
    server.will(Answer(body=gzip.compress(bytes(4 << 20)), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(UnexpectedAnswer, match="no end"):
        client.jobs()


def test_compressed_answers_are_read(server: FakeServer, client: Client) -> None:
    server.will(Answer(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}))
    assert client.jobs() == []
    server.will(Answer(body=b"{}", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(UnexpectedAnswer, match="no sense"):
        client.jobs()


@both_methods
@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location", ["/p02/{}", "{}/", "{url}/../p02/{}", "//127.0.0.1:{port}/{}"])
def test_redirect_keeps_method_body_and_token(
    server: FakeServer,
    client: Client,
    call: Callable[[Client], object],
    status: int,
    location: str,
) -> None:
    function = "get_job" if call is get else "create_job"
    location = location.format(function, url=server.url, port=server.port)
    server.will(Answer(status, "", {"Location": location}), GOOD)
    assert call(client)
    first, second = server.requests
    assert second.path != first.path
    assert (second.method, second.form) == (first.method, first.form)
    assert second.headers["authorization"] == f"Token {TOKEN}"


@both_methods
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("http://localhost:{port}/p01/{function}", "http://localhost:{port}/p01"),
        ("https://idis.invalid/p01/{function}?a=1#b", "https://idis.invalid/p01"),
        ("https://u:secret@idis.invalid", "https://idis.invalid"),
        ("ftp://127.0.0.1/", "ftp://127.0.0.1"),
        ("http://[", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_redirect_elsewhere_is_told_and_not_followed(
    server: FakeServer,
    client: Client,
    call: Callable[[Client], object],
    location: str,
    shown: str,
) -> None:
    function = "get_job" if call is get else "create_job"
    target = location.format(port=server.port, function=function)
    server.will(Answer(302, "", {"Location": target}))
    with pytest.raises(ServerError) as caught:
        call(client)
    assert shown.format(port=server.port) in caught.value.sentence()
    assert "secret" not in caught.value.sentence()
    assert {request.path for request in server.requests} == {f"/p01/{function}"}


def test_redirect_in_circles_ends(server: FakeServer, client: Client) -> None:
    server.will(Answer(302, "", {"Location": "/p01/get_job"}))
    with pytest.raises(ServerError, match="circles"):
        client.job(1234)
    assert len(server.requests) == connection.MAX_REDIRECTS + 1


@pytest.fixture
def fresh_trust() -> Iterator[None]:
    """Certificates of authorities are read once a process; read them anew here."""
    transport._trust.cache_clear()
    yield
    transport._trust.cache_clear()


@pytest.fixture
def trusted(fresh_trust: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.crt"))


@both_methods
def test_unknown_certificate_is_refused(
    tls_server: FakeServer, fresh_trust: None, call: Callable[[Client], object]
) -> None:
    with (
        Client(tls_server.url, "z", TOKEN) as client,
        pytest.raises(CertificateRefused, match="not trusted") as caught,
    ):
        call(client)
    assert not caught.value.may_have_arrived
    assert "validate_ssl" in caught.value.advice
    assert tls_server.requests == []


def test_certificate_of_another_host_is_refused(tls_server: FakeServer, trusted: None) -> None:
    with (
        Client(tls_server.url.replace("localhost", "127.0.0.1"), "z", TOKEN) as client,
        pytest.raises(CertificateRefused),
    ):
        client.probe()


@pytest.mark.usefixtures("trusted")
def test_certificate_that_the_organisation_trusts(tls_server: FakeServer) -> None:
    tls_server.will(Answer(404, DOCUMENTATION))
    with Client(tls_server.url, "z", TOKEN) as client:
        client.probe()
        client.probe()
    assert tls_server.connections == 1


@pytest.mark.usefixtures("trusted")
def test_the_systems_own_authorities_are_trusted(
    tls_server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many organisations install theirs there, where httpx itself does not look."""
    monkeypatch.setattr(
        httpx, "create_ssl_context", lambda **_: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    tls_server.will(Answer(404, DOCUMENTATION))
    with Client(tls_server.url, "z", TOKEN) as client:
        client.probe()


def test_certificate_is_not_checked_only_if_the_user_says_so(
    tls_server: FakeServer, fresh_trust: None
) -> None:
    tls_server.will(Answer(404, DOCUMENTATION))
    with Client(tls_server.url, "z", TOKEN, validate_ssl=False) as client:
        client.probe()
    with Client(tls_server.url, "z", TOKEN) as client, pytest.raises(CertificateRefused):
        client.probe()


@pytest.mark.usefixtures("trusted")
def test_redirect_from_secret_to_open_is_not_followed(
    tls_server: FakeServer, server: FakeServer
) -> None:
    tls_server.will(Answer(302, "", {"Location": f"http://localhost:{server.port}/get_job"}))
    with (
        Client(tls_server.url, "z", TOKEN) as client,
        pytest.raises(ServerError, match="sends us on to http://localhost"),
    ):
        client.job(1234)
    assert server.requests == []


def test_slow_tls_handshake_does_not_hang_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with (
            Client(url, "z", TOKEN, timeout=0.2, connect_timeout=0.2) as client,
            pytest.raises(ServerUnreachable),
        ):
            client.probe()


def test_plain_server_at_a_tls_url(server: FakeServer) -> None:
    with (
        Client(server.url.replace("http:", "https:"), "z", TOKEN) as client,
        pytest.raises(ServerUnreachable) as caught,
    ):
        client.probe()
    assert not isinstance(caught.value, CertificateRefused)
    assert "url" in caught.value.advice


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxy_of_the_environment_is_obeyed(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://user:pass@127.0.0.1:{server.port}")
    server.will(Answer(404, DOCUMENTATION))
    with Client("http://idis.invalid/p01", "z", TOKEN) as client:
        client.probe()
    (request,) = server.requests
    assert request.path == "http://idis.invalid/p01/"
    assert request.headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3", "idis.localhost", "[::1]"])
def test_own_machine_is_never_reached_through_a_proxy(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    with Client(f"http://{host}:9/", "z", TOKEN) as client, pytest.raises(ServerUnreachable):
        client.probe()
    assert server.requests == []


def test_no_proxy_is_obeyed(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("NO_PROXY", "idis.invalid")
    look_up = socket.getaddrinfo

    def fail_for_server(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "idis.invalid":
            raise socket.gaierror(-2, "Name or service not known")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", fail_for_server)
    with Client("http://idis.invalid/", "z", TOKEN) as client, pytest.raises(ServerUnreachable):
        client.probe()
    assert server.requests == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://x", "http://:x"])
def test_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(UsageError, match="proxy") as caught:
        Client("http://idis.invalid/", "z", TOKEN)
    assert "NO_PROXY" in caught.value.advice


def test_proxy_is_asked_for_a_tunnel_to_a_tls_server(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    with (
        Client("https://idis.invalid/", "z", TOKEN) as client,
        pytest.raises(ServerUnreachable, match="proxy") as caught,
    ):
        client.create(REQUEST)  # the fake server knows no CONNECT
    assert not caught.value.may_have_arrived
    assert server.requests == []


def test_closing_during_a_call_is_an_error_of_ours(server: FakeServer) -> None:
    arrived = threading.Event()

    def behave(_: Request, connection: socket.socket, end: threading.Event) -> None:
        arrived.set()
        end.wait(20)

    server.will(behave)
    client = Client(server.url, "z", TOKEN, timeout=0.3)

    def close() -> None:
        arrived.wait()
        client.close()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(ServerUnreachable):
        client.create(REQUEST)
    closer.join()


def test_no_verify_is_truly_no_verify() -> None:
    assert transport._trust(False).verify_mode is ssl.CERT_NONE
    assert transport._trust(True).verify_mode is ssl.CERT_REQUIRED
