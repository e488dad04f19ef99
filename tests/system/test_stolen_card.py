"""Somebody has the kiosk's card, and reads it: with the spool's key elsewhere, and with the key beside it."""

import shutil
import sqlite3

import pytest
import typer

from edge_service.kiosk.form import BookingForm, ChargeClass, Disposition, FingerPlan, FingerState
from edge_service.kiosk.store import KioskStore
from edge_service.running_parts import open_spool
from edge_service.settings import EdgeSettings, SpoolSettings
from edge_service.spool import SpoolState
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message

pytestmark = pytest.mark.system

NUMBER = "B-2026-0417"
SUBMISSION = made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
PAYLOAD = encode_message(SUBMISSION)


def booked(folder, **spool):
    """A kiosk with one booking that waits, left as a power cut leaves it: with SQLite's log beside its files."""
    settings = EdgeSettings(device="kiosk-1", spool=SpoolSettings(path=folder / "spool.db", **spool))
    opened = open_spool(settings)
    store = KioskStore(folder / "kiosk.db", vault=opened.vault)
    form = BookingForm(number=NUMBER, charge_class=ChargeClass.FELONY, disposition=Disposition.ARRESTED)
    store.note(SUBMISSION.tcn, form, FingerPlan(fingers={2: FingerState.PRINT}), officer="d104")
    opened.add(SUBMISSION.tcn, PAYLOAD)
    card = folder.with_name("the-card")
    shutil.copytree(folder, card)
    store.close()
    opened.close()
    return card


def pieces_of(payload):
    """Twenty bytes here and there: no part of it may be found, not only the whole."""
    return [payload[at : at + 20] for at in range(0, len(payload) - 20, 97)]


def test_a_card_without_its_key_tells_neither_prints_nor_the_booking(tmp_path):
    kiosk, chip = tmp_path / "kiosk", tmp_path / "chip"
    kiosk.mkdir()
    chip.mkdir(mode=0o700)
    card = booked(kiosk, key_file=chip / "spool.key")
    files = [path for path in card.rglob("*") if path.is_file()]
    assert {"spool.db", "kiosk.db"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert not any(piece in content for piece in pieces_of(PAYLOAD)), path.name
        assert not any(print_.template[24:60] in content for print_ in SUBMISSION.prints), path.name
        for word in (NUMBER, "d104", "felony"):
            assert word.encode() not in content, (path.name, word)
    settings = EdgeSettings(device="kiosk-1", spool=SpoolSettings(path=card / "spool.db"))
    with pytest.raises(typer.Exit):  # no key, and none is made in its place
        open_spool(settings)
    (card / "spool.key").write_text("ab" * 32 + "\n")
    (card / "spool.key").chmod(0o600)
    with pytest.raises(typer.Exit):
        open_spool(settings)


def test_prints_cannot_be_put_under_another_booking(tmp_path):
    """Somebody who may write to the card, but has no key, exchanges what two bookings hold."""
    settings = EdgeSettings(device="kiosk-1", spool=SpoolSettings(path=tmp_path / "spool.db"))
    other = made_up_submission("kiosk-1", {2: made_up_minutiae(9)})
    spool = open_spool(settings)
    spool.add(SUBMISSION.tcn, PAYLOAD)
    spool.add(other.tcn, encode_message(other))
    spool.close()
    with sqlite3.connect(tmp_path / "spool.db") as card:
        found = dict(card.execute("SELECT tcn, payload FROM submission").fetchall())
        for tcn, from_tcn in ((SUBMISSION.tcn, other.tcn), (other.tcn, SUBMISSION.tcn)):
            card.execute("UPDATE submission SET payload = ? WHERE tcn = ?", (found[from_tcn], tcn))
    card.close()
    spool = open_spool(settings)
    for tcn in found:
        assert spool.payload(tcn) is None
        assert spool.entry(tcn).state is SpoolState.DAMAGED
    spool.close()


def test_a_card_with_its_key_on_it_tells_all(tmp_path):
    """Not stopped, and said so in docs/threat-model.md: where there is no chip that keeps the key, it is a file."""
    kiosk = tmp_path / "kiosk"
    kiosk.mkdir()
    card = booked(kiosk)
    settings = EdgeSettings(device="kiosk-1", spool=SpoolSettings(path=card / "spool.db"))
    spool = open_spool(settings)
    assert spool.payload(SUBMISSION.tcn) == PAYLOAD
    spool.close()
