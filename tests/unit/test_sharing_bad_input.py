"""What is wrong, comes twice, comes late or never answers: refused or survived, nothing lost, and in the audit.

What has tests of its own elsewhere is not repeated here; docs/safeguards.md lists all of it.
"""

import importlib.util
import itertools
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.link_protocol import Incoming
from interchange.messages import Ack, AckStatus, decode_message, encode_message
from interchange.topics import Up, up
from matcher_service import routing
from matcher_service.accounts import Account, Role
from matcher_service.auditing.verifying import verify
from matcher_service.commands.jurisdictions import app as jurisdictions_app
from matcher_service.intake import Intake
from matcher_service.notify import parameters as notify_parameters
from matcher_service.repositories import Database, Devices, Quarantine, Submissions
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.routing.conditions import Conditions
from matcher_service.routing.deciding import latest
from matcher_service.routing.entries import ActivationEntry
from matcher_service.routing.errors import BadRegisterFile, NotInRegister, RegisterRefused
from matcher_service.routing.files import RegisterContent

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
sys.modules["notify_centre"] = notify_centre
_spec.loader.exec_module(notify_centre)
BOONE, REPOSITORY, ORI = notify_centre.BOONE, notify_centre.REPOSITORY, notify_centre.ORI


@pytest.fixture
def centre(tmp_path):
    made = notify_centre.Centre(tmp_path)
    yield made
    assert verify(made.database).holds
    made.database.close()


def refusals(database, action="register.refused"):
    with database.read() as session:
        return [
            (one.actor, json.loads(one.details))
            for one in session.scalars(select(AuditEntry).where(AuditEntry.action == action))
        ]


# -- the register


def entry(centre, **changed):
    given = {
        "jurisdiction": BOONE, "repository": REPOSITORY, "from_at": centre.clock.now, "conditions": Conditions(),
        "signed_by": "Sheriff", "document_sha256": "ab" * 32, "reason": "agreed",
    }  # fmt: skip
    return ActivationEntry(**(given | changed))


@pytest.mark.parametrize(
    ("how", "because"),
    [
        ("overlap", "overlap"),
        ("backdated", "backdated"),
        ("nowhere", "not in the register"),
        ("alone", "same person"),
    ],
)
def test_an_activation_that_cannot_be_changes_nothing_and_is_in_the_audit(centre, how, because):
    centre.activate()
    before = centre.register.history()
    wrong = {
        "overlap": entry(centre, from_at=centre.clock.now + timedelta(days=1)),
        "backdated": entry(centre, jurisdiction="US-MO-037", from_at=centre.clock.now - timedelta(days=1)),
        "nowhere": entry(centre, jurisdiction="US-MO-018"),
        "alone": entry(centre, jurisdiction="US-MO-037"),
    }[how]
    good = entry(centre, jurisdiction="US-MO")
    second = "one" if how == "alone" else "two"
    with pytest.raises((RegisterRefused, NotInRegister)) as caught:
        centre.register.enter_agreed([good, wrong], by="one", approved_by=second)
    assert len(str(caught.value)) > 20
    assert centre.register.history() == before  # not even the good one
    ((actor, told),) = refusals(centre.database)
    assert (actor, told["tried"], told["because"]) == ("one", "enter", because)


@pytest.mark.parametrize("how", ["propose", "approve"])
def test_so_it_is_where_it_is_proposed_or_approved(centre, how):
    owners = [
        Account(
            id=name,
            name=name,
            grants=Account.made_of(name, Role.REPOSITORY_OWNER, repositories=(REPOSITORY,)).grants,
        )
        for name in ("one", "two")
    ]
    proposed = []
    if how == "approve":
        proposed = centre.register.propose([entry(centre)], by=owners[0], reason="agreed")
    centre.activate()  # meanwhile
    trying = {
        "propose": lambda: centre.register.propose([entry(centre)], by=owners[0], reason="agreed"),
        "approve": lambda: centre.register.approve(proposed[0], by=owners[1]),
    }
    with pytest.raises(RegisterRefused, match="replaces"):
        trying[how]()
    assert len(centre.register.history()) == 1
    assert [(actor, told["tried"]) for actor, told in refusals(centre.database)] == [
        ("two" if how == "approve" else "one", how)
    ]


@pytest.mark.parametrize(
    ("name", "text", "line", "column"),
    [
        (
            "a.csv",
            "ori,name,jurisdiction,active\nMO0260000,Cole,US-MO-019,yes\nMO01,Cass,US-MO-037,yes\n",
            3,
            "ori",
        ),
        ("b.csv", "ori,name,jurisdiction,active\nMO0260000,Cole,US-MO-051,yes\n", 2, "jurisdiction"),
        ("c.json", '{"version": 1, "agencies": [{"ori": "MO0260000"', 1, ""),
    ],
)
def test_a_register_that_is_malformed_is_named_by_line_and_none_of_it_is_taken(
    centre, name, text, line, column
):
    file = centre.folder / name
    file.write_text(text)
    before = centre.register.content()
    app = typer.Typer()
    app.add_typer(jurisdictions_app, name="jurisdictions")
    done = CliRunner().invoke(
        app, ["jurisdictions", "import", str(file), "--set", f"database.url=sqlite:///{centre.folder}/m.db"]
    )
    assert done.exit_code == 1
    assert f"{name}, line {line}" + (f", {column}" if column else "") in done.output
    assert "Nothing was taken" in done.output
    assert centre.register.content() == before
    told = [one for _, one in refusals(centre.database)]
    assert [(one["tried"], one["line"], one["column"]) for one in told] == [("import", line, column)]


