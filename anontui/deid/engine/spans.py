"""The executor over bytes: what no rule touches goes out as it stands in the file.

One walk over the header's raw bytes finds the elements that a rule touches and copies the
runs between them; pixel data are never read, only measured. Whatever is out of the ordinary
raises :class:`Unusual`, and then the executor through pydicom decides. So this one need not
be able to do everything, but what it does must come out equal. (One difference is meant: what
goes away unread may be malformed inside.)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress

from anontui.deid.engine import facts as at
from anontui.deid.engine.facts import Facts
from anontui.deid.engine.plan import Plan, may_plan
from anontui.deid.engine.raw import (
    Unusual,
    before,
    collect,
    file_meta,
)
from anontui.deid.engine.source import (
    DEFLATED,
    EXPLICIT_BIG,
    IMPLICIT_LITTLE,
)
from anontui.deid.engine.walk import Emission, OtherKind, Walk, WindowTooSmall
from anontui.deid.rules.policy import Policy
from anontui.deid.values.treatment import Treatment

_WINDOW = 1 << 16  # bytes read at once; a header is seldom longer
_LARGEST_HEADER = 1 << 26
_MOST_PLANS = 16


class Spans:
    """The executor for one policy and key; it remembers what it saw, so make one for many files.

    Parameters
    ----------
    policy
        What it obeys.
    treatment_of
        What is done to the values of a patient, by his or her Patient ID.
    """

    def __init__(self, policy: Policy, treatment_of: Callable[[str], Treatment]) -> None:
        self._policy = policy
        self._treatment_of = treatment_of
        self._is_possible = may_plan(policy)
        self._plans: dict[object, Plan] = {}
        self._guess: Plan | None = None  # the next file is most often of the same kind
        self._before: Plan | None = None

    def file(self, file: int, size: int) -> Emission:
        """Walk a file that is open for reading.

        Parameters
        ----------
        file, size
            Its descriptor, and its length in bytes.

        Raises
        ------
        Unusual
            If the other executor must do it.
        Refused
            If a filter holds it.
        """
        if not self._is_possible or size > self._policy.limits.file_bytes:
            raise Unusual
        window = _WINDOW
        while True:
            data = os.pread(file, min(window, size), 0)
            try:
                start, syntax = file_meta(data)
                return self._walk(data, start, file, size, syntax)
            except (WindowTooSmall, struct.error, IndexError):
                if len(data) >= size or window >= _LARGEST_HEADER:
                    raise Unusual from None
                window *= 8

    def instance(self, data: bytes, start: int, syntax: str) -> Emission:
        """Walk a data set in memory, such as a received one; ``start`` is where it begins.

        Raises
        ------
        Unusual, Refused
            As for :meth:`file`.
        """
        if not self._is_possible or syntax in (DEFLATED, EXPLICIT_BIG):
            raise Unusual
        try:
            return self._walk(data, start, -1, len(data), syntax)
        except (WindowTooSmall, struct.error, IndexError):
            raise Unusual from None

    def _walk(self, data: bytes, start: int, file: int, size: int, syntax: str) -> Emission:
        implicit = syntax == IMPLICIT_LITTLE
        guess = self._guess
        if guess is not None and guess.implicit is implicit:
            walk = Walk(guess, data, file, size, syntax)
            with suppress(OtherKind):
                return walk.run(start)
            self._guess = None
            return Walk(self._plan(data, start, implicit), data, file, size, syntax).run(start)
        plan = self._plan(data, start, implicit)
        if self._policy.clean_by != "scrub":  # else what it must know is in the whole header
            self._guess = plan if plan is self._before else None
        self._before = plan
        return Walk(plan, data, file, size, syntax).run(start)

    def _plan(self, data: bytes, start: int, implicit: bool) -> Plan:
        character_set, sop_class, patient = before(data, start, implicit)
        told: list[tuple[int, str, bytes]] = []
        if self._policy.clean_by == "scrub":
            collect(data, start, len(data), implicit, told, 0)
        found = (character_set, sop_class, patient, implicit, *told)
        plan = self._plans.get(found)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            facts = Facts({at.CHARACTER_SET: character_set, at.PATIENT_ID: patient})
            treatment = self._treatment_of(facts.patient_id())
            plan = Plan(treatment, sop_class, character_set, patient, implicit, tuple(told))
            self._plans[found] = plan
        return plan
