"""New UIDs from old ones (PS3.5 section 9 and annex B.2)."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache

# Registered UIDs are short: at most 32 characters and 3 digits a component behind the
# root. Some writers make instance UIDs under that root; their long numbers give them away.
_STANDARD = re.compile(r"1\.2\.840\.10008(\.[0-9]{1,3}){1,9}")
_LONGEST_STANDARD = 34
_LONGEST_UID = 64  # characters; what is longer is not remembered


def new_uid(key: bytes, uid: str) -> str:
    """The UID that stands for ``uid`` under ``key``.

    Parameters
    ----------
    key
        The project's secret. Whoever lacks it cannot tell which UID became which.
    uid
        The original, without padding. A malformed one is mapped like any other text.

    Returns
    -------
    str
        ``2.25.`` and 128 bits of a keyed hash, at most 44 characters; the same for the
        same input everywhere. A UID that the standard itself defines, and an empty one, stay.
    """
    if not uid or is_standard(uid):
        return uid
    return (_made if len(uid) <= _LONGEST_UID else _made.__wrapped__)(key, uid)


@lru_cache(maxsize=65536)
def _made(key: bytes, uid: str) -> str:
    digest = hmac.digest(key, b"uid\0" + uid.encode("utf-8", "surrogateescape"), hashlib.sha256)
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def is_standard(uid: str) -> bool:
    """Whether DICOM itself registered ``uid`` (PS3.6 annex A), by its form."""
    return len(uid) <= _LONGEST_STANDARD and _STANDARD.fullmatch(uid) is not None
