"""The parameters that make a job, and their way into the ledger."""

from __future__ import annotations

import json

from anontui.server.database import Row
from anontui.server.parameters import Kind, Parameter, Parameters, missing
from anontui.server.places import refused
from anontui.server.store import DEFINITION, REMARKS

HIGHEST_PRIORITY = 1000

# create_job names some fields without the "source_" that the job object gives them
_SHORT = ("anonymizedpatientname", "anonymizedpatientid", "pims_keyfile_id")
_FIELDS = tuple(name for name in DEFINITION + REMARKS if "opt_out" not in name) + _SHORT
_OPT_OUT = ("source_ignore_opt_out", "source_ignore_opt_out_reason")
_UIDS = r"([0-9.]{1,64}( *, *[0-9.]{1,64})*)?"
_CHOICES = {
    "source_type": ("PATH", "WADO"),
    "destination_type": ("PATH", "NODE"),
    "practice": ("True", "False", "true", "false"),
}
_ABOUT = {
    "source_type": "Where the data is: on a share or in a PACS",
    "source_path": r"Of PATH: folder:\\server\share\… or fileselection:\\server\share\…",
    "source_instance_id": "Of WADO: a StudyInstanceUID, or accession_number:…",
    "source_sop_class_filter_list": "SOP class UIDs, separated by commas",
    "source_name": "Of WADO: an archive of the project; by default its first",
    "destination_type": "Where the results go: a share or an archive",
    "destination_path": r"Of PATH: a folder on a share, \\server\share\…; of NODE: its name",
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
    if name == "source_sop_class_filter_list":
        return Parameter(name, about=about, pattern=_UIDS)
    return Parameter(name, about=about, choices=choices)


JOB_FIELDS = tuple(map(_job_field, _FIELDS))
CHANGES = (
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


def job_fields(given: Parameters) -> Row:
    """What a caller says of a job, as the ledger names it."""
    fields: Row = {}
    for name in _FIELDS:
        value = given.text(name)
        if value is not None:
            fields[f"source_{name}" if name in _SHORT else name] = (
                given.number(name) if name == "priority" else value.strip()
            )
    return fields


def opt_out(given: Parameters) -> Row:
    """Whether an opt-out is to be obeyed, if a caller says so; ignoring one needs its reason."""
    ignore, reason = ((given.text(name) or "").strip() for name in _OPT_OUT)
    if ignore.lower() == "true" and not reason:
        raise missing(_OPT_OUT[1])
    return dict(zip(_OPT_OUT, (ignore, reason), strict=True)) if ignore else {}


def one_of_many(text: str) -> tuple[str, Parameters]:
    """The key and the parameters of a job that a caller sent as a JSON object."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise refused("json", "It is not JSON") from error
    if not isinstance(content, dict) or not all(
        value is None or isinstance(value, str | int) for value in content.values()
    ):
        raise refused("json", "It must be an object of texts and numbers")
    one = Parameters({name: [str(v)] for name, v in content.items() if v is not None})
    one.check((_KEY, *JOB_FIELDS))
    return str(one.text("key")).strip(), one
