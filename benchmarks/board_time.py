"""`python -m benchmarks.board_time`: does the board add to the sensor's time?

The real firmware in the real interpreter, between a sensor emulator that is as slow as the wire and the driver of the
edge service. An image's time is counted from the first byte of the sensor's answer to UpImage until the driver hands
the image over; the wire's own time is that of the bytes of the answer, ten bits each. A restart's time is counted from
the board's reset until the driver says that the sensor is ready; the sensor's own time within it is its start-up, its
processing, and the bytes that both have said. Nothing is scaled: what both times hold is from one and the same run.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.board_bench import flash_of_a_new_board, pair
from edge_service.sensors.board import BoardSensor
from edge_service.sensors.models import find_model
from edge_service.sensors.parameters import BoardTiming
from edge_service.sensors.zfm_codes import Confirmation, Instruction, Pid
from edge_service.sensors.zfm_frame import acknowledgement, command
from hardware.bench.emulator import SensorEmulator
from hardware.bench.parameters import BITS_PER_BYTE_ON_WIRE, BOOT_S, PROCESSING_S
from hardware.bench.trace_cleaning import made_up_print
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.wire import Direction, Wire
from hardware.bench.zfm_module import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.sensors.zfm_frame import Packet
    from hardware.bench.zfm_module import ZfmModule

BAR_FACTOR, BAR_MS, BAR_RESTART_S = 1.05, 150.0, 2.0
MODELS, BAUDS, PACKETS = ("R307", "R503"), (57_600, 115_200), (32, 64, 128, 256)
_SETTLED_S = 1.5  # a board writes what it has found out about its sensor into its flash within a second
_TITLE = "ms: the image on the wire and on the Pi; a restart, the sensor's share of it and ours"
_ASKING = command(Instruction.UP_IMAGE)
_ANSWER_BYTES = len(acknowledgement(Confirmation.OK))
_OVERHEAD_BYTES = 11


@dataclass
class Watch:
    """What the sensor's wire carries, and when."""

    bytes: int = 0
    asked: bytes = b""
    started: float | None = None
    commands: int = 0

    def tap(self, direction: Direction, data: bytes) -> None:
        """For `Wire`."""
        self.bytes += len(data)
        if direction is Direction.DOWN:
            self.asked = (self.asked + data)[-64:]
            if _ASKING in self.asked:
                self.asked, self.started = b"", None
        elif self.started is None:
            self.started = time.monotonic()


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="Images of each kind.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Only 115,200 baud and 128-byte packets.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Time images and restarts through the board, against the sensor's own time; exit code 1 above the bar.

    Example: python -m benchmarks.board_time --repeats 3
    """
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    console = Console(stderr=True)
    cases = [
        (model, baud, size)
        for model in MODELS
        for baud in (BAUDS[-1:] if quick else BAUDS)
        for size in ((128,) if quick else PACKETS)
    ]
    table = Table(
        "Sensor", "baud", "packet", "wire's own", "image on the Pi", "bar", "restart", "sensor's own", "ours"
    )
    rows: list[dict[str, float | int | str]] = []
    with tempfile.TemporaryDirectory(prefix="whorl-firmware-") as folder:
        flash = flash_of_a_new_board(Path(folder))
        for model, baud, size in track(cases, description="Timing", console=console):
            row = measure(flash, model=model, baud=baud, packet_bytes=size, repeats=repeats)
            rows.append(row)
            table.add_row(
                model,
                str(baud),
                str(size),
                f"{row['wire_ms']:.0f}",
                f"{row['image_ms']:.0f}",
                f"{row['bar_ms']:.0f}",
                f"{row['restart_ms']:.0f}",
                f"{row['restart_sensor_ms']:.0f}",
                f"{row['restart_ours_ms']:.0f}",
            )
    console.print(table)
    late = [row for row in rows if row["image_ms"] > row["bar_ms"]]  # pyright: ignore[reportOperatorIssue]
    slow = [row for row in rows if row["restart_ours_ms"] > BAR_RESTART_S * 1000]  # pyright: ignore[reportOperatorIssue]
    text = json.dumps(
        {
            "images": rows,
            "above_the_bar": len(late) + len(slow),
            "machine": {"processor": platform.processor() or platform.machine()},
        },
        indent=2,
    )
    print(text)
    if json_file is not None:
        json_file.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(1 if late or slow else 0)


def measure(
    flash: Path, *, model: str, baud: int, packet_bytes: int, repeats: int
) -> dict[str, float | int | str]:
    """One kind of sensor: the slowest of `repeats` images, and the slower of two restarts, in ms."""
    import shutil

    known = find_model(model)
    watch = Watch()
    with (
        tempfile.TemporaryDirectory(prefix="whorl-time-") as folder,
        SensorEmulator(model, baud=baud, packet_bytes=packet_bytes, speed=1.0) as sensor,
        Wire(name="sensor", tap=watch.tap) as wire,
    ):
        sensor.inspect(keep_settings)
        own_flash = shutil.copytree(flash, Path(folder) / "flash")
        pairing = Path(folder) / "pairing.json"
        with VirtualBoard(sensor, firmware=own_flash, sensor_wire=wire, lid_open=True) as board:
            pair(board, pairing, timing=BoardTiming())
            with BoardSensor(board.path, pairing=pairing, model=model) as driver:
                driver.connect(timeout_s=20.0)
                sensor.present(made_up_print(known.width, known.height))
                images = [_image_ms(driver, watch) for _ in range(repeats)]
                driver.close()
                restarts = [_restart_ms(board, driver, sensor, watch, baud) for _ in range(2)]
    packets = -(-known.image_bytes // packet_bytes)
    bytes_of_image = _ANSWER_BYTES + known.image_bytes + packets * _OVERHEAD_BYTES
    wire_ms = bytes_of_image * BITS_PER_BYTE_ON_WIRE / baud * 1000
    restart_ms, sensor_ms = max(restarts, key=lambda pair: pair[0] - pair[1])
    return {
        "model": model,
        "baud": baud,
        "packet_bytes": packet_bytes,
        "wire_ms": wire_ms,
        "image_ms": max(images),
        "bar_ms": wire_ms * BAR_FACTOR + BAR_MS,
        "restart_ms": restart_ms,
        "restart_sensor_ms": sensor_ms,
        "restart_ours_ms": restart_ms - sensor_ms,
    }


def keep_settings(module: ZfmModule) -> None:
    """Let the module refuse a new baud rate and packet size: the firmware would raise both."""
    handle: Callable[[Packet], Reply] = module.handle

    def stubborn(packet: Packet) -> Reply:
        if packet.pid == Pid.COMMAND and packet.content[:1] == bytes([Instruction.SET_SYS_PARA]):
            return Reply([acknowledgement(Confirmation.BAD_CONFIGURATION)])
        return handle(packet)

    module.handle = stubborn


def _image_ms(driver: BoardSensor, watch: Watch) -> float:
    driver.capture(timeout_s=10.0)
    assert watch.started is not None, "no image went over the sensor's wire"
    return (time.monotonic() - watch.started) * 1000


def _restart_ms(
    board: VirtualBoard, driver: BoardSensor, sensor: SensorEmulator, watch: Watch, baud: int
) -> tuple[float, float]:
    """All of it, and the sensor's share."""
    time.sleep(_SETTLED_S)
    heard = len(sensor.heard())
    watch.bytes = 0
    started = time.monotonic()
    board.reset("power")
    driver.connect(timeout_s=20.0)
    took_ms = (time.monotonic() - started) * 1000
    driver.close()
    processing_s = sum(PROCESSING_S.get(code, 0.0) for code in sensor.heard()[heard:])
    sensor_s = BOOT_S + processing_s + watch.bytes * BITS_PER_BYTE_ON_WIRE / baud
    return took_ms, sensor_s * 1000


if __name__ == "__main__":
    typer.run(main)
