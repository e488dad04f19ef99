"""Machine code against published vectors and against other implementations; runs on CPython and on MicroPython."""
# ruff: noqa: RUF005 - MicroPython has no stars in displays

from array import array
from binascii import crc32, hexlify, unhexlify
from hashlib import sha256

from firmware.core import kernels
from firmware.core.compat import ON_MICROPYTHON
from firmware.core.sha256 import Sha256


def made_up(count, seed=1):
    """Bytes that look random, the same everywhere: a congruential generator of 24 bits."""
    out = bytearray(count)
    for i in range(count):
        seed = (seed * 1_021 + 4_711) & 0xFFFFFF
        out[i] = seed >> 8 & 255
    return out


def crc32_of(data):
    out = bytearray(6)
    kernels.crc32_into(data, len(data), kernels.crc32_table(), out, 1)
    assert out[0] == out[5] == 0
    return bytes(out[1:5])


def sha256_of(data, *cuts):
    sha = Sha256()
    start = 0
    for end in list(cuts) + [len(data)]:
        sha.update(data, start, end)
        start = end
    out = bytearray(34)
    sha.digest_into(out, 1)
    assert out[0] == out[33] == 0
    return bytes(out[1:33])


def stuff(data):
    out = bytearray(len(data) + len(data) // 254 + 4)
    end = kernels.cobs_stuff(data, len(data), out, 1)
    assert not any(out[end:])
    return bytes(out[1:end])


def unstuff(stuffed, room=600):
    out = bytearray(room + 1)
    count = kernels.cobs_unstuff(stuffed, len(stuffed), out, room)
    assert out[room] == 0
    return None if count < 0 else bytes(out[:count])


def test_crc32_check_value():
    assert crc32_of(b"123456789") == unhexlify("cbf43926")


def test_crc32_is_that_of_zlib():
    for count in list(range(20)) + [63, 64, 65, 255, 256, 541, 600]:
        data = made_up(count, count)
        assert crc32_of(data) == crc32(data).to_bytes(4, "big"), count
    assert crc32_of(bytes(40)) == crc32(bytes(40)).to_bytes(4, "big")
    assert crc32_of(b"\xff" * 40) == crc32(b"\xff" * 40).to_bytes(4, "big")


def test_sha256_vectors_of_fips_180():
    for text, digest in (
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            (
                b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                b"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
            ),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
    ):
        assert hexlify(sha256_of(text)) == digest.encode()


def test_sha256_of_a_million_letters():
    sha = Sha256()
    letters = b"a" * 1000
    for _ in range(1000 if ON_MICROPYTHON else 100):  # CPython's is slow, and compared with hashlib instead
        sha.update(letters, 0, 1000)
    out = bytearray(32)
    sha.digest_into(out, 0)
    whole = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    assert hexlify(out) == whole.encode() if ON_MICROPYTHON else out == sha256(b"a" * 100_000).digest()


def test_sha256_of_all_lengths_around_a_block():
    for count in list(range(130)) + [191, 192, 247, 248, 255, 256, 257]:
        data = made_up(count, count)
        assert sha256_of(data) == sha256(data).digest(), count


def test_sha256_carries_go_over_all_bits():
    for byte in (0x00, 0x7F, 0x80, 0xFF):
        data = bytes([byte]) * 300
        assert sha256_of(data) == sha256(data).digest()


def test_sha256_is_the_same_however_the_stream_is_cut():
    data = made_up(700)
    digest = sha256(data).digest()
    for first in range(0, 140, 7):
        for second in (first, first + 1, first + 63, first + 64, first + 200):
            assert sha256_of(data, first, second) == digest, (first, second)


def test_sha256_goes_on_after_a_digest_and_begins_anew_after_reset():
    sha = Sha256()
    out = bytearray(32)
    data = made_up(200)
    sha.update(data, 0, 100)
    sha.digest_into(out, 0)
    assert out == sha256(data[:100]).digest()
    sha.update(data, 100, 200)
    sha.digest_into(out, 0)
    assert out == sha256(data).digest()
    sha.reset()
    sha.digest_into(out, 0)
    assert out == sha256(b"").digest()


def test_sha256_resumes_from_a_saved_state():
    data = made_up(150)
    state = array("I", bytes(32))
    sha = Sha256()
    sha.update(data, 0, 128)
    sha.save_into(state)
    other = Sha256()
    other.update(b"something else", 0, 14)
    other.resume(state, 128)
    other.update(data, 128, 150)
    out = bytearray(32)
    other.digest_into(out, 0)
    assert out == sha256(data).digest()


def test_sha256_leaves_nothing_behind_when_wiped():
    sha = Sha256()
    sha.update(b"\xa5" * 100, 0, 100)
    sha.digest_into(bytearray(32), 0)
    sha.wipe()
    assert not any(sha._pending)
    assert not any(sha._tail)
    assert not any(sha._final)
    assert not any(sha._work[kernels.SHA256_SCHEDULE :])
    assert sha_of_abc(sha) == sha256(b"abc").digest()


def sha_of_abc(sha):
    out = bytearray(32)
    sha.update(b"abc", 0, 3)
    sha.digest_into(out, 0)
    return out


def test_words_of_all_sizes_go_in_and_out():
    for value in (
        "00000000",
        "00000001",
        "3fffffff",
        "40000000",
        "7fffffff",
        "80000000",
        "fffffffe",
        "ffffffff",
    ):
        raw = unhexlify(value)
        words = kernels.words_of(raw * 2)
        assert words[1] == int(value, 16)
        out = bytearray(9)
        kernels.words_out(words, 2, out, 1)
        assert out == b"\0" + raw * 2


def test_cobs_of_the_papers_packet():
    # Cheshire and Baker 1999, section 3: the first bytes of an IP packet
    plain = unhexlify("4500002c4c79000040064f37")
    stuffed = unhexlify("02450104" + "2c4c79" + "01" + "0540064f37")
    assert stuff(plain) == stuffed
    assert unstuff(stuffed) == plain


def test_cobs_examples_at_the_edges():
    run = bytes(range(1, 255))
    for plain, stuffed in (
        (b"", b"\x01"),
        (b"\0", b"\x01\x01"),
        (b"\0\0", b"\x01\x01\x01"),
        (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
        (run, b"\xff" + run),
        (run + b"\xff", b"\xff" + run + b"\x02\xff"),
        (b"\0" + run, b"\x01\xff" + run),
        (run + b"\0", b"\xff" + run + b"\x01\x01"),
        (run[1:] + b"\0", b"\xfe" + run[1:] + b"\x01"),
    ):
        assert stuff(plain) == stuffed
        assert unstuff(stuffed) == plain


def test_cobs_of_anything_comes_back_without_a_zero_on_the_way():
    for count in (1, 2, 30, 253, 254, 255, 300, 508, 509, 542):
        for plain in (made_up(count, count), bytearray(count), bytearray(b"\x01" * count)):
            stuffed = stuff(plain)
            assert 0 not in stuffed
            assert len(stuffed) <= count + 1 + count // 254
            assert unstuff(stuffed) == plain


def test_cobs_refuses_what_it_did_not_write():
    assert unstuff(b"\x02") is None  # ends too early
    assert unstuff(b"\x05\x01\x01") is None
    assert unstuff(b"\x03\x01\x00") is None  # a zero within
    assert unstuff(b"\x00") is None
    assert unstuff(b"\xff" + b"\x01" * 253) is None


def test_cobs_writes_no_byte_more_than_there_is_room_for():
    stuffed = stuff(made_up(40))
    assert unstuff(stuffed, 40) == made_up(40)
    assert unstuff(stuffed, 39) is None
    assert unstuff(b"\x01" * 41, 40) == bytes(40)
    assert unstuff(b"\x01" * 42, 40) is None


def test_differ_sees_every_bit():
    a = made_up(20)
    assert kernels.differ(a, 2, a, 2, 16) == 0
    for bit in range(8 * 16):
        b = bytearray(a)
        b[2 + bit // 8] ^= 1 << bit % 8
        assert kernels.differ(a, 2, b, 2, 16) != 0
    assert kernels.differ(a, 0, made_up(20, 9), 0, 0) == 0


def test_find_zero_copy_and_wipe():
    data = bytearray(b"ab\0cd\0")
    assert kernels.find_zero(data, 0, 6) == 2
    assert kernels.find_zero(data, 3, 6) == 5
    assert kernels.find_zero(data, 3, 5) == 5
    assert kernels.find_zero(data, 4, 4) == 4
    target = bytearray(6)
    kernels.copy_bytes(data, 3, 2, target, 1)
    assert target == b"\0cd\0\0\0"
    kernels.wipe(target, 2, 6)
    assert target == b"\0c\0\0\0\0"


def test_contrast_of_ridges_and_of_an_empty_window():
    sums = array("I", bytes(12))
    kernels.contrast_sums(bytes([0x77] * 64), 0, 64, 4, sums)
    assert list(sums) == [8, 0, 0]
    kernels.contrast_sums(bytes([0x2C, 0xC2] * 4), 0, 8, 4, sums)
    assert list(sums) == [9, 1, 10]
    kernels.contrast_sums(bytes([0x0F] * 15), 0, 15, 4, sums)  # half a piece is left out
    assert list(sums) == [10, 2, 25]
