"""A process with mounts and processes of its own: when it ends, however it ends, the kernel ends and unmounts them all.

Nothing that is mounted in here can be seen from outside, so nobody's `rm -r` can ever follow a mount of ours.
See mount_namespaces(7) and pid_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

from deploy.arm64.errors import CannotRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

# <linux/sched.h>, <linux/prctl.h>
_CLONE_NEWNS, _CLONE_NEWPID = 0x00020000, 0x20000000
_PR_SET_PDEATHSIG = 1
_TOLD_TO_STOP = frozenset({signal.SIGINT, signal.SIGTERM})
_HEARD = _TOLD_TO_STOP | {signal.SIGCHLD}


def run_isolated(work: Callable[[], int]) -> int:
    """The exit code of `work`, which runs in a child with mounts and processes of its own. Needs root.

    SIGINT and SIGTERM reach it as KeyboardInterrupt, so that it can tidy up. Raises CannotRun.
    """
    if os.geteuid() != 0:
        raise CannotRun(
            "mounting and entering the arm64 system needs root, and you are not root",
            "run it with sudo: make test-arm64 does",
        )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWPID) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise CannotRun(
            f"the kernel gives us no mounts of our own ({reason})",
            "in a container, start that with the right to (docker run --privileged)",
        )
    # Kept back until each of us is ready for them: one that came in between would be lost, and we would wait for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    child = os.fork()
    if child == 0:
        os._exit(_first_process(libc, work))
    return _wait_for(child)


def _first_process(libc: ctypes.CDLL, work: Callable[[], int]) -> int:
    """The new world's process 1: what it starts ends with it."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in _TOLD_TO_STOP:
        signal.signal(number, _interrupted)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        # First of all: no mount of ours may travel out, and /proc has to show our own processes.
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)  # noqa: S607 - root's own PATH
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)  # noqa: S607 - the same
        return work()
    except KeyboardInterrupt:
        print("stopped; nothing is left mounted", file=sys.stderr)  # noqa: T201 - the last word
        return 130
    except BaseException:  # noqa: BLE001 - we are a fork: what goes on up from here would run twice
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait_for(child: int) -> int:
    """Pass on each SIGTERM; a terminal's Ctrl-C has reached the child already."""
    while True:
        number = signal.sigwait(_HEARD)
        if number == signal.SIGTERM:
            os.kill(child, number)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
