"""What a DICOMweb service can do wrong, staged: nothing short counts as whole, nothing hangs."""

from __future__ import annotations

import gzip
import json
import logging
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sending, Sent, Wanted
from anontui.pacs.fetch import fetch_study
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node, Web
from anontui.pacs.query import Level, Query
from anontui.pacs.web import WebArchive, keeping
from anontui.pacs.web import client as web_client
from anontui.pacs.web import http as web_http
from tests.pacs.peers import ct_study, to_bytes
from tests.pacs.staged import (
    BOUNDARY,
    Request,
    Staged,
    answer,
    as_json,
    listed,
    multipart,
    open_ended,
    staged,
)

DATASETS = ct_study(1, instances=3)
STUDY = str(DATASETS[0].StudyInstanceUID)
SERIES = f"{STUDY}.1"
UIDS = [str(dataset.SOPInstanceUID) for dataset in DATASETS]
FILES = [to_bytes(dataset) for dataset in DATASETS]
SECRET = "a-secret-word"


def nothing(*_: object) -> None:
    pass


def retrieved(
    script_answer: Iterable[bytes],
    folder: Path,
    *,
    user: str = "",
    password: str = "",
    token: str = "",
) -> tuple[Staged, Inbox]:
    """Retrieve the study from a server that answers so."""
    inbox = Inbox(folder)
    with staged(lambda _: script_answer) as server:
        node = server.node(user=user, password=password, token=token)
        with closing(WebArchive(node)) as web:
            web.retrieve(Wanted(STUDY), inbox, nothing)
    return server, inbox


WHOLE = multipart(*FILES)


