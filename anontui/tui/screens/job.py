"""Everything known of one job, and what to do about its error."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.idis.advice import OPT_OUT, RESET, advice_for
from anontui.idis.model import Job
from anontui.tui.screens.dialog import Dialog


class JobScreen(Dialog[str]):
    """All fields of a job; its error first, with the key that does something about it.

    Parameters
    ----------
    job
        The job.
    can_act
        False shows no such key. Its answer is the action of :class:`~anontui.idis.advice.Advice`.
    """

    KEYS: ClassVar = {RESET: ("r", "reset it"), OPT_OUT: ("o", "ignore the opt-out")}

    def __init__(self, job: Job, *, can_act: bool) -> None:
        self._job = job
        self._advice = advice_for(job, now=datetime.now())
        self._action = self._advice.action if self._advice and can_act else ""
        self._key, word = self.KEYS.get(self._action, ("", ""))
        super().__init__(
            f"Job {job.job_id}", f"{self._key} {word} · esc back" if self._key else "esc back"
        )
        self.add_class("wide")

    def on_key(self, event: events.Key) -> None:
        """Do what is advised."""
        if self._key and event.key == self._key:
            event.stop()
            self.dismiss(self._action)

    def parts(self) -> list[Widget]:
        """Error and advice, then field by field."""
        job = self._job
        parts: list[Widget] = []
        if job.error_text:
            parts.append(Static(job.error_text, classes="problem", markup=False))
        if self._advice:
            parts.append(Static(f"→ {self._advice.text}", classes="meaning", markup=False))
        values = {
            name.replace("source_anonymizedpatient", "pseudo_"): str(value)
            for name, value in job.to_json().items()
            if value not in (None, "", " ")
        }
        room = max(map(len, values))
        lines = [
            Content.assemble((f"{name:>{room}}  ", "$text-muted"), value)
            for name, value in values.items()
        ]
        fields = VerticalScroll(Static(Content("\n").join(lines)), can_focus=True)
        return [*parts, fields]
