"""All ways to one archive as one: each function goes the best way that the archive offers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Archive, Sending, Sent, Tick, Wanted
from anontui.pacs.fetch import instances_of
from anontui.pacs.files import read_head
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node
from anontui.pacs.query import Answer, Query, Series, Study

COUNTS = 3
"""So often is an archive asked whether it has what it took."""

PAUSE = 1.0
"""Seconds between, as some archives file what they took a little later."""


class Ways:
    """An :class:`~anontui.pacs.archive.Archive` over all that a node has.

    A way that the archive refuses (:class:`~anontui.errors.NotOffered`) falls to the next one.

    Parameters
    ----------
    node
        Which archive.
    name_of
        The name of a file's object in a bucket; study/series/instance.dcm by its UIDs if None.

    Raises
    ------
    PacsError
        If the node has no way at all, or what it needs is not installed.
    """

    def __init__(self, node: Node, name_of: Callable[[Path], str] | None = None) -> None:
        self.node = node
        self._dimse: Archive | None = None
        self._web: Archive | None = None
        self._bucket: Archive | None = None
        if node.dimse:
            from anontui.pacs.dimse import DimseArchive

            self._dimse = DimseArchive(node)
        if node.web:
            from anontui.pacs.web import WebArchive

            self._web = WebArchive(node)
        if node.bucket:
            from anontui.pacs.s3 import BucketArchive

            self._bucket = BucketArchive(node, name_of)
        if not self._all():
            raise PacsError(
                f"No way leads to {node.name}",
                advice="Give it an AE title, the url of a DICOMweb service, or a bucket.",
                transient=False,
            )

    @property
    def can_find(self) -> bool:
        """Whether it can be asked what it has."""
        return self.node.dimse is not None or self.node.web is not None

    @property
    def can_retrieve(self) -> bool:
        """Whether instances can be had from it."""
        return self.can_find

    @property
    def can_send(self) -> bool:
        """Whether instances can be sent to it."""
        return self.can_find or self.node.bucket is not None

    def echo(self) -> float:
        """Ask whether it is there and knows us, each way; returns the seconds of the slowest.

        Raises
        ------
        PacsError
            If it does not answer one of the ways.
        """
        return max(way.echo() for way in self._all())

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Yield what it has, each once, of the node's modalities only.

        Raises
        ------
        PacsError
            If it cannot be asked.
        """
        modalities = frozenset(self.node.modalities)
        for answer in self._found(query, tick):
            has: Iterable[str] = ()
            if isinstance(answer, Study):
                has = answer.modalities
            elif isinstance(answer, Series):
                has = filter(None, (answer.modality,))
            if not modalities or not (has := frozenset(has)) or has & modalities:
                yield answer

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """Bring instances into an inbox.

        Raises
        ------
        PacsError
            If it cannot be reached, or offers no way.
        OSError
            If the inbox cannot be written.
        """
        ways = self._ways(self._web, self._dimse)
        for number, way in enumerate(ways, 1):
            try:
                way.retrieve(wanted, inbox, tick)
            except NotOffered:
                if number == len(ways):
                    raise
            else:
                return

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send files study by study, skip what is there, and count what is there afterwards.

        Raises
        ------
        PacsError
            If it cannot be reached; files that nothing was yielded of were not sent.
        """
        studies: dict[str, dict[Path, str]] = {}
        for path in files:
            tick()
            try:
                head = read_head(path)
            except (OSError, ValueError):
                yield Sent(path, Sending.FAILED, "it cannot be read as a DICOM file", False)
            else:
                studies.setdefault(head.study, {})[path] = head.instance
        for study, instances in studies.items():
            yield from self._send_study(study, instances, tick)

    def close(self) -> None:
        """End all associations and connections."""
        for way in self._all():
            way.close()

    def _send_study(self, study: str, instances: dict[Path, str], tick: Tick) -> Iterator[Sent]:
        there = self._there(study, tick)
        left = []
        for path, instance in instances.items():
            if there is not None and instance in there:
                yield Sent(path, Sending.THERE)
            else:
                left.append(path)
        taken = []
        broken: PacsError | None = None
        try:
            for sent in self._sent(left, tick):
                if sent.what is Sending.SENT and there is not None:
                    taken.append(sent.path)
                else:
                    yield sent
        except PacsError as error:
            broken = error
        if taken:
            yield from self._confirmed(study, taken, instances, tick)
        if broken:
            raise broken

    def _confirmed(
        self, study: str, taken: list[Path], instances: dict[Path, str], tick: Tick
    ) -> Iterator[Sent]:
        """Count what the archive has of what it took; it is given some time to file it."""
        reason = "the archive took it, and does not have it"
        for count in range(COUNTS):
            if count:
                _wait(PAUSE, tick)
            try:
                there = self._there(study, tick) or frozenset()
            except PacsError:
                reason = "the archive took it, and could not be asked whether it has it"
                continue
            for path in taken:
                if instances[path] in there:
                    yield Sent(path, Sending.SENT)
            taken = [path for path in taken if instances[path] not in there]
            if not taken:
                return
        for path in taken:
            yield Sent(path, Sending.FAILED, reason)

    def _there(self, study: str, tick: Tick) -> frozenset[str] | None:
        """UIDs of the instances that it has of a study; None if it cannot be asked."""
        if not self.can_find:
            return None
        try:
            return frozenset(one.instance for one in instances_of(self, study, tick))
        except PacsError as error:
            if error.transient:
                raise
            return None

    def _sent(self, files: list[Path], tick: Tick) -> Iterator[Sent]:
        """Send by the first way that does not refuse; what a way told is not sent again."""
        ways = self._ways(self._web, self._dimse, self._bucket)
        for number, way in enumerate(ways, 1):
            told = set()
            try:
                for sent in way.send(files, tick):
                    told.add(sent.path)
                    yield sent
            except NotOffered:
                if number == len(ways):
                    raise
                files = [path for path in files if path not in told]
            else:
                return

    def _found(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Find by the first way that does not refuse before it answers."""
        ways = self._ways(self._dimse, self._web)
        for number, way in enumerate(ways, 1):
            answers = way.find(query, tick)
            try:
                first = next(answers, None)
            except NotOffered:
                if number == len(ways):
                    raise
                continue
            if first is not None:
                yield first
                yield from answers
            return

    def _all(self) -> list[Archive]:
        return [way for way in (self._dimse, self._web, self._bucket) if way is not None]

    def _ways(self, *ways: Archive | None) -> list[Archive]:
        """Those of these that there are.

        Raises
        ------
        NotOffered
            If there are none.
        """
        some = [way for way in ways if way is not None]
        if not some:
            raise NotOffered(
                f"{self.node.name} is a bucket, which can only be sent to",
                advice="Search and retrieve at a node with DIMSE or DICOMweb.",
            )
        return some


def _wait(seconds: float, tick: Tick) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tick()
        time.sleep(min(0.1, seconds))
