"""The firmware's sensor session alone, without its link: run by tests/system/test_firmware_sensor.py.

    micropython -X heapsize=264k tests/firmware/helpers/session_driver.py sensor=/tmp/x control=5 baud=0 ...

Takes `capture MS LOOKS`, `lift MS`, `cancel`, `cycle` from the control line, one at a time; says `power 0|1`,
`state N`, and at the end of each job `end` with names and values.
"""

import sys

sys.path.insert(0, ".")

from binascii import hexlify

from firmware.core.counters import NAMES, Counters
from firmware.core.image import ImageBuffer
from firmware.core.session import SensorSession
from firmware.unix.interpreter import FdPort
from firmware.unix.sensor_port import SensorUart
from firmware.unix.unix_clock import UnixClock


class ControlledBoard:
    """Power switch and light as lines of text."""

    name = "unix"
    has_detect_line = False

    def __init__(self, control):
        self._control = control

    def say(self, line):
        data = bytearray(line.encode() + b"\n")
        self._control.write(data, 0, len(data))

    def sensor_power(self, on):
        self.say("power %d" % on)

    def led(self, pattern):
        self.say("led %d" % pattern)


def words():
    return dict([word.split("=", 1) for word in sys.argv[1:]])


def report(board, session, image, counters):
    info = session.info
    hashed = bytearray(32)
    image.sha256_into(hashed)
    facts = [
        ("state", session.state),
        ("error", session.error),
        ("detail", session.detail),
        ("bytes", image.length if image.complete else 0),
        ("sha256", hexlify(hashed).decode()),
        ("score", image.score),
        ("wire_ms", session.wire_ms),
        ("generation", image.generation),
        ("model", info.model),
        ("baud", info.baud),
        ("packet_bytes", info.packet_bytes),
        ("remember", session.baud_to_remember),
        ("emptied", int(info.library_emptied)),
    ]
    facts += [(NAMES[at], counters.values[at]) for at in range(len(NAMES)) if counters.values[at]]
    board.say("end " + " ".join(["%s=%s" % fact for fact in facts]))


def main():
    given = words()
    image = ImageBuffer()
    counters = Counters()
    clock = UnixClock(haste=int(given["haste"]))
    control = FdPort(int(given["control"]))
    clock.watch(control.pollable)
    board = ControlledBoard(control)
    session = SensorSession(
        port=SensorUart(given["sensor"], clock=clock),
        board=board,
        clock=clock,
        counters=counters,
        image=image,
        remembered_baud=int(given["baud"]),
        password=int(given["password"]),
        model=int(given["model"]),
    )
    heard = bytearray(64)
    busy = False
    while not control.ended:
        session.step()
        clock.idle(1)
        if busy and not session.busy:
            busy = False
            report(board, session, image, counters)
        got = control.read_into(heard, 64)
        if got > 0:
            line = bytes(heard[:got]).decode().split()
            if line[0] == "capture":
                busy = session.start_capture(int(line[1]), int(line[2]))
            elif line[0] == "lift":
                busy = session.start_lift(int(line[1]))
            elif line[0] == "cancel":
                session.cancel()
            elif line[0] == "cycle":
                session.power_cycle()


main()
