"""A sensor in pure Python for both interpreters: what the firmware's tests talk to when no emulator can run.

It is the port, the sensor behind it, and the board's pins. Images are made packet by packet as they are read,
for a board's memory holds no image twice.
"""

GEN_IMG = 0x01
UP_IMAGE = 0x0A
EMPTY = 0x0D
SET_SYS_PARA = 0x0E
READ_SYS_PARA = 0x0F
VFY_PWD = 0x13
TEMPLATE_COUNT = 0x1D
GET_IMAGE_EX = 0x28
READ_PROD_INFO = 0x3C


def packet(pid, content):
    """One packet, written out once more, so that an error in the firmware's own does not cancel out."""
    length = len(content) + 2
    body = bytes((pid, length >> 8, length & 255)) + bytes(content)
    return b"\xef\x01\xff\xff\xff\xff" + body + (sum(body) & 0xFFFF).to_bytes(2, "big")


def ack(code, payload=b""):
    return packet(0x07, bytes((code,)) + payload)


def pixel_byte(at):
    """The byte at that place of the sensor's image: no two packets of it are the same."""
    return (at * 2654435761 >> 11 ^ at >> 3) & 0xFF


def image_packet(number, size, image_bytes):
    """Data packet `number`, from 0, of `size` bytes of content; the last has PID 08."""
    start = number * size
    end = min(start + size, image_bytes)
    content = bytearray(end - start)
    for at in range(start, end):
        content[at - start] = pixel_byte(at)
    return packet(0x08 if end == image_bytes else 0x02, content)


