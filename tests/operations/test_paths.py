"""The share map: proposals of the system's mounts, agreed to once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import UsageError
from anontui.operations import paths
from anontui.operations.builtin import CONFIG_NAME
from anontui.operations.mounts import Mount
from anontui.operations.paths import Origin
from anontui.operations.workspace import Workspace
from anontui.settings import load
from anontui.unc import ShareMap
from tests.operations.conftest import SHARE


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> list[Mount]:
    """What the system has mounted."""
    found: list[Mount] = []
    monkeypatch.setattr(paths, "system_mounts", lambda: found)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "mnt" / "data"
    (folder / "p1").mkdir(parents=True)
    return folder


def test_a_mount_is_proposed_until_it_is_confirmed(
    workspace: Workspace, data: Path, mounted: list[Mount]
) -> None:
    own = workspace.folder
    mounted[:] = [
        Mount(r"\\nas\data", str(data)),
        Mount(r"\\old\name", str(own)),
        Mount("X", "H:\\"),
    ]
    assert [(s.unc, s.local, s.origin) for s in paths.shares(workspace)] == [
        (SHARE, str(own), Origin.SETTINGS),
        (r"\\nas\data", str(data), Origin.PROPOSED),
    ]
    assert paths.unc_of(workspace, data / "p1") is None
    assert paths.proposal_for(workspace, data / "p1") == mounted[0]
    assert paths.proposal_for(workspace, own / "p1") is None
    after = paths.confirm(workspace, mounted[:1])
    assert paths.unc_of(after, data / "p1") == r"\\nas\data\p1"
    assert paths.proposals(after) == []
    assert load(workspace.settings.path).shares == after.settings.shares


def test_of_nested_mounts_the_deepest_is_proposed(
    workspace: Workspace, data: Path, mounted: list[Mount]
) -> None:
    mounted[:] = [Mount(r"\\a\b", str(data)), Mount(r"\\c\d", str(data / "p1"))]
    for folder, mount in ((data / "p1" / "x", mounted[1]), (data / "p2", mounted[0])):
        assert paths.proposal_for(workspace, folder) == mount


def test_links_to_a_share_have_its_unc_path(
    workspace: Workspace, data: Path, tmp_path: Path, mounted: list[Mount]
) -> None:
    link = tmp_path / "link"
    link.symlink_to(data)
    mounted[:] = [Mount(r"\\nas\data", str(data))]
    assert paths.proposal_for(workspace, link / "p1") == mounted[0]
    after = paths.confirm(workspace, mounted)
    assert paths.unc_of(after, link / "p1") == r"\\nas\data\p1"


def test_add_and_remove(workspace: Workspace, data: Path) -> None:
    after = paths.add(workspace, "//nas/wrong/", data)
    after = paths.add(after, "//nas/data/", data)
    assert after.settings.shares == ShareMap(((SHARE, workspace.folder), (r"\\nas\data", data)))
    assert paths.remove(after, "//NAS/data").settings.shares == workspace.settings.shares
    assert paths.remove(after, f"{data}/").settings.shares == workspace.settings.shares
    for name in (r"\\nas\other", str(data / "p1"), "x"):
        with pytest.raises(UsageError, match="no share"):
            paths.remove(after, name)
    with pytest.raises(UsageError, match="not a UNC path"):
        paths.add(after, "data", data)


def test_one_share_in_two_places_is_kept(workspace: Workspace, data: Path) -> None:
    after = paths.add(workspace, SHARE, data)
    assert load(after.settings.path).shares.pairs == ((SHARE, workspace.folder), (SHARE, data))
    assert paths.unc_of(after, data / "p1") == rf"{SHARE}\p1"


def test_what_the_built_in_server_shares_is_known(workspace: Workspace, data: Path) -> None:
    (data / CONFIG_NAME).write_text(f"shares: {{'\\\\here\\data': '{data}'}}")
    local = workspace.with_settings(workspace.settings.replace(built_in=data))
    assert [(one.unc, one.origin) for one in paths.shares(local)][:2] == [
        (SHARE, Origin.SETTINGS),
        (r"\\here\data", Origin.BUILT_IN),
    ]
    assert paths.unc_of(local, data / "p1") == r"\\here\data\p1"
    with pytest.raises(UsageError):
        paths.remove(local, r"\\here\data")
