"""Make the environment of the third parties' sensor clients: ``python make_environment.py``.

They must not meet the product's own dependencies, so they live in `.venv-sensor-clients` at the top of the
repository, built from requirements/sensor-clients.txt. It is built anew when that file or the interpreter
changes. Prints the path of its Python. Uses the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "requirements" / "sensor-clients.txt"
ENVIRONMENT = ROOT / ".venv-sensor-clients"


def main() -> None:
    ENVIRONMENT.mkdir(exist_ok=True)
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "built-from"
    wanted = f"{sys.version_info[:2]} {hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()}"
    with (ENVIRONMENT / "lock").open("w") as lock:
        # Two test runs at once must not build it over each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted and python.exists()):
            stamp.unlink(missing_ok=True)
            for part in ("bin", "include", "lib", "lib64"):
                shutil.rmtree(ENVIRONMENT / part, ignore_errors=True)
            for command in (
                [sys.executable, "-m", "venv", str(ENVIRONMENT)],
                [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(REQUIREMENTS)],
            ):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            stamp.write_text(wanted)
    sys.stdout.write(f"{python}\n")


if __name__ == "__main__":
    main()
