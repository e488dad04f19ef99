"""Processes that do the runs, a block of them each at a time; one that hangs is a finding and is replaced."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
import traceback
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.board_faults import parameters as p
from benchmarks.board_faults.judging import Verdict, run_once
from benchmarks.board_faults.plan import plan_of
from benchmarks.board_faults.rig import BoardRig, DirectRig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from benchmarks.board_faults.plan import Plan
    from benchmarks.board_faults.rig import Rig
    from hardware.bench.wire import Tap


class Orders(NamedTuple):
    """What a campaign is made of, for its workers.

    Attributes:
        seed: of everything.
        direct: without a board.
        haste: how many times as short deadlines are.
        flash: of a new board; "" without a board.
    """

    seed: int
    direct: bool
    haste: int
    flash: str


class Counted(NamedTuple):
    """What a board had counted when its bench was taken down."""

    counters: dict[str, int]


def campaign(orders: Orders, numbers: Sequence[int], *, workers: int) -> Iterator[Verdict | Counted]:
    """The verdicts of all runs, as they come. A worker that says nothing for `STUCK_S` gives a verdict too."""
    blocks = _blocks(numbers)
    crew: dict[Any, _Worker] = {}
    try:
        while blocks or crew:
            while blocks and len(crew) < workers:
                worker = _Worker(orders, blocks.pop(0))
                crew[worker.line] = worker
            for line in wait(list(crew), timeout=1.0):
                worker = crew[line]
                said = worker.hear()
                if said is None:
                    del crew[line]
                    yield from _lost(worker, "the process of the campaign ended by itself", blocks)
                elif isinstance(said, _Done):
                    del crew[line]
                    worker.end()
                else:
                    yield said
            for line, worker in list(crew.items()):
                if time.monotonic() - worker.heard_at > p.STUCK_S:
                    del crew[line]
                    yield from _lost(worker, f"hung: nothing for {p.STUCK_S:.0f} s", blocks)
    finally:
        for worker in crew.values():
            worker.end()


def do_block(orders: Orders, numbers: Sequence[int]) -> Iterator[Verdict | Counted]:
    """Some runs one after the other, on benches that are kept as long as all is well."""
    rig: Rig | None = None
    try:
        for number in numbers:
            plan = plan_of(orders.seed, number, direct=orders.direct)
            if rig is None:
                rig = put_up(orders, plan)
            verdict = run_once(rig, plan, seed=orders.seed)
            yield verdict
            if verdict.failure:
                # Whatever it is that failed, the next run is to have a chance.
                yield Counted(rig.counters())
                rig.close()
                rig = None
        if rig is not None:
            yield Counted(rig.counters())
    finally:
        if rig is not None:
            rig.close()


def put_up(orders: Orders, plan: Plan, *, tap: Tap | None = None) -> Rig:
    """A bench as the plan needs it."""
    rig = (
        DirectRig(plan.rig, seed=plan.number, haste=orders.haste, tap=tap)
        if orders.direct
        else BoardRig(plan.rig, seed=plan.number, haste=orders.haste, flash=Path(orders.flash), tap=tap)
    )
    rig.open()
    return rig


class _Done(NamedTuple):
    """A worker has done its block."""


class _Worker:
    """A process with a block of runs."""

    def __init__(self, orders: Orders, numbers: Sequence[int]) -> None:
        self.numbers = list(numbers)
        self.heard_at = time.monotonic()
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(
            target=_work, args=(orders, self.numbers, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def hear(self) -> Verdict | Counted | _Done | None:
        """What it says; None when it is gone."""
        self.heard_at = time.monotonic()
        try:
            said: Verdict | Counted | _Done = self.line.recv()
        except (EOFError, OSError):
            return None
        if isinstance(said, Verdict):
            self.numbers.remove(said.number)
        return said

    def end(self) -> None:
        """No process is left behind."""
        self.line.close()
        self._process.join(5.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _work(orders: Orders, numbers: list[int], line: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign, which ends its workers
    logging.disable(logging.CRITICAL)  # every fault is logged by those it happens to
    try:
        for said in do_block(orders, numbers):
            line.send(said)
        line.send(_Done())
    except BrokenPipeError:
        return
    except BaseException:
        traceback.print_exc()
        raise


def _lost(worker: _Worker, problem: str, blocks: list[Sequence[int]]) -> Iterator[Verdict]:
    """The run at which a worker was lost has failed; the rest of its block goes to another one."""
    worker.end()
    if worker.numbers:
        yield Verdict(worker.numbers[0], "?", [], outcome="?", failure=problem)
        if worker.numbers[1:]:
            blocks.insert(0, worker.numbers[1:])


def _blocks(numbers: Sequence[int]) -> list[Sequence[int]]:
    """Runs that share a bench stay together."""
    blocks: dict[int, list[int]] = {}
    for number in numbers:
        blocks.setdefault(number // p.RIG_RUNS, []).append(number)
    return list(blocks.values())
