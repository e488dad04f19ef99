"""What a booking had in memory is overwritten after it: looked for from outside, wherever the process may write."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deploy.arm64.unit_file import parse_unit
from edge_service.ops.freed_memory import give_back_freed_memory

UNIT = Path(__file__).parents[2] / "deploy/systemd/whorl-edge.service"
FACTOR = 0x9E3779B97F4A7C15
# Has arrays that can be told from all others, lets go of them or not, and then holds still to be looked at.
PROGRAM = """
import sys
import numpy as np
from edge_service.ops.freed_memory import give_back_freed_memory, overwrite_freed_memory
length, count, keep, overwrite, give_back = map(int, sys.argv[1:])
if overwrite:
    overwrite_freed_memory()
secret = np.arange(1, length + 1, dtype=np.uint64)
secret *= np.uint64(0x9E3779B97F4A7C15)
secrets = [secret, *(secret.copy() for _ in range(count - 1))]
del secret
if not keep:
    del secrets
if give_back:
    give_back_freed_memory()
print("done", flush=True)
sys.stdin.read()
"""
SMALL, LARGE = 50, 5_000  # numbers of eight bytes: the minutiae of a print, and something like an image
KEPT_BY_NUMPY = 7  # of each size

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at a process through /proc"
)


def times_in_memory(pid, needle):
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(number, 16) for number in span.split("-"))
                memory.seek(start)
                found += memory.read(end - start).count(needle)
    return found


def found(length, *, count=1, keep=False, overwrite=False, give_back=False, env=None):
    """How often the middle of `count` arrays is in memory.

    The middle, as an allocator may write its notes at the ends of what is free.
    """
    secret = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(FACTOR)
    words = [str(int(word)) for word in (length, count, keep, overwrite, give_back)]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    ) as process:
        assert process.stdout.readline() == b"done\n"
        try:
            return times_in_memory(process.pid, secret[4:-4].tobytes())
        finally:
            process.stdin.close()


@pytest.mark.parametrize("length", [SMALL, LARGE])
def test_what_is_in_use_is_found(length):
    assert found(length, keep=True, overwrite=True, give_back=True) == 1


def test_a_large_array_is_overwritten_when_it_is_freed():
    assert found(LARGE, overwrite=True) == 0


def test_a_small_array_is_overwritten_after_the_booking():
    assert (
        found(SMALL, count=KEPT_BY_NUMPY, overwrite=True) == KEPT_BY_NUMPY
    )  # numpy has kept them for the next of their size
    assert found(SMALL, count=KEPT_BY_NUMPY, overwrite=True, give_back=True) == 0


def test_the_c_library_keeps_no_small_blocks_as_the_unit_is_shipped():
    assert found(SMALL, count=20, overwrite=True) > KEPT_BY_NUMPY
    shipped = parse_unit(UNIT.read_text(encoding="utf-8"), path=str(UNIT)).environment
    assert found(SMALL, count=20, overwrite=True, env=shipped) == KEPT_BY_NUMPY


def blocks_given_back(names_looked_up):
    """Of Python's own, by the moment after a booking."""
    names = ["a name ".replace(" ", str(number)) for number in range(3_000)]
    if names_looked_up:
        assert not any(hasattr(np, name) for name in names)
    del names
    gc.collect()
    before = sys.getallocatedblocks()
    give_back_freed_memory()
    return before - sys.getallocatedblocks()


def test_names_that_were_looked_up_are_let_go_of():
    give_back_freed_memory()
    few, many = blocks_given_back(names_looked_up=False), blocks_given_back(names_looked_up=True)
    assert many > few + 500
