"""What a relay brings to a centre, over real databases and authorities: what is admitted, and every way to lie.

One long file on purpose: one state and one centre, and every message between them that may be a lie.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from edge_service.provisioning import IdentityFolder, SealedChannel
from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import Disposition
from interchange.envelope_keys import PrivateKey
from interchange.errors import MessageError
from interchange.link_protocol import Incoming
from interchange.messages import (
    MAX_PAYLOAD_BYTES,
    Ack,
    AckStatus,
    CaptureTime,
    Colour,
    DispositionReported,
    Reply,
    ReplyWanted,
    RepositoryReply,
    decode_message,
    encode_message,
)
from interchange.provisioning import BrokerAddress, ProvisionRequest
from interchange.provisioning_code import ProvisioningCode
from interchange.relaying import Attestation, Relayed, ReportTaken, centre_id, follow, signed_message
from interchange.topics import Up, up
from matcher_service.authority import Authority
from matcher_service.authority.centre_keys import CentreKeyring
from matcher_service.authority.layout import create_centre
from matcher_service.authority.registrar import Registrar
from matcher_service.intake import Intake
from matcher_service.relay.answers import RelayAnswers
from matcher_service.relay.door import RelayDoor
from matcher_service.relay.errors import RelayRefused, UpwardIdentityError
from matcher_service.relay.evidence import evidence_of
from matcher_service.relay.forgetting import forget
from matcher_service.relay.identity import UpwardIdentity
from matcher_service.relay.outbox import ItemState, RelayOutbox
from matcher_service.relay.relaying import Relaying, open_relaying
from matcher_service.relay.rights import RightKind, Rights
from matcher_service.relay.settings import RelaySettings
from matcher_service.relay.wording import for_kiosk, local_name
from matcher_service.repositories import (
    Database,
    Devices,
    Outcome,
    Quarantine,
    Registry,
    Repositories,
    Submissions,
)
from matcher_service.repositories.relay_tables import RelayItem, RelayReply, SubmissionEvidence
from matcher_service.repositories.retention_tables import SubmissionKey
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.retention.erasing import erase_submission
from matcher_service.routing.entries import AgencyEntry, JurisdictionEntry
from matcher_service.routing.files import RegisterContent
from matcher_service.routing.register import Register
from matcher_service.routing.reports import Reports
from matcher_service.sealing import Seals
from matcher_service.settings import MatcherSettings

ORI, BUREAU, KIOSK = "MO0100000", "mo-bureau", "kiosk-1"
NOW = datetime.now(UTC)
TOPIC = up(KIOSK, Up.SUBMISSION)
ABOVE, EVENTS = up(BUREAU, Up.SUBMISSION), up(BUREAU, Up.EVENT)


class FixedClock:
    def now(self):
        return CaptureTime(clock=NOW, synchronised=True, boot_id="ab" * 16, monotonic_ms=1)


class Place:
    """A centre without its broker: authority, register, intake."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        create_centre(folder / "authority", addresses=["127.0.0.1"], matchers=["matcher-1"])
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")
        registry, authority = Registry(self.database), Authority(folder / "authority")
        keyring = CentreKeyring(folder / "authority")
        self.id = centre_id(authority.root_pem)
        self.registrar = Registrar(
            authority=authority, registry=registry, keyring=keyring, broker=BrokerAddress(host="b", port=1)
        )
        self.seals = Seals(registry=registry, keyring=keyring, authority=authority)
        self.rights = Rights(self.database)
        self.quarantine = Quarantine(self.database, per_device=50, total=100)
        self.said = []
        self.intake = Intake(
            submissions=self.submissions,
            quarantine=self.quarantine,
            devices=Devices(self.database),
            publish=lambda message: self.said.append(self.seals.sealed(message)) or True,
            wake_search=lambda: None,
            seals=self.seals,
            registrar=self.registrar,
            publish_plain=lambda message: self.said.append(message) or True,
            reports=Reports(self.database),
            relaying=Relaying(self.database, door=RelayDoor(self.database, own=self.id)),
        )
        places = RegisterContent(
            jurisdictions=(
                JurisdictionEntry(code="US-MO", kind="state", fips="29", name="Missouri"),
                JurisdictionEntry(
                    code="US-MO-019", kind="county", fips="29019", name="Boone County", parent="US-MO"
                ),
            ),
            agencies=(AgencyEntry(ori=ORI, name="Boone County Jail", jurisdiction="US-MO-019"),),
        )
        Register(self.database).bring(places, source="x", by="system:test")

    def admit(self, name, ori, folder=None):
        code = ProvisioningCode.read(self.registrar.invite(name, ori, valid=timedelta(hours=1), by="clerk"))
        identity = IdentityFolder(folder or self.folder / name)
        pending = identity.prepare(code.secret_sha256)
        asked = ProvisionRequest(
            secret=code.secret, request=pending.request, signing=pending.signing, sealing=pending.sealing
        )
        answer = self.registrar.provision(asked, address="x")
        identity.install(
            name=answer.name, ori=answer.ori, broker=answer.broker, certificate=answer.certificate, ca=answer.ca,
            centre=[answer.centre],
        )  # fmt: skip
        return identity

    def relay(self, name=BUREAU):
        return UpwardIdentity(self.admit(name, "MOSIB0000").folder)


