"""Who reaches the server: this machine only, unless there is TLS."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import httpx
import pytest

from anontui.errors import CannotStart
from anontui.server.config import ServerConfig
from anontui.server.exposure import Exposure
from anontui.server.users import Role
from tests.server.conftest import Ledger
from tests.server.support import ALICE_TOKEN, Caller, ServeProcess, serve

TLS = Path(__file__).parent / "tls"
CERTIFICATE, KEY = TLS / "cert.pem", TLS / "key.pem"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://127.0.0.1:80"),
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("127.1.2.3", "http://127.1.2.3:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_this_machine_needs_no_tls(host: str, url: str) -> None:
    assert Exposure.of(ServerConfig(host=host)).url(80) == url


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "192.168.1.1"])
def test_others_reach_it_over_tls_only(host: str) -> None:
    with pytest.raises(CannotStart, match="unencrypted") as caught:
        Exposure.of(ServerConfig(host=host))
    assert "--tls-cert" in caught.value.advice
    found = Exposure.of(ServerConfig(host=host, certificate=CERTIFICATE, key=KEY))
    assert found.url(443).startswith("https://")
    assert "0.0.0.0" not in found.url(443)


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        (CERTIFICATE, None, "one of them is missing"),
        (None, KEY, "one of them is missing"),
        (TLS / "none.pem", KEY, "cannot be used"),
        (CERTIFICATE, CERTIFICATE, "cannot be used"),
        (CERTIFICATE, TLS / "locked.pem", "password"),
        (Path(__file__), KEY, "cannot be used"),
    ],
)
def test_a_certificate_that_does_not_serve_is_told(
    certificate: Path | None, key: Path | None, told: str
) -> None:
    with pytest.raises(CannotStart) as caught:
        Exposure.of(ServerConfig(certificate=certificate, key=key))
    assert told in caught.value.sentence()


def test_nobody_is_let_in_before_somebody_has_a_token(ledger: Ledger) -> None:
    exposed = Exposure("0.0.0.0", (CERTIFICATE, KEY))
    exposed.check_users(ledger.users)
    for name in ("alice", "bob"):
        ledger.users.revoke(name)
    with pytest.raises(CannotStart, match="nobody has a token"):
        exposed.check_users(ledger.users)
    Exposure("127.0.0.1").check_users(ledger.users)


def test_it_speaks_tls_and_nothing_else(tmp_path: Path, share: Path) -> None:
    server = ServeProcess(
        tmp_path / "data", share, "--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY)
    )
    try:
        url = server.start().url
        assert url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
        query = {"user_name": "alice"}
        headers = {"Authorization": f"Token {ALICE_TOKEN}"}
        answer = httpx.get(f"{url}/get_jobs", params=query, headers=headers, verify=trusting)
        assert (answer.status_code, answer.json()) == (200, {})
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url)
        with pytest.raises(httpx.HTTPError):
            httpx.get(url.replace("https", "http"))
    finally:
        server.kill()


def test_it_says_at_once_why_it_does_not_start(tmp_path: Path) -> None:
    tls = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY))
    done = serve(tmp_path / "data", "--host", "0.0.0.0", *tls)
    assert done.returncode == 1
    assert "nobody has a token" in done.stderr


def test_health_is_for_all_and_metrics_for_this_machine(
    call: Caller, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    call.create(description="Jansen")
    assert httpx.get(f"{call.url}/health").json() == {"status": "ok"}
    text = httpx.get(f"{call.url}/metrics").text
    assert 'anontui_jobs{status="ACTIVE"} 1' in text
    assert "anontui_queue_length 1" in text
    assert "anontui_workers 2" in text
    assert 'anontui_calls_total{function="create_job"} 1' in text
    for secret in ("alice", "Jansen", "P-001", "share", "Wetenschap"):
        assert secret not in text

    monkeypatch.setattr("anontui.server.http._is_of_this_machine", lambda request: False)
    assert httpx.get(f"{call.url}/health").status_code == 200
    assert httpx.get(f"{call.url}/metrics").status_code == 404
    assert call("GET", "metrics")[0] == 404
    token = ledger.users.add("root", role=Role.ADMIN)
    answer = httpx.get(
        f"{call.url}/metrics?user_name=root", headers={"Authorization": f"Token {token}"}
    )
    assert answer.status_code == 200
    assert answer.text.startswith("# HELP")


def test_every_line_of_the_metrics_is_of_prometheus_format(call: Caller) -> None:
    call.create()
    sample = r'[a-z_]+(\{[a-z]+="[\w.]+"\})? \d+'
    for line in httpx.get(f"{call.url}/metrics").text.splitlines():
        assert line.startswith(("# HELP anontui_", "# TYPE anontui_")) or re.fullmatch(
            sample, line
        ), line
