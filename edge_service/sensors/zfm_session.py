"""A session with one module of the family: found at its baud rate, unlocked, emptied, and spoken to."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge_service.sensors.errors import SensorError, SensorGarbled, SensorLocked, SensorSilent
from edge_service.sensors.models import SensorModel, model_by_product
from edge_service.sensors.parameters import BAUDS_TO_TRY, ROUNDS_AT_KNOWN_BAUD
from edge_service.sensors.zfm_answers import ProductInfo, SystemParameters
from edge_service.sensors.zfm_codes import Confirmation, Instruction, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_service.sensors.parameters import Timing
    from edge_service.sensors.zfm_link import Ack, ZfmLink

_log = logging.getLogger(__name__)


class ZfmSession:
    """What must be done to a module before it can be used, and the questions that follow.

    Args:
        link: the conversation.
        path: the port, for messages.
        password: the module's four-byte password.
        baud: None looks for it.
        timing: deadlines.
        clock: seconds that never go backwards.
    """

    def __init__(
        self,
        link: ZfmLink,
        *,
        path: str,
        password: int,
        baud: int | None,
        timing: Timing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._path = path
        self._password = password.to_bytes(4, "big")
        self._configured_baud = baud
        self._found_baud: int | None = None
        self._timing = timing
        self._clock = clock

    def find_baud(self) -> int:
        """Offer the password at one baud rate after the other; any answer settles the rate.

        Raises `SensorLocked` for a wrong password, `SensorSilent` or `SensorGarbled` when no rate gives an
        answer, `SensorUnplugged`.
        """
        started = self._clock()
        bauds = self._candidates()
        noise: SensorGarbled | None = None
        for baud in bauds:
            self._link.start(baud)
            try:
                self._verify_password(timeout_s=self._timing.probe_s, attempts=1)
            except SensorSilent:
                continue
            except SensorGarbled as error:
                noise = error
                continue
            self._found_baud = baud
            return baud
        if noise is not None:
            raise noise
        tried = tuple(dict.fromkeys(bauds))
        raise SensorSilent(path=self._path, waited_s=self._clock() - started, bauds=tried)

    def read_parameters(self) -> SystemParameters:
        """Ask for the system parameters, and receive data packets of the size they tell from now on."""
        ack = self.expect(Instruction.READ_SYS_PARA)
        try:
            parameters = SystemParameters.decode(ack.payload)
        except ValueError as error:
            raise SensorGarbled(str(error), path=self._path) from error
        self._link.packet_bytes = parameters.packet_bytes
        if parameters.baud != self._link.baud:
            # Seen on modules whose rate was changed without a restart; what works is what counts.
            said, used = parameters.baud, self._link.baud
            _log.info("sensor on %s says %d baud but speaks %d", self._path, said, used)
        return parameters

    def empty_library(self) -> bool:
        """Leave no template on the module: prints belong to the case, not to a part that can be unscrewed.

        A library that is empty already is left alone: erasing wears the module's flash out.
        """
        count = self.command(Instruction.TEMPLATE_COUNT)
        if count.code == Confirmation.OK and count.payload == bytes(2):
            return True
        ack = self.command(Instruction.EMPTY)
        if ack.code != Confirmation.OK:
            code = name_of(ack.code, Confirmation)
            _log.warning("sensor on %s does not empty its template library: %s", self._path, code)
        return ack.code == Confirmation.OK

    def ask_model(self) -> SensorModel | None:
        """The newer modules state their geometry; the older ones ignore the question: None."""
        try:
            ack = self._link.request(Instruction.READ_PROD_INFO, timeout_s=self._timing.probe_s, attempts=1)
        except (SensorSilent, SensorGarbled):
            return None
        told = ProductInfo.decode(ack.payload) if ack.code == Confirmation.OK else None
        return None if told is None else model_by_product(told.module, width=told.width, height=told.height)

    def command(self, instruction: Instruction) -> Ack:
        """Ask; a module that lost power in between has forgotten the password and is told it again."""
        ack = self._link.request(instruction)
        if ack.code == Confirmation.MUST_VERIFY_PASSWORD:
            _log.info("sensor on %s asks for its password again", self._path)
            self._verify_password()
            ack = self._link.request(instruction)
        return ack

    def expect(self, instruction: Instruction) -> Ack:
        """Ask, and take nothing but OK for an answer. Raises `SensorError` with the refusal's code."""
        ack = self.command(instruction)
        if ack.code != Confirmation.OK:
            raise self.refused(instruction, ack)
        return ack

    def refused(self, instruction: Instruction, ack: Ack) -> SensorError:
        """The error for an answer that was not wanted."""
        asked, answer = name_of(instruction, Instruction), name_of(ack.code, Confirmation)
        return SensorError(
            f"The fingerprint sensor on {self._path} refused {asked} with {answer}. Press the finger again."
            " If this comes back, switch the sensor's power off for five seconds and on again.",
            path=self._path,
            code=ack.code,
        )

    def _candidates(self) -> tuple[int, ...]:
        if self._configured_baud is not None:
            return (self._configured_baud,) * ROUNDS_AT_KNOWN_BAUD
        return BAUDS_TO_TRY if self._found_baud is None else (self._found_baud, *BAUDS_TO_TRY)

    def _verify_password(self, *, timeout_s: float | None = None, attempts: int = 2) -> None:
        ack = self._link.request(Instruction.VFY_PWD, self._password, timeout_s=timeout_s, attempts=attempts)
        if ack.code == Confirmation.WRONG_PASSWORD:
            raise SensorLocked(path=self._path)
        if ack.code != Confirmation.OK:
            raise self.refused(Instruction.VFY_PWD, ack)
