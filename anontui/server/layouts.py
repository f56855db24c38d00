"""Layouts: which name a de-identified file gets below its job's destination."""

from __future__ import annotations

import re

from anontui.errors import UsageError
from anontui.server.places import safe_name

DEFAULT = "{patient}/{study}/{series}/{instance}.dcm"
# letters; a pseudonym's may take more bytes than one, which the file system judges then
_LONGEST = {"patient": 60, "study": 64, "series": 64, "instance": 64}
_PLACE = re.compile(r"\{(\w*)\}")


def check_layout(text: str) -> str:
    """Return a layout that can be used, as it is.

    Parameters
    ----------
    text
        A relative path with ``{patient}`` (the pseudonym) and ``{study}``, ``{series}`` and
        ``{instance}`` (the new UIDs); folders are separated by slashes.

    Raises
    ------
    UsageError
        If it knows another field, lacks ``{instance}`` (two files would have one name), or
        may make what is no proper name of a file below the destination.
    """
    unknown = [name for name in _PLACE.findall(text) if name not in _LONGEST]
    if unknown or set("{}") & set(_PLACE.sub("", text)):
        raise UsageError(
            f"The layout {text!r} has a field that is not known",
            advice=f"Known are {', '.join(f'{{{name}}}' for name in _LONGEST)}.",
        )
    if "{instance}" not in text:
        raise UsageError(
            f"The layout {text!r} gives several files one name",
            advice="Put {instance} in it.",
        )
    for part in text.split("/"):
        name = _PLACE.sub("1", part)
        longest = _PLACE.sub(lambda found: "x" * _LONGEST[found[1]], part)
        if name.startswith(".") or safe_name(name) != name or len(longest.encode()) > 255:
            raise UsageError(
                f"The layout {text!r} has a part that cannot name a file or folder: {part!r}",
                advice="Stay below the destination, with names of letters, digits and - _.",
            )
    return text


def file_name(layout: str, patient: str, study: str, series: str, instance: str) -> str:
    """The path of a file below the destination, its folders separated by slashes.

    ``patient`` is the pseudonym, the others are UIDs.
    """
    values = {"study": study, "series": series, "instance": instance}
    values["patient"] = safe_name(patient)
    return _PLACE.sub(lambda found: values[found[1]], layout)
