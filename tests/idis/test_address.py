"""A server's url is taken as people write it, or refused with what to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.idis.address import server_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host", "https://host"),
        ("https://host/", "https://host"),
        (" https://host/p01// ", "https://host/p01"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/a/b", "http://[::1]:8000/a/b"),
        ("HTTPS://Host/P01", "HTTPS://Host/P01"),
    ],
)
def test_url_is_taken(text: str, url: str) -> None:
    assert server_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host/p01",
        "localhost:8000",
        "ftp://host",
        "file:///etc",
        "//host",
        "http://",
        "http:///p01",
        "https:host",
        "http://host:port",
        "http://host:0",
        "http://host:70000",
        "http://[::1",
        "http://host/a b",
        "http://host/a\nb",
        "http://host\\a",
        "http://host/?a=b",
        "http://host/#a",
        "http://host/\x1b[2J",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a server's url") as caught:
        server_url(text)
    assert "https://" in caught.value.advice
    assert caught.value.sentence().isprintable()


@pytest.mark.parametrize("text", ["https://user:secret@host", "https://secret@host", "http://:@h"])
def test_credentials_in_it_are_refused_unseen(text: str) -> None:
    with pytest.raises(UsageError, match="credentials") as caught:
        server_url(text)
    assert "secret" not in caught.value.sentence()


@given(st.text() | st.text().map("https://".__add__))
def test_no_text_gives_a_traceback(text: str) -> None:
    try:
        assert server_url(text).lower().startswith("http")
    except UsageError as error:
        assert error.advice
