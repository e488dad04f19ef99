"""Signing heads from time to time, into a file that somebody carries away and to whoever listens at the broker."""

from __future__ import annotations

import logging
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interchange.logs import facts
from matcher_service.auditing.heads import sign_head
from matcher_service.errors import MatcherError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matcher_service.auditing.keys import HeadKey
    from matcher_service.repositories.database import Database
    from matcher_service.settings import MatcherSettings

log = logging.getLogger("matcher.audit")

TOPIC = "audit/v1/head"


def anchoring_of(
    settings: MatcherSettings, database: Database, *, publish: Callable[[str], object]
) -> Anchoring | None:
    """What the settings ask for; None where signed heads go nowhere."""
    from matcher_service.auditing.keys import signing_key

    audit = settings.audit
    if audit.heads_file is None and not audit.publish:
        return None
    return Anchoring(
        database=database,
        key=lambda: signing_key(settings, database),
        every_s=audit.sign_every_minutes * 60,
        file=audit.heads_file,
        publish=publish if audit.publish else None,
    )


class Anchoring:
    """Signs the head every so often where it has moved. A fault is logged and tried again, and stops nothing.

    Args:
        database: whose audit.
        key: gives the key to sign with, asked each time: keys are changed.
        every_s: how often.
        file: lines are added here.
        publish: is given each line, to send to `TOPIC`, retained.
    """

    def __init__(
        self,
        *,
        database: Database,
        key: Callable[[], HeadKey],
        every_s: float,
        file: Path | None = None,
        publish: Callable[[str], object] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._key, self._every_s = database, key, every_s
        self._file, self._publish, self._now = file, publish, now
        self._signed: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-anchoring", daemon=True)

    def start(self) -> None:
        """Sign now, and from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Sign once more, and end."""
        self._stopping.set()
        self._thread.join(10)

    def sign(self) -> bool:
        """Sign the head, unless it was signed already. False if there was nothing new."""
        with self._database.read() as session:
            head, line = sign_head(session, self._key(), now=self._now())
        if head.seq == self._signed:
            return False
        if self._file is not None:
            _add_line(self._file, line)
        if self._publish is not None:
            self._publish(line)
        self._signed = head.seq
        log.info("audit head signed", extra=facts(seq=head.seq))
        return True

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            try:
                self.sign()
            except (MatcherError, OSError) as error:
                log.error(  # noqa: TRY400 - the message says what to do
                    "the audit's head could not be signed; it is tried again", extra=facts(problem=str(error))
                )
            if last:
                return
            self._stopping.wait(self._every_s)


def _add_line(file: Path, line: str) -> None:
    handle = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    try:
        os.write(handle, line.encode("ascii") + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
