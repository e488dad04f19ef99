"""Another Python for what is not trusted: little memory, little time, no core dump, and the modules of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
# Limits itself before it loads anything that decodes.
_LIMITS = """
import resource, sys
for what, most in ((resource.RLIMIT_AS, int(sys.argv[1])), (resource.RLIMIT_CPU, int(sys.argv[2])),
                   (resource.RLIMIT_CORE, 0)):
    resource.setrlimit(what, (most, most))
del sys.argv[1:3]
"""


def run(
    code: str,
    arguments: Sequence[str],
    *,
    given: bytes = b"",
    memory_bytes: int,
    cpu_s: int,
    deadline_s: float,
) -> subprocess.CompletedProcess[bytes] | None:
    """What `code` did in a process of its own, with `arguments` from `sys.argv[1]` on; None where it did not end."""
    # Passwords in the environment are none of its business. A packaged program has its modules where a bare
    # interpreter does not look.
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter and our own code
            [sys.executable, "-P", "-B", "-c", _LIMITS + code, str(memory_bytes), str(cpu_s), *arguments],
            input=given,
            capture_output=True,
            timeout=deadline_s,
            check=False,
            env=environment,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
