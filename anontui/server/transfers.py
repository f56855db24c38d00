"""What jobs bring from archives and send to them, committed to the ledger on the way."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from anontui.errors import NoSuchStudy, PacsError
from anontui.pacs.archive import Sending
from anontui.pacs.node import Node
from anontui.server import audit
from anontui.server.deliver import Placed
from anontui.server.hold import (
    DUPLICATE,
    PLACED_AT_ONCE,
    Hold,
    JobFailed,
    account,
    outcome_of,
    told_as,
)
from anontui.server.items import Held, ItemStatus, Outcome
from anontui.server.pace import Pace
from anontui.server.retrieval import retrieve
from anontui.server.sending import send

REFUSED = "refused by the archive"


def retrieve_into(hold: Hold, node: Node, folder: Path, sop_classes: tuple[str, ...]) -> None:
    """Have all that is wanted of an archive on this machine, counted."""
    _note_use(hold, "retrieving", node)
    pace = Pace()
    wanted = str(hold.claim.job["source_instance_id"])
    progress = retrieve(node, wanted, folder, sop_classes, hold.tick)
    with _told_of("Could not get the data"), closing(progress):
        for there in progress:
            if pace.is_time(there.done, there.total):
                hold.commit(
                    tell=hold.is_time_to_tell(),
                    files_downloaded=there.done,
                    files_expected=there.total,
                    files_per_minute=pace.per_minute,
                    seconds_left=pace.seconds_left,
                    stage_text=f"{there.done} of {there.total} came from {node.name}",
                )


def send_to(hold: Hold, node: Node, parts: Path) -> None:
    """Send the results to an archive; what it is known to have then is done."""
    waiting = _to_send(hold, parts)
    total, failed, pace = len(waiting), Counter[str](), Pace()
    known: list[tuple[Held, Outcome]] = []
    if waiting:
        _note_use(hold, "sending", node)
    files = {parts / held.part: held.target for held in waiting}
    by_path = dict(zip(files, waiting, strict=True))
    sending = send(node, files, hold.tick)
    with _told_of("Could not send the files"), closing(sending):
        try:
            for sent in sending:
                held = by_path.pop(sent.path)
                if sent.what is not Sending.FAILED:
                    known.append((held, Outcome(ItemStatus.DONE, target=held.target)))
                elif sent.transient:
                    failed[sent.reason] += 1
                else:
                    reason = f"{REFUSED}: {sent.reason}"
                    known.append((held, Outcome(ItemStatus.QUARANTINED, "not_sent", reason)))
                done = total - len(by_path) - failed.total()
                if pace.is_time(done, total) or len(known) >= PLACED_AT_ONCE:
                    hold.settle(known)
                    known = []
                    hold.commit(
                        tell=False,
                        files_per_minute=pace.per_minute,
                        seconds_left=pace.seconds_left,
                        stage_text=f"{done} of {total} are in {node.name}",
                    )
        finally:
            hold.settle(known)
    failed["nothing is known of them"] += len(by_path)
    if missing := +failed:
        raise JobFailed(
            f"Could not send the files: {missing.total()} of {total} are not in {node.name} yet: "
            f"{account(missing)}",
            transient=True,
        )


def _to_send(hold: Hold, parts: Path) -> list[Held]:
    """The results that are there, each instance once."""
    first: dict[str, Held] = {}
    others: list[tuple[Held, Outcome]] = []
    for held in hold.ready(-1):
        hold.tick()
        path = parts / held.part
        if not path.exists():
            others.append((held, Outcome(ItemStatus.WAITING)))
        elif (known := first.setdefault(held.target, held)) is not held:
            if filecmp.cmp(path, parts / known.part, shallow=False):
                others.append((held, Outcome(ItemStatus.REJECTED, "duplicate", DUPLICATE)))
            else:
                others.append((held, outcome_of(held, Placed.CONFLICT)))
    hold.settle(others)
    return list(first.values())


def _note_use(hold: Hold, what: str, node: Node) -> None:
    with hold.database.transaction() as connection:
        hold.check(connection)
        audit.record(connection, audit.SERVER, what, hold.claim.job_id, node=node.name)


@contextmanager
def _told_of(what: str) -> Iterator[None]:
    """Make what an archive does not do the job's error; its texts hold no identity."""
    try:
        with told_as(what):
            yield
    except NoSuchStudy as error:
        raise JobFailed(f"HTTP Error 404: Not Found: {error.sentence()}") from error
    except PacsError as error:
        raise JobFailed(f"{what}: {error.sentence()}", transient=error.transient) from error
