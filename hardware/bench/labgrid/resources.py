"""What is plugged into a virtual bench. For a real one labgrid has all resources: ports, relays, hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attr
from labgrid.factory import target_factory
from labgrid.resource import Resource

if TYPE_CHECKING:
    from typing import Any

_is = attr.validators.instance_of


@target_factory.reg_resource
@attr.s(eq=False)
class EmulatedSensor(Resource):
    """A fingerprint sensor that `hardware.bench.emulator` plays.

    Args:
        model: "R307" or "R503".
        baud: its rate when it is switched on.
        packet_bytes: content of a data packet: 32, 64, 128 or 256.
        speed: 1.0 paces bytes as the wire would, 10.0 ten times as fast, 0.0 not at all.
    """

    model: Any = attr.ib(default="R307", validator=_is(str))
    baud: Any = attr.ib(default=57_600, validator=_is(int))
    packet_bytes: Any = attr.ib(default=128, validator=_is(int))
    speed: Any = attr.ib(default=0.0, validator=_is(float))


@target_factory.reg_resource
@attr.s(eq=False)
class VirtualSensorBoard(Resource):
    """A sensor board played by the real firmware in the real interpreter, `hardware.bench.virtual_board`.

    As on a real board, the firmware is compiled, lies in two slots, and can be updated.

    Args:
        interpreter: "micropython", "cpython", or None for the first of them that is there.
        heap: memory of the interpreter, as its `-X heapsize=` takes it.
        detect_line: whether the sensor's finger line is wired.
    """

    interpreter: Any = attr.ib(default=None, validator=attr.validators.optional(_is(str)))
    heap: Any = attr.ib(default="264k", validator=_is(str))
    detect_line: Any = attr.ib(default=True, validator=_is(bool))