class World:
    """A kiosk of a state, and a centre that has the state's bureau for a relay."""

    def __init__(self, folder):
        self.state, self.centre = Place(folder / "state"), Place(folder / "centre")
        self.kiosk = SealedChannel(self.state.admit(KIOSK, ORI), clock=FixedClock())
        self.bureau = self.centre.relay()
        self.centre.rights.give(BUREAU, RightKind.JURISDICTION, "US-MO", by="system:test")
        self.submission = made_up_submission(KIOSK, {2: made_up_minutiae(1)})
        self.payload = encode_message(self.submission)

    def signed(self, payload=None, device=KIOSK, channel=None):
        topic = up(device, Up.SUBMISSION)
        data = (channel or self.kiosk).wrap(topic, self.payload if payload is None else payload)
        return self.state.seals.open(topic, device, data)

    def relayed(self, received=None, **changed):
        received = received or self.signed()
        facts = {
            "relay": BUREAU, "centre": self.state.id, "tcn": self.submission.tcn, "sender": KIOSK, "ori": ORI,
            "signer": received.signer, "received_at": NOW,
        } | changed  # fmt: skip
        return Relayed(Attestation(**facts), received.signed)

    def bring(self, relayed, by=None):
        """What the centre says to it."""
        by = by or self.bureau
        topic = up(by.name, Up.SUBMISSION)
        self.centre.said.clear()
        data = relayed if isinstance(relayed, bytes) else relayed.encode()
        self.centre.intake.take(Incoming(topic, by.wrap(topic, data)))
        return [m for m in self.centre.said if m is not None]

    def ack(self, relayed, by=None):
        by = by or self.bureau
        [message] = [m for m in self.bring(relayed, by) if m.topic == f"fp/v1/{by.name}/down/ack"]
        return decode_message(Ack, by.unwrap(message.topic, message.payload))

    def refused(self, relayed, words, by=None):
        ack = self.ack(relayed, by)
        assert ack.status is AckStatus.REFUSED
        assert words in ack.reason.reason, ack.reason
        assert sum(self.centre.submissions.count().values()) == 0 or by is not None
        return ack

    def ask(self, message, by=None):
        by = by or self.bureau
        topic = up(by.name, Up.EVENT)
        self.centre.said.clear()
        self.centre.intake.take(Incoming(topic, by.wrap(topic, encode_message(message))))
        return [by.unwrap(m.topic, m.payload) for m in self.centre.said]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.state.database.close()
    made.centre.database.close()


def test_admitted_under_its_own_number_and_agency_and_a_replay_is_no_second_one(world):
    assert world.ack(world.relayed()).status is AckStatus.ACCEPTED
    waiting = world.centre.submissions.begin_next()
    assert (waiting.device, waiting.tcn, waiting.payload) == (BUREAU, world.submission.tcn, world.payload)
    for again in (world.relayed(), world.relayed(received_at=NOW + timedelta(days=1))):
        ack = world.ack(again)
        assert (ack.status, ack.tcn) == (AckStatus.DUPLICATE, world.submission.tcn)
    assert sum(world.centre.submissions.count().values()) == 1
    # A captured message is the relay's alone, at its own topic.
    captured = world.bureau.wrap(ABOVE, world.relayed().encode())
    world.centre.intake.take(Incoming(up("kiosk-2", Up.SUBMISSION), captured))
    assert sum(world.centre.submissions.count().values()) == 1
    # The proof is kept without the prints, and is whole with them.
    with world.centre.database.read() as session:
        kept = session.get(SubmissionEvidence, world.submission.tcn)
        assert world.payload not in kept.signed
        proof = evidence_of(session, world.submission.tcn, world.payload)
    assert signed_message(proof.signed) == world.payload
    assert proof.path == (world.state.id,)


