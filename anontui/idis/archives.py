"""What a server tells of its archives: nodes, what they have, its receiver, its index.

These calls are ours; IDIS servers do not have them. What is found is identity: it has no
``repr``, so that no log or traceback shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from anontui.errors import UnexpectedAnswer
from anontui.idis.model import plain

T = TypeVar("T")

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ArchiveNode:
    """An archive by its name, and what can be done with it.

    ``ways`` are of ``DIMSE``, ``DICOMweb`` and ``S3``.
    """

    name: str
    ways: tuple[str, ...] = ()
    find: bool = False
    retrieve: bool = False
    send: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class FoundAnswer:
    """A study, series or instance that an archive has; what its level lacks is empty.

    ``series`` is the UID at SERIES and IMAGE level, ``series_count`` how many a study has;
    ``imported`` how many of a study's instances the server knows. Counts that the archive does
    not tell are None.
    """

    study: str
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    date: str = ""
    time: str = ""
    accession: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    series: str = ""
    modality: str = ""
    number: int | None = None
    instance: str = ""
    sop_class: str = ""
    series_count: int | None = None
    instances: int | None = None
    imported: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """The answers to a search, the accession numbers that brought none, and if there is more."""

    answers: tuple[FoundAnswer, ...] = ()
    not_found: tuple[str, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """The receiver of a server; ``projects`` are by the AE title that leads to them."""

    running: bool
    host: str = ""
    port: int = 0
    error: str = ""
    projects: Mapping[str, str] | None = None
    received: int = 0


@dataclass(frozen=True, slots=True)
class Index:
    """How much was imported and exported."""

    patients: int = 0
    studies: int = 0
    series: int = 0
    instances: int = 0
    exported_instances: int = 0


def read_nodes(answer: object) -> list[ArchiveNode]:
    """Read the answer of ``get_nodes``.

    Raises
    ------
    UnexpectedAnswer
        If it is not one.
    """
    return [_read(ArchiveNode, one) for one in _list(_object(answer), "nodes")]


def read_seconds(answer: object) -> float:
    """Read the answer of ``echo_node`` (errors as above)."""
    seconds = _object(answer).get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 1e6:
        raise _not_told("seconds")
    return float(seconds)


def read_found(answer: object) -> Found:
    """Read the answer of ``find_studies`` (errors as above)."""
    content = _object(answer)
    answers = []
    for one in _list(content, "answers"):
        values = dict(_object(one))
        if isinstance(values.get("series"), int):  # a study tells how many it has
            values["series_count"] = values.pop("series")
        answers.append(_read(FoundAnswer, {k: v for k, v in values.items() if v is not None}))
    missing = [_text(one, "not_found") for one in _list(content, "not_found")]
    return Found(tuple(answers), tuple(missing), content.get("more") is True)


def read_receiver(answer: object) -> ReceiverState:
    """Read the answer of ``get_receiver`` and ``set_receiver`` (errors as above)."""
    content = dict(_object(answer))
    projects = _object(content.pop("projects", None) or {})
    known = {plain(str(aet)): _text(name, "projects") for aet, name in projects.items()}
    content = {name: value for name, value in content.items() if value is not None}
    return _read(ReceiverState, content | {"projects": known})


def read_index(answer: object) -> Index:
    """Read the answer of ``get_index`` (errors as above)."""
    return _read(Index, answer)


def _read(kind: type[T], answer: object) -> T:
    """Make ``kind`` of an object, each value checked against the type of its field."""
    content = _object(answer)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass
        if field.name not in content:
            continue
        value = content[field.name]
        match str(field.type):
            case "str":
                values[field.name] = _text(value, field.name)
            case "bool":
                values[field.name] = value is True
            case "tuple[str, ...]":
                values[field.name] = tuple(_text(one, field.name) for one in _list_of(value))
            case "int" | "int | None":
                if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
                    raise _not_told(field.name)
                values[field.name] = value
            case _:
                values[field.name] = value  # a mapping that was checked before
    try:
        return kind(**values)
    except TypeError:
        raise _not_told("a field that must be there") from None


def _object(answer: object) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise _not_told("an object")
    return answer


def _list(content: Mapping[str, object], name: str) -> list[object]:
    return _list_of(content.get(name, []))


def _list_of(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _not_told("a list")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _not_told(name)
    return plain(value)


def _not_told(name: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        "The server's answer about archives makes no sense",
        cause=f"{name} is not as it should be",
        advice="The server may be of another version: tell its admin.",
    )
