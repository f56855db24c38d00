"""``anontui web``: a browser's part played by a client of the same protocol."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.cli.conftest import Command

ANONTUI = [sys.executable, "-P", "-m", "anontui"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address that the command prints."""
    folder = tmp_path / "lung-ct"
    folder.mkdir()
    with subprocess.Popen(
        [*ANONTUI, "web"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout and program.stderr
        yield program.stdout.readline().strip()
        program.send_signal(signal.SIGINT)
        errors = program.communicate(timeout=30)[1]
    assert "Traceback" not in errors
    assert re.search(r"token=", errors) is None


def browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def refused(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect(f"{url}/ws", headers=headers)
    return caught.value.status


async def screen(session: aiohttp.ClientSession, base: str, text: bytes) -> None:
    """Open the app as the page's script does, wait for a text, and leave."""
    async with session.ws_connect(f"{base}/ws?width=100&height=30", origin=base) as socket:
        await socket.send_str(json.dumps(["resize", {"width": 100, "height": 30}]))
        drawn = b""
        async with asyncio.timeout(30):
            while text not in drawn:
                message = await socket.receive()
                assert message.type == aiohttp.WSMsgType.BINARY, message
                drawn += message.data
            await socket.send_str(json.dumps(["stdin", "q"]))
            while not socket.closed:
                await socket.receive()


async def test_the_token_is_needed_and_works_once(url: str) -> None:
    base = url.split("/?", maxsplit=1)[0]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", url)
    async with browser() as stranger:
        for path in ("/", "/?token=", "/?token=x", "/static/js/textual.js", "/download/x"):
            assert await status(stranger, base + path) == 403
        assert await refused(stranger, base, Origin=base) == 403
    async with browser() as user:
        async with user.get(url) as page:
            assert page.status == 200 and str(page.url) == f"{base}/"  # no token stays in sight
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            text = await page.text()
        assert set(re.findall(r"https?://[^/\"']+", text)) == {base}  # nothing from elsewhere
        assert await status(user, f"{base}/static/js/textual.js") == 200
        await screen(user, base, b"Mapping")
        await screen(user, base, b"Mapping")  # the page read again
    async with browser() as second:
        assert await status(second, url) == 403
        assert await refused(second, base, Origin=base) == 403


async def test_ctrl_c_ends_it_while_a_browser_looks_on(tmp_path: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        *ANONTUI,
        "web",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert program.stdout
    url = (await program.stdout.readline()).decode().strip()
    base = url.split("/?")[0]
    async with browser() as user, asyncio.timeout(60):
        assert await status(user, url) == 303
        async with user.ws_connect(f"{base}/ws", origin=base) as socket:
            assert (await socket.receive()).type == aiohttp.WSMsgType.BINARY
            program.send_signal(signal.SIGINT)
            _, errors = await program.communicate()
    assert b"Traceback" not in errors


async def test_other_pages_cannot_use_the_browser_s_cookie(url: str) -> None:
    base = url.split("/?", maxsplit=1)[0]
    async with browser() as user:
        async with user.get(url) as page:
            cookie = next(iter(page.history[0].cookies.values()))
        assert cookie["httponly"] and cookie["samesite"] == "Strict"
        assert await refused(user, base, Origin="http://elsewhere.example") == 403
        assert await refused(user, base) == 403  # no page at all
        assert await status(user, f"{base}/", Host="elsewhere.example") == 403


def test_it_listens_on_this_machine_only(url: str) -> None:
    import socket

    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    outside = [
        info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    ]
    for address in {str(a) for a in outside if not str(a).startswith("127.")}:
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=2)


def test_without_the_extra_it_says_what_to_install(
    anontui: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, "anontui.cli.webserver", raising=False)
    ran = anontui("web")
    assert ran.code == 2 and "pip install 'anontui[web]'" in ran.err and not ran.out


def test_a_port_that_is_taken(anontui: Command) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = anontui("web", "--port", str(taken.getsockname()[1]))
    assert ran.code == 1 and "--port" in ran.err and not ran.out
