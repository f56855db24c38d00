"""Making up pseudonyms for the rows of a mapping: proposed first, then taken over.

One pseudonym is never given to two sources, nor one that any row has, however it is
written (case and spaces do not count: servers differ in that). Rows of one source get one.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.operations.roots import Root
from anontui.operations.workspace import Workspace
from anontui.project import files
from anontui.project.checks import pseudonym_problem
from anontui.project.dialect import DELIMITERS, decode, lines_of, read_fields
from anontui.project.editor import MappingEditor
from anontui.project.inputfile import is_pseudonym_header
from anontui.project.mapping import Mapping
from anontui.project.spreadsheet import read_sheet

if TYPE_CHECKING:
    from anontui.idis.model import Job

PSEUDONYMS = ("pseudo_id", "pseudo_name")
RANDOM = "random"
_LISTS = (".txt", ".csv", ".xlsx")
_LETTERS = string.ascii_uppercase + string.digits
_LENGTH = 8
_DIGITS = re.compile(r"#+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pseudonym for a row (counted from 0); ``before`` is what it has now."""

    row: int
    source: str
    before: str
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """What would be given to which row.

    Attributes
    ----------
    rows
        The rows that would get a pseudonym, in order.
    kept
        How many rows keep the one that they have.
    sourceless
        How many rows get none because they have no source.
    """

    rows: tuple[Proposal, ...]
    kept: int = 0
    sourceless: int = 0


def propose(
    workspace: Workspace,
    mapping: Mapping,
    recipe: str,
    *,
    rows: Collection[int] | None = None,
    replace: bool = False,
    taken: Iterable[str] = (),
) -> Proposals:
    """Make up pseudonyms; nothing changes.

    Parameters
    ----------
    workspace
        Its folder is where a list is looked for.
    mapping
        The rows, and the pseudonyms that are in use.
    recipe
        ``random``; or the name of a file (.txt, .csv, .xlsx) with one on each line; or a
        pattern like ``LUNG-###``, where the number counts on from the highest in use.
    rows
        The rows that it is about; None: all.
    replace
        Also give another one to rows that have one.
    taken
        Pseudonyms that are in use elsewhere, as by jobs.

    Raises
    ------
    UsageError
        If the recipe is none, or the list has a pseudonym twice or too few.
    ProjectError
        If the list cannot be read.
    """
    about = range(len(mapping.records)) if rows is None else sorted(rows)
    root = Root.of(workspace, mapping)
    chosen, kept, sourceless = [], 0, 0
    given: dict[str, str] = {}
    highest = list(taken)
    used = {_folded(name) for name in highest}
    wanted = set(about)
    for row in range(len(mapping.records)):
        cells = mapping.named(row)
        names = [cells[name] for name in PSEUDONYMS if name in cells]
        source = cells.get("source", "")
        used.update(map(_folded, names))  # nobody else shall get them, nor this one again
        if row not in wanted or (names and not replace):
            kept += row in wanted
            highest += names
            if names and source:
                given.setdefault(root.key(source), names[0])
        elif source:
            chosen.append((row, source, names[0] if names else "", root.key(source)))
        else:
            sourceless += 1
    fresh = (name for name in _names(workspace, recipe, highest) if _folded(name) not in used)
    found = []
    for row, source, before, key in chosen:
        if key not in given:
            name = next(fresh, None)
            if name is None:
                missing = len({key for *_, key in chosen} - given.keys())
                raise UsageError(
                    f"The list is too short: {missing} sources get none",
                    advice="Add to it; pseudonyms that rows or jobs have are passed over.",
                )
            given[key] = name
            used.add(_folded(name))
        found.append(Proposal(row, source, before, given[key]))
    return Proposals(tuple(found), kept, sourceless)


def of_jobs(jobs: Iterable[Job]) -> list[str]:
    """Return the pseudonyms that jobs have, which no other patient may get."""
    names = ((job.source_anonymizedpatientid, job.source_anonymizedpatientname) for job in jobs)
    return [name for both in names for name in both if name]


