"""The examiners' pages in a real browser: a decision, a second examiner who is told nothing, other people's tasks.

One long file on purpose: the pages share one centre and one browser, which take seconds to start.
"""

import base64
import contextlib
import io
import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import delete, select, update

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange import Minutiae
from interchange.messages import ImageSent, ImagesOffered, encode_message
from interchange.print_image import encode_image
from matcher_service import review, routing
from matcher_service.accounts import Grant, Role
from matcher_service.images import Images
from matcher_service.repositories import FoundCandidate, NewPrint, Repositories, SearchOutcome
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.repositories.review_tables import ReviewCandidate, ReviewRound, ReviewTask
from matcher_service.repositories.schema import StoredSubmission
from matcher_service.repositories.submissions import add_searches
from matcher_service.routing import Conditions
from models.synthetic import master, touch

from . import console_stand as stand

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


PICTURES = os.environ.get("WHORL_CONSOLE_PICTURES", "")
REASON = "core and delta lie alike, fourteen minutiae agree"
WHERE = "immigration"


class Centre(stand.Centre):
    """Boone's bookings are searched in "immigration", where two examiners have to agree."""

    def furnish(self):
        self.agree(images=True)
        for seed in range(100, 106):
            self.enrol(seed)

    def agree(self, *, images):
        rule = stand.activation(stand.BOONE, WHERE)
        replaces = max(one.version for one in self.register.history(stand.BOONE, WHERE))
        agreed = Conditions(needs_second_examiner=True, images=images)
        entry = replace(rule, conditions=agreed, replaces=replaces)
        self.register.enter_agreed([entry], by="one", approved_by="two")

    def pictured_task(self):
        """A booking whose prints came with images; its first candidate is another touch of the same fingers."""
        finger = master(4)  # both of them: another would take as long again to grow
        taken, later = ({at: pressed(finger, at + k) for at in (2, 7)} for k in range(2))
        images = [encode_image(one.image, dpi=500.0) for one in taken.values()]
        made = made_up_submission("kiosk-1", {at: one.minutiae for at, one in taken.items()})
        prints = [
            one.model_copy(update={"image_sha256": sha256(image).hexdigest()})
            for one, image in zip(made.prints, images, strict=True)
        ]
        enrolled = {at: one.minutiae for at, one in later.items()}
        task, place, tcn = self.task(made.model_copy(update={"prints": tuple(prints)}), enrolled)
        desk = Images(self.database)
        with self.database.write() as session:
            session.execute(
                update(StoredSubmission).where(StoredSubmission.tcn == tcn).values(outcome="answered")
            )
        for number in desk.offered(ImagesOffered(device="kiosk-1", tcn=tcn)).prints:
            assert desk.take(ImageSent(device="kiosk-1", tcn=tcn, number=number, image=images[number]))
        return task, place, tcn, images

    def enrol(self, seed, *, as_submitted=False, fingers=None):
        prints = {2: made_up_minutiae(seed * 10), 7: made_up_minutiae(seed * 10 + 1)}
        if as_submitted and fingers is None:
            prints[2] = moved(made_up_minutiae(1))
        elif as_submitted:
            prints = fingers
        made = [NewPrint.of(position, minutiae) for position, minutiae in prints.items()]
        return Repositories(self.database).enroll(WHERE, made).identity

    def task(self, made=None, fingers=None):
        """A booking whose first candidate is the same finger, pressed again; its number and its place."""
        made = made or made_up_submission("kiosk-1", {2: made_up_minutiae(1), 7: made_up_minutiae(2)})
        self._store.file(made, encode_message(made), routing.Arrival(ori=stand.BOONE_ORI))
        people = [self.enrol(time.time_ns() % 10**6, as_submitted=k == 0, fingers=fingers) for k in range(2)]
        found = SearchOutcome(
            repository=WHERE, searched_at=datetime.now(UTC), duration_ms=1.0, gallery_prints=16, colour="red",
            candidates=tuple(
                FoundCandidate(f"ref-{one}", one, 93.7 - k, -6.5, 0.001) for k, one in enumerate(people)
            ),
        )  # fmt: skip
        with self.database.write() as session:
            number = session.scalar(select(StoredSubmission.id).where(StoredSubmission.tcn == made.tcn))
            routing.decide(session, number, now=datetime.now(UTC))
            add_searches(session, number, [found])
            (task,) = review.open_tasks(session, number)
            places = dict(
                session.execute(
                    select(ReviewCandidate.identity_id, ReviewCandidate.place).where(
                        ReviewCandidate.task_id == task
                    )
                ).all()
            )
        return task, places[people[0]], made.tcn

    def rows(self, query):
        with self.database.read() as session:
            return list(session.scalars(query))

    def examiner(self, repository=WHERE):
        return self.as_role(Role.EXAMINER, repository=repository)

    def person(self, name, *grants):
        return stand.Person(self, self.account(name, *grants, ori=stand.BOONE_ORI))


