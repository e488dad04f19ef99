"""The board's USB port against a USB stack written down from MicroPython's sources: nothing waits, nothing is lost."""

import random

import pytest

from firmware.board import usb_serial
from firmware.board.usb_serial import UsbSerial
from firmware.core import kernels

FIFO_BYTES = 256
PACKET_BYTES = 64


class Stack:
    """TinyUSB's transmit buffer: packets of 64 leave it, and a write that finds no room waits."""

    def __init__(self):
        self.fifo = bytearray()
        self.gone = bytearray()
        self.waited = 0
        self.coming = bytearray()
        self.buffer = self

    def packet_leaves(self):
        self.gone += self.fifo[:PACKET_BYTES]
        del self.fifo[:PACKET_BYTES]

    def write(self, data):
        room = FIFO_BYTES - len(self.fifo)
        self.waited += len(data) > room
        self.fifo += data[:room]
        return min(len(data), room)

    def readinto(self, buffer):
        assert len(buffer) == 1
        assert self.coming, "it would wait"
        buffer[0] = self.coming.pop(0)
        return 1


class Poll:
    def register(self, stack, events):
        self.stack, self.events = stack, events

    def ipoll(self, ms):
        assert ms == 0
        reading = self.events == usb_serial.select.POLLIN
        ready = self.stack.coming if reading else len(self.stack.fifo) < FIFO_BYTES
        return [(self.stack, self.events)] if ready else []


@pytest.fixture
def stack(monkeypatch):
    stack = Stack()
    monkeypatch.setattr(usb_serial.select, "poll", Poll)
    return stack


def frame_of(rng):
    plain = bytearray(rng.randbytes(rng.randrange(1, 500)))
    wire = bytearray(len(plain) + 10)
    end = kernels.cobs_stuff(plain, len(plain), wire, 0)
    wire[end] = 0
    return wire, end + 1


@pytest.mark.parametrize("seed", range(20))
def test_frames_arrive_whole_and_no_write_waits(stack, seed):
    rng = random.Random(seed)
    port = UsbSerial(stdin=stack, stdout=stack)
    sent = []
    for _ in range(60):
        wire, end = frame_of(rng)
        sent.append(bytes(wire[: end - 1]))
        at = 0
        while at < end:
            at += port.write(wire, at, end - at)
            if rng.random() < 0.7:
                stack.packet_leaves()
    while stack.fifo:
        stack.packet_leaves()
    assert [frame for frame in bytes(stack.gone).split(b"\0") if frame] == sent
    assert stack.waited == 0


def test_a_pi_that_does_not_read_is_noticed_without_waiting(stack):
    port = UsbSerial(stdin=stack, stdout=stack)
    wire, end = bytearray(b"\1" * 499 + b"\0"), 500
    assert port.write(wire, 0, end) == FIFO_BYTES
    assert port.write(wire, FIFO_BYTES, end - FIFO_BYTES) == 0
    assert stack.waited == 0


def test_after_a_traceback_it_waits_once_and_is_even_again(stack):
    port = UsbSerial(stdin=stack, stdout=stack)
    stack.write(b"Traceback")
    wire, end = bytearray(b"\1" * 4999 + b"\0"), 5000
    at = 0
    while at < end:
        at += port.write(wire, at, end - at)
        stack.packet_leaves()
    assert stack.waited <= 1
    while stack.fifo:
        stack.packet_leaves()
    assert bytes(stack.gone[len(b"Traceback") :]).rstrip(b"\0") + b"\0" == bytes(wire)


def test_reading_takes_what_is_there_and_no_more(stack):
    port = UsbSerial(stdin=stack, stdout=stack)
    buffer = bytearray(100)
    assert port.read_into(buffer, 100) == 0
    stack.coming += b"\3abc\0"
    assert port.read_into(buffer, 2) == 2
    assert port.read_into(buffer, 100) == 3
    assert bytes(buffer[:3]) == b"bc\0"
