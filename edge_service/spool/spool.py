"""The kiosk's store of submissions: what the officer was told is saved is in here until the matcher has it.

A submission is written and synced before it is published, and let go only on the matcher's acknowledgement
of its TCN: then its prints are erased and the row stays for the reply. The spool is bounded, refuses new
submissions when it is full, and never drops one to make room. Several processes may have it open.

    queued -> sent -> acknowledged -> replied        refused, expired, damaged (prints kept for inspection)

Payloads and replies are sealed at rest (`edge_service.at_rest`). One that cannot be read any more does not hold up
the others: its submission is marked, and a reply is asked for again.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from edge_service import parameters
from edge_service.at_rest import SealedFile, Unreadable
from edge_service.errors import SpoolError
from edge_service.spool.entry import SpoolEntry, SpoolState
from edge_service.spool.format import FORMAT, PAYLOAD, REPLY, SECOND
from edge_service.spool.moment import Moment, moment
from edge_service.spool.records import SpoolRecords
from edge_service.spool.room import Room
from interchange.logs import facts

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge_service.at_rest import KeyFile, Vault

log = logging.getLogger("edge.spool")

DAY_MS = 86_400_000


class Spool(SpoolRecords):
    """See the module. Safe to use from several threads; raises SpoolError for anything the disk does."""

    def __init__(
        self,
        path: Path,
        *,
        device: str,
        max_submissions: int = parameters.MAX_SPOOLED,
        max_bytes: int = parameters.MAX_SPOOL_BYTES,
        disk_reserve_bytes: int = parameters.DISK_RESERVE_BYTES,
        keep_days: float = parameters.KEEP_DAYS,
        start_empty: bool = False,
        keys: KeyFile | None = None,
        vault: Vault | None = None,
        now: Callable[[], Moment] = moment,
    ) -> None:
        """Open the spool of `device` at `path`, or make it; the key file is `keys`, or beside it.

        Raises SpoolDamaged if the file is damaged (it is set aside then), or was and nobody has asked to
        `start_empty` since; SpoolKeyError if its key is not there; SpoolError if it belongs to another device or
        cannot be opened.
        """
        super().__init__(
            SealedFile(path, FORMAT, keys=keys, vault=vault, start_empty=start_empty),
            Room(path, max_submissions, max_bytes, disk_reserve_bytes),
        )
        self._keep_ms = round(keep_days * DAY_MS)
        self._now = now
        owner = self._fact("device", device)
        if owner != device:
            self.close()
            raise SpoolError(path, f"holds the bookings of device '{owner}', not of '{device}'")

    # -- the officer's side

    def room_for_new_booking(self) -> bool:
        """Whether a booking may be begun, so that there is certainly room for it at its end."""
        return self._room.for_a_new_booking(self.stats())

    def add(self, tcn: str, payload: bytes) -> None:
        """Save a submission; when this returns it is on the disk. Raises SpoolFull, SpoolError."""
        with self._lock:
            self._room.check(len(payload), self.stats())
            now = self._now()
            expires_ms = now.wall_ms + self._keep_ms if now.synchronised else None
            try:
                with self._changed, self._file.transaction() as connection:
                    sealed = self._file.seal(payload, PAYLOAD, tcn)
                    connection.execute(
                        "INSERT INTO submission"
                        " (tcn, state, payload, saved_ms, saved_boot, saved_monotonic_ms, expires_ms)"
                        " VALUES (?, 'queued', ?, ?, ?, ?, ?)",
                        (tcn, sealed, now.wall_ms, now.boot, now.monotonic_ms, expires_ms),
                    )
                    self._changed.notify_all()
            except SpoolError:
                if self.entry(tcn) is not None:
                    raise SpoolError(self.path, f"{tcn} is in the spool already") from None
                raise
            if self.stats().nearly_full:
                log.warning("the spool is nearly full", extra=facts(undelivered=self.stats().undelivered))

    def wait_for(
        self, tcn: str, reached: Callable[[SpoolEntry], bool], *, timeout_s: float, cancel: threading.Event
    ) -> SpoolEntry | None:
        """The entry once it has `reached` what is waited for, else as it is after `timeout_s` or `cancel`.

        It looks every `SPOOL_POLL_S`, because another process may be the one that speaks to the matcher.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                entry = self.entry(tcn)
                left_s = deadline - time.monotonic()
                if entry is None or reached(entry) or left_s <= 0 or cancel.is_set():
                    return entry
                self._changed.wait(min(left_s, parameters.SPOOL_POLL_S))

    # -- the uplink's side

    def undelivered(self) -> list[str]:
        """TCNs that the matcher has not acknowledged, oldest first."""
        return self._column("SELECT tcn FROM submission WHERE state IN ('queued', 'sent') ORDER BY seq")

    def awaiting_reply(self) -> list[str]:
        """TCNs that were acknowledged and have no reply yet, oldest first."""
        return self._column("SELECT tcn FROM submission WHERE state = 'acknowledged' ORDER BY seq")

    def payload(self, tcn: str) -> bytes | None:
        """What is to be sent for `tcn`; None once it has been let go, or if it is damaged, which is noted."""
        found = self._column("SELECT payload FROM submission WHERE tcn = ?", (tcn,))
        if not found or found[0] is None:
            return None
        if self.vault.blind:
            raise SpoolError(self.path, "was opened for a look without its key; what is saved cannot be read")
        try:
            return self._file.unseal(found[0], PAYLOAD, tcn)
        except Unreadable as error:
            log.error("a saved submission is damaged", extra=facts(tcn=tcn, reason=error))  # noqa: TRY400
            self._end(SpoolState.DAMAGED, [tcn])
            return None

    def mark_sent(self, tcn: str) -> None:
        """Note that `tcn` was handed to the broker."""
        self._write("UPDATE submission SET state = 'sent' WHERE tcn = ? AND state = 'queued'", (tcn,))

    def hold(self, tcn: str, *, reason: str) -> bool:
        """Note that the matcher does not trust this kiosk's seal; `tcn` is sent again. False if that was known."""
        return self._write(
            "UPDATE submission SET held_reason = ?"
            " WHERE tcn = ? AND state IN ('queued', 'sent') AND held_reason IS NOT ?",
            (reason, tcn, reason),
        )

    def acknowledge(self, tcn: str) -> bool:
        """Let `tcn` go: the matcher has it. False if that was known already, or the TCN is not."""
        return self._write(
            "UPDATE submission SET payload = NULL, held_reason = NULL,"
            " state = CASE WHEN reply IS NULL THEN 'acknowledged' ELSE 'replied' END"
            " WHERE tcn = ? AND state IN ('queued', 'sent', 'expired', 'damaged')",
            (tcn,),
        )

    def keep_reply(self, tcn: str, reply: bytes) -> bool:
        """Keep the matcher's first reply. False if there was one already, or the TCN is not known.

        A reply without an acknowledgement (which then was lost) does not let the prints go.
        """
        with self._changed:
            with self._file.transaction() as connection:
                changed = connection.execute(
                    "UPDATE submission SET reply = ?,"
                    " state = CASE WHEN state = 'acknowledged' THEN 'replied' ELSE state END"
                    " WHERE tcn = ? AND reply IS NULL AND state <> 'refused'",
                    (self._file.seal(reply, REPLY, tcn), tcn),
                )
            self._changed.notify_all()
            self._forget_oldest(SpoolState.REPLIED, parameters.KEPT_REPLIED)
            return changed.rowcount > 0

    def keep_second(self, tcn: str, reply: bytes) -> bool:
        """Keep a second reply beside those before it. False if it is there already, or the TCN is not known.

        It neither lets the prints go nor stands for the first reply, whichever comes first.
        """
        with self._changed:
            with self._file.transaction() as connection:
                row = connection.execute(
                    "SELECT second FROM submission WHERE tcn = ? AND state <> 'refused'", (tcn,)
                ).fetchone()
                kept = [] if row is None else self._opened(tcn, row[0])
                text = reply.decode()
                if row is None or text in kept:
                    return False
                kept = [*kept, text][-parameters.KEPT_SECOND_REPLIES :]
                connection.execute(
                    "UPDATE submission SET second = ? WHERE tcn = ?",
                    (self._file.seal(json.dumps(kept).encode(), SECOND, tcn), tcn),
                )
            self._changed.notify_all()
            return True

    def refuse(self, tcn: str, *, field: str, reason: str) -> bool:
        """Note that the matcher refused `tcn`; it is not sent again, and its prints stay for inspection."""
        with self._lock:
            refused = self._write(
                "UPDATE submission SET state = 'refused', refused_field = ?, refused_reason = ?,"
                " held_reason = NULL WHERE tcn = ? AND state NOT IN ('refused', 'replied')",
                (field, reason, tcn),
            )
            self._forget_oldest(SpoolState.REFUSED, parameters.KEPT_REFUSED)
            return refused

    # -- the end of its time (when that is, `edge_service.expiry` decides)

    def start_counting(self, now_ms: int) -> None:
        """Give those that were saved without a good clock their end, now that there is one."""
        if self._column(
            "SELECT 1 FROM submission WHERE expires_ms IS NULL AND state IN ('queued', 'sent') LIMIT 1"
        ):
            self._write(
                "UPDATE submission SET expires_ms = ? WHERE expires_ms IS NULL AND state IN ('queued', 'sent')",
                (now_ms + self._keep_ms,),
            )

    def past(self, now_ms: int) -> list[str]:
        """TCNs not acknowledged whose end has come."""
        return self._column(
            "SELECT tcn FROM submission WHERE state IN ('queued', 'sent') AND expires_ms <= ? ORDER BY seq",
            (now_ms,),
        )

    def expire(self, tcns: Sequence[str]) -> None:
        """Give `tcns` up: they are not sent again, and their prints stay for inspection."""
        if tcns:
            self._end(SpoolState.EXPIRED, tcns)

    def revive(self, now_ms: int) -> list[str]:
        """Those that were given up although their end has not come: the clock that said so was wrong."""
        with self._lock:
            wrong = self._column(
                "SELECT tcn FROM submission WHERE state = 'expired' AND expires_ms > ? ORDER BY seq",
                (now_ms,),
            )
            if wrong:
                self._write(
                    "UPDATE submission SET state = 'queued' WHERE state = 'expired' AND expires_ms > ?",
                    (now_ms,),
                )
            return wrong

    @property
    def keep_s(self) -> int:
        """How long a submission is tried to be delivered."""
        return self._keep_ms // 1000

    def next_session(self) -> int:
        """Number for a new connection, larger than any before.

        It starts from the wall clock in milliseconds, so that it also grows over the loss of the spool.
        """
        with self._lock:
            last = int(self._fact("session", "0"))
            session = max(last + 1, time.time_ns() // 1_000_000)
            self._write("UPDATE fact SET value = ? WHERE key = 'session'", (str(session),))
            return session

    # -- the clock's floor

    def clock_floor_ms(self) -> int:
        """The last time known to be good, in milliseconds since 1970; 0 if none is."""
        return int(self._fact("clock_floor_ms", "0"))

    def raise_clock_floor(self, now_ms: int) -> None:
        """Keep `now_ms`, if it is later than what is kept."""
        with self._lock:
            if now_ms > self.clock_floor_ms():
                self._write("UPDATE fact SET value = ? WHERE key = 'clock_floor_ms'", (str(now_ms),))

    # -- inside

    def _opened(self, tcn: str, blob: object) -> list[str]:
        try:
            return [] if blob is None else json.loads(self._file.unseal(blob, SECOND, tcn))
        except Unreadable as error:
            log.error("kept second replies are damaged", extra=facts(tcn=tcn, reason=error))  # noqa: TRY400
            return []

    def _end(self, state: SpoolState, tcns: Sequence[str]) -> None:
        with self._changed:
            with self._file.transaction() as connection:
                connection.executemany(
                    "UPDATE submission SET state = ? WHERE tcn = ? AND state IN ('queued', 'sent')",
                    [(state, tcn) for tcn in tcns],
                )
            self._changed.notify_all()
            # As many as may ever wait at one time: a clock far ahead, which ends them all, erases none.
            self._forget_oldest(state, max(parameters.KEPT_REFUSED, self._room.max_submissions))

    def _forget_oldest(self, state: SpoolState, kept: int) -> None:
        excess = self._column("SELECT COUNT(*) FROM submission WHERE state = ?", (state,))[0] - kept
        if excess > 0:
            self._write(
                "DELETE FROM submission WHERE seq IN"
                " (SELECT seq FROM submission WHERE state = ? ORDER BY ended, seq LIMIT ?)",
                (state, excess),
            )
            log.info("finished submissions forgotten", extra=facts(state=state, count=excess))