def pressed(finger, number):
    """A touch of a synthetic finger as a serial sensor sees it."""
    return touch(finger, number, window=(288, 256), levels=16, difficulty=0.2)


def moved(minutiae):
    """The same finger as it is pressed another day: moved, and not all of it there."""
    random = np.random.default_rng(5)
    kept = random.random(len(minutiae)) < 0.8
    return Minutiae.make(
        np.clip(minutiae.x[kept] + 9 + random.integers(-2, 3, kept.sum()), 0, 255),
        np.clip(minutiae.y[kept] - 6 + random.integers(-2, 3, kept.sum()), 0, 287),
        minutiae.angle[kept],
        type=minutiae.type[kept],
        quality=minutiae.quality[kept],
        width=minutiae.width,
        height=minutiae.height,
        finger_quality=64,
    )


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = Centre(tmp_path_factory.mktemp("review"), console={"port": 0})
    made.furnish()
    with stand.serving(made):
        yield made


@pytest.fixture(autouse=True)
def an_empty_queue(centre):
    """Each test's tasks are its own, in whatever order they run."""
    with centre.database.write() as session:
        session.execute(update(ReviewTask).where(ReviewTask.closed_at.is_(None)).values(state="withdrawn"))


@pytest.fixture
def browse(chromium, centre):
    """A page, signed in as somebody; what the browser complains of, the policy's refusals too, fails the test."""
    complaints = []
    with contextlib.ExitStack() as opened:

        def open_one(person, *, scripts=True):
            context = chromium.new_context(
                viewport={"width": 1280, "height": 800}, base_url=centre.url, java_script_enabled=scripts
            )
            opened.callback(context.close)
            context.add_cookies(
                [{"name": "whorl-session", "value": person.token, "url": centre.url, "httpOnly": True}]
            )
            page = context.new_page()
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield open_one
    assert [one for one in complaints if not re.search(r"status of (400|404|409)", one)] == []


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")
        page.screenshot(path=f"{PICTURES}/{name}-whole.png", full_page=True)


def check_layout(page):
    """Nothing hangs out sideways, on a desk or a telephone; every field has a name; one first heading."""
    for width, height in ((390, 844), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{page.url}: {wide} px too wide at {width}"
    nameless = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
        ".filter(e => !(e.labels && e.labels.length) && !e.ariaLabel).map(e => e.name)"
    )
    assert nameless == []
    assert page.locator("h1").count() == 1


def box(page, nth=0):
    svg = page.locator(".sheet-view svg").nth(nth)
    return [float(one) for one in svg.get_attribute("viewBox").split()]


def rounds(centre, task):
    return centre.rows(select(ReviewRound).where(ReviewRound.task_id == task).order_by(ReviewRound.number))


