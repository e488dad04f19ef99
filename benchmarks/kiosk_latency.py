"""From a finger's last byte at the kiosk to what the officer sees: the verdict, and "saved".

    python -m benchmarks.kiosk_latency --bookings 25

The officer's own time, between the verdict and the tap on "accept", is left out: the sum of the two parts is what the
machine takes. The sensor is emulated and unpaced, the page is read through its stream as a browser reads it.
"""

from __future__ import annotations

import json
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from edge_service.clock import SystemClock
from edge_service.extraction import Extractor
from edge_service.kiosk.kiosk import Kiosk, users_file
from edge_service.kiosk.settings import KioskSettings
from edge_service.kiosk.users import Users
from edge_service.sensors import ZfmSensor
from edge_service.settings import CaptureSettings, SpoolSettings
from edge_service.spool import Spool
from hardware.bench.emulator import SensorEmulator
from models.synthetic import impression, master

BAR_MS = 300.0
PIN = "493817"
DEVICE = "bench-kiosk"
POSITIONS = (2, 3, 7, 8)
PATIENCE_S = 30.0


class Page:
    """Reads the stream and notes when each state arrived; asks as the page does."""

    def __init__(self, port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(
            base_url=url, headers={"X-Whorl-Kiosk": "1", "Origin": url}, timeout=PATIENCE_S
        )
        self._news = threading.Condition()
        self._state: dict[str, Any] = {}
        self._at = 0.0

    def unlock(self) -> None:
        """Unlock, then listen."""
        self.ask("unlock", {"code": PIN})
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, path: str, body: object = None) -> None:
        """One request of the page."""
        self._client.post(f"/api/{path}", json=body).raise_for_status()

    def await_state(self, step: str, phase: str = "", position: int = 0) -> tuple[float, dict[str, Any]]:
        """When such a state arrived, and the state."""

        def there() -> bool:
            press = self._state.get("press") or {}
            return self._state.get("step") == step and (
                not phase or (press.get("phase") == phase and press.get("position") == position)
            )

        with self._news:
            if not self._news.wait_for(there, PATIENCE_S):
                raise TimeoutError(f"{step} {phase} never came: {self._state}")
            return self._at, self._state

    def picture(self, key: str) -> float:
        """When the image had been fetched, too."""
        self._client.get(f"/picture/{key}").raise_for_status()
        return time.monotonic()

    def _listen(self) -> None:
        try:
            with self._client.stream("GET", "/stream") as answer:
                event = ""
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        event = line[7:]
                    elif line.startswith("data: ") and event == "state":
                        with self._news:
                            self._state, self._at = json.loads(line[6:]), time.monotonic()
                            self._news.notify_all()
        except httpx.HTTPError:
            return  # the kiosk has ended


class LastByte:
    """The sensor, and when the last byte of its last image had arrived."""

    def __init__(self, sensor: ZfmSensor) -> None:
        self._sensor = sensor
        self.at = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the sensor has
        return getattr(self._sensor, name)

    def capture(self, **how: Any) -> Any:  # noqa: ANN401 - the sensor's own
        """As the sensor's."""
        frame = self._sensor.capture(**how)
        self.at = frame.captured_at + frame.transfer_s
        return frame


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _book(
    page: Page, emulator: SensorEmulator, sensor: LastByte, images: list[Any], number: int
) -> list[float]:
    """One booking; verdict, saving and their sum for its last finger, verdicts for the others, in ms."""
    page.ask("new")
    page.ask("form", {"number": f"N-{number}", "charge_class": "other", "disposition": "charged"})
    page.ask("take", {"fingers": dict.fromkeys(map(str, POSITIONS), "print")})
    verdict_ms = saved_ms = 0.0
    for position, image in zip(POSITIONS, images, strict=True):
        page.await_state("capture", "press", position)
        emulator.enqueue([image])
        emulator.next_finger()
        _, state = page.await_state("capture", "review", position)
        verdict_ms = (page.picture(state["press"]["image"]) - sensor.at) * 1000
        tapped = time.monotonic()
        page.ask("accept", {"position": position, "attempt": 1})
        if position == POSITIONS[-1]:
            saved_ms = (page.await_state("result")[0] - tapped) * 1000
    page.ask("done")
    page.await_state("home")
    return [verdict_ms, saved_ms, verdict_ms + saved_ms]


def main(
    *,
    bookings: Annotated[int, typer.Option(min=2, help="How many bookings of four fingers.")] = 25,
    output: Annotated[Path | None, typer.Option(help="Figures as JSON, too.")] = None,
) -> None:
    """Measure, and print a table."""
    images = [impression(master(300 + k), 2) for k in range(len(POSITIONS))]
    with (
        tempfile.TemporaryDirectory(prefix="whorl-kiosk-") as name,
        SensorEmulator(auto_next=True) as emulator,
    ):
        folder = Path(name)
        settings = KioskSettings(port=_free_port(), accept_good_after_s=0.0)
        Users(users_file(settings, folder / "spool.db")).add("bench", PIN, kind="pin")
        with Spool(folder / "spool.db", device=DEVICE, max_submissions=2 * bookings + 20) as spool:
            sensor = LastByte(ZfmSensor(emulator.path, model="R307"))
            with Kiosk(
                settings,
                device=DEVICE,
                sensor=sensor,  # pyright: ignore[reportArgumentType] - it passes everything on
                extractor=Extractor.load(),
                spool=spool,
                clock=SystemClock(store=spool),
                capture=CaptureSettings(),
                spool_settings=SpoolSettings(),
                wake_uplink=lambda: None,
                connected=lambda: False,
            ):
                page = Page(settings.port)
                page.unlock()
                rows: list[list[float]] = []
                with typer.progressbar(range(bookings), label="bookings") as numbers:
                    rows.extend(_book(page, emulator, sensor, images, number) for number in numbers)
            sensor.close()
    names = (
        "last byte -> verdict and image",
        "tap -> saved on the page",
        "last byte -> saved, the tap aside",
    )
    figures: dict[str, dict[str, float]] = {}
    typer.echo(f"{'ms':36}{'median':>9}{'95 %':>9}{'worst':>9}")
    for label, column in zip(names, zip(*rows, strict=True), strict=True):
        high = statistics.quantiles(column, n=20)[-1]
        figures[label] = {"median": statistics.median(column), "p95": high, "worst": max(column)}
        typer.echo(f"{label:36}" + "".join(f"{value:9.0f}" for value in figures[label].values()))
    typer.echo(f"bar: {BAR_MS:.0f} ms in all; {bookings} bookings of {len(POSITIONS)} fingers")
    if output is not None:
        output.write_text(
            json.dumps({"bookings": bookings, "bar_ms": BAR_MS, "ms": figures}, indent=1) + "\n"
        )


if __name__ == "__main__":
    typer.run(main)
