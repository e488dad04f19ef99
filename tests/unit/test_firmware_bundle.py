"""Bundles on the Pi's side: only what was built, signed by somebody trusted, and fits the board, is taken."""

import hashlib
import io
import json
import random
import tarfile
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from edge_service.cli import app
from edge_service.firmware_update import (
    Bundle,
    BundleDamaged,
    BundleUnfit,
    BundleUntrusted,
    TrustedKeys,
    archive,
    fitness,
)
from edge_service.firmware_update import parameters as pi
from edge_service.firmware_update.manifest import Manifest, ManifestError, version_key
from edge_service.sensors.board.answers import Flags
from firmware.build.bundle import pack
from firmware.build.signing import public_pem
from firmware.core import codes
from firmware.core import parameters as board
from firmware.core.framing import PROTOCOL

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
CONTENTS = {
    "firmware/__init__.mpy": b"",
    "firmware/core/a.mpy": bytes(range(256)) * 5,
    "firmware/unix/main.mpy": b"M" * 512,
}


def manifest_of(contents=CONTENTS, **changes):
    manifest = {
        "format": 1,
        "version": "1.2.3",
        "board": "unix",
        "link_protocol": PROTOCOL,
        "mpy": "6.3",
        "arch": "x64",
        "entry": "firmware.unix.main",
        "files": [
            {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(contents.items())
        ],
    } | changes
    return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()


def signed(manifest, contents=CONTENTS, key=KEY):
    return pack(manifest, key.sign(manifest), contents)


GOOD = signed(manifest_of())


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "builder.pem"
    path.write_bytes(public_pem(KEY))
    return TrustedKeys.load([path])


@pytest.fixture
def read(tmp_path, keys):
    def read_it(data, trusted=keys):
        path = tmp_path / "some.whorlfw"
        path.write_bytes(data)
        return Bundle.read(path, keys=trusted)

    return read_it


def test_both_sides_have_the_same_bounds():
    assert (pi.MAX_MANIFEST_BYTES, pi.MAX_FILES, pi.MAX_FIRMWARE_BYTES, pi.MAX_PATH_CHARACTERS) == (
        board.UPDATE_MANIFEST_BYTES,
        board.UPDATE_FILES,
        board.UPDATE_BYTES,
        board.UPDATE_PATH_CHARACTERS,
    )


def test_what_was_built_is_read(read, tmp_path):
    bundle = read(GOOD)
    assert bundle.manifest.version == "1.2.3"
    assert bundle.contents == tuple(CONTENTS[path] for path in sorted(CONTENTS))
    assert bundle.manifest.total_bytes == sum(map(len, CONTENTS.values()))
    assert bundle.signer == tmp_path / "builder.pem"


def test_every_changed_byte_is_found(read):
    """Any single byte, anywhere: a sample of places, and every byte of the manifest and the signature."""
    chance = random.Random(1)
    places = set(range(2048 + 64)) | set(chance.sample(range(len(GOOD)), 400))
    for place in places:
        bad = bytearray(GOOD)
        bad[place] ^= 1 << chance.randrange(8)
        with pytest.raises((BundleDamaged, BundleUntrusted)):
            read(bytes(bad))


def test_every_truncation_is_found(read):
    for length in [0, 1, 511, 512, 513, 1024, *range(2048, len(GOOD), 512), len(GOOD) - 1]:
        with pytest.raises(BundleDamaged):
            read(GOOD[:length])
    for more in (b"\0", bytes(512), bytes(10240), GOOD):
        with pytest.raises(BundleDamaged):
            read(GOOD + more)


def test_noise_is_no_bundle(read):
    chance = random.Random(2)
    for _ in range(50):
        with pytest.raises(BundleDamaged):
            read(chance.randbytes(chance.randrange(1, 6000)))


def odd_tar(change):
    """A tar that Python's tarfile made, with one thing about it that no bundle has."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, contents in {"manifest.json": b"{}", "manifest.sig": bytes(64)}.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            change(member)
            tar.addfile(member, io.BytesIO(contents))
    return data.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"mode": 0o755},
        {"mtime": 1},
        {"uid": 1000},
        {"uname": "root"},
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
        {"type": tarfile.LNKTYPE, "linkname": "manifest.json", "size": 0},
        {"type": tarfile.DIRTYPE, "size": 0},
        {"type": tarfile.CHRTYPE, "size": 0},
        {"name": "../manifest.json"},
        {"name": "/etc/passwd"},
        {"name": "Manifest.json"},
        {"name": "x" * 80},
    ],
)
def test_members_that_no_bundle_has(change):
    assert archive.members(odd_tar(lambda member: None))
    with pytest.raises(archive.ArchiveError):
        archive.members(odd_tar(lambda member: [setattr(member, *pair) for pair in change.items()]))


def test_one_name_twice_too_many_and_too_large():
    with pytest.raises(archive.ArchiveError, match="twice"):
        archive.members(odd_tar(lambda member: setattr(member, "name", "manifest.json")))
    many = {f"firmware/m{number:03}.mpy": b"" for number in range(pi.MAX_FILES + 1)}
    with pytest.raises(archive.ArchiveError, match="more than"):
        archive.members(pack(b"{}", bytes(64), many))
    with pytest.raises(archive.ArchiveError, match="too large"):
        archive.members(archive.header_of("firmware/x", pi.MAX_FIRMWARE_BYTES + 1) + bytes(10240))
    with pytest.raises(archive.ArchiveError, match="larger than any"):
        archive.members(bytes(pi.MAX_BUNDLE_BYTES + 1))


def test_a_signature_by_a_stranger_or_by_nobody_we_know(read, tmp_path):
    with pytest.raises(BundleUntrusted, match="any of the 1 keys") as caught:
        read(signed(manifest_of(), key=STRANGER))
    assert "/etc/whorl/firmware-keys" in str(caught.value)
    assert "Nothing on the board was changed" in str(caught.value)
    with pytest.raises(BundleUntrusted, match="trusts no key yet"):
        read(GOOD, TrustedKeys.load([], folder=tmp_path / "nothing"))


def test_a_signature_for_another_manifest(read):
    with pytest.raises(BundleUntrusted):
        read(pack(manifest_of(version="9.9.9"), KEY.sign(manifest_of()), CONTENTS))


@pytest.mark.parametrize(
    "contents",
    [
        {**CONTENTS, "firmware/core/a.mpy": b"?" * 1280},
        {**CONTENTS, "firmware/core/a.mpy": b""},
        {**CONTENTS, "firmware/core/more.mpy": b""},
        {path: data for path, data in CONTENTS.items() if not path.endswith("a.mpy")},
    ],
)
def test_files_that_the_manifest_does_not_list(read, contents):
    with pytest.raises(BundleDamaged):
        read(signed(manifest_of(), contents))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"version": "1.2"},
        {"version": "1.2.3\n"},
        {"board": "RP2040"},
        {"link_protocol": 0},
        {"link_protocol": "1"},
        {"files": []},
        {"files": [{"path": "../x", "size": 0, "sha256": "0" * 64}]},
        {"files": [{"path": "firmware/x", "size": -1, "sha256": "0" * 64}]},
        {"files": [{"path": "firmware/x", "size": 0, "sha256": "0" * 63}]},
        {"files": [{"path": "firmware/x", "size": 0, "sha256": "0" * 64}] * 2},
        {"surprise": 1},
    ],
)
def test_manifests_that_are_none(read, changes):
    """Signed, because a builder makes mistakes too."""
    with pytest.raises(ManifestError):
        Manifest.decode(manifest_of(**changes))
    with pytest.raises(BundleDamaged, match="manifest is signed, but"):
        read(signed(manifest_of(**changes)))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 5000, b"{" * 20000])
def test_manifests_that_are_not_even_json(data):
    with pytest.raises(ManifestError):
        Manifest.decode(data)


def test_a_manifest_has_one_form_only():
    with pytest.raises(ManifestError, match="canonical"):
        Manifest.decode(manifest_of().replace(b",", b", ", 1))


def test_keys_that_are_named_and_cannot_be_used(tmp_path):
    with pytest.raises(BundleUntrusted, match=r"missing\.pem"):
        TrustedKeys.load([tmp_path / "missing.pem"])
    private = tmp_path / "private.pem"
    private.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    other = tmp_path / "other.pem"
    other.write_bytes(
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for path in (private, other):
        with pytest.raises(BundleUntrusted, match="Ed25519 public key"):
            TrustedKeys.load([path])


def test_the_folder_of_keys_counts_when_the_settings_name_none(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "one.pem").write_bytes(public_pem(KEY))
    (folder / "readme.txt").write_text("not a key")
    named = tmp_path / "named.pem"
    named.write_bytes(public_pem(STRANGER))
    message = b"m"
    assert TrustedKeys.load([], folder=folder).signer_of(message, KEY.sign(message)) == folder / "one.pem"
    only_named = TrustedKeys.load([named], folder=folder)
    assert only_named.signer_of(message, KEY.sign(message)) is None
    both = TrustedKeys.load([], extra=[named], folder=folder)
    assert both.signer_of(message, STRANGER.sign(message)) == named
    assert len(both) == 2


def identity(**changes):
    """What fitness looks at, of a board that runs 1.2.2 from a slot."""
    facts = {
        "board": codes.BOARD_UNIX,
        "version": "1.2.2",
        "flags": Flags(codes.FLAG_PAIRED),
        "capabilities": codes.CAN_UPDATE,
    }
    return SimpleNamespace(**facts | changes)


def test_what_fits(read):
    bundle = read(GOOD)
    fitness.check(bundle, identity(), allow_older=False)
    fitness.check(bundle, identity(version="1.2.3"), allow_older=False)
    fitness.check(bundle, identity(version="1.10.0"), allow_older=True)
    fitness.check(bundle, identity(version=""), allow_older=False)
    on_trial = identity(version="1.2.3", flags=Flags(codes.FLAG_TRIAL))
    fitness.check(bundle, on_trial, allow_older=False)
    assert fitness.is_on_trial(bundle, on_trial)


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"board": codes.BOARD_RP2040}, "board", r"whorl-firmware-1\.2\.3-rp2040\.whorlfw"),
        ({"board": 77}, "board", "kind 77"),
        ({"capabilities": 0}, "board", "docs/firmware-update"),
        ({"version": "1.10.0"}, "older", "--allow-older"),
        ({"flags": Flags(codes.FLAG_TRIAL)}, "on trial", "falls back"),
    ],
)
def test_what_does_not_fit(read, changes, reason, words):
    with pytest.raises(BundleUnfit, match=words) as caught:
        fitness.check(read(GOOD), identity(**changes), allow_older=False)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("protocol", "words"), [(PROTOCOL + 1, "update the edge service first")])
def test_firmware_of_another_link(read, protocol, words):
    with pytest.raises(BundleUnfit, match=words):
        fitness.check(read(signed(manifest_of(link_protocol=protocol))), identity(), allow_older=True)


def test_versions_compare_as_numbers():
    assert version_key("0.10.0") > version_key("0.9.9")
    assert version_key("") < version_key("0.0.0")
    assert version_key("x") < version_key("0.0.0")


def test_verify_on_the_command_line(tmp_path):
    path = tmp_path / "some.whorlfw"
    path.write_bytes(GOOD)
    key = tmp_path / "builder.pem"
    key.write_bytes(public_pem(KEY))
    run = CliRunner().invoke
    good = run(app, ["firmware", "verify", str(path), "--trust", str(key)])
    assert good.exit_code == 0, good.output
    assert "1.2.3 for unix" in good.output
    named = run(
        app,
        ["firmware", "verify", str(path), "--set", "device=k", "--set", f'firmware.trusted_keys=["{key}"]'],
    )
    assert named.exit_code == 0, named.output
    unknown = run(app, ["firmware", "verify", str(path), "--set", "device=k"])
    assert unknown.exit_code == 1
    assert "trusts no key yet" in unknown.output
    path.write_bytes(GOOD[:-1])
    assert "SHA256SUMS" in run(app, ["firmware", "verify", str(path), "--trust", str(key)]).output
    missing = run(app, ["firmware", "verify", str(tmp_path / "missing.whorlfw"), "--trust", str(key)])
    assert missing.exit_code == 1
    assert "No such file" in missing.output