@pytest.mark.parametrize("end", [0, 20, 200, len(FILES[0]), len(WHOLE) // 2, len(WHOLE) - 5])
def test_a_body_that_is_cut_is_an_error_and_no_part_of_it_is_half(tmp_path: Path, end: int) -> None:
    with pytest.raises(PacsError, match="makes no sense") as raised:
        retrieved(open_ended(WHOLE[:end]), tmp_path)
    assert raised.value.transient
    for path in tmp_path.iterdir():
        assert path.read_bytes() in FILES


def test_a_body_shorter_than_announced_is_an_error(tmp_path: Path) -> None:
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    head, body = answer(WHOLE, kind=kind)
    with pytest.raises(PacsError, match="broke off") as raised:
        retrieved([head, body[:-300]], tmp_path)
    assert raised.value.transient
    assert Inbox(tmp_path).count() == 2


def test_a_wrong_boundary_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PacsError, match="makes no sense"):
        retrieved(open_ended(WHOLE, boundary="another"), tmp_path)
    assert Inbox(tmp_path).count() == 0


def test_a_whole_answer_is_kept_though_it_is_open_ended(tmp_path: Path) -> None:
    server, inbox = retrieved(open_ended(WHOLE), tmp_path)
    assert {path.read_bytes() for path in inbox.files()} == set(FILES)
    headers = server.requests[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'


def test_an_instance_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    _, inbox = retrieved(open_ended(multipart(*FILES * 20)), tmp_path)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(FILES)
    assert inbox.count() == 3


def test_one_file_may_come_without_parts(tmp_path: Path) -> None:
    _, inbox = retrieved(answer(FILES[0], kind="application/dicom"), tmp_path)
    assert inbox.has(UIDS[0])


def test_one_file_whose_end_is_not_known_is_refused(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom\r\nConnection: close\r\n\r\n"
    with pytest.raises(PacsError, match="makes no sense"):
        retrieved([head, FILES[0]], tmp_path)
    assert Inbox(tmp_path).count() == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"no file",
        FILES[0][:200],
        FILES[0].replace(UIDS[0].encode(), b"../../../etc/passwd".ljust(len(UIDS[0]), b"x")),
    ],
    ids=["empty", "text", "cut", "hostile UID"],
)
def test_parts_that_are_no_files_are_told_and_the_others_kept(tmp_path: Path, bad: bytes) -> None:
    with pytest.raises(PacsError, match="sent 1 parts that are no DICOM") as raised:
        retrieved(open_ended(multipart(bad, *FILES[1:])), tmp_path)
    assert not raised.value.transient
    assert {path.read_bytes() for path in tmp_path.iterdir()} == set(FILES[1:])


@pytest.mark.parametrize("length", [len(FILES[0]) - 1, len(FILES[0]) + 1, 0, 1 << 60])
def test_parts_that_lie_about_their_length_are_not_kept(tmp_path: Path, length: int) -> None:
    with pytest.raises(PacsError, match="or not whole"):
        retrieved(open_ended(multipart(FILES[0], length=length)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_part_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_PART_BYTES", 1 << 20)

    def endless() -> Iterator[bytes]:
        yield from open_ended(multipart(FILES[0], close=False)[:-2])
        while True:
            yield bytes(1 << 16)

    with pytest.raises(PacsError, match="makes no sense"):
        retrieved(endless(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compression_that_was_not_asked_for_is_undone(tmp_path: Path, encoding: str) -> None:
    body = gzip.compress(WHOLE) if encoding == "gzip" else zlib.compress(WHOLE)
    kind = f"multipart/related; boundary={BOUNDARY}"
    _, inbox = retrieved(
        answer(body, kind=kind, more=f"Content-Encoding: {encoding}\r\n"), tmp_path
    )
    assert {path.read_bytes() for path in inbox.files()} == set(FILES)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(WHOLE, mtime=0)[:-20]), ("gzip", b"not at all"), ("br", WHOLE)],
)
def test_compression_that_is_broken_is_an_error(tmp_path: Path, encoding: str, body: bytes) -> None:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary={BOUNDARY}\r\n"
        f"Content-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    )
    with pytest.raises(PacsError, match="makes no sense"):
        retrieved([head.encode(), body], tmp_path)


def test_a_compressed_answer_that_is_cut_is_an_error() -> None:
    content = gzip.compress(b"[]")[:-4]
    with (
        staged(lambda _: answer(content, more="Content-Encoding: gzip\r\n")) as server,
        closing(WebArchive(server.node())) as web,
        pytest.raises(PacsError, match="makes no sense"),
    ):
        list(web.find(Query(), nothing))


def test_a_bomb_of_an_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_http, "MOST_JSON_BYTES", 1 << 20)
    bomb = gzip.compress(b"[" + b" " * (32 << 20) + b"]")
    script = lambda _: answer(bomb, more="Content-Encoding: gzip\r\n")  # noqa: E731
    with (
        staged(script) as server,
        closing(WebArchive(server.node())) as web,
        pytest.raises(PacsError, match="makes no sense") as raised,
    ):
        list(web.find(Query(), nothing))
    assert "no end" in raised.value.cause


@pytest.mark.parametrize(
    ("status", "words", "transient", "kind"),
    [
        (301, "sends us on", False, PacsError),
        (302, "sends us on", False, PacsError),
        (400, "does not understand", False, PacsError),
        (401, "does not know who we are", False, PacsError),
        (403, "does not allow", False, PacsError),
        (404, "does not have what was asked for", False, NotOffered),
        (405, "does not have what was asked for", False, NotOffered),
        (406, "form asked for", False, NotOffered),
        (501, "does not have what was asked for", False, NotOffered),
        (429, "cannot answer now", True, PacsError),
        (500, "cannot answer now", True, PacsError),
        (503, "cannot answer now", True, PacsError),
    ],
)
def test_each_status_says_what_to_do(
    tmp_path: Path, status: int, words: str, transient: bool, kind: type[PacsError]
) -> None:
    with staged(
        lambda _: answer(status=status, more="Location: http://127.0.0.1:1/\r\n")
    ) as server:
        with closing(WebArchive(server.node(user="me", password=SECRET))) as web:
            for call in (
                lambda: web.retrieve(Wanted(STUDY), Inbox(tmp_path), nothing),
                lambda: list(web.find(Query(patient_name="Invented^Person"), nothing)),
                web.echo,
            ):
                with pytest.raises(kind, match=words) as raised:
                    call()
                error = raised.value
                assert error.transient is transient
                assert error.advice
                assert f"HTTP {status}" in error.cause
                for text in (SECRET, "Invented", STUDY):
                    assert text not in error.sentence()
        assert len(server.requests) == 3  # a redirect is not followed


def test_who_we_are_is_told_to_the_archive_only(tmp_path: Path) -> None:
    server, _ = retrieved(open_ended(WHOLE), tmp_path, user="me", password=SECRET)
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    server, _ = retrieved(open_ended(WHOLE), tmp_path, token=SECRET)
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(server.node(token=SECRET))


def test_an_archive_that_says_nothing_is_left_after_its_time(tmp_path: Path) -> None:
    def silent(_: Request) -> Iterator[bytes]:
        yield open_ended(b"")[0]
        time.sleep(30)

    with staged(silent) as server, closing(WebArchive(server.node(answer=0.3))) as web:
        with pytest.raises(PacsError, match="takes too long") as raised:
            web.retrieve(Wanted(STUDY), Inbox(tmp_path), nothing)
        assert raised.value.transient


def test_a_wait_can_be_stopped(tmp_path: Path) -> None:
    def silent(_: Request) -> Iterator[bytes]:
        yield open_ended(b"")[0]
        time.sleep(30)

    end = time.monotonic() + 1.0

    def tick() -> None:
        if time.monotonic() > end:
            raise KeyboardInterrupt

    with staged(silent) as server, closing(WebArchive(server.node(answer=25.0))) as web:
        with pytest.raises(KeyboardInterrupt):
            web.retrieve(Wanted(STUDY), Inbox(tmp_path), tick)
        assert time.monotonic() < end + 10


def test_an_answer_that_drips_is_left_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_http, "_JSON_PATIENCE", 2)

    def drip(_: Request) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n["
        while True:
            time.sleep(0.1)
            yield b" "

    with (
        staged(drip) as server,
        closing(WebArchive(server.node(answer=0.4))) as web,
        pytest.raises(PacsError, match="takes too long"),
    ):
        web.echo()


@pytest.mark.parametrize(
    "content",
    [b"{}", b"[1]", b"[[", b"nothing", b"[" * 100_000, b'[{"0020000D": {"Value": ["../.."]}}]'],
)
def test_answers_that_are_none_are_an_error(content: bytes) -> None:
    with (
        staged(lambda _: answer(content)) as server,
        closing(WebArchive(server.node())) as web,
        pytest.raises(PacsError, match="makes no sense") as raised,
    ):
        list(web.find(Query(), nothing))
    assert not raised.value.transient


def test_values_of_any_kind_are_borne() -> None:
    strange = {
        "0020000D": {"Value": [STUDY + "\0"]},
        "00100010": {"Value": [{"Alphabetic": "A^B\x1b[2J\n", "Phonetic": 3}]},
        "00100020": {"Value": {"no": "list"}},
        "00080061": {"Value": ["CT", None, {}, 7]},
        "00201208": {"Value": ["-3"]},
        "00201206": {"Value": ["12 "]},
        "00081030": "no element",
    }
    with staged(lambda _: as_json([strange])) as server, closing(WebArchive(server.node())) as web:
        (study,) = web.find(Query(), nothing)
    assert vars(study) | {"patient_name": "A^B[2J==3", "modalities": ("CT", "", "7")} == vars(study)
    assert (study.study, study.instances, study.series) == (STUDY, None, 12)  # type: ignore[union-attr]
    assert (study.patient_id, study.description) == ("", "")  # type: ignore[union-attr]


def page_of(request: Request) -> int:
    return int(request.target.split("offset=")[1].split("&")[0])


@pytest.mark.parametrize("most", [1, 2, 1000])
def test_pages_are_asked_for_until_nothing_is_new(most: int) -> None:
    """An archive may give fewer at a time than it was asked for."""

    def script(request: Request) -> list[bytes]:
        start = page_of(request)
        return as_json(listed(STUDY, *UIDS)[start : start + most])

    with staged(script) as server, closing(WebArchive(server.node())) as web:
        found = list(web.find(Query(Level.IMAGE, study=STUDY), nothing))
    assert [one.instance for one in found] == UIDS  # type: ignore[union-attr]


def test_an_archive_that_knows_no_pages_is_not_asked_for_ever() -> None:
    with staged(lambda _: as_json(listed(STUDY, *UIDS))) as server:
        with closing(WebArchive(server.node())) as web:
            assert len(list(web.find(Query(Level.IMAGE, study=STUDY), nothing))) == 3
        assert len(server.requests) == 2


def test_endless_answers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_client, "MOST_ANSWERS", 20)

    def script(request: Request) -> list[bytes]:
        start = page_of(request)
        return as_json(listed(STUDY, *(f"1.2.{number}" for number in range(start, start + 9))))

    with (
        staged(script) as server,
        closing(WebArchive(server.node())) as web,
        pytest.raises(PacsError, match="makes no sense"),
    ):
        list(web.find(Query(Level.IMAGE, study=STUDY), nothing))


