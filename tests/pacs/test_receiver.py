"""The receiver: what it acknowledges is there, whoever sends, whatever happens."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE, _config, build_context
from pynetdicom.association import Association

from anontui.errors import PacsError
from anontui.pacs.archive import Sending
from anontui.pacs.dimse import DimseArchive
from anontui.pacs.dimse.client import associate
from anontui.pacs.dimse.command import Field, request
from anontui.pacs.dimse.contexts import STORAGE, SYNTAXES, Proposal
from anontui.pacs.dimse.raw import read_meta
from anontui.pacs.dimse.upper import Association as Ours
from anontui.pacs.dimse.upper import Ended
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node, Tls
from anontui.pacs.receiver import Receiver, Refusal, Where, study_key
from tests.needs import program
from tests.pacs.peers import ct_study, free_port, peer, to_bytes
from tests.pacs.test_dimse import CERTIFICATE, ENCODINGS, KEY, no_tick, wait_for

CT = "1.2.840.10008.5.1.4.1.1.2"
SEEDS = range(20 if os.environ.get("ANONTUI_NIGHTLY") else 3)


@contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    with Receiver(Where(0), lambda _, __: folder) as receiver:
        yield receiver


@contextmanager
def sending(
    port: int,
    contexts: Sequence[tuple[str, str]] = ((CT, ExplicitVRLittleEndian),),
    calling: str = "SENDER",
    called: str = "ANY",
) -> Iterator[Association]:
    """An association of pynetdicom's to the receiver."""
    ae = AE(calling)
    ae.requested_contexts = [build_context(UID(uid), UID(syntax)) for uid, syntax in contexts]
    association = ae.associate("127.0.0.1", port, ae_title=called)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


@contextmanager
def talking(
    port: int, contexts: Sequence[tuple[str, str]] = ((CT, ExplicitVRLittleEndian),)
) -> Iterator[Ours]:
    """An association of our own to the receiver: it sends any bytes."""
    dimse = Dimse("ANY", "127.0.0.1", port)
    proposals = [Proposal(sop_class, (syntax,)) for sop_class, syntax in contexts]
    with associate(Node("N", dimse=dimse), dimse, proposals, no_tick) as association:
        yield association


def store(association: Ours, instance: str, data: bytes, sop_class: str = CT) -> int:
    """Send bytes as they are; returns the status."""
    context = association.context(sop_class)
    assert context is not None
    association.send(context, request(Field.STORE, sop_class, instance=instance), data)
    return association.receive()[1].status


def data_of(dataset: Dataset) -> bytes:
    whole = to_bytes(dataset)
    return whole[whole.index(b"\x08\x00\x08\x00CS") :]


