"""What another program gave out before: its results and ours belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, repr=False)
class Earlier:
    """Originals and what stands for them already; it wins over what the key would give.

    Parameters
    ----------
    uids
        Original to new UIDs.
    accessions
        Original to new accession numbers, for a policy that hashes them.
    offsets
        Patient ID to the days by which the patient's dates move.
    """

    uids: Mapping[str, str] = field(default_factory=dict)
    accessions: Mapping[str, str] = field(default_factory=dict)
    offsets: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.uids or self.accessions or self.offsets)


NOTHING = Earlier()
