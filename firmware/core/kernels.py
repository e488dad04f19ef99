"""The inner loops, as machine code: MicroPython's viper compiles these functions, CPython runs them as they are.

They have to give the same result in three arithmetics: CPython's (no bound), viper on a 64-bit PC (registers of
64 bits) and viper on the board (32 bits; RP2040: ARMv6-M, RP2350: ARMv7E-M or RISC-V). Three rules make that so:

* Values are `uint` and are cut to 32 bits by `& mask` before they are shifted right. The mask comes out of a
  table: a literal above 2**30 - 1 would be an object for viper, not a machine number. On the board the mask
  does nothing, for there is nothing above.
* Nothing is subtracted below zero and nothing inverted by `~`: `x ^ mask` inverts.
* A result that may be above 2**30 - 1 is written to a buffer, never returned: the board would have to allocate.

Nothing here allocates but the two makers of tables. Offsets are trusted: the callers know their buffers.
"""

# ruff: noqa: PLR1730 - min() and max() are calls and objects

from array import array
from binascii import unhexlify

from firmware.core.compat import micropython, ptr8, ptr32, uint

SHA256_WORK_WORDS = 81
"""What a SHA-256 works with: 64 round constants, the mask, and 16 words of the message schedule."""
SHA256_SCHEDULE = 65
"""Where in it the schedule begins, which holds what was hashed last."""

_MASK = b"\xff\xff\xff\xff"
_CRC32_POLYNOMIAL = b"\xed\xb8\x83\x20"
"""IEEE 802.3's, reflected."""

_ROUNDS = (
    "428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5"
    "d807aa9812835b01243185be550c7dc372be5d7480deb1fe9bdc06a7c19bf174"
    "e49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da"
    "983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca635114292967"
    "27b70a852e1b21384d2c6dfc53380d13650a7354766a0abb81c2c92e92722c85"
    "a2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070"
    "19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3"
    "748f82ee78a5636f84c878148cc7020890befffaa4506cebbef9a3f7c67178f2"
)
"""FIPS 180-4, section 4.2.2."""

_START = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
"""FIPS 180-4, section 5.3.3."""


def words_of(big_endian: "bytes | bytearray") -> "array[int]":
    """Words of 32 bits in the machine's order."""
    words = array("I", bytes(len(big_endian)))
    words_in(big_endian, 0, words, len(words))
    return words


def crc32_table() -> "array[int]":
    """For `crc32_into`: 256 words and the mask."""
    table = array("I", bytes(4 * 257))
    words_in(_CRC32_POLYNOMIAL + _MASK, 0, table, 2)
    _fill_crc32_table(table)
    return table


def sha256_work() -> "array[int]":
    """For `sha256_blocks`: the constants, and room to work in, so that one belongs to one user at a time."""
    work = array("I", bytes(4 * SHA256_WORK_WORDS))
    words_in(unhexlify(_ROUNDS) + _MASK, 0, work, 65)
    return work


def sha256_start() -> "array[int]":
    """The eight words that every SHA-256 begins with."""
    return words_of(unhexlify(_START))


