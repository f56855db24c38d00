"""A server with archives that answer the same each time, without a network."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from anontui.errors import AnonTUIError, CallRefused
from anontui.idis.archives import ArchiveNode, Found, FoundAnswer, ReceiverState
from anontui.idis.model import Job, JobRequest, JobStatus
from anontui.idis.testresources import MockClient
from tests.tui import fakes

NODES = (
    ArchiveNode("MAIN", ("DIMSE", "DICOMweb"), find=True, retrieve=True, send=False),
    ArchiveNode("OLD", ("DIMSE",), find=True, retrieve=True, send=False),
    ArchiveNode("RESEARCH", ("DICOMweb",), find=True, retrieve=True, send=True),
    ArchiveNode("BUCKET", ("S3",), find=False, retrieve=False, send=True),
)
NO_ANSWER = CallRefused(
    "The server refuses echo_node: no",
    errors={"node": "OLD does not know the AE title ANONTUI. Have its admin add it."},
)
ECHOES: dict[str, float | AnonTUIError] = {
    "MAIN": 0.012,
    "OLD": NO_ANSWER,
    "RESEARCH": 0.148,
    "BUCKET": 0.061,
}
RECEIVER = ReceiverState(
    True, "127.0.0.1", 11112, projects={"ANONTUI": "Wetenschap-Algemeen"}, received=128
)
_KINDS = (
    ("CT THORAX", ("CT",), 4, 512),
    ("MR HERSENEN", ("MR",), 9, 1_204),
    ("PET-CT WHOLE BODY", ("CT", "PT"), 6, 2_315),
    ("X THORAX", ("DX",), 1, 2),
    ("ECHO HALS", ("US", "SR"), 2, 41),
)


def study(number: int, **changes: Any) -> FoundAnswer:
    """A study of an invented patient; two in a row are of the same one."""
    what, modalities, series, instances = _KINDS[number % len(_KINDS)]
    person = number // 2
    values: dict[str, Any] = {
        "study": f"1.2.826.0.1.3680043.10.999.{number + 1}",
        "patient_id": f"PID{person:05}",
        "patient_name": f"Verzonnen^Persoon{person}^van",
        "date": f"2024{1 + number % 12:02}{1 + number * 7 % 28:02}",
        "accession": f"ACC{4000 + number}",
        "description": what,
        "modalities": modalities,
        "series_count": series,
        "instances": instances,
        "imported": {2: instances, 4: instances // 3}.get(number, 0),
    }
    return FoundAnswer(**(values | changes))


STUDIES = tuple(study(number) for number in range(37))


def series(of: FoundAnswer) -> tuple[FoundAnswer, ...]:
    """The series of a study."""
    names = ("Scout", "Axial 1.0", "Axial 5.0", "Coronal", "Sagittal", "MIP", "A", "B", "C")
    return tuple(
        FoundAnswer(
            of.study,
            series=f"{of.study}.{number}",
            modality=of.modalities[0],
            number=number,
            description=names[number - 1],
            instances=(of.instances or 0) // (of.series_count or 1),
        )
        for number in range(1, (of.series_count or 0) + 1)
    )


@dataclass
class State:
    """What the server is like; a test changes it."""

    nodes: Sequence[ArchiveNode] | AnonTUIError = NODES
    echoes: Mapping[str, float | AnonTUIError] = field(default_factory=lambda: dict(ECHOES))
    studies: Sequence[FoundAnswer] = STUDIES
    failure: AnonTUIError | None = None
    receiver: ReceiverState | AnonTUIError = RECEIVER
    free: threading.Event = field(default_factory=threading.Event)
    """Answers to searches wait for it."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    created: dict[str, JobRequest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free.set()


class Archives(MockClient):
    """A client of that server."""

    def __init__(self, state: State) -> None:
        super().__init__(fakes.JOBS)
        self.state = state

    def nodes(self) -> list[ArchiveNode]:
        return list(_or_raise(self.state.nodes))

    def echo(self, node: str) -> float:
        return float(_or_raise(self.state.echoes[node]))

    def receiver(self) -> ReceiverState:
        state: ReceiverState = _or_raise(self.state.receiver)
        return state

    def set_receiver(self, *, running: bool) -> ReceiverState:
        self.state.receiver = replace(self.receiver(), running=running)
        return self.receiver()

    def find(
        self,
        node: str,
        level: str = "STUDY",
        *,
        accessions: Sequence[str] = (),
        limit: int | None = None,
        **query: str,
    ) -> Found:
        asked = {name: text for name, text in query.items() if text}
        self.state.asked.append({"node": node, "level": level, "accessions": accessions} | asked)
        assert self.state.free.wait(20)
        if self.state.failure is not None:
            raise self.state.failure
        if level == "SERIES":
            return Found(series(next(s for s in self.state.studies if s.study == query["study"])))
        hits = [one for one in self.state.studies if _fits(one, accessions, asked)]
        known = {one.accession for one in hits}
        missing = tuple(number for number in accessions if number not in known)
        return Found(tuple(hits[:limit]), missing, more=limit is not None and len(hits) > limit)

    def create_many(self, requests: Mapping[str, JobRequest]) -> dict[str, Job]:
        made = {}
        for key, request in requests.items():
            self.state.created[key] = request
            made[key] = self.create(request)
        return made


def _or_raise(value: Any) -> Any:
    if isinstance(value, AnonTUIError):
        raise value
    return value


def _fits(one: FoundAnswer, accessions: Sequence[str], query: Mapping[str, str]) -> bool:
    return (
        (not accessions or one.accession in accessions)
        and fnmatchcase(one.patient_id, query.get("patient_id", "*"))
        and fnmatchcase(one.patient_name, query.get("patient_name", "*"))
        and query.get("date_from", "") <= one.date <= query.get("date_to", "9")
        and query.get("modality", one.modalities[0]) in one.modalities
        and query.get("study", one.study) == one.study
    )


def fetching(
    job_id: int, of: FoundAnswer, status: JobStatus, down: int, done: int, **changes: Any
) -> Job:
    """The job that fetches a study."""
    return fakes.job(
        job_id,
        status,
        source_type="WADO",
        source_name="MAIN",
        source_path=None,
        source_instance_id=of.study,
        files_downloaded=down,
        files_processed=done,
        **changes,
    )
