"""What the app told and did since it was opened.

Kept in memory only: texts may name folders and pseudonyms, and are nobody else's business.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

KEPT = 1000


@dataclass
class Entry:
    """Something that was told: when, how bad, what, its details, and how often in a row."""

    text: str
    tone: str
    detail: str = ""
    count: int = 1
    at: float = field(default_factory=time.time)


class Activity:
    """The newest entries, the newest last."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, text: str, tone: str = "$text-muted", detail: str = "") -> None:
        """Remember what was told; the same once more is counted."""
        last = self.entries[-1] if self.entries else None
        if last is not None and (last.text, last.detail) == (text, detail):
            last.count += 1
            last.at = time.time()
        elif text:
            self.entries.append(Entry(text, tone, detail))
