"""What the web API tells of itself: its documentation, and an OpenAPI document.

Both are made from :data:`~anontui.server.functions.FUNCTIONS`, which checks the callers, too.
"""

from __future__ import annotations

from functools import cache

from anontui import __version__
from anontui.idis.model import CORE_FIELDS, FIELDS, INTEGER_FIELDS, JobStatus
from anontui.server.functions import FUNCTIONS, Function
from anontui.server.parameters import Parameter

Schema = dict[str, object]

_USER = Parameter("user_name", required=True, about="Whose token it is")
_REFUSALS = {
    "400": "The call was understood and refused",
    "401": "User name and token do not belong together",
    "405": "The function has another method",
    "413": "The body is too large",
    "500": "Tell the server's admin",
}


def documentation() -> Schema:
    """What the web API answers where it has no function; so a client knows it is there."""
    return {
        "404": "There is no such function; these are the ones there are",
        "documentation": {
            "server": "anontui",
            "version": __version__,
            "extensions": [name for name, one in FUNCTIONS.items() if one.extension],
            "handlers": {
                f"/{name}": {
                    function.method: {
                        "usage": function.call.__doc__,
                        "parameters": [one.name for one in (_USER, *function.parameters)],
                    }
                }
                for name, function in FUNCTIONS.items()
            },
        },
    }


@cache
def openapi() -> Schema:
    """The functions as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "anontui",
            "version": __version__,
            "description": "The web API of IDIS anonymization servers, and its extensions. "
            "Parameters of a GET may also stand form-encoded in its body.",
        },
        "security": [{"token": []}],
        "paths": {
            f"/{name}": {function.method.lower(): _operation(name, function)}
            for name, function in FUNCTIONS.items()
        },
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "The word Token, a space, and the user's token",
                }
            },
            "schemas": _answers(),
        },
    }


def _operation(name: str, function: Function) -> Schema:
    usage = (function.call.__doc__ or "").strip()
    operation: Schema = {
        "operationId": name,
        "summary": usage.split("\n")[0],
        "description": " ".join(usage.split()),
        "responses": {
            "200": {"description": "Done", "content": _answer(function)},
            **{
                status: {"description": about, "content": _json("Errors")}
                for status, about in _REFUSALS.items()
            },
        },
    }
    parameters = (_USER, *function.parameters)
    if function.method == "GET":
        operation["parameters"] = [
            {
                "name": one.name,
                "in": "query",
                "required": one.required,
                "description": one.about,
                "schema": one.schema(),
            }
            for one in parameters
        ]
        return operation
    form: Schema = {
        "type": "object",
        "properties": {one.name: one.schema() | {"description": one.about} for one in parameters},
        "required": [one.name for one in parameters if one.required],
        "additionalProperties": False,
    }
    media_type = "application/x-www-form-urlencoded"
    operation["requestBody"] = {"required": True, "content": {media_type: {"schema": form}}}
    return operation


def _answer(function: Function) -> Schema:
    if function.media_type == "application/json":
        return _json(function.answers)
    return {function.media_type: {"schema": {"type": "string"}}}


def _json(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answers() -> Schema:
    job: Schema = {
        "type": "object",
        "properties": {name: _field(name) for name in FIELDS},
        "required": list(CORE_FIELDS),
        "additionalProperties": False,
    }
    rows: Schema = {"type": "array", "items": {"type": "object"}}
    return {
        "Job": job,
        "Jobs": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Job"}},
        "Items": {"type": "object", "properties": {"items": rows}, "required": ["items"]},
        "Audit": {"type": "object", "properties": {"audit": rows}, "required": ["audit"]},
        "Object": {"type": "object"},
        "Errors": {
            "type": "object",
            "properties": {
                "errors": {"type": "object", "additionalProperties": {"type": "string"}}
            },
            "required": ["errors"],
        },
    }


def _field(name: str) -> Schema:
    if name == "job_id":
        return {"type": "integer"}
    if name == "status":
        return {"type": "string", "enum": list(JobStatus)}
    return {"type": ["integer" if name in INTEGER_FIELDS else "string", "null"]}
