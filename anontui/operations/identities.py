"""Who is who on a server, looked up over its web API. For admins; each look is in its audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.errors import UnexpectedAnswer, UsageError

if TYPE_CHECKING:
    from anontui.idis.client import Client


@dataclass(frozen=True, repr=False)
class Person:
    """A study of a patient, as it was and as it is called now. It is identity.

    ``offset`` is by how many days dates moved; numbers are texts, empty where not known.
    """

    pseudonym: str
    patient: str
    name: str
    study: str
    new_study: str
    date: str
    offset: str
    accession: str
    series: str
    instances: str
    project: str


_NAMES = {
    "pseudonym": "new_id",
    "patient": "original_id",
    "name": "original_name",
    "study": "original_uid",
    "new_study": "new_uid",
    "date": "original_date",
    "offset": "date_offset",
    "accession": "original_accession",
    "series": "series",
    "instances": "instances",
    "project": "project",
}


def find(client: Client, text: str) -> list[Person]:
    """Whom a text names: an id, a name, a UID, an accession number, or a pseudonym.

    Upper and lower case are alike; ``*`` stands for any characters.

    Raises
    ------
    UsageError
        If nobody is asked for.
    ServerError
        If the user is no admin, or the server has no such function or answers nonsense.
    """
    if not text.strip(" *"):
        raise UsageError("Nobody is asked for", advice="Give an id, a name or a pseudonym.")
    answer = client.post("find_identity", text=text)
    rows = answer.get("found") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnexpectedAnswer(
            "The server's answer to find_identity makes no sense",
            advice="Tell the server's admin.",
        )
    return [_person(row) for row in rows]


def _person(row: dict[str, object]) -> Person:
    found = {ours: _text(row.get(theirs)) for ours, theirs in _NAMES.items()}
    if "kind" in row:  # an imported value that belongs to no patient yet
        found |= {"study": _text(row.get("original")), "new_study": _text(row.get("new"))}
    return Person(**found)


def _text(value: object) -> str:
    return "" if value is None else str(value)[:1000]
