"""Kiosk -> state -> centre: two authorities, two brokers with the shipped configuration, a bridge between them.

One long file on purpose: all of it happens between one state and one centre, which take seconds to start.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks.endurance.proxy import Proxy
from edge_service.provisioning import IdentityFolder
from edge_service.spool import Spool
from hardware.bench.made_up import made_up_submission
from hardware.bench.process import ChildProcess
from hardware.bench.secure_centre import SecureCentre
from interchange.charges import ChargeClass, Disposition
from interchange.messages import Colour, Reply, Submission, decode_message, encode_message
from interchange.provisioning import BrokerAddress, ProvisionRequest
from interchange.provisioning_code import ProvisioningCode
from matcher_service import routing
from matcher_service.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.relay.answers import RelayAnswers
from matcher_service.relay.errors import RelayRefused
from matcher_service.relay.outbox import ItemState, RelayOutbox
from matcher_service.relay.rights import RightKind, Rights
from matcher_service.relay.settings import RelaySettings
from matcher_service.repositories import Database, NewPrint, Quarantine, Registry, Repositories, Submissions
from matcher_service.repositories.relay_tables import RelayItem, SubmissionEvidence
from matcher_service.repositories.routing_tables import DispositionReport
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.sealed_records import payload_of
from matcher_service.routing import Answer, Conditions
from matcher_service.routing.entries import ActivationEntry, AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register

from .conftest import PATIENCE_S, QUICK_EDGE, fingers, wait_until

# Two matchers, two brokers and a kiosk are started for the first of them.
pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

STATE, COUNTY, ORI, BUREAU = "US-MO", "US-MO-019", "MO0100000", "mo-bureau"
BRIDGE = Path(__file__).parents[2] / "deploy" / "mosquitto" / "bridge.conf"
QUICK = ("broker.backoff_min_s=0.1", "broker.backoff_max_s=0.5", "routing.mode=rules")


class Place(SecureCentre):
    """A centre with its register and its matcher: the state's, or the one above it."""

    def __init__(self, folder, *repositories):
        folder.mkdir()
        self.url = f"sqlite:///{folder}/matcher.db"
        super().__init__(folder, database_url=self.url)
        self.database = Database(self.url)
        self.repositories = Repositories(self.database)
        self.submissions = Submissions(self.database, instance="looking")
        self.register = Register(self.database)
        self.more = []
        for name in repositories:
            self.repositories.create(name)
        places = RegisterContent(
            jurisdictions=(
                JurisdictionEntry(code=STATE, kind="state", fips="29", name="Missouri"),
                JurisdictionEntry(
                    code=COUNTY, kind="county", fips="29019", name="Boone County", parent=STATE
                ),
            ),
            agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction=COUNTY),),
        )
        self.register.bring(places, source="x", by="system:test")
        self.process, self.runs = None, 0

    def run(self, *command):
        """The authority is made in this process: that its command does the same is tested elsewhere."""
        if command[:2] == ("authority", "create"):
            create_centre(self.authority, addresses=["127.0.0.1"], matchers=["matcher-1"])
            return ""
        return super().run(*command)

    def enroll(self, repository, *seeds):
        people = [[NewPrint.of(p, m) for p, m in fingers(seed).items()] for seed in seeds]
        self.repositories.enroll_many(repository, people)

    def agree(self, repository, jurisdiction=COUNTY, **conditions):
        entry = ActivationEntry(
            jurisdiction=jurisdiction, repository=repository, from_at=datetime.now(UTC),
            conditions=Conditions(**conditions), signed_by="Sheriff", document_sha256="ab" * 32, reason="agreed",
        )  # fmt: skip
        self.register.enter_agreed([entry], by="one", approved_by="two")

    def matcher(self):
        self.runs += 1
        words = [word for one in (*self.settings, *QUICK, *self.more) for word in ("--set", one)]
        self.process = ChildProcess(
            [sys.executable, "-m", "matcher_service", "run", *words],
            name=f"matcher of {self.folder.name}", log=self.folder / f"matcher-{self.runs}.log",
        )  # fmt: skip
        self.process.wait_for("msg=ready", timeout_s=PATIENCE_S)

    def command(self, *words):
        more = [word for one in (*self.settings, *QUICK, *self.more) for word in ("--set", one)]
        return subprocess.run(
            [sys.executable, "-m", "matcher_service", *words, *more],
            capture_output=True,
            text=True,
            check=False,
        )

    def admit(self, name, ori, folder):
        """As `edge-service provision` does, without the way over the API: that is tested elsewhere, and slow."""
        broker = BrokerAddress(host="127.0.0.1", port=self.broker.port)
        authority, registry = Authority(self.authority), Registry(self.database)
        registrar = Registrar(
            authority=authority, registry=registry, keyring=CentreKeyring(self.authority), broker=broker
        )
        code = registrar.invite(name, ori, valid=timedelta(hours=1), by="test")
        identity = IdentityFolder(folder)
        read = ProvisioningCode.read(code)
        pending = identity.prepare(read.secret_sha256)
        answer = registrar.provision(
            ProvisionRequest(
                secret=read.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
            ),
            address="127.0.0.1",
        )
        identity.install(
            name=answer.name, ori=answer.ori, broker=answer.broker, certificate=answer.certificate, ca=answer.ca,
            centre=[answer.centre],
        )  # fmt: skip

    def stored(self):
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(StoredSubmission))

    def end(self):
        if self.process is not None:
            self.process.kill()
        self.database.close()
        self.broker.stop()


