"""`matcher-service convert`: templates and pictures from one format to another."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from interchange.command_line import fail
from matcher_service.commands.exchange_files import check_new, write_new
from matcher_service.commands.shared import plain_errors


def convert(
    source: Annotated[Path, typer.Argument(help="A template or a picture of a print.", show_default=False)],
    target: Annotated[Path, typer.Argument(help="New file; its ending says the format.", show_default=False)],
    *,
    finger: Annotated[int, typer.Option(min=0, max=10, help="Finger, where the source cannot say it.")] = 0,
    view: Annotated[
        int | None, typer.Option(min=0, max=254, help="Which of several fingers in a record, from 0.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, max=16383, help="Of an xyt file's image, pixels.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=1, max=16383, help="The same.")] = None,
    dpi: Annotated[float, typer.Option(min=100, max=2100, help="The same.")] = 500,
) -> None:
    """Turn a template into another format: iso, 378 (INCITS), cn and cc (ISO card, normal and compact), xyt.

    Pictures go from wsq to png and back. What the target cannot say is left out: xyt and cards hold no finger.

    Examples:
      matcher-service convert thumb.xyt thumb.iso --finger 1 --width 500 --height 500

      matcher-service convert thumb.iso thumb.cc

      matcher-service convert card.wsq card.png
    """
    check_new(target)
    with plain_errors():
        from interchange.errors import TemplateError
        from matcher_service.exchange.converting import Given, converted

        given = Given(finger=finger, view=view, width=width, height=height, dpi=dpi)
        try:
            content = converted(source, target, given)
        except TemplateError as error:
            fail(f"{source}: {error}")
    write_new(target, content)
    typer.echo(f"{target}: {len(content)} bytes")