def test_texts_are_escaped_as_archives_read_them() -> None:
    with staged(lambda _: as_json([])) as server, closing(WebArchive(server.node())) as web:
        list(web.find(Query(patient_name="Jansen^A*", accession="A&B=C #1%"), nothing))
    assert "PatientName=Jansen^A*&" in server.targets[0]
    assert "AccessionNumber=A%26B=C%20%231%25&" in server.targets[0]


@pytest.mark.parametrize("uid", ["", "1.2/../3", "1" * 65, "1.2\n3", "*"])
def test_what_is_no_uid_never_comes_into_a_url(tmp_path: Path, uid: str) -> None:
    with staged(lambda _: answer()) as server, closing(WebArchive(server.node())) as web:
        for call in (
            lambda: web.retrieve(Wanted(uid), Inbox(tmp_path), nothing),
            lambda: web.retrieve(Wanted(STUDY, ((SERIES, uid),)), Inbox(tmp_path), nothing),
            lambda: list(web.find(Query(Level.IMAGE, study=uid), nothing)),
        ):
            with pytest.raises(PacsError, match="not the UID"):
                call()
        assert not server.requests


def test_nothing_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with staged(lambda _: as_json([])) as server, closing(WebArchive(server.node())) as web:
        list(web.find(Query(patient_name="Invented^Person"), nothing))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "url",
    ["", "pacs", "ftp://pacs/", "http://", "http://me:word@pacs/", "http://pacs/?a=1", "http://["],
)
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(PacsError, match="url of PACS") as raised:
        WebArchive(Node("PACS", web=Web(url)))
    assert "word" not in raised.value.sentence()


