"""The pages of notifications, identifications, challenges and subscribers; and other agencies' ones."""

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from matcher_service import notify
from matcher_service.accounts import Role
from matcher_service.repositories.case_tables import CaseFile, SecondResponse
from matcher_service.repositories.notice_tables import Challenge, Identification, Notification, Retraction

_spec = importlib.util.spec_from_file_location(
    "case_stand", Path(__file__).parents[1] / "system" / "case_stand.py"
)
case_stand = importlib.util.module_from_spec(_spec)
sys.modules["case_stand"] = case_stand
_spec.loader.exec_module(case_stand)
COLE_ORI = case_stand.stand.COLE_ORI
said = case_stand.stand.message


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = case_stand.Centre(tmp_path_factory.mktemp("notices"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def supervisor(centre):
    return centre.as_role(Role.SUPERVISOR)


def states(centre, identification):
    return sorted(
        f"{one.kind} {one.state}"
        for one in centre.rows(select(Notification).where(Notification.identification_id == identification))
    )


def test_notifications_their_states_and_sending_again(centre, supervisor):
    number, *_ = centre.told(centre.identified())
    page = supervisor.get("/notices").text
    assert number[:8] in page
    assert "sent" in page
    assert number[:8] not in supervisor.get("/notices?show=overdue").text
    gone = update(Notification).where(Notification.number == number)
    with centre.database.write() as session:
        session.execute(gone.values(state="dead", due_at=datetime.now(UTC) - timedelta(hours=1)))
    page = supervisor.get("/notices?show=overdue").text
    assert f"/notices/{number}/resend" in page
    assert "/resend" not in centre.officer().get("/notices?show=overdue").text
    assert "Undelivered notifications" in supervisor.get("/").text
    page = supervisor.get(f"/notices/{number}").text
    assert "No receipt came in time" in page
    assert "hit" in page
    back = supervisor.post(f"/notices/{number}/resend", back="overdue")
    assert back.headers["location"] == "/notices?show=overdue"
    assert "sent again" in said(supervisor, back)
    with centre.database.write() as session:
        session.execute(gone.values(state="held", held_because="charge_awaited"))
    assert "the class of the charge was not reported yet" in supervisor.get(f"/notices/{number}").text
    assert "not sent" in said(supervisor, supervisor.post(f"/notices/{number}/resend"))


def test_a_retraction_with_its_cause_and_words(centre, supervisor):
    case, identification = centre.case()
    centre.told(identification)
    path = f"/identifications/{identification}"
    assert path in supervisor.get("/identifications").text
    assert "Take it back" in supervisor.get(path).text
    assert supervisor.post(f"{path}/retract", cause="wrong_hit", words=" ").status_code == 400
    assert "Choose a cause" in said(supervisor, supervisor.post(f"{path}/retract", cause="bored", words="x"))
    assert not centre.rows(select(Retraction).where(Retraction.identification_id == identification))
    done = supervisor.post(f"{path}/retract", cause="wrong_hit", words="second look <b>")
    assert "2 who were told" in said(supervisor, done)
    assert states(centre, identification).count("retraction queued") == 2
    assert centre.rows(select(CaseFile.state).where(CaseFile.id == case)) == ["withdrawn"]
    page = supervisor.get(path).text
    assert "second look &lt;b&gt;" in page
    assert "Take it back" not in page
    again = supervisor.post(f"{path}/retract", cause="wrong_hit", words="again")
    assert "before; nothing was changed" in said(supervisor, again)


@pytest.mark.parametrize(("verdict", "state"), [("upheld", "retracted"), ("rejected", "confirmed")])
def test_a_challenge_is_opened_and_decided(centre, supervisor, verdict, state):
    _, identification = centre.case()
    centre.told(identification)
    officer = centre.officer()
    opened = officer.post(f"/identifications/{identification}/challenge", grounds="was abroad that day")
    assert "nothing more of it is shared" in said(officer, opened)
    twice = officer.post(f"/identifications/{identification}/challenge", grounds="again")
    assert "challenged already" in said(officer, twice)
    assert "was abroad" not in officer.get(f"/identifications/{identification}").text
    assert "was abroad that day" in supervisor.get("/challenges").text
    assert "Open challenges" in supervisor.get("/").text
    number = max(centre.rows(select(Challenge.id)))
    assert officer.post(f"/challenges/{number}/close", verdict=verdict, words="x").status_code == 403
    assert supervisor.post(f"/challenges/{number}/close", verdict=verdict, words="").status_code == 400
    unclear = supervisor.post(f"/challenges/{number}/close", verdict="maybe", words="x")
    assert "Nothing was changed" in said(supervisor, unclear)
    done = supervisor.post(f"/challenges/{number}/close", verdict=verdict, words="another finger was on file")
    assert ("Upheld" if verdict == "upheld" else "Rejected") in said(supervisor, done)
    found = select(Identification.state).where(Identification.id == identification)
    assert centre.rows(found) == [state]
    again = supervisor.post(f"/challenges/{number}/close", verdict=verdict, words="again")
    assert "closed already" in said(supervisor, again)


def test_a_jail_challenges_by_the_booking_once_it_was_told(centre):
    """Before, nobody at the desk can find out that something was confirmed."""
    _, identification = centre.case()
    officer, other = centre.as_role(Role.OFFICER), centre.as_role(Role.OFFICER, ori=COLE_ORI)
    with centre.database.read() as session:
        found = notify_row(session, identification)
    form = {"tcn": found.tcn, "grounds": "was in hospital"}
    assert "nothing to challenge" in said(officer, officer.post("/challenges", **form))
    made = centre.rows(select(Identification).where(Identification.id == identification))[0]
    with centre.database.write() as session:
        now = datetime.now(UTC)
        session.add(
            SecondResponse(
                submission_id=made.submission_id, repository_id=made.repository_id, kind="match", payload=b"{}",
                made_at=now, told_at=now,
            )
        )  # fmt: skip
    assert "nothing to challenge" in said(other, other.post("/challenges", **form))
    assert officer.get(f"/identifications/{identification}").status_code == 403
    assert officer.post(f"/identifications/{identification}/challenge", grounds="x").status_code == 404
    assert "nothing more is shared" in said(officer, officer.post("/challenges", **form))
    assert centre.rows(select(Identification.state).where(Identification.id == identification)) == ["frozen"]
    assert "was in hospital" not in officer.get("/challenges").text


def notify_row(session, identification):
    from matcher_service.console.identification_rows import find

    return find(session, identification)


def test_what_is_another_agencys_or_repositorys_is_as_good_as_none(centre):
    _, identification = centre.case()
    numbers = centre.told(identification)
    theirs = {
        one.number
        for one in centre.rows(select(Notification).where(Notification.identification_id == identification))
        if one.subscriber_id == 2
    }
    officer = centre.officer()  # of the first agency: sees the identification, and its own notification only
    page = officer.get(f"/identifications/{identification}").text
    assert [one for one in numbers if one in page] == [one for one in numbers if one not in theirs]
    owner = centre.as_role(Role.REPOSITORY_OWNER, repository="criminal")
    jail = centre.as_role(Role.CASE_OFFICER, ori=case_stand.stand.BOONE_ORI)  # booked, and was not told
    for person in (owner, jail):
        assert person.get(f"/identifications/{identification}").status_code == 404
        assert f'/identifications/{identification}"' not in person.get("/identifications").text
        assert all(one[:8] not in person.get("/notices").text for one in numbers)
        assert {person.get(f"/notices/{one}").status_code for one in numbers} == {404}
    assert {officer.get(f"/notices/{one}").status_code for one in theirs} == {404}
    assert (
        owner.post(f"/identifications/{identification}/retract", cause="wrong_hit", words="x").status_code
        == 404
    )
    assert {owner.post(f"/notices/{one}/resend").status_code for one in numbers} == {404}
    assert (
        officer.post(f"/identifications/{identification}/retract", cause="wrong_hit", words="x").status_code
        == 403
    )
    for odd in ("0", "-1", "1e3", "x", "9" * 30, "٣"):
        assert officer.get(f"/identifications/{odd}").status_code == 404
        assert (
            centre.as_role(Role.SUPERVISOR)
            .post(f"/challenges/{odd}/close", verdict="upheld", words="x")
            .status_code
            == 404
        )
    with centre.database.read() as session:
        assert notify.held_because(session, identification, now=datetime.now(UTC)) is None


def test_subscribers_are_ended_and_disabled(centre):
    admin = centre.as_role(Role.ADMINISTRATOR)
    owner, other = (
        centre.as_role(Role.REPOSITORY_OWNER, repository=name) for name in ("immigration", "criminal")
    )
    assert "Field office" in owner.get("/subscribers").text
    assert "Field office" not in other.get("/subscribers").text
    ending = {"repository": "immigration", "jurisdiction": ""}
    assert other.post("/subscribers/other-office/end", **ending).status_code == 404
    assert owner.post("/subscribers/other-office/end", repository="criminal").status_code == 403
    # Disabling reaches beyond the own repository.
    assert owner.post("/subscribers/other-office/state", what="disable").status_code == 403
    assert admin.post("/subscribers/other-office/state", what="erase").status_code == 400
    assert "no hit any more" in said(admin, admin.post("/subscribers/other-office/state", what="disable"))
    assert "disabled" in admin.get("/subscribers").text
    assert "told again" in said(admin, admin.post("/subscribers/other-office/state", what="enable"))
    assert "told no more" in said(owner, owner.post("/subscribers/other-office/end", **ending))
    assert "any more" in said(admin, admin.post("/subscribers/other-office/end", **ending))
    assert owner.post("/subscribers/other-office/end", **ending).status_code == 404
