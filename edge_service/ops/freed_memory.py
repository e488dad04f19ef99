"""Freed memory is overwritten, so that an image, a template or a PIN does not outlive its use in the process.

glibc does it by itself once it is asked to (mallopt(3), M_PERTURB): from then on every block of more than about 1 KB is
filled with one byte when it is given back. Smaller ones, which Python keeps in pools of its own, are not.
"""

from __future__ import annotations

import ctypes
import logging

log = logging.getLogger(__name__)

_M_PERTURB = -6  # malloc.h
_FILL = 0x5A


def overwrite_freed_memory() -> bool:
    """For this process, from now on; False where the C library cannot (musl, macOS)."""
    try:
        done = bool(ctypes.CDLL(None).mallopt(_M_PERTURB, _FILL))
    except (OSError, AttributeError):
        done = False
    if not done:
        log.info("freed memory is not overwritten here: the C library does not offer it")
    return done
