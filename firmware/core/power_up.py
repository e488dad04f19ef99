"""From a dark sensor to one that can be used."""

from firmware.core import codes
from firmware.core import counters as count
from firmware.core import zfm_codes as zfm
from firmware.core.baud import BaudRate
from firmware.core.compat import const
from firmware.core.parameters import (
    BAUDS_TO_TRY,
    DEAF_AT_LEAST_MS,
    DEAF_MS,
    ERASE_MS,
    PACKET_BYTES_AT_LEAST,
    POWER_OFF_MS,
    SETTLE_MS,
    UART_EMPTY_MS,
)
from firmware.core.sensor import SILENT
from firmware.core.sensor_models import model_by_code, model_by_product

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from firmware.core.counters import Counters
    from firmware.core.ports import Board, Clock
    from firmware.core.sensor import Conversation
    from firmware.core.sensor_status import SensorStatus

# ReadSysPara's answer (R503 manual, "system parameters"), by offset after the confirmation code.
_SYSTEM_ID_AT = const(2)
_CAPACITY_AT = const(4)
_PACKET_CODE_AT = const(12)
_BAUD_AT = const(14)
_PARAMETERS_BYTES = const(16)

# ReadProdInfo's answer (R503 manual, 0x3C).
_NAME_BYTES = const(16)
_WIDTH_AT = const(38)
_HEIGHT_AT = const(40)
_PRODUCT_BYTES = const(46)