class ScriptedSensor:
    """Port, board and sensor. Set the attributes, let time pass on the clock that is shared with the firmware.

    Attributes:
        finger: what GenImg finds: a list of confirmation codes, taken from the front; the last one stays.
        spoil: called with (instruction, number, packet), 0 being the acknowledgement; returns what is sent instead.
        cut: the most bytes that one `read_into` gives.
        asked: every instruction that was understood.
        written_while_off: bytes sent to a sensor without supply.
    """

    name = "unix"

    def __init__(self, clock, image_bytes, *, baud=57600, packet_bytes=128):
        self.clock = clock
        self.image_bytes = image_bytes
        self.baud = baud
        self.stored_baud = baud
        self.stated_baud = 0
        self.packet_code = (32, 64, 128, 256).index(packet_bytes)
        self.password = 0
        self.verified = False
        self.at_once = True
        self.product = None
        self.knows_ex = False
        self.ex_codes = [0]
        self.templates = 0
        self.empties = True
        self.finger = [0]
        self.taken = False
        self.spoil = None
        self.cut = 1000
        self.silent = False
        self.refuses_baud = False
        self.stays_slow = False
        self.unheard_baud = 0
        self.boot_ms = 60
        self.boot_says = b"\x55"
        self.look_ms = 0
        self.asked = []
        self.flash_writes = 0
        self.powered = False
        self.power_ups = 0
        self.written_while_off = 0
        self.lights = []
        self.has_detect_line = False
        self.line = False
        self.port_baud = 0
        self.takes_bytes = True
        self._boots_at = 0
        self._deaf = False
        self._heard = bytearray()
        self._out = b""
        self._out_at = 0
        self._next_packet = 0
        self._packets = 0
        self._due = 0

    # -- the board

    def sensor_power(self, on):
        self.powered = on
        self._hush()
        self._heard = bytearray()
        self.verified = self.taken = False
        if on:
            self.silent = False
            self.power_ups += 1
            self.baud = self.stored_baud
            self._boots_at = self.clock.now()
            self._deaf = True

    def finger_detected(self):
        return self.line

    def led(self, pattern):
        self.lights.append(pattern)

    # -- the port

    def set_baud(self, baud):
        self.port_baud = baud
        self._hush()

    def read_into(self, buffer, count):
        if self._deaf and self.clock.since(self._boots_at) >= self.boot_ms:
            self._deaf = False
            self.say(0, 0, self.boot_says)
        if self.clock.since(self._due) < 0:
            return 0
        if self._out_at == len(self._out) and self._next_packet < self._packets:
            content = image_packet(self._next_packet, 32 << self.packet_code, self.image_bytes)
            self._next_packet += 1
            self.say(UP_IMAGE, self._next_packet, content)
        count = min(count, len(self._out) - self._out_at, self.cut)
        for at in range(count):
            buffer[at] = self._out[self._out_at]
            self._out_at += 1
        return count

    def write(self, buffer, offset, count):
        if not self.powered:
            self.written_while_off += count
        if not self.takes_bytes:
            return 0
        if not self.powered or self._deaf or self.silent or self.port_baud != self.baud:
            return count
        self._heard += bytes(buffer[offset : offset + count])
        while len(self._heard) >= 12:
            end = 9 + self._heard[8]
            whole = packet(0x01, self._heard[9 : end - 2])
            if self._heard[:8] != whole[:8] or end < 12 or end > 16:
                self._heard = self._heard[1:]
            elif len(self._heard) < end:
                break
            elif self._heard[:end] == whole:
                self._heard = self._heard[end:]
                self._obey(whole[9], whole[10:-2])
            else:
                self._heard = self._heard[1:]
                self.say(0, 0, ack(0x01))
        return count

    # -- the sensor

    def say(self, instruction, number, data):
        """Put bytes on the wire; they are lost when the board's side listens at another rate."""
        if self.spoil:
            data = self.spoil(instruction, number, data)
        if self.port_baud != self.baud or self.baud == self.unheard_baud:
            data = b""
        self._out = self._out[self._out_at :] + data
        self._out_at = 0

    def _hush(self):
        self._out = b""
        self._out_at = self._next_packet = self._packets = 0

    def _obey(self, code, parameters):
        self.asked.append(code)
        self.say(code, 0, self._answer(code, parameters))
        self._due = self.clock.now() + (self.look_ms if code in (GEN_IMG, GET_IMAGE_EX) else 0)
        if code == SET_SYS_PARA and self.at_once and not self.stays_slow:
            self.baud = self.stored_baud

    def _answer(self, code, parameters):  # noqa: C901, PLR0911 - one line for each instruction
        if code == VFY_PWD:
            self.verified = int.from_bytes(parameters, "big") == self.password
            return ack(0 if self.verified else 0x13)
        if self.password and not self.verified:
            return ack(0x21)
        if code in (GEN_IMG, GET_IMAGE_EX):
            return self._look(code)
        if code == UP_IMAGE:
            if not self.taken:
                return ack(0x0F)
            size = 32 << self.packet_code
            self._next_packet = 0
            self._packets = -(-self.image_bytes // size)
            return ack(0)
        if code == READ_SYS_PARA:
            words = (
                0,
                9,
                200,
                3,
                0xFFFF,
                0xFFFF,
                self.packet_code,
                (self.stated_baud or self.stored_baud) // 9600,
            )
            return ack(0, b"".join([word.to_bytes(2, "big") for word in words]))
        if code == SET_SYS_PARA:
            return self._set(parameters[0], parameters[1])
        if code == TEMPLATE_COUNT:
            return ack(0, self.templates.to_bytes(2, "big"))
        if code == EMPTY:
            self.templates = 0 if self.empties else self.templates
            return ack(0 if self.empties else 0x11)
        if code == READ_PROD_INFO and self.product:
            name, width, height = self.product
            text = (name + bytes(16))[:16]
            return ack(0, text + bytes(22) + width.to_bytes(2, "big") + height.to_bytes(2, "big") + bytes(4))
        return b""

    def _look(self, code):
        if code == GET_IMAGE_EX and not self.knows_ex:
            return ack(0xFC)
        codes = self.ex_codes if code == GET_IMAGE_EX else self.finger
        found = codes[0] if len(codes) == 1 else codes.pop(0)
        self.taken = found in (0, 7)
        return ack(found)

    def _set(self, register, value):
        if register == 4 and self.refuses_baud:
            return ack(0x1A)
        self.flash_writes += 1
        if register == 4 and not self.stays_slow:
            self.stored_baud = value * 9600
        elif register == 6:
            self.packet_code = value
        return ack(0)
