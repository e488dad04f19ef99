"""An owner's whole way and a state's second responses in a real browser, without scripts, at two sizes."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import Colour, Reply, RepositoryReply, decode_message, encode_message
from matcher_service import routing
from matcher_service.accounts import Grant, Role
from matcher_service.relay.answers import RelayAnswers
from matcher_service.relay.outbox import RelayOutbox
from matcher_service.repositories import Outcome, Repositories
from matcher_service.repositories.notice_tables import Identification
from matcher_service.repositories.relay_tables import RelayReply
from matcher_service.repositories.review_tables import ReviewTask
from matcher_service.repositories.schema import Identity, Repository, StoredSubmission

from . import case_stand

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


stand = case_stand.stand
WHERE, ABOVE = case_stand.WHERE, "national"
PICTURES = os.environ.get("WHORL_CONSOLE_PICTURES", "")


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    folder = tmp_path_factory.mktemp("owner")
    made = case_stand.Centre(folder, console={"port": 0}, relay={"identity": folder / "upward"})
    Repositories(made.database).create(ABOVE, owner="the centre above")
    made.register.enter_agreed([stand.activation(stand.BOONE, ABOVE)], by="one", approved_by="two")
    with stand.serving(made):
        yield made


@pytest.fixture
def browse(chromium, centre):
    contexts, complaints = [], []

    def opened(person, *, scheme="light"):
        context = chromium.new_context(
            viewport={"width": 1280, "height": 800}, color_scheme=scheme, base_url=centre.url,
            java_script_enabled=False,
        )  # fmt: skip
        contexts.append(context)
        context.add_cookies(
            [{"name": "whorl-session", "value": person.token, "url": centre.url, "httpOnly": True}]
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in complaints if "status of 4" not in one] == []


def check(page, name):
    """Nothing hangs out sideways at either size, one first heading, every field has a name."""
    for width, height in ((1280, 800), (800, 1280), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} at {width}: {wide} px too wide"
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.locator("h1").count() == 1, name
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), name
    nameless = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
        ".filter(e => !(e.labels && e.labels.length)).map(e => e.name)"
    )
    assert nameless == [], name


def said(page):
    return page.locator(".message").first.inner_text()


def test_an_owner_from_a_rule_to_a_certificate(centre, browse):
    _, identification = centre.case()
    with centre.database.read() as session:
        row = session.get_one(Identification, identification)
        person = row.identity_id
        tcn = session.scalar(select(StoredSubmission.tcn).where(StoredSubmission.id == row.submission_id))
    green = centre.submission()
    with centre.database.write() as session:  # as if it had come in two days ago
        row = session.scalars(select(StoredSubmission).where(StoredSubmission.tcn == green)).one()
        row.received_at = datetime.now(UTC) - timedelta(days=2)
    one, two = (centre.as_role(Role.REPOSITORY_OWNER, repository=WHERE) for _ in range(2))
    page = browse(one)
    page.goto("/repositories")
    page.click(f"text={WHERE} >> nth=0")
    check(page, "sharing-empty")
    page.fill("#f-jurisdiction", "US-MO")
    page.fill("#f-reason-a", "Agreement 7, section 2")
    page.check("[name=accept][value=yes]")
    page.click("text=Enter the rule")
    page.fill("#f-red", "100")
    page.fill("#f-yellow", "10000")
    page.fill("#f-reason-t", "fewer reviews")
    page.click("text=Change them")
    assert "Red has to be the rarer answer" in said(page)
    page.fill("#f-red", "20,000")
    page.click("text=Change them")
    assert "1 in 20,000 searches" in page.locator("main").inner_text()
    check(page, "sharing")
    # a rule of keeping, and what it would do
    page.click("text=Rules of keeping")
    check(page, "rules-empty")
    page.click("text=Dry run")
    assert page.locator(".big").all_inner_texts() == ["0", "2", "0"]
    page.click("text=Rules of keeping")
    page.select_option("#f-outcome", "no_candidates")
    page.fill("#f-days", "1")
    page.fill("#f-source", "Agreement 7, section 3(b)")
    page.click("text=Enter the rule")
    check(page, "rules")
    page.click("text=Dry run")
    assert page.locator(".big").all_inner_texts() == ["1", "1", "0"]
    check(page, "dry-run")
    # a hold keeps what the rule would erase, and what somebody asks to have expunged
    page.click("text=Holds >> nth=0")
    check(page, "holds-empty")
    page.fill("#f-number", "mistyped")
    page.fill("#f-reason", "court order 12/26")
    page.click("button:has-text('Hold it')")
    assert "no booking that was searched" in said(page)
    page.fill("#f-number", green)
    page.click("button:has-text('Hold it')")
    check(page, "holds")
    page.goto(f"/repositories/{WHERE}/retention/dry-run")
    assert page.locator(".big").all_inner_texts() == ["0", "1", "1"]
    page.click("text=Expungement")
    check(page, "expungements-empty")
    page.fill("#f-tcns", green)
    page.fill("#f-reason", "court order 13/26")
    page.click("button:has-text('Ask for it')")
    assert "is held" in said(page)
    assert page.input_value("#f-tcns") == green
    page.click("text=Holds >> nth=0")
    page.click("summary")
    page.fill("td [name=reason]", "the order ended")
    page.click("button:has-text('Lift it')")
    assert "is lifted" in said(page)
    # asked for, agreed to by another, carried out
    page.click("text=Expungement")
    page.fill("#f-identity", person)
    page.fill("#f-tcns", f"{tcn}\n{green}")
    page.fill("#f-reason", "court order 13/26")
    page.click("button:has-text('Ask for it')")
    assert "waits for a second person" in said(page)
    check(page, "expungement-asked")
    number = page.url.rpartition("/")[2]
    assert one.post(f"/repositories/{WHERE}/expungements/{number}/approve").status_code == 403  # not the same
    other = browse(two, scheme="dark")
    other.goto("/")
    other.click("text=Requests for a second person")
    other.click("text=See what would be destroyed")
    assert "bookings" in other.locator("main").inner_text()
    check(other, "expungement-second")
    assert two.post(f"/repositories/{WHERE}/expungements/{number}/carry-out", sure="yes").status_code == 409
    other.click("button:has-text('Agree')")
    page.goto("/")
    check(page, "start")
    page.click("text=Expungements to carry out")
    check(page, "expungement-agreed")
    page.check("[name=sure]")
    page.click("text=Destroy them now")
    assert "Destroyed: 1 template and 2 bookings; 1 identification taken back" in said(page)
    check(page, "certificate")
    assert centre.rows(select(StoredSubmission.outcome).where(StoredSubmission.tcn == tcn)) == [
        Outcome.ERASED
    ]
    # the certificate, in hand
    certificate = page.url.partition(centre.url)[2]
    file = one.get(f"{certificate}/file")
    assert "attachment" in file.headers["content-disposition"]
    page.click("text=All certificates")
    page.fill("#f-certificate", file.text)
    page.click("text=Check it")
    assert "Genuine" in said(page)
    check(page, "certificates")
    page.fill("#f-certificate", file.text.replace("court", "count").replace(two.name, one.name))
    page.click("text=Check it")
    assert "Not genuine" in said(page)
    # another owner has no part in any of it, and does not learn that it is there
    stranger = centre.as_role(Role.REPOSITORY_OWNER, repository="criminal")
    for rest in ("", "/retention", "/holds", "/expungements", f"/expungements/{number}", "/certificates"):
        assert stranger.get(f"/repositories/{WHERE}{rest}").status_code == 404, rest
    moved = certificate.replace(WHERE, "criminal")
    assert [stranger.get(moved + rest).status_code for rest in ("", "/file")] == [404, 404]


def relayed(centre):
    """A booking that went up and was answered; its TCN, and what to answer with."""
    store, made = centre._store, made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
    store.file(made, encode_message(made), routing.Arrival(ori=stand.BOONE_ORI))
    while (waiting := store.begin_next()).tcn != made.tcn:
        store.finish(waiting, b"{}", [], Outcome.ANSWERED)
    with centre.database.write() as session:
        routing.decide(session, waiting.id, now=datetime.now(UTC))
    store.finish(waiting, b"{}", [], Outcome.ANSWERED)
    outbox = RelayOutbox(centre.database, repository=ABOVE)
    outbox.find()
    outbox.acknowledge(made.tcn)
    answers = RelayAnswers(centre.database, settings=centre.settings.relay, outbox=outbox)

    def answer(stage, colour=None, to_follow=()):
        rows = () if colour is None else (RepositoryReply(name="immigration", colour=colour),)
        reply = Reply(
            tcn=made.tcn, stage=stage, answered_at=datetime.now(UTC), repositories=rows, timings_ms={},
            to_follow=to_follow,
        )  # fmt: skip
        assert answers.keep(reply, encode_message(reply))

    answer("first", to_follow=("immigration",))
    answer("second", Colour.RED)
    return made.tcn


def told(centre, tcn):
    """What the kiosk is to be told, the newest last."""
    query = select(RelayReply).where(RelayReply.tcn == tcn, RelayReply.for_kiosk.is_not(None))
    rows = centre.rows(query.order_by(RelayReply.passed_at, RelayReply.id))
    return [decode_message(Reply, row.for_kiosk) for row in rows]


def test_a_state_passes_second_responses_on_or_keeps_them(centre, browse):
    first, second, third = (relayed(centre) for _ in range(3))
    supervisor = centre.as_role(Role.SUPERVISOR)
    page = browse(supervisor)
    page.goto("/")
    page.click("text=Responses of the centre above")
    assert "immigration: examiners confirmed a match" in page.locator("main").inner_text()
    check(page, "relay")
    page.click(f"a:has-text('{first}') >> nth=0")
    check(page, "relay-waits")
    page.click("text=Pass on to the jail")
    assert "Passed on" in said(page)
    assert [row.name for row in told(centre, first)[-1].repositories] == ["national.immigration"]
    page.goto(f"/relay/{second}")
    page.fill("#f-keep", "not for the desk")
    page.click("button:has-text('Keep it here')")
    assert "Kept here" in said(page)
    assert told(centre, second)[-1].repositories == ()  # the jail is told that nothing follows, and no more
    check(page, "relay-kept")
    page.goto(f"/relay/{third}")
    page.fill("#f-hold", "the booking is disputed")
    page.click("button:has-text('Hold it')")
    check(page, "relay-held")
    assert supervisor.post(f"/relay/{third}/pass-on").status_code == 303
    assert told(centre, third)[-1].repositories == ()
    page.reload()
    assert "Held by" in said(page)
    page.click("button:has-text('Let it go')")
    assert "Let go" in said(page)
    page.goto("/relay?state=refused")
    assert "None is refused" in page.locator("main").inner_text()
    # who answers for the centre above here may too; other owners and examiners may not
    owner = centre.as_role(Role.REPOSITORY_OWNER, repository=ABOVE)
    assert owner.post(f"/relay/{third}/pass-on").status_code == 303
    assert [len(told(centre, third)[-1].repositories)] == [1]
    for role, where in ((Role.REPOSITORY_OWNER, WHERE), (Role.EXAMINER, None), (Role.ADMINISTRATOR, None)):
        person = centre.as_role(role, repository=where)
        assert {person.get("/relay").status_code, person.post(f"/relay/{third}/keep").status_code} == {403}
    auditor = centre.as_role(Role.AUDITOR)
    assert supervisor.name in auditor.get("/audit?action=relay.keep").text


def test_examiners_link_and_undo(centre, browse):
    examiner = centre._examiners[0]
    identification = centre.identified()
    with centre.database.write() as session:  # the same booking, identified in the other repository as well
        row = session.get_one(Identification, identification)
        identified_elsewhere(session, row)
    person = stand.Person(centre, examiner.name)
    page = browse(person)
    page.goto("/links")
    page.fill("[name=reason] >> nth=0", "same prints, both reviewed")
    check(page, "links")
    page.click("button:has-text('Link them')")
    assert "are one person" in said(page)
    page.click("summary")
    page.fill("td [name=reason]", "looked at again")
    check(page, "links-linked")
    page.click("button:has-text('Undo it')")
    assert "is undone" in said(page)
    elsewhere = stand.Person(centre, centre.account("elsewhere", Grant(Role.EXAMINER, "criminal")))
    assert "Nothing. A link becomes" in elsewhere.get("/links").text


def identified_elsewhere(session, row):
    """As if examiners had decided the booking in "criminal" too: by the tables, there is one search only."""
    where = session.scalar(select(Repository.id).where(Repository.name == "criminal"))
    task = ReviewTask(
        search_id=9999, submission_id=row.submission_id, state="identified", priority=1, needs_second=False,
        repository_id=where, created_at=row.confirmed_at, due_at=row.confirmed_at, shuffle_seed=1,
    )  # fmt: skip
    other = Identity(id="ab" * 16, repository_id=where, created_at=row.confirmed_at)
    session.add_all((task, other))
    session.flush()
    session.add(
        Identification(
            task_id=task.id, submission_id=row.submission_id, identity_id=other.id, state="confirmed",
            repository_id=where, confirmed_at=row.confirmed_at, confirmed_by="[]",
        )
    )  # fmt: skip
