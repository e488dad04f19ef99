"""The emulated module: each instruction, and the confirmation codes the manuals give for it."""

from __future__ import annotations

from struct import unpack

import numpy as np
import pytest

from edge_service.sensors.zfm_codes import Confirmation, Instruction, Pid
from edge_service.sensors.zfm_frame import FrameParser, Packet
from hardware.bench.faults import Mark
from hardware.bench.finger_images import grey_levels, pack_image
from hardware.bench.zfm_models import MODULE_MODELS
from hardware.bench.zfm_module import Reply, ZfmModule

RNG = np.random.default_rng(5)


class Bench:
    """A module with a finger on it, spoken to in codes."""

    def __init__(self, model: str = "R307", **options: int) -> None:
        self.model = MODULE_MODELS[model]
        self.finger: np.ndarray | None = RNG.integers(
            0, 256, (self.model.height, self.model.width), dtype=np.uint8
        )
        self.module = ZfmModule(self.model, look=lambda: self.finger, **options)

    def reply(self, instruction: int, *parameters: int) -> Reply:
        content = bytes([instruction, *parameters])
        return self.module.handle(Packet(Pid.COMMAND, content, self.module.address))

    def ask(self, instruction: int, *parameters: int) -> tuple[int, bytes]:
        """Confirmation code and payload; data packets joined in its place when there are any."""
        reply = self.reply(instruction, *parameters)
        parser = FrameParser(self.module.address)
        events = [event for raw in reply.packets for event in parser.feed(raw)]
        ack, *data = [event for event in events if isinstance(event, Packet)]
        assert ack.pid == Pid.ACK
        payload = b"".join(packet.content for packet in data) if data else ack.content[1:]
        return ack.content[0], payload

    def send(self, data: bytes) -> None:
        chunks = [data[i : i + 128] for i in range(0, len(data), 128)]
        for number, chunk in enumerate(chunks, 1):
            pid = Pid.END if number == len(chunks) else Pid.DATA
            assert self.module.handle(Packet(pid, chunk)) == Reply()


def test_an_image_is_taken_and_sent():
    bench = Bench()
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.OK
    code, data = bench.ask(Instruction.UP_IMAGE)
    assert (code, len(data)) == (Confirmation.OK, 36_864)
    assert bench.finger is not None
    assert data == pack_image(bench.finger)
    assert bench.ask(Instruction.UP_IMAGE)[1] == data, "the image stays in the buffer"


def test_img2tz_destroys_the_image():
    bench = Bench()
    bench.ask(Instruction.GEN_IMG)
    whole = bench.ask(Instruction.UP_IMAGE)[1]
    assert bench.ask(Instruction.IMG2TZ, 1)[0] == Confirmation.OK
    assert bench.ask(Instruction.UP_IMAGE)[1] != whole


def test_no_finger_no_image():
    bench = Bench()
    bench.finger = None
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.NO_FINGER
    assert bench.ask(Instruction.UP_IMAGE)[0] == Confirmation.UPLOAD_IMAGE_FAILED
    assert bench.ask(Instruction.IMG2TZ, 1)[0] == Confirmation.NO_VALID_IMAGE


def test_a_blank_window_has_no_features():
    bench = Bench()
    bench.finger = np.full((288, 256), 200, np.uint8)
    bench.ask(Instruction.GEN_IMG)
    assert bench.ask(Instruction.IMG2TZ, 1)[0] == Confirmation.TOO_FEW_FEATURES


