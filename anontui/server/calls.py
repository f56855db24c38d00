"""The functions of the web API: what each checks, does and answers."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from anontui.deid import Pseudonym
from anontui.deid.rules.pixelrules import Box
from anontui.errors import CallRefused, DeidError, UsageError
from anontui.idis.model import JobStatus
from anontui.server.database import Row
from anontui.server.fields import job_fields, one_of_many, opt_out
from anontui.server.incoming import RECEIVED, is_received
from anontui.server.live import Hub, Stream
from anontui.server.parameters import Parameters, missing
from anontui.server.places import refused
from anontui.server.projects import Projects
from anontui.server.quarantine import State
from anontui.server.reception import Reception
from anontui.server.review import Review
from anontui.server.routes import route_of
from anontui.server.store import DEFINITION, Store, no_such_job, to_json
from anontui.server.users import Role
from anontui.server.views import Seen, Views

Answer = Mapping[str, object] | bytes | Stream  # bytes are JSON already

PAGE = 100
MOST_JOBS = 1000  # of one bulk
_OF_RECEIVED = ("source_type", "source_name", "source_instance_id", "project_name")
MOST_PIXELS = 1024  # of a picture's longer side


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
    reception
        What is sent to the server.
    """

    def __init__(
        self,
        store: Store,
        views: Views,
        projects: Projects,
        hub: Hub,
        review: Review,
        reception: Reception,
    ) -> None:
        self.store = store
        self.projects = projects
        self.reception = reception
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
        changes = job_fields(given)
        if not changes.keys().isdisjoint(DEFINITION):
            job = before | changes
            self._check(caller, job, before)
            changes |= {name: job[name] for name in DEFINITION}
        status = given.text("status")
        row = self.store.modify(
            given.number("job_id"),
            changes | opt_out(given),
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
                key, one = one_of_many(text)
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

    def get_hook_output(self, caller: Caller, given: Parameters) -> Answer:
        """What the project's hook said of a job; it may name patients, and is in the audit."""
        job_id = int(self.job(caller, given)["job_id"] or 0)
        self.store.note(caller.name, "read hook output", job=job_id)
        return self._review.run_folder(job_id).hook_output()

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
        job = job_fields(given)
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

    def get_quarantine_picture(self, caller: Caller, given: Parameters) -> Answer:
        """A frame of a held file to look at, and facts of its header; it is in the audit.

        Its pixels, a byte a sample, are compressed (zlib) and in base64.
        """
        entry_id, frame = (given.text("entry_id") or "").strip(), given.number("frame", 0)
        with _refusing("entry_id"):
            most = max(given.number("most", MOST_PIXELS), 1)
            view = self._review.view(entry_id, frame, most, caller.name)
        answer = asdict(view.picture) | {"facts": view.facts}
        answer["pixels"] = b64encode(zlib.compress(view.picture.pixels, 1)).decode()
        return answer

    def release_quarantine(self, caller: Caller, given: Parameters) -> Answer:
        """Have held files done again in their jobs: somebody looked, and they may go.

        Boxes are blacked out in all frames of each of them.
        """
        again = (given.text("again") or "").strip().lower() == "true"
        ids, note = given.values["entry_ids"], given.text("note") or ""
        with _refusing("boxes"):
            boxes = [Box.told(text) for text in given.values.get("boxes", ())]
        with _refusing("entry_ids"):
            released = self._review.release(ids, caller.name, note, again=again, boxes=boxes)
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

    def imported(self, studies: Iterable[str], caller: Caller) -> dict[str, int]:
        """How many instances of original studies came from the caller's projects."""
        return self._review.identities.imported(studies, caller.seen)

    def totals(self, projects: Seen) -> dict[str, object]:
        """How much came in and went out, of some projects, or of all."""
        exported = self._views.exported(projects)
        return {**self._review.identities.totals(projects), "exported_instances": exported}

    def _template(self, caller: Caller, job: Row) -> str | None:
        """What the project gives patients who come without a pseudonym."""
        name = str(job.get("project_name"))
        project = self.projects.all().get(name) if caller.sees(name) else None
        return project.pseudonyms or None if project else None

    def _check(self, caller: Caller, job: Row, before: Row | None = None) -> None:
        """Refuse a job that cannot be done safely; fill in what follows from the rest.

        ``before`` is what the job was, if it is one already.
        """
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
        if is_received(job) and any(job[one] != (before or {}).get(one) for one in _OF_RECEIVED):
            raise refused("source_name", f"{RECEIVED} is for what is sent to this server")
        route_of(job, self.projects)


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Have what cannot be done told as a mistake in a parameter."""
    try:
        yield
    except (UsageError, DeidError) as error:
        raise refused(name, error.sentence()) from error


def _page(given: Parameters) -> dict[str, int]:
    return {"after": given.number("after", 0), "limit": given.number("limit", PAGE)}
