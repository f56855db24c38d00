"""File selections that anybody may have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from anontui.errors import ProjectError
from anontui.server import selection
from anontui.server.selection import selected_paths


def _read(folder: Path, text: str | bytes) -> list[str]:
    path = folder / "fileselection.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [str(found.relative_to(folder)) for found in selected_paths(path)]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("description: d\nid: 1\nselected_paths:\n- a.dcm\n- sub/b.dcm\n", ["a.dcm", "sub/b.dcm"]),
        ("{selected_paths: [a, b, a]}", ["a", "b"]),
        ("selected_paths: []", []),
        ("selected_paths:\n- sub\\b.dcm\n- ./c\n- d//e\n", ["sub/b.dcm", "c", "d/e"]),
        (
            "selected_paths: [123, null, 2024-01-01, yes, 0x10]",
            ["123", "null", "2024-01-01", "yes", "0x10"],
        ),
        ("\ufeffselected_paths: [a]", ["a"]),
        ("selected_paths: [a..b, ...c, '..d']", ["a..b", "...c", "..d"]),
        ("other: {selected_paths: [x], deep: [[y]]}\nselected_paths: ['é ü']", ["é ü"]),
        ("? [complex, key]\n: value\nselected_paths: [a]", ["a"]),
        ("--- !!map\nselected_paths: !!seq [!!str a]", ["a"]),
    ],
)
def test_what_is_selected(tmp_path: Path, text: str, paths: list[str]) -> None:
    assert _read(tmp_path, text) == paths


def test_what_others_write_is_read(tmp_path: Path) -> None:
    content = {"description": "x: y", "id": "u", "selected_paths": ["a b", "#c", "- d", "é", "1"]}
    for flow in (None, True, False):
        text = yaml.safe_dump(content, default_flow_style=flow, allow_unicode=True)
        assert _read(tmp_path, text) == content["selected_paths"]


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "..",
        "a\\..\\x",
        ".. /x",
        "/etc/passwd",
        "\\\\server\\share\\x",
        "//server/share/x",
        "C:/x",
        "c:x",
        "",
        "a\tb",
        "a\0b",
    ],
)
def test_a_path_that_leads_elsewhere_refuses_the_selection(tmp_path: Path, path: str) -> None:
    with pytest.raises(ProjectError) as caught:
        _read(tmp_path, yaml.safe_dump({"selected_paths": ["good", path]}))
    assert "not below" in str(caught.value) or "not YAML" in str(caught.value)
    assert "passwd" not in caught.value.sentence()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "- a",
        "selected_paths: a",
        "selected_paths: {a: b}",
        "selected_paths:",
        "selected_paths: [[a]]",
        "selected_paths: [{a: b}]",
        "other: [a]",
        "selected_paths: [a]\nselected_paths: [b]",
        "selected_paths: [a",
        "selected_paths: &a [*a]",
        "a: &a [x]\nselected_paths: *a",
        "selected_paths: ['\ud800']",
        b"selected_paths: [\xff]",
        b"\x00" * 50,
        "[" * 100_000,
        "selected_paths: [" + "{a: " * 50_000,
    ],
)
def test_what_is_no_selection(tmp_path: Path, text: str | bytes) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    with pytest.raises(ProjectError):
        _read(tmp_path, data)


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MOST_PATHS", 3)
    with pytest.raises(ProjectError, match="too many"):
        _read(tmp_path, "selected_paths: [a, b, c, d]")
    monkeypatch.setattr(selection, "BIGGEST", 10)
    with pytest.raises(ProjectError, match="too large"):
        _read(tmp_path, "selected_paths: [a]")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProjectError):
        selected_paths(tmp_path / "pipe")
    with pytest.raises(ProjectError):
        selected_paths(tmp_path / "absent")
