"""An update through everything: bundle, signature, link, the real firmware in the real interpreter, the loader."""

import dataclasses
import random
import re
import shutil
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from edge_service.cli import app
from edge_service.firmware_update import Bundle, TrustedKeys, UpdateFailed
from edge_service.firmware_update import parameters as p
from edge_service.firmware_update.install import Installed, Steps, install
from edge_service.sensors.board import Board
from edge_service.sensors.board.ceremony import Ceremony
from edge_service.sensors.errors import SensorError
from edge_service.sensors.parameters import BoardTiming
from firmware.build.__main__ import build
from firmware.build.signing import public_pem
from firmware.core import codes
from hardware.bench import made_up_firmware as made_up
from hardware.bench.firmware_process import CHECKOUT, find_micropython
from hardware.bench.virtual_board import VirtualBoard
from hardware.bench.wire import Direction, Wire
from hardware.bench.wire_faults import FaultScript, Harm, Incident

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
TRIAL_S = 1.0
WATCHDOG_S = 2.0
FALL_BACK_S = 60.0  # generous: the machine may be busy

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(find_micropython() is None, reason="no MicroPython for this machine"),
]


def sources(folder, version, *, run=None, build_=None):
    """The real firmware as another version, its trial short; `run` and `build_` replace what its application does."""
    source = folder / "firmware"
    shutil.copytree(CHECKOUT / "firmware", source, ignore=shutil.ignore_patterns("__pycache__"))
    edit(source / "core" / "version.py", r'VERSION = ".*"', f'VERSION = "{version}"')
    edit(
        source / "core" / "parameters.py",
        r"TRIAL_MS = const\(.*\)",
        f"TRIAL_MS = const({TRIAL_S * 1000:.0f})",
    )
    main = source / "unix" / "main.py"
    if run is not None:
        edit(
            source / "unix" / "application.py",
            r"    def run\(self\) -> None:",
            f"    def run(self) -> None:\n        {run}",
        )
    if build_ is not None:
        edit(main, r"    words = _words\(\)\n", f"    words = _words()\n    {build_}\n")
    return source


def edit(path, pattern, words):
    text, count = re.subn(pattern, words.replace("\\", r"\\"), path.read_text(encoding="utf-8"), count=1)
    assert count == 1, f"{path.name} has changed: {pattern}"
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Bundles and a new board's flash, each built once."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "trusted.pem").write_bytes(public_pem(KEY))
    known = {}

    class Shelf:
        key = folder / "trusted.pem"

        def file(self, version, *, signer=KEY, **changes):
            name = (version, signer is KEY, *sorted(changes.items()))
            if name not in known:
                place = folder / f"{len(known)}"
                source = sources(place, version, **changes)
                (known[name],) = build((made_up.UNIX,), source=source, out=place / "out", signer=signer)
            return known[name]

        def bundle(self, version, **changes):
            return Bundle.read(self.file(version, **changes), keys=TrustedKeys.load([self.key]))

        def flash(self):
            if "flash" not in known:
                known["flash"] = folder / "flash"
                made_up.install(sources(folder / "first", "0.1.0"), known["flash"])
            return known["flash"]

    return Shelf()


class Kiosk:
    """A paired board with 0.1.0 in slot 0, and the Pi's end of it."""

    def __init__(self, virtual, flash, pairing, key):
        self.virtual = virtual
        self.flash = flash
        self.pairing = pairing
        self.key = key
        self.board = Board(virtual.path, pairing=pairing, timing=BoardTiming(answer_s=0.5))

    def pair(self):
        self.virtual.open_lid()
        self.virtual.press_button()
        Ceremony(self.board, timeout_s=30).pair()
        self.virtual.release_button()
        self.virtual.close_lid()
        self.board.close()

    def install(self, bundle, **options):
        try:
            return install(self.board, bundle, fall_back_s=FALL_BACK_S, **options)
        finally:
            self.board.close()

    def identity(self):
        try:
            return self.board.open()
        finally:
            self.board.close()

    def command(self, *words):
        settings = [
            "device=kiosk-1",
            f"sensor.port={self.virtual.path}",
            f"sensor.pairing={self.pairing}",
            f'firmware.trusted_keys=["{self.key}"]',
        ]
        assigned = [word for setting in settings for word in ("--set", setting)]
        return CliRunner().invoke(app, ["firmware", *map(str, words), *assigned])

    def runs(self, version, slot):
        identity = self.identity()
        return (identity.version, identity.slot, identity.flags.on_trial) == (version, slot, False)


@contextmanager
def a_kiosk(folder, shelf, wire=None):
    flash = folder / "flash"
    shutil.copytree(shelf.flash(), flash)
    with VirtualBoard(firmware=flash, watchdog_s=WATCHDOG_S, usb_wire=wire) as virtual:
        kiosk = Kiosk(virtual, flash, folder / "pairing.json", shelf.key)
        kiosk.pair()
        yield kiosk
        kiosk.board.close()


