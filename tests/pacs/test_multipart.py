"""Answers of many parts are split wherever their chunks were cut, and never taken for whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.pacs.web.multipart import (
    MOST_HEADER_BYTES,
    MOST_OTHER_BYTES,
    Garbled,
    boundary_of,
    split,
)

BOUNDARY = b"b-1"
DELIMITER = b"\r\n--" + BOUNDARY
# pieces that come near to a boundary, as data may
NEAR = (
    b"\r",
    b"\n",
    b"\r\n",
    b"--",
    b"-",
    DELIMITER[:-1],
    DELIMITER + b"x",
    b"--" + BOUNDARY,
    b"\0",
)
contents = st.lists(st.sampled_from(NEAR) | st.binary(max_size=6), max_size=8).map(b"".join)


def is_possible(content: bytes) -> bool:
    """No sender may choose a boundary that its data has."""
    text = content + b"\r\n"
    at = text.find(DELIMITER)
    while at >= 0:
        rest = text[at + len(DELIMITER) :]
        if rest.startswith(b"--") or rest.lstrip(b" \t").startswith(b"\r\n"):
            return False
        at = text.find(DELIMITER, at + 1)
    return not text.startswith(b"--" + BOUNDARY)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    parts = draw(st.lists(contents.filter(is_possible), max_size=4))
    body = draw(st.sampled_from([b"", b"a preamble\r\n", b"\r\n"]))
    for part in parts:
        padding = draw(st.sampled_from([b"", b" ", b"\t "]))
        headers = draw(st.sampled_from([b"", b"Content-Type: application/dicom\r\n"]))
        body += b"--" + BOUNDARY + padding + b"\r\n" + headers + b"\r\n" + part + b"\r\n"
    return parts, body + b"--" + BOUNDARY + b"--"


@st.composite
def cut(draw: st.DrawFn, body: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=12)))
    ends = [*places, len(body)]
    return [body[start:end] for start, end in zip([0, *places], ends, strict=True)]


def parts_of(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for part in split(chunks, BOUNDARY):
        yield b"".join(part.data)


@given(st.data(), bodies(), st.sampled_from([b"", b"\r\n", b"\r\nan epilogue\r\n--b-1--"]))
def test_parts_come_as_they_were_sent(
    data: st.DataObject, body: tuple[list[bytes], bytes], epilogue: bytes
) -> None:
    parts, content = body
    chunks = data.draw(cut(content + epilogue))
    assert list(parts_of(iter(chunks))) == parts


@given(st.data(), bodies())
def test_what_ends_early_is_never_whole(
    data: st.DataObject, body: tuple[list[bytes], bytes]
) -> None:
    parts, content = body
    end = data.draw(st.integers(0, len(content) - 1))
    came: list[bytes] = []
    with pytest.raises(Garbled):
        came.extend(parts_of(iter(data.draw(cut(content[:end])))))
    assert came == parts[: len(came)]


@given(bodies())
def test_byte_by_byte(body: tuple[list[bytes], bytes]) -> None:
    parts, content = body
    assert list(parts_of(content[i : i + 1] for i in range(len(content)))) == parts


def test_parts_that_are_not_read_are_passed_over() -> None:
    body = b"--b-1\r\n\r\none\r\n--b-1\r\n\r\ntwo\r\n--b-1--"
    assert len(list(split([body], BOUNDARY))) == 2


def test_a_length_is_told() -> None:
    body = (
        b"--b-1\r\ncontent-LENGTH : 3\r\n\r\none\r\n--b-1\r\nContent-Length: -3\r\n\r\n\r\n--b-1--"
    )
    assert [part.length for part in split([body], BOUNDARY)] == [3, None]


def endless(start: bytes, piece: bytes, taken: list[int]) -> Iterator[bytes]:
    yield start
    while True:
        taken.append(len(piece))
        yield piece


@pytest.mark.parametrize(
    ("start", "piece", "most"),
    [
        (b"", b"no boundary at all " * 99, MOST_OTHER_BYTES),
        (b"--b-1\r\n", b"Header: value\r\n" * 99, MOST_HEADER_BYTES),
        (b"--b-1 ", b" " * 999, 2 * MOST_OTHER_BYTES),
    ],
    ids=["no boundary", "endless headers", "endless padding"],
)
def test_what_has_no_end_is_refused_early(start: bytes, piece: bytes, most: int) -> None:
    taken: list[int] = []
    with pytest.raises(Garbled):
        list(parts_of(endless(start, piece, taken)))
    assert sum(taken) < 2 * most


def test_an_endless_epilogue_is_left() -> None:
    taken: list[int] = []
    assert not list(parts_of(endless(b"--b-1--", b"\r\n" * 999, taken)))
    assert sum(taken) < 2 * MOST_OTHER_BYTES


def test_memory_stays_flat() -> None:
    """No piece is larger than a chunk and what was kept of the one before."""
    chunk = b"x" * 5000
    body = (piece for piece in [b"--b-1\r\n\r\n", *[chunk] * 200, b"\r\n--b-1--"])
    for part in split(body, BOUNDARY):
        assert max(len(piece) for piece in part.data) <= len(chunk) + len(DELIMITER)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (
            'multipart/related; type="application/dicom"; boundary=a-b',
            ("multipart/related", b"a-b"),
        ),
        ('Multipart/Related; boundary="a b;c"', ("multipart/related", b"a b;c")),
        ("multipart/related", ("multipart/related", b"")),
        ("multipart/related; boundary*=utf-8''a", ("multipart/related", b"")),
        ("multipart/related; boundary=" + "x" * 201, ("multipart/related", b"")),
        ("application/dicom", ("application/dicom", b"")),
    ],
)
def test_boundaries_are_read(content_type: str, expected: tuple[str, bytes]) -> None:
    assert boundary_of(content_type) == expected
