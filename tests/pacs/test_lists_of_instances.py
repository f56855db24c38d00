"""pynetdicom's own archive takes no list of instances: it gets a request for each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from anontui.pacs.archive import Wanted
from anontui.pacs.dimse.archive import DimseArchive
from anontui.pacs.inbox import Inbox
from tests.pacs import peers


def test_each_is_asked_for_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ORTHANC", None)
    datasets = peers.ct_study(1, instances=5)
    wanted = tuple((str(one.SeriesInstanceUID), str(one.SOPInstanceUID)) for one in datasets[1:4])
    inbox = Inbox(tmp_path / "inbox")
    with peers.peer(tmp_path / "peer") as archive:
        archive.add(*datasets)
        with closing(DimseArchive(archive.node(web=False))) as ours:
            ours.retrieve(Wanted(str(datasets[0].StudyInstanceUID), wanted), inbox, lambda: None)
    assert set(inbox.files()) == {inbox.path_of(uid) for _, uid in wanted}
