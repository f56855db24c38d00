"""How fast project files load and save, against Python's csv module and libyaml.

Run as ``python -m tests.bench.bench_project``. Each figure is the median of the ratios of
runs that alternate, so that a busy machine slows both.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import yaml

from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection

ROWS = 100_000
PATHS = 10_000
RUNS = 15
COLUMNS = ["source", "pseudo_id", "pseudo_name", "description"]


def mapping_file(quoted: bool) -> bytes:
    """A mapping of ``ROWS`` rows; ``quoted``: every tenth has a comma in a cell."""
    out = io.StringIO(newline="")
    out.write("## Description ##\nBench\n\n## Options ##\nproject,Knees\n\n## Mapping ##\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for n in range(ROWS):
        comma = "," if quoted and n % 10 == 0 else ""
        source = f"fileselection:cohort/patient{n}/fileselection.txt"
        writer.writerow([source, f"LUNG-{n:06}", f"LUNG-{n:06}", f"baseline{comma} 120 files"])
    return out.getvalue().encode()


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, one: Callable[[], object], other: Callable[[], object], gate: float) -> None:
    """Print how much longer ``one`` takes than ``other``."""
    ratios, times = [], []
    for _ in range(RUNS):
        mine, theirs = seconds(one), seconds(other)
        ratios.append(mine / theirs)
        times.append((mine, theirs))
    mine, theirs = (median(column) * 1000 for column in zip(*times, strict=True))
    print(f"{name:46} {median(ratios):6.2f}x (gate {gate}x)  {mine:7.1f} / {theirs:.1f} ms")


def mappings(quoted: bool) -> None:
    """Compare with csv.reader and csv.writer on the same content."""
    data = mapping_file(quoted)
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    mapping = Mapping.loads(data)

    def read() -> object:
        return list(csv.reader(io.StringIO(data.decode(), newline="")))

    def write() -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out).writerows(rows)
        return out.getvalue().encode()

    kind = "with quotes" if quoted else "plain"
    compare(f"load {ROWS:,} rows, {kind}", lambda: Mapping.loads(data), read, 3)
    compare(
        f"load them and read each cell, {kind}", lambda: list(Mapping.loads(data).rows), read, 3
    )
    compare(f"save them, {kind}", mapping.dumps, write, 3)


def edits() -> None:
    """Compare an edit in many rows with one in few."""
    data = mapping_file(False)
    head = data[: data.index(b"\n", 5000) + 1]
    many = MappingEditor(Mapping.loads(data), Path("unused"))
    few = MappingEditor(Mapping.loads(head), Path("unused"))

    def edit(editor: MappingEditor) -> None:
        for n in range(200):
            editor.set_cell(len(editor.keys) // 2, "pseudo_id", f"{n}")

    compare(
        f"set a cell of {ROWS:,} rows or {len(few.keys)}",
        lambda: edit(many),
        lambda: edit(few),
        1.5,
    )


def selections() -> None:
    """Compare with libyaml (or PyYAML's own code where it is absent)."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    paths = tuple(f"series{n // 200}/1.2.826.0.1.3680043.{n}.dcm" for n in range(PATHS))
    selection = Selection.new("Bench", paths)
    data = selection.dumps()
    content = yaml.load(data, loader)
    compare(
        f"load {PATHS:,} paths", lambda: Selection.loads(data), lambda: yaml.load(data, loader), 2
    )
    compare(
        f"save {PATHS:,} paths",
        selection.dumps,
        lambda: yaml.dump(content, Dumper=dumper, default_flow_style=False).encode(),
        2,
    )


if __name__ == "__main__":
    mappings(quoted=False)
    mappings(quoted=True)
    edits()
    selections()
