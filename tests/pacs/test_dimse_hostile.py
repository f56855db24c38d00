"""DIMSE against archives (of pynetdicom) that answer what nobody asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Wanted
from anontui.pacs.dimse.contexts import STUDY_ROOT_FIND, STUDY_ROOT_GET
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node, Timeouts
from anontui.pacs.query import Level, Query, Study
from tests.pacs.peers import ct_study, free_port
from tests.pacs.test_dimse import no_tick, study_uid, talking

Handler = Callable[[Any], Iterator[Any]]


@contextmanager
def archive(find: Handler | None = None, get: Handler | None = None) -> Iterator[Node]:
    ae = AE("HOSTILE")
    ae.add_supported_context(STUDY_ROOT_FIND)
    ae.add_supported_context(STUDY_ROOT_GET)
    ae.add_supported_context("1.2.840.10008.5.1.4.1.1.2", scu_role=True, scp_role=True)
    port = free_port()
    handlers: list[evt.EventHandlerType] = [
        (evt.EVT_C_FIND, find or nothing),
        (evt.EVT_C_GET, get or nothing),
    ]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield Node(
            "HOSTILE",
            dimse=Dimse("HOSTILE", "127.0.0.1", port),
            timeouts=Timeouts(5, 5, 5),
        )
    finally:
        server.shutdown()


def nothing(_: Any) -> Iterator[Any]:
    yield 0x0000, None


def study(number: int, uid: str = "") -> Dataset:
    answer = Dataset()
    answer.QueryRetrieveLevel = "STUDY"
    answer.StudyInstanceUID = uid or study_uid(number)
    answer.AccessionNumber, answer.PatientID = f"ACC{number}", f"PID{number}"
    return answer


def answering(*answers: Dataset | int) -> Handler:
    def handle(_: Any) -> Iterator[Any]:
        for answer in answers:
            yield (answer, None) if isinstance(answer, int) else (0xFF00, answer)

    return handle


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    "query",
    [Query(accession="ACC1"), Query(patient_id="PID1"), Query(study=study_uid(1))],
)
def test_answers_that_do_not_fit_are_left_out(query: Query) -> None:
    find = answering(study(1), study(2), study(1), study(1, "../../evil"), study(1, " "))
    with archive(find) as node, talking(node) as one:
        (found,) = one.find(query, no_tick)
        assert isinstance(found, Study)
        assert found.accession == "ACC1"


def test_answers_without_end_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anontui.pacs.dimse.archive._MOST_ANSWERS", 10)
    find = answering(*(study(n) for n in range(30)))
    with archive(find) as node, talking(node) as one, pytest.raises(PacsError, match="without end"):
        list(one.find(Query(), no_tick))


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_an_answer_of_megabytes_is_cut() -> None:
    large = study(1)
    large.PatientComments = "x" * (2 << 20)
    with (
        archive(answering(large)) as node,
        talking(node) as one,
        pytest.raises(PacsError, match="not DICOM"),
    ):
        list(one.find(Query(), no_tick))


@pytest.mark.parametrize(
    ("status", "error", "transient"),
    [(0xA700, PacsError, True), (0xA900, PacsError, False), (0x0122, NotOffered, False)],
)
def test_a_search_that_fails_is_told(status: int, error: type[PacsError], transient: bool) -> None:
    with archive(answering(status)) as node, talking(node) as one:
        with pytest.raises(error, match="refuses the search") as caught:
            list(one.find(Query(), no_tick))
        assert caught.value.transient is transient
        assert f"{status:04X}" in caught.value.cause


def getting(*datasets: Dataset, then: int | None = None) -> Handler:
    def handle(_: Any) -> Iterator[Any]:
        yield len(datasets)
        for dataset in datasets:
            yield 0xFF00, dataset
        if then is not None:
            yield then, None

    return handle


def test_instances_of_other_studies_are_not_kept(tmp_path: Path) -> None:
    ours, others = ct_study(1), ct_study(2)
    with archive(get=getting(*others, *ours)) as node, talking(node) as one:
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    inbox = Inbox(tmp_path)
    assert inbox.count() == len(ours)
    assert all(inbox.has(str(d.SOPInstanceUID)) for d in ours)


def test_who_sends_too_little_and_says_all_is_well_is_believed_to_be_short(tmp_path: Path) -> None:
    with archive(get=getting(*ct_study(1)[:2])) as node, talking(node) as one:
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    assert Inbox(tmp_path).count() == 2


def test_a_retrieval_that_fails_is_told(tmp_path: Path) -> None:
    def refuse(_: Any) -> Iterator[Any]:
        yield 1
        yield 0xA900, None

    with archive(get=refuse) as node, talking(node) as one, pytest.raises(PacsError):
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)


def test_a_full_disk_ends_a_retrieval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with archive(get=getting(*ct_study(1))) as node, talking(node) as one:
        monkeypatch.setattr("anontui.pacs.dimse.storing.shutil.copyfileobj", full)
        with pytest.raises(OSError, match="No space"):
            one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    assert not list(tmp_path.iterdir())


def test_nothing_of_it_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    caplog.set_level(logging.DEBUG)
    with archive(answering(study(1)), getting(*ct_study(1))) as node, talking(node) as one:
        assert len(list(one.find(Query(accession="ACC1"), no_tick))) == 1
        assert not list(one.find(Query(Level.SERIES, study=study_uid(1)), no_tick))
        one.retrieve(Wanted(study_uid(1)), Inbox(tmp_path), no_tick)
    texts = [r.getMessage() for r in caplog.records] + [str(w.message) for w in recwarn]
    assert not [t for t in texts if "Invented" in t or "ACC1" in t or study_uid(1) in t]
