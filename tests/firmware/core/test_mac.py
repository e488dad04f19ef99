"""HMAC-SHA-256 by RFC 4231, and against hashlib; runs on CPython and on MicroPython."""

from binascii import unhexlify
from hashlib import sha256

from firmware.core.mac import Checks, Key

LONG_KEY = b"\xaa" * 131

# RFC 4231, sections 4.2 to 4.8: key, text, HMAC-SHA-256 (case 5: its first 16 bytes)
VECTORS = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        LONG_KEY,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        LONG_KEY,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. "
            b"The key needs to be hashed before being used by the HMAC algorithm."
        ),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)


def keyed(checks, secret):
    key = Key()
    checks.schedule(key, secret, len(secret))
    return key


def hmac(secret, text):
    """RFC 2104 over hashlib, which both interpreters have."""
    secret = sha256(secret).digest() if len(secret) > 64 else secret
    secret = secret + bytes(64 - len(secret))
    inner = sha256(bytes([b ^ 0x36 for b in secret]) + text).digest()
    return sha256(bytes([b ^ 0x5C for b in secret]) + inner).digest()


def test_vectors_of_rfc_4231():
    checks = Checks()
    for secret, text, wanted in VECTORS:
        out = bytearray(32)
        checks.hmac_into(keyed(checks, secret), text, len(text), out, 0)
        assert out[: len(wanted) // 2] == unhexlify(wanted)


def test_a_mac_is_the_first_half():
    checks = Checks()
    for secret, text, wanted in VECTORS:
        out = bytearray(18)
        checks.mac_into(keyed(checks, secret), text, len(text), out, 1)
        assert bytes(out) == b"\0" + unhexlify(wanted)[:16] + b"\0"


def test_every_length_up_to_three_blocks_and_only_what_is_before_the_end():
    checks = Checks()
    key = keyed(checks, b"k" * 32)
    text = bytearray(i * 7 & 255 for i in range(200))
    out = bytearray(32)
    for end in range(200):
        checks.hmac_into(key, text, end, out, 0)
        assert out == hmac(b"k" * 32, bytes(text[:end])), end


def test_a_mac_may_be_written_behind_its_own_text():
    checks = Checks()
    key = keyed(checks, b"k" * 32)
    buffer = bytearray(b"text" + bytes(16))
    checks.mac_into(key, buffer, 4, buffer, 4)
    assert buffer == b"text" + hmac(b"k" * 32, b"text")[:16]


def test_keys_of_all_lengths_around_a_block():
    checks = Checks()
    out = bytearray(32)
    for count in (0, 1, 31, 32, 33, 63, 64, 65, 128):
        secret = bytes(range(count))
        checks.hmac_into(keyed(checks, secret), b"x", 1, out, 0)
        assert out == hmac(secret, b"x"), count


def test_a_derived_key_is_the_hmac_of_its_label():
    checks = Checks()
    key = Key()
    checks.derive(key, keyed(checks, b"K" * 32), b"label!", 5)
    out = bytearray(32)
    checks.hmac_into(key, b"text", 4, out, 0)
    assert out == hmac(hmac(b"K" * 32, b"label"), b"text")


def test_a_wiped_key_is_no_key_and_nothing_of_it_stays_behind():
    checks = Checks()
    key = keyed(checks, b"\xa5" * 32)
    assert not any(checks._block)
    assert not any(checks._sha._pending)
    key.wipe()
    assert not any(key.inner)
    assert not any(key.outer)


def test_crc_is_the_check_value():
    out = bytearray(4)
    Checks().crc32_into(b"123456789", 9, out, 0)
    assert out == unhexlify("cbf43926")