def test_enrol_store_search_delete():
    bench = Bench()
    for buffer in (1, 2):
        bench.ask(Instruction.GEN_IMG)
        bench.ask(Instruction.IMG2TZ, buffer)
    assert bench.ask(Instruction.MATCH) == (Confirmation.OK, b"\x00\xc8")
    assert bench.ask(Instruction.REG_MODEL)[0] == Confirmation.OK
    assert bench.ask(Instruction.STORE, 1, 0x01, 0x2C)[0] == Confirmation.OK
    assert bench.ask(Instruction.STORE, 1, 0xFF, 0xFF)[0] == Confirmation.BAD_LOCATION
    assert bench.ask(Instruction.TEMPLATE_COUNT) == (Confirmation.OK, b"\x00\x01")
    table = bench.ask(Instruction.READ_INDEX_TABLE, 1)[1]
    assert [i for i in range(256) if table[i // 8] >> i % 8 & 1] == [300 - 256]
    bench.ask(Instruction.GEN_IMG)
    bench.ask(Instruction.IMG2TZ, 1)
    assert bench.ask(Instruction.SEARCH, 1, 0, 0, 3, 0xE8) == (Confirmation.OK, b"\x01\x2c\x00\xc8")
    assert bench.ask(Instruction.SEARCH, 1, 0, 0, 0, 10) == (Confirmation.NOT_FOUND, bytes(4))
    assert bench.ask(Instruction.LOAD, 2, 0x01, 0x2C)[0] == Confirmation.OK
    assert bench.ask(Instruction.LOAD, 2, 0x01, 0x2D)[0] == Confirmation.INVALID_TEMPLATE
    assert bench.ask(Instruction.DELETE, 0x01, 0x2C, 0, 1)[0] == Confirmation.OK
    assert bench.ask(Instruction.DELETE, 0xFF, 0xFF, 0, 1)[0] == Confirmation.DELETE_FAILED
    assert bench.ask(Instruction.TEMPLATE_COUNT)[1] == b"\0\0"


def test_different_fingers_do_not_combine():
    bench = Bench()
    for buffer in (1, 2):
        bench.finger = RNG.integers(0, 256, (288, 256), dtype=np.uint8)
        bench.ask(Instruction.GEN_IMG)
        bench.ask(Instruction.IMG2TZ, buffer)
    assert bench.ask(Instruction.REG_MODEL)[0] == Confirmation.CANNOT_COMBINE
    assert bench.ask(Instruction.MATCH) == (Confirmation.NO_MATCH, b"\0\0")


def test_empty_clears_the_library():
    bench = Bench()
    bench.module.library.stored.update({0: b"x", 5: b"y"})
    assert bench.ask(Instruction.EMPTY)[0] == Confirmation.OK
    assert bench.module.library.stored == {}


def test_templates_travel_both_ways():
    bench = Bench("R503")
    assert bench.ask(Instruction.UP_CHAR, 1)[0] == Confirmation.UPLOAD_CHAR_FAILED
    assert bench.ask(Instruction.DOWN_CHAR, 3)[0] == Confirmation.OK
    bench.send(bytes(range(256)) * 2)
    assert bench.ask(Instruction.UP_CHAR, 3) == (Confirmation.OK, bytes(range(256)) * 2)


def test_images_travel_down_too():
    bench = Bench("R503")
    window = RNG.integers(0, 256, (192, 192), dtype=np.uint8)
    assert bench.ask(Instruction.DOWN_IMAGE)[0] == Confirmation.OK
    bench.send(pack_image(window))
    assert bench.ask(Instruction.UP_IMAGE)[1] == pack_image(window)
    assert bench.module.image is not None
    assert np.array_equal(grey_levels(bench.module.image), grey_levels(window))


def test_a_password_must_be_verified_again_after_a_loss_of_power():
    bench = Bench(password=0x01020304)
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.MUST_VERIFY_PASSWORD
    assert bench.ask(Instruction.VFY_PWD, 0, 0, 0, 0)[0] == Confirmation.WRONG_PASSWORD
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.MUST_VERIFY_PASSWORD
    assert bench.ask(Instruction.VFY_PWD, 1, 2, 3, 4)[0] == Confirmation.OK
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.OK
    bench.module.power_up()
    assert bench.ask(Instruction.GEN_IMG)[0] == Confirmation.MUST_VERIFY_PASSWORD


def test_a_new_password_holds_after_a_loss_of_power():
    bench = Bench()
    assert bench.ask(Instruction.SET_PWD, 9, 9, 9, 9)[0] == Confirmation.OK
    bench.module.power_up()
    assert bench.ask(Instruction.VFY_PWD, 0, 0, 0, 0)[0] == Confirmation.WRONG_PASSWORD
    assert bench.ask(Instruction.VFY_PWD, 9, 9, 9, 9)[0] == Confirmation.OK


def test_the_address_can_be_changed():
    bench = Bench()
    assert bench.ask(Instruction.SET_ADDR, 1, 2, 3, 4)[0] == Confirmation.OK
    assert bench.module.address == 0x01020304
    assert bench.ask(Instruction.READ_SYS_PARA)[1][8:12] == bytes([1, 2, 3, 4])


def test_system_parameters_are_told_and_set():
    bench = Bench("R503", baud=57_600)
    fields = unpack(">HHHHIHH", bench.ask(Instruction.READ_SYS_PARA)[1])
    assert fields == (0, 9, 200, 3, 0xFFFFFFFF, 2, 6)
    assert bench.ask(Instruction.SET_SYS_PARA, 6, 3)[0] == Confirmation.OK
    assert bench.ask(Instruction.SET_SYS_PARA, 5, 5)[0] == Confirmation.OK
    assert bench.ask(Instruction.SET_SYS_PARA, 4, 12)[0] == Confirmation.OK
    assert bench.module.baud == 57_600, "holds from the next power-up"
    assert bench.ask(Instruction.SET_SYS_PARA, 6, 4)[0] == Confirmation.BAD_CONFIGURATION
    assert bench.ask(Instruction.SET_SYS_PARA, 4, 5)[0] == Confirmation.BAD_CONFIGURATION
    assert bench.ask(Instruction.SET_SYS_PARA, 7, 1)[0] == Confirmation.BAD_REGISTER
    assert unpack(">HHHHIHH", bench.ask(Instruction.READ_SYS_PARA)[1])[3:] == (5, 0xFFFFFFFF, 3, 12)
    bench.ask(Instruction.GEN_IMG)
    assert len(bench.reply(Instruction.UP_IMAGE).packets) == 1 + 18_432 // 256
    bench.module.power_up()
    assert bench.module.baud == 115_200


def test_the_older_model_changes_its_baud_rate_at_once():
    bench = Bench("R307")
    assert bench.reply(Instruction.SET_SYS_PARA, 4, 12).after is Mark.SWITCH_BAUD


def test_the_newer_models_instructions():
    bench = Bench("R503")
    for instruction in (Instruction.CHECK_SENSOR, Instruction.HANDSHAKE, Instruction.CANCEL):
        assert bench.ask(instruction) == (Confirmation.OK, b"")
    assert bench.ask(Instruction.AURA_LED, 1, 0x80, 3, 0)[0] == Confirmation.OK
    assert bench.module.led == bytes([1, 0x80, 3, 0])
    assert len(bench.ask(Instruction.GET_FW_VER)[1]) == 32
    assert bench.ask(Instruction.READ_PROD_INFO)[1][38:42] == bytes([0, 192, 0, 192])
    assert bench.reply(Instruction.SOFT_RST).after is Mark.RESTART
    assert bench.ask(0x77)[0] == Confirmation.UNSUPPORTED


def test_the_older_model_keeps_silent_on_what_it_does_not_know():
    assert Bench("R307").reply(Instruction.READ_PROD_INFO).packets == []


def test_small_change():
    bench = Bench()
    first, second = bench.ask(Instruction.GET_RANDOM)[1], bench.ask(Instruction.GET_RANDOM)[1]
    assert len(first) == 4
    assert first != second
    assert bench.ask(Instruction.GET_ECHO)[0] == Confirmation.READY
    assert bench.ask(Instruction.WRITE_NOTEPAD, 15, *range(32))[0] == Confirmation.OK
    assert bench.ask(Instruction.READ_NOTEPAD, 15)[1] == bytes(range(32))
    assert bench.ask(Instruction.READ_NOTEPAD, 16)[0] == Confirmation.BAD_NOTEPAD_PAGE
    assert len(bench.ask(Instruction.READ_INF_PAGE)[1]) == 512


@pytest.mark.parametrize(
    "content", [b"", b"\x13", b"\x02", b"\x0e\x04", b"\x04\x01", b"\x01\x00", b"\x1f", b"\x18\x00"]
)
def test_commands_of_the_wrong_length(content: bytes):
    reply = Bench().module.handle(Packet(Pid.COMMAND, content))
    expected = [] if not content else Bench().module.damaged().packets
    assert reply.packets == expected


def test_stray_data_and_answers_are_ignored():
    bench = Bench()
    for pid in (Pid.DATA, Pid.END, Pid.ACK):
        assert bench.module.handle(Packet(pid, b"\x01")).packets == []