@pytest.fixture
def kiosk(tmp_path, shelf):
    with a_kiosk(tmp_path, shelf) as kiosk:
        yield kiosk


def test_there_and_back_again_on_the_command_line(kiosk, shelf):
    done = kiosk.command("update", shelf.file("0.2.0"))
    assert done.exit_code == 0, done.output
    assert "0.2.0 runs and is confirmed, in slot 1" in done.output
    assert "0.1.0 stays beside it" in done.output
    status = kiosk.command("status")
    assert status.exit_code == 0, status.output
    assert re.search(r"firmware\s+0\.2\.0", status.output)
    assert re.search(r"slot\s+1", status.output)

    kiosk.virtual.reset("power")
    assert kiosk.runs("0.2.0", 1), "confirmed: it stays"

    older = kiosk.command("update", shelf.file("0.1.5"))
    assert older.exit_code == 1
    assert "--allow-older" in older.output
    assert kiosk.runs("0.2.0", 1)
    meant = kiosk.command("update", shelf.file("0.1.5"), "--allow-older")
    assert meant.exit_code == 0, meant.output
    assert kiosk.runs("0.1.5", 0)
    assert not kiosk.virtual.crashes


def test_what_the_pi_refuses_does_not_reach_the_board(kiosk, shelf, tmp_path):
    before = {path: path.read_bytes() for path in kiosk.flash.glob("slot*/**/*") if path.is_file()}
    foreign = kiosk.command("update", shelf.file("0.2.0", signer=STRANGER))
    assert foreign.exit_code == 1
    assert "not signed by any of the 1 keys" in foreign.output
    damaged = tmp_path / "damaged.whorlfw"
    data = bytearray(shelf.file("0.2.0").read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    assert "SHA256SUMS" in kiosk.command("update", damaged).output
    after = {path: path.read_bytes() for path in kiosk.flash.glob("slot*/**/*") if path.is_file()}
    assert before == after
    assert kiosk.runs("0.1.0", 0)


def test_another_boards_bundle(kiosk, shelf):
    bundle = shelf.bundle("0.2.0")
    other = dataclasses.replace(bundle, manifest=bundle.manifest.model_copy(update={"board": "rp2040"}))
    with pytest.raises(Exception, match="for another board"):
        kiosk.install(other)
    # And if the Pi did not look: the board does.
    changed = bundle.manifest.model_copy(update={"board": "rp2040"})
    blind = dataclasses.replace(bundle, manifest_bytes=changed.encode())
    with pytest.raises(UpdateFailed, match="for another board"):
        kiosk.install(blind)
    assert kiosk.runs("0.1.0", 0)


def test_a_file_that_is_not_the_manifests(kiosk, shelf):
    bundle = shelf.bundle("0.2.0")
    *good, last = bundle.contents
    bad = dataclasses.replace(bundle, contents=(*good, bytes(len(last))))
    with pytest.raises(UpdateFailed, match="arrived damaged"):
        kiosk.install(bad)
    assert kiosk.runs("0.1.0", 0)
    assert not (kiosk.flash / "slot1" / "manifest.json").exists()
    assert kiosk.install(bundle).after == "0.2.0"


@pytest.mark.parametrize("seed", range(6))
def test_the_power_cut_somewhere_in_the_transfer(kiosk, shelf, seed):
    """The cable comes back at once: the transfer begins anew by itself."""
    bundle = shelf.bundle("0.2.0")
    cut_at = random.Random(seed).randrange(len(bundle.manifest_bytes) + bundle.manifest.total_bytes)
    cuts = []

    def cut(sent):
        if sent >= cut_at and not cuts:
            cuts.append(sent)
            kiosk.virtual.reset("power")

    assert kiosk.install(bundle, steps=Steps(sent=cut)) == Installed("0.1.0", "0.2.0", 1)
    assert cuts
    assert kiosk.runs("0.2.0", 1)


@pytest.mark.parametrize("seed", range(4))
def test_the_cable_pulled_for_good(kiosk, shelf, seed, monkeypatch):
    monkeypatch.setattr(p, "COME_BACK_S", 0.5)
    bundle = shelf.bundle("0.2.0")
    cut_at = random.Random(100 + seed).randrange(len(bundle.manifest_bytes) + bundle.manifest.total_bytes)

    def pull(sent):
        if sent >= cut_at and kiosk.virtual.alive:
            kiosk.virtual.unplug()

    with pytest.raises(UpdateFailed, match="Run the update again"):
        kiosk.install(bundle, steps=Steps(sent=pull))
    kiosk.virtual.replug()
    assert kiosk.runs("0.1.0", 0)
    assert kiosk.install(bundle).after == "0.2.0"


@pytest.mark.parametrize("seed", range(2))
def test_a_noisy_cable(tmp_path, shelf, seed):
    """Bytes are lost, flipped, doubled and invented, both ways: slower, and right."""
    bundle = shelf.bundle("0.2.0")
    with Wire(usb=True) as wire, a_kiosk(tmp_path, shelf, wire) as kiosk:
        kiosk.board = Board(wire.path, pairing=kiosk.pairing, timing=BoardTiming(answer_s=0.2))
        chance = random.Random(seed)
        wire.harm(up=harm(chance, 3_500), down=harm(chance, 50_000))
        assert kiosk.install(bundle) == Installed("0.1.0", "0.2.0", 1)
        assert len(wire.happened(Direction.DOWN)) > 10
        assert len(wire.happened(Direction.UP)) > 10
        wire.heal()
        assert kiosk.runs("0.2.0", 1)


def harm(chance, stream_bytes, count=12):
    kinds = [Harm.FLIP, Harm.LOSE, Harm.DOUBLE, Harm.NOISE]
    return FaultScript(
        [
            Incident(chance.randrange(stream_bytes), chance.choice(kinds), chance.randrange(1, 40))
            for _ in range(count)
        ],
        seed=chance.randrange(1000),
    )


def test_the_pi_stops_in_the_middle(kiosk, shelf):
    def stop(sent):
        if sent > 20_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kiosk.install(shelf.bundle("0.2.0"), steps=Steps(sent=stop))
    assert kiosk.runs("0.1.0", 0)
    assert kiosk.board.open().version == "0.1.0"
    with pytest.raises(SensorError, match="ORDER"):
        kiosk.board.request(codes.UPDATE_END)
    kiosk.board.close()
    assert kiosk.install(shelf.bundle("0.2.0")).after == "0.2.0"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"build_": "raise ValueError('it does not start')"}, id="raises at the start"),
        pytest.param({"run": "raise ValueError('it does not run')"}, id="raises later"),
        pytest.param({"run": "while True: pass"}, id="hangs"),
        pytest.param(
            {"run": "self.app.link.poll = lambda: 0; self.app._requests.handle = None"}, id="answers nothing"
        ),
    ],
)
def test_an_update_that_does_not_run_well_falls_back(kiosk, shelf, changes):
    with pytest.raises(UpdateFailed, match=r"fallen back to 0\.1\.0") as caught:
        kiosk.install(shelf.bundle("0.2.0", **changes))
    assert caught.value.fell_back
    identity = kiosk.identity()
    assert (identity.version, identity.slot, identity.flags.on_trial) == ("0.1.0", 0, False)
    assert identity.reset_cause == codes.RESET_FALL_BACK
    status = kiosk.command("status")
    assert status.exit_code == 1
    assert "did not run well" in status.output
    assert kiosk.install(shelf.bundle("0.3.0")).after == "0.3.0", "the way for a better one is free"


