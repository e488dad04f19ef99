"""Freed memory is overwritten and given back, so that no image, template or PIN outlives its use in the process.

glibc does it by itself once it is asked to (mallopt(3), M_PERTURB): from then on every block of more than about 1 KB is
filled with one byte when it is given back. Smaller ones, which Python keeps in pools of its own, are not.

What is free between blocks in use stays with the process otherwise, and more of it each day: after each booking the
kernel gets those pages (malloc_trim(3)), and hands them out again as zeros.
"""

from __future__ import annotations

import gc
import logging

from edge_service.c_library import c_library

log = logging.getLogger(__name__)

_M_PERTURB = -6  # malloc.h
_FILL = 0x5A


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
    try:
        return bool(c_library().malloc_trim(0))
    except (OSError, AttributeError):
        return False
