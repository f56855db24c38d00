"""Settings, shares, batches, mappings: what a project folder has."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import ProjectError, SettingsError
from anontui.operations import batches
from anontui.operations.builtin import CONFIG_NAME
from anontui.operations.mappings import new_mapping
from anontui.operations.servers import connect, probe
from anontui.operations.workspace import Workspace, open_workspace
from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from anontui.settings import Server
from tests.operations.conftest import SHARE
from tests.operations.fakes import URL


def test_shares_of_the_built_in_server_are_known(workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "server"
    data.mkdir()
    (data / CONFIG_NAME).write_text(f"shares: {{'\\\\anontui\\demo': '{tmp_path}'}}\nport: 0\n")
    here = workspace.with_settings(workspace.settings.replace(built_in=data))
    assert here.share_map().to_unc(tmp_path / "data") == r"\\anontui\demo\data"
    # the user's own is deeper, and wins
    assert here.share_map().to_unc(workspace.folder / "x") == rf"{SHARE}\x"


@pytest.mark.parametrize("text", ["{", "[1]", "shares: [1]", "shares: {'\\\\a\\b': relative}"])
def test_wrong_configuration_of_the_built_in_server(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    (tmp_path / CONFIG_NAME).write_text(text)
    here = workspace.with_settings(workspace.settings.replace(built_in=tmp_path))
    with pytest.raises(SettingsError, match=r"server\.yml"):
        here.share_map()


def test_open_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").mkdir()
    monkeypatch.chdir(tmp_path)
    here = open_workspace(Path("p"))
    assert here.folder == tmp_path / "p"
    assert here.mapping_path == tmp_path / "p" / "anon_mapping.csv"


def test_batch_of_the_active_server_is_made_by_adding(workspace: Workspace) -> None:
    with pytest.raises(ProjectError, match="has no batch"):
        batches.open_batch(workspace)
    with pytest.raises(ProjectError, match="has no batch"):
        batches.remove_jobs(workspace, [1])
    batches.add_jobs(workspace, [5, 3])
    batches.add_jobs(workspace, [10, 5])
    assert batches.remove_jobs(workspace, [3, 99]) == Batch((5, 10), "p01", URL)
    assert batches.open_batch(workspace) == Batch((5, 10), "p01", URL)


def test_token_goes_to_none_but_the_users_own_servers(workspace: Workspace) -> None:
    assert batches.server_of(workspace, Batch((), "any", URL + "/")) == Server("p01", URL)
    with pytest.raises(SettingsError, match=r"not among yours: https://evil\.example"):
        batches.server_of(workspace, Batch((), "p01", "https://evil.example"))


def test_new_mapping(workspace: Workspace) -> None:
    settings = workspace.settings.replace(job_defaults={"project": "Lung"})
    new_mapping(workspace.with_settings(settings))
    mapping = Mapping.load(workspace.mapping_path)
    assert mapping.option("project") == "Lung"
    assert mapping.option("root_source_path") == SHARE
    assert len(mapping.rows) == 0
    before = workspace.mapping_path.read_bytes()
    with pytest.raises(ProjectError, match="There is a mapping already"):
        new_mapping(workspace)
    assert workspace.mapping_path.read_bytes() == before


def test_connect_takes_the_users_credentials(workspace: Workspace) -> None:
    with connect(workspace.settings.replace(user_name="z1", user_token="secret")) as client:
        assert repr(client) == f"Client('{URL}', 'z1')"


def test_probe_tells_trouble_and_never_raises(workspace: Workspace) -> None:
    state = probe(workspace.settings, workspace.settings.active_server)
    assert (state.name, state.up, state.latency_ms) == ("p01", False, None)
    assert state.problem and state.advice
    assert not probe(workspace.settings, Server("x", "ftp://nowhere")).up