def test_a_file_with_activations_that_nobody_proposes_is_refused(centre):
    content = RegisterContent(activations=(entry(centre),))
    with pytest.raises(BadRegisterFile, match="two people"):
        centre.register.bring(content, source="x.json", by="system:test")
    assert centre.register.history() == []


# -- submissions


class Door:
    """The matcher's door, over a real database."""

    def __init__(self, folder, monotonic):
        self.database = Database(f"sqlite:///{folder}/door.db")
        self.said = []
        self.quarantine = Quarantine(self.database, per_device=50, total=100, monotonic=monotonic)
        self.intake = Intake(
            submissions=Submissions(self.database, instance="matcher-1"),
            quarantine=self.quarantine,
            devices=Devices(self.database),
            publish=lambda message: bool(self.said.append(message)) or True,
            wake_search=lambda: None,
        )

    def take(self, payload):
        self.said.clear()
        self.intake.take(Incoming(up("kiosk-1", Up.SUBMISSION), payload))
        (ack,) = [decode_message(Ack, one.payload) for one in self.said if one.topic.endswith("/down/ack")]
        return ack


def changed(how):
    tree = json.loads(encode_message(made_up_submission("kiosk-1", {2: made_up_minutiae(1)})))
    if how == "charge":
        tree["charge_class"] = "murder"
    elif how == "disposition":
        tree["disposition"] = "guilty"
    elif how == "transaction":
        tree["transaction"] = "VICTIM"
    else:  # a face in the place of a finger: base64 of "FAC\0010\0" and nothing behind it
        tree["prints"][0]["template"] = "RkFDADAxMAA="
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ("charge", "charge_class"),
        ("disposition", "disposition"),
        ("transaction", "transaction"),
        ("template", "template"),
    ],
)
def test_a_code_that_is_in_no_table_and_a_template_of_another_type_are_refused_by_field(tmp_path, how, field):
    now = [0.0]
    door = Door(tmp_path, lambda: now[0])
    ack = door.take(changed(how))
    assert ack.status is AckStatus.REFUSED
    assert field in ack.reason.field
    assert len(door.quarantine.newest()) == 1  # kept, for whoever looks into it
    for _ in range(5):
        door.take(changed(how))
    ((actor, told),) = refusals(door.database, "submission.refused")
    assert (actor, told["device"], told["field"]) == ("system:intake", "kiosk-1", ack.reason.field)
    now[0] += 61.0  # a flood is one entry a minute, with how many there were
    door.take(changed(how))
    assert refusals(door.database, "submission.refused")[1][1]["others_since"] == 5
    assert verify(door.database).holds
    door.database.close()


def test_an_agency_that_nobody_registered_is_searched_nowhere_and_why_is_kept(centre):
    centre.activate()
    made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
    centre.submissions.file(made, encode_message(made), routing.Arrival(ori="XX0000000"))
    waiting = centre.submissions.begin_next()
    with centre.database.write() as session:
        routing.decide(session, waiting.id, now=centre.clock.now)
    with centre.database.read() as session:
        (decision,) = latest(session, waiting.id)
    assert (decision.verdict, decision.reason_code) == ("skip", "unknown_agency")
    assert "XX0000000" in decision.words


# -- a webhook that fails for a day


def test_a_webhook_that_answers_500_for_a_day_gets_it_in_the_end_and_people_know(centre):
    """By the clock of a test: how often it is tried, that nothing is given up, that somebody is called."""
    centre.activate()
    centre.subscribers.unsubscribe("field-office", REPOSITORY, by="system:test")
    centre.subscriber("desk-1", webhook_url="https://cases.agency.example/in")
    centre.connected = False  # neither does it hear of it on its topic
    centre.confirmed()
    start, tried = centre.clock.now, []
    while centre.clock.now - start < timedelta(hours=26):
        before = len(centre.webhooks.posts)
        centre.delivery.send_due()
        for post in centre.webhooks.posts[before:]:
            tried.append((centre.clock.now - start).total_seconds())
            centre.delivery._posted(post, "answered 500")
        centre.delivery.look_around()
        centre.clock.later(seconds=30 if len(tried) < 10 else 300)
    pauses = [after - one for one, after in itertools.pairwise(tried)]
    assert 30 < len(tried) < 80  # neither hammered nor forgotten
    assert max(pauses) <= notify_parameters.BACKOFF_LONGEST_S + 300
    assert len({post.number for post in centre.webhooks.posts}) == 1
    assert centre.states() == ["sent"]
    assert len(centre.audited("notification.overdue")) == 1
    while centre.states() == ["sent"]:  # it is back
        centre.clock.later(minutes=5)
        before = len(centre.webhooks.posts)
        centre.delivery.send_due()
        for post in centre.webhooks.posts[before:]:
            centre.delivery._posted(post, "")
    assert centre.states() == ["received"]
    assert centre.audited("notification.dead") == []


# -- a clock that jumps


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(days=3650)])
def test_a_clock_that_jumps_switches_nothing_on_again(centre, jump):
    """Ten years either way: off is off."""
    centre.activate()
    centre.register.suspend(BOONE, REPOSITORY, by="one", reason="off")
    centre.clock.later(seconds=jump.total_seconds())
    made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
    centre.submissions.file(made, encode_message(made), routing.Arrival(ori=ORI))
    waiting = centre.submissions.begin_next()
    with centre.database.write() as session:
        routing.decide(session, waiting.id, now=centre.clock.now)
    with centre.database.read() as session:
        (decision,) = latest(session, waiting.id)
        assert not routing.still_allowed(session, waiting.id, REPOSITORY, now=centre.clock.now)
    assert decision.reason_code == "suspended"
