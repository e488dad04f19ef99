"""The matcher service: the broker on one side, the database and the galleries on the other.

Three threads: the link's only passes messages on, the intake's checks, stores and acknowledges, the search's
answers. So a search of any length never keeps a submission from being acknowledged, or a connection alive.
"""

from __future__ import annotations

import logging
import queue
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from interchange.link import Link
from interchange.topics import Up, from_every_device, is_notify
from matcher_service import parameters
from matcher_service.afterwards import Afterwards
from matcher_service.authority.office import open_office
from matcher_service.cases.seconds import SecondResponses, is_second
from matcher_service.galleries import LiveGalleries
from matcher_service.images import Images
from matcher_service.intake import Intake, reply_message
from matcher_service.relay.answers import is_passed
from matcher_service.relay.relaying import open_relaying
from matcher_service.relay.topics import is_relay
from matcher_service.repositories import Devices, Quarantine, Repositories, Submissions
from matcher_service.routing import Mode
from matcher_service.routing.followers import searches_stored
from matcher_service.routing.register import Register
from matcher_service.routing.reports import Reports
from matcher_service.routing.router import Router
from matcher_service.searching import Searching

if TYPE_CHECKING:
    from collections.abc import Callable

    from interchange.link_protocol import Incoming, Outgoing, Puback
    from matcher_service.galleries import PrintSource, SearchableGallery
    from matcher_service.repositories import Database, StoredReply
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher")


def gallery_folder(settings: MatcherSettings, database: Database) -> Path | None:
    """Where this matcher keeps its galleries: the setting, or beside the database; None if that has no place."""
    if settings.search.gallery_folder:
        return Path(settings.search.gallery_folder) / settings.instance
    if database.file is None and database.url.startswith("sqlite"):
        return None
    return (database.file.parent if database.file else Path()) / "galleries" / settings.instance


def _set_mode(settings: MatcherSettings, database: Database) -> None:
    """What these settings say of the rules, for all who use this database; loudly, where there are none."""
    mode = settings.routing.mode
    Register(database).set_mode(mode, by=f"system:matcher/{settings.instance}")
    if mode is Mode.EVERYTHING:
        log.warning(
            "the rules of sharing are NOT in force: everything is searched everywhere; for one machine only"
            " (routing.mode)"
        )