def test_the_largest_submission_fits_through_three_centres(world):
    payload = world.payload + b" " * (MAX_PAYLOAD_BYTES - len(world.payload))
    one = world.relayed(world.signed(payload))
    # A county's centre, a state's and a region's: each seals to the next. A fourth is one too many.
    for number in (2, 3, 4):
        if number == 4:
            top = world.centre.relay("relay-3")
            world.centre.rights.give("relay-3", RightKind.ORI, ORI, by="system:test")
            ack = world.ack(one, by=top)
            assert ack.status is AckStatus.ACCEPTED, ack.reason
            with world.centre.database.read() as session:
                assert len(evidence_of(session, world.submission.tcn, payload).path) == 3
        place = Place(world.state.folder.parent / f"place-{number}")
        carrier = place.relay(one.attestation.relay)
        topic = up(carrier.name, Up.SUBMISSION)
        received = place.seals.open(topic, carrier.name, carrier.wrap(topic, one.encode()))
        told = one.attestation.model_copy(
            update={
                "relay": f"relay-{number}", "sender": one.attestation.relay, "centre": place.id,
                "signer": received.signer,
            }
        )  # fmt: skip
        one = Relayed(told, received.signed)
        place.database.close()
    with pytest.raises(MessageError, match="more than 3 centres"):
        follow(one.encode(), relay="relay-4")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"relay": "il-bureau"}, "attested by another than"),
        ({"tcn": "kiosk-1.01M00000000000000000000000"}, "not that of the submission"),
        ({"sender": "kiosk-2"}, "signature of 'kiosk-2'"),
        ({"ori": "MO0190000"}, "signed for another agency"),
        ({"signer": PrivateKey.generate().public.pem.decode()}, "not known here"),
    ],
)
def test_whatever_a_relay_says_otherwise_than_the_kiosk_is_refused(world, changed, words):
    world.refused(world.relayed(**changed), words)


def test_a_changed_booking_is_refused(world):
    received = world.signed()
    at = received.signed.find(world.payload) + 40
    changed = bytes([received.signed[at] ^ 1])
    lie = replace(received, signed=received.signed[:at] + changed + received.signed[at + 1 :])
    world.refused(world.relayed(lie), "its signature is wrong")


def test_cut_off_or_nonsense_is_refused(world):
    whole = world.relayed().encode()
    for data in (whole[:-1], whole[:20], b"\x84\x67relayed\x02\x40\x40", b"\x84\x67relayed\x01\x42{}\x40"):
        ack = world.ack(data)
        assert ack.status is AckStatus.REFUSED
        assert ack.reason.field.startswith("relayed")
    assert len(world.centre.quarantine.newest()) == 4


def test_no_right_for_the_agency(world):
    rights = world.centre.rights
    assert rights.take(BUREAU, RightKind.JURISDICTION, "US-MO", by="system:test")
    ack = world.refused(world.relayed(), "is no relay here")  # none left
    rights.give(BUREAU, RightKind.ORI, "MO0480000", by="system:test")
    ack = world.refused(world.relayed(), "has no right to submit for the agency MO0100000")
    assert (ack.reason.field, ack.tcn) == ("relay", world.submission.tcn)
    for kind, value in ((RightKind.ORI, ORI), (RightKind.JURISDICTION, "US-MO-019")):
        assert rights.give(BUREAU, kind, value, by="system:test")
        assert not rights.give(BUREAU, kind, value, by="system:test")
        assert world.ack(world.relayed()).status is not AckStatus.REFUSED
        rights.take(BUREAU, kind, value, by="system:test")
        assert world.ack(world.relayed()).status is AckStatus.REFUSED
    with pytest.raises(RelayRefused, match="not in the register"):
        rights.give(BUREAU, RightKind.JURISDICTION, "US-ZZ", by="system:test")
    with pytest.raises(RelayRefused, match="is not registered"):
        rights.give("nobody", RightKind.ORI, ORI, by="system:test")


def test_a_kiosk_that_plays_relay_and_a_relay_that_plays_kiosk(world):
    kiosk = UpwardIdentity(world.centre.admit("kiosk-9", ORI).folder)
    world.refused(world.relayed(relay="kiosk-9"), "is no relay here", by=kiosk)
    own = encode_message(made_up_submission(BUREAU, {2: made_up_minutiae(1)}))
    world.refused(own, "nothing of its own")
    assert sum(world.centre.submissions.count().values()) == 0


