"""Runs on MicroPython and on CPython: the time of the board's kernels over one image (benchmarks/board_kernels.py).

Prints a line `NAME MICROSECONDS` for each step, the quickest of some passes.
"""
# ruff: noqa: ANN201, ANN204 - MicroPython has no typing

import sys
import time

sys.path.insert(0, sys.argv[1])
from firmware.core import codes, kernels
from firmware.core.framing import HEADER_BYTES, NOTHING, FrameReader, FrameWriter
from firmware.core.mac import Checks, Key
from firmware.core.sha256 import Sha256

IMAGE_BYTES = 36_864  # R307: 256 x 288 pixels, two a byte
PACKET_BYTES = 128
CHUNK_BYTES = 256


class Image:
    """One image, and the steps that the board takes for it."""

    def __init__(self):
        self.data = bytearray(i * 29 >> 3 & 255 for i in range(IMAGE_BYTES))
        self.other = bytearray(IMAGE_BYTES)
        self.sums = kernels.words_of(bytearray(12))
        self.digest = bytearray(32)
        self.sha = Sha256()
        self.checks = Checks()
        self.key = Key()
        self.checks.schedule(self.key, b"k" * 32, 32)
        self.writer = FrameWriter(self.checks)
        self.reader = FrameReader(self.checks)
        self.out = bytearray(600)

    def copy(self):
        """Packets into the buffer."""
        for at in range(0, IMAGE_BYTES, PACKET_BYTES):
            kernels.copy_bytes(self.data, at, PACKET_BYTES, self.other, at)

    def contrast(self):
        """The score."""
        for at in range(0, IMAGE_BYTES, PACKET_BYTES):
            kernels.contrast_sums(self.data, at, at + PACKET_BYTES, 4, self.sums)

    def sha256(self):
        """The hash over the whole."""
        self.sha.reset()
        for at in range(0, IMAGE_BYTES, PACKET_BYTES):
            self.sha.update(self.data, at, at + PACKET_BYTES)
        self.sha.digest_into(self.digest, 0)

    def mac(self):
        """The chunks' MACs."""
        for _ in range(IMAGE_BYTES // CHUNK_BYTES):
            self.checks.mac_into(self.key, self.data, HEADER_BYTES + 4 + CHUNK_BYTES, self.out, 0)

    def crc32(self):
        """The chunks' CRCs."""
        for _ in range(IMAGE_BYTES // CHUNK_BYTES):
            self.checks.crc32_into(self.data, HEADER_BYTES + 4 + CHUNK_BYTES + 16, self.out, 0)

    def cobs(self):
        """The chunks' stuffing."""
        for _ in range(IMAGE_BYTES // CHUNK_BYTES):
            kernels.cobs_stuff(self.data, HEADER_BYTES + 4 + CHUNK_BYTES + 20, self.out, 0)

    def frames(self):
        """All chunks as whole frames: MAC, CRC, stuffing and what lies between."""
        for number in range(IMAGE_BYTES // CHUNK_BYTES):
            self.writer.begin(codes.EVENT_CHUNK, 0, number + 1)
            kernels.copy_bytes(
                self.data, number * CHUNK_BYTES, CHUNK_BYTES, self.writer.plain, HEADER_BYTES + 4
            )
            self.end = self.writer.finish(4 + CHUNK_BYTES, self.key)

    def reading(self):
        """The way back, which the Pi does: unstuffing, CRC, MAC."""
        for _ in range(IMAGE_BYTES // CHUNK_BYTES):
            self.reader.feed(self.writer.wire, self.end)
            while self.reader.next() != NOTHING:
                self.reader.mac_ok(self.key)


def microseconds():
    """A clock that both interpreters have."""
    return time.time_ns() // 1000


image = Image()
for step in (
    image.copy,
    image.contrast,
    image.sha256,
    image.mac,
    image.crc32,
    image.cobs,
    image.frames,
    image.reading,
):
    best = None
    for _ in range(int(sys.argv[2])):
        start = microseconds()
        step()
        took = microseconds() - start
        best = took if best is None or took < best else best
    print(step.__name__, best)
