"""`python -m benchmarks.gallery_kill --kills 500 --seed 1`: does anything acknowledged get lost, or deleted come back?

A process works on a gallery: inserts, batches, replacements, deletions, compactions, with others always under way
in the background. It is killed (SIGKILL) at a random moment, or at a random step of what it does to the disk, half
a write included. Then the gallery is opened again and compared, byte for byte, with what had been acknowledged: the
one operation that had begun and was not acknowledged may be there whole or not at all. Then the next process goes on.
What a loss of power may do beyond that is tested in `tests/unit/test_gallery_power.py`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.gallery_kill.operations import Content, content_of, nothing, operation, options
from benchmarks.gallery_kill.victim import BEGUN, DONE, FAULT, STRUCK, heard, live, tell
from matcher_service.galleries import Disk, GalleryStore, Mark, inspect_gallery

LONGEST_LIFE_S = 0.12  # of a victim that is killed at a random moment
FARTHEST_STEP = 120  # of one that is killed at a step of the disk
PATIENCE_S = 20.0


@dataclass
class Tally:
    """What was seen.

    Attributes:
        kills: processes killed.
        acknowledged: operations acknowledged, all of which were found.
        whole: begun, not acknowledged, and found whole.
        absent: begun, not acknowledged, and not found at all.
        struck: at which step of the disk, and during which operation when it was a moment.
        torn: openings that cut an unfinished record off a journal.
        prints: in the gallery at the end.
    """

    kills: int = 0
    acknowledged: int = 0
    whole: int = 0
    absent: int = 0
    torn: int = 0
    prints: int = 0
    struck: Counter[str] = field(default_factory=Counter[str])


class LostError(Exception):
    """The gallery is not what was acknowledged."""


def main(
    *,
    kills: Annotated[int, typer.Option(min=1, help="How often.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Another one is another story.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where; a temporary folder if none is named.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Kill a gallery again and again, and print what became of it; exit code 1 if anything was lost.

    Example: python -m benchmarks.gallery_kill --kills 500 --seed 1
    """
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    console = Console(stderr=True)
    logging.getLogger("matcher.galleries").addHandler(counter := _Torn())
    with tempfile.TemporaryDirectory(dir=folder, prefix="gallery-kill-") as made:
        trial = Trial(Path(made) / "gallery", seed)
        try:
            for _ in track(range(kills), description="Killing", console=console, transient=True):
                trial.once()
        except LostError as error:
            console.print(f"[red]after {trial.tally.kills} kills: {error}")
            raise typer.Exit(1) from None
    tally = trial.tally
    tally.torn = counter.count
    table = Table("Killed", "Times", title=f"{tally.kills} kills, seed {seed}: nothing lost, nothing back")
    for where, times in sorted(tally.struck.items()):
        table.add_row(where, str(times))
    console.print(table)
    console.print(
        f"{tally.acknowledged} operations acknowledged and found, byte for byte; of those under way"
        f" {tally.whole} found whole, {tally.absent} absent; {tally.torn} torn records cut; {tally.prints} prints left"
    )
    text = json.dumps({"seed": seed, **vars(tally)}, indent=2)
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")


class Trial:
    """One gallery and its many lives."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.tally = Tally()
        self._folder = folder
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._content: Content = {}
        self._done = 0
        self._seq = 0
        GalleryStore.build(folder, options(Disk()), nothing(), mark=Mark()).close()

    def once(self) -> None:
        """Let a process live for a while, kill it, and look. Raises LostError."""
        said = heard(self._life())
        for message in said:
            if message.sign == FAULT:
                raise LostError(f"the process failed by itself: {message.text}")
        self.tally.kills += 1
        begun = [m for m in said if m.sign == BEGUN]
        finished = [m.number for m in said if m.sign == DONE]
        struck = [m.text for m in said if m.sign == STRUCK]
        doing = "opening" if not begun else "between two" if begun[-1].number in finished else begun[-1].text
        self.tally.struck[f"at step: {struck[-1]}" if struck else f"at a moment: {doing}"] += 1
        for number in finished:
            self._take(number)
        self.tally.acknowledged += len(finished)
        under_way = begun[-1].number if begun and begun[-1].number not in finished else None
        self._look(under_way)

    def _life(self) -> bytes:
        reading, writing = os.pipe()
        by_step = bool(self._random.integers(0, 2))
        fatal_step = int(self._random.integers(1, FARTHEST_STEP)) if by_step else 0
        life_s = PATIENCE_S if by_step else float(self._random.uniform(0, LONGEST_LIFE_S))
        child = os.fork()
        if child == 0:
            _be_the_victim(self._folder, self._seed, self._done + 1, writing, fatal_step)
        os.close(writing)
        os.set_blocking(reading, False)
        said = b""
        end = time.monotonic() + life_s
        while (left := end - time.monotonic()) > 0 and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(min(left, 0.002))
            said += _read_all(reading)
        if left <= 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        said += _read_all(reading)
        os.close(reading)
        return said

    def _take(self, number: int) -> None:
        step = operation(self._seed, number)
        self._content = step.to(self._content)
        self._done = number
        if step.keys or step.prints:
            self._seq = number

    def _look(self, under_way: int | None) -> None:
        inspect_gallery(self._folder, verify=True)
        store = GalleryStore.open(self._folder, options(Disk(), journal_prints=0))
        try:
            if under_way is not None:
                if store.mark.seq == under_way:
                    self._take(under_way)
                    self.tally.whole += 1
                else:
                    self.tally.absent += 1
            if store.mark.seq != self._seq:
                raise LostError(
                    f"the gallery is current up to {store.mark.seq}, acknowledged was {self._seq}"
                )
            found = content_of(store)
            if found != self._content:
                raise LostError(_difference(found, self._content))
            if len(store) != sum(map(len, found.values())):
                raise LostError("it counts its prints wrong")
            self.tally.prints = len(store)
        finally:
            store.close()


def _be_the_victim(folder: Path, seed: int, first: int, pipe: int, fatal_step: int) -> None:
    logging.disable(logging.CRITICAL)
    try:
        live(folder, seed=seed, first=first, pipe=pipe, fatal_step=fatal_step)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        traceback.print_exc()
        tell(pipe, FAULT, 0, type(error).__name__)
    finally:
        os._exit(1)


def _read_all(pipe: int) -> bytes:
    said = b""
    try:
        while more := os.read(pipe, 65536):
            said += more
    except BlockingIOError:
        pass
    return said


def _difference(found: Content, expected: Content) -> str:
    lost = [key for key in expected if found.get(key) != expected[key]]
    back = [key for key in found if key not in expected]
    return (
        f"{len(lost)} identities are not what was acknowledged, {len(back)} are back: {lost[:3]} {back[:3]}"
    )


class _Torn(logging.Handler):
    """Counts how often a journal was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """One more."""
        self.count += "never finished" in record.getMessage()


if __name__ == "__main__":
    typer.run(main)