def test_a_relay_cannot_speak_for_a_kiosk_of_the_centre_or_of_another_relay(world):
    other = world.centre.relay("il-bureau")
    world.centre.rights.give("il-bureau", RightKind.JURISDICTION, "US-MO", by="system:test")
    assert world.ack(world.relayed()).status is AckStatus.ACCEPTED
    world.centre.submissions.finish(world.centre.submissions.begin_next(), b"the reply", [], Outcome.ANSWERED)
    # The very same booking, brought by another: it is not told the reply, whether it asks or sends.
    said = world.bring(world.relayed(relay="il-bureau"), by=other)
    assert [m.topic for m in said] == ["fp/v1/il-bureau/down/ack"]
    world.refused(world.relayed(relay="il-bureau"), "known through another relay", by=other)
    wanted = ReplyWanted(device="il-bureau", tcn=world.submission.tcn)
    assert world.ask(wanted, by=other) == []
    assert world.ask(ReplyWanted(device=BUREAU, tcn=world.submission.tcn)) == [b"the reply"]
    world.centre.rights.release(KIOSK, by="system:test")
    world.refused(world.relayed(relay="il-bureau"), "stands for another", by=other)
    # A kiosk that is registered at the centre itself.
    world.centre.admit(KIOSK, ORI)
    ack = world.ack(world.relayed())
    assert "registered at this centre itself" in ack.reason.reason


def test_what_was_removed_does_not_come_again(world):
    assert world.ack(world.relayed()).status is AckStatus.ACCEPTED
    with world.centre.database.write() as session:
        from matcher_service.repositories.routing_tables import SubmissionFacts

        row = session.scalar(select(StoredSubmission))
        session.delete(session.get(SubmissionFacts, row.id))
        session.delete(session.get(SubmissionKey, row.id))
        session.flush()
        session.delete(row)
        forget(session, world.submission.tcn)
        assert session.get(SubmissionEvidence, world.submission.tcn) is None or session.flush() is None
    world.refused(world.relayed(), "was here before and was removed")


def test_what_a_device_signed_goes_with_the_submission_that_is_erased(world):
    assert world.ack(world.relayed()).status is AckStatus.ACCEPTED
    with world.centre.database.write() as session:
        assert session.get(SubmissionEvidence, world.submission.tcn) is not None
        erase_submission(session, session.scalar(select(StoredSubmission)), now=datetime.now(UTC))
    with world.centre.database.read() as session:
        assert session.get(SubmissionEvidence, world.submission.tcn) is None


def test_rings_are_refused(world):
    world.refused(world.relayed(centre=world.centre.id), "through this centre already")
    # From the state to the centre, back to the state, and to the centre again.
    centre_at_state = world.state.relay("up-there")
    first = world.relayed()
    topic = up("up-there", Up.SUBMISSION)
    lower = Relayed(
        first.attestation.model_copy(update={"relay": "up-there", "centre": "cd" * 8}), first.signed
    )
    received = world.state.seals.open(topic, "up-there", centre_at_state.wrap(topic, lower.encode()))
    again = world.relayed(received, sender="up-there", centre="cd" * 8)
    world.refused(again, "through the same centre twice")


def test_reports_go_up_until_the_centre_says_that_it_has_them(world):
    report = DispositionReported(
        device=BUREAU, tcn=world.submission.tcn, disposition=Disposition.DISMISSED, reported_at=NOW
    )
    [taken] = world.ask(report)
    assert not decode_message(ReportTaken, taken).known  # it has to have the submission first
    world.bring(world.relayed())
    [taken] = world.ask(report)
    assert decode_message(ReportTaken, taken).known
    # Asked for a reply to what it does not have, it says so, and the state sends it again.
    other = made_up_submission(KIOSK, {2: made_up_minutiae(2)}).tcn
    [answer] = world.ask(ReplyWanted(device=BUREAU, tcn=other))
    assert decode_message(Ack, answer).reason.field == "tcn"


# -- at the state