class MatcherService:
    """See the module. `ready` is set once searches are fast and the broker was reached."""

    def __init__(
        self,
        *,
        settings: MatcherSettings,
        database: Database,
        make_gallery: Callable[[PrintSource], SearchableGallery],
        colour: Callable[[float, int], str],
        on_ready: Callable[[], None] = lambda: None,
        colour_of: Callable[[str], Callable[[float, int], str]] | None = None,
    ) -> None:
        self.ready = threading.Event()
        self._on_ready = on_ready
        self._warm = threading.Event()
        self._ready_lock = threading.Lock()
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(parameters.INTAKE_QUEUE)
        self._repositories = Repositories(database)
        for name in settings.repositories:
            self._repositories.create(name)
        self._galleries = LiveGalleries(
            repositories=self._repositories,
            make_gallery=make_gallery,
            folder=gallery_folder(settings, database),
            threads=settings.search.threads,
        )
        self._submissions = Submissions(database, instance=settings.instance)
        _set_mode(settings, database)
        self._afterwards = Afterwards(settings=settings, database=database, publish=self._publish_plain)
        self._relaying = open_relaying(settings, database, self._publish_plain, lambda: self._link.connected)
        elsewhere = frozenset[str]() if self._relaying is None else self._relaying.elsewhere
        for name in elsewhere:
            self._repositories.create(name)
        self._link = Link(
            broker=settings.broker,
            client_id=settings.instance,
            subscriptions=[
                from_every_device(Up.SUBMISSION, share=settings.share),
                from_every_device(Up.EVENT, share=settings.share),
                from_every_device(Up.STATUS),
                *self._afterwards.subscriptions,
                *([] if self._relaying is None else self._relaying.subscriptions),
            ],
            handler=self,
        )
        self._search = Searching(
            submissions=self._submissions,
            galleries=self._galleries,
            router=Router(database, on_stored=searches_stored),
            colour=colour,
            colour_of=colour_of,
            tell=self._tell,
            ready=self._searches_are_fast,
            max_candidates=settings.search.max_candidates,
            reply_deadline_s=settings.routing.reply_deadline_s,
            elsewhere=elsewhere,
        )
        quarantine = settings.quarantine
        self._seconds = SecondResponses(database)
        office = open_office(settings, database)
        self._seals = office.seals if office else None
        self._intake = Intake(
            submissions=self._submissions,
            quarantine=Quarantine(database, per_device=quarantine.per_device, total=quarantine.total),
            devices=Devices(database),
            publish=self._publish,
            wake_search=self._search.wake,
            seals=self._seals,
            registrar=office.registrar if office else None,
            publish_plain=self._publish_plain,
            reports=Reports(database, wake_search=self._search.wake),
            agencies=settings.routing.devices,
            seconds=self._seconds,
            relaying=self._relaying,
            images=Images(database),
        )
        self._intake_thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether or not there is a broker."""
        self._intake_thread.start()
        self._search.start()
        self._link.start()
        self._afterwards.start()
        if self._relaying is not None:
            self._relaying.start()

    def stop(self) -> None:
        """End in order, within `STOP_WAIT_S` and the link's own limit; what is under way is resumed later."""
        self._afterwards.stop()
        if self._relaying is not None:
            self._relaying.stop()
        self._link.stop()
        self._put(None)
        if self._intake_thread.ident is not None:
            self._intake_thread.join(parameters.STOP_WAIT_S / 2)
        if not self._search.stop(parameters.STOP_WAIT_S / 2):
            log.warning("a search is left unfinished; it is resumed at the next start")
        else:
            self._galleries.close()

    # -- what the link tells

    def make_will(self) -> None:
        """None: devices do not watch the matcher, they go by its acknowledgements."""

    def make_farewell(self) -> None:
        """None, for the same reason."""

    def on_connected(self) -> None:
        """Replies that nobody took while we were away are told again."""
        self._put(self._intake.tell_untold)
        self._afterwards.wake()
        if self._relaying is not None:
            self._relaying.connected()
        self._check_ready()

    def on_disconnected(self, reason: str) -> None:
        """The link has logged it; devices send again what is not acknowledged."""

    def on_message(self, message: Incoming) -> None:
        """On to the intake, or to whoever waits for receipts, or for the centre above."""
        if self._relaying is not None and is_relay(message.topic):
            self._relaying.take(message)
            return
        take = self._afterwards.take_receipt if is_notify(message.topic) else self._intake.take
        self._put(partial(take, message))

    def on_puback(self, verdict: Puback) -> None:
        """The broker took a reply, or has nobody to give it to."""
        if not verdict.refused and not verdict.nobody_listens:
            told = self._seconds if is_second(verdict.label) else self._submissions
            if self._relaying is not None and is_passed(verdict.label):
                told = self._relaying
            self._put(partial(told.mark_told, verdict.label))

    def on_tick(self) -> None:
        """Second responses are looked for in the intake's turn."""
        if self._seconds.due():
            self._put(self._intake.tell_seconds)

    # -- inside

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("fault in the intake; what was not acknowledged will be sent again")

    def _put(self, job: Callable[[], None] | None) -> None:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            log.warning("intake full, message dropped; its device sends it again")

    def _tell(self, reply: StoredReply) -> bool:
        return self._publish(reply_message(reply))

    def _publish(self, message: Outgoing) -> bool:
        """Sealed to its device, where there is an authority. False if it did not go out."""
        sealed = message if self._seals is None else self._seals.sealed(message)
        return sealed is not None and self._link.publish(sealed)

    def _publish_plain(self, message: Outgoing) -> bool:
        """As it is: what goes to subscribers is sealed to them already."""
        return self._link.publish(message)

    def _searches_are_fast(self) -> None:
        self._warm.set()
        self._check_ready()

    def _check_ready(self) -> None:
        with self._ready_lock:
            if not self._warm.is_set() or not self._link.connected or self.ready.is_set():
                return
            self.ready.set()
        log.info("ready")
        self._on_ready()
