"""The web API's functions over archives: what there is, what they have, what came from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TypeVar

from anontui.errors import PacsError
from anontui.pacs.node import Node
from anontui.pacs.query import Answer as Found
from anontui.pacs.query import Level, Query, Study
from anontui.pacs.ways import Ways
from anontui.server.beside import Tell, Tick, beside
from anontui.server.calls import Answer, Api, Caller, Denied
from anontui.server.nodes import addresses, can_retrieve, ways_of
from anontui.server.parameters import Parameters
from anontui.server.places import refused
from anontui.server.users import Role

ECHO_SECONDS = 30.0
FIND_SECONDS = 60.0
ANSWERS = 500
MOST_ACCESSIONS = 1000
_ASKED = ("patient_id", "patient_name", "date_from", "date_to", "modality", "study", "series")

T = TypeVar("T")


class _TooLong(Exception):
    """The archive took more time than somebody who waits has."""


def get_nodes(api: Api, caller: Caller, given: Parameters) -> Answer:
    """The archives of the caller's projects, and what can be done with them."""
    named = _named(api, caller, "archives") | _named(api, caller, "targets")
    nodes = []
    for name, node in sorted(api.projects.nodes.current().items()):
        if caller.role is not Role.ADMIN and name not in named:
            continue
        can = can_retrieve(node)
        told: dict[str, object] = {"name": name, "ways": ways_of(node)}
        told |= {"find": can, "retrieve": can, "send": True}
        if caller.role is Role.ADMIN:
            told["addresses"] = addresses(node)
        nodes.append(told)
    return {"nodes": nodes}


def echo_node(api: Api, caller: Caller, given: Parameters) -> Answer:
    """Ask an archive whether it is there and knows us; how many seconds it took."""
    node = _node(api, caller, given, "archives", "targets")

    def do(tell: Tell[float], look: Tick) -> None:
        with closing(Ways(node)) as archive:
            tell(archive.echo())

    with _asking(api, caller, "echoed", {"node": node.name}):
        [seconds] = _within(ECHO_SECONDS, do)
    return {"seconds": seconds}


def find_studies(api: Api, caller: Caller, given: Parameters) -> Answer:
    """What an archive has, and how much of each study is known here already.

    With accession numbers, those that nothing was found for are told.
    """
    node = _node(api, caller, given, "archives")
    if not can_retrieve(node):
        raise refused("node", f"{node.name} cannot be asked what it has")
    queries = _queries(given)
    limit = given.number("limit", ANSWERS)
    asked = [one for one in ("accession", *_ASKED) if given.values.get(one)]
    told: dict[str, object] = {"node": node.name, "level": queries[0].level, "by": asked}

    def do(tell: Tell[tuple[str, Found]], look: Tick) -> None:
        with closing(Ways(node)) as archive:
            for query in queries:
                for answer in archive.find(query, look):
                    tell((query.accession, answer))

    found: list[Found] = []
    not_found = dict.fromkeys(query.accession for query in queries if query.accession)
    more = False
    with _asking(api, caller, "searched", told):
        answers = _within(FIND_SECONDS, do)
        with closing(answers):
            for accession, answer in answers:
                if more := len(found) == limit:
                    break
                not_found.pop(accession, None)
                found.append(answer)
        told["answers"] = len(found)
    known = api.imported([one.study for one in found if isinstance(one, Study)], caller)
    return {
        "answers": [_shown(one, known) for one in found],
        "not_found": [] if more else list(not_found),
        "more": more,
    }


def get_receiver(api: Api, caller: Caller, given: Parameters) -> Answer:
    """Whether archives can send to this server, and where; projects by their AE titles."""
    projects = {
        project.receive: name
        for name, project in sorted(api.projects.all().items())
        if project.receive and caller.sees(name)
    }
    return {**api.reception.state(), "projects": projects}


def set_receiver(api: Api, caller: Caller, given: Parameters) -> Answer:
    """Start or stop the receiver, now and for the next start of the server."""
    running = (given.text("running") or "").strip().lower() == "true"
    api.store.note(caller.name, "receiver started" if running else "receiver stopped")
    api.reception.set_running(running)
    return get_receiver(api, caller, given)


def get_index(api: Api, caller: Caller, given: Parameters) -> Answer:
    """How much was imported and delivered: of one project, or of all that the caller sees."""
    project = (given.text("project") or "").strip()
    if project and not (caller.sees(project) and project in api.projects.all()):
        message = f"User {caller.name} is not connected to project {project}"
        raise Denied(message, errors={"project": message})
    return api.totals(frozenset({project}) if project else caller.seen)


def _named(api: Api, caller: Caller, *kinds: str) -> frozenset[str]:
    """The names of nodes in the projects that a caller sees."""
    projects = api.projects.all().items()
    return frozenset(
        node
        for name, project in projects
        if caller.sees(name)
        for kind in kinds
        for node in getattr(project, kind)
    )


def _node(api: Api, caller: Caller, given: Parameters, *kinds: str) -> Node:
    name = (given.text("node") or "").strip()
    node = api.projects.nodes.current().get(name)
    if node is None or (caller.role is not Role.ADMIN and name not in _named(api, caller, *kinds)):
        message = f"User {caller.name} may use no such node"
        raise Denied(message, errors={"node": message})
    return node


def _queries(given: Parameters) -> list[Query]:
    level = Level((given.text("level") or "").strip() or Level.STUDY)
    asked = {name: (given.text(name) or "").strip() for name in _ASKED}
    if level is not Level.STUDY and not asked["study"]:
        raise refused("study", f"At level {level} it must be said of which study")
    texts = [text.strip() for text in given.values.get("accession", ())]
    accessions: Sequence[str] = list(dict.fromkeys(filter(None, texts)))
    if len(accessions) > MOST_ACCESSIONS:
        raise refused("accession", f"More than {MOST_ACCESSIONS}; ask for them in several calls")
    if any("\\" in text or len(text) > 64 for text in accessions):
        raise refused("accession", "An accession number has a backslash, or is too long")
    return [Query(level, accession=one, **asked) for one in accessions or [""]]


def _shown(found: Found, known: dict[str, int]) -> dict[str, object]:
    values: dict[str, object] = asdict(found)
    return values | ({"imported": known.get(found.study, 0)} if isinstance(found, Study) else {})


def _within(seconds: float, do: Callable[[Tell[T], Tick], None]) -> Generator[T, None, None]:
    end = time.monotonic() + seconds

    def look() -> None:
        if time.monotonic() > end:
            raise _TooLong(f"It did not answer within {seconds:.0f} seconds")

    return beside(do, look)


@contextmanager
def _asking(api: Api, caller: Caller, what: str, told: dict[str, object]) -> Iterator[None]:
    """Note in the audit what is asked, and make what an archive does not do a refusal."""
    try:
        yield
    except PacsError as error:
        told["outcome"] = "failed"
        raise refused("node", error.sentence()) from error
    except _TooLong as error:
        told["outcome"] = "failed"
        raise refused("node", str(error)) from error
    finally:
        api.store.note(caller.name, what, **told)
