"""`python -m edge_service.kiosk` is the kiosk's part of `edge-service`."""

from __future__ import annotations

import typer

from edge_service.kiosk.command import kiosk, users_app

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command()(kiosk)
app.add_typer(users_app, name="kiosk-users")

if __name__ == "__main__":
    app()