class Stand:
    """The centre above, the state, the network between their brokers, and a kiosk of the state."""

    def __init__(self, folder):
        self.folder = folder
        self.centre = Place(folder / "centre", "criminal", "immigration")
        self.state = Place(folder / "state", "county")
        self.centre.broker.start()
        upward = folder / "state" / "upward"
        self.centre.admit(BUREAU, "MOSIB0000", upward)
        Rights(self.centre.database).give(BUREAU, RightKind.JURISDICTION, STATE, by="system:test")
        self.proxy = Proxy(target_port=self.centre.broker.port, seed=1).__enter__()
        text = BRIDGE.read_text()
        for old, new in (
            ("centre.example.org:8883", f"127.0.0.1:{self.proxy.port}"),
            ("/etc/whorl/broker/upward", str(upward / "current")),
            ("restart_timeout 1 30", "restart_timeout 1 1"),
        ):
            assert old in text
            text = text.replace(old, new)
        self.state.broker.more = text.splitlines()
        self.state.broker.start()
        self.kiosk = folder / "kiosk"
        self.kiosk.mkdir()
        self.state.admit("kiosk-1", ORI, self.kiosk / "identity")
        self.state.more = [
            f"relay.identity={upward}", "relay.resend_after_s=1", "relay.ask_for_reply_after_s=1",
        ]  # fmt: skip
        self.settings = RelaySettings()
        self.outbox = RelayOutbox(self.state.database, repository="national")
        self.answers = RelayAnswers(self.state.database, settings=self.settings, outbox=self.outbox)
        self.spool = Spool(self.kiosk / "spool.db", device="kiosk-1")
        self.edge = None

    def start(self):
        """Known at the state: 1. In the centre's criminal records: 2. In its immigration records: 3."""
        self.state.enroll("county", 1)
        self.centre.enroll("criminal", 2)
        self.centre.enroll("immigration", 3)
        self.centre.agree("criminal", answer=Answer.FIRST)
        self.centre.agree("immigration", answer=Answer.SECOND)
        self.centre.matcher()
        self.state.repositories.create("national")
        self.state.agree("county", answer=Answer.FIRST)
        self.state.agree("national", charge_classes=(ChargeClass.FELONY,))
        self.state.matcher()
        words = (
            f"identity.folder={self.kiosk / 'identity'}",
            f"spool.path={self.kiosk}/spool.db",
            *QUICK_EDGE,
        )
        more = [word for one in words for word in ("--set", one)]
        self.edge = ChildProcess(
            [sys.executable, "-m", "edge_service", "run", *more], name="edge", log=self.kiosk / "edge.log"
        )

    def save(self, seed, charge=ChargeClass.FELONY):
        submission = made_up_submission("kiosk-1", fingers(seed)).model_copy(update={"charge_class": charge})
        self.spool.add(submission.tcn, encode_message(submission))
        return submission.tcn

    def reply(self, tcn):
        wait_until(lambda: self.spool.entry(tcn).reply is not None)
        return decode_message(Reply, self.spool.entry(tcn).reply)

    def seconds(self, tcn):
        return [decode_message(Reply, one) for one in self.spool.entry(tcn).seconds]

    def item(self, tcn):
        return next(iter(self.outbox.items(tcn=tcn)), None)

    def answered(self, *tcns):
        wait_until(lambda: all((i := self.item(tcn)) and i.state is ItemState.ANSWERED for tcn in tcns))

    def back(self, tcn, stage):
        return [decode_message(Reply, row.payload) for row in self.answers.all_of(tcn) if row.stage == stage]

    def end(self):
        if self.edge is not None:
            self.edge.kill()
        self.spool.close()
        self.state.end()
        self.proxy.__exit__(None, None, None)
        self.centre.end()


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    stand = Stand(tmp_path_factory.mktemp("relay"))
    try:
        stand.start()
        yield stand
    finally:
        stand.end()


