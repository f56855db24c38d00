"""Project files, as administrators write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import AnonTUIError, CallRefused, SettingsError
from anontui.server.config import ConfigFile, ServerConfig
from anontui.server.projects import Project, Projects, read_project
from anontui.server.users import Role
from anontui.unc import ShareMap
from tests.server.support import SHARE


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    """The projects of a data folder whose one share has the folders a and b."""
    for name in ("share/a/in", "share/b/in", "data/projects"):
        (tmp_path / name).mkdir(parents=True)
    config = ConfigFile(tmp_path / "data" / "server.yml")
    config.write(ServerConfig(ShareMap(((SHARE, tmp_path / "share"),)), projects=("Open",)))
    return Projects(tmp_path / "data" / "projects", config, tmp_path / "data")


def write(projects: Projects, name: str, text: str, **files: str) -> Path:
    folder = projects._folder / name
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        (folder / file.replace("_", ".")).write_text(content)
    (folder / "project.yml").write_text(text)
    return folder / "project.yml"


def seen(projects: Projects, user: str) -> set[str]:
    """The projects that somebody who is no admin is connected to."""
    return set(projects.seen_by(user, Role.USER) or ())


FULL = rf"""
description: Lung screening
users: [alice, 'z123456']
policy: strict.yml
sources:
  - '{SHARE}\a'
