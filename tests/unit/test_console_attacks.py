"""What people try on the web, each tried on the console."""

import asyncio
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from matcher_service.accounts import Action, Grant, Role
from matcher_service.accounts.directory import Directory
from matcher_service.accounts.passwords import Hasher
from matcher_service.accounts.two_person import propose
from matcher_service.console.app import make_app
from matcher_service.console.cookies import open_flash, sealed_flash
from matcher_service.console.pages import local
from matcher_service.console.parameters import MAX_FORM_BYTES
from matcher_service.console.settings import ConsoleSettings
from matcher_service.repositories.audit_tables import AuditEntry
from matcher_service.settings import MatcherSettings

_spec = importlib.util.spec_from_file_location(
    "console_stand", Path(__file__).parents[1] / "system" / "console_stand.py"
)
console_stand = importlib.util.module_from_spec(_spec)
sys.modules["console_stand"] = console_stand
_spec.loader.exec_module(console_stand)
BOONE, BOONE_ORI, COLE_ORI = console_stand.BOONE, console_stand.BOONE_ORI, console_stand.COLE_ORI

SUSPEND = f"/jurisdictions/{BOONE}/suspend/immigration"
HTML = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>{{7*7}}"
SQL = [
    "' OR '1'='1",
    "'; DROP TABLE submission; --",
    '" UNION SELECT name FROM account --',
    "%",
    "1); DELETE FROM account",
]


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    made = console_stand.Centre(tmp_path_factory.mktemp("attacks"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def admin(centre):
    return centre.as_role(Role.ADMINISTRATOR)


def state(centre):
    return [one.state for one in centre.register.history(BOONE, "immigration")]


# -- other people's forms


@pytest.mark.parametrize("token", [None, "", "wrong", "anothers", "twice"])
def test_a_form_needs_the_token_of_its_own_session(centre, admin, token):
    other = centre.as_role(Role.ADMINISTRATOR)
    forms = {
        None: {},
        "": {"csrf": ""},
        "wrong": {"csrf": "x" * 43},
        "anothers": {"csrf": other.csrf},
        "twice": {"csrf": [admin.csrf, admin.csrf]},
    }
    before = state(centre)
    answer = admin.client.post(SUSPEND, data={"reason": "evil", **forms[token]})
    assert answer.status_code == 403
    assert "Nothing was done" in answer.text
    assert state(centre) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused_even_with_the_token(centre, admin, headers):
    answer = admin.client.post(SUSPEND, data={"reason": "evil", "csrf": admin.csrf}, headers=headers)
    assert answer.status_code == 403
    assert state(centre) == ["active"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_only_forms_are_taken(admin, kind):
    answer = admin.client.post(
        SUSPEND,
        content=f"csrf={admin.csrf}&reason=x",
        headers={"content-type": kind, "x-csrf-token": admin.csrf},
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(admin, method):
    assert admin.client.request(method, SUSPEND).status_code == 405


def test_the_token_may_come_as_a_header_as_scripts_send_it(centre):
    person = centre.as_role(Role.AUDITOR)
    assert person.client.post("/audit/chain", headers={"x-csrf-token": person.csrf}).status_code == 200


# -- sessions


def sign_in(centre, client, name, password, code="", **more):
    page = client.get("/sign-in")
    token = re.findall(r'name="csrf" value="([^"]+)"', page.text)[-1]  # before it may be that of signing out
    return client.post(
        "/sign-in", data={"csrf": token, "name": name, "password": password, "code": code, **more}
    )


def test_a_session_that_was_put_into_the_browser_before_is_worth_nothing(centre):
    first = Directory(centre.database, hasher=Hasher(time_cost=1, memory_kib=64)).add(
        "fixed", by="system:test"
    )
    planted = centre.token(centre.as_role(Role.AUDITOR).name)
    client = centre.client(planted)
    answer = sign_in(centre, client, "fixed", first)
    assert answer.headers["location"] == "/own"
    cookies = [one for one in answer.headers.get_list("set-cookie") if "session" in one]
    assert len(cookies) == 1
    assert planted not in cookies[0]
    assert centre.sessions.find(planted) is None  # it ended
    assert centre.client("made-up-by-somebody").get("/").status_code == 303


def test_signing_in_as_somebody_else_needs_the_doors_token(centre):
    client = centre.client()
    client.get("/sign-in")
    for form in ({}, {"csrf": "x" * 43}):
        answer = client.post("/sign-in", data={"name": "evil", "password": "x", **form})
        assert answer.status_code == 403


@pytest.mark.parametrize(("secure", "prefix"), [(True, "__Host-whorl-"), (False, "whorl-")])
def test_cookies_have_all_their_flags(centre, secure, prefix):
    settings = MatcherSettings.model_validate(
        {
            "database": {"url": centre.settings.database.url},
            "console": {"address": "https://127.0.0.1"} if secure else {},
        }
    )
    from fastapi.testclient import TestClient

    client = TestClient(make_app(settings, database=centre.database), base_url="https://127.0.0.1")
    answer = client.get("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{prefix}door=")
    for flag in ("HttpOnly", "SameSite=strict", "Path=/", *(["Secure"] if secure else [])):
        assert flag in cookie
    assert "Domain" not in cookie
    assert ("strict-transport-security" in answer.headers) == secure


def test_brute_force_has_to_wait(centre):
    client = centre.client(source="198.51.100.7")  # whoever else comes from there has to wait, too
    statuses = [sign_in(centre, client, "nobody", f"guess {number}").status_code for number in range(8)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    last = sign_in(centre, client, "nobody", "guess")
    assert int(last.headers["retry-after"]) >= 1
    assert "Wait" in last.text


def test_a_console_left_open_gives_its_password_to_nobody(centre):
    person = centre.as_role(Role.AUDITOR)
    form = {"new": "four herons on a roof", "again": "four herons on a roof"}
    statuses = [person.post("/own/password", old=f"guess {n}", **form).status_code for n in range(8)]
    assert statuses[0] == 400
    assert statuses[-1] == 429


# -- what is written by people, shown to others


def test_html_that_people_write_stays_words(centre, admin):
    """In every field that people write and others read: each comes back as words, on every page that shows it."""
    other = centre.as_role(Role.ADMINISTRATOR)
    with centre.database.write() as session:
        account = centre.directory.find(admin.name).account
        propose(session, Action.ACTIVATION_PROPOSE, by=account, details={"what": HTML}, reason=HTML)
    form = {
        "jurisdiction": console_stand.COLE, "repository": "criminal", "from": "2030-01-01", "until": "",
        "min_fingers": "1",
        "answer": "second", "signed_by": HTML, "document_sha256": "ab" * 32, "reason": HTML,
    }  # fmt: skip
    assert other.post("/activations", **form).status_code == 303
    number = centre.register.proposals()[0].id
    assert HTML.split("<")[1][:8] in admin.get("/activations").text
    assert admin.post(f"/activations/{number}/approve").status_code == 303
    assert other.post("/accounts", name="marked", display_name=HTML, ori="").status_code == 200
    assert other.post(SUSPEND, reason=HTML).status_code == 303
    centre.register.enter_agreed(
        [console_stand.activation(BOONE, "immigration")], by="one", approved_by="two"
    )
    auditor = centre.as_role(Role.AUDITOR)
    pages = [
        (admin, "/activations?all=yes"),
        (admin, f"/jurisdictions/{console_stand.COLE}"),
        (admin, f"/jurisdictions/{BOONE}"),
        (admin, "/requests?all=yes"),
        (admin, "/accounts"),
        (admin, "/accounts/marked"),
        (auditor, "/audit"),
    ]
    for person, path in pages:
        text = person.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert "49" not in re.findall(r"alert\(1\)[^<]{0,40}", text.replace("&gt;", ">")), path
    assert "&lt;img src=x" in admin.get("/accounts").text


@pytest.mark.parametrize(
    "path",
    ["/audit?actor={}", "/audit?subject={}", "/jurisdictions?text={}", "/submissions?outcome={}", "/{}",
     "/sign-in?next={}",
     "/jurisdictions/{}", "/report/page?first={}&last=2026-01", "/audit?since={}"],
)  # fmt: skip
def test_html_in_an_address_stays_words(centre, path):
    for role in (Role.AUDITOR, Role.SUPERVISOR):
        text = centre.as_role(role).get(path.format(HTML.replace("/", "").replace("#", ""))).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_html_in_a_name_that_is_typed_at_the_door(centre):
    answer = sign_in(centre, centre.client(), '"><script>alert(1)</script>', "x")
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("shape", SQL)
def test_sql_in_fields_finds_nothing_and_breaks_nothing(centre, shape):
    auditor, officer = centre.as_role(Role.AUDITOR), centre.as_role(Role.OFFICER)
    with centre.database.read() as session:
        before = session.scalar(select(func.count()).select_from(AuditEntry))
    for path in ("/audit", "/jurisdictions", "/submissions"):
        person = officer if path == "/submissions" else auditor
        for name in ("actor", "subject", "text", "tcn", "before", "state"):
            assert person.client.get(path, params={name: shape}).status_code in (200, 303)
    assert (
        auditor.client.get("/audit", params={"subject": shape}).text.count("<tr>") < 6
    )  # only the looks for it
    assert officer.client.get(f"/submissions/{shape.replace('/', '')}").status_code == 404
    with centre.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) >= before


# -- other people's records


def test_an_officer_sees_no_other_agencys_submissions(centre):
    mine, theirs = centre.submission(BOONE_ORI), centre.submission(COLE_ORI, failed=True)
    officer = centre.as_role(Role.OFFICER, ori=BOONE_ORI)
    assert officer.get(f"/submissions/{mine}").status_code == 200
    listed = officer.get("/submissions").text
    assert mine in listed
    assert theirs not in listed
    hidden, none = officer.get(f"/submissions/{theirs}"), officer.get("/submissions/kiosk-1.none")
    assert hidden.status_code == none.status_code == 404
    words = [re.search(r"<main.*</main>", one.text, re.DOTALL)[0] for one in (hidden, none)]
    assert words[0] == words[1]  # not even that it exists
    assert officer.post(f"/submissions/{theirs}/redeliver").status_code == 404
    assert (
        centre.as_role(Role.OFFICER, ori=COLE_ORI).post(f"/submissions/{theirs}/redeliver").status_code == 303
    )


def test_the_desk_is_not_told_colours_that_are_to_follow(centre):
    tcn = centre.submission()
    officer, supervisor = (centre.as_role(role) for role in (Role.OFFICER, Role.SUPERVISOR))
    assert "Prints compared" not in officer.get(f"/submissions/{tcn}").text
    assert "Prints compared" in supervisor.get(f"/submissions/{tcn}").text


def test_a_supervisor_of_one_repository_sees_that_one_only(centre):
    tcn = centre.submission()
    text = centre.as_role(Role.SUPERVISOR, repository="criminal").get(f"/submissions/{tcn}").text
    assert "<h2>criminal</h2>" in text
    assert "<h2>immigration</h2>" not in text
    assert "Prints compared" not in text


def test_an_owner_decides_in_the_own_repository_only(centre):
    owner = centre.as_role(Role.REPOSITORY_OWNER, repository="criminal")
    assert owner.get(SUSPEND).status_code == 403
    assert owner.post(SUSPEND, reason="not mine").status_code == 403
    form = {"jurisdiction": BOONE, "repository": "immigration", "reason": "x"}
    assert owner.post("/activations", **form).status_code == 403
    listed = owner.get("/repositories").text
    assert "criminal bureau" in listed
    assert "immigration bureau" not in listed


def test_nobody_approves_the_own_proposal(centre, admin):
    form = {
        "jurisdiction": console_stand.COLE, "repository": "immigration", "from": "2031-01-01", "min_fingers": "1",
        "answer": "second", "signed_by": "Sheriff", "document_sha256": "ab" * 32, "reason": "agreed",
    }  # fmt: skip
    assert admin.post("/activations", **form).status_code == 303
    number = centre.register.proposals()[0].id
    for path in (f"/activations/{number}/approve", f"/requests/{number}/approve"):
        answer = admin.post(path)
        assert answer.status_code == 403
        assert "nother person" in answer.text


# -- the frame, the size, the way


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/static/console.css", "/static/none.css"])
def test_headers_against_frames_and_guessing(centre, admin, path):
    headers = admin.get(path).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    assert headers["cache-control"] == ("max-age=300" if path == "/static/console.css" else "no-store")


def test_pages_bring_no_code_or_style_of_their_own(centre, admin):
    for path in ("/", "/accounts", f"/jurisdictions/{BOONE}", "/own"):
        tags = " ".join(re.findall(r"<[^>]*>", admin.get(path).text))
        assert not re.search(r"<style|<script(?! src=)| style=| on[a-z]+=|javascript:|https?:", tags), path


def test_a_body_that_is_too_large(admin):
    answer = admin.client.post(SUSPEND, data={"csrf": admin.csrf, "reason": "x" * MAX_FORM_BYTES})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    many = "&".join(f"f{number}=1" for number in range(1000))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert admin.client.post(SUSPEND, content=f"csrf={admin.csrf}&{many}", headers=form).status_code == 400


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_does_not_come(centre, declared):
    """By the application itself: a client that sends the first bytes and then waits."""
    sent = []
    scope = {
        "type": "http", "method": "POST", "path": "/sign-in", "query_string": b"", "scheme": "http",
        "http_version": "1.1",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "", "raw_path": b"/sign-in",
        "headers": [(b"host", b"127.0.0.1"), *([(b"content-length", b"900")] if declared else [])],
    }  # fmt: skip
    first = True

    async def receive():
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"name=", "more_body": True}
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message):
        sent.append(message)

    asyncio.run(asyncio.wait_for(centre.app(scope, receive, send), 60))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil", "",
     "/\t/evil.example", "/\n//evil.example", "/a" * 400, "/%0d%0aset-cookie:x=1\r\n"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(path):
    assert local(path) == "/"


def test_nobody_is_sent_elsewhere_after_signing_in(centre):
    first = Directory(centre.database, hasher=Hasher(time_cost=1, memory_kib=64)).add(
        "traveller", by="system:test", grants=[Grant(Role.AUDITOR)]
    )
    client = centre.client()
    page = client.get("/sign-in?next=//evil.example/x").text
    assert 'name="next" value="/"' in page
    answer = sign_in(centre, client, "traveller", first, next="https://evil.example")
    assert answer.headers["location"].startswith("/")


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%2e%2e%2f%2e%2e%2fsettings.py",
     "/static//etc/passwd", "/static/console.css%00", "/static/..%5capp.py"],
)  # fmt: skip
def test_files_are_named_not_walked_to(centre, path):
    answer = centre.client().get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_another_name_is_refused(centre, host):
    """A page of somebody else's, whose name was made to point here, is told nothing."""
    assert centre.client().get("/sign-in", headers={"host": host}).status_code == 421


