"""Whether this processor computes what it should: a print that ships, through the network that ships.

Seen in the field's emulators: an instruction that gives a wrong number, and so minutiae that are nobody's. In a process
of its own: an instruction that is not there at all ends it, and its memory is given back.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from edge_service.ops import parameters
from edge_service.ops.findings import Finding, Level

if TYPE_CHECKING:
    from edge_service.ops.patient import Patient

_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from edge_service.extraction.reference import main; main()"
)
_REMEDY = (
    "Take no bookings with this machine: what it finds in a finger would be nobody's. Switch it off and on, look again;"
    " then install the program again. If it stays, the processor (or what emulates it) computes wrongly: use another"
    " machine, and tell the makers, with a support bundle: edge-service support-bundle"
)


def check(_patient: Patient) -> Finding:
    """Extract it, and compare."""
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path)]
    try:
        done = subprocess.run(  # noqa: S603 - this program itself
            command, capture_output=True, text=True, check=False, timeout=parameters.REFERENCE_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        what = f"the print that ships was not done in {parameters.REFERENCE_TIMEOUT_S:.0f} s"
        return Finding(
            "processor", Level.WARNING, what, "See what else runs on this machine, then look again."
        )
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
        return Finding(
            "processor",
            Level.PROBLEM,
            f"extraction was ended by {how}: an instruction that this processor does not have, or memory that it lacks",
            _REMEDY,
            {"signal": how},
        )
    if done.returncode:
        return Finding(
            "processor",
            Level.PROBLEM,
            "the print that ships cannot be extracted",
            "See the line 'model'. Install the program again.",
            {"exit_code": done.returncode},
        )
    return judged(json.loads(done.stdout.splitlines()[-1]))


def judged(found: dict[str, Any]) -> Finding:
    """What it said, in words."""
    same = f"{found['paired']} of {found['expected']} minutiae of the print that ships"
    if not found["same_model"]:
        return Finding(
            "processor",
            Level.PROBLEM,
            "the print that ships is of another network: the program is mixed of two versions",
            "Install the program again.",
            found,
        )
    if not found["good"]:
        what = f"computes wrongly: {found['found']} minutiae found, {same} in their place"
        return Finding("processor", Level.PROBLEM, what, _REMEDY, found)
    return Finding("processor", Level.OK, f"computes rightly: {same}", facts=found)