def test_kiosk_to_state_to_centre_and_back(stand):
    tcn = stand.save(2)
    rapid = stand.reply(tcn)  # the state's own, at once
    assert [(r.name, r.colour) for r in rapid.repositories] == [("county", Colour.GREEN)]
    assert rapid.to_follow == ("national",)
    stand.answered(tcn)
    [first] = stand.back(tcn, "first")
    assert [(r.name, r.colour) for r in first.repositories] == [("criminal", Colour.RED)]
    assert first.to_follow == ("immigration",)
    # The first response goes on by itself; the second waits for a person's word at the state.
    wait_until(lambda: stand.seconds(tcn))
    [passed] = stand.seconds(tcn)
    assert [(r.name, r.colour) for r in passed.repositories] == [("national.criminal", Colour.RED)]
    assert passed.repositories[0].candidates  # so the kiosk does not take it for an examiner's word
    wait_until(lambda: stand.back(tcn, "second"))
    wait_until(lambda: [row.tcn for row in stand.answers.waiting()] == [tcn])
    time.sleep(1.5)
    assert len(stand.seconds(tcn)) == 1
    done = stand.state.command("relay", "pass-on", tcn)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: len(stand.seconds(tcn)) == 2)
    told = stand.seconds(tcn)[1]
    assert [(r.name, r.colour) for r in told.repositories] == [("national.immigration", Colour.GREEN)]
    assert told.not_searched == ("national",)  # nothing more is to follow from there
    # What the centre has is the kiosk's own, under its number and agency, with the proof of who signed it.
    with stand.centre.database.read() as session:
        row = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn))
        proof = session.get(SubmissionEvidence, tcn)
        assert (row.device, proof.sender, proof.ori) == (BUREAU, BUREAU, ORI)
        kept = payload_of(session, row.id)
        assert kept
        assert kept not in proof.signed  # no print is kept twice
    shown = stand.state.command("relay", "status", "--tcn", tcn)
    assert "criminal: red, a highly probable candidate that nobody has looked at" in shown.stdout, (
        shown.stderr
    )


def test_what_the_rules_here_do_not_open_stays_here(stand):
    before = stand.centre.stored()
    tcn = stand.save(1, charge=ChargeClass.TRAFFIC)
    rapid = stand.reply(tcn)
    assert [(r.name, r.colour) for r in rapid.repositories] == [("county", Colour.RED)]
    assert rapid.to_follow == ()
    time.sleep(1.5)
    assert stand.item(tcn) is None
    assert stand.centre.stored() == before


