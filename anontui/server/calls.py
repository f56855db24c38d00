"""The functions of the web API: what each takes, checks, does and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from anontui.deid import Pseudonym
from anontui.errors import CallRefused, DeidError, UsageError
from anontui.idis.model import JobStatus
from anontui.server.database import Row
from anontui.server.live import Hub, Stream
from anontui.server.parameters import Kind, Parameter, Parameters, missing
from anontui.server.places import refused
from anontui.server.projects import Projects
from anontui.server.quarantine import State
from anontui.server.review import Review
from anontui.server.store import DEFINITION, REMARKS, Store, no_such_job, to_json
from anontui.server.users import Role
from anontui.server.views import Seen, Views

Answer = Mapping[str, object] | bytes | Stream  # bytes are JSON already

PAGE = 100
LONGEST_PAGE = 1000
MOST_JOBS = 1000  # of one bulk
HIGHEST_PRIORITY = 1000

# create_job names some fields without the "source_" that the job object gives them
_SHORT = ("anonymizedpatientname", "anonymizedpatientid", "pims_keyfile_id")
_FIELDS = tuple(name for name in DEFINITION + REMARKS if "opt_out" not in name) + _SHORT
_OPT_OUT = ("source_ignore_opt_out", "source_ignore_opt_out_reason")


class Denied(CallRefused):
    """A refusal because the caller is not connected to a project; it goes into the audit."""


@dataclass(frozen=True)
class Caller:
    """Who calls: a user, and the projects whose jobs they see and touch (None: all)."""

    name: str
    role: Role
    seen: Seen

    def sees(self, project: object) -> bool:
        """True if the caller is connected to a project."""
        return self.seen is None or project in self.seen


class Api:
    """The functions, over one ledger. Each takes the caller and the parameters.

    Parameters
    ----------
    store, views
        The ledger of jobs.
    projects
        Who may do what.
    hub
        Tells of changes.
    review
        Identities and quarantine, for admins.
    """

    def __init__(
        self, store: Store, views: Views, projects: Projects, hub: Hub, review: Review
    ) -> None:
        self.store = store
        self.projects = projects
        self._views = views
        self.hub = hub
        self._review = review

    def get_jobs(self, caller: Caller, given: Parameters) -> Answer:
        """The newest jobs."""
        return self._views.newest(caller.seen)

    def get_jobs_list(self, caller: Caller, given: Parameters) -> Answer:
        """The core fields of the jobs with these ids; unknown ids are left out."""
        return self._views.jobs(given.numbers("job_ids"), caller.seen, extended=False)

    def get_jobs_list_extended(self, caller: Caller, given: Parameters) -> Answer:
        """All fields of the jobs with these ids; unknown ids are left out."""
        return self._views.jobs(given.numbers("job_ids"), caller.seen, extended=True)

    def get_job(self, caller: Caller, given: Parameters) -> Answer:
        """All fields of one job."""
        return to_json(self.job(caller, given))

    def create_job(self, caller: Caller, given: Parameters) -> Answer:
        """Add a job; it needs a source, a destination, a project and a pseudonym."""
        return to_json(self.store.create(caller.name, self._new_job(caller, given)))

    def cancel_job(self, caller: Caller, given: Parameters) -> Answer:
        """Make a job INACTIVE, also while it runs."""
        job_id = int(self.job(caller, given)["job_id"] or 0)
        return to_json(self.store.modify(job_id, {}, JobStatus.INACTIVE, user=caller.name))

    def modify_job(self, caller: Caller, given: Parameters) -> Answer:
        """Change a job; status=ACTIVE does it again, status=INACTIVE cancels it."""
        before = self.job(caller, given)
        changes = _fields(given)
        if not changes.keys().isdisjoint(DEFINITION):
            job = before | changes
            self._check(caller, job)
            changes |= {name: job[name] for name in DEFINITION}
        status = given.text("status")
        row = self.store.modify(
            given.number("job_id"),
            changes | _opt_out(given),
            JobStatus(status) if status else None,
            user=caller.name,
        )
        return to_json(row)

    def get_projects(self, caller: Caller, given: Parameters) -> Answer:
        """The projects that the caller may use, by name."""
        return {
            name: {"description": project.description}
            for name, project in sorted(self.projects.all().items())
            if caller.sees(name)
        }

    def create_jobs(self, caller: Caller, given: Parameters) -> Answer:
        """Add many jobs, all or none, and answer them by their keys.

        Each is a JSON object of what create_job takes and a key of the caller's choice. A key
        that this user gave before names the job that it made then: nothing is added twice.
        """
        texts = given.values["jobs"]
        if len(texts) > MOST_JOBS:
            raise refused("jobs", f"More than {MOST_JOBS} jobs; send them in several calls")
        wanted: dict[str, Row] = {}
        for number, text in enumerate(texts):
            try:
                key, one = _one_of_many(text)
                if key in wanted:
                    raise refused("key", "Another job of this call has the same key")
                wanted[key] = self._new_job(caller, one)
            except CallRefused as error:
                kind = Denied if isinstance(error, Denied) else CallRefused
                errors = {f"jobs[{number}].{name}": text for name, text in error.errors.items()}
                raise kind(error.message, errors=errors) from error
        rows = self.store.create_many(caller.name, list(wanted.items()))
        found = dict(zip(wanted, rows, strict=True))
        if hidden := next((key for key, row in found.items() if not self._shows(caller, row)), ""):
            raise refused("jobs", f"The key {hidden} is in use")
        return {key: to_json(row) for key, row in found.items()}

    def get_job_items(self, caller: Caller, given: Parameters) -> Answer:
        """What became of the files of a job, in pages: ask on after the last id."""
        job_id = int(self.job(caller, given)["job_id"] or 0)
        return {"items": self.store.items(job_id, **_page(given))}

    def get_audit(self, caller: Caller, given: Parameters) -> Answer:
        """What happened to a job, in pages; an admin may ask for all that happened."""
        if caller.role is not Role.ADMIN or given.text("job_id"):
            job_id = int(self.job(caller, given)["job_id"] or 0)
            return {"audit": self.store.audit(**_page(given), job_id=job_id)}
        return {"audit": self.store.audit(**_page(given))}

    def get_events(self, caller: Caller, given: Parameters) -> Answer:
        """Changes of jobs as server-sent events; goes on after the Last-Event-ID, or after."""
        return Stream(self.hub, given.number("after") if given.text("after") else None)

    def job(self, caller: Caller, given: Parameters) -> Row:
        """The job that a call names.

        Raises
        ------
        CallRefused
            If there is none that the caller sees; both are told alike.
        """
        job_id = given.number("job_id")
        row = self.store.job(job_id)
        if row is None:
            raise no_such_job(job_id)
        if not self._shows(caller, row):
            same = no_such_job(job_id)
            raise Denied(same.message, errors=same.errors)
        return row

    def _shows(self, caller: Caller, row: Row) -> bool:
        return caller.sees(row["project_name"])

    def _new_job(self, caller: Caller, given: Parameters) -> Row:
        job = _fields(given)
        self._check(caller, job)
        return job

    def get_quarantine(self, caller: Caller, given: Parameters) -> Answer:
        """The files that are held for a person, or were, oldest first."""
        state = (given.text("state") or "").strip()
        entries = self._review.quarantine.entries(
            state=State(state) if state else None,
            job_id=given.number("job_id", 0) or None,
            after=given.text("after") or "",
        )
        return {"entries": entries}

    def release_quarantine(self, caller: Caller, given: Parameters) -> Answer:
        """Have held files done again in their jobs: somebody looked, and they may go."""
        again = (given.text("again") or "").strip().lower() == "true"
        ids, note = given.values["entry_ids"], given.text("note") or ""
        with _refusing("entry_ids"):
            released = self._review.release(ids, caller.name, note, again=again)
        return {
            "released": [entry["id"] for entry in released.entries],
            "job_ids": sorted(released.jobs),
        }

    def reject_quarantine(self, caller: Caller, given: Parameters) -> Answer:
        """Have held files stay out for good; their copies are deleted."""
        ids, note = given.values["entry_ids"], given.text("note") or ""
        with _refusing("entry_ids"):
            rejected = self._review.reject(ids, caller.name, note)
        return {"rejected": [entry["id"] for entry in rejected]}

    def find_identity(self, caller: Caller, given: Parameters) -> Answer:
        """The patients and studies that a text names, original or new; it is in the audit."""
        with _refusing("text"):
            return {"found": self._review.find(given.text("text") or "", caller.name)}

    def _template(self, caller: Caller, job: Row) -> str | None:
        """What the project gives patients who come without a pseudonym."""
        name = str(job.get("project_name"))
        project = self.projects.all().get(name) if caller.sees(name) else None
        return project.pseudonyms or None if project else None

    def _check(self, caller: Caller, job: Row) -> None:
        """Refuse a job that cannot be done safely; fill in what follows from the rest."""
        identity = ("source_anonymizedpatientid", "source_anonymizedpatientname")
        for name, other in (identity, identity[::-1]):
            job[name] = job.get(name) or job.get(other) or self._template(caller, job)
        job["destination_type"] = job.get("destination_type") or "PATH"
        source = "source_path" if job.get("source_type") == "PATH" else "source_instance_id"
        required = ("source_type", source, "destination_path", "project_name", *identity)
        if absent := [name for name in required if not job.get(name)]:
            raise missing(*(name.replace("source_anonymized", "anonymized") for name in absent))
        try:
            Pseudonym(*(str(job[name]) for name in identity))
        except DeidError as error:
            raise refused("anonymizedpatientid", error.sentence()) from error
        project = str(job["project_name"])
        if not caller.sees(project) or project not in self.projects.all():
            message = f"User {caller.name} is not connected to project {project}"
            raise Denied(message, errors={"project_name": message})
        places = self.projects.places(project)
        if job["source_type"] == "WADO":
            places.destination(str(job["destination_path"]))
            return
        if job.get("source_sop_class_filter_list"):
            raise refused(
                "source_sop_class_filter_list", "Not available on this server yet for source PATH"
            )
        places.pair(str(job["source_path"]), str(job["destination_path"]))


@dataclass(frozen=True)
class Function:
    """A function of the web API.

    ``answers`` names what it answers in the OpenAPI document; ``extension`` is true for
    what IDIS servers do not have, ``admins_only`` for what is for admins.
    """

    method: str
    call: Callable[[Api, Caller, Parameters], Answer]
    parameters: tuple[Parameter, ...] = ()
    answers: str = "Object"
    extension: bool = False
    admins_only: bool = False
    media_type: str = "application/json"


_JOB_ID = Parameter("job_id", Kind.NUMBER, required=True, about="Number of the job")
_JOB_IDS = Parameter("job_ids", Kind.NUMBERS, required=True, about="Numbers of jobs")
_PAGING = (
    Parameter("after", Kind.NUMBER, about="Id after which the page starts"),
    Parameter("limit", Kind.NUMBER, about="Rows of the page", most=LONGEST_PAGE),
)
_CHOICES = {
    "source_type": ("PATH", "WADO"),
    "destination_type": ("PATH",),
    "practice": ("True", "False", "true", "false"),
}
_ABOUT = {
    "source_type": "Where the data is: on a share or in a PACS",
    "source_path": r"Of PATH: folder:\\server\share\… or fileselection:\\server\share\…",
    "source_instance_id": "Of WADO: a StudyInstanceUID, or accession_number:…",
    "source_sop_class_filter_list": "SOP class UIDs, separated by commas",
    "destination_path": r"A folder on a share: \\server\share\…",
    "project_name": "A project that the user is connected to",
    "practice": "True: do all but deliver",
    "priority": "Jobs with the highest number come first",
    "anonymizedpatientid": "The pseudonym as Patient ID",
    "anonymizedpatientname": "The pseudonym as Patient's Name",
}


def _job_field(name: str) -> Parameter:
    about, choices = _ABOUT.get(name, ""), _CHOICES.get(name, ())
    if name == "priority":
        return Parameter(name, Kind.NUMBER, about=about, most=HIGHEST_PRIORITY)
    return Parameter(name, about=about, choices=choices)


_JOB_FIELDS = tuple(map(_job_field, _FIELDS))
_CHANGES = (
    Parameter("status", about="ACTIVE: do it again", choices=("ACTIVE", "INACTIVE")),
    Parameter("files_downloaded", about="A reset clears it", choices=("0",)),
    Parameter("files_processed", about="A reset clears it", choices=("0",)),
    Parameter("error", about="A reset clears it", choices=(" ",)),
    Parameter(
        _OPT_OUT[0],
        about="Use the data although the patient opted out",
        choices=("True", "False", "true", "false"),
    ),
    Parameter(_OPT_OUT[1], about="Why that is allowed"),
)
_KEY = Parameter("key", required=True)
_ENTRY_IDS = Parameter("entry_ids", Kind.OBJECTS, required=True, about="Ids of held files")
_NOTE = Parameter("note", about="Why, for the audit")
_AGAIN = "True: judge them again; else the filter that holds a file does not count for it"

FUNCTIONS: dict[str, Function] = {
    function.call.__name__: function
    for function in (
        Function("GET", Api.get_jobs, answers="Jobs"),
        Function("GET", Api.get_jobs_list, (_JOB_IDS,), "Jobs"),
        Function("GET", Api.get_jobs_list_extended, (_JOB_IDS,), "Jobs"),
        Function("GET", Api.get_job, (_JOB_ID,), "Job"),
        Function("POST", Api.create_job, _JOB_FIELDS, "Job"),
        Function("POST", Api.cancel_job, (_JOB_ID,), "Job"),
        Function("POST", Api.modify_job, (_JOB_ID, *_CHANGES, *_JOB_FIELDS), "Job"),
        Function("GET", Api.get_projects, extension=True),
        Function(
            "POST",
            Api.create_jobs,
            (Parameter("jobs", Kind.OBJECTS, required=True, about="A JSON object each"),),
            "Jobs",
            extension=True,
        ),
        Function("GET", Api.get_job_items, (_JOB_ID, *_PAGING), "Items", extension=True),
        Function(
            "GET",
            Api.get_audit,
            (Parameter("job_id", Kind.NUMBER, about="Admins may leave it out"), *_PAGING),
            "Audit",
            extension=True,
        ),
        Function(
            "GET",
            Api.get_events,
            (_PAGING[0],),
            extension=True,
            media_type="text/event-stream",
        ),
        Function(
            "GET",
            Api.get_quarantine,
            (
                Parameter("state", choices=tuple(State), about="By default all"),
                Parameter("job_id", Kind.NUMBER, about="Of this job only"),
                Parameter("after", about="Id of an entry after which the page starts"),
            ),
            extension=True,
            admins_only=True,
        ),
        Function(
            "POST",
            Api.release_quarantine,
            (
                _ENTRY_IDS,
                Parameter("again", choices=("True", "False", "true", "false"), about=_AGAIN),
                _NOTE,
            ),
            extension=True,
            admins_only=True,
        ),
        Function(
            "POST", Api.reject_quarantine, (_ENTRY_IDS, _NOTE), extension=True, admins_only=True
        ),
        Function(
            "POST",  # so that no log of urls has whom somebody looked for
            Api.find_identity,
            (Parameter("text", required=True, about="Anything original or new; * is any text"),),
            extension=True,
            admins_only=True,
        ),
    )
}


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Have what cannot be done told as a mistake in a parameter."""
    try:
        yield
    except UsageError as error:
        raise refused(name, error.sentence()) from error


def _fields(given: Parameters) -> Row:
    fields: Row = {}
    for name in _FIELDS:
        value = given.text(name)
        if value is not None:
            fields[f"source_{name}" if name in _SHORT else name] = (
                given.number(name) if name == "priority" else value.strip()
            )
    return fields


def _opt_out(given: Parameters) -> Row:
    ignore, reason = ((given.text(name) or "").strip() for name in _OPT_OUT)
    if ignore.lower() == "true" and not reason:
        raise missing(_OPT_OUT[1])
    return dict(zip(_OPT_OUT, (ignore, reason), strict=True)) if ignore else {}


def _one_of_many(text: str) -> tuple[str, Parameters]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused("json", "It is not JSON") from error
    if not isinstance(content, dict) or not all(
        value is None or isinstance(value, str | int) for value in content.values()
    ):
        raise refused("json", "It must be an object of texts and numbers")
    one = Parameters({name: [str(v)] for name, v in content.items() if v is not None})
    one.check((_KEY, *_JOB_FIELDS))
    return str(one.text("key")).strip(), one


def _page(given: Parameters) -> dict[str, int]:
    return {"after": given.number("after", 0), "limit": given.number("limit", PAGE)}
