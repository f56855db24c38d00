"""Studies in archives, through a server: look for them, add them to a mapping, import them."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.events import Events, Progress, Result
from anontui.idis.archives import Found, FoundAnswer
from anontui.idis.model import JobRequest
from anontui.operations.importing import Added, Rows
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from anontui.project.source import Source, SourceKind
from anontui.unc import is_unc

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job

LONG = 300.0
"""Seconds that a client should wait for an answer that comes from an archive."""
_AT_ONCE = 25  # accession numbers a call, so that progress is seen
_MOST_ANSWERS = 5000
_JOBS_AT_ONCE = 200


@dataclass(frozen=True, repr=False)
class Search:
    """What to look for; see :class:`anontui.pacs.query.Query`. ``limit`` 0 is what comes."""

    level: str = "STUDY"
    accessions: tuple[str, ...] = ()
    patient_id: str = ""
    patient_name: str = ""
    date_from: str = ""
    date_to: str = ""
    modality: str = ""
    study: str = ""
    series: str = ""
    limit: int = 0


def search(client: Client, node: str, wanted: Search) -> Events[Found]:
    """Look for studies, series or instances in an archive of the server.

    Raises
    ------
    ServerError
        If the server does not answer, or the archive cannot be asked.
    """
    numbers = list(dict.fromkeys(wanted.accessions))
    answers: dict[tuple[str, str, str], FoundAnswer] = {}
    missing: list[str] = []
    more = False
    for start in range(0, max(len(numbers), 1), _AT_ONCE):
        yield Progress(start, len(numbers) or None, "accession numbers", f"{len(answers)} found")
        if wanted.limit and len(answers) >= wanted.limit:
            more = True
            break
        found = client.find(
            node,
            wanted.level,
            accessions=numbers[start : start + _AT_ONCE],
            limit=wanted.limit - len(answers) if wanted.limit else None,
            patient_id=wanted.patient_id,
            patient_name=wanted.patient_name,
            date_from=wanted.date_from,
            date_to=wanted.date_to,
            modality=wanted.modality,
            study=wanted.study,
            series=wanted.series,
        )
        answers |= {(one.study, one.series, one.instance): one for one in found.answers}
        missing += found.not_found
        more = more or found.more
    yield Progress(len(numbers), len(numbers) or None, "accession numbers")
    yield Result(Found(tuple(answers.values()), tuple(missing), more))


def add_studies(
    workspace: Workspace,
    editor: MappingEditor,
    studies: Iterable[FoundAnswer],
    *,
    pseudonyms: Mapping[str, str] | None = None,
    random: bool = False,
) -> Added:
    """Add a row for each study that was found, and save the mapping.

    Parameters
    ----------
    workspace, editor
        The mapping, and where its sources are.
    studies
        What :func:`search` found. Studies of one patient get one pseudonym.
    pseudonyms
        By StudyInstanceUID.
    random
        Make up those that are not given.

    Raises
    ------
    ProjectError
        If the mapping cannot be saved.
    """
    rows = Rows(workspace, editor, random=random)
    sources = {one: Source(SourceKind.STUDY_INSTANCE_UID, one.study) for one in studies}
    names = {
        one: (pseudonyms or {}).get(one.study) or rows.pseudonym_of(source)
        for one, source in sources.items()
    }
    of_patient = {one.patient_id: name for one, name in names.items() if name and one.patient_id}
    for one, source in sources.items():
        name = names[one] or (random and of_patient.get(one.patient_id)) or ""
        rows.add_source(source, _description(one), name)
        if random and one.patient_id:
            of_patient[one.patient_id] = rows.pseudonym_of(source)
    return rows.saved()


@dataclass(frozen=True, repr=False)
class Order:
    """A study to import.

    ``study`` is its StudyInstanceUID; else all studies of ``accession`` are meant. Without a
    pseudonym the project's template gives one.
    """

    study: str = ""
    accession: str = ""
    pseudonym: str = ""


@dataclass(frozen=True)
class Import:
    """Where studies come from and go to.

    Parameters
    ----------
    source
        The archive's name; empty: the project's first.
    target
        An archive's name, or a folder as UNC path.
    project
        Whose policy holds.
    practice
        Do all but deliver.
    description
        Of the jobs; never anything of a patient.
    sop_classes
        UIDs of the only SOP classes that are fetched, all if empty.
    """

    source: str
    target: str
    project: str
    practice: bool = False
    description: str = ""
    sop_classes: tuple[str, ...] = field(default=())

    def request(self, order: Order) -> JobRequest:
        """The job for a study.

        Raises
        ------
        UsageError
            If it is not said which study.
        """
        if not order.study and not order.accession:
            raise UsageError("No study is named", advice="Give its UID or accession number.")
        return JobRequest(
            source_type="WADO",
            source_name=self.source or None,
            source_instance_id=order.study or f"{SourceKind.ACCESSION_NUMBER}:{order.accession}",
            source_sop_class_filter_list=",".join(self.sop_classes) or None,
            destination_type="PATH" if is_unc(self.target) else "NODE",
            destination_path=self.target,
            project_name=self.project,
            anonymizedpatientid=order.pseudonym or None,
            anonymizedpatientname=order.pseudonym or None,
            description=self.description or None,
            practice="True" if self.practice else None,
        )


def import_studies(
    client: Client, wanted: Import, orders: Sequence[Order], *, key: str = ""
) -> Events[list[Job]]:
    """Create a job for each study; the same key and orders again create nothing twice.

    Parameters
    ----------
    client
        Of a server of ours.
    wanted, orders
        What to import from where to where.
    key
        The caller's own; by default a new one.

    Raises
    ------
    ServerError
        If the server refuses; jobs of earlier calls may exist then, and the same key finds them.
    """
    key = key or secrets.token_hex(8)
    keyed = {f"{key}/{number}": wanted.request(one) for number, one in enumerate(orders, 1)}
    jobs: list[Job] = []
    for part in _parts(list(keyed), _JOBS_AT_ONCE):
        yield Progress(len(jobs), len(keyed), "jobs")
        jobs += client.create_many({name: keyed[name] for name in part}).values()
    yield Progress(len(jobs), len(keyed), "jobs")
    yield Result(jobs)


def uids_of(
    client: Client, node: str, accessions: Sequence[str]
) -> Generator[Progress, None, dict[str, list[str]]]:
    """Find the StudyInstanceUIDs of accession numbers; none for one that the archive lacks."""
    found: dict[str, list[str]] = {number: [] for number in accessions}
    for number, part in enumerate(_parts(list(found), _AT_ONCE)):
        yield Progress(number * _AT_ONCE, len(found), "accession numbers", "asking the archive")
        for one in client.find(node, accessions=part, limit=_MOST_ANSWERS).answers:
            studies = found.get(one.accession.strip())
            if studies is not None and one.study not in studies:
                studies.append(one.study)
    return found


def _parts(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _description(one: FoundAnswer) -> str:
    """What a row says of a study; nothing that names a patient."""
    count = f"{one.instances} instances" if one.instances else ""
    return ", ".join(filter(None, ("/".join(one.modalities), count)))
