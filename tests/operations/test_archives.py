"""Searching archives, rows from what is found, and jobs."""

from __future__ import annotations

import pytest

from anontui.errors import UsageError
from anontui.events import Progress, result_of
from anontui.operations.archives import (
    Import,
    Order,
    Search,
    add_studies,
    import_studies,
    search,
)
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from tests.operations.archive_server import ArchiveClient, answer
from tests.operations.conftest import Make


@pytest.fixture
def editor(workspace: Workspace, make: Make) -> MappingEditor:
    make().save(workspace.mapping_path)
    return MappingEditor.load(workspace.mapping_path)


def test_many_numbers_are_asked_for_in_parts_and_once() -> None:
    client = ArchiveClient(*map(answer, range(60)), answer(100, accession="ACC7"))
    numbers = (*(f"ACC{n}" for n in range(70)), "ACC1", "ACC2")
    events = list(search(client, "A", Search(accessions=numbers)))
    found = result_of(iter(events))
    assert len(found.answers) == 61
    assert found.not_found == tuple(f"ACC{n}" for n in range(60, 70))
    assert [len(part) for part in client.searches] == [25, 25, 20]
    steps = [event.done for event in events if isinstance(event, Progress)]
    assert steps == sorted(steps) and steps[-1] == 70


def test_a_limit_ends_the_search() -> None:
    client = ArchiveClient(*map(answer, range(60)))
    numbers = tuple(f"ACC{n}" for n in range(60))
    found = result_of(search(client, "A", Search(accessions=numbers, limit=30)))
    assert (len(found.answers), found.more) == (30, True)
    found = result_of(search(client, "A", Search(patient_id="PID7")))
    assert [one.accession for one in found.answers] == ["ACC7"]


def rows_of(workspace: Workspace) -> list[tuple[str, str]]:
    mapping = MappingEditor.load(workspace.mapping_path).mapping
    rows = range(len(mapping.rows))
    return [(mapping.cell(row, "source"), mapping.cell(row, "pseudo_id")) for row in rows]


def test_studies_of_one_patient_get_one_pseudonym(
    workspace: Workspace, editor: MappingEditor
) -> None:
    studies = [answer(1, patient="X"), answer(2, patient="Y"), answer(3, patient="X")]
    added = add_studies(workspace, editor, studies, random=True)
    rows = rows_of(workspace)
    assert [source for source, _ in rows] == [f"study_instance_uid:1.2.3.{n}" for n in (1, 2, 3)]
    one, other, again = [name for _, name in rows]
    assert one == again != other and one and other
    assert all(row["description"] == "CT, 3 instances" for row in added.rows)
    later = add_studies(workspace, editor, [*studies, answer(4, patient="Y")], random=True)
    assert (later.known, rows_of(workspace)[3:]) == (3, [("study_instance_uid:1.2.3.4", other)])


def test_pseudonyms_that_are_given_and_none(workspace: Workspace, editor: MappingEditor) -> None:
    add_studies(workspace, editor, [answer(1), answer(2)], pseudonyms={"1.2.3.1": "P-1"})
    assert [name for _, name in rows_of(workspace)] == ["P-1", ""]


@pytest.mark.parametrize(("target", "kind"), [("B", "NODE"), (r"\\server\share\out", "PATH")])
def test_what_is_asked_of_the_server(target: str, kind: str) -> None:
    wanted = Import("A", target, "Lung", practice=True, sop_classes=("1.2", "1.3"))
    form = wanted.request(Order("1.2.3", pseudonym="P-1")).to_form()
    assert form == {
        "source_type": "WADO",
        "source_name": "A",
        "source_instance_id": "1.2.3",
        "source_sop_class_filter_list": "1.2,1.3",
        "destination_type": kind,
        "destination_path": target,
        "project_name": "Lung",
        "anonymizedpatientid": "P-1",
        "anonymizedpatientname": "P-1",
        "practice": "True",
    }
    form = Import("", target, "Lung").request(Order(accession="A 1")).to_form()
    assert form["source_instance_id"] == "accession_number:A 1"
    assert not {"source_name", "practice", "anonymizedpatientid"} & form.keys()
    with pytest.raises(UsageError):
        wanted.request(Order())


def test_the_same_key_creates_nothing_twice() -> None:
    client = ArchiveClient()
    orders = [Order(f"1.2.{n}") for n in range(450)]
    first = result_of(import_studies(client, Import("A", "B", "Lung"), orders, key="k"))
    again = result_of(import_studies(client, Import("A", "B", "Lung"), orders, key="k"))
    assert [job.job_id for job in first] == [job.job_id for job in again]
    assert len(client.store) == 450
    assert [job.source_instance_id for job in first] == [one.study for one in orders]
    result_of(import_studies(client, Import("A", "B", "Lung"), orders[:1]))
    assert len(client.store) == 451
