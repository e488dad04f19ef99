"""Freed memory is overwritten and given back, so that no image, template or PIN outlives its use in the process.

glibc does it by itself once it is asked to (mallopt(3), M_PERTURB): from then on every block of more than about 1 KB is
filled with one byte when it is given back. The smaller ones are too, where it keeps none of them by thread: it reads
that from the environment before we run (GLIBC_TUNABLES), so deploy/systemd/whorl-edge.service says it. What Python
keeps in pools of its own, objects of up to 512 bytes, is not.

numpy keeps freed arrays of less than 1 KB itself, for the next one of their size: the minutiae of bookings long done,
and more of them each day, as hardly two fingers have as many minutiae. After each booking all that it can keep are
filled.

What is free between blocks in use stays with the process otherwise, and more of it each day: after each booking the
kernel gets those pages (malloc_trim(3)), and hands them out again as zeros.
"""

from __future__ import annotations

import gc
import logging
import sys

from edge_service.c_library import c_library

log = logging.getLogger(__name__)

_M_PERTURB = -6  # malloc.h
_FILL = 0x5A
_SMALLER_THAN = 1024  # bytes; numpy/_core/src/multiarray/alloc.c, NBUCKETS
_KEPT_OF_EACH = 7  # the same, NCACHE


def overwrite_freed_memory() -> bool:
    """For this process, from now on; False where the C library cannot (musl, macOS)."""
    try:
        done = bool(c_library().mallopt(_M_PERTURB, _FILL))
    except (OSError, AttributeError):
        done = False
    if not done:
        log.info("freed memory is not overwritten here: the C library does not offer it")
    return done


def give_back_freed_memory() -> bool:
    """Collect what nobody refers to, and give free pages to the kernel; False where nothing was given or can be.

    Some tens of milliseconds: for the moment after a booking, when nobody waits.
    """
    gc.collect()
    _forget_names()
    _overwrite_small_arrays()
    try:
        return bool(c_library().malloc_trim(0))
    except (OSError, AttributeError):
        return False


def _forget_names() -> None:
    """Those that the interpreter's cache of attributes keeps, 4,096 of them, until others take their places.

    A library that puts a name together for each look at an attribute, as that for MQTT does with each message, fills it
    with strings of its own, a few more with each booking for thousands of bookings.
    """
    newer = getattr(sys, "_clear_internal_caches", None)  # from Python 3.13 on
    (newer or sys._clear_type_cache)()  # noqa: SLF001 - documented in `sys`


def _overwrite_small_arrays() -> None:
    """Those that numpy has kept. As many of each size as it keeps, all at once, are these and new ones.

    From the first time on it keeps that many, 4 MB together, and asks the C library for no more: then they cannot
    come to lie one by one between other things for as long as the service runs, which made it grow.
    """
    import numpy as np

    for size in range(1, _SMALLER_THAN):
        kept = [np.empty(size, np.uint8) for _ in range(_KEPT_OF_EACH)]
        for array in kept:
            array.fill(_FILL)
