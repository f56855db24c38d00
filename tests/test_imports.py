"""pydicom's parts import each other: loaded by two threads at once, in parts, they fail.

So whoever loads a part has loaded the whole before, which Python does for one thread at a time.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import anontui

ROOT = Path(anontui.__file__).parent
LIBRARIES = ("pydicom", "pynetdicom")


def imports(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a block that run, in their order; not those of functions in it."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from imports(node.body)


def loaded(body: list[ast.stmt], before: set[str]) -> tuple[set[str], list[str]]:
    """Which libraries a block has loaded whole, and where it loads a part before that."""
    whole, wrong = set(before), []
    for node in imports(body):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        for name in filter(None, names):
            library, _, part = name.partition(".")
            if library not in LIBRARIES:
                continue
            if part and library not in whole:
                wrong.append(f"line {node.lineno}: {name}")
            whole.add(library)
    return whole, wrong


def of_packages(path: Path) -> set[str]:
    """What the packages around a module have loaded when it is."""
    whole: set[str] = set()
    for folder in path.parents:
        if folder.is_relative_to(ROOT):
            whole |= loaded(ast.parse((folder / "__init__.py").read_text()).body, set())[0]
    return whole


@pytest.mark.parametrize(
    "path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_whole_before_its_parts(path: Path) -> None:
    tree = ast.parse(path.read_text())
    before = of_packages(path)
    whole, wrong = loaded(tree.body, before)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            wrong += loaded(node.body, whole)[1]
    assert not wrong, "load the library itself first: from pydicom import ..."


MODULES = (
    "anontui.deid.file",
    "anontui.deid.pixels.viewer",
    "anontui.deid.run.explain",
    "anontui.dicom.header",
    "anontui.dicom.scan",
    "anontui.pacs.dimse",
    "anontui.pacs.ways",
)
THREADS = """
import importlib, random, sys, threading, time
failed = []
def load(name):
    time.sleep(random.random() / 20)
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed.append(f"{name}: {error!r}")
threads = [threading.Thread(target=load, args=(name,)) for name in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(" ".join(failed) or 0)
"""


@pytest.mark.parametrize("time", range(4))
def test_threads_load_them_at_once(time: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREADS, *MODULES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
