"""What people do on the console's pages: each once the right way, and a wrong one."""

import importlib.util
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from matcher_service.accounts import Action, Role, two_person
from matcher_service.repositories import Registry, RegistryState
from matcher_service.repositories.device_tables import RegisteredDevice

_spec = importlib.util.spec_from_file_location(
    "console_stand", Path(__file__).parents[1] / "system" / "console_stand.py"
)
console_stand = importlib.util.module_from_spec(_spec)
sys.modules["console_stand"] = console_stand
_spec.loader.exec_module(console_stand)
BOONE, COLE = console_stand.BOONE, console_stand.COLE
message = console_stand.message


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = console_stand.Centre(tmp_path_factory.mktemp("pages"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(centre):
    return centre.as_role(Role.ADMINISTRATOR)


def test_a_kiosk_is_shut_out_by_its_name(centre, admin):
    with centre.database.write() as session:
        session.add(
            RegisteredDevice(
                name="kiosk-9",
                ori="MO0100000",
                state="active",
                registered_at=datetime.now(UTC),
                centre_generation=1,
            )
        )
    assert "kiosk-9" in admin.get("/devices").text
    assert "for good" in admin.get("/devices/kiosk-9/revoke").text.lower()
    path = "/devices/kiosk-9/revoke"
    assert admin.post(path, name="kiosk-8", reason="stolen").status_code == 400
    assert Registry(centre.database).find("kiosk-9").state is RegistryState.ACTIVE
    assert "shut out" in message(admin, admin.post(path, name="kiosk-9", reason="stolen"))
    assert Registry(centre.database).find("kiosk-9").state is RegistryState.REVOKED
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("done", "state"), [("approve", "approved"), ("refuse", "refused"), ("withdraw", "withdrawn")]
)
def test_a_request_is_decided(centre, done, state):
    asking = centre.as_role(Role.SUPERVISOR)
    owner = centre.as_role(Role.REPOSITORY_OWNER, repository="criminal")
    other = centre.as_role(Role.REPOSITORY_OWNER, repository="immigration")
    account = centre.directory.find(asking.name).account
    with centre.database.write() as session:
        number = two_person.propose(
            session,
            Action.EXPUNGE_REQUEST,
            by=account,
            details={"identity": "ab12"},
            reason="court order",
            repository="criminal",
        )
    assert "court order" in owner.get("/requests").text
    assert "Requests for a second person" in owner.get("/").text
    assert "court order" not in other.get("/requests").text
    assert other.post(f"/requests/{number}/approve").status_code == 404
    assert asking.post(f"/requests/{number}/approve").status_code == 403
    person = asking if done == "withdraw" else owner
    if done == "refuse":
        assert owner.post(f"/requests/{number}/refuse").status_code == 400  # says not why
    assert state.rstrip("ed")[:5] in message(
        person, person.post(f"/requests/{number}/{done}", words="no such order")
    )
    with centre.database.read() as session:
        found = next(one for one in two_person.requests(session, open_only=False) if one.id == number)
    assert found.state == state


def test_an_account_from_its_first_day_to_its_last(centre, admin):
    page = admin.post(
        "/accounts", name="newone", display_name="New One", grants=["supervisor:criminal"], ori=""
    )
    assert len(re.search(r'class="message good mono">([^<]+)', page.text)[1]) >= 12
    assert [one.repository for one in centre.directory.find("newone").account.grants] == ["criminal"]
    assert admin.post("/accounts", name="newone", ori="").status_code == 409
    assert admin.post("/accounts", name="other", grants=["king"], ori="").status_code == 400
    assert admin.post("/accounts/newone/roles", grants=["officer"], ori="").status_code == 409  # of no agency
    said = message(
        admin, admin.post("/accounts/newone/roles", grants=["officer", "auditor"], ori="mo0100000")
    )
    assert "count from now on" in said
    assert centre.directory.find("newone").account.roles == {Role.OFFICER, Role.AUDITOR}
    token = centre.token("newone")
    assert "1 sessions" in message(admin, admin.post("/accounts/newone/state", what="disable"))
    assert centre.sessions.find(token) is None
    assert "again" in message(admin, admin.post("/accounts/newone/state", what="enable"))
    assert "forgotten" in message(admin, admin.post("/accounts/newone/state", what="unlock"))
    assert admin.post("/accounts/newone/state", what="promote").status_code == 400
    assert "First password" in admin.post("/accounts/newone/reset-password").text
    assert "another authenticator" in message(admin, admin.post("/accounts/newone/reset-totp"))


def test_switching_off_takes_a_reason_and_works_once(centre, admin):
    path = f"/jurisdictions/{BOONE}/suspend/immigration"
    assert admin.post(path, reason=" ").status_code == 400
    assert "Switched off now" in message(admin, admin.post(path, reason="sheriff's order"))
    assert "already" in message(admin, admin.post(path, reason="again"))
    assert "suspended" in admin.get("/jurisdictions?sharing=suspended").text
    assert BOONE not in admin.get("/jurisdictions?sharing=active").text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"document_sha256": "short"}, "SHA-256"),
        ({"from": "tomorrow"}, "is a date"),
        ({"min_fingers": "many"}, "fingers"),
        ({"charge_classes": "arson"}, "charge"),
        ({"until": "2001-01-01"}, "not after the beginning"),
        ({"jurisdiction": "US-MO-999"}, "US-MO-999"),
    ],
)
def test_what_is_wrong_with_a_proposal_is_said(centre, admin, wrong, words):
    form = {
        "jurisdiction": COLE, "repository": "criminal", "from": "2031-01-01", "min_fingers": "2", "answer": "second",
        "signed_by": "Sheriff", "document_sha256": "ab" * 32, "reason": "agreed",
    }  # fmt: skip
    answer = admin.post("/activations", **(form | wrong))
    assert answer.status_code in (400, 409)
    assert words in answer.text


def test_a_dead_letter_is_sent_again(centre):
    tcn = centre.submission(failed=True)
    officer = centre.as_role(Role.OFFICER)
    assert tcn in officer.get("/submissions?outcome=failed").text
    assert "Dead letters" in officer.get("/").text
    assert "in the queue again" in message(officer, officer.post(f"/submissions/{tcn}/redeliver"))
    assert "nothing to send again" in message(officer, officer.post(f"/submissions/{tcn}/redeliver"))
    tcn = centre.submission(failed=True)
    supervisor = centre.as_role(Role.SUPERVISOR)
    assert "Send it again" in supervisor.get(f"/submissions/{tcn}").text
    of_one = centre.as_role(Role.SUPERVISOR, repository="immigration")
    assert of_one.post(f"/submissions/{tcn}/redeliver").status_code == 403
    assert "in the queue again" in message(supervisor, supervisor.post(f"/submissions/{tcn}/redeliver"))


@pytest.mark.sqlite
def test_the_chain_is_checked_and_a_change_is_shown(tmp_path):
    centre = console_stand.Centre(tmp_path)
    auditor = centre.as_role(Role.AUDITOR)
    assert "It holds" in auditor.post("/audit/chain").text
    with centre.database.write() as session:
        for name in session.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'")
        ).all():
            session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text("UPDATE audit_entry SET actor = 'somebody' WHERE seq = 2"))
    said = auditor.post("/audit/chain").text
    assert "does not hold" in said
    assert "entry 2 was changed" in said
    centre.close()
