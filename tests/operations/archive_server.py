"""A server's archives and jobs in memory, which fail when they are told to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from anontui.errors import CallRefused
from anontui.idis.archives import ArchiveNode, Found, FoundAnswer
from anontui.idis.model import Job, JobRequest, JobStatus
from tests.operations.fakes import FakeClient


def answer(number: int, *, patient: str = "", accession: str = "") -> FoundAnswer:
    """An invented study."""
    return FoundAnswer(
        f"1.2.3.{number}",
        patient_id=patient or f"PID{number}",
        accession=accession or f"ACC{number}",
        modalities=("CT",),
        instances=3,
    )


class ArchiveClient(FakeClient):
    """``studies`` are in the archive A; jobs end as ``outcomes`` says of their study.

    ``items_of`` gives the items of a study's job.
    """

    def __init__(self, *studies: FoundAnswer) -> None:
        super().__init__()
        self.studies = list(studies)
        self.outcomes: dict[str, list[JobStatus]] = {}
        self.items_of: dict[str, list[dict[str, object]]] = {}
        self.keys: dict[str, int] = {}
        self.requests: dict[int, JobRequest] = {}
        self.searches: list[tuple[str, ...]] = []
        self.resets: list[int] = []

    def nodes(self) -> list[ArchiveNode]:
        return [
            ArchiveNode("A", ("DIMSE",), find=True, retrieve=True),
            ArchiveNode("MUTE", ("DIMSE",), find=False, retrieve=True),
            ArchiveNode("B", ("DICOMweb",), send=True),
        ]

    def find(
        self,
        node: str,
        level: str = "STUDY",
        *,
        accessions: Sequence[str] = (),
        limit: int | None = None,
        **query: str,
    ) -> Found:
        self.searches.append(tuple(accessions))
        found = [
            one
            for one in self.studies
            if (not accessions or one.accession in accessions)
            and query.get("patient_id", "") in ("", one.patient_id)
        ]
        known = {one.accession for one in found}
        missing = tuple(number for number in accessions if number not in known)
        return Found(tuple(found[:limit]), missing, limit is not None and len(found) > limit)

    def create_many(self, requests: Mapping[str, JobRequest]) -> dict[str, Job]:
        for request in requests.values():
            self.before(request)
        for key, request in requests.items():
            if key not in self.keys:
                job = self.create(request)
                self.keys[key] = job.job_id
                self.requests[job.job_id] = request
        return {key: self.store[self.keys[key]] for key in requests}

    def jobs_by_id(self, ids: Iterable[int], extended: bool = False) -> dict[int, Job]:
        """Each look brings a job one step on."""
        for job_id in list(self.store):
            job = self.store[job_id]
            steps = self.outcomes.get(str(job.source_instance_id), [])
            if job.status is JobStatus.ACTIVE:
                status = steps.pop(0) if steps else JobStatus.DONE
                self.store[job_id] = replace(job, status=status)
        return super().jobs_by_id(ids, extended)

    def reset(self, job_id: int) -> Job:
        self.resets.append(job_id)
        return super().reset(job_id)

    def items(self, job_id: int) -> Iterator[dict[str, object]]:
        job = self.store[job_id]
        done: dict[str, object] = {"status": "done", "target": "P/1/2/3.dcm"}
        default = [done | {"item_id": n} for n in (1, 2, 3)] * (job.status is JobStatus.DONE)
        yield from self.items_of.get(str(job.source_instance_id), default)

    def get(self, function: str, **parameters: object) -> object:
        raise CallRefused("For admins only", errors={})