def test_an_archive_that_lists_more_than_it_has_is_never_complete(tmp_path: Path) -> None:
    def script(request: Request) -> list[bytes]:
        if "limit=" in request.target:
            return as_json(listed(STUDY, *UIDS, series=SERIES))
        if request.target.endswith(STUDY):
            return open_ended(multipart(*FILES[:2]))
        return answer(status=404)

    with staged(script) as server, closing(WebArchive(server.node())) as web:
        with pytest.raises(PacsError, match="2 of 3 instances came from STAGED") as raised:
            fetch_study(web, STUDY, Inbox(tmp_path), nothing, nothing, patience=0.0)
        assert raised.value.transient
        asked = [target for target in server.targets if "limit=" not in target]
        single = f"/studies/{STUDY}/series/{SERIES}/instances/{UIDS[2]}"
        assert asked == [f"/studies/{STUDY}", single, single, single]


SOP = "00081155"


def stored(good: list[str] = [], bad: dict[str, int] = {}) -> bytes:  # noqa: B006
    return json.dumps(
        {
            "00081199": {"Value": [{SOP: {"Value": [uid]}} for uid in good]},
            "00081198": {
                "Value": [
                    {SOP: {"Value": [uid]}, "00081197": {"Value": [code]}}
                    for uid, code in bad.items()
                ]
            },
        }
    ).encode()


def send(tmp_path: Path, *answers: Iterable[bytes]) -> tuple[Staged, list[Sent]]:
    paths = []
    for number, content in enumerate(FILES):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(content)
    left = list(answers)
    with staged(lambda _: left.pop(0)) as server, closing(WebArchive(server.node())) as web:
        sent = list(web.send(paths, nothing))
    assert [one.path for one in sent] == paths
    return server, sent


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, stored(UIDS), ["sent"] * 3),
        (200, b"", ["sent"] * 3),
        (200, b"<xml/>", ["sent"] * 3),
        (202, stored(UIDS[:1], {UIDS[1]: 0x0122, UIDS[2]: 0xA700}), ["sent", "never", "again"]),
        (202, stored(UIDS[:2]), ["sent", "sent", "again"]),
        (202, b"", ["again"] * 3),
        (409, stored([], dict.fromkeys(UIDS, 0x0111)), ["there"] * 3),
        (409, stored([], dict.fromkeys(UIDS, 0xA9FF)), ["never"] * 3),
        (409, stored([], dict.fromkeys(UIDS, 0xC122)), ["never"] * 3),
        (409, b'{"00081198": {"Value": [3]}}', ["again"] * 3),
        (200, stored(["not a UID"]), ["sent"] * 3),
    ],
)
def test_what_became_of_each_file_is_read(
    tmp_path: Path, status: int, body: bytes, expected: list[str]
) -> None:
    server, sent = send(tmp_path, answer(body, status=status))
    told = [
        {Sending.SENT: "sent", Sending.THERE: "there"}.get(
            one.what, "again" if one.transient else "never"
        )
        for one in sent
    ]
    assert told == expected
    assert all(bool(one.reason) == (one.what is Sending.FAILED) for one in sent)
    request = server.requests[0]
    assert int(request.headers["content-length"]) == len(request.body)
    assert all(content in request.body for content in FILES)


def test_a_request_that_is_too_large_is_halved(tmp_path: Path) -> None:
    large = answer(status=413)
    good = answer(stored(UIDS))
    server, sent = send(tmp_path, large, good, large, good, large)
    assert [one.what.name for one in sent] == ["SENT", "SENT", "FAILED"]
    assert not sent[2].transient
    assert len(server.requests) == 5


def test_a_service_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotOffered):
        send(tmp_path, answer(status=405))
