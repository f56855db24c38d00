"""Sources, as people write them and as they are sent."""

from __future__ import annotations

import pytest

from anontui.errors import ProjectError
from anontui.project.source import Source, SourceKind


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("folder:a/b", SourceKind.FOLDER, "a/b"),
        ("folder:C:\\a", SourceKind.FOLDER, "C:\\a"),
        (" Folder : a b  ", SourceKind.FOLDER, "a b"),
        ("fileselection:a/fileselection.txt", SourceKind.FILESELECTION, "a/fileselection.txt"),
        ("study_instance_uid:1.2.3", SourceKind.STUDY_INSTANCE_UID, "1.2.3"),
        ("accession_number:1234567.1234578dwe ", SourceKind.ACCESSION_NUMBER, "1234567.1234578dwe"),
    ],
)
def test_parse(text: str, kind: SourceKind, value: str) -> None:
    source = Source.parse(text)
    assert source == Source(kind, value)
    assert str(source) == f"{kind}:{value}"
    assert Source.parse(str(source)) == source
    assert source.is_path == (kind in ("folder", "fileselection"))


@pytest.mark.parametrize(
    "text", ["", "folder", "a/Jansen", "x:Jansen", "folder: ", "folder:J\nx", ":"]
)
def test_what_is_no_source(text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Source.parse(text)
    assert caught.value.advice
    assert "Jansen" not in caught.value.sentence()
