"""SOP classes and transfer syntaxes: what we take, and what we propose (PS3.8 9.3.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    JPEG2000,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import (
    ALL_TRANSFER_SYNTAXES,
    AllStoragePresentationContexts,
    StoragePresentationContexts,
)

VERIFICATION = "1.2.840.10008.1.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"

MOST = 128
"""As many presentation contexts one association can have: their numbers are odd bytes."""

PLAIN: tuple[str, ...] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
"""Transfer syntaxes of queries, and of images that are not compressed."""

_COMMON: tuple[str, ...] = (
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    RLELossless,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)

SYNTAXES: tuple[str, ...] = tuple(
    dict.fromkeys(
        str(uid) for uid in (*PLAIN, *_COMMON, *AllTransferSyntaxes, *ALL_TRANSFER_SYNTAXES)
    )
)
"""All transfer syntaxes that pydicom or pynetdicom knows, the usual ones first."""

_USUAL = [
    str(one.abstract_syntax)
    for one in (*StoragePresentationContexts, *AllStoragePresentationContexts)
]
_RETIRED_TOO = [
    uid
    for uid, (name, kind, *_) in UID_dictionary.items()
    if uid.startswith("1.2.840.10008.5.1.4.1.1.") and kind == "SOP Class" and "Storage" in name
]

STORAGE: tuple[str, ...] = tuple(dict.fromkeys([*_USUAL, *_RETIRED_TOO]))
"""All SOP classes of patients' composite objects (PS3.4 B.5), the usual ones first, retired
ones too."""


class Proposal(NamedTuple):
    """A context that is proposed; with ``receive`` the other side stores to us under it."""

    sop_class: str
    syntaxes: tuple[str, ...]
    receive: bool = False


def to_receive(sop_classes: Iterable[str], wanted: Sequence[str] = ()) -> list[Proposal]:
    """What to propose for a C-GET, so that each instance comes as it is stored.

    A peer chooses one transfer syntax of each context, so each gets its own, as far as there
    is room. With many SOP classes it has to choose.

    Parameters
    ----------
    sop_classes
        The SOP classes that will come; the first are proposed if they are too many.
    wanted
        The only transfer syntaxes that are taken, all if empty.
    """
    classes = list(dict.fromkeys(sop_classes))[: MOST - 1]
    syntaxes = tuple(wanted) or SYNTAXES
    room = (MOST - 1) // max(len(classes), 1)
    groups: list[tuple[str, ...]] = [(one,) for one in syntaxes]
    if len(groups) > room:  # uncompressed ones share a context, then the least usual ones
        plain = tuple(one for one in syntaxes if one in PLAIN)
        groups = [plain, *((one,) for one in syntaxes if one not in PLAIN)]
        rest = tuple(one for group in groups[room - 1 :] for one in group)
        groups = [*groups[: room - 1], rest]
    groups = [group for group in groups if group]
    return [Proposal(one, group, receive=True) for group in groups for one in classes]
