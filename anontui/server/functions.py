"""The table of the web API's functions: what is called how, with which parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from anontui.pacs.query import Level
from anontui.server import archives
from anontui.server.calls import MOST_PIXELS, Answer, Api, Caller
from anontui.server.fields import CHANGES, JOB_FIELDS
from anontui.server.parameters import Kind, Parameter, Parameters
from anontui.server.quarantine import State

LONGEST_PAGE = 1000
MOST_ANSWERS = 5000


@dataclass(frozen=True)
class Function:
    """A function of the web API.

    ``answers`` names what it answers in the OpenAPI document; ``extension`` is true for
    what IDIS servers do not have, ``admins_only`` for what is for admins, ``is_slow`` for what
    waits for others.
    """

    method: str
    call: Callable[[Api, Caller, Parameters], Answer]
    parameters: tuple[Parameter, ...] = ()
    answers: str = "Object"
    extension: bool = False
    admins_only: bool = False
    media_type: str = "application/json"
    is_slow: bool = False


_JOB_ID = Parameter("job_id", Kind.NUMBER, required=True, about="Number of the job")
_JOB_IDS = Parameter("job_ids", Kind.NUMBERS, required=True, about="Numbers of jobs")
_PAGING = (
    Parameter("after", Kind.NUMBER, about="Id after which the page starts"),
    Parameter("limit", Kind.NUMBER, about="Rows of the page", most=LONGEST_PAGE),
)
_ENTRY_IDS = Parameter("entry_ids", Kind.OBJECTS, required=True, about="Ids of held files")
_NOTE = Parameter("note", about="Why, for the audit")
_NODE = Parameter("node", required=True, about="An archive of the caller's projects")
_TEXT = r"[^\\\x00-\x1f\x7f]{1,64}"
_AGAIN = "True: judge them again; else the filter that holds a file does not count for it"


FUNCTIONS: dict[str, Function] = {
    function.call.__name__: function
    for function in (
        Function("GET", Api.get_jobs, answers="Jobs"),
        Function("GET", Api.get_jobs_list, (_JOB_IDS,), "Jobs"),
        Function("GET", Api.get_jobs_list_extended, (_JOB_IDS,), "Jobs"),
        Function("GET", Api.get_job, (_JOB_ID,), "Job"),
        Function("POST", Api.create_job, JOB_FIELDS, "Job"),
        Function("POST", Api.cancel_job, (_JOB_ID,), "Job"),
        Function("POST", Api.modify_job, (_JOB_ID, *CHANGES, *JOB_FIELDS), "Job"),
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
            "GET", Api.get_hook_output, (_JOB_ID,), "Object", extension=True, admins_only=True
        ),
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
            "GET",
            Api.get_quarantine_picture,
            (
                Parameter("entry_id", required=True, about="Id of a held file"),
                Parameter("frame", Kind.NUMBER, about="Which frame, from 0"),
                Parameter("most", Kind.NUMBER, about="Pixels of its longer side", most=MOST_PIXELS),
            ),
            extension=True,
            admins_only=True,
        ),
        Function(
            "POST",
            Api.release_quarantine,
            (
                _ENTRY_IDS,
                Parameter("boxes", Kind.OBJECTS, about="To black out: left,top,width,height"),
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
        Function("GET", archives.get_nodes, extension=True),
        Function("POST", archives.echo_node, (_NODE,), extension=True, is_slow=True),
        Function(
            "POST",
            archives.find_studies,
            (
                _NODE,
                Parameter("level", choices=tuple(Level), about="By default STUDY"),
                Parameter("accession", Kind.OBJECTS, about="Accession numbers: any of them"),
                Parameter("patient_id", pattern=_TEXT, about="An ID; * and ? are wildcards"),
                Parameter("patient_name", pattern=_TEXT, about="A name; * and ? are wildcards"),
                Parameter("date_from", pattern="[0-9]{8}", about="YYYYMMDD, included"),
                Parameter("date_to", pattern="[0-9]{8}", about="YYYYMMDD, included"),
                Parameter("modality", pattern="[A-Z0-9_ ]{1,16}", about="Such as CT"),
                Parameter("study", pattern="[0-9.]{1,64}", about="A StudyInstanceUID"),
                Parameter("series", pattern="[0-9.]{1,64}", about="A SeriesInstanceUID"),
                Parameter("limit", Kind.NUMBER, about="The most answers", most=MOST_ANSWERS),
            ),
            extension=True,
            is_slow=True,
        ),
        Function("GET", archives.get_receiver, extension=True),
        Function(
            "POST",
            archives.set_receiver,
            (
                Parameter(
                    "running",
                    required=True,
                    choices=("True", "False", "true", "false"),
                    about="Whether archives can send to this server",
                ),
            ),
            extension=True,
            admins_only=True,
        ),
        Function(
            "GET",
            archives.get_index,
            (Parameter("project", about="Of this project only"),),
            extension=True,
        ),
    )
}
