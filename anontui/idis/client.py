"""The web API as its clients speak it: jobs in and out, believing no answer unchecked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anontui.errors import UnexpectedAnswer
from anontui.idis import archives
from anontui.idis.connection import Connection, Form, Value, documentation
from anontui.idis.model import FIELDS, Job, JobRequest, JobStatus, plain

IDS_PER_CALL = 500
ITEMS_PER_CALL = 1000

# What decides whose data goes where, under which name. A server may shorten other texts.
_ECHOED = (
    "project_name",
    "destination_path",
    "source_path",
    "source_instance_id",
    "anonymizedpatientid",
    "anonymizedpatientname",
)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A healthy server: milliseconds that it took to answer, and its documentation."""

    latency_ms: float
    documentation: dict[str, object]


class Client:
    """A user's connection to one server; threads may share it.

    Parameters
    ----------
    url
        The server's url; it may have a path.
    user_name, token
        Credentials, sent with each call.
    validate_ssl
        False accepts any certificate.
    timeout
        Seconds to wait for each sign of life. A whole call, its repeat and redirects
        included, takes at most three times that, and what the system takes to look up the
        host's name.
    connect_timeout
        Seconds to wait for a connection, for each of the host's addresses.

    Raises
    ------
    UsageError
        If the url is not one of a server.
    SettingsError
        If the token cannot be one.

    Notes
    -----
    Each call raises :class:`~anontui.errors.ServerError`, or the one of its kinds that says
    more. Only what is harmless is repeated, once: a GET whose connection broke, and a call
    whose connection was refused, so that it was never sent.
    """

    def __init__(
        self,
        url: str,
        user_name: str,
        token: str,
        *,
        validate_ssl: bool = True,
        timeout: float = 10.0,
        connect_timeout: float = 5.0,
    ) -> None:
        self._server = Connection(
            url,
            user_name,
            token,
            validate_ssl=validate_ssl,
            timeout=timeout,
            connect_timeout=connect_timeout,
        )

    @property
    def url(self) -> str:
        """The server's url, without a trailing slash."""
        return self._server.url

    def __repr__(self) -> str:
        return f"Client({self.url!r}, {self._server.user_name!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; later calls fail. May be called again."""
        self._server.close()

    def probe(self) -> ServerInfo:
        """Ask whether a web API is there."""
        start = time.perf_counter()
        status, body = self._server.exchange("GET", "", {})
        latency_ms = (time.perf_counter() - start) * 1000
        if status not in (200, 404):
            raise self._server.failure("GET", "", status, body)
        found = documentation(body)
        if found is None:
            raise self._server.not_a_web_api()
        return ServerInfo(latency_ms, found)

    def jobs(self) -> list[Job]:
        """Return the server's newest jobs, newest first; core fields only."""
        jobs = self._jobs("get_jobs", {})
        return sorted(jobs.values(), key=lambda job: job.job_id, reverse=True)

    def job(self, job_id: int) -> Job:
        """Return one job, all fields."""
        return self._job("GET", "get_job", {"job_id": job_id})

    def jobs_by_id(self, ids: Iterable[int], extended: bool = False) -> dict[int, Job]:
        """Return the jobs with these ids, in that order; unknown ones are left out."""
        function = "get_jobs_list_extended" if extended else "get_jobs_list"
        wanted = list(dict.fromkeys(ids))
        found: dict[int, Job] = {}
        for start in range(0, len(wanted), IDS_PER_CALL):
            part = wanted[start : start + IDS_PER_CALL]
            jobs = self._jobs(function, {"job_ids": part})
            if not jobs.keys() <= set(part):
                raise self._server.unexpected(function, "it holds a job that was not asked for")
            found |= jobs
        return {job_id: found[job_id] for job_id in wanted if job_id in found}

    def create(self, request: JobRequest) -> Job:
        """Create a job. The call is sent once, whatever becomes of it.

        Raises
        ------
        ServerUnreachable
            If no answer came; its ``may_have_arrived`` tells whether a job may exist.
        UnexpectedAnswer
            If the answer is not the job that was asked for. A job may exist then too.
        """
        form = request.to_form()
        job = Job.from_json(self._server.call("POST", "create_job", form))
        self._check_echo(job, form, "was created otherwise than asked", "Cancel it, and tell")
        return job

    def cancel(self, job_id: int) -> Job:
        """Make a job inactive."""
        job = self._job("POST", "cancel_job", {"job_id": job_id})
        if job.status is not JobStatus.INACTIVE:
            raise self._server.unexpected("cancel_job", f"job {job_id} is still {job.status}")
        return job

    def reset(self, job_id: int) -> Job:
        """Have a job processed again, from the start."""
        job = self.modify(job_id, status="ACTIVE", files_downloaded=0, files_processed=0, error=" ")
        if job.status not in (JobStatus.ACTIVE, JobStatus.UPLOADED):
            raise self._server.unexpected("modify_job", f"job {job_id} is still {job.status}")
        return job

    def modify(self, job_id: int, **fields: str | int | bool | None) -> Job:
        """Change fields of a job, by their wire names; a field that is None stays."""
        job = self._job("POST", "modify_job", {**fields, "job_id": job_id})
        self._check_echo(job, fields, "was not changed as asked", "Tell")
        return job

    def ignore_opt_out(self, job_id: int, reason: str) -> Job:
        """Have a job use data of a patient who opted out; the server keeps the reason."""
        return self.modify(
            job_id,
            source_ignore_opt_out=True,
            source_ignore_opt_out_reason=f"Reason: {reason}",
        )

    def create_many(self, requests: Mapping[str, JobRequest]) -> dict[str, Job]:
        """Create jobs by keys of the caller's choice, all or none; a call again adds nothing.

        A server of ours only. A key that this user gave before names the job that it became
        then, however that is doing now.

        Raises
        ------
        UnexpectedAnswer
            If the answer is not the jobs that were asked for.
        """
        sent = [json.dumps({"key": key} | one.to_form()) for key, one in requests.items()]
        answer = self._server.call("POST", "create_jobs", {"jobs": sent})
        if not isinstance(answer, dict) or answer.keys() != requests.keys():
            raise self._server.unexpected("create_jobs", "it has not the keys that were sent")
        jobs = {key: Job.from_json(answer[key]) for key in requests}
        for key, request in requests.items():
            self._check_echo(jobs[key], request.to_form(), "is otherwise than asked", "Tell")
        return jobs

    def items(self, job_id: int) -> Iterator[dict[str, object]]:
        """Yield what became of each file of a job; a server of ours only."""
        after = 0
        while True:
            answer = self._server.call(
                "GET", "get_job_items", {"job_id": job_id, "after": after, "limit": ITEMS_PER_CALL}
            )
            rows = answer.get("items") if isinstance(answer, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self._server.unexpected("get_job_items", "it is not a list of items")
            if not rows:
                return
            yield from rows
            last = rows[-1].get("item_id")
            if not isinstance(last, int) or last <= after:
                raise self._server.unexpected("get_job_items", "it has no end")
            after = last

    def nodes(self) -> list[archives.ArchiveNode]:
        """Return the archives that the server knows and this user may use."""
        return archives.read_nodes(self._server.call("GET", "get_nodes", {}))

    def echo(self, node: str) -> float:
        """Have the server ask whether an archive is there; returns seconds.

        Raises
        ------
        CallRefused
            If it is not; the message says why.
        """
        return archives.read_seconds(self._server.call("POST", "echo_node", {"node": node}))

    def find(
        self,
        node: str,
        level: str = "STUDY",
        *,
        accessions: Sequence[str] = (),
        limit: int | None = None,
        **query: str,
    ) -> archives.Found:
        """Have the server look for studies, series or instances in an archive.

        Parameters
        ----------
        node
            The archive's name.
        level
            ``STUDY``, ``SERIES`` (of a study) or ``IMAGE`` (of a study or series).
        accessions
            Accession numbers; studies with any of them are found.
        limit
            The most answers.
        **query
            ``patient_id``, ``patient_name``, ``date_from``, ``date_to`` (``YYYYMMDD``),
            ``modality``, ``study``, ``series``; empty ones match all.

        Raises
        ------
        CallRefused
            If the archive cannot be asked; the message says why.
        """
        form: dict[str, Value] = {"node": node, "level": level, "limit": limit}
        form |= {name: text for name, text in query.items() if text}
        form["accession"] = list(accessions) or None
        return archives.read_found(self._server.call("POST", "find_studies", form))

    def receiver(self) -> archives.ReceiverState:
        """Tell how the server's receiver is doing."""
        return archives.read_receiver(self._server.call("GET", "get_receiver", {}))

    def set_receiver(self, *, running: bool) -> archives.ReceiverState:
        """Start or stop the server's receiver; the server remembers it. For admins."""
        answer = self._server.call("POST", "set_receiver", {"running": running})
        return archives.read_receiver(answer)

    def index(self, project: str | None = None) -> archives.Index:
        """How much the server imported and exported, of one project or all that one sees."""
        return archives.read_index(self._server.call("GET", "get_index", {"project": project}))

    def get(self, function: str, **parameters: Value) -> object:
        """Call any function of the web API that only looks; returns its JSON as it is.

        Parameters
        ----------
        function
            Its name on the wire, such as ``get_jobs``.
        **parameters
            What it takes; the user name is added. A list repeats its key, None is left out.
        """
        return self._server.call("GET", function, parameters)

    def post(self, function: str, **parameters: Value) -> object:
        """Call any function of the web API that changes something; see :meth:`get`.

        Unlike the methods above it does not look whether the answer says what was asked.
        """
        return self._server.call("POST", function, parameters)

    def _jobs(self, function: str, form: Form) -> dict[int, Job]:
        answer = self._server.call("GET", function, form)
        if not isinstance(answer, dict):
            raise self._server.unexpected(function, "it is not an object of jobs")
        jobs = {}
        for key, value in answer.items():
            job = Job.from_json(value)
            if key != str(job.job_id):
                raise self._server.unexpected(function, "a job stands under another job's id")
            jobs[job.job_id] = job
        return jobs

    def _job(self, method: str, function: str, form: Form) -> Job:
        job = Job.from_json(self._server.call(method, function, form))
        if job.job_id != form["job_id"]:
            raise self._server.unexpected(function, "it is another job than the one asked for")
        return job

    def _check_echo(self, job: Job, form: Form, what: str, do: str) -> None:
        for name in _ECHOED:
            asked = form.get(name)
            answered = getattr(job, name if name in FIELDS else f"source_{name}")
            if asked is None or answered is None:
                continue
            if _comparable(name, str(asked)) != _comparable(name, answered):
                raise UnexpectedAnswer(
                    f"Job {job.job_id} {what}: its {name} is another",
                    advice=f"{do} the server's admin.",
                )


def _comparable(name: str, text: str) -> str:
    """Leave out how a server may write the same thing otherwise."""
    text = plain(text).strip()
    if not name.endswith("_path"):
        return text.removeprefix("accession_number:")
    path = text.removeprefix("folder:").removeprefix("fileselection:")
    return path.replace("/", "\\").rstrip("\\").casefold()
