"""A share, and servers over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from anontui.server.calls import Api
from anontui.server.config import ServerConfig
from anontui.server.database import Database
from anontui.server.folder import DataFolder
from anontui.server.http import Web, make_app
from anontui.server.live import Hub
from anontui.server.metrics import Metrics
from anontui.server.projects import Projects
from anontui.server.reception import Reception
from anontui.server.refusals import Refusals
from anontui.server.review import Review
from anontui.server.store import Store
from anontui.server.users import Users
from anontui.server.views import Views
from anontui.unc import ShareMap
from tests.server.support import ALICE_TOKEN, BOB_TOKEN, SHARE, Caller, ServeProcess, app_server


@dataclass(frozen=True)
class Ledger:
    """A data folder with its ledger open, users alice and bob, and a share."""

    folder: DataFolder
    database: Database
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
    folder.config.write(ServerConfig(ShareMap(((SHARE, share),))))
    with closing(folder.database()) as database:
        users = Users(database)
        users.add("alice", ALICE_TOKEN)
        users.add("bob", BOB_TOKEN)
        yield Ledger(folder, database, Store(database), users, share)


@pytest.fixture
def web(ledger: Ledger) -> Iterator[Web]:
    """What the web API is made of, over a ledger whose jobs nobody runs."""
    projects = Projects(ledger.folder.projects, ledger.folder.config, ledger.folder.path)
    opened = Review.of(ledger.folder, ledger.database)
    with closing(Views(ledger.folder.ledger)) as views, opened as review:
        hub = Hub(views)
        ledger.store.on_change = hub.changed
        reception = Reception(ledger.folder, ledger.database, projects)
        yield Web(
            Api(ledger.store, views, projects, hub, review, reception),
            ledger.users,
            Refusals(ledger.database, ledger.users),
            Metrics(views, lambda: 2),
        )


@pytest.fixture
def call(web: Web) -> Iterator[Caller]:
    """The web API by HTTP, for user alice."""
    with app_server(make_app(web), web.api.hub.close) as url:
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
