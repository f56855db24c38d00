"""What shells complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.project.batch import Batch
from tests.cli.api import Api
from tests.cli.conftest import Command

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(project: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """What is offered after some words, of which the last is begun."""
    Batch((9, 10, 112), "p01", api.url).save(project)

    def complete(*words: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-P", "-c", "from anontui.cli import main; main()"],
            env=os.environ
            | {
                "_ANONTUI_COMPLETE": "bash_complete",
                "COMP_WORDS": " ".join(["anontui", *words]),
                "COMP_CWORD": str(len(words)),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    return complete


def test_commands_and_options(complete: Complete) -> None:
    assert {"status", "batch", "settings", "completion"} <= set(complete(""))
    assert complete("ba") == ["batch"]
    assert "show-error" in complete("batch", "")
    assert "--patient-name" in complete("batch", "status", "--p")


def test_values(complete: Complete, mapping: Callable[..., Path], api: Api) -> None:
    mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002")
    assert complete("server", "activate", "") == ["p01"]
    assert complete("server", "status", "x") == []
    assert complete("job", "reset", "1") == ["10", "112"]
    assert complete("batch", "remove", "9", "") == ["10", "112"]
    assert complete("create", "from-mapping", "-f", "") == ["LUNG-001", "LUNG-002"]
    assert api.requests == []


def test_trouble_offers_nothing(complete: Complete, project: Path) -> None:
    (project / ".anonbatch").write_text("job_ids: [")
    (project / "anon_mapping.csv").write_bytes(b"\xff\x00")
    assert complete("job", "info", "") == []
    assert complete("create", "from-mapping", "-f", "") == []
    (project / ".anontui" / "settings.yml").write_text("servers: [")
    assert complete("server", "activate", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_the_shell(anontui: Command, shell: str) -> None:
    ran = anontui("completion", shell)
    assert ran.code == 0 and f"{shell}_complete" in ran.out and "anontui" in ran.out
    if program := shutil.which(shell):  # it reads what we wrote
        subprocess.run([program, "-n"], input=ran.out, text=True, check=True)


def test_other_shells(anontui: Command) -> None:
    assert anontui("completion", "tcsh").code == 2


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_in_a_real_bash(anontui: Command, complete: Complete, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "anontui"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable} -P\nfrom anontui.cli import main\nmain()\n")
    program.chmod(0o755)
    script = anontui("completion", "bash").out + (
        "COMP_WORDS=(anontui server activate p) COMP_CWORD=3\n"
        "_anontui_completion anontui p activate\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc"],
        input=script,
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["p01"], done.stderr
