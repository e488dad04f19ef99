"""The kiosk's own board: a link to whatever answers on the port, and the rules by which it is trusted.

Nothing is asked of a board that has not proven, in this session, that it holds the kiosk's key. What speaks
against it is written down before it is raised, so that plugging the right board back in does not undo it.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, NoReturn, TypeVar

from edge_service.sensors.board.answers import Identity, MalformedError, SensorAnswer, Status, decode_counters
from edge_service.sensors.board.board_link import SPOKEN, BoardLink, Event, LinkBroken, Refused
from edge_service.sensors.board.errors import (
    BoardFault,
    BoardForeign,
    BoardMismatch,
    BoardTampered,
    BoardUnpaired,
    silent,
)
from edge_service.sensors.board.pairing import Pairing, PairingFile, PairingState
from edge_service.sensors.board.refusals import as_sensor_error
from edge_service.sensors.parameters import BOARD_FOREIGN_ANSWERS, BOARD_SESSION_ATTEMPTS, BoardTiming
from edge_service.sensors.serial_port import SerialPort
from firmware.core import bodies, codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_service.sensors.board.line import Line

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

LID_OPENED = "the lid of the kiosk was opened"
KEY_GONE = "the sensor board has lost its key"
OTHER_BOARD = "another board ({board}) is where this kiosk's board should be"
NO_PROOF = "what answers on the sensor board's port does not prove that it is this kiosk's board"


class Board:
    """One board on one port. One thread at a time.

    Attributes:
        path: the port.
        pairing: what this kiosk remembers of its board.
        link: the conversation, for whoever needs less than `request` does.
        identity: what the board said of itself at the beginning of the session; None before that.
        sessions: how many were begun: a new one means that the board may have restarted.
    """

    def __init__(
        self,
        path: str,
        *,
        pairing: Path,
        timing: BoardTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[int], bytes] = os.urandom,
        line: Line | None = None,
    ) -> None:
        """`line` is used instead of a serial port at `path`."""
        timing = timing or BoardTiming()
        self.path = path
        self.pairing = PairingFile(pairing, port=path)
        if line is None:
            line = SerialPort(path, poll_s=timing.poll_s, write_s=timing.write_s, clock=clock)
        self.link = BoardLink(line, timing=timing, clock=clock, random=random)
        self.identity: Identity | None = None
        self.sessions = 0

    @property
    def unique(self) -> str:
        """The board's number, as it said itself; "" while nothing answered."""
        return "" if self.identity is None else self.identity.unique

    @property
    def boots(self) -> int:
        """How often it had started when the session began; another number means that it has forgotten all."""
        return 0 if self.identity is None else self.identity.boots

    def open(self) -> Identity:
        """Begin a session with the kiosk's own board.

        Raises `BoardUnpaired`, `BoardTampered`, `BoardForeign`, `BoardMismatch` (nothing helps but a technician),
        `BoardFault` when nothing answers, `SensorUnplugged`.
        """
        remembered = self.pairing.read()
        if remembered.state is PairingState.TAMPERED:
            raise BoardTampered(remembered.evidence, path=self.path, board=remembered.board)
        identity = self._ask_who(remembered)
        if not identity.proven:
            self._refuse(identity, remembered)
        if remembered.state is PairingState.UNPAIRED:
            self.close()
            raise BoardUnpaired(
                "the board was never paired with this kiosk", path=self.path, board=self.unique
            )
        if identity.flags.tampered:
            self._distrust(BoardTampered, LID_OPENED, remembered)
        if identity.unique != remembered.board:
            self._distrust(BoardForeign, OTHER_BOARD.format(board=identity.unique), remembered)
        if remembered.state is PairingState.OFFERED:
            self.pairing.confirm(remembered.key, board=identity.unique)
        return identity

    def open_with(self, key: bytes) -> Identity:
        """Ask who is there, offering `key`, and judge nothing: for status and pairing.

        `proven` of what is returned says whether a session is open now. Raises `BoardForeign` for answers that
        nobody with that key can have made, `BoardMismatch`, `BoardFault` when nothing answers, `SensorUnplugged`.
        """
        self.link.open()
        try:
            identity = self.link.identify(key)
        except LinkBroken as broken:
            if broken.why == "forged":
                raise BoardForeign(NO_PROOF, path=self.path) from broken
            damaged = self.link.damaged
            self.close()
            raise silent(self.path, waited_s=broken.waited_s, damaged=damaged) from broken
        self.identity = identity
        if identity.error == codes.ERROR_PROTOCOL:
            raise BoardMismatch(path=self.path, ours=SPOKEN, theirs=identity.protocols, board=identity.unique)
        if identity.proven:
            self.sessions += 1
        return identity

    def request(self, kind: int, body: bytes = b"") -> bytes:
        """Ask the kiosk's own board; in a new session when the old one ended. The body after the error byte.

        A request that was under way when the session ended may be done twice. Raises what `open` does, and
        `SensorError` for a refusal (`as_sensor_error`).
        """
        waited_s = 0.0
        for _ in range(BOARD_SESSION_ATTEMPTS):
            try:
                if not self.link.in_session:
                    self.open()
                return self.link.request(kind, body)
            except LinkBroken as broken:
                waited_s += broken.waited_s
                self._alarm_if(broken)
                self.link.end_session()
            except Refused as refused:
                raise as_sensor_error(
                    refused.code, refused.detail, path=self.path, board=self.unique
                ) from refused
        damaged = self.link.damaged
        self.close()
        raise silent(self.path, waited_s=waited_s, damaged=damaged)

    def next_event(self) -> Event | None:
        """What the board told of its own accord; waits at most `poll_s`. Raises `BoardTampered` on its alarm."""
        try:
            return self.link.next_event()
        except LinkBroken as broken:
            self._alarm_if(broken)
            return None

    def status(self) -> Status:
        """Where the board is. Raises as `request` does."""
        return self._ask(codes.STATUS, Status.decode)

    def sensor(self) -> SensorAnswer:
        """What the board knows of the sensor. Raises as `request` does."""
        return self._ask(codes.SENSOR, SensorAnswer.decode)

    def counters(self) -> dict[str, int]:
        """What the board has counted, by name. Raises as `request` does."""
        return self._ask(codes.COUNTERS, decode_counters)

    def configure(self, *, model: int, password: int) -> None:
        """Tell the board the sensor's model (0: find out) and password. Raises as `request` does."""
        self.request(codes.CONFIGURE, bodies.CONFIGURE.pack(model, password))

    def close(self) -> None:
        """Give the port back. Never fails."""
        self.link.close()

    # -- trust

    def _ask_who(self, remembered: Pairing) -> Identity:
        """The board's own answer; one that shows that it is not ours is asked for once more."""
        forged = 0
        identity: Identity | None = None
        for _ in range(BOARD_FOREIGN_ANSWERS):
            try:
                identity = self.open_with(remembered.key)
            except BoardForeign:
                forged += 1
            except BoardFault:
                if not forged:
                    raise
            else:
                if identity.proven:
                    break
        if identity is not None:
            return identity
        if forged == BOARD_FOREIGN_ANSWERS:
            self._distrust(BoardForeign, NO_PROOF, remembered)
        self.close()
        raise BoardForeign(NO_PROOF, path=self.path)

    def _refuse(self, identity: Identity, remembered: Pairing) -> NoReturn:
        """Nothing was proven: say why, as far as what answers can be believed."""
        if remembered.state is not PairingState.PAIRED:
            self.close()
            why = (
                "the pairing was broken off"
                if remembered.state is PairingState.OFFERED
                else "the board is paired with another kiosk, or this one has lost its pairing file"
            )
            raise BoardUnpaired(why, path=self.path, board=identity.unique)
        if identity.unique != remembered.board:
            self._distrust(BoardForeign, OTHER_BOARD.format(board=identity.unique), remembered)
        self._distrust(BoardTampered, LID_OPENED if identity.flags.tampered else KEY_GONE, remembered)

    def _distrust(
        self, error: type[BoardTampered | BoardForeign], evidence: str, remembered: Pairing
    ) -> NoReturn:
        """Remember it for good where there is a pairing to lose, then raise."""
        self.close()
        if remembered.state is PairingState.PAIRED:
            _log.error("the sensor board is no longer trusted: %s", evidence)
            self.pairing.tampered(evidence, board=self.unique or remembered.board)
        raise error(evidence, path=self.path, board=self.unique)

    def _alarm_if(self, broken: LinkBroken) -> None:
        if broken.why == "alarm":
            self._distrust(BoardTampered, LID_OPENED, self.pairing.read())

    def _ask(self, kind: int, decode: Callable[[bytes], _T]) -> _T:
        body = self.request(kind)
        try:
            return decode(body)
        except MalformedError as error:
            raise BoardFault(
                f"The sensor board on {self.path} answers with {error}, which its protocol does not know. Update"
                " it: edge-service firmware update FILE",
                path=self.path,
            ) from error
