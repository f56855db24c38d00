"""The run folder of a pipeline: what is to be done, and text that tells what was.

``data/run_at_<seconds>`` in the folder where the pipeline was started has the files of
dicom-pipeline's run folder, and ``run.json``, from which an interrupted run goes on. They
hold identity, original UIDs and accession numbers, so they are for their owner only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from anontui import atomic
from anontui.errors import ProjectError
from anontui.operations.archives import Import, Order

RUNS = "data"
STATE = "run.json"
OVERVIEW = "overview.txt"
COMMENTS = "comments.txt"
STUDIES = "studies_to_retrieve.txt"
NOT_FOUND = "not_found_studies.txt"
PULL, ANONYMIZE = "pull_output.txt", "anonymize_output.txt"
POST_ANON, PUSH = "post_anon_output.txt", "push_output.txt"
FOUND, MISSING = "found_protocol_studies.txt", "missing_protocol_studies.txt"
REVIEWED = "reviewed_protocol_studies.txt"
_PREFIX = "run_at_"


@dataclass(frozen=True, repr=False)
class RunStudy:
    """A study of a run: what is ordered, and what reviewers said of it."""

    order: Order
    comment: str = ""
    protocol: bool = False

    @property
    def name(self) -> str:
        """How the run folder's lists name it."""
        return self.order.study or f"accession_number:{self.order.accession}"


@dataclass(frozen=True, repr=False)
class Run:
    """A run as it was started. What became of it, the server knows.

    Parameters
    ----------
    folder
        The run folder.
    key
        What the jobs' keys begin with.
    server
        The url of the server.
    wanted
        From where, where to, for which project.
    studies
        In the order of their jobs.
    not_found
        Accession numbers that the archive does not have.
    passed_over
        How many rows of the list gave no study.
    starts
        When it was started, and started again.
    jobs
        The ids of the studies' jobs, once all are made.
    ended
        When all was done; empty until then.
    """

    folder: Path
    key: str
    server: str
    wanted: Import
    studies: tuple[RunStudy, ...]
    not_found: tuple[str, ...] = ()
    passed_over: int = 0
    starts: tuple[str, ...] = ()
    jobs: tuple[int, ...] = ()
    ended: str = ""

    @property
    def orders(self) -> list[Order]:
        """What to import."""
        return [one.order for one in self.studies]

    def saved(self, **changes: object) -> Run:
        """The run with these changes, after they are in the folder.

        Raises
        ------
        ProjectError
            If the folder cannot be written.
        """
        run = replace(self, **changes)  # type: ignore[arg-type]  # fields
        content = asdict(run)
        del content["folder"]
        write_text(run.folder / STATE, [json.dumps(content, indent=1)])
        return run

    def write_lists(self) -> None:
        """Write what is known from the start: studies, comments, marks (errors as above)."""
        write_text(self.folder / STUDIES, (one.name for one in self.studies))
        write_text(
            self.folder / COMMENTS,
            (f"{one.name}  {one.comment}" for one in self.studies if one.comment),
        )
        write_text(self.folder / REVIEWED, (one.name for one in self.studies if one.protocol))
        if self.not_found:
            write_text(self.folder / NOT_FOUND, self.not_found)


def new_folder(base: Path) -> Path:
    """Make the folder of a run that starts now, for its owner only.

    Raises
    ------
    ProjectError
        If that is not possible.
    """
    second = int(time.time())
    try:
        (base / RUNS).mkdir(mode=0o700, exist_ok=True)
        while True:
            folder = base / RUNS / f"{_PREFIX}{second}"
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                second += 1
            else:
                return folder
    except OSError as error:
        raise _cannot("made", base / RUNS, error) from error


def folders(base: Path) -> list[Path]:
    """The run folders, the oldest first; also those that dicom-pipeline made."""
    found = [path for path in (base / RUNS).glob(f"{_PREFIX}*") if path.is_dir()]
    return sorted((path for path in found if _second(path) is not None), key=_at)


def started(folder: Path) -> datetime:
    """When a run was started, by its folder's name."""
    return datetime.fromtimestamp(_at(folder))


def read_run(folder: Path) -> Run | None:
    """Read a run; None where none of ours was begun.

    Raises
    ------
    ProjectError
        If its state cannot be read.
    """
    try:
        content = json.loads((folder / STATE).read_bytes())
        wanted = dict(content.pop("wanted"))
        wanted["sop_classes"] = tuple(wanted["sop_classes"])
        studies = tuple(
            RunStudy(Order(**one.pop("order")), **one) for one in content.pop("studies")
        )
        for name in ("not_found", "starts"):
            content[name] = tuple(map(str, content[name]))
        content["jobs"] = tuple(map(int, content["jobs"]))
        return Run(folder, wanted=Import(**wanted), studies=studies, **content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProjectError(
            f"The run in {folder.name} cannot be read",
            cause=type(error).__name__,
            advice=f"Restore its {STATE} from a backup, or start a new run.",
        ) from error


def unfinished(base: Path) -> Run | None:
    """The newest run that is not at its end; None if there is none (errors as above)."""
    for folder in reversed(folders(base)):
        run = read_run(folder)
        if run is not None and not run.ended:
            return run
    return None


def write_text(path: Path, lines: Iterable[str]) -> None:
    """Replace a text of a run folder, mode 0600.

    Raises
    ------
    ProjectError
        If it cannot be written.
    """
    text = "".join(f"{line}\n" for line in lines)
    try:
        atomic.write_bytes(path, text.encode("utf-8", "replace"), mode=0o600)
    except OSError as error:
        raise _cannot("written", path, error) from error


def moment() -> str:
    """Now, as the overview writes it."""
    return datetime.now().strftime("%Y-%m-%d %H:%M:%S")


def _second(folder: Path) -> int | None:
    text = folder.name.removeprefix(_PREFIX)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _at(folder: Path) -> int:
    return _second(folder) or 0


def _cannot(what: str, path: Path, error: OSError) -> ProjectError:
    return ProjectError(
        f"{path} cannot be {what}",
        cause=error.strerror or type(error).__name__,
        advice="Check that you may write here, and that the disk has room.",
    )
