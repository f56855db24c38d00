"""A share, and servers over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from anontui.server.calls import Api
from anontui.server.folder import DataFolder
from anontui.server.http import make_app
from anontui.server.store import Store
from anontui.server.users import Users
from tests.server.support import ALICE_TOKEN, BOB_TOKEN, SHARE, Caller, ServeProcess, app_server


@dataclass(frozen=True)
class Ledger:
    """A data folder with its ledger open, users alice and bob, and a share."""

    folder: DataFolder
    store: Store
    users: Users
    share: Path


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    (folder / "in").mkdir(parents=True)
    return folder


@pytest.fixture
def ledger(tmp_path: Path, share: Path) -> Iterator[Ledger]:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    folder.config.add({SHARE: share}, (), None)
    with closing(folder.database()) as database:
        users = Users(database)
        users.add("alice", ALICE_TOKEN)
        users.add("bob", BOB_TOKEN)
        yield Ledger(folder, Store(database), users, share)


@pytest.fixture
def call(ledger: Ledger) -> Iterator[Caller]:
    """The web API over a ledger whose jobs nobody runs."""
    api = Api(ledger.store, ledger.folder.config, ledger.folder.path, lambda: None)
    with app_server(make_app(api, ledger.users)) as url:
        yield Caller(url)


@pytest.fixture
def start_server(tmp_path: Path, share: Path) -> Iterator[Callable[..., ServeProcess]]:
    """Make servers as processes of their own; killed at the end of the test."""
    made: list[ServeProcess] = []

    def make(*more: str) -> ServeProcess:
        made.append(ServeProcess(tmp_path / "data", share, *more))
        return made[-1]

    yield make
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.kill()
