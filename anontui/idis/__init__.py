"""The web API of anonymization servers: jobs, a client, advice for known errors.

From a script::

    from anontui.idis import Client

    with Client("https://server.example/api", "z123456", "token") as client:
        for job in client.jobs():
            print(job.job_id, job.status)

More examples are in ``docs/python.md``. Code that uses the client is tested without a server
by :mod:`anontui.idis.testresources`. All errors are :class:`~anontui.errors.AnonTUIError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job, JobRequest, JobStatus

__all__ = ["Client", "Job", "JobRequest", "JobStatus"]


def __getattr__(name: str) -> object:
    """Import a name when it is used: the server needs the model, but no client."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "client" if name == "Client" else "model"
    return getattr(import_module(f"{__name__}.{module}"), name)
