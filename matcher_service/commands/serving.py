"""`matcher-service api` and `api-token`."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from interchange.command_line import Config, Set, fail
from interchange.shutdown import stop_on_signals
from matcher_service.commands.shared import database_of, plain_errors, settings_of


def api(*, config: Config = None, assign: Set = None) -> None:
    """Answer other programs over HTTP: compare, explain, explain a candidate. Until SIGTERM.

    It listens on this machine alone (127.0.0.1:8445), unless a certificate and a key are named, and answers only
    who has a token.

    Examples:
      matcher-service api-token console

      matcher-service api --config centre.toml

      matcher-service api --set api.port=9000 --set api.tokens=/etc/whorl/api-tokens
    """
    settings = settings_of(config, assign)
    with database_of(settings) as database:
        from matcher_service.abis.opening import open_desk, open_link
        from matcher_service.api.server import make_server, warm_up
        from matcher_service.authority.office import open_office
        from matcher_service.osia.opening import open_osia, open_work

        office = open_office(settings, database)
        desk = open_desk(settings, database)
        link = open_link(settings, desk)
        osia = open_osia(settings, database)
        server = make_server(
            settings.api,
            database=database,
            registrar=office.registrar if office else None,
            abis=desk,
            osia=osia,
        )
        work = open_work(settings, database, osia)
        warm_up()
        for one in (link, work):
            if one is not None:
                one.start()
        # The server ends by these signals itself, and then passes them on, to end the process as if it had not.
        stop_on_signals(threading.Event())
        try:
            server.run()
        except SystemExit:  # uvicorn's way to say that the address is taken
            fail(
                f"{settings.api.host}:{settings.api.port}: cannot listen there; choose another --set api.port="
            )
        finally:
            for one in (link, work):
                if one is not None:
                    one.stop()
            for one in (desk, osia):
                if one is not None:
                    one.close()


def api_token(
    name: Annotated[
        str, typer.Argument(help="Who will use it; stands in the audit lines.", show_default=False)
    ],
    *,
    repository: Annotated[
        list[str] | None,
        typer.Option(help="Whose candidates it may look at; may be given more than once. None without it."),
    ] = None,
    config: Config = None,
    assign: Set = None,
) -> None:
    """Make a token for the API and print it, once. Only its digest is kept.

    Take the line of its name out of the file (`api.tokens`) and restart the API to withdraw it.

    Examples:
      matcher-service api-token console --config centre.toml

      matcher-service api-token review-desk --repository criminal --repository immigration
    """
    settings = settings_of(config, assign)
    with plain_errors():
        from matcher_service.api.tokens import add_token

        token = add_token(settings.api.tokens, name, repository or ())
    typer.echo(token)
    typer.echo(f"Keep it safe, it is not shown again. Its digest is in {settings.api.tokens}.", err=True)
