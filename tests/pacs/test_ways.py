"""All ways to an archive as one: which is gone first, which next, and what counts as sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anontui.errors import NotOffered, PacsError
from anontui.pacs import ways
from anontui.pacs.archive import Sending, Sent, Tick, Wanted, open_archive
from anontui.pacs.fetch import fetch_study
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Bucket, Dimse, Node, Web
from anontui.pacs.query import Answer, Instance, Level, Query, Series, Study
from anontui.pacs.ways import Ways
from tests.pacs.peers import ORTHANC, Peer, ct_study, peer, to_bytes

DATASETS = ct_study(1, instances=4)
STUDY = str(DATASETS[0].StudyInstanceUID)
SERIES = f"{STUDY}.1"
UIDS = [str(dataset.SOPInstanceUID) for dataset in DATASETS]


def nothing(*_: object) -> None:
    pass


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for number, dataset in enumerate(DATASETS):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


class Way:
    """A way whose archive has what ``has`` holds; it tells what it was asked."""

    def __init__(self, name: str, log: list[str], has: set[str]) -> None:
        self.node = Node(name)
        self.name, self.log, self.has = name, log, has
        self.refuses: set[str] = set()
        self.fails: dict[str, PacsError] = {}
        self.takes: Callable[[str], Sending] = lambda _: Sending.SENT
        self.keeps: Callable[[str], bool] = lambda _: True
        self.closed = False

    def _asked(self, what: str) -> None:
        self.log.append(f"{self.name} {what}")
        if what in self.refuses:
            raise NotOffered(f"{self.name} cannot {what}")
        if what in self.fails:
            raise self.fails[what]

    def echo(self) -> float:
        self._asked("echo")
        return float(len(self.name))

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        self._asked("find")
        if query.level is Level.STUDY:
            for number, modalities in enumerate((("CT",), ("MR", "SR"), ("SR",), ())):
                yield Study(f"1.2.{number}", modalities=modalities)
        elif query.level is Level.SERIES:
            yield from (Series(STUDY, f"1.{m}", m) for m in ("CT", "SR", ""))
        else:
            yield from (Instance(STUDY, SERIES, uid) for uid in sorted(self.has))

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        self._asked("retrieve")

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        self._asked("send")
        for path in files:
            uid = UIDS[int(path.stem)]
            what = self.takes(uid)
            if what is Sending.SENT and self.keeps(uid):
                self.has.add(uid)
            self.log.append(f"{self.name} got {path.stem}")
            yield Sent(path, what, "no" if what is Sending.FAILED else "")

    def close(self) -> None:
        self.closed = True


class Three:
    """An archive with all three ways."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, modalities: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(ways, "PAUSE", 0.0)
        self.log: list[str] = []
        self.has: set[str] = set()
        self.dimse, self.web, self.bucket = (
            Way(name, self.log, self.has) for name in ("dimse", "web", "bucket")
        )
        node = Node(
            "PACS",
            Dimse("PACS", "127.0.0.1", 1),
            Web("http://127.0.0.1:1"),
            Bucket("bucket", endpoint="http://127.0.0.1:1"),
            modalities=modalities,
        )
        self.ways = Ways(node)
        self.ways._dimse, self.ways._web, self.ways._bucket = self.dimse, self.web, self.bucket

    def send(self, files: list[Path]) -> list[Sent]:
        return list(self.ways.send(files, nothing))


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> Three:
    return Three(monkeypatch)


def test_the_best_way_comes_first_and_a_refused_one_falls_to_the_next(
    three: Three, tmp_path: Path
) -> None:
    inbox = Inbox(tmp_path / "in")
    list(three.ways.find(Query(), nothing))
    three.ways.retrieve(Wanted(STUDY), inbox, nothing)
    three.dimse.refuses, three.web.refuses = {"find"}, {"retrieve"}
    list(three.ways.find(Query(), nothing))
    three.ways.retrieve(Wanted(STUDY), inbox, nothing)
    first = ["dimse find", "web retrieve"]
    assert three.log == [*first, "dimse find", "web find", "web retrieve", "dimse retrieve"]


