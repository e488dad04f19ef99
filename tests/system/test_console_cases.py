"""The case desk in a real browser: a case is worked through without scripts, at two sizes, light and dark."""

import os

import pytest

from matcher_service import notify

from . import case_stand

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


SIZES = {"desk": (1280, 800), "phone": (390, 844)}
PICTURES = os.environ.get("WHORL_CONSOLE_PICTURES", "")


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = case_stand.Centre(tmp_path_factory.mktemp("cases"), console={"port": 0})
    with case_stand.stand.serving(made):
        yield made


@pytest.fixture
def browse(chromium, centre):
    contexts, complaints = [], []

    def opened(person, size="desk", scheme="light"):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, base_url=centre.url
        )
        contexts.append(context)
        context.add_cookies(
            [{"name": "whorl-session", "value": person.token, "url": centre.url, "httpOnly": True}]
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in complaints if "status of 4" not in one] == []


def check(page, name):
    """Nothing hangs out sideways, every field has a name, one first heading; and a picture, where one is wanted."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name}: {wide} px too wide"
    assert page.locator("h1").count() == 1, name
    nameless = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
        ".filter(e => !(e.labels && e.labels.length)).map(e => e.name)"
    )
    assert nameless == [], name
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_a_case_is_worked_through(centre, browse):
    case, identification = centre.case()
    others = [centre.case()[0] for _ in range(2)]
    ann, ben = centre.officer(), centre.officer()
    ben.post(f"/cases/{others[0]}/take")
    page = browse(ann)
    page.goto("/")
    page.click("text=Cases that nobody has")
    check(page, "cases")
    page.click(f"text=Case {case}")
    page.click("text=Take this case")
    page.fill("[name=code]", "35A")
    page.select_option("[name=offence_class]", "felony")
    page.fill("[name=convicted_on]", "2009-03-14")
    page.fill("[name=source]", "Boone County 09-CR-114")
    page.click("text=Record it")
    assert "Level 2" in page.locator("h1").inner_text()
    check(page, "case-working")
    page.fill("[name=code]", "narcotics")
    page.select_option("[name=offence_class]", "felony")
    page.fill("[name=convicted_on]", "2010-01-05")
    page.fill("[name=source]", "Cole County 10-7")
    page.click("text=Record it")
    assert "Did you mean" in page.locator("[role=alert]").inner_text()
    assert page.input_value("[name=source]") == "Cole County 10-7"
    check(page, "case-near")
    with centre.database.write() as session:
        challenge = notify.open_challenge(session, identification, by="someone", grounds="was abroad")
    page.goto(f"/cases/{case}")
    assert page.locator("[value=action_requested]").first.is_disabled()
    phone = browse(ann, "phone", "dark")
    phone.goto(f"/cases/{case}")
    check(phone, "case-phone")
    phone.goto("/cases")
    check(phone, "cases-phone")
    with centre.database.write() as session:
        notify.close_challenge(session, challenge, by="someone", upheld=False, words="same person after all")
    page.goto(f"/cases/{case}")
    page.check("[value=lawful_status]")
    page.select_option("[name=action-lawful_status]", "record_corrected")
    page.fill("textarea[name=words]", "permanent resident, card seen")
    # Another officer is faster, and what was typed is still there.
    assert ben.post(f"/cases/{case}/take", take_over_from=ann.name, words="on leave").status_code == 303
    page.click("text=Enter it and close the case")
    assert f"{ben.name} has this case now" in page.locator("[role=alert]").inner_text()
    check(page, "case-taken")
    assert page.input_value("textarea[name=words]") == "permanent resident, card seen"
    page.fill("#f-why", "was mine, agreed")
    page.click("button:has-text('Take it over')")
    assert page.is_checked("[value=lawful_status]")
    assert page.input_value("textarea[name=words]") == "permanent resident, card seen"
    page.click("text=Enter it and close the case")
    assert "Evaluated and closed" in page.locator(".lead").inner_text()
    check(page, "case-closed")


def test_a_challenge_and_a_retraction(centre, browse):
    _, identification = centre.case()
    numbers = centre.told(identification)
    supervisor, officer = centre.as_role(case_stand.Role.SUPERVISOR), centre.officer()
    page = browse(officer)
    page.goto(f"/identifications/{identification}")
    page.fill("[name=grounds]", "was abroad that day, passport seen")
    page.click("text=Open a challenge")
    assert "who was told is told to wait" in page.locator("[role=status]").inner_text()
    page = browse(supervisor)
    page.goto("/")
    page.click("text=Open challenges")
    check(page, "challenges")
    page.check("[value=rejected]")
    page.fill("textarea[name=words]", "the passport is another person's")
    page.click("text=Decide it")
    page.goto("/notices")
    check(page, "notices")
    page.click(f"text={numbers[0][:8]}")
    check(page, "notice")
    page.click(f"text=identification {identification}")
    check(page, "identification")
    phone = browse(supervisor, "phone", "dark")
    for where in ("notices", f"notices/{numbers[0]}", f"identifications/{identification}", "challenges"):
        phone.goto(f"/{where}")
        check(phone, f"{where.partition('/')[0]}-phone{'-one' if '/' in where else ''}")
    page.select_option("[name=cause]", "wrong_hit")
    page.fill("textarea[name=words]", "second look: not the same ridge flow")
    page.click("button:has-text('Take it back')")
    assert "2 who were told" in page.locator(".message.good").inner_text()
    check(page, "identification-back")
    admin = browse(centre.as_role(case_stand.Role.ADMINISTRATOR))
    admin.goto("/subscribers")
    check(admin, "subscribers")
