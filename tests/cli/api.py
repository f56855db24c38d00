"""A small anonymization server: real HTTP, jobs in memory, and it can die."""

from __future__ import annotations

import json
import threading

from tests.idis.fake_server import Answer, Behaviour, FakeServer, Request

HTML = Answer(
    200, "<html><body>Welcome to the intranet</body></html>", {"Content-Type": "text/html"}
)


def _drop(*_: object) -> None:
    """Close the connection without a word."""


class Api(FakeServer):
    """``instead`` answers everything in its place; ``lives`` is how many jobs it creates
    before it dies, ``silent_death`` whether the last one's answer still gets out."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[int, dict[str, object]] = {}
        self.instead: Answer | Behaviour | None = None
        self.lives = 10**9
        self.silent_death = False
        self._one_at_a_time = threading.Lock()

    def next_for(self, request: Request) -> Answer | Behaviour:
        with self._one_at_a_time:
            return self._answer(request)

    def _answer(self, request: Request) -> Answer | Behaviour:
        self.requests.append(request)
        if self.instead is not None:
            return self.instead
        if self.lives <= 0:
            return _drop
        function = request.path.rpartition("/")[2]
        form = {name: values[-1] for name, values in request.form.items()}
        match function:
            case "get_jobs":
                return Answer(body=self.jobs)
            case "get_jobs_list" | "get_jobs_list_extended":
                ids = map(int, request.form.get("job_ids", []))
                return Answer(body={i: self.jobs[i] for i in ids if i in self.jobs})
            case "create_job":
                return self._create(form)
            case "cancel_job" | "modify_job":
                return self._change(function, form)
        return Answer(404, {"404": "no such function", "documentation": {}})

    def add(self, job_id: int, status: str = "ACTIVE", **fields: object) -> None:
        """Give it a job."""
        job: dict[str, object] = {
            "job_id": job_id,
            "date": "2024-03-11T10:00:00",
            "user_name": "z123456",
            "status": status,
            "error": None,
            "description": None,
            "project_name": "Lung",
            "priority": 10,
            "files_downloaded": 0,
            "files_processed": 0,
        }
        self.jobs[job_id] = job | fields

    def _create(self, form: dict[str, str]) -> Answer | Behaviour:
        job_id = max(self.jobs, default=40) + 1
        self.add(
            job_id,
            project_name=form["project_name"],
            destination_path=form["destination_path"],
            source_path=form.get("source_path"),
            source_instance_id=form.get("source_instance_id"),
            source_anonymizedpatientid=form.get("anonymizedpatientid"),
            source_anonymizedpatientname=form.get("anonymizedpatientname"),
        )
        self.lives -= 1
        return _drop if self.lives <= 0 and self.silent_death else Answer(body=self.jobs[job_id])

    def _change(self, function: str, form: dict[str, str]) -> Answer:
        job = self.jobs.get(int(form["job_id"]))
        if job is None:
            message = f"Job with id {form['job_id']} does not exist"
            return Answer(400, {"errors": {"job_id": message}})
        if function == "cancel_job":
            job["status"] = "INACTIVE"
        elif "status" in form:
            job["status"] = form["status"]
        return Answer(body=json.loads(json.dumps(job)))