def of_batch(workspace: Workspace) -> list[str]:
    """Ask the server for the pseudonyms of the jobs in the folder's batch.

    Raises
    ------
    ProjectError, SettingsError, ServerError
        If the batch cannot be read, or its server is not known or does not answer.
    """
    from anontui.operations.batches import find_batch, server_of
    from anontui.operations.jobs import status
    from anontui.operations.servers import connect

    batch = find_batch(workspace)
    if batch is None or not batch.job_ids:
        return []
    with connect(workspace.settings, server_of(workspace, batch)) as client:
        return of_jobs(status(client, batch.job_ids).values())


def give(editor: MappingEditor, proposals: Proposals) -> int:
    """Write the pseudonyms into the rows, in one step of undo (errors as the editor's).

    Returns
    -------
    int
        How many rows got one.
    """
    names = [name for name in PSEUDONYMS if editor.mapping.column(name) is not None]
    count = len(proposals.rows)
    with editor.one_step(f"pseudonyms for {count} row{'s'[: count != 1]}"):
        editor.set_cells(
            (one.row, name, one.pseudonym)
            for one in proposals.rows
            for name in names or PSEUDONYMS[:1]
        )
    return count


def made_up(used: Collection[str]) -> str:
    """Return a random pseudonym that is not among those in use."""
    while True:
        name = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        if name not in used:
            return name


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _names(workspace: Workspace, recipe: str, used: Iterable[str]) -> Iterator[str]:
    recipe = recipe.strip()
    if recipe.lower() == RANDOM:
        return iter(lambda: made_up(()), "")
    if recipe.lower().endswith(_LISTS):
        return iter(_listed(workspace.folder / Path(recipe).expanduser()))
    return _numbered(recipe, used)


def _numbered(pattern: str, used: Iterable[str]) -> Iterator[str]:
    places = list(_DIGITS.finditer(pattern))
    if len(places) != 1:
        raise UsageError(
            "A pattern has one place for the number",
            advice="Write # for each of its digits: LUNG-###. Or 'random', or a file's name.",
        )
    (start, end), width = places[0].span(), len(places[0].group())
    before, after = pattern[:start], pattern[end:]
    problem = pseudonym_problem(f"{before}{'9' * max(width, 9)}{after}")
    if problem:
        raise UsageError(problem, advice="Choose another pattern.")
    number = re.compile(rf"{re.escape(before)}(\d+){re.escape(after)}", re.IGNORECASE)
    matches = (number.fullmatch(name.strip()) for name in used)
    highest = max((int(match[1]) for match in matches if match), default=0)
    return (f"{before}{n:0{width}}{after}" for n in _count(highest + 1))


def _count(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


def _listed(path: Path) -> list[str]:
    """Read the first column of a file, without its heading and comments."""
    if path.suffix.lower() == ".xlsx":
        found = [(row.number, row.cells[0]) for row in read_sheet(path) if row.cells]
    else:
        text, _ = decode(files.read_bytes(path, "list of pseudonyms"), "list of pseudonyms")
        lines = lines_of(text)
        mark = next((m for m in DELIMITERS if any(m in line for line in lines)), ",")
        found = [(at, read_fields(line, mark)[0]) for at, line in enumerate(lines, 1)]
    names: dict[str, tuple[int, str]] = {}
    for at, name in ((at, name.strip()) for at, name in found):
        if not name or name.startswith("#") or (not names and is_pseudonym_header(name)):
            continue
        problem = pseudonym_problem(name)
        if _folded(name) in names:
            problem = f"It is that of line {names[_folded(name)][0]} once more"
        if problem:
            raise UsageError(
                f"The pseudonym on line {at} of {path.name} cannot be used",
                cause=problem,
                advice="Each pseudonym stands there once, one on a line.",
            )
        names[_folded(name)] = at, name
    return [name for _, name in names.values()]
