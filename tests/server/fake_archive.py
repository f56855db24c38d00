"""An archive in memory, for the faults that a real one shows too rarely."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread

from anontui.errors import PacsError
from anontui.pacs.archive import Sending, Sent, Tick, Wanted
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node
from anontui.pacs.query import Answer, Instance, Level, Query, Study
from tests.pacs.peers import to_bytes

NODE = Node("PACS", dimse=Dimse("PACS", "127.0.0.1", 104))


@dataclass
class FakeArchive:
    """What it has, and after how many instances it fails: once, in which way.

    ``fault`` is ``dies``, ``short`` (it ends as if all were well) or ``hangs`` (without ever
    looking whether somebody waits, until ``thaw`` is set).
    """

    has: dict[str, Dataset] = field(default_factory=dict)
    fault: str = ""
    after: int = 0
    gave: Counter[str] = field(default_factory=Counter)
    got: Counter[str] = field(default_factory=Counter)
    refuses: str = ""  # an SOP instance UID's end
    thaw: threading.Event = field(default_factory=threading.Event)
    node: Node = NODE
    opened: int = 0

    def ways(self, node: Node, name_of: Callable[[Path], str] | None = None) -> FakeArchive:
        """What takes the place of ``Ways``."""
        self.opened += 1
        return self

    def add(self, datasets: Iterable[Dataset]) -> None:
        for one in datasets:
            self.has[str(one.SOPInstanceUID)] = one

    def close(self) -> None:
        pass

    def echo(self) -> float:
        self._fail(0)
        return 0.01

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        studies: set[str] = set()
        for one in self.has.values():
            tick()
            uid = str(one.StudyInstanceUID)
            if query.accession not in ("", one.AccessionNumber) or query.study not in ("", uid):
                continue
            if query.level is Level.IMAGE:
                series = str(one.SeriesInstanceUID)
                yield Instance(uid, series, str(one.SOPInstanceUID), str(one.SOPClassUID))
            elif query.level is Level.STUDY and uid not in studies:
                studies.add(uid)
                yield Study(uid, accession=one.AccessionNumber, patient_name=str(one.PatientName))

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        some = {instance for _, instance in wanted.instances}
        count = 0
        for uid, one in self.has.items():
            if str(one.StudyInstanceUID) != wanted.study or (some and uid not in some):
                continue
            if self._fail(count):
                return
            tick()
            with inbox.writing(uid) as file:
                file.write(to_bytes(one))
            self.gave[uid] += 1
            count += 1

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        for count, path in enumerate(files):
            tick()
            if self._fail(count):
                return
            one = dcmread(path)
            uid = str(one.SOPInstanceUID)
            if self.refuses and str(one.InstanceNumber) == self.refuses:
                yield Sent(path, Sending.FAILED, "it does not take this SOP class", False)
                continue
            what = Sending.THERE if uid in self.has else Sending.SENT
            if what is Sending.SENT:
                self.has[uid] = one
                self.got[uid] += 1
            yield Sent(path, what)

    def _fail(self, count: int) -> bool:
        if not self.fault or count < self.after:
            return False
        fault = self.fault
        if fault == "hangs":
            self.thaw.wait(60)
            return True
        self.fault = ""
        if fault == "dies":
            raise PacsError("PACS ended the connection", advice="Try again.")
        return True
