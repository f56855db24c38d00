"""An archive over DICOMweb: QIDO-RS, WADO-RS and STOW-RS behind the one interface."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import httpx

from anontui.errors import NotOffered, PacsError
from anontui.pacs.archive import Sent, Tick, Wanted
from anontui.pacs.files import is_uid
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Node
from anontui.pacs.query import Answer, Level, Query
from anontui.pacs.web.answers import FIELDS, answer_of
from anontui.pacs.web.http import Session
from anontui.pacs.web.keeping import Keeper
from anontui.pacs.web.multipart import Garbled, Part, boundary_of, split
from anontui.pacs.web.store import store

JSON = "application/dicom+json"
PAGE = 1000
MOST_ANSWERS = 500_000
_NOBODY = "2.25.0"
"""A UID that no study has."""


class WebArchive:
    """The DICOMweb service of a node; see :class:`~anontui.pacs.archive.Archive`.

    Parameters
    ----------
    node
        Which archive; it has ``web``.
    sync
        Whether what is retrieved survives a power cut once it is in the inbox.
    """

    def __init__(self, node: Node, *, sync: bool = True) -> None:
        if node.web is None:
            raise ValueError("this node has no DICOMweb service")
        self.node = node
        self._session = Session(node, node.web)
        self._sync = sync

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def echo(self) -> float:
        """Ask for a study that does not exist; returns how many seconds the answer took."""
        start = time.monotonic()
        self._page("studies", {"StudyInstanceUID": _NOBODY, "limit": 1}, lambda: None)
        return time.monotonic() - start

    def find(self, query: Query, tick: Tick) -> Iterator[Answer]:
        """Yield what it has, each once, page by page until a page tells nothing new.

        Raises
        ------
        PacsError
            If it cannot be asked, or its answer makes no sense.
        """
        path, params = _search(query)
        seen: set[str] = set()
        asked = 0
        while True:
            page = self._page(path, {**params, "limit": PAGE, "offset": asked}, tick)
            asked += len(page)
            before = len(seen)
            for value in page:
                try:
                    answer = answer_of(query, value)
                except ValueError as error:
                    raise self._session.garbled(str(error), transient=False) from None
                key = getattr(answer, _KEY[query.level])
                if key not in seen:
                    seen.add(key)
                    yield answer
            if len(seen) == before:
                return
            if len(seen) > MOST_ANSWERS:
                raise self._session.garbled("it has no end", transient=False)

    def retrieve(self, wanted: Wanted, inbox: Inbox, tick: Tick) -> None:
        """Bring a whole study in one answer, or single instances one by one (WADO-RS).

        What the archive says it does not have of these is passed over.

        Raises
        ------
        PacsError
            If it cannot be had; what came until then is in the inbox.
        OSError
            If the inbox cannot be written.
        """
        _check(wanted.study)
        study = f"studies/{wanted.study}"
        if not wanted.instances:
            self._get(study, inbox, tick)
        for series, instance in wanted.instances:
            _check(series, instance)
            if inbox.has(instance):
                continue
            try:
                self._get(f"{study}/series/{series}/instances/{instance}", inbox, tick)
            except NotOffered:
                continue

    def send(self, files: Iterable[Path], tick: Tick) -> Iterator[Sent]:
        """Send files (STOW-RS), and yield what the archive says of each.

        Raises
        ------
        PacsError
            If it cannot be reached, or takes nothing of ours.
        """
        return store(self._session, files, tick)

    def _page(self, path: str, params: dict[str, str | int], tick: Tick) -> list[object]:
        with self._session.request("GET", path, tick, accept=JSON, params=params) as response:
            page = self._session.json(response)
        if page is None:
            return []
        if not isinstance(page, list):
            raise self._session.garbled("it is no list", transient=False)
        return page

    def _get(self, path: str, inbox: Inbox, tick: Tick) -> None:
        accept = _accept(self.node.transfer_syntaxes)
        with self._session.request("GET", path, tick, accept=accept) as response:
            if response.status_code == 204:
                return
            try:
                strange = self._keep_all(response, inbox)
            except Garbled as error:
                raise self._session.garbled(str(error)) from None
        if strange:
            raise PacsError(
                f"{self.node.name} sent {strange} parts that are no DICOM files, or not whole",
                advice="Ask the people of this archive to check the study.",
                transient=False,
            )

    def _keep_all(self, response: httpx.Response, inbox: Inbox) -> int:
        """Keep all DICOM files of an answer; returns how many parts were none."""
        kind, boundary = boundary_of(response.headers.get("Content-Type", ""))
        chunks = self._session.body(response)
        if kind == "multipart/related" and boundary:
            parts = split(chunks, boundary)
        elif kind == "application/dicom":
            if not {"content-length", "transfer-encoding"} & set(response.headers):
                raise Garbled("where it ends cannot be known")
            parts = iter([Part(None, chunks)])
        else:
            raise self._session.garbled("it holds no DICOM files", transient=False)
        with Keeper(inbox, sync=self._sync) as keeper:
            return sum(not keeper.keep(part) for part in parts)


_KEY = {Level.STUDY: "study", Level.SERIES: "series", Level.IMAGE: "instance"}


def _check(*uids: str) -> None:
    if not all(map(is_uid, uids)):
        raise PacsError(
            "This is not the UID of a study, series or instance",
            advice="Give it as it stands in the archive: digits and points.",
            transient=False,
        )


def _search(query: Query) -> tuple[str, dict[str, str | int]]:
    """Return the path and the parameters of a query (PS3.18 10.6.1)."""
    path = "studies"
    if query.level is Level.STUDY:
        date = f"{query.date_from}-{query.date_to}"
        if query.date_from == query.date_to:
            date = query.date_from
        wanted = {
            "StudyInstanceUID": query.study,
            "PatientID": query.patient_id,
            "PatientName": query.patient_name,
            "AccessionNumber": query.accession,
            "StudyDate": date,
            "ModalitiesInStudy": query.modality,
        }
    else:
        _check(query.study, *([query.series] if query.series else ()))
        path += f"/{query.study}"
        if query.level is Level.SERIES:
            path += "/series"
            wanted = {"Modality": query.modality, "SeriesInstanceUID": query.series}
        else:
            path += f"/series/{query.series}/instances" if query.series else "/instances"
            wanted = {}
    params: dict[str, str | int] = {name: text for name, text in wanted.items() if text}
    if FIELDS[query.level]:
        params["includefield"] = ",".join(FIELDS[query.level])
    return path, params


def _accept(transfer_syntaxes: Sequence[str]) -> str:
    """Ask for DICOM files as the archive has them, or as the node wants them."""
    return ", ".join(
        f'multipart/related; type="application/dicom"; transfer-syntax={uid}'
        for uid in transfer_syntaxes or ("*",)
    )