def test_what_is_reported_later_opens_the_way_and_is_passed_on_too(stand):
    tcn = stand.save(4, charge=None)
    assert stand.reply(tcn).to_follow == ()
    now = datetime.now(UTC)
    more = {"by": "system:test", "source": "court", "reported_at": now, "now": now}
    with stand.state.database.write() as session:
        routing.report_disposition(
            session, tcn, charge_class=ChargeClass.FELONY, disposition=Disposition.CHARGED, **more
        )
    stand.answered(tcn)
    with stand.state.database.write() as session:
        more |= {"reported_at": datetime.now(UTC)}
        routing.report_disposition(session, tcn, charge_class=None, disposition=Disposition.DISMISSED, **more)

    def told():
        with stand.centre.database.read() as session:
            return session.scalars(
                select(DispositionReport.disposition)
                .where(DispositionReport.tcn == tcn)
                .order_by(DispositionReport.reported_at)
            ).all()

    wait_until(lambda: told()[-1:] == ["dismissed"])
    time.sleep(1.5)
    assert told() == ["charged", "dismissed"]  # each once


def test_nothing_is_lost_and_nothing_is_there_twice_whatever_breaks(stand):
    before = stand.centre.stored()
    tcns = [stand.save(seed) for seed in range(500, 504)]
    back = stand.proxy.cut()  # the line between the brokers
    tcns += [stand.save(seed) for seed in range(504, 508)]
    assert stand.reply(tcns[-1]).to_follow == ("national",)  # the kiosk is answered all the same
    stand.centre.broker.kill()
    stand.state.process.kill()
    tcns += [stand.save(seed) for seed in range(508, 511)]
    stand.state.matcher()
    stand.centre.broker.start()
    back()
    time.sleep(0.5)
    stand.state.broker.kill()
    tcns += [stand.save(seed) for seed in range(511, 513)]
    stand.state.broker.start()
    stand.centre.process.kill()
    stand.centre.matcher()
    stand.answered(*tcns)
    assert stand.centre.stored() == before + len(tcns)
    with stand.state.database.read() as session:
        rows = session.scalars(select(RelayItem.sendings).where(RelayItem.tcn.in_(tcns))).all()
    assert len(rows) == len(tcns)
    assert max(rows) > 1  # some had to be sent again
    for tcn in tcns:
        assert len(stand.back(tcn, "first")) == 1
        assert stand.reply(tcn).to_follow == ("national",)


def test_switched_off_at_the_state_what_waits_does_not_leave(stand):
    back = stand.proxy.cut()
    try:
        stand.state.process.wait_for('msg="bridge to the centre above" up=False', timeout_s=PATIENCE_S)
        tcn = stand.save(600)
        wait_until(lambda: stand.item(tcn))
        stand.state.register.suspend(COUNTY, "national", by="system:test", reason="withdrawn")
    finally:
        back()
    wait_until(lambda: stand.item(tcn).state is ItemState.WITHDRAWN)
    assert stand.centre.submissions.device_of(tcn) is None
    wait_until(
        lambda: stand.seconds(tcn)
    )  # and the kiosk, which was told to wait, hears that nothing follows
    assert stand.seconds(tcn)[0].not_searched == ("national",)
    stand.state.agree("national", charge_classes=(ChargeClass.FELONY,))


def test_the_centre_decides_again_by_its_own_rules(stand):
    stand.centre.register.suspend(COUNTY, by="system:test", reason="withdrawn")
    tcn = stand.save(2)
    stand.answered(tcn)
    [first] = stand.back(tcn, "first")
    assert (first.repositories, first.to_follow) == ((), ())
    assert set(first.not_searched) == {"criminal", "immigration"}
    stand.centre.agree("criminal", answer=Answer.FIRST)


