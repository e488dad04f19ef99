"""The emulated module as a state machine: a packet in, the packets of the answer out. No I/O, no clock.

It stands for what the modules' manuals say, and where they are silent for what is hardest on a driver: an
image is gone after Img2Tz, and after a look at an empty window.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from edge_service.sensors.zfm_codes import (
    BAUD_UNIT,
    DEFAULT_ADDRESS,
    PACKET_BYTES,
    Confirmation,
    Instruction,
    Parameter,
    Pid,
)
from edge_service.sensors.zfm_frame import Packet, acknowledgement, data_packets
from hardware.bench.faults import Mark
from hardware.bench.finger_images import pack_image, unpack_wire
from hardware.bench.parameters import FINGERPRINT_MIN_STD
from hardware.bench.zfm_library import TemplateLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hardware.bench.zfm_models import ModuleModel

_SYS_PARA = Struct(">HHHHIHH")
_PRODUCT = Struct(">16s4s8s2s8sHHHH")
_BAUD_CODES = (1, 2, 4, 6, 12)
_NOTEPAD_PAGE_BYTES = 32
_NOTEPAD_PAGES = 16
_PARAMETER_BYTES = {
    Instruction.IMG2TZ: 1,
    Instruction.SEARCH: 5,
    Instruction.HIGH_SPEED_SEARCH: 5,
    Instruction.STORE: 3,
    Instruction.LOAD: 3,
    Instruction.UP_CHAR: 1,
    Instruction.DOWN_CHAR: 1,
    Instruction.DELETE: 4,
    Instruction.SET_SYS_PARA: 2,
    Instruction.SET_PWD: 4,
    Instruction.VFY_PWD: 4,
    Instruction.SET_ADDR: 4,
    Instruction.WRITE_NOTEPAD: 1 + _NOTEPAD_PAGE_BYTES,
    Instruction.READ_NOTEPAD: 1,
    Instruction.READ_INDEX_TABLE: 1,
    Instruction.AURA_LED: 4,
}


@dataclass(slots=True)
class Reply:
    """Packets to send, the acknowledgement first; none when the module keeps silent.

    Attributes:
        packets: as they go over the wire.
        after: what the module does once they are there.
    """

    packets: list[bytes] = field(default_factory=list)
    after: Mark | None = None


class ZfmModule:
    """One module. What survives a loss of power: password, address, parameters, templates, notepad.

    Args:
        look: gives what lies on the window: uint8 (height, width), or None. Called when an image is taken.

    Attributes:
        image: the image buffer.
        library: character buffers and templates.
        baud: baud rate of the wire at the moment.
    """

    def __init__(
        self,
        model: ModuleModel,
        *,
        look: Callable[[], NDArray[np.uint8] | None],
        password: int = 0,
        baud: int = 57_600,
        packet_bytes: int = 128,
        address: int = DEFAULT_ADDRESS,
        seed: int = 1,
    ) -> None:
        self.model = model
        self.address = address
        self.baud = baud
        self.image: NDArray[np.uint8] | None = None
        self.library = TemplateLibrary(model.capacity, model.char_bytes, model.template_bytes)
        self.led: bytes | None = None
        self._look = look
        self._password = password
        self._verified = False
        self._security = 3
        self._baud_code = baud // BAUD_UNIT
        self._packet_code = PACKET_BYTES.index(packet_bytes)
        self._notepad = [bytes(_NOTEPAD_PAGE_BYTES)] * _NOTEPAD_PAGES
        self._random = random.Random(seed)  # noqa: S311 - a repeatable stand-in for the module's generator
        self._download: Callable[[bytes], None] | None = None
        self._downloaded = bytearray()
        self._handlers: dict[Instruction, Callable[[bytes], Reply]] = {
            Instruction.GEN_IMG: self._gen_img,
            Instruction.GET_IMAGE_EX: self._gen_img,
            Instruction.IMG2TZ: self._img2tz,
            Instruction.MATCH: self._match,
            Instruction.SEARCH: self._search,
            Instruction.HIGH_SPEED_SEARCH: self._search,
            Instruction.REG_MODEL: lambda _: self._ack(self.library.combine()),
            Instruction.STORE: self._store,
            Instruction.LOAD: self._load,
            Instruction.UP_CHAR: self._up_char,
            Instruction.DOWN_CHAR: self._down_char,
            Instruction.UP_IMAGE: self._up_image,
            Instruction.DOWN_IMAGE: self._down_image,
            Instruction.DELETE: self._delete,
            Instruction.EMPTY: self._empty,
            Instruction.SET_SYS_PARA: self._set_sys_para,
            Instruction.READ_SYS_PARA: self._read_sys_para,
            Instruction.SET_PWD: self._set_pwd,
            Instruction.VFY_PWD: self._vfy_pwd,
            Instruction.SET_ADDR: self._set_addr,
            Instruction.GET_RANDOM: lambda _: self._ack(Confirmation.OK, self._random.randbytes(4)),
            Instruction.READ_INF_PAGE: lambda _: self._upload(bytes(512)),
            Instruction.WRITE_NOTEPAD: self._write_notepad,
            Instruction.READ_NOTEPAD: self._read_notepad,
            Instruction.TEMPLATE_COUNT: lambda _: self._ack(
                Confirmation.OK, len(self.library.stored).to_bytes(2, "big")
            ),
            Instruction.READ_INDEX_TABLE: lambda p: self._ack(
                Confirmation.OK, self.library.index_table(p[0])
            ),
            Instruction.AURA_LED: self._aura_led,
            Instruction.CHECK_SENSOR: lambda _: self._ack(Confirmation.OK),
            Instruction.GET_ALG_VER: lambda _: self._ack(Confirmation.OK, b"BENCH-ALG".ljust(32, b"\0")),
            Instruction.GET_FW_VER: lambda _: self._ack(Confirmation.OK, b"BENCH-FW".ljust(32, b"\0")),
            Instruction.READ_PROD_INFO: self._read_prod_info,
            Instruction.SOFT_RST: lambda _: Reply(self._ack(Confirmation.OK).packets, Mark.RESTART),
            Instruction.CANCEL: lambda _: self._ack(Confirmation.OK),
            Instruction.HANDSHAKE: lambda _: self._ack(Confirmation.OK),
            Instruction.GET_ECHO: lambda _: self._ack(Confirmation.READY),
        }

    def power_up(self) -> None:
        """Start again: buffers and the password check are forgotten, a new baud rate holds."""
        self.image = None
        self.library.buffers.clear()
        self._verified = False
        self._download = None
        self.switch_baud()

    def switch_baud(self) -> None:
        """Let the baud rate that was set last hold from now on."""
        self.baud = self._baud_code * BAUD_UNIT

    def damaged(self) -> Reply:
        """Answer to a packet with a wrong sum."""
        return self._ack(Confirmation.RECEIVE_ERROR)

    def handle(self, packet: Packet) -> Reply:
        """Answer to one intact packet that carries this module's address."""
        if packet.pid in {Pid.DATA, Pid.END}:
            self._receive(packet)
            return Reply()
        if packet.pid != Pid.COMMAND or not packet.content:
            return Reply()
        self._download = None
        code, parameters = packet.content[0], packet.content[1:]
        if code not in self.model.instructions:
            return self._ack(Confirmation.UNSUPPORTED) if self.model.answers_unknown else Reply()
        instruction = Instruction(code)
        if len(parameters) != _PARAMETER_BYTES.get(instruction, 0):
            return self.damaged()
        locked = self._password != 0 and not self._verified
        if locked and instruction not in {Instruction.VFY_PWD, Instruction.HANDSHAKE, Instruction.GET_ECHO}:
            return self._ack(Confirmation.MUST_VERIFY_PASSWORD)
        return self._handlers[instruction](parameters)

    # -- images

    def _gen_img(self, _: bytes) -> Reply:
        self.image = self._look()
        return self._ack(Confirmation.NO_FINGER if self.image is None else Confirmation.OK)

    def _img2tz(self, parameters: bytes) -> Reply:
        if self.image is None:
            return self._ack(Confirmation.NO_VALID_IMAGE)
        image, level = self.image, self.image.mean()
        # The real modules thin the picture in place; black and white is as useless to an extractor.
        self.image = np.where(image > level, np.uint8(0xF0), np.uint8(0))
        if image.std() < FINGERPRINT_MIN_STD:
            return self._ack(Confirmation.TOO_FEW_FEATURES)
        self.library.extract(image.tobytes(), self._buffer(parameters[0]))
        return self._ack(Confirmation.OK)

    def _up_image(self, _: bytes) -> Reply:
        if self.image is None:
            return self._ack(Confirmation.UPLOAD_IMAGE_FAILED)
        return self._upload(pack_image(self.image))

    def _down_image(self, _: bytes) -> Reply:
        self._download = self._take_image
        self._downloaded.clear()
        return self._ack(Confirmation.OK)

    def _take_image(self, data: bytes) -> None:
        width, height = self.model.width, self.model.height
        fits = len(data) == width * height // 2
        self.image = unpack_wire(data, width=width, height=height) if fits else None

    # -- templates

    def _buffer(self, number: int) -> int:
        """The manuals: every number but 1 (to the number of buffers) means the last one."""
        return number if 1 <= number <= self.model.char_buffers else self.model.char_buffers

    def _match(self, _: bytes) -> Reply:
        code, score = self.library.compare()
        return self._ack(code, score.to_bytes(2, "big"))

    def _search(self, parameters: bytes) -> Reply:
        start, count = int.from_bytes(parameters[1:3], "big"), int.from_bytes(parameters[3:5], "big")
        code, place, score = self.library.search(self._buffer(parameters[0]), start, count)
        return self._ack(code, place.to_bytes(2, "big") + score.to_bytes(2, "big"))

    def _store(self, parameters: bytes) -> Reply:
        place = int.from_bytes(parameters[1:], "big")
        return self._ack(self.library.store(self._buffer(parameters[0]), place))

    def _load(self, parameters: bytes) -> Reply:
        place = int.from_bytes(parameters[1:], "big")
        return self._ack(self.library.load(self._buffer(parameters[0]), place))

    def _delete(self, parameters: bytes) -> Reply:
        start, count = int.from_bytes(parameters[:2], "big"), int.from_bytes(parameters[2:], "big")
        return self._ack(self.library.delete(start, count))

    def _empty(self, _: bytes) -> Reply:
        self.library.stored.clear()
        return self._ack(Confirmation.OK)

    def _up_char(self, parameters: bytes) -> Reply:
        features = self.library.buffers.get(self._buffer(parameters[0]))
        return self._ack(Confirmation.UPLOAD_CHAR_FAILED) if features is None else self._upload(features)

    def _down_char(self, parameters: bytes) -> Reply:
        buffer = self._buffer(parameters[0])

        def take(data: bytes) -> None:
            self.library.buffers[buffer] = data

        self._download = take
        self._downloaded.clear()
        return self._ack(Confirmation.OK)

    # -- the module itself

    def _set_pwd(self, parameters: bytes) -> Reply:
        self._password = int.from_bytes(parameters, "big")
        self._verified = True
        return self._ack(Confirmation.OK)

    def _vfy_pwd(self, parameters: bytes) -> Reply:
        self._verified = int.from_bytes(parameters, "big") == self._password
        return self._ack(Confirmation.OK if self._verified else Confirmation.WRONG_PASSWORD)

    def _set_addr(self, parameters: bytes) -> Reply:
        self.address = int.from_bytes(parameters, "big")
        return self._ack(Confirmation.OK)

    def _set_sys_para(self, parameters: bytes) -> Reply:
        register, value = parameters
        if register == Parameter.BAUD and value in _BAUD_CODES:
            self._baud_code = value
            return Reply(
                self._ack(Confirmation.OK).packets,
                Mark.SWITCH_BAUD if self.model.baud_at_once else None,
            )
        if register == Parameter.SECURITY and 1 <= value <= 5:
            self._security = value
        elif register == Parameter.PACKET_SIZE and value < len(PACKET_BYTES):
            self._packet_code = value
        elif register in set(Parameter):
            return self._ack(Confirmation.BAD_CONFIGURATION)
        else:
            return self._ack(Confirmation.BAD_REGISTER)
        return self._ack(Confirmation.OK)

    def _read_sys_para(self, _: bytes) -> Reply:
        status = (self._verified << 2) | ((self.image is not None) << 3)
        return self._ack(
            Confirmation.OK,
            _SYS_PARA.pack(
                status,
                self.model.system_id,
                self.model.capacity,
                self._security,
                self.address,
                self._packet_code,
                self._baud_code,
            ),
        )

    def _read_prod_info(self, _: bytes) -> Reply:
        model = self.model
        name = model.name.encode()
        info = _PRODUCT.pack(
            name,
            b"B001",
            b"00000001",
            b"\1\0",
            name,
            model.width,
            model.height,
            model.template_bytes,
            model.capacity,
        )
        return self._ack(Confirmation.OK, info)

    def _aura_led(self, parameters: bytes) -> Reply:
        self.led = parameters
        return self._ack(Confirmation.OK)

    def _write_notepad(self, parameters: bytes) -> Reply:
        if parameters[0] >= _NOTEPAD_PAGES:
            return self._ack(Confirmation.BAD_NOTEPAD_PAGE)
        self._notepad[parameters[0]] = parameters[1:]
        return self._ack(Confirmation.OK)

    def _read_notepad(self, parameters: bytes) -> Reply:
        if parameters[0] >= _NOTEPAD_PAGES:
            return self._ack(Confirmation.BAD_NOTEPAD_PAGE)
        return self._ack(Confirmation.OK, self._notepad[parameters[0]])

    # -- packets

    def _ack(self, code: int, payload: bytes = b"") -> Reply:
        return Reply([acknowledgement(code, payload, address=self.address)])

    def _upload(self, data: bytes) -> Reply:
        packets = data_packets(data, PACKET_BYTES[self._packet_code], address=self.address)
        return Reply([*self._ack(Confirmation.OK).packets, *packets])

    def _receive(self, packet: Packet) -> None:
        if self._download is None:
            return
        self._downloaded += packet.content
        if packet.pid == Pid.END:
            self._download(bytes(self._downloaded))
            self._download = None
