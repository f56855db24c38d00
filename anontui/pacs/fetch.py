"""Bringing whole studies: counted, and only what is missing asked for again."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import NoSuchStudy, NotOffered, PacsError
from anontui.pacs.archive import Archive, Tick, Wanted
from anontui.pacs.files import is_uid, read_head
from anontui.pacs.inbox import Inbox
from anontui.pacs.query import Instance, Level, Query, Series, Study

Told = Callable[[int, int], None]
"""Told how many instances are there, of how many."""

ROUNDS = 3
"""So many rounds that bring nothing new are enough."""

_LOOK = 0.2
"""Seconds between looks into the inbox."""


@dataclass(frozen=True)
class Fetched:
    """A study that is there, whole.

    ``instances`` are in the inbox, ``came`` of them in this call; ``left_out`` are of SOP
    classes that are not wanted.
    """

    instances: int
    came: int
    left_out: int


def fetch_study(
    archive: Archive,
    study: str,
    inbox: Inbox,
    tick: Tick,
    told: Told,
    *,
    sop_classes: Sequence[str] = (),
    patience: float = 1.0,
) -> Fetched:
    """Bring all instances of a study into an inbox, or raise.

    At the end the inbox holds nothing but instances of this study that are wanted, and a power
    cut takes none of them.

    Parameters
    ----------
    archive, study, inbox
        From where, which (its StudyInstanceUID), to where; what is there already is not
        asked for again.
    tick
        Called often, may raise to stop.
    told
        Told the progress.
    sop_classes
        UIDs of the only SOP classes that are wanted, of those that the node allows; all if
        empty.
    patience
        Seconds to wait for more, before what is missing is asked for again.

    Raises
    ------
    PacsError
        If not all came; a later call goes on where this one stopped.
    NoSuchStudy
        If the archive has nothing of it that is wanted.
    OSError
        If the inbox cannot be written.
    """
    inbox.remove_empty()
    classes = _Classes((archive.node.sop_classes, tuple(sop_classes)))
    listed = instances_of(archive, study, tick)
    count = _Count(study, inbox, classes, listed, tick, told)
    count.sweep()
    before = inbox.count()
    there = count.look()
    error: PacsError | None = None
    empty = 0
    while count.missing() and empty < ROUNDS and (error is None or error.transient):
        error = _round(archive, count, patience)
        came, there = count.look() - there, count.look()
        empty = 0 if came else empty + 1
    if count.missing():
        raise _short(archive.node.name, count, error)
    if not count.expected:
        what = "has nothing wanted of this study" if listed else "has no such study"
        raise NoSuchStudy(
            f"{archive.node.name} {what}",
            advice="Check its number, and which SOP classes are wanted.",
        )
    inbox.sync()
    return Fetched(inbox.count(), inbox.count() - before, len(count.left_out))


def instances_of(archive: Archive, study: str, tick: Tick) -> list[Instance]:
    """Ask which instances of a study an archive has, each once.

    An archive that does not tell by study is asked series by series.

    Raises
    ------
    PacsError
        If it cannot be asked, or this is no StudyInstanceUID.
    """
    if not is_uid(study):
        raise PacsError(
            "This is not a StudyInstanceUID",
            advice="Give it as it stands in the archive: digits and points.",
            transient=False,
        )
    refused: PacsError | None = None
    try:
        found = list(_instances(archive, Query(Level.IMAGE, study=study), tick))
    except PacsError as error:
        if error.transient:
            raise
        found, refused = [], error
    if not found:
        try:
            for series in archive.find(Query(Level.SERIES, study=study), tick):
                if isinstance(series, Series):
                    query = Query(Level.IMAGE, study=study, series=series.series)
                    found += _instances(archive, query, tick)
        except NotOffered:
            if refused is None:
                raise
            raise refused from None
    return list({one.instance: one for one in found}.values())


def studies_of(archive: Archive, accession: str, tick: Tick) -> list[Study]:
    """Ask for all studies of an accession number, in the order of their dates; may be empty.

    Raises
    ------
    PacsError
        If it cannot be asked, or this is no accession number.
    """
    accession = accession.strip()
    if not accession or not accession.isprintable() or set(accession) & set("*?\\"):
        raise PacsError(
            "This is not an accession number",
            advice="Give one number, without wildcards.",
            transient=False,
        )
    found = {
        answer.study: answer
        for answer in archive.find(Query(accession=accession), tick)
        if isinstance(answer, Study) and answer.accession.strip() == accession
    }
    return sorted(found.values(), key=lambda study: (study.date, study.time, study.study))


def _instances(archive: Archive, query: Query, tick: Tick) -> list[Instance]:
    return [answer for answer in archive.find(query, tick) if isinstance(answer, Instance)]


def _round(archive: Archive, count: _Count, patience: float) -> PacsError | None:
    """Ask for what is missing, and return how that failed if it did."""
    error = None
    is_all = not count.look() and not count.left_out
    wanted = () if is_all else tuple((one.series, one.instance) for one in count.missing())
    try:
        archive.retrieve(Wanted(count.study, wanted), count.inbox, count.tick)
    except PacsError as raised:
        error = raised
    if error is None or error.transient:
        count.wait(patience)
    count.sweep()
    return error


def _short(name: str, count: _Count, error: PacsError | None) -> PacsError:
    """Return the error of a study that did not come whole."""
    text = f"{count.look()} of {len(count.expected)} instances came from {name}"
    if error is None:
        return PacsError(text, advice="Try again later; only the missing ones are asked for.")
    return PacsError(
        f"{text}: {error.message}",
        cause=error.cause,
        advice=error.advice,
        transient=error.transient,
    )


class _Classes:
    """The SOP classes that are wanted: those that every list has which has any."""

    def __init__(self, lists: tuple[Collection[str], ...]) -> None:
        self._lists = [frozenset(one) for one in lists if one]

    def __bool__(self) -> bool:
        return bool(self._lists)

    def want(self, sop_class: str) -> bool:
        return all(sop_class in one for one in self._lists)


class _Count:
    """What of a study is expected, there, and missing.

    ``left_out`` are the UIDs of instances of other SOP classes. Where an archive does not tell
    the class, the file does when it has come.
    """

    def __init__(
        self,
        study: str,
        inbox: Inbox,
        classes: _Classes,
        listed: Sequence[Instance],
        tick: Tick,
        told: Told,
    ) -> None:
        self.study, self.inbox, self._classes = study, inbox, classes
        self._tick, self._told = tick, told
        self._next_look = 0.0
        self.left_out = {
            one.instance for one in listed if one.sop_class and not classes.want(one.sop_class)
        }
        self.expected = [one for one in listed if one.instance not in self.left_out]
        self._sound: set[Path] = set()
        self._trusted = {
            inbox.path_of(one.instance) for one in self.expected if one.sop_class or not classes
        }

    def missing(self) -> list[Instance]:
        return [one for one in self.expected if not self.inbox.has(one.instance)]

    def look(self) -> int:
        """Count what is there, and tell."""
        there = len(self.expected) - len(self.missing())
        self._told(there, len(self.expected))
        return there

    def tick(self) -> None:
        """Tick, and tell from time to time."""
        self._tick()
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK
            self._told(min(self.inbox.count(), len(self.expected)), len(self.expected))

    def wait(self, patience: float) -> None:
        """Wait while more comes: some archives send after they have answered."""
        there = self.look()
        end = time.monotonic() + patience
        while self.missing() and time.monotonic() < end:
            self._tick()
            time.sleep(min(_LOOK, patience))
            if (now := self.look()) > there:
                there, end = now, time.monotonic() + patience

    def sweep(self) -> None:
        """Take out what is not of this study, or not of a class that is wanted."""
        for path in self.inbox.files():
            if path in self._trusted or path in self._sound:
                continue
            self._tick()
            try:
                head = read_head(path)
            except ValueError:
                path.unlink()
                continue
            is_wanted = not self._classes or self._classes.want(head.sop_class)
            if head.study == self.study and is_wanted:
                self._sound.add(path)
                continue
            path.unlink()
            if head.study == self.study:
                self.left_out.add(head.instance)
                self.expected = [one for one in self.expected if one.instance != head.instance]