def test_a_pi_that_went_away_after_the_restart_confirms_by_running_it_again(kiosk, shelf):
    class GoneAway(Exception):  # noqa: N818 - reads as what it is
        pass

    def go(words):
        raise GoneAway

    bundle = shelf.bundle("0.2.0")
    with pytest.raises(GoneAway):
        kiosk.install(bundle, steps=Steps(waiting=go))
    kiosk.virtual.reset("power")
    assert kiosk.identity().flags.on_trial
    other = kiosk.command("update", shelf.file("0.3.0"))
    assert other.exit_code == 1
    assert "on trial" in other.output
    assert kiosk.install(bundle) == Installed("0.2.0", "0.2.0", 1)
    kiosk.virtual.reset("power")
    assert kiosk.runs("0.2.0", 1)


def test_a_board_that_is_not_paired_takes_no_update(kiosk, shelf):
    kiosk.pairing.unlink()
    refused = kiosk.command("update", shelf.file("0.2.0"))
    assert refused.exit_code == 1
    assert "edge-service board pair" in refused.output
    assert "proven" in kiosk.command("status").output


def test_a_board_without_slots_says_so(shelf, tmp_path):
    with VirtualBoard(lid_open=True, heap="1m") as virtual:  # sources need more memory than what was compiled
        virtual.press_button()
        board = Board(virtual.path, pairing=tmp_path / "pairing.json")
        Ceremony(board, timeout_s=30).pair()
        with pytest.raises(Exception, match=r"docs/firmware-update\.md"):
            install(board, shelf.bundle("0.2.0"))
        board.close()


def test_the_patience_covers_three_trials():
    from firmware.boot.boot_state import TRIAL_BOOTS
    from firmware.core.parameters import TRIAL_MS

    assert TRIAL_BOOTS * TRIAL_MS / 1000 + 10 < p.FALL_BACK_S
