"""`python -m benchmarks.board_faults.residue`: what the sums and the length of a sensor's image let through.

Harms the bytes of one attempt to fetch an R307's image, without any firmware, and counts how often the sums and
the length of the image all come out right and the image is wrong: what no receiver of a single attempt can tell.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from benchmarks.board_faults.plan import finger_of
from benchmarks.board_faults.troubles import KINDS, SENSOR_UP, RigKind
from edge_service.sensors.zfm_codes import Confirmation, Pid
from edge_service.sensors.zfm_frame import Damage, FrameParser, acknowledgement, data_packets
from hardware.bench.finger_images import pack_image
from hardware.bench.wire_faults import FaultScript

if TYPE_CHECKING:
    from benchmarks.board_faults.troubles import Maker, Trouble

RIG = RigKind("R307", packet_bytes=128, baud=57_600, detect_line=True)
FINGERS = 6


def main(
    *,
    attempts: Annotated[int, typer.Option(min=1, help="For each kind of trouble.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 5,
) -> None:
    """Print, for each kind of trouble on the way up from the sensor, how often nobody could have noticed.

    Example: python -m benchmarks.board_faults.residue --attempts 40000
    """
    from rich.console import Console
    from rich.progress import track

    images = [pack_image(finger_of(seed, n, 0, RIG.model)) for n in range(FINGERS)]
    streams = [
        acknowledgement(Confirmation.OK) + b"".join(data_packets(image, RIG.packet_bytes)) for image in images
    ]
    console = Console(stderr=True)
    found: dict[str, dict[str, int]] = {}
    for kind, make in sorted(_makers().items()):
        rng = np.random.default_rng((seed, len(found)))
        tally = {"noticed": 0, "right": 0, "wrong": 0}
        for number in track(range(attempts), description=kind, console=console, transient=True):
            at = number % FINGERS
            tally[outcome(streams[at], images[at], make(rng, RIG))] += 1
        found[kind] = tally
        console.print(f"{kind}: {tally}")
    print(json.dumps({"attempts": attempts, "seed": seed, "kinds": found}, indent=2))


def outcome(stream: bytes, image: bytes, trouble: Trouble) -> str:
    """What a receiver of this one attempt makes of it: "noticed", "right" or "wrong"."""
    script = FaultScript(list(trouble.incidents))
    got = bytearray()
    for event in FrameParser().feed(
        b"".join(part for part in script.feed(stream) if isinstance(part, bytes))
    ):
        if isinstance(event, Damage):
            return "noticed"
        if event.pid in {Pid.DATA, Pid.END}:
            got += event.content
            if event.pid == Pid.END:
                break
    if len(got) != len(image):
        return "noticed"
    return "right" if bytes(got) == image else "wrong"


def _makers() -> dict[str, Maker]:
    """Those that harm bytes on the way up, by the name of what they make."""
    rng = np.random.default_rng(0)
    made = {make: make(rng, RIG) for make, _, _ in KINDS}
    return {
        trouble.kind: make
        for make, trouble in made.items()
        if trouble.where == SENSOR_UP and trouble.kind.startswith(SENSOR_UP) and "delay" not in trouble.kind
    }


if __name__ == "__main__":
    typer.run(main)
