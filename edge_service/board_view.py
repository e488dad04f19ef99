"""The sensor board drawn on a terminal: its report, its counters, a line on what it does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.table import Table

from edge_service.board_words import counter_words, duration_words, error_words, state_words
from edge_service.sensors.board.answers import BOARD_WORDS, RESET_WORDS, model_name
from edge_service.sensors.board.errors import BoardRefused
from edge_service.sensors.board.pairing import NO_KEY
from edge_service.sensors.board.readiness import STARTING
from edge_service.sensors.errors import SensorError
from edge_service.sensors.parameters import BoardTiming
from firmware.core import codes

if TYPE_CHECKING:
    from edge_service.sensors.board import Board
    from edge_service.sensors.board.answers import Identity, SensorAnswer, Status

RESETS_TO_LOOK_AT = frozenset({codes.RESET_WATCHDOG, codes.RESET_FALL_BACK, codes.RESET_BROWN_OUT})


@dataclass
class BoardReport:
    """What `edge-service board status` tells: facts in order, and each problem with what to do about it."""

    facts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    problems: list[str] = field(default_factory=list[str])
    counters: dict[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(cls, board: Board) -> Self:
        """Ask the board all there is to ask; a sensor that starts up is waited for.

        Raises SensorError when nothing answers at all.
        """
        report = cls()
        identity = report._identify(board)
        report._add("port", board.path)
        report._take_identity(identity)
        if identity.proven:
            try:
                report._take_status(_settled(board), board.sensor())
                report.counters = board.counters()
            except SensorError as error:
                report.problems.append(str(error))
        return report

    def show(self, console: Console | None = None) -> None:
        """Draw it."""
        console = console or Console(highlight=False)
        table = Table(show_header=False, box=None, padding=(0, 2))
        for name, words in self.facts:
            table.add_row(f"[dim]{name}[/]", words)
        console.print(table)
        if any(self.counters.values()):
            console.print()
            console.print(counter_table(self.counters))
        console.print()
        for problem in self.problems:
            console.print(f"[bold red]![/] {problem}")
        if not self.problems:
            console.print("[green]All is well.[/]")

    def _identify(self, board: Board) -> Identity:
        """Who is there, with whatever the kiosk's rules have against it."""
        try:
            return board.open()
        except BoardRefused as error:
            self.problems.append(str(error))
        try:
            key = board.pairing.read().key
        except BoardRefused:
            key = NO_KEY
        identity = board.open_with(key)
        return identity if identity.proven or key == NO_KEY else board.open_with(NO_KEY)

    def _take_identity(self, identity: Identity) -> None:
        flags = identity.flags
        kind = BOARD_WORDS.get(identity.board, f"kind {identity.board}")
        self._add("board", f"{identity.unique} ({kind})")
        trial = ", on trial" if flags.on_trial else ""
        self._add("firmware", f"{identity.version or 'unnamed'}, slot {identity.slot}{trial}")
        if not identity.proven:
            self._add("pairing", "not with this kiosk (nothing here is proven)")
        else:
            self._add("pairing", "paired" if flags.paired else "none")
        self._add("tampered", "[bold red]yes[/]" if flags.tampered else "no")
        self._add("lid", "open" if flags.lid_open else "closed")
        self._add("last start", RESET_WORDS.get(identity.reset_cause, f"cause {identity.reset_cause}"))
        self._add("running for", duration_words(identity.uptime_ms))
        if flags.lid_open and not self.problems:
            self.problems.append("The lid is open: close it.")
        if flags.on_trial:
            self.problems.append("The firmware is on trial. Look at it: edge-service firmware status")
        if identity.reset_cause in RESETS_TO_LOOK_AT:
            self.problems.append(
                f"The last start: {RESET_WORDS[identity.reset_cause]}. Once is no harm; if it comes back, look at"
                " the supply and update the firmware."
            )

    def _take_status(self, status: Status, sensor: SensorAnswer) -> None:
        found = status.state not in STARTING and status.state != codes.STATE_FAULT
        self._add("sensor", self._sensor_words(sensor) if found else "[red]none found[/]")
        self._add("state", state_words(status.state, status.error))
        if status.state == codes.STATE_FAULT:
            self.problems.append(
                f"The sensor: {error_words(status.error)}. Check the cable between board and sensor, then:"
                " edge-service board reboot"
            )
        if status.flags.emptied:
            self._add("found", "somebody had stored prints on the sensor; they were erased")

    @staticmethod
    def _sensor_words(sensor: SensorAnswer) -> str:
        model = model_name(sensor.model) or "its model shows with the first image"
        size = f", {sensor.width} x {sensor.height} pixels" if sensor.width else ""
        emptied = "its library is empty" if sensor.library_emptied else "[red]its library is not empty[/]"
        return f"{model}{size}, {sensor.baud} baud, {emptied}"

    def _add(self, name: str, words: str) -> None:
        self.facts.append((name, words))


def _settled(board: Board) -> Status:
    """The status, once the sensor is found or is not."""
    deadline = time.monotonic() + BoardTiming().ready_s
    while (status := board.status()).state in STARTING and time.monotonic() < deadline:
        board.next_event()
    return status


def counter_table(counts: dict[str, int]) -> Table:
    """The counts that are not zero, in words."""
    table = Table("since the counters were new", "", box=None, padding=(0, 2), header_style="dim")
    for name, count in counts.items():
        if count:
            table.add_row(counter_words(name), str(count))
    return table


def state_line(status: Status) -> str:
    """One line on what the board does."""
    flags = status.flags
    parts = [
        state_words(status.state, status.error),
        "lid open" if flags.lid_open else "lid closed",
        "button held" if flags.button else "button free",
    ]
    if status.geometry.size and status.bytes_so_far:
        parts.append(f"image {status.bytes_so_far} of {status.geometry.size} bytes, score {status.score}")
    if flags.tampered:
        parts.append("TAMPERED")
    return ", ".join(parts)
