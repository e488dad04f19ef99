"""The case desk's pages: the queue, a case worked through, two officers at once, and other agencies' cases."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from matcher_service import notify
from matcher_service.accounts import Role
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.case_tables import CaseFile, Conviction, Evaluation
from matcher_service.repositories.notice_tables import Identification

_spec = importlib.util.spec_from_file_location(
    "case_stand", Path(__file__).parents[1] / "system" / "case_stand.py"
)
case_stand = importlib.util.module_from_spec(_spec)
sys.modules["case_stand"] = case_stand
_spec.loader.exec_module(case_stand)
FELONY = {
    "code": "35A Drug, narcotic violations", "offence_class": "felony", "convicted_on": "2009-03-14",
    "source": "Boone County 09-CR-114", "sentence_days": "",
}  # fmt: skip
LAWFUL = {
    "outcome": "lawful_status",
    "action-lawful_status": "none",
    "words": "permanent resident, card seen",
}


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = case_stand.Centre(tmp_path_factory.mktemp("cases"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def ann(centre):
    return centre.officer()


@pytest.fixture(scope="module")
def ben(centre):
    return centre.officer()


def said(person, answer):
    """What the next page says of it."""
    assert answer.status_code == 303, answer.text
    return re.search(
        r'class="message [a-z]+" role="status">([^<]+)', person.get(answer.headers["location"]).text
    )[1]


def refused(answer, status=409):
    assert answer.status_code == status, answer.text
    return re.search(r'class="message bad" role="alert"><p>([^<]+)', answer.text)[1]


def test_a_case_from_the_queue_to_its_end(centre, ann):
    case, _ = centre.case()
    assert "Cases that nobody has" in ann.get("/").text
    page = ann.get(f"/cases/{case}").text
    assert "No level" in page
    assert "no finding of anybody" in page
    assert "charged" in page
    assert "immigration of" in page
    assert "3,162,278" in page
    assert "Record a conviction" not in page
    assert "yours" in said(ann, ann.post(f"/cases/{case}/take"))
    assert "Level 2" in said(ann, ann.post(f"/cases/{case}/convictions", **FELONY))
    page = ann.get(f"/cases/{case}").text
    assert "Boone County 09-CR-114" in page
    assert 'class="level l2"' in page
    number = centre.rows(select(Conviction.id).where(Conviction.case_id == case))[0]
    assert "No level" in said(
        ann, ann.post(f"/cases/{case}/convictions/{number}/vacate", words="vacated on appeal")
    )
    assert "Evaluated" in said(ann, ann.post(f"/cases/{case}/evaluate", **LAWFUL))
    (done,) = centre.rows(select(Evaluation).where(Evaluation.case_id == case))
    assert (done.outcome, done.action, done.decided_by) == ("lawful_status", "none", ann.name)
    assert "closed already" in refused(ann.post(f"/cases/{case}/evaluate", **LAWFUL), 400)  # pressed twice
    assert f'/cases/{case}"' not in ann.get("/cases").text
    assert f'/cases/{case}"' in ann.get("/cases?closed=yes").text
    assert "permanent resident" in ann.get(f"/cases/{case}").text


def test_the_queue_is_by_level_then_age(centre):
    person = centre.officer(case_stand.OTHER)
    numbers = [centre.case(case_stand.OTHER)[0] for _ in range(3)]
    for case, kind in ((numbers[1], "misdemeanor"), (numbers[2], "aggravated_felony")):
        person.post(f"/cases/{case}/take")
        person.post(f"/cases/{case}/convictions", **(FELONY | {"offence_class": kind}))
    listed = [int(one) for one in re.findall(r"/cases/(\d+)\"", person.get("/cases").text)]
    levels = [centre.rows(select(CaseFile.level).where(CaseFile.id == one))[0] for one in listed]
    assert listed[:2] == [numbers[2], numbers[1]]
    assert levels == sorted(levels, key=lambda one: one or 9)
    unlevelled = [one for one, level in zip(listed, levels, strict=True) if level is None]
    assert unlevelled == sorted(unlevelled)


def test_two_officers_at_once(centre, ann, ben):
    case, _ = centre.case()
    ann.post(f"/cases/{case}/take")
    assert f"{ann.name} has this case now" in refused(ben.post(f"/cases/{case}/take"))
    # Ben takes it over; what Ann types next is not lost, and nothing of it is recorded.
    assert ben.post(f"/cases/{case}/take", take_over_from=ann.name).status_code == 400  # says not why
    assert "yours" in said(ben, ben.post(f"/cases/{case}/take", take_over_from=ann.name, words="on leave"))
    answer = ann.post(f"/cases/{case}/evaluate", **LAWFUL)
    assert f"{ben.name} has this case now" in refused(answer)
    assert "permanent resident, card seen" in answer.text
    assert 'value="lawful_status" checked' in answer.text
    assert "Boone County 09-CR-114" in ann.post(f"/cases/{case}/convictions", **FELONY).text
    assert not centre.rows(select(Conviction).where(Conviction.case_id == case))
    assert not centre.rows(select(Evaluation).where(Evaluation.case_id == case))
    # From a page that is old: the one who is named does not have it any more.
    assert f"{ben.name} has" in refused(
        ann.post(f"/cases/{case}/take", take_over_from=ann.name, words="mine again")
    )


@pytest.mark.parametrize(
    ("part", "form", "words"),
    [
        ("convictions", {"code": "35Z"}, "35A"),
        ("convictions", {"code": "narcotics"}, "Did you mean"),
        ("convictions", {"convicted_on": "14.3.2009"}, "2009-03-14"),
        ("convictions", {"convicted_on": "2999-01-01"}, "a charge is no conviction"),
        ("convictions", {"sentence_days": "many"}, "number of days"),
        ("convictions", {"offence_class": "king"}, "The class"),
        ("convictions", {"source": ""}, "source"),
        ("evaluate", {"outcome": "citizen", "action-citizen": "transfer"}, "citizen"),
        ("evaluate", {"outcome": "deported"}, "outcome"),
        ("evaluate", {"outcome": ""}, "Choose what you found"),
        ("evaluate", {"words": "<script>alert(1)</script>", "outcome": "?"}, "&lt;script&gt;"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(centre, ann, part, form, words):
    case = centre.mine
    answer = ann.post(f"/cases/{case}/{part}", **((FELONY if part == "convictions" else LAWFUL) | form))
    assert answer.status_code in (400, 409)
    assert words in answer.text
    kept = "permanent resident" if part == "evaluate" and "words" not in form else "09-CR-114"
    assert kept in answer.text or "source" in form or "words" in form
    assert not centre.rows(select(Conviction).where(Conviction.case_id == case))
    assert not centre.rows(select(Evaluation).where(Evaluation.case_id == case))


@pytest.fixture(autouse=True, scope="module")
def one_of_anns(centre, ann):
    centre.mine, _ = centre.case()
    ann.post(f"/cases/{centre.mine}/take")


def test_another_agencys_case_is_as_good_as_none(centre, ann):
    theirs, _ = centre.case(case_stand.OTHER)
    for stranger in (ann, centre.as_role(Role.CASE_OFFICER, repository="criminal", ori=case_stand.OTHER)):
        for case in (theirs, 10**6, 10**17, "0", "-1", "1e3", "٣", "x"):
            pages = [stranger.get(f"/cases/{case}")]
            pages += [
                stranger.post(f"/cases/{case}/{step}", **form)
                for step, form in (
                    ("take", {}),
                    ("convictions", FELONY),
                    ("convictions/1/vacate", {"words": "mine"}),
                    ("evaluate", LAWFUL),
                )
            ]
            assert {one.status_code for one in pages} == {404}, case
            assert all("among those of your agency" in one.text for one in pages)
        assert f'/cases/{theirs}"' not in stranger.get("/cases").text
    assert centre.rows(select(CaseFile.owner_id).where(CaseFile.id == theirs)) == [None]
    # A conviction of another case is not vacated by way of one's own.
    mine, another = (centre.case()[0] for _ in range(2))
    for case in (mine, another):
        ann.post(f"/cases/{case}/take")
    ann.post(f"/cases/{another}/convictions", **FELONY)
    (number,) = centre.rows(select(Conviction.id).where(Conviction.case_id == another))
    assert ann.post(f"/cases/{mine}/convictions/{number}/vacate", words="x").status_code == 409
    looked = select(AuditEntry.details).where(
        AuditEntry.actor == ann.name, AuditEntry.action == "case.read", AuditEntry.subject == f"case {theirs}"
    )
    assert any("refused" in one for one in centre.rows(looked))


def test_a_challenge_freezes_and_a_retraction_ends(centre, ann):
    case, identification = centre.case()
    ann.post(f"/cases/{case}/take")
    with centre.database.write() as session:
        challenge = notify.open_challenge(session, identification, by="someone", grounds="was abroad")
    assert "challenged" in ann.get("/cases").text
    page = ann.get(f"/cases/{case}").text
    assert "Somebody says that this identification is wrong" in page
    assert "was abroad" not in page  # the grounds stay at the centre
    assert re.search(r'value="action_requested"\s+disabled', page)
    asking = {"outcome": "action_requested", "action-action_requested": "interview", "words": "two felonies"}
    assert "challenged" in refused(ann.post(f"/cases/{case}/evaluate", **asking))
    with centre.database.write() as session:
        notify.close_challenge(session, challenge, by="someone", upheld=True, words="another finger")
    page = ann.get(f"/cases/{case}").text
    assert "Taken back" in page
    assert "Record a conviction" not in page
    assert "Take this case" not in page
    assert "withdrawn" in refused(ann.post(f"/cases/{case}/take"))


def test_not_the_person_takes_the_hit_back(centre, ann):
    case, identification = centre.case()
    ann.post(f"/cases/{case}/take")
    ann.post(f"/cases/{case}/evaluate", outcome="not_the_person", words="other fingers on our card")
    with centre.database.read() as session:
        assert session.get_one(Identification, identification).state == "retracted"
