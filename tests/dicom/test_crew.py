from __future__ import annotations

import threading

import pytest

from anontui.dicom.crew import MOST_THREADS, Crew


def test_tasks_may_add_tasks() -> None:
    done: list[int] = []

    def handle(task: int, crew: Crew[int]) -> None:
        done.append(task)
        if task < 50:
            crew.add(task * 2)
            crew.add(task * 2 + 1)

    list(Crew(handle, [1], lambda: len(done), 4).run())
    assert sorted(done) == list(range(1, 100))


def test_no_task_is_soon_done() -> None:
    assert list(Crew[int](lambda _task, _crew: None, [], lambda: 0).run()) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_a_given_number_of_threads_works(threads: int) -> None:
    names = set()
    barrier = threading.Barrier(threads)

    def handle(_task: int, _crew: Crew[int]) -> None:
        barrier.wait(10)
        names.add(threading.current_thread())

    list(Crew(handle, range(threads), lambda: 0, threads).run())
    assert len(names) == threads


def test_a_thread_that_waits_gets_company() -> None:
    barrier = threading.Barrier(MOST_THREADS)

    def handle(_task: int, _crew: Crew[int]) -> None:
        barrier.wait(10)

    list(Crew(handle, range(MOST_THREADS), lambda: 0).run())
    assert not barrier.broken


def test_a_thread_that_works_stays_alone() -> None:
    threads = set()
    steps = [0]
    ticks = threading.Semaphore(0)

    def counted() -> int:
        steps[0] += 100_000
        ticks.release()
        return steps[0]

    def handle(_task: int, _crew: Crew[int]) -> None:
        threads.add(threading.current_thread())
        for _ in range(2):
            ticks.acquire(timeout=10)

    list(Crew(handle, range(2), counted).run())
    assert len(threads) == 1


def test_what_a_task_raises_is_raised_here() -> None:
    def handle(task: int, _crew: Crew[int]) -> None:
        raise KeyError(task)

    with pytest.raises(KeyError, match="7"):
        list(Crew(handle, [7], lambda: 0, 2).run())


def test_closing_ends_all_threads() -> None:
    before = threading.active_count()
    started = threading.Event()

    def handle(_task: int, crew: Crew[int]) -> None:
        started.set()
        while not crew.stopping:
            pass

    run = Crew(handle, range(100), lambda: 0, 4).run()
    next(run)
    assert started.is_set()
    assert threading.active_count() == before + 4
    run.close()
    assert threading.active_count() == before


def test_a_thread_that_hangs_does_not_hold_us() -> None:
    hang, ended = threading.Event(), list[bool]()

    def handle(_task: int, _crew: Crew[int]) -> None:
        hang.wait(10)
        ended.append(True)

    run = Crew(handle, [1], lambda: 0, 1).run()
    next(run)
    run.close()
    assert not ended
    hang.set()
