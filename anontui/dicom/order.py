"""The order in which a person expects names: ``a2`` before ``B10``, and that before ``b11``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

_DIGITS = "0123456789"
_NUMBER = re.compile("([0-9]+)")
_WIDTH = 40  # digits; the longest component of a UID has 39 (PS3.5 section B.2)


def natural_order(paths: Sequence[str]) -> list[int]:
    """The indexes of ``paths`` in natural order; what is in one folder stays together.

    All paths are taken apart in one go, and without the start that they share: for the
    names of a folder of images that is several times faster than a sort key for each.
    """
    order = sorted(range(len(paths)), key=paths.__getitem__)  # decides where the rest is equal
    if not order:
        return order
    both = paths[order[0]], paths[order[-1]]
    start = len(os.path.commonprefix(both).rstrip(_DIGITS))  # noqa: RUF071 - of texts indeed
    text = "\0".join([path[start:] for path in paths]).replace("/", "\1").lower()
    parts = _NUMBER.split(text)
    parts[1::2] = [number.zfill(_WIDTH) for number in parts[1::2]]
    order.sort(key="".join(parts).split("\0").__getitem__)
    return order
