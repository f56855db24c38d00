"""What is worked out of a mapping in another thread, while it is edited in this one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from anontui.project.changes import State, Step
from anontui.project.disk import WatchedFile
from anontui.project.mapping import Mapping
from anontui.project.merge import Clash, merge

Places = Collection[tuple[int | None, str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A mapping at one moment; nobody changes it.

    Attributes
    ----------
    base
        What its file held when it was last read or saved.
    state
        What it said.
    step, revision
        The last step that counted, and the editor's revision.
    """

    base: State
    state: State
    step: Step | None
    revision: int


@dataclass(frozen=True, slots=True)
class Outside:
    """The file as another program left it, put together with a snapshot.

    Attributes
    ----------
    label
        What taking it over is called.
    state
        What both make.
    base
        What the file holds.
    clashes, is_decided
        What only a person can decide, and whether one did.
    changed
        Keys of the rows that are other than in the snapshot.
    content, stat
        The file's bytes and when they were there.
    is_clean
        Whether nothing is left to be saved.
    """

    label: str
    snapshot: Snapshot
    state: State
    base: State
    content: bytes
    stat: tuple[int, ...] | None
    is_clean: bool
    clashes: list[Clash] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)
    is_decided: bool = True

    def undecided(self) -> Outside:
        """Return it as something that is to be asked about."""
        return replace(self, is_decided=False)


def merged(
    snapshot: Snapshot, file: WatchedFile, new_key: Callable[[], int], take_theirs: Places | None
) -> Outside:
    """Read the file and merge it with a snapshot (see :meth:`MappingEditor.merge`)."""
    stat, content = file.stat(), file.read()
    theirs = Mapping.loads(content)
    both = merge(snapshot.base, snapshot.state, theirs, new_key, take_theirs or ())
    return Outside(
        "merge",
        snapshot,
        both.state,
        State(theirs, both.their_keys),
        content,
        stat,
        both.state.mapping.dumps() == content,
        both.clashes,
        both.changed,
        take_theirs is not None or not both.clashes,
    )


def reread(snapshot: Snapshot, file: WatchedFile, new_key: Callable[[], int]) -> Outside:
    """Read the file and give up the snapshot (see :meth:`MappingEditor.reload`)."""
    stat, content = file.stat(), file.read()
    mapping, ours = Mapping.loads(content), snapshot.state
    known: dict[str, list[int]] = {}
    for key, record in zip(reversed(ours.keys), reversed(ours.mapping.records), strict=True):
        known.setdefault(record, []).append(key)
    keys = [known[record].pop() if known.get(record) else new_key() for record in mapping.records]
    base = State(mapping.copy(), keys[:])
    return Outside("reload", snapshot, State(mapping, keys), base, content, stat, is_clean=True)