def test_when_every_way_refuses_the_last_one_tells_why(three: Three, tmp_path: Path) -> None:
    three.dimse.refuses = three.web.refuses = {"find", "retrieve"}
    with pytest.raises(NotOffered, match="web cannot find"):
        list(three.ways.find(Query(), nothing))
    with pytest.raises(NotOffered, match="dimse cannot retrieve"):
        three.ways.retrieve(Wanted(STUDY), Inbox(tmp_path / "in"), nothing)


def test_a_way_that_fails_is_not_left(three: Three, tmp_path: Path) -> None:
    """What is missing then is asked for again, rather than all by another way."""
    three.web.fails["retrieve"] = PacsError("It broke off")
    with pytest.raises(PacsError, match="broke off"):
        three.ways.retrieve(Wanted(STUDY), Inbox(tmp_path / "in"), nothing)
    assert three.log == ["web retrieve"]


def test_an_echo_goes_every_way(three: Three) -> None:
    assert three.ways.echo() == 6.0
    three.web.fails["echo"] = PacsError("It is not there")
    with pytest.raises(PacsError, match="not there"):
        three.ways.echo()


def test_closing_closes_all(three: Three) -> None:
    three.ways.close()
    assert three.dimse.closed and three.web.closed and three.bucket.closed


def test_only_the_modalities_of_the_node_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not tell its modality is."""
    three = Three(monkeypatch, ("CT", "MR"))
    studies = [one.study for one in three.ways.find(Query(), nothing)]
    assert studies == ["1.2.0", "1.2.1", "1.2.3"]
    query = Query(Level.SERIES, study=STUDY)
    found = [one.modality for one in three.ways.find(query, nothing)]  # type: ignore[union-attr]
    assert found == ["CT", ""]


def test_what_is_there_is_skipped_and_what_was_sent_is_counted(
    three: Three, files: list[Path]
) -> None:
    three.has |= set(UIDS[:2])
    sent = three.send(files)
    assert [(one.path, one.what) for one in sent] == list(
        zip(files, [Sending.THERE] * 2 + [Sending.SENT] * 2, strict=True)
    )
    assert three.log == ["dimse find", "web send", "web got 2", "web got 3", "dimse find"]


def test_what_an_archive_took_and_does_not_have_failed(three: Three, files: list[Path]) -> None:
    three.web.keeps = lambda uid: uid != UIDS[1]
    sent = {one.path: one for one in three.send(files)}
    assert [sent[path].what for path in files] == [
        Sending.SENT,
        Sending.FAILED,
        Sending.SENT,
        Sending.SENT,
    ]
    assert sent[files[1]].reason == "the archive took it, and does not have it"
    assert sent[files[1]].transient
    assert three.log.count("dimse find") > 3  # it was given time


def test_an_archive_that_files_a_little_later_is_believed_then(
    three: Three, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    three.web.keeps = lambda _: False
    counts = iter([nothing, lambda: three.has.update(UIDS)])
    monkeypatch.setattr(ways, "_wait", lambda *_: next(counts)())
    assert [one.what for one in three.send(files)] == [Sending.SENT] * 4


def test_an_archive_that_cannot_be_asked_is_believed(three: Three, files: list[Path]) -> None:
    three.dimse.refuses = three.web.refuses = {"find"}
    three.web.keeps = lambda _: False
    assert [one.what for one in three.send(files)] == [Sending.SENT] * 4


def test_one_that_cannot_be_asked_any_more_is_not(three: Three, files: list[Path]) -> None:
    def take(_: str) -> Sending:
        three.dimse.fails["find"] = PacsError("It is gone")
        return Sending.SENT

    three.web.takes = take
    sent = three.send(files)
    assert [one.what for one in sent] == [Sending.FAILED] * 4
    assert "could not be asked" in sent[0].reason


def test_what_failed_is_told_and_not_counted(three: Three, files: list[Path]) -> None:
    three.web.takes = lambda uid: Sending.FAILED if uid == UIDS[0] else Sending.SENT
    sent = {one.path: one for one in three.send(files)}
    assert (sent[files[0]].what, sent[files[0]].reason) == (Sending.FAILED, "no")
    assert len(sent) == 4


def test_a_way_that_refuses_to_send_falls_to_the_next(three: Three, files: list[Path]) -> None:
    three.web.refuses = {"send"}
    assert [one.what for one in three.send(files)] == [Sending.SENT] * 4
    assert "dimse got 0" in three.log
    three.has.clear()
    three.dimse.refuses = {"send"}
    assert [one.what for one in three.send(files)] == [Sending.SENT] * 4
    assert "bucket got 0" in three.log


def test_what_one_way_took_is_not_sent_by_the_next(three: Three, files: list[Path]) -> None:
    def take(uid: str) -> Sending:
        if uid == UIDS[2]:
            raise NotOffered("No more of this")
        return Sending.SENT

    three.web.takes = take
    assert [one.path for one in three.send(files)] == files
    assert [line for line in three.log if "got" in line] == [
        "web got 0",
        "web got 1",
        "dimse got 2",
        "dimse got 3",
    ]


def test_one_that_breaks_in_between_tells_what_came(three: Three, files: list[Path]) -> None:
    def take(uid: str) -> Sending:
        if uid == UIDS[2]:
            raise PacsError("It broke off")
        return Sending.SENT

    three.web.takes = take
    sending = three.ways.send(files, nothing)
    told = [next(sending), next(sending)]
    assert [(one.path, one.what) for one in told] == [(path, Sending.SENT) for path in files[:2]]
    with pytest.raises(PacsError, match="broke off"):
        next(sending)


def test_studies_are_sent_one_after_the_other(
    three: Three, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "3.other.dcm"
    other.write_bytes(to_bytes(ct_study(2, instances=1)[0]))
    files.insert(1, other)
    batches: list[list[Path]] = []

    def send(paths: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        batches.append(list(paths))
        return iter([Sent(path, Sending.FAILED) for path in batches[-1]])

    monkeypatch.setattr(three.web, "send", send)
    three.send(files)
    assert batches == [[files[0], *files[2:]], [other]]


def test_what_is_no_dicom_fails_for_good(three: Three, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no DICOM")
    sent = three.send([tmp_path / "a", tmp_path / "missing"])
    assert [(one.what, one.transient) for one in sent] == [(Sending.FAILED, False)] * 2
    assert not three.log


def test_a_node_without_a_way_is_told() -> None:
    with pytest.raises(PacsError, match="No way leads to A"):
        open_archive(Node("A"))


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Peer]]:
    with (
        peer(tmp_path_factory.mktemp("one"), "ONE") as one,
        peer(tmp_path_factory.mktemp("two"), "TWO") as two,
    ):
        one.add(*DATASETS)
        yield one, two


@pytest.mark.parametrize("web", [True, False], ids=["all ways", "DIMSE"])
def test_from_one_archive_to_another(
    peers: tuple[Peer, Peer], tmp_path: Path, web: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = (one.node(web=web) for one in peers)
    inbox = Inbox(tmp_path)
    with closing(open_archive(source)) as archive:
        assert archive.echo() > 0
        assert fetch_study(archive, STUDY, inbox, nothing, nothing).instances == 4
    with closing(open_archive(target)) as archive:
        first = {one.what for one in archive.send(inbox.files(), nothing)}
        assert first <= {Sending.SENT, Sending.THERE}  # the other case may have sent them
        assert {one.what for one in archive.send(inbox.files(), nothing)} == {Sending.THERE}
        found = {one.instance for one in archive.find(Query(Level.IMAGE, study=STUDY), nothing)}  # type: ignore[union-attr]
    assert found == set(UIDS)


@pytest.mark.skipif(ORTHANC is None, reason="DICOMweb needs Orthanc; CI has it")
def test_an_archive_whose_web_is_elsewhere_is_reached_over_dimse(
    peers: tuple[Peer, Peer], tmp_path: Path
) -> None:
    """Its web server answers 404 to all."""
    node = peers[0].node()
    assert node.web is not None
    astray = Node("ONE", node.dimse, Web(node.web.url.replace("dicom-web", "elsewhere")))
    with closing(open_archive(astray)) as archive:
        assert fetch_study(archive, STUDY, Inbox(tmp_path), nothing, nothing).instances == 4