@micropython.viper
def words_in(buffer: ptr8, at: int, words: ptr32, count: int):
    """Read `count` big-endian words of 32 bits at `at` into `words`."""
    i = 0
    while i < count:
        words[i] = (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
        at += 4
        i += 1


@micropython.viper
def words_out(words: ptr32, count: int, buffer: ptr8, at: int):
    """Write `count` words at `at`, big-endian."""
    i = 0
    while i < count:
        word = uint(words[i])
        buffer[at] = (word >> 24) & 255
        buffer[at + 1] = (word >> 16) & 255
        buffer[at + 2] = (word >> 8) & 255
        buffer[at + 3] = word & 255
        at += 4
        i += 1


@micropython.viper
def copy_bytes(source: ptr8, start: int, count: int, target: ptr8, at: int):
    """Copy `count` bytes from `start` of `source` to `at` of `target`, which do not overlap."""
    i = 0
    while i < count:
        target[at + i] = source[start + i]
        i += 1


@micropython.viper
def wipe(buffer: ptr8, start: int, end: int):
    """Write zeros."""
    while start < end:
        buffer[start] = 0
        start += 1


@micropython.viper
def wipe_words(words: ptr32, start: int, end: int):
    """Write zeros."""
    while start < end:
        words[start] = 0
        start += 1


@micropython.viper
def copy_words(source: ptr32, target: ptr32, count: int):
    """Copy the first `count` words."""
    i = 0
    while i < count:
        target[i] = source[i]
        i += 1


@micropython.viper
def differ(a: ptr8, a_at: int, b: ptr8, b_at: int, count: int) -> int:
    """0 if the bytes are the same; takes as long for any bytes, so that its time tells nothing about a MAC."""
    found = 0
    i = 0
    while i < count:
        found |= a[a_at + i] ^ b[b_at + i]
        i += 1
    return found


@micropython.viper
def find_zero(buffer: ptr8, start: int, end: int) -> int:
    """The offset of the first 0 from `start` on, or `end`."""
    while start < end:
        if buffer[start] == 0:
            return start
        start += 1
    return end


@micropython.viper
def _fill_crc32_table(table: ptr32):
    """From the polynomial and the mask in the first two words, the table and the mask behind it."""
    polynomial = uint(table[0])
    table[256] = table[1]
    i = 0
    while i < 256:
        rest = uint(i)
        bit = 0
        while bit < 8:
            rest = (rest >> 1) ^ polynomial if rest & 1 else rest >> 1
            bit += 1
        table[i] = rest
        i += 1


@micropython.viper
def crc32_into(buffer: ptr8, end: int, table: ptr32, out: ptr8, at: int):
    """CRC-32 (IEEE 802.3, reflected, as in zlib) over the bytes before `end`, to `out`, big-endian."""
    mask = uint(table[256])
    rest = uint(mask)
    i = 0
    while i < end:
        rest = (rest >> 8) ^ uint(table[int((rest ^ uint(buffer[i])) & 255)])
        i += 1
    rest = rest ^ mask
    out[at] = (rest >> 24) & 255
    out[at + 1] = (rest >> 16) & 255
    out[at + 2] = (rest >> 8) & 255
    out[at + 3] = rest & 255


@micropython.viper
def sha256_blocks(state: ptr32, buffer: ptr8, start: int, end: int, work: ptr32):
    """Take whole blocks of 64 bytes, from `start` to `end`, into `state` (FIPS 180-4, section 6.2.2).

    The schedule rolls in 16 words. A rotation leaves what it shifted above bit 31 where that exists; it is
    cut off with the sums.
    """
    mask = uint(work[64])
    while start < end:
        i = 0
        while i < 16:
            work[65 + i] = (
                (buffer[start] << 24)
                | (buffer[start + 1] << 16)
                | (buffer[start + 2] << 8)
                | buffer[start + 3]
            )
            start += 4
            i += 1
        a = uint(state[0])
        b = uint(state[1])
        c = uint(state[2])
        d = uint(state[3])
        e = uint(state[4])
        f = uint(state[5])
        g = uint(state[6])
        h = uint(state[7])
        i = 0
        while i < 64:
            slot = 65 + (i & 15)
            w = uint(work[slot])
            if i > 15:
                s = uint(work[65 + ((i + 1) & 15)])
                w += ((s >> 7) | (s << 25)) ^ ((s >> 18) | (s << 14)) ^ (s >> 3)
                w += uint(work[65 + ((i + 9) & 15)])
                s = uint(work[65 + ((i + 14) & 15)])
                w += ((s >> 17) | (s << 15)) ^ ((s >> 19) | (s << 13)) ^ (s >> 10)
                w = w & mask
                work[slot] = w
            h += ((e >> 6) | (e << 26)) ^ ((e >> 11) | (e << 21)) ^ ((e >> 25) | (e << 7))
            h += (g ^ (e & (f ^ g))) + uint(work[i]) + w
            t = h
            h = g
            g = f
            f = e
            e = (d + t) & mask
            t += ((a >> 2) | (a << 30)) ^ ((a >> 13) | (a << 19)) ^ ((a >> 22) | (a << 10))
            t += (a & b) | (c & (a | b))
            d = c
            c = b
            b = a
            a = t & mask
            i += 1
        state[0] = (uint(state[0]) + a) & mask
        state[1] = (uint(state[1]) + b) & mask
        state[2] = (uint(state[2]) + c) & mask
        state[3] = (uint(state[3]) + d) & mask
        state[4] = (uint(state[4]) + e) & mask
        state[5] = (uint(state[5]) + f) & mask
        state[6] = (uint(state[6]) + g) & mask
        state[7] = (uint(state[7]) + h) & mask


@micropython.viper
def cobs_stuff(plain: ptr8, end: int, out: ptr8, at: int) -> int:
    """Stuff the bytes before `end` into `out` from `at` on; the offset after them, without a delimiter.

    COBS (Cheshire and Baker, IEEE/ACM Transactions on Networking 7(2), 1999): at most one byte more in 254.
    """
    code_at = at
    at += 1
    code = 1
    i = 0
    while i < end:
        byte = plain[i]
        i += 1
        if byte == 0:
            out[code_at] = code
            code_at = at
            at += 1
            code = 1
        else:
            out[at] = byte
            at += 1
            code += 1
            if code == 255:
                out[code_at] = code
                if i == end:
                    return at
                code_at = at
                at += 1
                code = 1
    out[code_at] = code
    return at


@micropython.viper
def cobs_unstuff(stuffed: ptr8, end: int, out: ptr8, room: int) -> int:
    """Undo `cobs_stuff` of the bytes before `end`; how many came out, -1 if it is no COBS or more than `room`."""
    at = 0
    i = 0
    while i < end:
        code = stuffed[i]
        i += 1
        stop = i + code - 1
        if code == 0 or stop > end or at + code - 1 > room:
            return -1
        while i < stop:
            byte = stuffed[i]
            if byte == 0:
                return -1
            out[at] = byte
            at += 1
            i += 1
        if code < 255 and i < end:
            if at == room:
                return -1
            out[at] = 0
            at += 1
    return at


@micropython.viper
def contrast_sums(buffer: ptr8, start: int, end: int, least: int, sums: ptr32):
    """How much of a print the image shows: pieces of 16 pixels (8 bytes) from `start` to `end`.

    `sums` gets: [0] the pieces, [1] those whose contrast (darkest to brightest, 0-15) is at least `least` (there
    is a print), [2] the sum of the contrasts of these. Pixels are the sensor's: two a byte, 4 bits each.
    """
    while start + 8 <= end:
        low = 15
        high = 0
        stop = start + 8
        while start < stop:
            byte = buffer[start]
            left = byte >> 4
            right = byte & 15
            if left < low:
                low = left
            if left > high:
                high = left
            if right < low:
                low = right
            if right > high:
                high = right
            start += 1
        sums[0] = sums[0] + 1
        if high - low >= least:
            sums[1] = sums[1] + 1
            sums[2] = sums[2] + high - low
