import contextlib

import pytest

from interchange.errors import MessageError
from interchange.provisioning_code import ALPHABET, ProvisioningCode

FINGERPRINT = bytes(range(32))


def test_printed_and_typed():
    code = ProvisioningCode.make(FINGERPRINT)
    printed = str(code)
    assert [len(group) for group in printed.split("-")] == [5] * 7
    for typed in (printed, printed.lower(), printed.replace("-", " "), f" {printed.replace('-', '')} "):
        assert ProvisioningCode.read(typed) == code


def test_its_secret_is_random_and_not_shown():
    made = {ProvisioningCode.make(FINGERPRINT).secret for _ in range(200)}
    assert len(made) == 200
    assert set("".join(made)) == set(ALPHABET)
    code = ProvisioningCode.make(FINGERPRINT)
    assert code.secret not in repr(code)
    assert len(code.secret) * 5 >= 80


def test_it_knows_its_authority():
    code = ProvisioningCode.make(FINGERPRINT)
    assert code.fits(FINGERPRINT)
    assert code.fits(FINGERPRINT[:10] + bytes(22))  # 80 bits of it
    for place in range(10):
        other = bytearray(FINGERPRINT)
        other[place] ^= 1
        assert not code.fits(bytes(other))


def test_a_slip_is_told_from_a_wrong_code():
    """Every single slip in every place of one code: all but about one in a thousand are noticed at the kiosk."""
    plain = str(ProvisioningCode.make(FINGERPRINT)).replace("-", "")
    slips = [
        plain[:place] + character + plain[place + 1 :]
        for place in range(len(plain))
        for character in ALPHABET
        if character != plain[place]
    ]
    passed = 0
    for slip in slips:
        with contextlib.suppress(MessageError):
            ProvisioningCode.read(slip)
            passed += 1
    assert passed < len(slips) / 100


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "0 letters"), ("ABC", "3 letters"), ("A" * 36, "36 letters"), ("*" * 35, "group 1")],
)
def test_what_is_no_code(typed, words):
    with pytest.raises(MessageError, match=words):
        ProvisioningCode.read(typed)


def test_lookalikes():
    code = ProvisioningCode.make(FINGERPRINT)
    typed = str(code).replace("1", "l").replace("0", "O")
    assert ProvisioningCode.read(typed) == code