@pytest.fixture
def outbox(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/s.db")
    Repositories(database).create("national")
    with database.write() as session:
        session.add(RelayItem(tcn="t", decision_id=1, state="waiting", made_at=NOW, sendings=1, owed=False))
    yield RelayOutbox(database, repository="national")
    database.close()


def state_of(outbox):
    return outbox.items(tcn="t")[0].state


def test_a_centre_put_back_to_an_older_state_is_sent_again_what_it_had(outbox):
    assert outbox.acknowledge("t")
    assert not outbox.acknowledge("t")
    assert outbox.refuse("t", field="tcn", reason="does not have it", final=True)
    assert state_of(outbox) is ItemState.WAITING
    assert outbox.refuse("t", field="relay", reason="no right", final=False)
    assert state_of(outbox) is ItemState.WAITING
    assert outbox.refuse("t", field="prints", reason="bad", final=True)
    assert state_of(outbox) is ItemState.REFUSED
    assert outbox.release("t", by="system:test") is ItemState.WAITING
    outbox.hold("t", by="system:test", reason="disputed")
    assert outbox.due(skip=(), limit=9) == []
    with pytest.raises(RelayRefused, match="held already"):
        outbox.hold("t", by="system:test", reason="disputed")
    assert outbox.release("t", by="system:test") is ItemState.WAITING
    with pytest.raises(RelayRefused, match="neither held nor refused"):
        outbox.release("t", by="system:test")


TCN = "kiosk-1.01M00000000000000000000000"


def reply(stage="first", **more):
    return Reply(tcn=TCN, stage=stage, answered_at=NOW, timings_ms={}, **{"repositories": (), **more})


def row(name, colour=Colour.GREEN, **more):
    return RepositoryReply(name=name, colour=colour, **more)


def test_what_the_kiosk_is_told():
    first = reply(
        repositories=(row("criminal", Colour.RED, candidates=("a" * 12,)),), to_follow=("immigration",)
    )
    told = for_kiosk(first, others=[], centre="national", more=True)
    assert (told.stage, told.not_searched, told.to_follow) == ("second", (), ())
    assert told.repositories[0].name == "national.criminal"
    assert told.repositories[0].candidates
    assert for_kiosk(first, others=[], centre="national", more=False).not_searched == ("national",)
    second = reply("second", repositories=(row("immigration"),), words="x")
    told = for_kiosk(second, others=[first], centre="national", more=True)
    assert (told.repositories[0].name, told.not_searched) == ("national.immigration", ("national",))
    back = for_kiosk(
        reply("second", taken_back=("immigration",)), others=[first], centre="national", more=True
    )
    assert back.taken_back == ("national.immigration",)
    assert len(local_name("n" * 40, "x" * 64)) <= 64


@pytest.mark.parametrize(("rule", "state"), [("always", "passed"), ("never", "kept"), ("word", "waiting")])
def test_the_state_decides_what_is_passed_on(world, rule, state, monkeypatch):
    from matcher_service import routing

    allowed = [True]
    monkeypatch.setattr(routing, "still_allowed", lambda *_, **__: allowed[0])
    database, tcn = world.state.database, world.submission.tcn
    topic, kiosk = TOPIC, world.kiosk
    world.state.intake.take(Incoming(topic, kiosk.wrap(topic, world.payload)))
    with database.write() as session:
        session.add(
            RelayItem(tcn=tcn, decision_id=1, state="acknowledged", made_at=NOW, sendings=1, owed=False)
        )
    outbox = RelayOutbox(database, repository="national")
    answers = RelayAnswers(database, settings=RelaySettings(pass_second=rule), outbox=outbox)

    def keep(one):
        one = one.model_copy(update={"tcn": tcn})
        return answers.keep(one, encode_message(one))

    first = reply(repositories=(row("criminal"),), to_follow=("immigration",))
    assert keep(first)
    assert not keep(first)  # each once
    assert outbox.items(tcn=tcn)[0].state is ItemState.ANSWERED
    assert outbox.owed(limit=9) == [tcn]
    assert [one.device for one in answers.untold()] == [KIOSK]
    second = reply("second", repositories=(row("immigration", Colour.RED),))
    assert keep(second)
    assert outbox.owed(limit=9) == []
    assert answers.all_of(tcn)[1].state == state
    before = len(answers.untold())
    assert before == (2 if rule == "always" else 1)
    # A person may pass on what was not, unless it is held, or the rules have closed.
    if rule != "always":
        outbox.hold(tcn, by="system:test", reason="disputed")
        with pytest.raises(RelayRefused, match="is held by"):
            answers.pass_on(tcn, by="system:test")
        outbox.release(tcn, by="system:test")
        allowed[0] = rule == "never"
        assert answers.pass_on(tcn, by="system:test") == (1 if allowed[0] else 0)
        assert len(answers.untold()) == (2 if allowed[0] else 1)
    # What was said is taken back whatever the rule is, and whatever has closed.
    allowed[0] = False
    assert keep(reply("second", taken_back=("immigration",)))
    last = answers.untold()[-1]
    assert decode_message(Reply, last.payload).taken_back == ("national.immigration",)
    from matcher_service.relay.answers import is_passed, passed_message

    label = passed_message(last).label
    assert is_passed(label)
    answers.mark_told(label)
    assert last.id not in [one.id for one in answers.untold()]
    with database.write() as session:
        forget(session, tcn)
    with database.read() as session:
        assert session.scalar(select(RelayReply)) is None


def test_settings_that_cannot_be(world):
    upward = world.bureau.folder
    mine = world.centre.folder / "authority"
    settings = MatcherSettings.model_validate({"relay": {"identity": str(upward)}}, strict=False)
    with pytest.raises(RelayRefused, match="authority"):
        open_relaying(settings, world.state.database, lambda _: True)

    def of(authority, **more):
        tree = {"relay": {"identity": str(upward)}, "authority": {"folder": str(authority)}, **more}
        return MatcherSettings.model_validate(tree, strict=False)

    with pytest.raises(RelayRefused, match="does not relay to itself"):
        open_relaying(of(mine), world.centre.database, lambda _: True)
    state = world.state.folder / "authority"
    with pytest.raises(RelayRefused, match="without rules"):
        open_relaying(of(state, routing={"mode": "everything"}), world.state.database, lambda _: True)
    opened = open_relaying(of(state), world.state.database, lambda _: True)
    assert opened.elsewhere == {"national"}
    (upward / "current" / "centre.json").write_text("{}")
    with pytest.raises(UpwardIdentityError, match="provision this state again"):
        UpwardIdentity(upward)
    with pytest.raises(UpwardIdentityError, match="ask the centre above for a code"):
        UpwardIdentity(upward / "nowhere")


def test_commands(world):
    from typer.testing import CliRunner

    from matcher_service.cli import app

    def run(place, *words):
        folder = f"authority.folder={place.folder / 'authority'}"
        done = CliRunner().invoke(
            app, ["relay", *words, "--set", f"database.url=sqlite:///{place.folder}/m.db", "--set", folder]
        )
        return done.exit_code, done.output

    centre, state = world.centre, world.state
    assert run(centre, "allow", BUREAU, "--ori", ORI) == (0, f"{BUREAU}: may now bring for {ORI}\n")
    assert run(centre, "allow", BUREAU, "--ori", ORI)[1].endswith(f"could already bring for {ORI}\n")
    assert ORI in run(centre, "rights")[1]
    assert run(centre, "forbid", BUREAU, "--ori", ORI)[0] == 0
    assert run(centre, "forbid", BUREAU, "--ori", ORI)[0] == 1
    assert run(centre, "allow", BUREAU)[0] == 1  # for whom?
    assert run(centre, "move", KIOSK)[0] == 1
    world.bring(world.relayed())
    assert run(centre, "move", KIOSK)[0] == 0
    with state.database.write() as session:
        session.add(RelayItem(tcn=TCN, decision_id=1, state="waiting", made_at=NOW, sendings=0, owed=False))
    assert "not set" in run(state, "status")[1]
    assert run(state, "hold", TCN, "--reason", "disputed")[0] == 0
    assert "disputed" in run(state, "status", "--tcn", TCN)[1]
    assert '"held": 1' in run(state, "status", "--json")[1]
    assert run(state, "pass-on", TCN)[0] == 1
    assert run(state, "send", TCN) == (0, f"{TCN}: waiting\n")
    assert run(state, "pass-on", TCN)[0] == 1  # nothing waits
    assert run(state, "status", "--tcn", "kiosk-1.x")[0] == 1
    assert "kiosk-1" in run(state, "status", "--list", "--set", f"relay.identity={world.bureau.folder}")[1]


def test_everything_is_in_the_audit(world):
    from matcher_service.repositories.audit_tables import AuditEntry

    world.bring(world.relayed())
    world.centre.rights.take(BUREAU, RightKind.JURISDICTION, "US-MO", by="system:test")
    with world.centre.database.read() as session:
        actions = [a for a in session.scalars(select(AuditEntry.action)) if a.startswith("relay.")]
    assert actions == ["relay.allow", "relay.device-new", "relay.forbid"]
