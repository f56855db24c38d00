"""The functions of the web API: what each takes, checks, does and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from anontui import __version__
from anontui.deid import Pseudonym
from anontui.errors import DeidError
from anontui.idis.model import JobStatus
from anontui.server.config import ConfigFile
from anontui.server.database import Row
from anontui.server.parameters import Parameters, missing
from anontui.server.places import Places, refused
from anontui.server.store import DEFINITION, REMARKS, Store, no_such_job, to_json

Answer = Mapping[str, object]

# create_job names some fields without the "source_" that the job object gives them
_SHORT = ("anonymizedpatientname", "anonymizedpatientid", "pims_keyfile_id")
_CREATE = tuple(name for name in DEFINITION + REMARKS if "opt_out" not in name) + _SHORT
_OPT_OUT = ("source_ignore_opt_out", "source_ignore_opt_out_reason")
_RESET = ("files_downloaded", "files_processed", "error")
_MODIFY = ("job_id", "status", *_RESET, *_OPT_OUT, *_CREATE)


class Api:
    """The functions, over one ledger. Each takes the caller's name and parameters.

    Parameters
    ----------
    store
        The ledger of jobs.
    config
        The shares and projects.
    data
        The server's data folder, which no job may touch.
    changed
        Called after every change in the ledger.
    """

    def __init__(
        self, store: Store, config: ConfigFile, data: Path, changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._config = config
        self._data = data
        self._changed = changed

    def get_jobs(self, user: str, given: Parameters) -> Answer:
        """The newest jobs."""
        return _by_id(self._store.newest(), extended=False)

    def get_jobs_list(self, user: str, given: Parameters) -> Answer:
        """The core fields of the jobs with these ids; unknown ids are left out."""
        return _by_id(self._store.jobs(given.numbers("job_ids")), extended=False)

    def get_jobs_list_extended(self, user: str, given: Parameters) -> Answer:
        """All fields of the jobs with these ids; unknown ids are left out."""
        return _by_id(self._store.jobs(given.numbers("job_ids")), extended=True)

    def get_job(self, user: str, given: Parameters) -> Answer:
        """All fields of one job."""
        return to_json(self._existing(given))

    def create_job(self, user: str, given: Parameters) -> Answer:
        """Add a job; it needs a source, a destination, a project and a pseudonym."""
        job = _fields(given)
        self._check(user, job)
        row = self._store.create(user, job)
        self._changed()
        return to_json(row)

    def cancel_job(self, user: str, given: Parameters) -> Answer:
        """Make a job INACTIVE, also while it runs."""
        row = self._store.modify(given.number("job_id"), {}, JobStatus.INACTIVE)
        self._changed()
        return to_json(row)

    def modify_job(self, user: str, given: Parameters) -> Answer:
        """Change a job; status=ACTIVE does it again, status=INACTIVE cancels it."""
        before = self._existing(given)
        status = given.text("status")
        if status not in (None, JobStatus.ACTIVE, JobStatus.INACTIVE):
            raise refused("status", "status can be set to ACTIVE or INACTIVE only")
        for name in _RESET:
            if (given.text(name) or "").strip() not in ("", "0"):
                raise refused(name, f"{name} can only be cleared")
        changes = _fields(given)
        if not changes.keys().isdisjoint(DEFINITION):
            job = before | changes
            self._check(user, job)
            changes |= {name: job[name] for name in DEFINITION}
        row = self._store.modify(
            given.number("job_id"),
            changes | _opt_out(given),
            JobStatus(status) if status else None,
        )
        self._changed()
        return to_json(row)

    def _existing(self, given: Parameters) -> Row:
        row = self._store.job(given.number("job_id"))
        if row is None:
            raise no_such_job(given.number("job_id"))
        return row

    def _check(self, user: str, job: Row) -> None:
        """Refuse a job that cannot be done safely; fill in what follows from the rest."""
        identity = ("source_anonymizedpatientid", "source_anonymizedpatientname")
        for name, other in (identity, identity[::-1]):
            job[name] = job.get(name) or job.get(other)
        job["destination_type"] = job.get("destination_type") or "PATH"
        source = "source_path" if job.get("source_type") == "PATH" else "source_instance_id"
        required = ("source_type", source, "destination_path", "project_name", *identity)
        if absent := [name for name in required if not job.get(name)]:
            raise missing(*(name.replace("source_anonymized", "anonymized") for name in absent))
        try:
            Pseudonym(*(str(job[name]) for name in identity))
        except DeidError as error:
            raise refused("anonymizedpatientid", error.sentence()) from error
        if job["source_type"] not in ("PATH", "WADO"):
            raise refused("source_type", "source_type must be PATH or WADO")
        if job["destination_type"] != "PATH":
            raise refused("destination_type", "destination_type must be PATH")
        config = self._config.current()
        if job["project_name"] not in config.projects:
            raise refused(
                "project_name", f"User {user} is not connected to project {job['project_name']}"
            )
        places = Places(config.shares, self._data)
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
    """A function of the web API."""

    method: str
    parameters: tuple[str, ...]
    call: Callable[[Api, str, Parameters], Answer]


FUNCTIONS: Mapping[str, Function] = {
    function.call.__name__: function
    for function in (
        Function("GET", (), Api.get_jobs),
        Function("GET", ("job_ids",), Api.get_jobs_list),
        Function("GET", ("job_ids",), Api.get_jobs_list_extended),
        Function("GET", ("job_id",), Api.get_job),
        Function("POST", _CREATE, Api.create_job),
        Function("POST", ("job_id",), Api.cancel_job),
        Function("POST", _MODIFY, Api.modify_job),
    )
}


def documentation() -> Answer:
    """Return what the web API answers where it has no function; so a client knows it is there."""
    return {
        "404": "There is no such function; these are the ones there are",
        "documentation": {
            "server": "anontui",
            "version": __version__,
            "extensions": [],
            "handlers": {
                f"/{name}": {
                    function.method: {
                        "usage": function.call.__doc__,
                        "parameters": ["user_name", *function.parameters],
                    }
                }
                for name, function in FUNCTIONS.items()
            },
        },
    }


def _fields(given: Parameters) -> Row:
    fields: Row = {}
    for name in _CREATE:
        value = given.text(name)
        if value is not None:
            fields[f"source_{name}" if name in _SHORT else name] = (
                given.number(name) if name == "priority" else value.strip()
            )
    return fields


def _opt_out(given: Parameters) -> Row:
    ignore, reason = ((given.text(name) or "").strip() for name in _OPT_OUT)
    if ignore.lower() not in ("", "true", "false"):
        raise refused(_OPT_OUT[0], f"{_OPT_OUT[0]} must be True or False")
    if ignore.lower() == "true" and not reason:
        raise missing(_OPT_OUT[1])
    return dict(zip(_OPT_OUT, (ignore, reason), strict=True)) if ignore else {}


def _by_id(rows: Iterable[Row], *, extended: bool) -> Answer:
    return {str(row["job_id"]): to_json(row, extended=extended) for row in rows}
