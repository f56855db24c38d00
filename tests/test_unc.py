r"""UNC paths: one way to write them, no way out of a share, the map goes both ways."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PureWindowsPath
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.unc import ShareMap, as_local, is_inside, is_unc, join, normalise

ROOT = Path("/mnt").absolute()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (r"\\server\share", r"\\server\share"),
        (r"\\server\share" + "\\", r"\\server\share"),
        (r"\\server\share\a\b" + "\\\\\\", r"\\server\share\a\b"),
        ("//server/share/a/b/", r"\\server\share\a\b"),
        (r"\/server/share\a//b", r"\\server\share\a\b"),
        (r"  \\server\share\a b  ", r"\\server\share\a b"),
        (r"\\server\share\.\a\.", r"\\server\share\a"),
        (r"\\server\share$\a", r"\\server\share$\a"),
        (r"\\10.0.0.1\data\é ü 患者", r"\\10.0.0.1\data\é ü 患者"),
        (r"\\server\share\a:b?c*", r"\\server\share\a:b?c*"),
        (r"\\server\share\..a\b..", r"\\server\share\..a\b.."),
    ],
)
def test_there_is_one_way_to_write_it(text: str, normal: str) -> None:
    assert is_unc(text)
    assert normalise(text) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\\",
        "\\\\",
        r"\\server",
        r"\\server" + "\\",
        r"\\\server\share",
        r"\\\\server\\share",
        r"\server\share",
        "/server/share",
        r"C:\data",
        r"C:/data",
        r"H:",
        "data/a",
        r"\\?\C:\data",
        r"\\?\UNC\server\share",
        r"\\.\pipe\x",
        r"\\.\C:",
        "smb://server/share",
        "file:////server/share",
    ],
)
def test_other_paths_are_not_unc(text: str) -> None:
    assert not is_unc(text)
    with pytest.raises(UsageError, match="not a UNC path") as caught:
        normalise(text)
    assert "server" in caught.value.advice


@pytest.mark.parametrize(
    "part", ["..", "...", ".. ", ". .", " ", " ..", "a\n", "a\x00b", "\x1b[2J", "\x7f", "\ud800"]
)
def test_parts_that_lead_elsewhere_are_refused(part: str) -> None:
    for text in (rf"\\server\share\{part}\a", f"//server/share/{part}/a", rf"\\s\{part}\a"):
        with pytest.raises(UsageError, match="holds") as caught:
            normalise(text)
        assert caught.value.sentence().isprintable()
    with pytest.raises(UsageError):
        join(r"\\server\share", f"a/{part}/b")
    assert ShareMap(((r"\\server\share", ROOT),)).to_local(rf"\\server\share\{part}\a") is None


@pytest.mark.parametrize("path", [r"\\server\share\.\..", r"\\server\..\x\share", r"\\.."])
def test_dots_never_make_it_unc(path: str) -> None:
    with pytest.raises(UsageError):
        normalise(path)


@pytest.mark.parametrize(
    ("relative", "whole"),
    [
        ("", r"\\s\d"),
        (".", r"\\s\d"),
        ("a", r"\\s\d\a"),
        ("a/b", r"\\s\d\a\b"),
        (r"a\b" + "\\", r"\\s\d\a\b"),
        ("./a", r"\\s\d\a"),
        ("ab:c", r"\\s\d\ab:c"),
    ],
)
def test_join_goes_down(relative: str, whole: str) -> None:
    assert join("//s/d/", relative) == whole


@pytest.mark.parametrize(
    "relative",
    ["..", "a/../b", r"a\..\..", "/a", r"\a", r"\\s\d\a", "//s/d", "C:", "c:a", r"C:\a", " /a"],
)
def test_join_goes_nowhere_else(relative: str) -> None:
    with pytest.raises(UsageError):
        join(r"\\s\d", relative)


@pytest.mark.parametrize(
    ("path", "root", "inside"),
    [
        (r"\\s\d\a", r"\\s\d", True),
        (r"\\s\d", r"\\s\d", True),
        (r"\\S\D\A\b", "//s/d/a/", True),
        (r"\\s\d\Ünïcödé\x", r"\\S\D\üNÏCÖDÉ", True),
        (r"\\s\d2", r"\\s\d", False),
        (r"\\s\d", r"\\s\d\a", False),
        (r"\\s\e\d", r"\\s\d", False),
        (r"\\s\d\strasse", r"\\s\d\straße", False),
    ],
)
def test_inside_ignores_case_and_respects_names(path: str, root: str, inside: bool) -> None:
    assert is_inside(path, root) is inside


NESTED = ShareMap(
    (
        (r"\\srv\data", ROOT / "data"),
        ("//srv/data/Study/", ROOT / "study"),
        (r"\\srv\home", ROOT / "data" / "home"),
        (r"\\other\data", ROOT / "data"),
    )
)


@pytest.mark.parametrize(
    ("local", "unc"),
    [
        (ROOT / "data", r"\\srv\data"),
        (ROOT / "data" / "a b" / "é", r"\\srv\data\a b\é"),
        (ROOT / "study" / "p1", r"\\srv\data\Study\p1"),
        (ROOT / "data" / "home" / "me", r"\\srv\home\me"),
    ],
)
def test_the_deepest_share_wins_both_ways(local: Path, unc: str) -> None:
    assert NESTED.to_unc(local) == unc
    assert NESTED.to_local(unc) == local


def test_unc_is_found_in_any_writing() -> None:
    assert NESTED.to_local("//SRV/Data/STUDY/p1/") == ROOT / "study" / "p1"
    assert NESTED.to_local(r"\\other\data\x") == ROOT / "data" / "x"


@pytest.mark.parametrize("unc", [r"\\srv\database", r"\\srv", r"C:\data", "", r"\\srv\data\..\x"])
def test_other_unc_paths_are_nowhere(unc: str) -> None:
    assert NESTED.to_local(unc) is None


@pytest.mark.parametrize(
    "local",
    [
        ROOT,
        ROOT / "database",
        ROOT / "data" / ".." / "x",
        ROOT / "data" / "trailing ",
        *([] if sys.platform == "win32" else [ROOT / "data" / "back\\slash"]),
        *([] if sys.platform == "win32" else [ROOT / "data" / "new\nline"]),
        ROOT / "data" / "half\udcff",
    ],
)
def test_other_local_paths_are_on_no_share(local: Path) -> None:
    assert NESTED.to_unc(local) is None


def test_relative_local_path_is_below_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ShareMap(((r"\\s\d", tmp_path),)).to_unc(Path("a")) == r"\\s\d\a"


def test_windows_paths_never_leave_their_share() -> None:
    shares = ShareMap(((r"\\s\d", cast(Path, PureWindowsPath(r"H:\data"))),))
    assert str(shares.to_local(r"\\s\d\a\b")) == r"H:\data\a\b"
    assert shares.to_local(r"\\s\d\C:\Windows") is None
    assert shares.to_local(r"\\s\d\a\C:") is None


def test_no_shares_map_nothing() -> None:
    assert ShareMap().to_unc(ROOT) is None
    assert ShareMap().to_local(r"\\s\d") is None


@pytest.mark.parametrize("pair", [(r"C:\data", ROOT), (r"\\s\d\..", ROOT), (r"\\s\d", Path("a"))])
def test_bad_share_is_refused(pair: tuple[str, Path]) -> None:
    with pytest.raises(UsageError):
        ShareMap((pair,))


names = st.text(st.characters(exclude_characters="/\\\x00"), min_size=1, max_size=8)
paths = st.lists(names, max_size=4)
anything = st.text(st.sampled_from("\\/.: aAéß\x00\nC?") | st.characters(), max_size=20)


@given(anything | anything.map("//s/d/".__add__))
@example("\\\\s/d/..")
def test_normal_paths_have_one_form_and_no_dots(text: str) -> None:
    try:
        normal = normalise(text)
    except UsageError:
        return
    assert normalise(normal) == normal
    assert normalise(normal.replace("\\", "/")) == normal
    assert is_unc(normal)
    server, share, *rest = normal[2:].split("\\")
    assert server
    assert share
    assert all(part.strip(" .") for part in rest)
    assert is_inside(normal, normal)
    assert is_inside(normal.swapcase().swapcase(), rf"\\{server}\{share}")


@given(anything)
def test_joined_paths_never_leave_their_root(relative: str) -> None:
    try:
        joined = join(r"\\s\d", relative)
    except UsageError:
        return
    assert is_inside(joined, r"\\s\d")
    assert os.path.normpath(joined.replace("\\", "/")) == joined.replace("\\", "/")


@given(anything.map(lambda text: f"//srv/data/{text}"))
def test_local_paths_never_leave_their_share(unc: str) -> None:
    local = NESTED.to_local(unc)
    if local is not None:
        assert ".." not in local.parts
        assert any(local.is_relative_to(root) for _, root in NESTED.pairs)


@given(paths)
def test_what_has_a_unc_path_is_found_again(parts: list[str]) -> None:
    local = ROOT.joinpath("study", *parts)
    unc = NESTED.to_unc(local)
    if unc is not None:
        assert NESTED.to_local(unc) == local
        assert normalise(unc) == unc


@given(st.lists(st.sampled_from(["a", "B", "home", "é", "x:y", "n?", "c*", "1"]), max_size=4))
def test_ordinary_names_always_have_a_unc_path(parts: list[str]) -> None:
    assert NESTED.to_unc(ROOT.joinpath("study", *parts)) == "\\".join([r"\\srv\data\Study", *parts])


@pytest.mark.skipif(os.sep != "/", reason="paths with slashes")
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/mnt/data", "/mnt/data"),
        (r" \mnt\data ", "/mnt/data"),
        (r"/mnt/a\b", r"/mnt/a\b"),
        ("mnt/data", None),
        (r"mnt\data", None),
        ("", None),
        (r"\\srv\share", None),
        ("//srv/share", None),
        (r"H:\data", None),
    ],
)
def test_whole_local_paths(text: str, path: str | None) -> None:
    assert as_local(text) == (path and Path(path))
