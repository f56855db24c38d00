"""The built-in server as a real process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anontui.errors import CannotStart, CredentialsRefused, ServerError
from anontui.events import result_of
from anontui.idis.client import Client
from anontui.operations import builtin, own_server
from anontui.operations.creating import create, plan
from anontui.operations.servers import connect
from anontui.operations.workspace import Workspace
from anontui.project import created
from anontui.project.batch import Batch
from anontui.settings import Settings, load
from tests.operations.conftest import SHARE, Make


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose server is stopped at the end."""
    folder = tmp_path / "server"
    yield folder
    if folder.is_dir():
        builtin.stop(folder)


def test_start_use_stop(data: Path, tmp_path: Path) -> None:
    assert builtin.state(data) == builtin.BuiltinState(False)
    server = builtin.start(data, {SHARE: tmp_path}, ["Lung"])
    assert server.running and server.pid
    assert builtin.state(data) == server == builtin.start(data)
    assert builtin.shares(data) == {SHARE: tmp_path}
    token = builtin.new_token(data, "z1")
    with Client(server.url, "z1", token) as client:
        assert client.jobs() == []
    with Client(server.url, "z1", "wrong") as client, pytest.raises(CredentialsRefused):
        client.jobs()
    builtin.stop(data)
    assert builtin.state(data) == builtin.BuiltinState(False)
    builtin.stop(data)  # nothing to stop is no trouble
    assert builtin.start(data).url == server.url
    assert builtin.shares(data) == {SHARE: tmp_path}


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX's")
def test_it_outlives_the_terminal(data: Path) -> None:
    server = builtin.start(data)
    assert server.pid and os.getsid(server.pid) != os.getsid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_after_a_kill_it_is_not_taken_for_running(data: Path) -> None:
    server = builtin.start(data)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    while builtin.state(data).running:
        time.sleep(0.01)
    again = builtin.start(data)
    assert again.running and again.pid != server.pid


def test_modules_in_its_folder_are_not_run(data: Path) -> None:
    data.mkdir()
    (data / "click.py").write_text("raise SystemExit('hijacked')")
    assert builtin.start(data).running
    assert builtin.new_token(data, "z1")


def test_wrong_configuration_is_told(data: Path) -> None:
    data.mkdir()
    (data / builtin.CONFIG_NAME).write_text("port: [a, b]\n")
    with pytest.raises(CannotStart, match="did not start") as caught:
        builtin.start(data)
    assert "server.yml" in caught.value.cause and builtin.LOG_NAME in caught.value.advice


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="did not start"):
        builtin.start(tmp_path / "file" / "server")


def test_refused_user_is_told(data: Path) -> None:
    with pytest.raises(CannotStart, match="did not give a token"):
        builtin.new_token(data, "no good name")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_server_killed_while_300_jobs_are_created(
    data: Path, workspace: Workspace, make: Make
) -> None:
    server = builtin.start(data, {SHARE: workspace.folder}, ["Wetenschap-Algemeen"])
    settings = Settings(
        path=workspace.settings.path,
        user_name="z1",
        user_token=builtin.new_token(data, "z1"),
        shares=workspace.settings.shares,
    ).with_server("own", server.url)
    here = Workspace(workspace.folder, settings.activated("own"))
    mapping = make(*(f"folder:p{number},LUNG-{number:03d}" for number in range(300)))

    def kill() -> None:
        assert server.pid
        while len(created.read(here.folder)) < 30:
            time.sleep(0.001)
        os.kill(server.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with Client(server.url, "z1", settings.user_token) as client:
        with pytest.raises(ServerError, match=r"of 300 jobs were created, then it stopped"):
            result_of(create(here, plan(here, mapping), client))
        killer.join()
        assert builtin.start(data).url == server.url
        rest = result_of(create(here, plan(here, mapping), client))
        assert 0 < len(rest.jobs) <= 270
        assert plan(here, mapping).ready == ()
        batch = Batch.load(here.folder)
        assert batch and len(batch.job_ids) == 300
        names = [
            job.source_anonymizedpatientid
            for job in client.jobs_by_id(range(1, 600), extended=True).values()
        ]
    assert sorted(map(str, names)) == [f"LUNG-{number:03d}" for number in range(300)]


@pytest.mark.parametrize("token", ["", "a-token-of-another-server-0123456789abcdef"])
def test_switched_on_for_a_project(data: Path, workspace: Workspace, token: str) -> None:
    settings = workspace.settings.replace(built_in=data, user_name="z1", user_token=token)
    here = own_server.switch_on(workspace.with_settings(settings))
    assert own_server.is_on(here)
    assert here.settings.active_server_name == "built-in"
    assert not token or here.settings.user_token == token  # the other server's is not lost
    with connect(here.settings) as client:
        assert client.jobs() == []
    assert r"\\anontui\project" in builtin.shares(data)
    assert own_server.switch_on(here).settings == here.settings == load(here.settings.path)
    own_server.switch_off(here)
    assert not own_server.is_on(here)
