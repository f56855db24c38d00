"""The elements of a file as rows: before, after, and the rule; sequences fold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.deid.run.explain import Explained

COLUMNS = (
    Column("sign", "", 1, min_width=1),
    Column("tag", "tag", 11),
    Column("name", "element", 26, min_width=16),
    Column("before", "before", None, min_width=12, middle=True),
    Column("after", "after", None, min_width=12, middle=True),
    Column("rule", "rule", 22, min_width=10),
)


class ElementRows:
    """The elements of a file as rows, those inside of sequences where these are open."""

    def __init__(self, elements: Sequence[Explained], opened: Collection[str] = ()) -> None:
        self.elements = elements
        self._above = [_above(one) for one in elements]
        names = {_name(one) for one in elements}
        within = {name for above in self._above for name in above}
        self._folds = names & within
        self.open = self._folds.intersection(opened)

    def __len__(self) -> int:
        return len(self.elements)

    def key(self, index: int) -> int:
        """The place in the file."""
        return index

    def shown(self, *, changed: bool) -> list[int]:
        """Which elements show: all whose sequences are open; of changed ones, all above too."""
        if not changed:
            return [n for n, above in enumerate(self._above) if self.open.issuperset(above)]
        wanted: set[str] = set()
        for one, above in zip(self.elements, self._above, strict=True):
            if one.is_changed:
                wanted.update(above)
        return [
            n
            for n, (one, above) in enumerate(zip(self.elements, self._above, strict=True))
            if (one.is_changed or _name(one) in wanted) and self.open.issuperset(above)
        ]

    def with_those_above(self, indices: Sequence[int]) -> list[int]:
        """These elements and the sequences that they stand in."""
        wanted = {name for n in indices for name in self._above[n]}
        chosen = set(indices)
        return [n for n, one in enumerate(self.elements) if n in chosen or _name(one) in wanted]

    def folds(self, index: int) -> bool:
        """Whether an element is a sequence with something in it."""
        return _name(self.elements[index]) in self._folds

    def fold(self, index: int) -> None:
        """Open a sequence, or close it."""
        self.open ^= {_name(self.elements[index])}

    def fold_all(self) -> None:
        """Open all sequences, or close them if all are open."""
        self.open = set() if self.open >= self._folds else set(self._folds)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Sign, tag, name, before, after, rule."""
        one = self.elements[index]
        sign, tone = sign_of(one)
        fold = ""
        if self.folds(index):
            fold = "▾ " if _name(one) in self.open else "▸ "
        depth = len(one.place.split())
        item = f"{one.place.rpartition('[')[2].rstrip(']')}." if one.place else ""
        name = (
            f"{'  ' * depth}{fold}{item}{one.name if one.name not in ('', 'private') else one.tag}"
        )
        quiet = "" if one.is_changed else "dim"
        before = Cell("" if one.before is None else one.before, quiet)
        if one.after is None:
            after = Cell("removed", "bad")
        elif one.is_changed and not one.after:
            after = Cell("emptied", "warn")
        else:
            after = Cell(one.after, tone or quiet)
        rest = [Cell(name, quiet), before, after, Cell(one.because, "dim")]
        return [Cell(sign, tone), Cell(one.tag, "dim"), *rest]


def sign_of(one: Explained) -> tuple[str, str]:
    """How an element's fate is shown: sign and tone."""
    if one.after is None:
        return "✖", "bad"
    if one.before is None:
        return "+", "good"
    return ("●", "accent") if one.is_changed else ("·", "")


def _name(one: Explained) -> str:
    return f"{one.place} {one.tag}".strip()


def _above(one: Explained) -> tuple[str, ...]:
    """The sequences that an element stands in, by the names that they have here."""
    parts = one.place.split()
    return tuple(
        " ".join([*parts[:n], part.partition("[")[0]]).strip() for n, part in enumerate(parts)
    )