def test_an_examiner_compares_and_decides(centre, browse):
    task, place, tcn = centre.task()
    examiner = centre.examiner()
    page = browse(examiner)
    page.goto("/")
    assert page.locator(".cards a[href='/reviews'] .number").inner_text() == "1"
    page.click(".cards a[href='/reviews']")
    picture(page, "review-queue")
    check_layout(page)
    page.click("text=Take the next one")
    assert page.url.endswith(f"/reviews/{task}")
    assert "min left" in page.inner_text("#left")
    seen = page.content()

    whole = box(page)
    view = page.locator(".sheet-view").first
    view.focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    near = box(page)
    assert near[2] < whole[2]
    page.keyboard.press("ArrowRight")
    right = box(page)
    assert right[0] > near[0]
    at = view.bounding_box()
    page.mouse.move(at["x"] + 200, at["y"] + 200)
    page.mouse.down()
    page.mouse.move(at["x"] + 240, at["y"] + 200, steps=3)
    page.mouse.up()
    assert box(page)[0] < right[0]
    page.keyboard.press("0")
    assert box(page) == pytest.approx(whole)
    page.click("[aria-label^='Candidate'][aria-label$=': closer']")
    assert box(page, 1)[2] < whole[2]

    # Whatever else is asked for, what was typed is still there.
    page.fill("[name=reason]", REASON)
    page.check("[value=identification]")
    page.click(f".chooser [aria-label='Candidate {place}']")
    page.check("[value=strong]")
    page.click("text=Show what could be paired")
    assert page.locator(".sheet-view svg").count() == 3
    assert page.is_checked("[value=strong]")
    assert page.input_value("[name=reason]") == REASON
    seen += page.content()
    page.check("[value=plain]")
    picture(page, "review-task")
    check_layout(page)
    page.click("text=Hide the pairs")
    page.evaluate("scrollTo(0, 0)")
    picture(page, "console-review")
    check_layout(page)
    page.goto(f"/reviews/{task}")
    assert page.input_value("[name=reason]") == REASON  # kept by the tab
    page.check("[value=identification]")
    page.click("button:text('Record the decision')")
    assert "choose which candidate" in page.inner_text("#problem")
    page.select_option("[name=chosen]", str(place))

    # A supervisor gave it to anybody again: nothing is recorded, nothing is lost.
    with centre.database.write() as session:
        session.execute(delete(ReviewRound).where(ReviewRound.task_id == task))
    page.click("button:text('Record the decision')")
    assert page.locator("h1").inner_text() == "You do not have this task"
    picture(page, "review-lost")
    check_layout(page)
    page.click("button:text-is('Take it')")
    assert page.input_value("[name=reason]") == REASON
    assert page.input_value("[name=chosen]") == str(place)
    page.click("button:text('Record the decision')")
    assert "is recorded" in page.inner_text("[role=status]")
    page.goto(f"/reviews/{task}")
    assert page.locator("h1").inner_text() == "You have decided this one"

    (done,) = rounds(centre, task)
    assert (done.decision, done.reason) == ("identification", REASON)
    # The same form again counts once; another one is refused, and its reason comes back.
    form = {"decision": "identification", "chosen": str(place), "reason": REASON}
    assert examiner.post(f"/reviews/{task}/decide", **form).status_code == 303
    other = examiner.post(f"/reviews/{task}/decide", **(form | {"reason": "another one"}))
    assert other.status_code == 409
    assert "another one" in other.text
    assert len(rounds(centre, task)) == 1
    # Numbers that place a mark in a drawing may be any.
    seen = re.sub(r' (d|x|y|cx|cy|points|transform|viewBox)="[^"]*"', "", seen)
    for secret in (tcn, "93.7", "-6.5", "ref-", "score", "rank", "seeded", "stranger", stand.BOONE):
        assert secret not in seen, secret


def test_a_second_examiner_is_told_nothing_and_needs_no_scripts(centre, browse):
    task, place, _ = centre.task()
    first, second = centre.examiner(), centre.examiner()
    pages = {}
    for examiner in (first, second):
        assert examiner.post(f"/reviews/{task}/claim").status_code == 303
        looked = examiner.get(f"/reviews/{task}").text
        for own in (examiner.name, examiner.csrf):
            looked = looked.replace(own, "")
        pages[examiner.name] = re.sub(
            r"data-until=\"\d+\"|\(\d+ min left\)|\d\d:\d\d UTC</strong>", "", looked
        )
        if examiner is first:
            waiting = second.post(f"/reviews/{task}/claim", reason="looked on paper")
            assert waiting.status_code == 409
            assert "Another examiner has it" in waiting.text
            assert "looked on paper" in waiting.text
            form = {"decision": "identification", "chosen": str(place), "reason": REASON}
            assert first.post(f"/reviews/{task}/decide", **form).status_code == 303
    assert pages[first.name] == pages[second.name]

    page = browse(second, scripts=False)
    page.goto("/reviews")
    page.click("text=Go on")
    page.fill("[name=reason]", "x" * 400)
    page.click(f".chooser [aria-label='Candidate {place}']")
    page.click("text=Show what could be paired")
    assert page.locator(".sheet-view svg").count() == 3
    assert page.input_value("[name=reason]") == "x" * 400
    assert page.is_hidden(".sheet-tools >> nth=0")
    page.check("[value=exclusion]")
    page.fill("[name=reason]", "no")
    assert second.post(f"/reviews/{task}/decide", decision="exclusion", reason="no").status_code == 400
    page.fill("[name=reason]", "ridges differ at the core")
    page.click("button:text('Record the decision')")
    assert f"Your decision on task {task} is recorded" in page.inner_text("[role=status]")
    assert centre.rows(select(ReviewTask.state).where(ReviewTask.id == task)) == ["third"]


