"""DICOMweb against a real Orthanc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from anontui.errors import PacsError
from anontui.pacs.archive import Sending, Wanted
from anontui.pacs.fetch import Fetched, fetch_study, studies_of
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node, Timeouts
from anontui.pacs.query import Instance, Level, Query, Series, Study
from anontui.pacs.web import WebArchive
from anontui.pacs.web import store as storing
from tests.pacs.peers import ORTHANC, Peer, ct_study, peer, to_bytes

pytestmark = pytest.mark.skipif(ORTHANC is None, reason="DICOMweb needs Orthanc; CI has it")

MANY = 400
SLICE = 256  # rows and columns: what is missing must not fit into the buffers on the way, 10 MB


def nothing(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with peer(tmp_path_factory.mktemp("archive")) as one:
        one.add(*ct_study(1, series=2, instances=3), *ct_study(2))
        second = ct_study(3)
        for dataset in second:
            dataset.AccessionNumber = "ACC2"
        one.add(*second)
        yield one


@pytest.fixture
def web(archive: Peer) -> Iterator[WebArchive]:
    with closing(WebArchive(archive.node(dimse=False))) as one:
        yield one


STUDY = str(ct_study(1)[0].StudyInstanceUID)


def test_it_answers_an_echo(web: WebArchive) -> None:
    assert 0 < web.echo() < 10


def test_a_study_is_found_with_all_that_is_told_of_it(web: WebArchive) -> None:
    (found,) = web.find(Query(study=STUDY), nothing)
    assert found == Study(
        STUDY,
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
        instances=6,
    )


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (Query(), 3),
        (Query(accession="ACC2"), 2),
        (Query(patient_name="invented^person1"), 1),
        (Query(patient_name="Inv*^Person?"), 3),
        (Query(patient_id="PID0000[1]"), 0),
        (Query(patient_id="PID00001"), 1),
        (Query(date_from="20240202", date_to="20240202"), 1),
        (Query(date_from="20240203"), 2),
        (Query(date_to="20240303"), 2),
        (Query(date_from="20240203", date_to="20240303"), 1),
        (Query(modality="MR"), 0),
        (Query(Level.SERIES, study=STUDY), 2),
        (Query(Level.IMAGE, study=STUDY), 6),
        (Query(Level.IMAGE, study=STUDY, series=f"{STUDY}.2"), 3),
        (Query(Level.IMAGE, study="1.2.3"), 0),
    ],
)
def test_queries(web: WebArchive, query: Query, count: int) -> None:
    assert len(list(web.find(query, nothing))) == count


def test_series_and_instances_are_told(web: WebArchive) -> None:
    series = set(web.find(Query(Level.SERIES, study=STUDY), nothing))
    assert Series(STUDY, f"{STUDY}.2", "CT", 2, "AXIAL 2", 3) in series
    instances = set(web.find(Query(Level.IMAGE, study=STUDY, series=f"{STUDY}.2"), nothing))
    assert Instance(STUDY, f"{STUDY}.2", f"{STUDY}.2.3", "1.2.840.10008.5.1.4.1.1.2") in instances


def test_all_studies_of_an_accession_number(web: WebArchive) -> None:
    assert [study.date for study in studies_of(web, " ACC2 ", nothing)] == ["20240303", "20240404"]
    assert studies_of(web, "ACC", nothing) == []


def test_a_study_comes_as_it_was_stored(web: WebArchive, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    web.retrieve(Wanted(STUDY), inbox, nothing)
    for dataset in ct_study(1, series=2, instances=3):
        came = dcmread(inbox.path_of(dataset.SOPInstanceUID))
        assert came.file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID
        came.pop("PixelData"), dataset.pop("PixelData")
        assert came == dataset
    assert inbox.count() == 6


def test_the_wanted_transfer_syntax_is_asked_for(archive: Peer, tmp_path: Path) -> None:
    jpeg_ls = "1.2.840.10008.1.2.4.80"
    node = Node("PEER", web=archive.node().web, transfer_syntaxes=(jpeg_ls,))
    with closing(WebArchive(node)) as web:
        web.retrieve(Wanted(STUDY), Inbox(tmp_path), nothing)
    for path in Inbox(tmp_path).files():
        assert dcmread(path).file_meta.TransferSyntaxUID == jpeg_ls


def test_single_instances_come_and_those_that_are_not_there_are_passed_over(
    web: WebArchive, tmp_path: Path
) -> None:
    inbox = Inbox(tmp_path)
    wanted = ((f"{STUDY}.1", f"{STUDY}.1.2"), (f"{STUDY}.1", f"{STUDY}.1.9"))
    web.retrieve(Wanted(STUDY, wanted), inbox, nothing)
    assert inbox.files() == [inbox.path_of(f"{STUDY}.1.2")]


def test_a_query_can_be_left(web: WebArchive) -> None:
    answers = web.find(Query(), nothing)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(list(web.find(Query(), nothing))) == 3


def test_a_tick_stops_a_retrieve(web: WebArchive, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        web.retrieve(Wanted(STUDY), Inbox(tmp_path), stop)
    assert list(tmp_path.iterdir()) == []
    web.retrieve(Wanted(STUDY), Inbox(tmp_path), nothing)
    assert Inbox(tmp_path).count() == 6


def files_of(folder: Path, *datasets: Dataset) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = []
    for number, dataset in enumerate(datasets):
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with peer(tmp_path_factory.mktemp("other")) as one:
        yield one


@pytest.mark.parametrize(("most", "requests"), [(1, 5), (3500, 3), (1 << 20, 1)])
def test_files_are_sent_in_requests_of_bounded_size(
    other: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, requests: int
) -> None:
    monkeypatch.setattr(storing, "MOST_BYTES", most)
    datasets = ct_study(4, instances=5)
    for dataset in datasets:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    paths = files_of(tmp_path, *datasets)
    sizes: list[int] = []
    with closing(WebArchive(other.node(dimse=False))) as web:
        web._session._http.event_hooks["request"].append(
            lambda request: sizes.append(int(request.headers["Content-Length"]))
        )
        sent = list(web.send(paths, nothing))
    assert [(one.path, one.what) for one in sent] == [(path, Sending.SENT) for path in paths]
    assert {dataset.SOPInstanceUID for dataset in datasets} <= set(other.instances())
    assert len(sizes) == requests
    assert max(sizes) <= max(most, 2000) + 300


def test_what_is_no_dicom_is_not_sent(web: WebArchive, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"not at all")
    paths = [tmp_path / "a", tmp_path / "missing"]
    assert [(one.what, one.transient) for one in web.send(paths, nothing)] == [
        (Sending.FAILED, False)
    ] * 2


class Hurt:
    """A study of many slices, and what was asked of its archive."""

    def __init__(self, folder: Path) -> None:
        self.peer = Peer(folder)
        self.peer.start()
        datasets = ct_study(1, instances=MANY)
        for dataset in datasets:
            dataset.Rows = dataset.Columns = SLICE
            dataset.PixelData = bytes(2 * SLICE * SLICE)
        self.peer.add(*datasets)
        self.study = str(datasets[0].StudyInstanceUID)
        self.asked: list[str] = []

    def fetch(
        self, inbox: Inbox, at: int | None = None, hurt: object = None, answer: float = 1.0
    ) -> Fetched:
        """Fetch; once ``at`` instances are there, ``hurt`` happens."""
        self.asked.clear()
        node = Node("PEER", web=self.peer.node().web, timeouts=Timeouts(1.0, 1.0, answer))
        left = [hurt]

        def tick() -> None:
            if at is not None and left[0] and inbox.count() >= at:
                left.pop(0)()  # type: ignore[operator]
                left.append(None)

        with closing(WebArchive(node)) as web:
            web._session._http.event_hooks["request"].append(
                lambda request: self.asked.append(request.url.path)
            )
            return fetch_study(web, self.study, inbox, tick, nothing, patience=0.0)

    @property
    def single(self) -> int:
        return sum("/instances/" in path for path in self.asked)

    @property
    def whole(self) -> int:
        return sum(path.endswith(self.study) for path in self.asked)


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hurt]:
    one = Hurt(tmp_path_factory.mktemp("hurt"))
    yield one
    one.peer.kill()


@pytest.mark.parametrize("at", [0, 1, 90, 195])
def test_an_archive_that_is_killed_leaves_no_whole_study(
    hurt: Hurt, tmp_path: Path, at: int
) -> None:
    inbox = Inbox(tmp_path)
    try:
        with pytest.raises(PacsError) as raised:
            hurt.fetch(inbox, at, hurt.peer.kill)
        came = inbox.count()
        assert at <= came < MANY
        assert raised.value.transient
        if at:
            assert re.match(rf"{came} of {MANY} instances came from PEER: ", str(raised.value))
    finally:
        hurt.peer.start()
    assert hurt.fetch(inbox) == Fetched(MANY, MANY - came, 0)
    if came:
        assert (hurt.whole, hurt.single) == (0, MANY - came)
    assert len(list(tmp_path.iterdir())) == MANY


@pytest.mark.parametrize("at", [1, 195])
def test_an_archive_that_hangs_is_left_and_only_the_missing_are_asked_for(
    hurt: Hurt, tmp_path: Path, at: int
) -> None:
    inbox = Inbox(tmp_path)
    try:
        with pytest.raises(PacsError, match=r"takes too long|cannot be reached") as raised:
            hurt.fetch(inbox, at, hurt.peer.freeze)
        came = inbox.count()
        assert at <= came < MANY
        assert raised.value.transient
    finally:
        hurt.peer.thaw()
    assert hurt.fetch(inbox, answer=20.0) == Fetched(MANY, MANY - came, 0)
    assert (hurt.whole, hurt.single) == (0, MANY - came)


def test_an_archive_that_hangs_for_a_while_is_waited_for(hurt: Hurt, tmp_path: Path) -> None:
    def freeze() -> None:
        hurt.peer.freeze()
        Timer(0.6, hurt.peer.thaw).start()

    assert hurt.fetch(Inbox(tmp_path), 100, freeze, answer=20.0) == Fetched(MANY, MANY, 0)
    assert (hurt.whole, hurt.single) == (1, 0)


def test_nothing_is_asked_for_when_all_is_there(hurt: Hurt, tmp_path: Path) -> None:
    hurt.fetch(Inbox(tmp_path), answer=20.0)
    assert hurt.fetch(Inbox(tmp_path), answer=20.0) == Fetched(MANY, 0, 0)
    assert (hurt.whole, hurt.single) == (0, 0)
