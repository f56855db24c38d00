"""The coordinator: takes jobs from the ledger, one after the other, and has them done."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty

from anontui.errors import AnonTUIError
from anontui.server.attempt import Attempt, JobFailed, Voided
from anontui.server.config import ConfigFile
from anontui.server.deliver import remove_parts
from anontui.server.engine import Engine, Mailbox
from anontui.server.places import Places
from anontui.server.policies import Policies
from anontui.server.store import Claim, Store

IDLE = 60.0  # seconds without work after which the engine's processes end
PAUSE = 15.0  # seconds to wait after something that must not happen

log = logging.getLogger(__name__)


class Runner:
    """Runs the jobs of a ledger in a thread of its own, which sleeps while there are none.

    Parameters
    ----------
    store
        The ledger of jobs.
    config
        The shares.
    data
        The server's data folder, with the projects' policies; ``staging`` in it is swept at
        every start.
    key
        The secret from which new UIDs come.
    engine
        The processes that de-identify.
    """

    def __init__(
        self, store: Store, config: ConfigFile, data: Path, key: bytes, engine: Engine
    ) -> None:
        self._store = store
        self._config = config
        self._data = data
        self._key = key
        self._engine = engine
        self._policies = Policies(data / "projects")
        self._mailbox: Mailbox = Mailbox()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coordinator")

    def start(self) -> None:
        """Take up what an earlier run left, and go to work."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._data / "staging")
        for row in self._store.interrupted():
            with suppress(OSError):  # a share that is away; the job itself will try again
                remove_parts(Path(str(row["part_folder"])))
                self._store.forget_parts(int(row["job_id"] or 0))
        self._thread.start()

    def wake(self) -> None:
        """Say that the ledger changed."""
        self._mailbox.put(None)

    def stop(self) -> None:
        """End the work at once; the running job starts again at the next start."""
        self._stopping.set()
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            attempt = None
            try:
                if claim := self._store.next_waiting():
                    attempt = self._attempt(claim)
                    self._do(claim, attempt)
                else:
                    self._sleep()
            except Exception:
                # a mistake of ours may cost a job, never the coordinator
                log.exception("event=crash")
                if attempt is not None:
                    with suppress(sqlite3.Error):
                        attempt.fail("Internal error: tell the server's admin this job's number")
                self._stopping.wait(PAUSE)
        self._engine.stop()

    def _sleep(self) -> None:
        try:
            self._mailbox.get(timeout=IDLE if self._engine.is_running else None)
        except Empty:
            self._engine.stop()

    def _attempt(self, claim: Claim) -> Attempt:
        return Attempt(
            self._store,
            claim,
            staging=self._data / "staging" / f"{claim.job_id}-{claim.attempt}",
            key=self._key,
            engine=self._engine,
            mailbox=self._mailbox,
            stopping=self._stopping,
            policy_of=self._policies.of,
        )

    def _do(self, claim: Claim, attempt: Attempt) -> None:
        name = f"job={claim.job_id} attempt={claim.attempt}"
        started = time.monotonic()
        log.info("%s event=start", name)
        try:
            attempt.run(Places(self._config.current().shares, self._data))
        except Voided:
            log.info("%s event=void", name)
        except JobFailed as failure:
            log.warning("%s event=error", name)  # why is in the ledger: it may hold a path
            attempt.fail(str(failure))
        except AnonTUIError as error:  # server.yml is wrong
            log.error("%s event=error text=%r", name, error.sentence())
            attempt.fail("The server's settings are wrong: tell its admin")
        else:
            log.info("%s event=done seconds=%.1f", name, time.monotonic() - started)