def test_other_repositories_tasks_and_the_supervisor(centre, browse):
    task, _, _ = centre.task()
    foreign = centre.examiner("criminal")
    for path in (f"/reviews/{task}", "/reviews/99999", "/reviews/x", f"/reviews/{10**30}"):
        assert foreign.get(path).status_code == 404, path
    for verb in ("", "/claim", "/release", "/decide"):
        answer = foreign.post(f"/reviews/{task}{verb}", decision="exclusion", reason="not mine")
        assert answer.status_code == 404, verb
    assert f'<th scope="row" class="n">{task}<' not in foreign.get("/reviews").text
    assert rounds(centre, task) == []
    other = centre.as_role(Role.SUPERVISOR, repository="criminal")
    assert other.get(f"/review-board/{task}").status_code == 404
    assert other.post(f"/review-board/{task}/assign", examiner=foreign.name).status_code == 404

    helper = centre.examiner()
    with centre.database.write() as session:
        session.get(ReviewTask, task).due_at = datetime(2025, 5, 1, tzinfo=UTC)
    page = browse(centre.person("chief", Grant(Role.SUPERVISOR, WHERE)))
    page.goto("/")
    assert page.locator(".cards .urgent a[href='/review-board'] .number").inner_text() == "1"
    page.goto("/review-board")
    picture(page, "review-board")
    check_layout(page)
    page.select_option(f"[aria-label='Give task {task} to']", helper.name)
    page.click(f"button[aria-label='Give task {task}']")
    assert f"{helper.name}'s" in page.inner_text("[role=status]")
    assert "given to you" in helper.get("/reviews").text
    page.click(f"a[href='/review-board/{task}']")
    picture(page, "review-dossier")
    check_layout(page)
    assert page.locator("h1").inner_text() == f"Task {task}"
    page.goto("/review-board/statistics")
    picture(page, "review-statistics")
    check_layout(page)
    assert page.locator("h1").inner_text() == "Examiners' figures"


def greys(page):
    """The probe as it stands on the screen, its frame and rounded corners cut away."""
    shot = page.locator(".sheet-view").first.screenshot()
    with Image.open(io.BytesIO(shot)) as shown:
        seen = np.array(shown.convert("L"), dtype=float)
    rows, columns = seen.shape
    return seen[rows // 4 : rows * 3 // 4, columns // 3 : columns * 2 // 3]


def test_the_image_of_a_print_where_the_rule_lets_it_be_carried(centre, browse):
    task, place, tcn, images = centre.pictured_task()
    examiner = centre.examiner()
    examiner.post(f"/reviews/{task}/claim")
    page = browse(examiner)
    page.goto(f"/reviews/{task}")
    shown = page.locator(".sheet-view").first.locator("image")
    assert base64.b64decode(shown.get_attribute("href").partition(",")[2]) == images[0]
    assert page.locator(".sheet-view image").count() == 1  # the candidate is a template, and is drawn
    page.click(f".chooser [aria-label='Candidate {place}']")

    # Contrast and inversion do what they say to the pixels of the image.
    plain = greys(page)
    assert plain.std() > 40  # ridges and valleys
    page.check("[value=strong]")
    strong = greys(page)
    page.check("[value=inverted]")
    inverted = greys(page)
    extreme = [((one < 16) | (one > 239)).mean() for one in (plain, strong)]
    assert extreme[1] > extreme[0] + 0.1
    assert np.corrcoef(plain.ravel(), inverted.ravel())[0, 1] < -0.9
    picture(page, "review-image-inverted")
    page.check("[value=plain]")

    # Minutiae over it, on demand; on the candidate always.
    marks = page.locator(".sheet-view svg g.minutiae")
    assert [marks.nth(k).is_visible() for k in range(2)] == [False, True]
    page.check("text=shown")
    assert marks.nth(0).is_visible()
    assert np.abs(greys(page) - plain).max() > 60
    picture(page, "console-review-image")
    check_layout(page)
    page.click("[aria-label='Probe: closer']")
    page.click("[aria-label='Probe: closer']")
    assert box(page)[2] < box(page, 1)[2]
    assert np.abs(greys(page) - plain).mean() > 20
    page.click(".chooser button:text('left index')")
    assert page.is_checked("text=shown")  # as it was left, without a script
    shown = page.locator(".sheet-view").first.locator("image")
    assert base64.b64decode(shown.get_attribute("href").partition(",")[2]) == images[1]
    read = centre.rows(select(AuditEntry).where(AuditEntry.action == "image.read", AuditEntry.subject == tcn))
    assert {(one.actor, one.purpose, one.repository) for one in read} == {(examiner.name, "review", WHERE)}

    # The parties agree on images no more: from that moment on the template is drawn.
    centre.agree(images=False)
    page.goto(f"/reviews/{task}")
    assert page.locator(".sheet-view image").count() == 0
    assert page.locator(".marks").count() == 0
    assert marks.nth(0).is_visible()
    centre.agree(images=True)
