"""Who may call the web API: user names, and the hashes of their tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from anontui.errors import UsageError
from anontui.server.database import Database

SHORTEST_TOKEN = 32


class Role(StrEnum):
    """A user sees the projects that they are connected to; an admin sees all."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """A user, since when (local time), and with how many tokens (none: revoked)."""

    name: str
    role: Role
    created: str
    tokens: int


class Users:
    """The users in the ledger. A user may hold several tokens; only hashes are kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, name: str, token: str | None = None, role: Role | None = None, by: str = ""
    ) -> str:
        """Give a user, new or known, one more token and return it.

        Parameters
        ----------
        name
            Letters, digits and ``._@-``, at most 64.
        token
            A token that the user made; by default a new one.
        role
            By default that of a user that is known, and ``USER`` for a new one.
        by
            Who gives it, for the audit.

        Raises
        ------
        UsageError
            If the name or the token cannot serve.
        """
        if not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise UsageError(
                "This user name cannot be used",
                advice="Use letters, digits and . _ @ - only, at most 64 of them.",
            )
        if token is not None and not re.fullmatch(rf"[!-~]{{{SHORTEST_TOKEN},512}}", token):
            raise UsageError(
                "This token cannot be used",
                advice=f"Use {SHORTEST_TOKEN} or more random letters and digits.",
            )
        token = token or secrets.token_urlsafe(32)
        row = {"name": name, "hash": _hash(token), "now": now(), "role": role}
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO users VALUES (:name, :now, coalesce(:role, 'user'))"
                " ON CONFLICT (name) DO UPDATE SET role = coalesce(:role, role)",
                row,
            )
            owner = connection.execute("SELECT user_name FROM tokens WHERE hash = :hash", row)
            if any(user_name != name for (user_name,) in owner):
                raise UsageError(
                    "This token is another user's", advice="Give every user a token of their own."
                )
            connection.execute("INSERT OR IGNORE INTO tokens VALUES (:hash, :name, :now)", row)
            _record(connection, by, "token given", user=name, role=role)
        return token

    def revoke(self, name: str, by: str = "") -> int:
        """Make all tokens of a user void; returns how many there were.

        ``by`` is who does it, for the audit.
        """
        with self._database.transaction() as connection:
            done = connection.execute("DELETE FROM tokens WHERE user_name = ?", (name,))
            if done.rowcount:
                _record(connection, by, "tokens revoked", user=name)
            return done.rowcount

    def all(self) -> list[User]:
        """Return every user, by name."""
        rows = self._database.rows(
            "SELECT name, role, users.created AS created, count(hash) AS tokens FROM users"
            " LEFT JOIN tokens ON user_name = name GROUP BY name ORDER BY name"
        )
        return [
            User(
                str(row["name"]),
                Role(str(row["role"])),
                str(row["created"]),
                int(row["tokens"] or 0),
            )
            for row in rows
        ]

    def role(self, name: str, token: str) -> Role | None:
        """The role of a user whose token this is; None if it is not."""
        given = _hash(token)
        rows = self._database.rows(
            "SELECT hash, role FROM tokens JOIN users ON name = user_name WHERE name = :name",
            {"name": name},
        )
        # every hash is compared, so that the time tells nothing
        if not sum(hmac.compare_digest(given, str(row["hash"])) for row in rows):
            return None
        return Role(str(rows[0]["role"]))

    def knows(self, name: str) -> bool:
        """True if there is such a user."""
        return bool(self._database.rows("SELECT 1 FROM users WHERE name = :name", {"name": name}))


def now() -> str:
    """Return the local time as the web API writes it."""
    return datetime.now().isoformat(timespec="seconds")


def _record(connection: sqlite3.Connection, by: str, what: str, **details: object) -> None:
    from anontui.server import audit  # it imports this module

    if by:
        audit.record(connection, by, what, None, **details)


def _hash(token: str) -> str:
    # tokens are long and random, so a plain hash is not guessed
    return hashlib.sha256(token.encode()).hexdigest()
