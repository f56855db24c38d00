"""Sending to a bucket, against moto's server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sending, Sent, Wanted
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Bucket, Node, Timeouts
from anontui.pacs.query import Query
from anontui.pacs.s3 import BucketArchive, NameOf
from anontui.pacs.ways import Ways
from tests.pacs.peers import ct_study, to_bytes
from tests.pacs.staged import Request, staged

SECRET = "wJalrXUtnFEMI-not-a-real-key"
ACCESS = "AKIAINVENTED"
DATASETS = ct_study(1, instances=3)
KEYS = [
    f"{one.StudyInstanceUID}/{one.SeriesInstanceUID}/{one.SOPInstanceUID}.dcm" for one in DATASETS
]


def nothing(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def client(service: str) -> Iterator[Any]:
    """The service, empty but for a bucket ``results``."""
    client = boto3.client(
        "s3",
        endpoint_url=service,
        region_name="us-east-1",
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="results")
    yield client
    for name in names(client):
        client.delete_object(Bucket="results", Key=name)
    client.close()


def names(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket="results").get("Contents", [])]


def node(service: str, *, bucket: str = "results", prefix: str = "") -> Node:
    return Node(
        "STORE",
        bucket=Bucket(bucket, prefix, service, access_key=ACCESS, secret_key=SECRET),
        timeouts=Timeouts(1.0, 1.0, 2.0),
    )


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for number, dataset in enumerate(DATASETS):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


def send(to: Node, files: list[Path], name_of: NameOf | None = None) -> list[Sent]:
    with closing(BucketArchive(to, name_of)) as archive:
        return list(archive.send(files, nothing))


def test_files_are_put_under_their_uids(service: str, client: Any, files: list[Path]) -> None:
    assert [one.what for one in send(node(service), files)] == [Sending.SENT] * 3
    assert names(client) == KEYS
    body = BytesIO(client.get_object(Bucket="results", Key=KEYS[0])["Body"].read())
    assert body.getvalue() == files[0].read_bytes()


def test_names_are_those_of_the_layout(service: str, client: Any, files: list[Path]) -> None:
    sent = send(node(service, prefix="/a/b/"), files, lambda path: f"P-1/{path.name}")
    assert [one.what for one in sent] == [Sending.SENT] * 3
    assert names(client) == [f"a/b/P-1/{number}.dcm" for number in range(3)]


def test_what_is_there_is_neither_sent_again_nor_changed(
    service: str, client: Any, files: list[Path]
) -> None:
    client.put_object(Bucket="results", Key=KEYS[1], Body=b"of before")
    expected = [Sending.SENT, Sending.THERE, Sending.SENT]
    assert [one.what for one in send(node(service), files)] == expected
    assert [one.what for one in send(node(service), files)] == [Sending.THERE] * 3
    assert client.get_object(Bucket="results", Key=KEYS[1])["Body"].read() == b"of before"


@pytest.mark.parametrize("name", ["../up.dcm", "a/../../up.dcm", "/root.dcm", ""])
def test_no_name_leads_out_of_the_prefix(
    service: str, client: Any, files: list[Path], name: str
) -> None:
    sent = send(node(service, prefix="mine"), files[:1], lambda _: name)
    assert [(one.what, one.transient) for one in sent] == [(Sending.FAILED, False)]
    assert names(client) == []


def test_what_cannot_be_read_fails_and_the_rest_is_sent(
    service: str, client: Any, files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no DICOM")
    sent = send(node(service), [tmp_path / "text", tmp_path / "missing", files[0]])
    assert [one.what for one in sent] == [Sending.FAILED, Sending.FAILED, Sending.SENT]
    assert names(client) == KEYS[:1]


def test_an_echo_asks_for_the_bucket(service: str, client: Any) -> None:
    with closing(BucketArchive(node(service))) as archive:
        assert archive.echo() > 0
    with (
        closing(BucketArchive(node(service, bucket="missing"))) as archive,
        pytest.raises(PacsError, match="does not exist"),
    ):
        archive.echo()


def test_it_is_one_of_the_ways(service: str, client: Any, files: list[Path]) -> None:
    with closing(Ways(node(service))) as archive:
        assert (archive.can_find, archive.can_retrieve, archive.can_send) == (False, False, True)
        assert [one.what for one in archive.send(files, nothing)] == [Sending.SENT] * 3
        assert [one.what for one in archive.send(files, nothing)] == [Sending.THERE] * 3
        with pytest.raises(NotOffered):
            list(archive.find(Query(), nothing))
        with pytest.raises(NotOffered):
            archive.retrieve(Wanted("1.2.3"), Inbox(files[0].parent / "in"), nothing)


def error(status: int, code: str) -> list[bytes]:
    body = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{ACCESS} {SECRET}</Message>"
        f"<AWSAccessKeyId>{ACCESS}</AWSAccessKeyId></Error>"
    ).encode()
    head = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return [head.encode(), body]


@pytest.mark.parametrize(
    ("status", "code", "words", "transient", "kind"),
    [
        (403, "AccessDenied", "does not let us in", False, PacsError),
        (403, "InvalidAccessKeyId", "does not let us in", False, PacsError),
        (403, "SignatureDoesNotMatch", "does not let us in", False, PacsError),
        (404, "NoSuchBucket", "does not exist", False, PacsError),
        (501, "NotImplemented", "only where there is none", False, NotOffered),
        (400, "SomethingElse", "does not take it", False, PacsError),
        (503, "ServiceUnavailable", "does not take it", True, PacsError),
    ],
)
def test_refusals_are_told_without_any_key(
    files: list[Path],
    status: int,
    code: str,
    words: str,
    transient: bool,
    kind: type[PacsError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with staged(lambda _: error(status, code)) as server:
        with pytest.raises(kind, match=words) as raised:
            send(node(server.url.removesuffix("/dicom-web")), files[:1])
        assert all(SECRET not in str(request.headers) for request in server.requests)
    assert raised.value.transient is transient
    for text in (raised.value.sentence(), repr(raised.value), caplog.text):
        assert SECRET not in text
        assert ACCESS not in text


def test_every_put_is_conditional(files: list[Path]) -> None:
    def script(request: Request) -> list[bytes]:
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]

    with staged(script) as server:
        send(node(server.url.removesuffix("/dicom-web")), files[:1])
        assert [request.method for request in server.requests] == ["PUT"]
        assert all(request.headers["if-none-match"] == "*" for request in server.requests)


def test_a_service_that_is_not_there_is_told(files: list[Path]) -> None:
    with pytest.raises(PacsError, match="cannot be reached") as raised:
        send(node("http://127.0.0.1:1"), files)
    assert raised.value.transient


@pytest.mark.parametrize("endpoint", ["nowhere", "http://["])
def test_an_endpoint_that_is_none_is_told(endpoint: str) -> None:
    with pytest.raises(PacsError, match="as it is written down") as raised:
        BucketArchive(node(endpoint))
    assert SECRET not in raised.value.sentence()


def test_without_boto3_it_is_told_what_to_install(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(PacsError, match="not installed") as raised:
        Ways(node(service))
    assert "anontui[s3]" in raised.value.advice