def test_a_message_is_shown_to_its_own_session_only():
    sealed = sealed_flash("done", "good", "token of one")
    assert open_flash(sealed, "token of one") == ("good", "done")
    assert open_flash(sealed, "token of another") is None
    for broken in ("", ".", "x.y", sealed[:-1], "ä.ö"):
        assert open_flash(broken, "token of one") is None


def test_reads_are_in_the_audit(centre):
    tcn = centre.submission()
    officer = centre.as_role(Role.OFFICER)
    officer.get(f"/submissions/{tcn}")
    with centre.database.read() as session:
        found = session.execute(
            select(AuditEntry.action, AuditEntry.purpose).where(
                AuditEntry.subject == tcn, AuditEntry.actor == officer.name
            )
        ).all()
    assert found[-1].action == "submission.read"


def test_the_report_for_everybody_is_there_only_where_it_is_switched_on(centre, tmp_path):
    assert centre.client().get("/public/report").status_code == 404
    page = tmp_path / "report.html"
    page.write_text("<!DOCTYPE html><style>p{color:red}</style><p>counted</p>")
    open_one = console_stand.Centre(tmp_path, console={"public_report": page})
    answer = open_one.client().get("/public/report")
    assert "counted" in answer.text
    assert "'sha256-" in answer.headers["content-security-policy"]
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    open_one.close()


def test_it_does_not_listen_outside_in_clear():
    with pytest.raises(ValueError, match="passwords would cross the network in clear"):
        ConsoleSettings(host="0.0.0.0")
    with pytest.raises(ValueError, match="go together"):
        ConsoleSettings(certificate=Path("c.pem"))
