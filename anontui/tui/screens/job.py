"""Everything known of one job, and what to do about its error."""

from __future__ import annotations

from datetime import datetime

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.idis.advice import advice_for
from anontui.idis.model import Job
from anontui.tui.screens.dialog import Dialog


class JobScreen(Dialog[None]):
    """All fields of a job; its error first."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"Job {job.job_id}")
        self._job = job
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """Error and advice, then field by field."""
        job = self._job
        parts: list[Widget] = []
        if job.error_text:
            parts.append(Static(job.error_text, classes="problem", markup=False))
        advice = advice_for(job, now=datetime.now())
        if advice:
            parts.append(Static(f"→ {advice}", classes="meaning", markup=False))
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
