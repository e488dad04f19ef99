"""The command line of the centre: `matcher-service`. `run` is here, the other commands in `commands/`."""

from __future__ import annotations

import logging
import threading
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer

from interchange.command_line import Config, Set, fail, settings_or_fail
from interchange.shutdown import stop_on_signals
from matcher_service.commands.accounts import app as accounts_app
from matcher_service.commands.audit import app as audit_app
from matcher_service.commands.authority import app as authority_app
from matcher_service.commands.cases import app as cases_app
from matcher_service.commands.comparing import compare, explain
from matcher_service.commands.console import console
from matcher_service.commands.converting import convert
from matcher_service.commands.devices import app as devices_app
from matcher_service.commands.exchange import app as ebts_app
from matcher_service.commands.jurisdictions import app as jurisdictions_app
from matcher_service.commands.keeping import enroll, export, refused, repositories, stats
from matcher_service.commands.notices import app as notices_app
from matcher_service.commands.reporting import report
from matcher_service.commands.reviewing import app as review_app
from matcher_service.commands.searching import search
from matcher_service.commands.serving import api, api_token
from matcher_service.commands.submissions import app as submissions_app
from matcher_service.commands.submissions import dispositions_app
from matcher_service.commands.subscribers import app as subscribers_app
from matcher_service.commands.why import why

if TYPE_CHECKING:
    from matcher_service.repositories import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The centre: searches what kiosks submit.")


@app.command(rich_help_panel="Service")
def run(
    *,
    config: Config = None,
    assign: Set = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written once searches are fast.")] = None,
) -> None:
    """Take submissions, search, reply, until SIGTERM."""
    stopping = threading.Event()
    stop_on_signals(stopping)
    settings = _settings(config, assign)
    database = _open_database(settings)
    from interchange.health_server import CannotListen
    from matcher_service.errors import MatcherError
    from matcher_service.ops.running import Ops
    from matcher_service.ops.watched_matcher import WatchedMatcher
    from matcher_service.search import Gallery
    from matcher_service.search.decision import colours

    def say_ready() -> None:
        if ready_file is not None:
            ready_file.write_text("ready\n", encoding="ascii")

    try:
        service = WatchedMatcher(
            settings=settings,
            database=database,
            make_gallery=lambda source: Gallery(source=source, threads=settings.search.threads),
            colour=colours(settings.search.red_fpir, settings.search.yellow_fpir),
            on_ready=say_ready,
        )
        ops = Ops(settings=settings, matcher=service)
    except (MatcherError, CannotListen) as error:
        fail(error)
    ops.start()
    service.start()
    stopping.wait()
    ops.stop()
    service.stop()
    database.close()
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
    log.info("stopped")


_COMMANDS = {
    "Service": (console,),
    "Repositories": (enroll, repositories, stats, export, refused),
    "Prints": (search, compare, explain, convert),
    "API": (api, api_token),
    "Sharing": (why, report),
}
_GROUPS = {
    "Sharing": {
        "jurisdictions": jurisdictions_app,
        "submissions": submissions_app,
        "dispositions": dispositions_app,
        "ebts": ebts_app,
    },
    "Examiners and agencies": {
        "review": review_app,
        "subscribers": subscribers_app,
        "notices": notices_app,
        "cases": cases_app,
    },
    "People": {"accounts": accounts_app, "audit": audit_app},
    "Devices": {"devices": devices_app, "authority": authority_app},
}
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
for _panel, _groups in _GROUPS.items():
    for _name, _group in _groups.items():
        app.add_typer(_group, name=_name, rich_help_panel=_panel)


def _settings(config: Path | None, assign: list[str] | None) -> MatcherSettings:
    from matcher_service.settings import MatcherSettings

    return settings_or_fail(MatcherSettings, config, assign)


def _open_database(settings: MatcherSettings) -> Database:
    from matcher_service.errors import StoreError
    from matcher_service.repositories import Database

    try:
        return Database(settings.database.url)
    except StoreError as error:
        fail(error)
