"""`python -m demo`: what `make demo` runs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

CROWD, CROWD_BESIDE_OWN = 2000, 200
WIRE_SPEED, FAST = 1.0, 0.0


def main(
    *,
    prints: Annotated[
        Path | None,
        typer.Option(help="Folder of your own images, <finger>_<impression>.png|tif|bmp|wsq, at 500 dpi."),
    ] = None,
    pictures: Annotated[Path, typer.Option(help="Where the pictures go.")] = Path("runs/demo"),
    crowd: Annotated[
        int | None, typer.Option(min=0, max=20_000, help="Simulated strangers in each repository.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0, help="Pace of the sensor's wire: 1 as it is, 10 ten times, 0 unpaced."),
    ] = None,
    direct: Annotated[
        bool,
        typer.Option("--direct", help="Leave the sensor board out: the sensor straight on the kiosk's wire."),
    ] = False,
    secure: Annotated[
        bool,
        typer.Option("--secure", help="Let the kiosk in by a one-time code; certificates, and all sealed."),
    ] = False,
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave the console running at the end, with people to sign in as.")
    ] = False,
) -> None:
    """The main job, shown: bookings from the sensor to the reply and all that follows, or your own prints.

    Examples:
      python -m demo

      python -m demo --speed 0 --crowd 100

      python -m demo --direct

      python -m demo --secure

      python -m demo --stay

      python -m demo --prints ~/my-prints
    """
    # What is open is closed on the way out, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    from rich.console import Console

    console = Console(highlight=False)
    try:
        from demo.cast import CastError
        from demo.sharing import SharingError
        from demo.story import Demo, greeting, tell
        from edge_service.errors import EdgeError
        from edge_service.extraction import ExtractionError, Extractor
        from edge_service.sensors import SensorError
        from hardware.bench.broker import BrokerMissing
        from hardware.bench.process import ProcessError
    except ImportError as error:
        console.print(f"[red]{error}. Set up first: make setup[/]")
        raise typer.Exit(1) from error
    console.print(greeting(direct=direct))
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.png"):
        old.unlink()
    try:
        demo = Demo(
            console=console,
            extractor=Extractor.load(),
            pictures=pictures,
            crowd=crowd if crowd is not None else (CROWD_BESIDE_OWN if prints else CROWD),
            speed=speed if speed is not None else (FAST if prints else WIRE_SPEED),
            direct=direct,
            secure=secure,
        )
        right = demo.own_prints(prints) if prints else demo.bookings(stay=stay)
    except (
        CastError, SharingError, BrokerMissing, ProcessError, ExtractionError, EdgeError, SensorError,
    ) as error:  # fmt: skip
        console.print(f"[red]{error}[/]")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        console.print("Stopped.")
        raise typer.Exit(130) from None
    tell(console.print, pictures)
    if not right and not prints:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