def write(folder: Path, datasets: Sequence[Dataset]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for i, dataset in enumerate(datasets):
        paths.append(folder / f"{i:05d}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


def storescu(port: int, folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["storescu", "-v", *map(str, options), "+sd", "localhost", str(port), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TCP_NODELAY": "1"},
    )


def inbox_of(folder: Path, dataset: Dataset) -> Inbox:
    return Inbox(folder / study_key(str(dataset.StudyInstanceUID)))


@program("storescu", "dcmtk")
def test_what_storescu_sends_is_there_by_study(tmp_path: Path) -> None:
    datasets = [*ct_study(1, instances=5), *ct_study(2, instances=7)]
    write(tmp_path / "out", datasets)
    told: list[Path] = []
    with Receiver(Where(0), lambda _, __: tmp_path / "in", told.append) as receiver:
        done = storescu(receiver.port, tmp_path / "out")
        assert done.returncode == 0, done.stderr
        assert receiver.received == 12
    assert sorted(told) == sorted(inbox_of(tmp_path / "in", d).folder for d in datasets)
    assert inbox_of(tmp_path / "in", datasets[0]).count() == 5
    assert inbox_of(tmp_path / "in", datasets[-1]).count() == 7
    for dataset in datasets:
        path = inbox_of(tmp_path / "in", dataset).path_of(dataset.SOPInstanceUID)
        assert path.read_bytes()[read_meta(path).offset :] == data_of(dataset)
        assert dcmread(path) == dcmread(BytesIO(to_bytes(dataset)))


@program("echoscu", "dcmtk")
def test_an_echo_is_answered(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        subprocess.run(["echoscu", "localhost", str(receiver.port)], check=True)


@program("movescu", "dcmtk")
def test_what_an_archive_moves_to_us_is_there(tmp_path: Path) -> None:
    with (
        receiving(tmp_path / "in") as receiver,
        peer(tmp_path / "peer", known={"OURS": receiver.port}) as archive,
    ):
        datasets = ct_study(1, series=2, instances=20)
        archive.add(*datasets)
        study = str(datasets[0].StudyInstanceUID)
        keys = ["-k=QueryRetrieveLevel=STUDY", f"-k=StudyInstanceUID={study}"]
        keys = [part for key in keys for part in key.split("=", 1)]
        subprocess.run(
            [
                "movescu",
                "-S",
                "-aec",
                "PEER",
                "-aem",
                "OURS",
                *keys,
                "localhost",
                str(archive.port),
            ],
            check=True,
        )
    assert inbox_of(tmp_path / "in", datasets[0]).count() == 40


# Who may send


def test_ae_titles_are_checked(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def accept(calling: str, called: str) -> Path | Refusal | None:
        asked.append((calling, called))
        if calling != "KNOWN":
            return Refusal.CALLING_UNKNOWN
        return tmp_path / called if called == "PROJECT" else None

    with Receiver(Where(0), accept) as receiver:
        for calling, called, reason in (
            ("STRANGER", "PROJECT", 3),
            ("KNOWN", "OTHER", 7),
        ):
            with sending(receiver.port, calling=calling, called=called) as association:
                assert association.is_rejected
                answer = association.acceptor.primitive
                assert answer is not None
                assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, reason)
        dataset = ct_study(1)[0]
        with sending(receiver.port, calling="KNOWN", called="PROJECT") as association:
            assert association.send_c_store(dataset).Status == 0
    assert asked == [("STRANGER", "PROJECT"), ("KNOWN", "OTHER"), ("KNOWN", "PROJECT")]
    assert inbox_of(tmp_path / "PROJECT", dataset).has(dataset.SOPInstanceUID)


def test_too_many_at_once_are_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anontui.pacs.dimse.provider._MOST_ASSOCIATIONS", 2)
    with receiving(tmp_path) as receiver:
        with sending(receiver.port) as one, sending(receiver.port) as two:
            assert one.is_established
            assert two.is_established
            with sending(receiver.port) as three:
                answer = three.acceptor.primitive
                assert three.is_rejected
                assert answer is not None
                assert (answer.result, answer.result_source) == (2, 3)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with sending(receiver.port) as again:
                if again.is_established:
                    return
    pytest.fail("it takes nobody any more")


@program("storescu", "dcmtk")
def test_tls_is_demanded_when_it_is_on(tmp_path: Path) -> None:
    write(tmp_path / "out", ct_study(1, instances=3))
    tls = Tls(authority=CERTIFICATE, certificate=CERTIFICATE, key=KEY)
    with Receiver(Where(0, tls=tls), lambda _, __: tmp_path / "in") as receiver:
        assert storescu(receiver.port, tmp_path / "out").returncode != 0
        anonymous = storescu(receiver.port, tmp_path / "out", "+tla", "+cf", CERTIFICATE)
        assert anonymous.returncode != 0
        assert not (tmp_path / "in").exists()
        done = storescu(
            receiver.port, tmp_path / "out", "+tls", KEY, CERTIFICATE, "+cf", CERTIFICATE
        )
        assert done.returncode == 0, done.stderr
        assert receiver.received == 3


def test_a_port_that_is_taken_and_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    with (
        receiving(tmp_path) as receiver,
        pytest.raises(PacsError, match="cannot be listened on"),
        Receiver(Where(receiver.port), lambda _, __: tmp_path),
    ):
        pass
    absent = Tls(certificate=tmp_path / "absent")
    with (
        pytest.raises(PacsError, match="certificate to listen with"),
        Receiver(Where(0, tls=absent), lambda _, __: tmp_path),
    ):
        pass


# What is taken


def test_every_storage_class_is_taken(tmp_path: Path) -> None:
    assert len(STORAGE) > 190
    with receiving(tmp_path) as receiver:
        for start in range(0, len(STORAGE), 128):
            classes = STORAGE[start : start + 128]
            with talking(receiver.port, [(c, ExplicitVRLittleEndian) for c in classes]) as one:
                for number, sop_class in enumerate(classes, start):
                    dataset = Dataset()
                    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, f"1.2.3.{number}"
                    dataset.StudyInstanceUID = "1.2.3"
                    encoded = to_data(dataset)
                    assert store(one, f"1.2.3.{number}", encoded, sop_class) == 0
        assert receiver.received == len(STORAGE)
    paths = Inbox(tmp_path / study_key("1.2.3")).files()
    assert {read_meta(path).sop_class for path in paths} == set(STORAGE)


def to_data(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def test_every_transfer_syntax_is_taken_and_none_else(tmp_path: Path) -> None:
    foreign = "1.2.3.4.5"
    with receiving(tmp_path) as receiver:
        contexts = [(CT, syntax) for syntax in (*SYNTAXES, foreign)]
        contexts.append(("1.2.840.10008.5.1.4.1.2.2.1", ExplicitVRLittleEndian))
        with sending(receiver.port, contexts) as association:
            accepted = {str(c.transfer_syntax[0]) for c in association.accepted_contexts}
            assert accepted == set(SYNTAXES)
            assert {c.result for c in association.rejected_contexts} == {3, 4}


@pytest.mark.parametrize("ours", [True, False])
def test_all_encodings_come_byte_by_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    """As our own sender sends them, and pynetdicom's."""
    paths = [Path(str(get_testdata_file(name, download=False))) for name in ENCODINGS]
    heads = [read_meta(path) for path in paths]
    with receiving(tmp_path) as receiver:
        if ours:
            archive = DimseArchive(Node("N", dimse=Dimse("ANY", "127.0.0.1", receiver.port)))
            assert {s.what for s in archive.send(paths, no_tick)} == {Sending.SENT}
            archive.close()
        else:
            monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
            contexts = list(dict.fromkeys((h.sop_class, h.syntax) for h in heads))
            with sending(receiver.port, contexts) as association:
                assert {association.send_c_store(path).Status for path in paths} == {0}
    for path, head in zip(paths, heads, strict=True):
        came = inbox_of(tmp_path, dcmread(path)).path_of(head.instance)
        got = read_meta(came)
        assert got[:3] == head[:3]
        data = path.read_bytes()[head.offset :]
        assert came.read_bytes()[got.offset :] == data + bytes(len(data) % 2 if ours else 0)


def test_a_duplicate_is_acknowledged_and_kept_once(tmp_path: Path) -> None:
    first, second = ct_study(1)[0], ct_study(1)[0]
    second.PixelData = bytes(len(second.PixelData))
    told: list[Path] = []
    with Receiver(Where(0), lambda _, __: tmp_path, told.append) as receiver:
        for dataset in (first, second, first):
            with sending(receiver.port) as association:
                assert association.send_c_store(dataset).Status == 0
        assert receiver.received == len(told) == 3
    (path,) = inbox_of(tmp_path, first).files()
    assert dcmread(path).PixelData == first.PixelData


def test_the_same_instance_from_many_at_once_is_kept_once(tmp_path: Path) -> None:
    datasets = ct_study(1, instances=20)
    with receiving(tmp_path) as receiver:

        def send() -> None:
            with sending(receiver.port) as association:
                for dataset in datasets:
                    assert association.send_c_store(dataset).Status == 0

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert receiver.received == 80
    inbox = inbox_of(tmp_path, datasets[0])
    assert inbox.count() == 20 == len(list(inbox.folder.iterdir()))
    for dataset in datasets:
        assert dcmread(inbox.path_of(dataset.SOPInstanceUID)).PixelData == dataset.PixelData


def test_a_folder_may_be_taken_away_at_any_time(tmp_path: Path) -> None:
    """As the server does with studies that were quiet: nothing is lost, nothing half there."""
    datasets = ct_study(1, instances=300)
    inbox = inbox_of(tmp_path / "in", datasets[0])
    sent = threading.Event()

    def rename(receiver: Receiver) -> None:
        number = 0
        while not sent.is_set():
            if receiver.received > 3 * number:
                number += 1
                inbox.folder.rename(inbox.folder.with_name(f"closed.{number}"))
            while not inbox.folder.exists() and not sent.is_set():
                time.sleep(0.0005)

    with receiving(tmp_path / "in") as receiver:
        thread = threading.Thread(target=rename, args=(receiver,))
        with talking(receiver.port) as association:
            thread.start()
            statuses = {store(association, d.SOPInstanceUID, data_of(d)) for d in datasets}
            sent.set()
        thread.join()
    assert statuses == {0}
    there = {str(dcmread(path).SOPInstanceUID) for path in (tmp_path / "in").glob("*/*.dcm")}
    assert there == {str(d.SOPInstanceUID) for d in datasets}
    assert len(list((tmp_path / "in").iterdir())) > 10


@pytest.mark.parametrize(
    ("instance", "change", "status"),
    [
        ("1.2.3", {"StudyInstanceUID": ""}, 0xC000),
        ("1.2.3", {"StudyInstanceUID": None}, 0xC000),
        ("../../evil", {}, 0x0117),
        ("1.2.3", {}, 0),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_what_cannot_be_kept_is_refused_and_on_it_goes(
    tmp_path: Path, instance: str, change: dict[str, str | None], status: int
) -> None:
    dataset = ct_study(1)[0]
    for keyword, value in change.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    with receiving(tmp_path / "in") as receiver, talking(receiver.port) as association:
        assert store(association, instance, data_of(dataset)) == status
        assert store(association, "1.2.4", data_of(ct_study(2)[0])) == 0
    assert not list(tmp_path.glob("evil*"))


@given(st.binary(max_size=200))
def test_no_bytes_disturb_it(hostile: Receiver, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hostile.port)) as connection:
        connection.sendall(data)
    with talking(hostile.port) as association:
        assert association.alive


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("hostile")) as receiver:
        yield receiver


def test_who_goes_away_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    dataset = ct_study(1, rows=512)[0]
    with receiving(tmp_path / "in") as receiver:
        with sending(receiver.port) as association:
            sock = association.dul.socket
            assert sock is not None
            send, count = sock.send, 0

            def cut(bytestream: bytes) -> None:
                nonlocal count
                count += 1
                if count == 3:
                    assert sock is not None
                    sock.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
                send(bytestream)

            sock.send = cut  # type: ignore[method-assign]
            association.send_c_store(dataset)
        with sending(receiver.port) as association:
            assert association.send_c_store(ct_study(2)[0]).Status == 0
        assert receiver.received == 1
    assert not list((tmp_path / "in").glob(f"{study_key(dataset.StudyInstanceUID)}/*"))


def test_it_stops_at_once_and_starts_again(tmp_path: Path) -> None:
    receiver = Receiver(Where(free_port()), lambda _, __: tmp_path)
    for _ in range(3):
        receiver.start()
        with sending(receiver.port) as association:
            assert association.send_c_store(ct_study(1)[0]).Status == 0
            start = time.monotonic()
            receiver.stop()
            assert time.monotonic() - start < 20
        assert receiver.port == 0


# No space


def test_without_space_it_says_so_and_goes_on_when_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = ct_study(1, instances=4)
    fsync, broken = os.fsync, True

    def failing(handle: int) -> None:
        if broken:
            raise OSError(28, "No space left on device")
        fsync(handle)

    with receiving(tmp_path) as receiver, sending(receiver.port) as association:
        monkeypatch.setattr(os, "fsync", failing)
        assert [association.send_c_store(d).Status for d in datasets] == [0xA700] * 4
        assert receiver.received == 0
        inbox = inbox_of(tmp_path, datasets[0])
        assert not list(inbox.folder.iterdir())
        broken = False
        assert [association.send_c_store(d).Status for d in datasets] == [0] * 4
    assert inbox.count() == 4


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE is enforced there")
def test_what_is_larger_than_the_disk_has_room_for_is_refused(tmp_path: Path) -> None:
    """A real failing write, of what goes through the temporary file too."""
    small, large, huge = (ct_study(i, rows=rows)[0] for i, rows in ((1, 16), (2, 300), (3, 1600)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with receiving(tmp_path) as receiver, sending(receiver.port) as association:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
            statuses = [association.send_c_store(d).Status for d in (small, large, huge, small)]
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert statuses == [0, 0xA700, 0xA700, 0]
            assert [association.send_c_store(d).Status for d in (large, huge)] == [0, 0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert len(names) == 3
    assert all(name.endswith(".dcm") for name in names)
    assert (
        dcmread(inbox_of(tmp_path, huge).path_of(huge.SOPInstanceUID)).PixelData == huge.PixelData
    )


# Killed


SERVE = """
import sys
from pathlib import Path
from anontui.pacs.receiver import Receiver, Where
receiver = Receiver(Where(int(sys.argv[1])), lambda _, __: Path(sys.argv[2]))
receiver.start()
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def many() -> dict[str, bytes]:
    return {str(d.SOPInstanceUID): data_of(d) for d in ct_study(1, instances=400, rows=64)}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_is_there_after_a_kill(
    tmp_path: Path, many: dict[str, bytes], seed: int
) -> None:
    chance, data = random.Random(seed), many
    folder, port = tmp_path / "in", free_port()
    acknowledged: set[str] = set()

    def send(uids: list[str]) -> None:
        with suppress(Ended, PacsError), talking(port) as association:
            for uid in uids:
                if store(association, uid, data[uid]) == 0:
                    acknowledged.add(uid)

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port), str(folder)], stdin=subprocess.PIPE
        )
        wait_for(port)
        return process

    left = sorted(data)
    for _ in range(2):
        process = start()
        chance.shuffle(left)
        halves = [left[::2], left[1::2]]
        threads = [threading.Thread(target=send, args=(half,)) for half in halves]
        for thread in threads:
            thread.start()
        goal = len(acknowledged) + chance.randrange(1, 100)
        while len(acknowledged) < goal and any(thread.is_alive() for thread in threads):
            time.sleep(chance.random() / 200)
        process.kill()
        process.communicate()
        for thread in threads:
            thread.join()
        inbox = inbox_of(folder, ct_study(1, instances=1)[0])
        there = {uid for uid in data if inbox.has(uid)}
        assert acknowledged <= there
        for uid in there:
            path = inbox.path_of(uid)
            assert path.read_bytes()[read_meta(path).offset :] == data[uid]
        left = sorted(set(data) - acknowledged)
    process = start()
    send(left)
    process.kill()
    process.communicate()
    assert acknowledged == set(data)
    assert inbox.count() == len(data)
    shutil.rmtree(folder)