class PowerUp:
    """What must be done to a sensor before it can be used.

    Attributes:
        baud: the baud rate, and whether it is settled.
        model: code of the configured model; 0 asks the sensor, and if it does not know, its first image.
        tells_quality: the sensor knows GetImageEx, which judges the image that it took.
    """

    def __init__(
        self,
        *,
        conversation: "Conversation",
        board: "Board",
        clock: "Clock",
        counters: "Counters",
        status: "SensorStatus",
        remembered_baud: int,
        model: int,
    ):
        self.model = model
        self.tells_quality = False
        self.baud = BaudRate(
            conversation=conversation, status=status, switch_on=self._switch_on, remembered=remembered_baud
        )
        self._conversation = conversation
        self._board = board
        self._clock = clock
        self._counters = counters
        self._status = status
        self._stated_baud = 0

    def run(self) -> "Generator[None, None, int]":
        """Do it all; 0, or one of `codes.ERROR_*`, with the sensor's code in `status.detail`."""
        self._status.state = codes.STATE_POWERING
        self._status.info.forget()
        yield from self._switch_on()
        self._status.state = codes.STATE_PROBING
        return (
            (yield from self.baud.find())
            or (yield from self._read_parameters())
            or (yield from self.baud.raise_it(self._stated_baud))
            or (yield from self._enlarge_packets())
            or (yield from self._empty_library())
            or (yield from self._find_model())
        )

    def _switch_on(self) -> "Generator[None, None, None]":
        """Off, long enough to be off, and on; then until the sensor said something or its time is over."""
        conversation = self._conversation
        clock = self._clock
        # Nothing may be on its way out: a sensor without supply would be fed through its receive pin.
        yield from self._pause(UART_EMPTY_MS)
        self._board.sensor_power(False)
        yield from self._pause(POWER_OFF_MS)
        self._board.sensor_power(True)
        conversation.start(self.baud.settled or BAUDS_TO_TRY[0])
        started = clock.now()
        spoke = False
        while clock.since(started) < DEAF_MS:
            if conversation.listen_in_vain():
                spoke = clock.since(started) >= DEAF_AT_LEAST_MS
            elif spoke and clock.since(conversation.heard_at) >= SETTLE_MS:
                break
            yield

    def _pause(self, ms: int) -> "Generator[None, None, None]":
        started = self._clock.now()
        while self._clock.since(started) < ms:
            yield

    def _read_parameters(self) -> "Generator[None, None, int]":
        conversation = self._conversation
        info = self._status.info
        code = yield from conversation.command(zfm.READ_SYS_PARA)
        if code != zfm.OK:
            return self._refused(code)
        packet_code = conversation.answer_word(_PACKET_CODE_AT)
        if conversation.answer_bytes < _PARAMETERS_BYTES or packet_code > zfm.PACKET_SIZE_256:
            return self._status.failed(codes.ERROR_SENSOR_GARBLED)
        info.system_id = conversation.answer_word(_SYSTEM_ID_AT)
        info.capacity = conversation.answer_word(_CAPACITY_AT)
        info.packet_bytes = zfm.PACKET_UNIT << packet_code
        self._stated_baud = conversation.answer_word(_BAUD_AT) * zfm.BAUD_UNIT
        return 0

    def _enlarge_packets(self) -> "Generator[None, None, int]":
        """Small packets are a third overhead; large ones are kept: every setting wears the sensor's flash."""
        info = self._status.info
        if info.packet_bytes < PACKET_BYTES_AT_LEAST:
            code = yield from self._conversation.command(
                zfm.SET_SYS_PARA, bytes((zfm.REGISTER_PACKET_SIZE, zfm.PACKET_SIZE_128))
            )
            if code < 0:
                return self._refused(code)
            return (yield from self._read_parameters())
        return 0

    def _empty_library(self) -> "Generator[None, None, int]":
        """Leave no template on the sensor: prints belong to the case, not to a part that can be unscrewed.

        A library that is empty already is left alone. A sensor that does not empty it can be used all the same;
        `info.library_emptied` tells.
        """
        info = self._status.info
        held = yield from self._templates()
        info.library_held = held > 0
        if held != 0:
            code = yield from self._conversation.command(zfm.EMPTY, b"", ERASE_MS)
            if code < 0:
                return self._refused(code)
            if code != zfm.OK:
                self._counters.add(count.SENSOR_REFUSALS)
            held = yield from self._templates()
        info.library_emptied = held == 0
        return 0

    def _templates(self) -> "Generator[None, None, int]":
        """How many templates the sensor holds; -1 when it does not say."""
        code = yield from self._conversation.command(zfm.TEMPLATE_COUNT)
        return self._conversation.answer_word(0) if code == zfm.OK else -1

    def _find_model(self) -> "Generator[None, None, int]":
        """The newer sensors state their model and geometry; the older ones keep silent, which is no error."""
        conversation = self._conversation
        info = self._status.info
        self.tells_quality = False
        known = model_by_code(self.model)
        if known is not None and known[0] != codes.MODEL_R503:
            info.use_model(known)
            return 0
        code = yield from conversation.try_command(zfm.READ_PROD_INFO)
        if code == zfm.OK and conversation.answer_bytes == _PRODUCT_BYTES:
            self.tells_quality = True
            name = bytes([conversation.answer_byte(at) for at in range(_NAME_BYTES)])
            stated = model_by_product(
                name, conversation.answer_word(_WIDTH_AT), conversation.answer_word(_HEIGHT_AT)
            )
            if stated is None or known not in (None, stated):
                self._counters.add(count.SENSOR_REFUSALS)
                return self._status.failed(codes.ERROR_SENSOR_UNKNOWN)
            known = stated
        if known is not None:
            info.use_model(known)
        return 0

    def _refused(self, code: int) -> int:
        """The error for an answer that was not wanted."""
        if code < 0:
            return self._status.failed(error_of(code))
        self._counters.add(count.SENSOR_REFUSALS)
        locked = code == zfm.WRONG_PASSWORD
        return self._status.failed(codes.ERROR_SENSOR_LOCKED if locked else codes.ERROR_SENSOR_REFUSED, code)


def error_of(outcome: int) -> int:
    """The error for SILENT or GARBLED."""
    return codes.ERROR_SENSOR_SILENT if outcome == SILENT else codes.ERROR_SENSOR_GARBLED
