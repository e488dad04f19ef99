"""`matcher-service console`."""

from __future__ import annotations

import threading

from interchange.command_line import Config, Set, fail
from interchange.shutdown import stop_on_signals
from matcher_service.commands.shared import database_of, settings_of


def console(*, config: Config = None, assign: Set = None) -> None:
    """Serve the console: web pages for examiners, case officers, owners, auditors, administrators. Until SIGTERM.

    It listens on this machine alone (127.0.0.1:8446), unless a certificate and a key are named. Whoever uses it
    needs an account: see matcher-service accounts add.

    Examples:
      matcher-service console --config centre.toml

      matcher-service console --set console.port=9446

      matcher-service console --config centre.toml --set console.host=0.0.0.0
    """
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        from matcher_service.console.server import make_server

        server = make_server(settings, database=database)
        # The server ends by these signals itself, and then passes them on, to end the process as if it had not.
        stop_on_signals(threading.Event())
        try:
            server.run()
        except SystemExit:  # uvicorn's way to say that the address is taken
            fail(
                f"{settings.console.host}:{settings.console.port}: cannot listen there;"
                " choose another --set console.port="
            )
