"""DIMSE against a real archive: find, get, move and send, and what the user is told."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Archive, Sending, Wanted
from anontui.pacs.dimse import DimseArchive
from anontui.pacs.dimse.client import associate
from anontui.pacs.dimse.contexts import STORAGE
from anontui.pacs.dimse.provider import Accepted, Provider, Refusal, Where
from anontui.pacs.dimse.raw import read_meta, study_of
from anontui.pacs.files import NotDicom
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node, Timeouts, Tls
from anontui.pacs.query import Instance, Level, Query, Series, Study
from tests.needs import program
from tests.pacs.peers import Peer, ct_study, free_port, peer, to_bytes

TLS = Path(__file__).parent.parent / "data" / "tls"
CERTIFICATE, KEY = TLS / "localhost.crt", TLS / "localhost.key"
MOVE_PORT = free_port()
ENCODINGS = (  # one instance each
    "CT_small.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "image_dfl.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "JPEG-lossy.dcm",
    "JPEG-LL.dcm",
    "MR_small_jp2klossless.dcm",
    "JPEG2000.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
)


def no_tick() -> None:
    pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with peer(tmp_path_factory.mktemp("peer"), known={"ANONTUI": MOVE_PORT}) as one:
        one.add(
            *ct_study(1, series=2, instances=4),
            *ct_study(2, instances=130, patient=1),
            *ct_study(3, instances=2),
        )
        yield one


@contextmanager
def talking(node: Node) -> Iterator[DimseArchive]:
    one: Archive = DimseArchive(node)
    assert isinstance(one, DimseArchive)
    try:
        yield one
    finally:
        one.close()


def study_uid(number: int) -> str:
    return str(ct_study(number, instances=1)[0].StudyInstanceUID)


def test_it_answers_an_echo(archive: Peer) -> None:
    with talking(archive.node()) as one:
        assert 0 < one.echo() < 30


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), {1, 2, 3}),
        (Query(accession="ACC2"), {2}),
        (Query(accession="ACC"), set()),
        (Query(accession="ACC*"), {1, 2, 3}),
        (Query(patient_id="PID00001"), {1, 2}),
        (Query(patient_name="Invented^Person3"), {3}),
        (Query(patient_name="Invented*"), {1, 2, 3}),
        (Query(date_from="20240303", date_to="20240303"), {2}),
        (Query(date_from="20240303"), {2, 3}),
        (Query(date_to="20240303"), {1, 2}),
        (Query(date_from="20240301", date_to="20240401"), {2}),
        (Query(modality="CT"), {1, 2, 3}),
        (Query(modality="MR"), set()),
        (Query(study=study_uid(3)), {3}),
        (Query(patient_name="Ömer*"), set()),
    ],
)
def test_studies_are_found(archive: Peer, query: Query, found: set[int]) -> None:
    with talking(archive.node()) as one:
        answers = list(one.find(query, no_tick))
    assert {a.accession for a in answers if isinstance(a, Study)} == {f"ACC{n}" for n in found}
    assert len(answers) == len(found)


def test_a_study_tells_all_about_itself(archive: Peer) -> None:
    with talking(archive.node()) as one:
        (found,) = one.find(Query(accession="ACC1"), no_tick)
    assert found == Study(
        study=study_uid(1),
        patient_id="PID00001",
        patient_name="Invented^Person1",
        birth_date="19610203",
        sex="F",
        date="20240202",
        time="101112",
        accession="ACC1",
        description="CT CHEST",
        modalities=("CT",),
        series=2,
        instances=8,
    )


def test_series_and_instances_are_found_by_what_is_above(archive: Peer) -> None:
    study = study_uid(1)
    with talking(archive.node()) as one:
        series = set(one.find(Query(Level.SERIES, study=study), no_tick))
        assert series == {Series(study, f"{study}.{i}", "CT", i, f"AXIAL {i}", 4) for i in (1, 2)}
        instances = list(one.find(Query(Level.IMAGE, study=study, series=f"{study}.2"), no_tick))
        assert set(instances) == {
            Instance(study, f"{study}.2", f"{study}.2.{i}", "1.2.840.10008.5.1.4.1.1.2")
            for i in range(1, 5)
        }
        assert len(list(one.find(Query(Level.IMAGE, study=study), no_tick))) == 8
        assert not list(one.find(Query(Level.SERIES, study=study, modality="MR"), no_tick))


@pytest.mark.parametrize(
    "query",
    [
        Query(Level.SERIES),
        Query(Level.IMAGE, study="1.2*"),
        Query(date_from="2024-01-01"),
        Query(accession="A\\B"),
    ],
)
def test_what_cannot_be_asked_is_refused(query: Query) -> None:
    node = Node("PACS", dimse=Dimse("PACS", "127.0.0.1", 1))
    with talking(node) as one, pytest.raises(PacsError, match="cannot be searched for"):
        list(one.find(query, no_tick))


def test_a_search_that_is_left_early_leaves_the_next_one_alone(archive: Peer) -> None:
    with talking(archive.node()) as one:
        for _ in range(3):
            answers = one.find(Query(Level.IMAGE, study=study_uid(2)), no_tick)
            next(answers)
            answers.close()  # type: ignore[attr-defined]
            assert len(list(one.find(Query(), no_tick))) == 3


def test_a_search_can_be_stopped(archive: Peer) -> None:
    class Stopped(Exception):
        pass

    def tick() -> None:
        raise Stopped

    with talking(archive.node()) as one:
        with pytest.raises(Stopped):
            list(one.find(Query(), tick))
        assert len(list(one.find(Query(), no_tick))) == 3


@pytest.mark.parametrize("move", [False, True])
def test_a_study_comes_as_it_is(archive: Peer, tmp_path: Path, move: bool) -> None:
    study = study_uid(1)
    inbox = Inbox(tmp_path)
    with talking(archive.node(move_port=MOVE_PORT)) as one:
        one._gets = not move
        one.retrieve(Wanted(study), inbox, no_tick)
    sent = {str(d.SOPInstanceUID): d for d in ct_study(1, series=2, instances=4)}
    assert inbox.count() == len(sent)
    for uid, dataset in sent.items():
        assert dcmread(inbox.path_of(uid)) == dcmread(BytesIO(to_bytes(dataset)))
    assert all(path.suffix == ".dcm" for path in tmp_path.iterdir())


@pytest.mark.parametrize("move", [False, True])
def test_some_instances_of_several_series_come(archive: Peer, tmp_path: Path, move: bool) -> None:
    study = study_uid(1)
    wanted = tuple((f"{study}.{s}", f"{study}.{s}.{i}") for s, i in ((1, 1), (2, 3), (2, 4)))
    inbox = Inbox(tmp_path)
    with talking(archive.node(move_port=MOVE_PORT)) as one:
        one._gets = not move
        one.retrieve(Wanted(study, wanted), inbox, no_tick)
    assert {path.name for path in inbox.files()} == {inbox.path_of(i).name for _, i in wanted}


def test_more_than_a_hundred_instances_are_asked_for_in_parts(
    archive: Peer, tmp_path: Path
) -> None:
    study = study_uid(2)
    wanted = tuple((f"{study}.1", f"{study}.1.{i}") for i in range(1, 131))
    with talking(archive.node()) as one:
        one.retrieve(Wanted(study, wanted), Inbox(tmp_path), no_tick)
    assert Inbox(tmp_path).count() == 130


@pytest.mark.parametrize("move", [False, True])
def test_a_study_that_is_not_there_brings_nothing(
    archive: Peer, tmp_path: Path, move: bool
) -> None:
    with talking(archive.node(move_port=MOVE_PORT)) as one:
        one._gets = not move
        try:
            one.retrieve(Wanted("1.2.3"), Inbox(tmp_path), no_tick)
        except NotOffered:
            raise
        except PacsError as error:  # some archives call that a failure
            assert "refuses the retrieval" in error.message
    assert Inbox(tmp_path).count() == 0


def test_only_the_sop_classes_of_the_node_come(archive: Peer, tmp_path: Path) -> None:
    node = replace(archive.node(), sop_classes=("1.2.840.10008.5.1.4.1.1.4",))
    with talking(node) as one:
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    assert Inbox(tmp_path).count() == 0


def real_files() -> list[Path]:
    return [Path(str(get_testdata_file(name, download=False))) for name in ENCODINGS]


def study_in(path: Path) -> str:
    head = read_meta(path)
    with path.open("rb") as file:
        file.seek(head.offset)
        return study_of(file, head.syntax)


@pytest.mark.parametrize("move", [False, True])
def test_all_encodings_go_out_and_come_back_untouched(tmp_path: Path, move: bool) -> None:
    files = real_files()
    with (
        peer(tmp_path / "peer", known={"ANONTUI": MOVE_PORT}) as archive,
        talking(archive.node(move_port=MOVE_PORT)) as one,
    ):
        assert {s.what for s in one.send(files, no_tick)} == {Sending.SENT}
        one._gets = not move
        for path in files:
            inbox = Inbox(tmp_path / path.name)
            one.retrieve(Wanted(study_in(path)), inbox, no_tick)
            came, went = dcmread(inbox.path_of(read_meta(path).instance)), dcmread(path)
            assert came.file_meta.TransferSyntaxUID == went.file_meta.TransferSyntaxUID
            assert came.PixelData == went.PixelData  # dcmtk's lengths and padding are its own
            assert came.PatientID == went.PatientID


def test_what_was_sent_is_there_and_what_is_no_dicom_is_told(tmp_path: Path) -> None:
    files = []
    for i, dataset in enumerate([*ct_study(1, instances=5), *ct_study(2, instances=5)]):
        files.append(tmp_path / f"{i}.dcm")
        files[-1].write_bytes(to_bytes(dataset))
    (tmp_path / "text").write_text("not an image")
    files += [tmp_path / "text", tmp_path / "absent"]
    with peer(tmp_path / "peer") as archive, talking(archive.node()) as one:
        sent = list(one.send(files, no_tick))
        assert [s.path for s in sent] == files
        assert {s.what for s in sent[:-2]} == {Sending.SENT}
        assert {(s.what, s.transient) for s in sent[-2:]} == {(Sending.FAILED, False)}
        assert not any(str(tmp_path) in s.reason or s.path.name in s.reason for s in sent)
        assert len(list(one.find(Query(Level.IMAGE, study=study_uid(2)), no_tick))) == 5
        archive.kill()
        with pytest.raises(PacsError, match="Nothing listens"):
            list(one.send(files[:1], no_tick))
        archive.start()
        assert [s.what for s in one.send(files[:2], no_tick)] == [Sending.SENT] * 2


# What the user is told


def failing(node: Node) -> PacsError:
    with talking(node) as one, pytest.raises(PacsError) as caught:
        one.echo()
    assert caught.value.advice
    return caught.value


def local(port: int, **more: object) -> Node:
    dimse = Dimse("PACS", "127.0.0.1", port)
    return replace(
        Node("PACS", dimse=replace(dimse, **more)),  # type: ignore[arg-type]
        timeouts=Timeouts(0.5, 0.5, 0.5),
    )


def test_another_ae_title_is_told(archive: Peer) -> None:
    node = archive.node()
    assert node.dimse is not None
    error = failing(replace(node, dimse=replace(node.dimse, aet="WRONG")))
    assert error.message == "PEER is not called WRONG"
    assert not error.transient


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (Refusal.CALLED_UNKNOWN, "PACS is not called PACS"),
        (Refusal.CALLING_UNKNOWN, "PACS does not know us as ANONTUI"),
    ],
)
def test_a_refused_association_is_told(reason: Refusal, message: str) -> None:
    with Provider(Where(0), lambda _, __: reason) as provider:
        assert failing(local(provider.port)).message == message


@pytest.mark.parametrize("aet", ["", "SEVENTEEN_LETTERS", "Ä", "A\\B"])
def test_an_impossible_ae_title_is_told(aet: str) -> None:
    with Provider(Where(0), lambda _, __: Refusal.CALLED_UNKNOWN) as provider:
        assert "AE titles of PACS cannot be used" in failing(local(provider.port, aet=aet)).message


def test_a_closed_port_is_told() -> None:
    error = failing(local(free_port()))
    assert "Nothing listens for PACS at 127.0.0.1:" in error.message
    assert error.transient


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70, "bad..name"])
def test_an_unknown_host_is_told(host: str) -> None:
    assert "is not known" in failing(local(104, host=host)).message


@contextmanager
def saying(*said: bytes) -> Iterator[int]:
    """A port where each connection hears this, and then nothing; b"" closes it."""
    stopped = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                for one in said:
                    if not one:
                        break
                    connection.sendall(one)
                else:
                    stopped.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    ("said", "message", "transient"),
    [
        ((), "says nothing", True),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "does not speak DICOM", False),
        ((b"\x02\0\0\0\0\x04abcd",), "does not speak DICOM", False),
        ((b"\x02\0\xff\xff\xff\xff",), "does not speak DICOM", False),
        ((b"",), "closes the connection", True),
        ((b"\x07\0\0\0\0\x04\0\0\0\0",), "closes the connection", True),
        ((b"\x03\0\0\0\0\x04\0\x02\x03\x02",), "too busy", True),
        ((b"\x03\0\0\0\0\x04\0\x01\x01\x01",), "does not accept our association", False),
    ],
)
def test_whoever_else_listens_is_told(
    said: tuple[bytes, ...], message: str, transient: bool
) -> None:
    with saying(*said) as port:
        error = failing(local(port))
    assert message in error.message
    assert error.transient is transient


def freeze(archive: Peer) -> None:
    archive.freeze()
    assert archive.process is not None
    os.waitpid(archive.process.pid, os.WUNTRACED)


def test_an_archive_that_hangs_is_told_and_can_be_left(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks > 3:
            raise Stopped

    with peer(tmp_path / "peer") as archive:
        archive.add(*ct_study(1))
        node = replace(archive.node(), timeouts=Timeouts(1, 1, 1))
        with talking(node) as one:
            assert len(list(one.find(Query(), no_tick))) == 1
            freeze(archive)
            with pytest.raises(PacsError, match=r"no answer came in time|says nothing"):
                list(one.find(Query(), no_tick))
            with pytest.raises(PacsError, match="says nothing"):
                one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path / "in"), no_tick)
            with pytest.raises(Stopped):
                one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path / "in"), tick)
            archive.thaw()
            one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path / "in"), no_tick)
    assert Inbox(tmp_path / "in").count() == 3


@pytest.mark.parametrize("after", [1, 20, 60])
@pytest.mark.parametrize("move", [False, True])
def test_an_archive_that_dies_in_the_middle_leaves_whole_files(
    tmp_path: Path, after: int, move: bool
) -> None:
    inbox = Inbox(tmp_path / "in")
    with peer(tmp_path / "peer", known={"ANONTUI": MOVE_PORT}) as archive:
        archive.add(*ct_study(1, instances=100, rows=128))
        node = replace(archive.node(move_port=MOVE_PORT), timeouts=Timeouts(2, 2, 2))

        def tick() -> None:
            if inbox.count() >= after:
                archive.kill()

        with talking(node) as one:
            one._gets = not move
            with pytest.raises(PacsError) as caught:
                one.retrieve(Wanted(study_uid(1)), inbox, tick)
            assert caught.value.transient
            assert after <= inbox.count() <= 100
            for path in inbox.files():
                assert len(dcmread(path).PixelData) == 128 * 128 * 2
            archive.start()
            one.retrieve(Wanted(study_uid(1)), inbox, no_tick)
    assert inbox.count() == 100


def test_an_association_that_went_stale_is_renewed(tmp_path: Path) -> None:
    with peer(tmp_path / "peer") as archive, talking(archive.node()) as one:
        archive.add(*ct_study(1))
        assert len(list(one.find(Query(), no_tick))) == 1
        archive.kill()
        archive.start()
        assert len(list(one.find(Query(), no_tick))) == 1


def test_a_port_that_is_taken_is_told(archive: Peer, tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as other:
        port = other.getsockname()[1]
        with talking(archive.node(move_port=port)) as one, pytest.raises(PacsError) as caught:
            one._gets = False
            one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    assert "cannot be listened on" in caught.value.message


def test_an_archive_that_does_not_know_where_to_send_is_told(archive: Peer, tmp_path: Path) -> None:
    node = archive.node(move_port=free_port())  # it will send to MOVE_PORT
    with talking(node) as one, pytest.raises(PacsError) as caught:
        one._gets = False
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    assert not isinstance(caught.value, NotOffered)
    assert caught.value.advice


def test_what_offers_no_search_and_no_get_says_so(tmp_path: Path) -> None:
    def accept(_: str, __: str) -> Accepted:
        return Accepted(lambda _: None, tmp_path, lambda _: None)

    with Provider(Where(0), accept) as provider, talking(local(provider.port)) as one:
        with pytest.raises(NotOffered, match="does not offer a search"):
            list(one.find(Query(), no_tick))
        with pytest.raises(NotOffered, match="does not offer a retrieval by C-GET"):
            one.retrieve(Wanted("1.2.3"), Inbox(tmp_path), no_tick)


@pytest.mark.parametrize(
    ("status", "what", "transient"),
    [
        (0xA700, Sending.FAILED, True),
        (0xC000, Sending.FAILED, False),
        (0x0111, Sending.THERE, True),
    ],
)
def test_what_an_archive_thinks_of_a_file_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    what: Sending,
    transient: bool,
) -> None:
    monkeypatch.setattr("anontui.pacs.dimse.provider.take", lambda *_, **__: (status, None))
    path = tmp_path / "file"
    path.write_bytes(to_bytes(ct_study(1)[0]))

    def accept(_: str, __: str) -> Accepted:
        return Accepted(lambda _: None, tmp_path, lambda _: None)

    with Provider(Where(0), accept) as provider, talking(local(provider.port)) as one:
        (sent,) = one.send([path], no_tick)
    assert (sent.what, sent.transient) == (what, transient)


# TLS


def secure(port: int, host: str = "localhost", **tls: Path) -> Node:
    return Node(
        "PACS",
        dimse=Dimse("PACS", host, port, tls=Tls(**tls)),
        timeouts=Timeouts(5, 5, 5),
    )


@program("storescp", "dcmtk")
def test_tls_with_certificates_of_both(tmp_path: Path) -> None:
    port = free_port()
    path = tmp_path / "file"
    path.write_bytes(to_bytes(ct_study(1)[0]))
    (tmp_path / "out").mkdir()
    command = ["storescp", "+tls", KEY, CERTIFICATE, "+cf", CERTIFICATE, "-od", tmp_path / "out"]
    with subprocess.Popen([*map(str, command), str(port)]) as process:
        try:
            wait_for(port)
            node = secure(port, authority=CERTIFICATE, certificate=CERTIFICATE, key=KEY)
            with talking(node) as one:
                assert one.echo() > 0
                assert [s.what for s in one.send([path], no_tick)] == [Sending.SENT]
            assert failing(secure(port)).message == "The certificate of PACS is not trusted"
            wrong = failing(secure(port, host="127.0.0.1", authority=CERTIFICATE))
            assert wrong.message == "The certificate of PACS is not trusted"
            assert failing(secure(port, authority=CERTIFICATE)).transient  # it wants ours
            assert "closes the connection" in failing(local(port)).message
        finally:
            process.kill()
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_tls_where_there_is_none(archive: Peer) -> None:
    error = failing(secure(archive.port, authority=CERTIFICATE))
    assert error.message == "PACS makes no secure connection"


def test_certificate_files_that_are_not_there() -> None:
    with Provider(Where(0), lambda _, __: Refusal.CALLED_UNKNOWN) as provider:
        error = failing(secure(provider.port, authority=Path("/nowhere.pem")))
    assert error.message == "A certificate file of PACS cannot be read"
    assert "nowhere" not in error.sentence()


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    raise AssertionError("nothing listens")


# Hostile answers, and what is quiet


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_study_of_real_files_is_found_without_a_warning(name: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head = read_meta(path)
        with path.open("rb") as file:
            file.seek(head.offset)
            study = study_of(file, head.syntax)
    assert study == dcmread(path).StudyInstanceUID


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x08\0\x05\0CS\xff\xff", id="cut"),
        pytest.param(b"\x20\0\x0d\0UI\x04\0../.", id="path"),
        pytest.param(b"\x20\0\x0d\0UI\x00\0", id="none"),
        pytest.param(
            b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 5_000,
            id="nested",
        ),
    ],
)
def test_what_has_no_study_is_refused(data: bytes) -> None:
    for syntax in ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"):
        with pytest.raises(NotDicom):
            study_of(BytesIO(data), syntax)


def test_answers_with_odd_values_are_read_without_a_warning(archive: Peer) -> None:
    from anontui.pacs.dimse.identifier import decode_answer, encode_query

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        odd = Query(study="1.2.03", patient_name="Ö" * 200, accession="A" * 40)
        encoded = encode_query(odd, "1.2.840.10008.1.2.1")
        found = decode_answer(Level.STUDY, encoded, "1.2.840.10008.1.2.1")
    assert isinstance(found, Study)
    assert (found.study, found.patient_name, found.accession) == (
        odd.study,
        odd.patient_name,
        odd.accession,
    )
    answer = Dataset()
    answer.StudyInstanceUID = study_uid(1)
    answer.PatientName = "A\x1b[31mB"
    answer.NumberOfStudyRelatedInstances = "12"
    buffer = BytesIO()
    answer.save_as(buffer, implicit_vr=True, little_endian=True)
    found = decode_answer(Level.STUDY, buffer.getvalue(), "1.2.840.10008.1.2")
    assert isinstance(found, Study)
    assert "\x1b" not in found.patient_name
    assert found.instances == 12


def test_nothing_that_is_asked_or_answered_is_shown() -> None:
    assert "Person" not in repr(Query(patient_name="Person"))


def test_contexts_of_every_storage_class_can_be_asked_for() -> None:
    from anontui.pacs.dimse.contexts import to_receive

    with Provider(Where(0), lambda _, __: Refusal.CALLED_UNKNOWN) as provider:
        node = local(provider.port)
        assert node.dimse is not None
        with pytest.raises(PacsError, match="is not called"):
            associate(node, node.dimse, to_receive(STORAGE), no_tick)
