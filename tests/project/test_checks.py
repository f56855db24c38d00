"""What is said of a row while someone types it."""

from __future__ import annotations

import pytest

from anontui.project.checks import problems_of
from tests.project.make import COLUMNS, HEAD, mapping_of


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        (COLUMNS + "folder:a/b,1,P,x\n", {}),
        (COLUMNS + "folder:a,1\n", {}),
        (COLUMNS + "folder:a,,P,\n", {}),
        (COLUMNS + r"fileselection:\\s\x\f.txt,1,,", {}),
        (COLUMNS + "study_instance_uid:1.2.840.10008,1,,\n", {}),
        (COLUMNS + "accession_number:1234567.12345678,1,,\n", {}),
        (COLUMNS + ",1,,\n", {"source": "missing"}),
        (COLUMNS + "floldertypo:1,1,,\n", {"source": "known kind"}),
        (COLUMNS + "OOPS,1,,\n", {"source": "known kind"}),
        (COLUMNS + "folder:,1,,\n", {"source": "nothing after the colon"}),
        (COLUMNS + "folder:a/../../b,1,,\n", {"source": "'..'"}),
        (COLUMNS + "folder:..\\b,1,,\n", {"source": "'..'"}),
        (COLUMNS + "folder:a/.. /b,1,,\n", {"source": "'..'"}),
        (COLUMNS + "folder:H:\\data,1,,\n", {"source": "this computer's own"}),
        (COLUMNS + "folder:/mnt/data,1,,\n", {"source": "this computer's own"}),
        (COLUMNS + "study_instance_uid:1.02.3,1,,\n", {"source": "UID"}),
        (COLUMNS + f"study_instance_uid:1.{'2' * 63},1,,\n", {"source": "UID"}),
        (COLUMNS + "folder:a,,,x\n", {"pseudo_id": "missing"}),
        ("source,pseudo_name\nfolder:a,\n", {"pseudo_name": "missing"}),
        ("source\nfolder:a\n", {"pseudo_name": "missing"}),
        (COLUMNS + "folder:a,P\\1,,\n", {"pseudo_id": "backslash"}),
        (COLUMNS + 'folder:a,1,"P\n1",\n', {"pseudo_name": "line break"}),
        (COLUMNS + f"folder:a,{'1' * 65},,\n", {"pseudo_id": "64"}),
        (COLUMNS + "folder:a,1,P,x,more\n", {"": "no column name"}),
        ("source,,pseudo_id\nfolder:a,x,1\n", {"": "no column name"}),
        (COLUMNS + "folder:a,1,P,x,,\n", {}),
        (COLUMNS + 'folder:a,1,P,"x\nfolder:b,2,P,y"\n', {"": "a quote that is never closed"}),
        ("source,patient_id,pseudo_id\nfolder:a,1,2\n", {"pseudo_id": "Two columns"}),
        ("source,pseudo_id,destination_path\nfolder:a,1,C:\\x\n", {"destination_path": "UNC"}),
        ("source,pseudo_id,root_source_path\nfolder:a,1,\n", {}),
    ],
)
def test_problems(table: str, wrong: dict[str, str]) -> None:
    found = problems_of(mapping_of(table), 0)
    assert list(found) == list(wrong)
    for column, part in wrong.items():
        assert part in found[column]


def test_an_option_may_give_what_a_row_lacks() -> None:
    mapping = mapping_of("source\nfolder:a\n", HEAD.replace("project,Knees", "patient_id,P1"))
    assert problems_of(mapping, 0) == {}


def test_no_message_repeats_a_cell() -> None:
    mapping = mapping_of(COLUMNS + "Jansen:Jansen,Jansen\\,,,Jansen\nfolder:/Jansen,,,\n")
    assert "Jansen" not in str([problems_of(mapping, row) for row in range(2)])
