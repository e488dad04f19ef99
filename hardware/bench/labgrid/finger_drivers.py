"""Who puts a finger on a real sensor: a person, or a rubber stamp on a solenoid."""

from __future__ import annotations

from labgrid.driver import Driver
from labgrid.factory import target_factory
from labgrid.protocol import DigitalOutputProtocol
from labgrid.step import step

from hardware.bench.labgrid.person import say
from hardware.bench.labgrid.protocols import FingerProtocol

_FINGERS = 10


@target_factory.reg_driver
class PersonFingerDriver(Driver, FingerProtocol):
    """Asks the person at the bench. Their prints are theirs: see "Prints of real people" in the README."""

    needs_person = True

    @Driver.check_active
    @step(args=["number"])
    def press(self, number: int) -> None:
        """Ask for a finger; the sensor notices when it is there."""
        say(f"Finger {number % _FINGERS + 1}: press it on the window and hold it still")

    @Driver.check_active
    @step()
    def lift(self) -> None:
        """Ask for the window."""
        say("Lift the finger")


@target_factory.reg_driver
class StampFingerDriver(Driver, FingerProtocol):
    """A silicone stamp with ridges, pressed on the window by whatever the digital output switches."""

    bindings = {"output": DigitalOutputProtocol}  # noqa: RUF012 - labgrid's way
    output: DigitalOutputProtocol
    needs_person = False

    @Driver.check_active
    @step(args=["number"])
    def press(self, number: int) -> None:
        """Lower the stamp; it has one print, whatever the number."""
        del number
        self.output.set(True)

    @Driver.check_active
    @step()
    def lift(self) -> None:
        """Raise the stamp."""
        self.output.set(False)
