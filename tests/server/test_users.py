"""Users, their roles, and their tokens, of which hashes are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anontui.errors import UsageError
from anontui.server.database import Database
from anontui.server.users import Role, Users


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "jobs.sqlite")) as database:
        yield database


def test_a_user_may_hold_several_tokens_until_they_are_revoked(database: Database) -> None:
    users = Users(database)
    tokens = [users.add("alice") for _ in range(3)]
    assert all(users.role("alice", token) for token in tokens)
    assert [(user.name, user.tokens) for user in users.all()] == [("alice", 3)]
    assert users.revoke("alice") == 3
    assert not any(users.role("alice", token) for token in tokens)
    assert users.all()[0].tokens == 0


def test_tokens_are_not_in_the_file(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "jobs.sqlite")) as database:
        token = Users(database).add("alice")
    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in everything
    assert len(token) >= 43


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("", None),
        ("a b", None),
        ("x" * 65, None),
        ("a\n", None),
        ("alice", "short"),
        ("alice", "with space " * 5),
        ("alice", "known-" * 6),
    ],
)
def test_names_and_tokens_that_cannot_serve(
    database: Database, name: str, token: str | None
) -> None:
    users = Users(database)
    users.add("bob", "known-" * 6)
    with pytest.raises(UsageError):
        users.add(name, token)
    assert [user.name for user in users.all()] == ["bob"]


def test_a_role_stays_until_another_is_given(database: Database) -> None:
    users = Users(database)
    first, second = users.add("alice"), users.add("alice", role=Role.ADMIN)
    assert users.role("alice", first) is users.role("alice", second) is Role.ADMIN
    users.add("alice")
    assert [user.role for user in users.all()] == [Role.ADMIN]
    users.add("alice", role=Role.USER)
    assert users.role("alice", second) is Role.USER


def test_a_token_is_of_one_user(database: Database) -> None:
    users = Users(database)
    alice, bob = users.add("alice", role=Role.ADMIN), users.add("bob")
    assert users.role("bob", alice) is None
    assert users.role("alice", bob) is None
    assert users.role("alice", "") is None
    assert (users.knows("bob"), users.knows("carol")) == (True, False)
