"""Stored prints become columns, on all cores; and a digest that tells whether two programs make the same of them."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from interchange.errors import TemplateError
from interchange.logs import facts
from interchange.minutiae import TWO_PI, Minutiae
from matcher_service.galleries.decoding import read_plain
from matcher_service.repositories.prints import read_single
from matcher_service.search.packed import SKETCH_WORDS, Packed
from matcher_service.search.shelf import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matcher_service.repositories import StoredPrint
    from matcher_service.search.shelf import Shelf

log = logging.getLogger("matcher.galleries")

_SAMPLES = 12
_GOLDEN = 0.6180339887498949
_PRINTS_A_JOB = 250


class Packing:
    """Reads stored prints and packs them. Used by one thread; works with several."""

    def __init__(self, *, pack: Callable[[Minutiae], Packed], threads: int | None = None) -> None:
        """`pack` makes the columns of a print, and may be called by several threads at once."""
        self.pack = pack
        self.threads = threads or os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None

    def digest(self) -> str:
        """64 hexadecimal digits of what becomes of some made-up prints: it changes whenever that changes."""
        found = sha256(f"{SKETCH_WORDS} words".encode("ascii"))
        for sample in _samples():
            for column in self.pack(sample):
                found.update(column.tobytes())
        return found.hexdigest()

    def shelf(self, repository: str, prints: Sequence[StoredPrint]) -> Shelf:
        """A shelf of stored prints; those that cannot be read are left out, and the log names them."""
        if len(prints) <= _PRINTS_A_JOB or self.threads == 1:
            return join(list(self._packed(repository, prints)))
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="pack")
        jobs = [
            self._pool.submit(
                lambda low: list(self._packed(repository, prints[low : low + _PRINTS_A_JOB])), low
            )
            for low in range(0, len(prints), _PRINTS_A_JOB)
        ]
        return join([packed for job in jobs for packed in job.result()])

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _packed(
        self, repository: str, prints: Sequence[StoredPrint]
    ) -> Iterator[tuple[str, int, int, Packed]]:
        for stored, read in zip(prints, read_plain([one.record for one in prints]), strict=True):
            try:
                position, minutiae = read or read_single(stored.record)
            except TemplateError as error:
                damaged = facts(repository=repository, encounter=stored.encounter, reason=error)
                log.error("stored print cannot be read and is not searched", extra=damaged)  # noqa: TRY400
                continue
            yield stored.identity, position, minutiae.finger_quality, self.pack(minutiae)


def _samples() -> Iterator[Minutiae]:
    """Prints that are the same everywhere: steps of the golden section instead of a generator of random numbers."""
    for k in range(_SAMPLES):
        steps = np.arange(1 + 6 * k, dtype=np.float64)
        yield Minutiae.make(
            280 * (steps * _GOLDEN % 1),
            300 * ((steps + k) * _GOLDEN**2 % 1),
            TWO_PI * ((steps + 2 * k) * _GOLDEN**3 % 1),
            type=(steps % 3).astype(np.uint8),
            quality=steps * _GOLDEN % 1,
            width=300,
            height=320,
        )
