"""The command line of the kiosk: `edge-service`. Each command is one small function."""

from __future__ import annotations

import logging
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.board_command import app as board_app
from edge_service.doctor_command import doctor, support_bundle
from edge_service.extract_command import extract
from edge_service.firmware_command import app as firmware_app
from edge_service.kiosk.command import kiosk, users_app
from edge_service.ops.settings_command import app as settings_app
from edge_service.provision_command import provision
from edge_service.running_parts import (
    delivering_from,
    make_ops,
    make_uplink,
    open_images,
    open_spool,
    said_ready,
)
from edge_service.spool_command import app as spool_app
from interchange.command_line import Config, Set, fail, settings_or_fail
from interchange.shutdown import stop_on_signals

if TYPE_CHECKING:
    from edge_service.settings import EdgeSettings

log = logging.getLogger("edge")

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The kiosk's service: prints in, replies out."
)

# Right and left index and middle finger: the best four for the time they take.
DEFAULT_POSITIONS = "2,3,7,8"

app.command()(doctor)
app.command()(extract)
app.command()(kiosk)
app.command("support-bundle")(support_bundle)
app.command()(provision)
app.add_typer(board_app, name="board")
app.add_typer(firmware_app, name="firmware")
app.add_typer(users_app, name="kiosk-users")
app.add_typer(settings_app, name="settings")
app.add_typer(spool_app, name="spool")


@app.command()
def run(
    *,
    config: Config = None,
    assign: Set = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written once the service is ready.")] = None,
) -> None:
    """Deliver saved bookings and fetch replies, until SIGTERM."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    settings = _settings(config, assign)
    with open_spool(settings) as opened, delivering_from(opened), open_images(settings, opened) as images:
        uplink = make_uplink(settings, opened, images)
        ops = make_ops(settings, opened, uplink)
        uplink.start()
        ops.start()
        with said_ready(ready_file):
            stopping.wait()
            ops.stop()
            uplink.stop()
    log.info("stopped")


@app.command()
def book(
    *,
    config: Config = None,
    assign: Set = None,
    positions: Annotated[
        str, typer.Option(help="Fingers, 1-5 right thumb to little, 6-10 left.")
    ] = DEFAULT_POSITIONS,
) -> None:
    """Take one booking at the sensor and show the reply. Works beside a running service, or alone."""
    from edge_service.booking_view import BookingView
    from edge_service.clock import SystemClock
    from edge_service.errors import EdgeError
    from edge_service.extraction import ExtractionError, Extractor
    from edge_service.reader import fingerprint_reader
    from edge_service.sensors import SensorError
    from edge_service.service import EdgeService
    from edge_service.uplink_lock import UplinkLock

    stopping = threading.Event()
    stop_on_signals(stopping)
    settings = _settings(config, assign, quiet=True)
    fingers = _positions(positions)
    with open_spool(settings) as opened, open_images(settings, opened) as images, BookingView() as view:
        lock = UplinkLock(opened.path)
        # Without a running service this process speaks to the matcher itself.
        uplink = make_uplink(settings, opened, images) if lock.acquire() else None
        reader = fingerprint_reader(settings)
        try:
            if uplink is not None:
                uplink.start()
            service = EdgeService(
                device=settings.device,
                sensor=reader,
                extractor=Extractor.load(),
                spool=opened,
                clock=SystemClock(store=opened),
                wake_uplink=uplink.wake if uplink is not None else lambda: None,
                events=view.show,
                capture=settings.capture,
                uplink=settings.uplink,
                cancel=stopping,
                images=images,
            )
            view.summarise(service.book(fingers))
        except (EdgeError, ExtractionError, SensorError) as error:
            fail(error)
        finally:
            reader.close()
            if uplink is not None:
                uplink.stop()
            lock.release()


def _settings(config: Path | None, assign: list[str] | None, *, quiet: bool = False) -> EdgeSettings:
    from edge_service.settings import EdgeSettings

    return settings_or_fail(EdgeSettings, config, assign, quiet=quiet)


def _positions(text: str) -> list[int]:
    try:
        positions = [int(word) for word in text.split(",")]
    except ValueError:
        positions = []
    if not positions or len(set(positions)) != len(positions) or not set(positions) <= set(range(1, 11)):
        fail("--positions: expected different numbers from 1 to 10 with commas between, for example 2,3,7,8")
    return positions
