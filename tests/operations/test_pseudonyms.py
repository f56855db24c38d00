"""Pseudonyms that are made up: never one for two patients."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.operations.pseudonyms import Proposals, give, propose
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from anontui.settings import Settings
from tests.project.make import COLUMNS, mapping_of
from tests.project.test_properties import PROPERTY

ROWS = "folder:a,P-007,,\nfolder:b,,,\nfolder:c,,,\nfolder:b,,,\n,,,no source\nfolder:A/../a,,,\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, Settings(tmp_path / "settings.yml"))


def proposed(workspace: Workspace, recipe: str, table: str = ROWS, **more: object) -> Proposals:
    return propose(workspace, mapping_of(COLUMNS + table), recipe, **more)  # type: ignore[arg-type]


def names(found: Proposals) -> dict[int, str]:
    return {one.row: one.pseudonym for one in found.rows}


def test_a_pattern_counts_on_and_one_source_gets_one(workspace: Workspace) -> None:
    found = proposed(workspace, "P-###", taken=["p-009"])
    assert names(found) | {5: ""} == {1: "P-010", 2: "P-011", 3: "P-010", 5: ""}
    assert (found.kept, found.sourceless) == (1, 1)


def test_only_the_rows_that_it_is_about(workspace: Workspace) -> None:
    assert names(proposed(workspace, "X#", rows=[2])) == {2: "X1"}


def test_a_source_that_has_one_gives_it_to_its_other_rows(workspace: Workspace) -> None:
    found = proposed(workspace, "X#", "folder:a,P1,,\nfolder:a,,,\n")
    assert names(found) == {1: "P1"}


def test_what_is_replaced_is_not_given_to_another(workspace: Workspace) -> None:
    found = proposed(workspace, "P#", "folder:a,P1,,\nfolder:b,P2,,\n", replace=True, rows=[0, 1])
    assert not {"P1", "P2"}.intersection(names(found).values())


def test_a_row_without_a_source_keeps_its_pseudonym_from_others(workspace: Workspace) -> None:
    found = proposed(workspace, "P#", ",P1,,\nfolder:b,,,\n", replace=True)
    assert names(found) == {1: "P2"}


def test_a_list_passes_over_what_is_in_use(workspace: Workspace) -> None:
    (workspace.folder / "names.txt").write_text("Pseudonym\n# ours\np-007\nOAK\n\nELM\n")
    found = proposed(workspace, "names.txt", rows=[1, 2])
    assert names(found) == {1: "OAK", 2: "ELM"}


@pytest.mark.parametrize(
    ("content", "word"),
    [("OAK\n", "too short"), ("OAK\noak \n", "line 2"), ("a\\b\nOAK\n", "line 1")],
)
def test_a_list_that_will_not_do(workspace: Workspace, content: str, word: str) -> None:
    (workspace.folder / "names.csv").write_text(content)
    with pytest.raises(UsageError, match=word) as caught:
        proposed(workspace, "names.csv")
    assert caught.value.advice


@pytest.mark.parametrize("recipe", ["", "LUNG", "#-#", "a\\#", "x" * 60 + "#"])
def test_a_recipe_that_is_none(workspace: Workspace, recipe: str) -> None:
    with pytest.raises(UsageError) as caught:
        proposed(workspace, recipe)
    assert caught.value.advice


def test_giving_is_one_step(workspace: Workspace) -> None:
    editor = MappingEditor(mapping_of(COLUMNS + ROWS), Path("unused"))
    before = editor.mapping.dumps()
    give(editor, propose(workspace, editor.mapping, "random"))
    assert len(editor.mapping.cell(1, "pseudo_name")) == 8
    assert editor.mapping.cell(1, "pseudo_id") == editor.mapping.cell(3, "pseudo_id")
    assert editor.undo() == "pseudonyms for 4 rows"
    assert editor.mapping.dumps() == before


SOURCES = st.sampled_from(["folder:a", "folder:b", "folder:c", "accession_number:1", ""])
TAKEN = st.sampled_from(["", "X1", "x1", "X 2", "X03", "other", "X12"])


@PROPERTY
@given(
    st.lists(st.tuples(SOURCES, TAKEN, TAKEN), max_size=8),
    st.sampled_from(["X#", "x##", "random"]),
    st.booleans(),
    st.sets(st.integers(0, 7)),
)
def test_no_two_sources_get_one(
    rows: list[tuple[str, str, str]], recipe: str, replace: bool, about: set[int]
) -> None:
    table = "".join(f"{s},{a},{b},text\n" for s, a, b in rows)
    mapping = mapping_of(COLUMNS + table)
    workspace = Workspace(Path("unused"), Settings(Path("unused")))
    chosen = {row for row in about if row < len(rows)}
    found = propose(workspace, mapping, recipe, rows=chosen, replace=replace)
    own = {(source, name) for source, *names_ in rows for name in names_}
    fresh = {
        one.source: one.pseudonym for one in found.rows if (one.source, one.pseudonym) not in own
    }
    assert len(fresh) == len({name.casefold() for name in fresh.values()})
    used = {name.replace(" ", "").casefold() for _, *names_ in rows for name in names_}
    assert not used.intersection(name.casefold() for name in fresh.values())
    for one in found.rows:
        assert one.row in chosen
        assert one.pseudonym
        assert one.pseudonym in (fresh.get(one.source), *(n for s, n in own if s == one.source))
