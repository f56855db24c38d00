"""DIMSE against dcmtk: its archive dcmqrscp as the peer, and its clients for comparison."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sending, Wanted
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node
from anontui.pacs.query import Instance, Level, Query, Series, Study
from tests.needs import program
from tests.pacs.peers import ct_study, free_port, to_bytes
from tests.pacs.test_dimse import no_tick, talking, wait_for

pytestmark = program("dcmqrscp", "dcmtk")

CONFIG = """
NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
us = (ANONTUI, 127.0.0.1, {move_port})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
DCMTK {storage} RW (200, 1024mb) ANY
AETable END
"""


@contextmanager
def dcmqrscp(folder: Path, *options: str) -> Iterator[Node]:
    """An archive with two studies, sent to it by us."""
    port, move_port = free_port(), free_port()
    (folder / "storage").mkdir(parents=True)
    config = folder / "dcmqrscp.cfg"
    config.write_text(CONFIG.format(port=port, move_port=move_port, storage=folder / "storage"))
    files = []
    for i, dataset in enumerate([*ct_study(1, series=2, instances=4), *ct_study(2)]):
        files.append(folder / f"{i}.dcm")
        files[-1].write_bytes(to_bytes(dataset))
    with subprocess.Popen(["dcmqrscp", "-c", str(config), *options], cwd=folder) as process:
        try:
            wait_for(port)
            node = Node("DCMTK", dimse=Dimse("DCMTK", "127.0.0.1", port, move_port=move_port))
            with talking(node) as one:
                assert {s.what for s in one.send(files, no_tick)} == {Sending.SENT}
            yield node
        finally:
            process.kill()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")) as one:
        yield one


def dcmtk(tool: str, node: Node, *options: object) -> str:
    assert node.dimse is not None
    command = [tool, "-v", "-S", "-aec", node.dimse.aet, "-aet", node.dimse.calling_aet]
    command += [*map(str, options), node.dimse.host, str(node.dimse.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def found_by_dcmtk(node: Node, level: Level, key: str, **keys: str) -> list[str]:
    options = ["-k", f"QueryRetrieveLevel={level}", "-k", key]
    for name, value in keys.items():
        options += ["-k", f"{name}={value}"]
    return sorted(re.findall(r"UI \[([0-9.]+) *\].*" + key, dcmtk("findscu", node, *options)))


def test_it_answers_an_echo(node: Node) -> None:
    with talking(node) as one:
        assert one.echo() > 0


def test_what_findscu_finds_we_find(node: Node) -> None:
    study = str(ct_study(1)[0].StudyInstanceUID)
    with talking(node) as one:
        studies = [a.study for a in one.find(Query(), no_tick) if isinstance(a, Study)]
        series = [
            a.series
            for a in one.find(Query(Level.SERIES, study=study), no_tick)
            if isinstance(a, Series)
        ]
        instances = [
            a.instance
            for a in one.find(Query(Level.IMAGE, study=study, series=f"{study}.2"), no_tick)
            if isinstance(a, Instance)
        ]
    assert (len(studies), len(series), len(instances)) == (2, 2, 4)
    assert sorted(studies) == found_by_dcmtk(node, Level.STUDY, "StudyInstanceUID")
    assert sorted(series) == found_by_dcmtk(
        node, Level.SERIES, "SeriesInstanceUID", StudyInstanceUID=study
    )
    assert sorted(instances) == found_by_dcmtk(
        node,
        Level.IMAGE,
        "SOPInstanceUID",
        StudyInstanceUID=study,
        SeriesInstanceUID=f"{study}.2",
    )


@pytest.mark.parametrize("move", [False, True])
def test_what_getscu_gets_we_get(node: Node, tmp_path: Path, move: bool) -> None:
    study = str(ct_study(1)[0].StudyInstanceUID)
    with talking(node) as one:
        one._gets = not move
        one.retrieve(Wanted(study), Inbox(tmp_path / "ours"), no_tick)
    (tmp_path / "theirs").mkdir()
    options = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    dcmtk("getscu", node, *options, "-od", tmp_path / "theirs")
    ours, theirs = (
        {str(d.SOPInstanceUID): d for d in map(dcmread, folder.iterdir())}
        for folder in (tmp_path / "ours", tmp_path / "theirs")
    )
    assert len(ours) == 8
    assert ours == theirs


def test_some_instances_come_by_get_and_by_move(node: Node, tmp_path: Path) -> None:
    study = str(ct_study(1)[0].StudyInstanceUID)
    wanted = Wanted(study, tuple((f"{study}.1", f"{study}.1.{i}") for i in (2, 3)))
    with talking(node) as one:
        for gets in (True, False):
            one._gets = gets
            inbox = Inbox(tmp_path / str(gets))
            one.retrieve(wanted, inbox, no_tick)
            assert {p.name for p in inbox.files()} == {
                inbox.path_of(instance).name for _, instance in wanted.instances
            }


def test_an_archive_without_c_get_moves(tmp_path: Path) -> None:
    study = str(ct_study(1)[0].StudyInstanceUID)
    with dcmqrscp(tmp_path / "archive", "--disable-get") as node:
        with talking(node) as one:
            one.retrieve(Wanted(study), Inbox(tmp_path / "in"), no_tick)
        assert Inbox(tmp_path / "in").count() == 8
        assert node.dimse is not None
        without = Node("DCMTK", dimse=Dimse("DCMTK", "127.0.0.1", node.dimse.port))
        with talking(without) as one, pytest.raises(NotOffered, match="C-GET"):
            one.retrieve(Wanted(study), Inbox(tmp_path / "no"), no_tick)


def test_a_destination_that_it_does_not_know_is_told(node: Node, tmp_path: Path) -> None:
    assert node.dimse is not None
    dimse = Dimse(
        "DCMTK", "127.0.0.1", node.dimse.port, calling_aet="STRANGER", move_port=free_port()
    )
    with talking(Node("DCMTK", dimse=dimse)) as one, pytest.raises(PacsError) as caught:
        one._gets = False
        one.retrieve(Wanted(str(ct_study(1)[0].StudyInstanceUID)), Inbox(tmp_path), no_tick)
    assert caught.value.message == "DCMTK does not know STRANGER as a destination"
    assert not caught.value.transient