def test_a_relay_without_the_right_is_refused_and_keeps_it_until_it_has_one(stand):
    rights = Rights(stand.centre.database)
    assert rights.take(BUREAU, RightKind.JURISDICTION, STATE, by="system:test")
    rights.give(BUREAU, RightKind.ORI, "MO0480000", by="system:test")  # for another agency
    tcn = stand.save(700)
    wait_until(lambda: (item := stand.item(tcn)) and item.reason and "no right" in item.reason)
    assert stand.item(tcn).state is ItemState.WAITING
    assert stand.centre.submissions.device_of(tcn) is None
    kept = Quarantine(stand.centre.database, per_device=99, total=99).newest()
    assert (kept[0].field, kept[0].device) == ("relay", BUREAU)
    assert rights.give(BUREAU, RightKind.JURISDICTION, STATE, by="system:test")
    stand.state.process.kill()  # after a start it is sent at once
    stand.state.matcher()
    stand.answered(tcn)


def test_held_by_a_person(stand):
    back = stand.proxy.cut()
    try:
        tcn = stand.save(800)
        wait_until(lambda: stand.item(tcn))
        stand.outbox.hold(tcn, by="system:test", reason="disputed")
    finally:
        back()
    time.sleep(2.5)
    assert stand.item(tcn).held_by
    with pytest.raises(RelayRefused):
        stand.answers.pass_on(tcn, by="system:test")
    stand.outbox.release(tcn, by="system:test")
    stand.answered(tcn)


def test_a_kiosk_of_the_centre_that_plays_relay_is_refused(stand):
    """It has a good certificate and a good key, and brings what a kiosk of the state has really signed."""
    from interchange.envelope_keys import PublicKey
    from interchange.link import Link
    from interchange.relaying import Attestation, Relayed
    from interchange.settings import BrokerSettings, TlsSettings
    from interchange.topics import Up, up
    from matcher_service.relay.evidence import evidence_of
    from matcher_service.relay.identity import UpwardIdentity

    from .conftest import Peer

    folder = stand.folder / "kiosk-9"
    stand.centre.admit("kiosk-9", ORI, folder)
    identity = UpwardIdentity(folder)
    tcn = stand.save(900)
    stand.answered(tcn)
    with stand.state.database.read() as session:
        stored = session.scalar(select(StoredSubmission).where(StoredSubmission.tcn == tcn))
        proof = evidence_of(session, tcn, payload_of(session, stored.id))
    PublicKey.read(proof.signer.encode())
    told = Attestation(
        relay="kiosk-9", centre="ab" * 8, tcn=tcn, sender="kiosk-1", ori=ORI, signer=proof.signer,
        received_at=proof.received_at,
    )  # fmt: skip
    current = folder / "current"
    tls = TlsSettings(ca=current / "ca.pem", certificate=current / "tls.pem", key=current / "tls.key")
    peer = Peer.__new__(Peer)
    peer.received, peer.verdicts = [], []
    import threading

    peer._connected = threading.Event()
    broker = BrokerSettings(port=stand.centre.broker.port, tls=tls, session_expiry_s=0)
    peer.link = Link(
        broker=broker, client_id="kiosk-9", subscriptions=["fp/v1/kiosk-9/down/ack"], handler=peer
    )
    peer.link.start()
    try:
        assert peer._connected.wait(10)
        topic = up("kiosk-9", Up.SUBMISSION)
        peer.say(topic, identity.wrap(topic, Relayed(told, proof.signed).encode()))
        wait_until(lambda: peer.received)
        from interchange.messages import Ack, AckStatus

        ack = decode_message(Ack, identity.unwrap(peer.received[0].topic, peer.received[0].payload))
        assert (ack.status, ack.reason.field) == (AckStatus.REFUSED, "relay")
        assert "is no relay here" in ack.reason.reason
    finally:
        peer.link.stop()


def test_neither_prints_nor_identities_are_in_any_log(stand):
    with stand.centre.database.read() as session:
        payload = payload_of(session, session.scalars(select(StoredSubmission.id)).first())
    template = decode_message(Submission, payload).prints[0].template
    for log in [*stand.folder.glob("*/*.log"), *stand.folder.glob("*/broker/*.log")]:
        assert template[:40] not in log.read_bytes()