destinations: ['{SHARE}\a\out']
opt_out: out.txt
hook: package.module:function
layout: '{{patient}}/{{instance}}.dcm'
"""


def test_everything_that_a_file_may_hold(projects: Projects) -> None:
    options = "options: [clean-descriptors]"
    path = write(projects, "Lung", FULL, strict_yml=options, out_txt="P1\n\n P2 \n")
    project = projects.of("Lung")
    assert project == Project(
        name="Lung",
        description="Lung screening",
        users=frozenset({"alice", "z123456"}),
        policy=path.parent / "strict.yml",
        sources=(rf"{SHARE}\a",),
        destinations=(rf"{SHARE}\a\out",),
        opt_out=path.parent / "out.txt",
        hook="package.module:function",
        layout="{patient}/{instance}.dcm",
    )
    policy = projects.policy("Lung")
    assert policy.filters.opt_out == {"P1", "P2"}
    assert len(policy.options) == 1
    assert list(projects.problems()) == []


def test_an_empty_file_is_a_project_for_admins(projects: Projects) -> None:
    write(projects, "Lung", "")
    assert projects.of("Lung") == Project("Lung")
    assert seen(projects, "alice") == {"Open"}
    assert projects.seen_by("alice", Role.ADMIN) is None


def test_a_policy_beside_the_file_is_its_policy(projects: Projects) -> None:
    path = write(projects, "Lung", "", policy_yml="options: [clean-descriptors]")
    assert projects.of("Lung").policy == path.parent / "policy.yml"
    assert len(projects.policy("Lung").options) == 1
    assert len(projects.policy("Open").options) == 0


def test_a_file_closes_an_open_project(projects: Projects) -> None:
    assert seen(projects, "bob") == {"Open"}
    write(projects, "Open", "users: alice")
    assert seen(projects, "bob") == set()
    assert seen(projects, "alice") == {"Open"}


def test_a_change_holds_at_once_and_a_mistake_closes_one_project_only(projects: Projects) -> None:
    write(projects, "A", "users: [alice]")
    path = write(projects, "B", "users: [alice]")
    assert seen(projects, "alice") == {"A", "B", "Open"}
    path.write_text("users: [alice]\npolicy: none.yml")
    assert seen(projects, "alice") == {"A", "Open"}
    with pytest.raises(SettingsError, match="line 2"):
        projects.policy("B")
    path.write_text("users: [alice, bob]")
    assert seen(projects, "bob") == {"B", "Open"}
    path.unlink()
    assert seen(projects, "alice") == {"A", "Open"}


def test_a_mistake_in_the_file_of_an_open_project_closes_it(projects: Projects) -> None:
    write(projects, "Open", "user: alice")
    assert seen(projects, "bob") == set()


def test_an_odd_name_stands_in_the_file(projects: Projects) -> None:
    write(projects, "Heart", "name: Lung")
    write(projects, "a_b_c14cddc0", "name: a/b")
    write(projects, "Kidney", "name: Kidney")
    assert {"Kidney", "a/b"} <= projects.all().keys()
    assert "Lung" not in projects.all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("users: {a: b}", "line 1: a list"),
        ("\nusers:\n  -\n", "line 3: a text"),
        ("# comment\nuser: [a]", "line 2: there is no 'user'"),
        ("policy: gone.yml", "line 1: there is no file gone.yml"),
        ("policy: ''\nopt_out: gone.txt", "line 2: there is no file gone.txt"),
        ("hook: gone.py", "line 1: there is no file gone.py"),
        ("sources: [/mnt/a]", "line 1: This is not a UNC path"),
        (r"destinations: ['\\server\share\..']", "line 1: This path holds '..'"),
        ("layout: ../{instance}", "line 1: The layout '../{instance}' has a part"),
        ("layout: '{instance}/{name}'", "line 1: The layout '{instance}/{name}' has a field"),
        ("name: Other", "line 1: the folder of project Other is Other"),
        ("users: [", "line 2: this is not YAML"),
        ("- users", "line 1: 'name: value'"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(projects: Projects, text: str, told: str) -> None:
    path = write(projects, "Lung", text)
    [problem] = projects.problems()
    assert f"{path} {told}" in problem.sentence()
    assert problem.advice
    with pytest.raises(SettingsError):
        read_project(path)
    assert "Lung" not in projects.all()


def test_mistakes_beyond_the_file_are_told(projects: Projects) -> None:
    write(projects, "A", r"sources: ['\\elsewhere\share']")
    write(projects, "B", "", policy_yml="\noptions: [all]")
    write(projects, "C", "users: x\npolicy: [a]")
    told = [problem.sentence() for problem in projects.problems()]
    assert len(told) == 3
    assert any("Project A: sources: " in text and "not on a share" in text for text in told)
    assert any("Project B: policy.yml line 2" in text for text in told)
    assert any("project.yml line 2" in text for text in told)


def test_a_project_reads_and_writes_its_own_places_only(projects: Projects, tmp_path: Path) -> None:
    write(projects, "A", rf"sources: ['{SHARE}\a']" + "\n" + rf"destinations: ['{SHARE}\a\out']")
    places = projects.places("A")
    assert places.source(rf"folder:{SHARE}\a\in").path == tmp_path / "share/a/in"
    assert places.destination(rf"{SHARE}\a\out\new") == tmp_path / "share/a/out/new"
    (tmp_path / "share/a/in/link").symlink_to(tmp_path / "share/b")
    for unc in (rf"{SHARE}\b\in", SHARE, rf"{SHARE}\a\in\link"):
        with pytest.raises(CallRefused, match="not a place of this project"):
            places.source(f"folder:{unc}")
    for unc in (rf"{SHARE}\a\in", rf"{SHARE}\b\out"):
        with pytest.raises(CallRefused, match="not a place of this project"):
            places.destination(unc)
    assert places.allows(tmp_path / "share/a/in/1.dcm")
    assert not places.allows(tmp_path / "share/b/in/1.dcm")
    everywhere = projects.places("Open")
    assert everywhere.allows(tmp_path / "share/b/in/1.dcm")


def test_a_place_that_leads_out_of_the_shares_opens_nothing(
    projects: Projects, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "share/a/away").symlink_to(tmp_path / "secret")
    write(projects, "A", rf"sources: ['{SHARE}\a\away']")
    assert not projects.places("A").allows(tmp_path / "secret/1.dcm")


def test_an_unknown_project_and_an_unreadable_folder(projects: Projects, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no project"):
        projects.of("Lung")
    projects._folder.rmdir()
    assert set(projects.all()) == {"Open"}
    projects._folder.write_text("")
    with pytest.raises(AnonTUIError, match="cannot be read"):
        projects.all()
