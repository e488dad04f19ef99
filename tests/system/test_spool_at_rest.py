"""The spool's key, its command and what is said of late submissions, with real processes and a real broker."""

import subprocess
import sys
from pathlib import Path

from edge_service.clock import is_synchronised
from edge_service.spool import SpoolState
from interchange.lateness import Lateness
from interchange.topics import Up, from_every_device, up

BIN = Path(sys.executable).parent


def spool_command(folder, *words):
    return subprocess.run(
        [BIN / "edge-service", "spool", *words, "--set", "device=kiosk-1", "--set", f"spool.path={folder}/kiosk-1.db"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_the_command_shows_and_rekeys(quiet_site):
    tcn = quiet_site.save(1)
    key = quiet_site.folder / "spool.key"
    old = key.read_text()
    quiet_site.spool().close()
    quiet_site.spools.clear()

    done = spool_command(quiet_site.folder, "rekey")
    assert done.returncode == 0, done.stderr
    assert "1 values are sealed" in done.stdout
    assert key.read_text() != old
    assert tcn in quiet_site.spool().payload(tcn).decode()
    quiet_site.spool().close()
    quiet_site.spools.clear()

    key.rename(quiet_site.folder / "elsewhere")
    shown = spool_command(quiet_site.folder)
    assert (shown.returncode, f"{tcn}  queued" in shown.stdout) == (0, True)
    refused = spool_command(quiet_site.folder, "rekey")
    assert (refused.returncode, "is missing" in refused.stderr) == (1, True)
    assert not key.exists()
    (quiet_site.folder / "elsewhere").rename(key)


def test_a_first_sending_is_not_late_and_the_next_one_is(site, until):
    peer = site.peer("peer", from_every_device(Up.SUBMISSION))
    tcn = site.save(2)
    site.edge()
    until(lambda: len(peer.received) >= 2)
    first, second = peer.received[:2]
    assert first.topic == up("kiosk-1", Up.SUBMISSION)
    assert Lateness.from_properties(first.properties) is None
    assert Lateness.from_properties(second.properties).attempt == 2
    assert site.spool().entry(tcn).state is SpoolState.SENT


def test_the_matcher_hears_it_and_stores_the_submission_all_the_same(quiet_site):
    site = quiet_site
    tcn = site.save(3)
    with site.spool()._file.transaction() as connection:  # it was saved an hour ago, in another boot
        connection.execute(
            "UPDATE submission SET saved_boot = 'another', saved_ms = saved_ms - 3600000 WHERE tcn = ?",
            (tcn,),
        )
    site.broker.start()
    site.enroll("criminal", 3)
    matcher = site.matcher()
    site.edge()
    assert site.reply(tcn)
    assert "waited_s=36" in matcher.output()


def test_what_is_over_is_not_sent(site, until):
    listener = site.peer("peer", from_every_device(Up.SUBMISSION))
    over = site.save(4)
    with site.spool()._file.transaction() as connection:
        connection.execute("UPDATE submission SET expires_ms = saved_ms - 1 WHERE tcn = ?", (over,))
    other = site.save(5)
    site.edge()
    until(lambda: sum(m.correlation == other.encode() for m in listener.received) >= 2)
    heard = any(m.correlation == over.encode() for m in listener.received)
    assert heard is not is_synchronised()  # where nobody keeps this machine's clock, nothing is over
