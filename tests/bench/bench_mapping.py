"""How long the mapping, batch and large tables hold the screen, whatever is done with them.

Run as ``python -m tests.bench.bench_mapping``. A heartbeat in the app's own loop tells the
longest time in which no key could have been answered (hold), and the most processor time that
the app's own thread took in one go (its work: what remains of a hold on a machine that does
nothing else, but for the waits of one thread for another). All figures are of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ClassVar

from anontui.idis.model import Job, JobStatus
from anontui.operations.servers import ServerState
from anontui.operations.workspace import Workspace
from anontui.project.batch import Batch
from anontui.tui import tidying
from anontui.tui.acts import copying
from anontui.tui.panes.mappingedits import edit
from anontui.tui.panes.pane import Pane
from anontui.tui.polling import Look, Polling
from anontui.tui.widgets.grid import Cell, Column
from tests.tui import fakes
from tests.tui.fakes import Seat, opened

BEAT = 0.002
MOST = 0.1
"""Seconds for which the screen may be held."""
JOBS = 10_000


def mapping_text(rows: int) -> str:
    """A mapping without pseudonyms in every tenth row."""
    head = fakes.MAPPING.partition("folder:")[0]
    names = ((n, f"LUNG-{n * 7919 % rows:06}" if n % 10 else "") for n in range(rows))
    return head + "".join(f"folder:data/p{n},{name},{name},scan {n % 97}\n" for n, name in names)


class Heart:
    """Beats in the app's loop."""

    def __init__(self) -> None:
        self.longest = self.work = 0.0

    async def beat(self) -> None:
        """Go on for ever."""
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT)
            self.longest = max(self.longest, time.perf_counter() - before - BEAT)
            self.work = max(self.work, time.thread_time() - worked)


class Many(Pane):
    """A pane of a million rows."""

    label = "Many"
    number = 9
    columns = (Column("id", "id", 8), Column("name", "name", None))
    count: ClassVar[int] = 1_000_000

    def rows(self) -> Many:
        """Itself."""
        return self

    def __len__(self) -> int:
        return self.count

    def key(self, index: int) -> int:
        """The number."""
        return index

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Number and name."""
        return [str(index), f"LUNG-{index * 7919 % self.count:07}"]


class Bench:
    """One app, and what is done with it."""

    def __init__(self, seat: Seat, path: Path) -> None:
        self.seat, self.path = seat, path
        self.heart = Heart()

    async def quiet(self) -> None:
        """Wait until nothing runs and all is saved."""
        app, pane = self.seat.app, self.seat.main.mapping
        while True:
            if not app.pending and not (
                pane.editor and pane.editor.dirty and not pane.file.clashes
            ):
                return
            await asyncio.sleep(0.005)

    async def measure(self, what: str, work: Callable[[], object]) -> None:
        """Do something and print what it cost."""
        await self.quiet()
        await asyncio.sleep(0.1)
        self.heart.longest = self.heart.work = 0.0
        start = time.perf_counter()
        result = work()
        if isinstance(result, Awaitable):
            await result
        await asyncio.sleep(0.02)
        await self.quiet()
        await asyncio.sleep(0.02)
        seconds, hold, busy = time.perf_counter() - start, self.heart.longest, self.heart.work
        verdict = "" if hold <= MOST else "  MISSED"
        print(
            f"{what:50}{seconds:8.2f} s{hold * 1000:9.0f} ms{busy * 1000:9.0f} ms{verdict}",
            flush=True,
        )

    def outside(self, text: str) -> None:
        """Another program writes the file, and the app hears of it."""
        self.path.write_text(text)
        os.utime(self.path, ns=(time.time_ns(), time.time_ns()))
        self.seat.main.mapping.file.look()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something."""
        limit = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < limit
            await asyncio.sleep(0.005)


