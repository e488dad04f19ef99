"""One run: harm, capture, judge; heal, capture again, judge that."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.board_faults.plan import finger_of
from edge_service.sensors import SensorError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.board_faults.plan import Plan
    from benchmarks.board_faults.rig import Rig

IMAGE = "image"


@dataclass(slots=True)
class Verdict:
    """What came of a run.

    Attributes:
        number: of the run.
        kind: of its first trouble.
        troubles: what was planned.
        happened: what took place of it on the wires.
        outcome: "image", or the name of the error.
        message: of the error.
        took_ms: until the outcome.
        recovered_ms: of the capture afterwards.
        failure: what must not be; "" is a pass.
    """

    number: int
    kind: str
    troubles: list[str]
    happened: list[str] = field(default_factory=list)
    outcome: str = ""
    message: str = ""
    took_ms: float = 0.0
    recovered_ms: float = 0.0
    failure: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the progress file."""
        return asdict(self)


def run_once(rig: Rig, plan: Plan, *, seed: int) -> Verdict:
    """One run on a bench that is well before and has to be well after it."""
    verdict = Verdict(plan.number, plan.kind, [str(trouble) for trouble in plan.troubles])
    truth = rig.present(finger_of(seed, plan.number, 0, rig.kind.model))
    rig.harm(plan)
    verdict.outcome, verdict.message, verdict.failure, verdict.took_ms = _capture(rig, truth)
    verdict.happened = rig.happened()
    rig.heal()
    truth = rig.present(finger_of(seed, plan.number, 1, rig.kind.model))
    outcome, message, failure, verdict.recovered_ms = _capture(rig, truth)
    ailments = rig.ailments()
    if not verdict.failure and (failure or outcome != IMAGE):
        verdict.failure = f"no recovery: {failure or outcome} {message}"
    if ailments and not verdict.failure:
        verdict.failure = "; ".join(ailments)
    return verdict


def _capture(rig: Rig, truth: NDArray[np.uint8]) -> tuple[str, str, str, float]:
    """Outcome, message, failure, milliseconds."""
    started = time.monotonic()
    failure = message = ""
    try:
        frame = rig.capture()
        outcome = IMAGE
        if _sha256(frame.pixels) != _sha256(truth):
            failure = f"wrong image: {_difference(frame.pixels, truth)}"
    except SensorError as error:
        outcome, message = type(error).__name__, str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        outcome, message = type(error).__name__, str(error)
        failure = f"an error without a name: {error!r}"
    took_s = time.monotonic() - started
    if took_s > rig.limit_s and not failure:
        failure = f"too late: {took_s:.1f} s of {rig.limit_s:.1f} s"
    return outcome, message, failure, took_s * 1000


def _sha256(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).digest()


def _difference(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> str:
    if found.shape != truth.shape:
        return f"{found.shape} instead of {truth.shape}"
    differs = (found != truth).ravel()
    rows = found.shape[1]
    first, last = int(differs.argmax()) // rows, (len(differs) - 1 - int(differs[::-1].argmax())) // rows
    return f"{int(differs.sum())} of {truth.size} pixels differ, rows {first} to {last}"
