import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cwt import COSE, COSEKey
from hypothesis import given, settings
from hypothesis import strategies as st

from interchange.envelope import MAX_SEALED_BYTES, is_sealed, seal, unseal
from interchange.envelope_keys import PrivateKey, PublicKey
from interchange.errors import EnvelopeError

DEVICE, OTHER, MATCHER, OLD = (PrivateKey.generate() for _ in range(4))
TOPIC = "fp/v1/kiosk-1/up/submission"
PAYLOAD = b'{"version":1,"tcn":"..."}'


def sealed(payload=PAYLOAD, *, signer=DEVICE, receiver=MATCHER, context=TOPIC):
    return seal(payload, signer=signer, receiver=receiver.public, context=context)


def opened(data, *, receiver=(MATCHER,), signers=(DEVICE.public,), context=TOPIC):
    return unseal(data, receiver=receiver, signers=signers, context=context)


@pytest.mark.parametrize("size", [0, 1, 3000, 64 * 1024])
def test_there_and_back(size):
    payload = bytes(i % 251 for i in range(size))
    result = opened(sealed(payload))
    assert result.payload == payload
    assert result.signer == DEVICE.id


def test_nothing_of_it_can_be_read():
    payload = b"a booking" * 50
    data = sealed(payload)
    assert b"a booking" not in data
    assert DEVICE.id not in data
    assert is_sealed(data)
    assert not is_sealed(b'{"version":1}')


def test_twice_the_same_looks_different():
    one, two = sealed(), sealed()
    assert one != two
    assert one[-40:] != two[-40:]


def test_keys_change_while_messages_wait():
    """What was sealed to the old key, or signed by it, is read as long as the old one is kept."""
    waiting = sealed(receiver=OLD)
    assert opened(waiting, receiver=(MATCHER, OLD)).payload == PAYLOAD
    assert opened(sealed(signer=OTHER), signers=(DEVICE.public, OTHER.public)).signer == OTHER.id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"receiver": (OTHER,)}, "not ours"),
        ({"receiver": ()}, "not ours"),
        ({"signers": (OTHER.public,)}, "not known"),
        ({"signers": ()}, "not known"),
        ({"context": "fp/v1/kiosk-2/up/submission"}, "another topic"),
    ],
)
def test_the_wrong_key_or_place(change, words):
    with pytest.raises(EnvelopeError, match=words):
        opened(sealed(), **change)


def test_a_signature_by_somebody_who_borrows_a_known_id():
    """The id says which key to try, never which key it was."""
    forger = PrivateKey.generate()
    forger.id = DEVICE.id
    with pytest.raises(EnvelopeError, match="signature is wrong"):
        opened(sealed(signer=forger))


def test_a_message_sealed_again_by_its_receiver_does_not_pass_at_another_topic():
    """The matcher could open it and seal it to another matcher: the signature still names the topic."""
    signed = COSE.new().decode(
        sealed(), MATCHER.cose("ECDH-ES+A256KW"), context={"alg": "A256GCM"}, external_aad=TOPIC.encode()
    )
    with pytest.raises(Exception, match="verify"):
        COSE.new().decode(signed, DEVICE.public.cose("ES256"), external_aad=b"fp/v1/kiosk-1/up/event")


def test_only_our_algorithms():
    content = COSEKey.generate_symmetric_key(alg="A256GCM")
    direct = COSE.new().encode_and_encrypt(
        b"x", content, protected={1: 3}, unprotected={5: content.generate_nonce()}
    )
    signed_only = COSE.new().encode_and_sign(b"x", DEVICE.cose("ES256"), protected={1: -7, 4: DEVICE.id})
    for data in (
        direct,
        signed_only,
        cbor2.dumps(cbor2.CBORTag(96, [b"", {}, b"", []])),
        b"",
        b"{}",
        b"\xff" * 40,
    ):
        with pytest.raises(EnvelopeError):
            opened(data)
    tree = cbor2.loads(sealed())
    tree.value[0] = cbor2.dumps({1: 1})
    with pytest.raises(EnvelopeError, match="not encrypted as it should"):
        opened(cbor2.dumps(tree))


def test_too_long_and_too_deep():
    with pytest.raises(EnvelopeError, match="at most"):
        opened(bytes(MAX_SEALED_BYTES + 1))
    with pytest.raises(EnvelopeError):
        opened(b"\x81" * 90_000)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_is_noticed(data):
    whole = bytearray(_ONE)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] ^= data.draw(st.integers(1, 255))
    if bytes(whole) == _ONE:
        return
    with pytest.raises(EnvelopeError):
        opened(bytes(whole))


_ONE = sealed()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes(data):
    with pytest.raises(EnvelopeError):
        opened(data)


def test_keys_are_read_strictly():
    assert PrivateKey.read(DEVICE.pem).id == DEVICE.id
    assert PublicKey.read(DEVICE.public.pem).id == DEVICE.id
    p384 = ec.generate_private_key(ec.SECP384R1())
    edwards = ed25519.Ed25519PrivateKey.generate()
    for key in (p384, edwards):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(EnvelopeError, match="P-256"):
            PrivateKey.read(private)
        with pytest.raises(EnvelopeError, match="P-256"):
            PublicKey.read(public)
    for junk in (b"", b"junk", DEVICE.public.pem[:-30], bytes(5000)):
        with pytest.raises(EnvelopeError):
            PrivateKey.read(junk)
        with pytest.raises(EnvelopeError):
            PublicKey.read(junk)
