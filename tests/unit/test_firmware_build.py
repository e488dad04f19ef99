"""The build: the same bytes from anywhere, nothing of the developer's machine in them, keys that are kept."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

import firmware.build.__main__ as build_command
from firmware.build.errors import BuildError, CompileError, KeyFileError
from firmware.build.mpy import MpyCross
from firmware.build.signing import developers_key, load_key
from firmware.build.targets import TARGETS
from firmware.core.framing import PROTOCOL
from hardware.bench import made_up_firmware as made_up

CHECKOUT = Path(build_command.__file__).resolve().parents[2]
MAIN = made_up.TELLS.format(at_start="pass")
UNIX = (made_up.UNIX,)


@pytest.fixture
def signer():
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def source(tmp_path):
    return made_up.write_sources(tmp_path, version="1.2.3", main=MAIN)


def built(source, out, signer, targets=UNIX):
    return build_command.build(targets, source=source, out=out, signer=signer)


def members(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_two_checkouts_give_the_same_bytes(tmp_path, signer):
    here = made_up.write_sources(tmp_path / "here", version="1.2.3", main=MAIN)
    there = made_up.write_sources(tmp_path / "a much longer path" / "there", version="1.2.3", main=MAIN)
    (there / "unix" / "__pycache__").mkdir()
    (there / "unix" / "notes.txt").write_text("not a module")
    first, second = built(here, tmp_path / "1", signer), built(there, tmp_path / "2", signer)
    assert first[0].read_bytes() == second[0].read_bytes()
    assert (tmp_path / "1" / "SHA256SUMS").read_bytes() == (tmp_path / "2" / "SHA256SUMS").read_bytes()


def test_this_checkout_builds_for_every_board_whose_main_is_there_and_names_no_path_of_it(tmp_path, signer):
    source = CHECKOUT / "firmware"
    elsewhere = tmp_path / "elsewhere" / "firmware"
    shutil.copytree(source, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    first = built(source, tmp_path / "1", signer, TARGETS)
    second = built(elsewhere, tmp_path / "2", signer, TARGETS)
    assert [path.name for path in first] == [path.name for path in second]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
        assert str(CHECKOUT).encode() not in one.read_bytes()
        assert str(Path.home()).encode() + b"/" not in one.read_bytes()
    names = {name for path in first for name in members(path)}
    assert not {name for name in names if "/build/" in name}, "the PC's part stays on the PC"
    assert not names & {"firmware/boot/main.mpy", "firmware/boot/loader.mpy"}, (
        "the loader is not exchanged by an update"
    )


def test_what_is_in_a_bundle(tmp_path, source, signer):
    (path,) = built(source, tmp_path / "out", signer)
    assert path.name == "whorl-firmware-1.2.3-unix.whorlfw"
    found = members(path)
    manifest = json.loads(found["manifest.json"])
    files = manifest.pop("files")
    assert manifest == {
        "format": 1,
        "version": "1.2.3",
        "board": "unix",
        "link_protocol": PROTOCOL,
        "mpy": MpyCross.find().mpy_version,
        "arch": "x64",
        "entry": "firmware.unix.main",
    }
    assert [file["path"] for file in files] == list(found)[2:] == sorted(found)[:-2]
    for file in files:
        data = found[file["path"]]
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert data[:1] == b"M", "compiled, not source"
    signer.public_key().verify(found["manifest.sig"], found["manifest.json"])
    sums = (tmp_path / "out" / "SHA256SUMS").read_text()
    assert sums == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    with tarfile.open(path) as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar} == {(0, 0, 0, "", 0o644)}


def test_machine_code_is_the_boards():
    compiler = MpyCross.find()
    kernel = "import micropython\n@micropython.viper\ndef f(x: int) -> int:\n    return x + 1\n"
    codes = {t.name: compiler.compile(kernel, name="firmware/core/kernel.py", march=t.march) for t in TARGETS}
    # The second byte after the version is the architecture, shifted by two: x64 2, armv6m 4, armv7emsp 7
    # (https://docs.micropython.org/en/latest/reference/mpyfiles.html).
    assert {name: code[2] >> 2 for name, code in codes.items()} == {"unix": 2, "rp2040": 4, "rp2350": 7}
    assert all(b"firmware/core/kernel.py" in code for code in codes.values())


def test_a_module_that_does_not_compile_is_named(tmp_path, source, signer):
    (source / "unix" / "main.py").write_text("def build(:\n")
    with pytest.raises(CompileError, match=r"firmware/unix/main\.py"):
        built(source, tmp_path / "out", signer)


def test_sources_that_say_no_version(tmp_path, source, signer):
    (source / "core" / "version.py").write_text('VERSION = "one"\n')
    with pytest.raises(BuildError, match=r'VERSION = "1\.2\.3"'):
        built(source, tmp_path / "out", signer)


def test_sources_without_the_module_that_starts(tmp_path, source, signer):
    (source / "unix" / "main.py").unlink()
    with pytest.raises(BuildError, match=r"firmware\.unix\.main"):
        built(source, tmp_path / "out", signer)


def test_a_compiler_that_is_not_there(tmp_path):
    with pytest.raises(CompileError, match="make setup"):
        MpyCross(tmp_path / "no-such-compiler").compile("", name="x.py", march="x64")


def test_the_developers_key_is_made_once_and_is_its_owners(tmp_path):
    key, public = developers_key(tmp_path / "keys")
    again, _ = developers_key(tmp_path / "keys")
    assert again.private_bytes_raw() == key.private_bytes_raw()
    assert stat.S_IMODE((tmp_path / "keys" / "developer-key.pem").stat().st_mode) == 0o600
    assert load_pem_public_key(public.read_bytes()).public_bytes_raw() == key.public_key().public_bytes_raw()


def test_keys_that_cannot_sign(tmp_path, signer):
    missing = tmp_path / "missing.pem"
    with pytest.raises(KeyFileError, match="openssl genpkey"):
        load_key(missing)
    text = tmp_path / "text.pem"
    text.write_text("hello")
    with pytest.raises(KeyFileError, match="PEM"):
        load_key(text)
    secret = tmp_path / "secret.pem"
    secret.write_bytes(
        signer.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"horse"),
        )
    )
    assert load_key(secret, passphrase="horse").private_bytes_raw() == bytes(range(32))
    with pytest.raises(KeyFileError, match="passphrase"):
        load_key(secret, passphrase="donkey")


def test_the_command_says_how_to_trust_a_developers_key(tmp_path, source):
    command = [sys.executable, "-m", "firmware.build", "--source", source, "--out", tmp_path / "out"]
    done = subprocess.run(
        [*command, "--board", "unix", "--folder"], capture_output=True, text=True, check=True
    )
    assert "--trust" in done.stdout
    assert (tmp_path / "out" / "whorl-firmware-1.2.3-unix" / "main.py").is_file()
    assert (tmp_path / "out" / "whorl-firmware-1.2.3-unix" / "slot0" / "manifest.json").is_file()
    wrong = subprocess.run([*command, "--board", "esp32"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "rp2040, rp2350, unix" in wrong.stderr
