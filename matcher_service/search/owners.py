"""Which prints of a shelf belong to some identities: one pass over the owners, through a small hash table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from matcher_service.search.compiled import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matcher_service.search.template import Array

_SPARSE = 8  # places of the table for each identity, so that nearly all owners miss at the first look


def owner_table(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Hash table of identities, uint64 (k, 2): int32 (a power of two,), row of `keys` or -1."""
    size = 1 << max(4, (_SPARSE * len(keys)).bit_length())
    table = np.full(size, -1, np.int32)
    _enter(keys, table)
    return table


@kernel
def _place(high: int, low: int, size: int) -> int:
    mixed = (high ^ (low * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xD6E8FEB86659FD93)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1))  # pyright: ignore[reportReturnType]


@kernel
def _enter(keys: Array, table: Array) -> None:
    for k in range(len(keys)):
        at = _place(keys[k, 0], keys[k, 1], len(table))
        while table[at] >= 0:
            at = (at + 1) & (len(table) - 1)
        table[at] = k


@kernel
def find_owned(
    owner: Array, alive: Array, keys: Array, table: Array, first: int, last: int, out: Array
) -> None:
    """Row of `keys` that owns each living print of first..last, or -1, into `out`, int32 (prints,)."""
    for k in range(first, last):
        out[k] = -1
        if alive[k] == 0:
            continue
        at = _place(owner[k, 0], owner[k, 1], len(table))
        while table[at] >= 0:
            held = table[at]
            if keys[held, 0] == owner[k, 0] and keys[held, 1] == owner[k, 1]:
                out[k] = held
                break
            at = (at + 1) & (len(table) - 1)
