"""Counted fetching, against an archive that keeps to a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Timer

import pytest
from pydicom import Dataset
from pydicom.uid import UID

from anontui.errors import NoSuchStudy, NotOffered, PacsError
from anontui.pacs.archive import Sent, Tick, Wanted
from anontui.pacs.fetch import Fetched, fetch_study, instances_of, studies_of
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node, Web
from anontui.pacs.query import Answer, Instance, Level, Query, Series, Study
from tests.pacs.peers import ct_study, to_bytes

DATASETS = ct_study(1, series=2, instances=4)
STUDY = str(DATASETS[0].StudyInstanceUID)
CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.22"


def nothing(*_: object) -> None:
    pass


def put(inbox: Inbox, *datasets: Dataset) -> None:
    for dataset in datasets:
        with inbox.writing(str(dataset.SOPInstanceUID), sync=False) as file:
            file.write(to_bytes(dataset))


def told_of(datasets: Iterable[Dataset], *, classes: bool = True) -> list[Instance]:
    return [
        Instance(
            str(one.StudyInstanceUID),
            str(one.SeriesInstanceUID),
            str(one.SOPInstanceUID),
            str(one.SOPClassUID) if classes else "",
        )
        for one in datasets
    ]


Round = Callable[[Inbox, Wanted], object]


class Scripted:
    """Each retrieve is a round of the script; what is over it brings nothing."""

    def __init__(
        self,
        *rounds: Round,
        lists: Sequence[Instance] | None = None,
        node: Node | None = None,
        refuses: tuple[Level, ...] = (),
    ) -> None:
        self.node = node or Node("PACS", web=Web("http://127.0.0.1:1"))
        self.rounds = list(rounds)
        self.lists = told_of(DATASETS) if lists is None else lists
        self.refuses = refuses
        self.wanted: list[Wanted] = []

    def echo(self) -> float:
        return 0.0

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        tick()
        if query.level in self.refuses and not query.series:
            raise NotOffered("not this")
        if query.level is Level.SERIES:
            for series in sorted({one.series for one in self.lists}):
                yield Series(query.study, series)
        else:
            yield from (one for one in self.lists if query.series in ("", one.series))

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        tick()
        self.wanted.append(wanted)
        if self.rounds:
            self.rounds.pop(0)(inbox, wanted)

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        raise NotImplementedError

    def close(self) -> None:
        pass


def fetch(
    archive: Scripted, folder: Path, *, sop_classes: Sequence[str] = (), patience: float = 0.0
) -> Fetched:
    return fetch_study(
        archive,
        STUDY,
        Inbox(folder),
        nothing,
        nothing,
        sop_classes=sop_classes,
        patience=patience,
    )


def brings(*datasets: Dataset) -> Round:
    return lambda inbox, _: put(inbox, *datasets)


def breaks(*datasets: Dataset, transient: bool = True) -> Round:
    def one(inbox: Inbox, _: Wanted) -> None:
        put(inbox, *datasets)
        raise PacsError("It broke off", advice="Wait.", transient=transient)

    return one


def uids(datasets: Iterable[Dataset]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one.SeriesInstanceUID), str(one.SOPInstanceUID)) for one in datasets)


def test_a_whole_study_is_asked_for_once(tmp_path: Path) -> None:
    archive = Scripted(brings(*DATASETS))
    assert fetch(archive, tmp_path) == Fetched(8, 8, 0)
    assert [one.instances for one in archive.wanted] == [()]


def test_only_what_is_missing_is_asked_for_again(tmp_path: Path) -> None:
    archive = Scripted(brings(*DATASETS[:5]), breaks(DATASETS[5]), brings(*DATASETS[6:]))
    assert fetch(archive, tmp_path) == Fetched(8, 8, 0)
    assert [one.instances for one in archive.wanted] == [
        (),
        uids(DATASETS[5:]),
        uids(DATASETS[6:]),
    ]


def test_a_later_call_goes_on_where_one_stopped(tmp_path: Path) -> None:
    put(Inbox(tmp_path), *DATASETS[:7])
    archive = Scripted(brings(DATASETS[7]))
    assert fetch(archive, tmp_path) == Fetched(8, 1, 0)
    assert [one.instances for one in archive.wanted] == [uids(DATASETS[7:])]


def test_what_a_power_cut_left_empty_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path)
    put(inbox, *DATASETS[:5])
    for one in DATASETS[:2]:
        inbox.path_of(str(one.SOPInstanceUID)).write_bytes(b"")
    synced = []
    monkeypatch.setattr(Inbox, "sync", lambda self: synced.append(self.count()))
    archive = Scripted(lambda inbox, wanted: put(inbox, *DATASETS))
    assert fetch_study(archive, STUDY, inbox, nothing, nothing, patience=0.0).came == 5
    assert all(path.stat().st_size for path in inbox.files())
    assert synced == [8]


@pytest.mark.parametrize(
    ("last", "words"),
    [(brings(), "5 of 8 instances came from PACS"), (breaks(), "5 of 8 .* PACS: It broke off")],
)
def test_rounds_that_bring_nothing_end_it(tmp_path: Path, last: Round, words: str) -> None:
    archive = Scripted(brings(*DATASETS[:5]), last, last, last, brings(*DATASETS))
    with pytest.raises(PacsError, match=words) as raised:
        fetch(archive, tmp_path)
    assert raised.value.transient
    assert len(archive.wanted) == 4
    assert Inbox(tmp_path).count() == 5


def test_a_refusal_ends_it_at_once(tmp_path: Path) -> None:
    archive = Scripted(breaks(DATASETS[0], transient=False), brings(*DATASETS))
    with pytest.raises(PacsError, match=r"1 of 8 .* It broke off") as raised:
        fetch(archive, tmp_path)
    assert not raised.value.transient
    assert len(archive.wanted) == 1


def test_a_refusal_that_comes_after_all_is_there_does_no_harm(tmp_path: Path) -> None:
    assert fetch(Scripted(breaks(*DATASETS, transient=False)), tmp_path).instances == 8


def test_what_comes_after_the_answer_is_waited_for(tmp_path: Path) -> None:
    """An archive that sends after it has answered is not asked twice while it does."""

    def late(inbox: Inbox, _: Wanted) -> None:
        for number, dataset in enumerate(DATASETS):
            Timer(0.3 * number, put, (inbox, dataset)).start()

    archive = Scripted(late)
    assert fetch(archive, tmp_path, patience=1.0) == Fetched(8, 8, 0)
    assert len(archive.wanted) == 1


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    archive = Scripted(brings(*DATASETS[:3]), brings(*DATASETS[3:]))
    fetch_study(
        archive,
        STUDY,
        Inbox(tmp_path),
        nothing,
        lambda done, total: told.append((done, total)),
        patience=0.0,
    )
    assert told[0] == (0, 8)
    assert (3, 8) in told
    assert told[-1] == (8, 8)


def test_a_tick_stops_it(tmp_path: Path) -> None:
    ticks = iter(range(3))

    def tick() -> None:
        next(ticks)

    with pytest.raises(StopIteration):
        fetch_study(Scripted(*[brings()] * 9), STUDY, Inbox(tmp_path), tick, nothing)


def of_class(dataset: Dataset, sop_class: str) -> Dataset:
    dataset.SOPClassUID = UID(sop_class)
    return dataset


@pytest.mark.parametrize("tells", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("obeys", [True, False], ids=["only the wanted", "all"])
@pytest.mark.parametrize(
    ("of_node", "of_caller"), [((CT,), ()), ((), (CT,)), ((CT, SR), (CT,))], ids=str
)
def test_only_wanted_sop_classes_are_there_at_the_end(
    tmp_path: Path, tells: bool, obeys: bool, of_node: tuple[str, ...], of_caller: tuple[str, ...]
) -> None:
    """Whether the archive tells the classes or not, and sends more than it was asked for."""
    datasets = ct_study(1, instances=4)
    of_class(datasets[3], SR)

    def bring(inbox: Inbox, wanted: Wanted) -> None:
        names = {instance for _, instance in wanted.instances}
        put(
            inbox,
            *(one for one in datasets if not (obeys and names) or str(one.SOPInstanceUID) in names),
        )

    archive = Scripted(
        bring,
        lists=told_of(datasets, classes=tells),
        node=Node("PACS", web=Web("http://127.0.0.1:1"), sop_classes=of_node),
    )
    assert fetch(archive, tmp_path, sop_classes=of_caller) == Fetched(3, 3, 1)
    inbox = Inbox(tmp_path)
    assert set(inbox.files()) == {inbox.path_of(str(one.SOPInstanceUID)) for one in datasets[:3]}
    assert len(archive.wanted) == 1


def test_instances_of_another_study_never_stay(tmp_path: Path) -> None:
    """They would be de-identified as this patient's."""
    other = ct_study(2, instances=1)[0]
    assert fetch(Scripted(brings(*DATASETS, other)), tmp_path) == Fetched(8, 8, 0)
    assert not Inbox(tmp_path).has(str(other.SOPInstanceUID))