async def mapping(bench: Bench, rows: int) -> None:
    """All that is done with a mapping."""
    seat, measure = bench.seat, bench.measure
    app, pane = seat.app, seat.main.mapping
    grid = pane.grid

    def run(name: str) -> None:
        app.run_action_named(app.registry.actions[name])

    def lines() -> list[str]:
        return bench.path.read_text().splitlines(keepends=True)

    async def typed() -> None:
        await seat.pilot.press("e")
        await seat.pilot.press("9")
        await seat.pilot.press("enter")

    text = lines()
    head = next(at for at, line in enumerate(text) if line.startswith("source,")) + 1
    await measure("the first edit of a cell, typed and saved", typed)
    await measure("undo", pane.undo)
    changed = [*text[:-1], text[-1].replace("scan", "other")]
    await measure("another program changes a row", lambda: bench.outside("".join(changed)))
    await measure("undo it", pane.undo)
    swapped = "".join(text[:head] + text[head:][::-1])
    await measure("another program sorts all rows", lambda: bench.outside(swapped))
    await measure("undo it", pane.undo)
    every = "".join(text[:head]) + "".join(text[head:]).replace("scan", "other")
    await measure("another program changes every row", lambda: bench.outside(every))
    await measure("undo it", pane.undo)
    excel = "".join(text).replace(",", ";").replace("scan 5;", "scan five;")
    await measure("Excel writes it with semicolons", lambda: bench.outside(excel))
    await measure("undo it", pane.undo)

    async def both() -> None:
        assert pane.editor is not None
        pane.editor.set_cell(rows // 2, "description", "ours")
        bench.outside("".join(changed))

    await measure("both change a row", both)

    def twice() -> None:
        pane.undo()
        pane.undo()

    await measure("undo merge and edit", twice)
    for column in ("pseudo_id", "source", "description"):
        await measure(f"sort by {column}", lambda column=column: pane.sort_by(column))  # type: ignore[misc]
    await measure("sort falling", lambda: pane.sort_by("description"))
    await measure("edit while sorted", typed)
    await measure("sort no more", lambda: pane.sort_by("description"))
    await measure("filter: a word", lambda: pane.filter_by("scan 5"))
    await measure("filter: a column", lambda: pane.filter_by("pseudo_id:0009"))
    await measure("filter: fuzzy", lambda: pane.filter_by("~s5"))
    await measure("filter no more", lambda: pane.filter_by(""))
    await measure("mark all", grid.mark_all)
    await measure("fill down all marked rows", lambda: run("mapping.fill-down"))
    await measure("undo it", pane.undo)
    await measure("copy all marked rows", lambda: run("app.copy"))
    await measure("duplicate all rows", lambda: run("mapping.duplicate"))
    await measure("undo it", pane.undo)
    await measure("redo it", pane.redo)
    await measure("undo it", pane.undo)
    grid.mark_all()
    await measure("delete all rows", pane.delete_rows)
    await measure("undo it", pane.undo)
    grid.move_cursor(row=0, column=2)
    table = "".join(f"X{n}\tX{n}\tnew\n" for n in range(rows))
    await measure("paste three columns of all rows", lambda: pane.pasted(table))
    await measure("undo it", pane.undo)
    grid.move_cursor(row=rows - 1, column=1)

    async def overflow() -> None:
        pane.pasted("".join(f"folder:x{n}\tX{n}\tX{n}\tnew\n" for n in range(rows)))
        await bench.until(lambda: app.screen is not seat.main)
        await seat.pilot.press("enter")

    await measure("paste as many rows at the end", overflow)
    await measure("undo it", pane.undo)
    grid.move_cursor(row=0, column=2)
    grid.action_extend(rows, 2)
    await measure("clear a range of all rows", lambda: run("mapping.clear"))
    await measure("undo it", pane.undo)

    async def pseudonyms() -> None:
        run("map.pseudonyms")
        await bench.until(lambda: app.screen is not seat.main)
        await seat.pilot.press("ctrl+r")
        await bench.quiet()

    await measure("propose pseudonyms", pseudonyms)
    await measure("give them", lambda: seat.pilot.press("enter"))
    await measure("undo it", pane.undo)

    async def plan() -> None:
        run("create.from-mapping")
        await bench.until(lambda: app.screen is not seat.main)

    await measure("dry run", plan)
    await measure("close it", lambda: seat.pilot.press("escape"))

    async def clash() -> None:
        cells = [(row, "description", "ours") for row in range(rows)]
        ends: list[None] = []
        edit(pane, "", rows, lambda editor: editor.set_cells(cells), ends.append)
        await bench.until(lambda: ends)
        bench.outside(every)
        await bench.until(lambda: pane.file.clashes)

    await measure("a clash in every row", clash)
    await measure("look at the clashes", pane.file.decide)
    await measure("theirs", lambda: seat.pilot.press("T"))
    await measure("take them", lambda: seat.pilot.press("enter"))
    await measure("last save", pane.file.keep)


async def others(bench: Bench) -> None:
    """The batch, and a million rows."""
    seat, measure = bench.seat, bench.measure
    jobs = seat.main.jobs
    seat.main.show_pane(jobs)
    for column in ("status", "pseudonym"):
        await measure(f"{JOBS:,} jobs: sort by {column}", lambda c=column: jobs.sort_by(c))  # type: ignore[misc]
    await measure("jobs: filter", lambda: jobs.filter_by("status:done 7"))
    everything = seat.app.model.job_ids()
    await measure("jobs: all changed", lambda: jobs.jobs_changed(everything, everything))
    await measure("jobs: mark all", jobs.grid.mark_all)
    await measure("jobs: copy", lambda: copying.copy(seat.app))
    many = Many()
    await seat.main.mount(many)
    await measure(f"{Many.count:,} rows: show", lambda: many.grid.set_rows(many.rows()))
    for column in ("name", "id"):
        await measure(f"{Many.count:,} rows: sort by {column}", lambda c=column: many.sort_by(c))  # type: ignore[misc]
    await measure(f"{Many.count:,} rows: filter", lambda: many.filter_by("id:77"))
    await measure(f"{Many.count:,} rows: filter no more", lambda: many.filter_by(""))
    await many.remove()
    seat.main.show_pane(seat.main.mapping)


def fake_servers(jobs: dict[int, Job]) -> None:
    """Servers that answer at once, without a network."""

    def look(_: Polling, workspace: Workspace, batch: Batch | None, all_servers: bool) -> Look:
        states: dict[str, ServerState] = {"p01": fakes.UP}
        return Look(states, jobs)

    setattr(Polling, "_look", look)  # noqa: B010 - a method of another type
    setattr(Polling, "_wait", lambda _: 3600.0)  # noqa: B010


async def main(rows: int) -> None:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["ANONTUI_SETTINGS"] = f"{place}/settings.yml"
        os.environ["XDG_STATE_HOME"] = f"{place}/state"
        folder = Path(place, "study")
        folder.mkdir()
        fakes.write_settings(Path(place, "settings.yml"), folder)
        path = folder / "anon_mapping.csv"
        path.write_text(mapping_text(rows))
        states = list(JobStatus)
        jobs = {n: fakes.job(n, states[n % len(states)]) for n in range(1, JOBS + 1)}
        fakes.write_batch(folder, jobs.values())
        fake_servers(jobs)
        print(f"{f'{rows:,} rows of a mapping':50}{'in all':>10}{'hold':>12}{'its work':>12}")
        async with opened(folder, fakes.LARGE) as seat:
            bench = Bench(seat, path)
            tidying.at_rest(seat.app)
            beating = asyncio.create_task(bench.heart.beat())
            await others(bench)
            await mapping(bench, rows)
            beating.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    asyncio.run(main(parser.parse_args().rows))