def test_what_came_to_the_archive_meanwhile_stays(tmp_path: Path) -> None:
    archive = Scripted(brings(*DATASETS), lists=told_of(DATASETS[:7]))
    assert fetch(archive, tmp_path).instances == 8
    assert Inbox(tmp_path).count() == 8


def test_what_is_no_dicom_never_stays(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    with inbox.writing("1.2.3") as file:
        file.write(b"not at all")
    fetch(Scripted(brings(*DATASETS)), tmp_path)
    assert inbox.count() == 8


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (Scripted(lists=[]), "has no such study"),
        (
            Scripted(node=Node("PACS", web=Web("http://127.0.0.1:1"), sop_classes=(SR,))),
            "has nothing wanted of this study",
        ),
    ],
)
def test_a_study_that_is_not_there_is_told(tmp_path: Path, archive: Scripted, words: str) -> None:
    with pytest.raises(NoSuchStudy, match=words) as raised:
        fetch(archive, tmp_path)
    assert not raised.value.transient
    assert not archive.wanted


def test_an_archive_is_asked_series_by_series_where_it_wants_that() -> None:
    archive = Scripted(refuses=(Level.IMAGE,))
    assert instances_of(archive, STUDY, nothing) == archive.lists


def test_an_archive_that_cannot_be_asked_says_so() -> None:
    with pytest.raises(NotOffered):
        instances_of(Scripted(refuses=(Level.IMAGE, Level.SERIES)), STUDY, nothing)


@pytest.mark.parametrize("uid", ["", "1.2/3", "*", "1" * 65])
def test_what_is_no_study_is_not_asked_for(tmp_path: Path, uid: str) -> None:
    with pytest.raises(PacsError, match="not a StudyInstanceUID"):
        fetch_study(Scripted(), uid, Inbox(tmp_path), nothing, nothing)


class Found(Scripted):
    """An archive that matches accession numbers loosely."""

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        yield Study("1.2.2", accession="A1", date="20240202")
        yield Study("1.2.1", accession="A1 ", date="20240101")
        yield Study("1.2.3", accession="A12")
        yield Study("1.2.2", accession="A1", date="20240202")


def test_all_studies_of_an_accession_number_and_no_others() -> None:
    assert [one.study for one in studies_of(Found(), "A1", nothing)] == ["1.2.1", "1.2.2"]


@pytest.mark.parametrize("accession", ["", "  ", "*", "A?", "A\\B", "A\nB"])
def test_what_is_no_accession_number_is_not_asked_for(accession: str) -> None:
    with pytest.raises(PacsError, match="not an accession number"):
        studies_of(Found(), accession, nothing)
