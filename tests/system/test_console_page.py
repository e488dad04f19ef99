"""The console in a real browser: the first sign-in, every page at two sizes, and what people do on them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from matcher_service.accounts import Grant, Role

from . import console_stand as stand
from .test_oidc import Provider

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


SIZES = {"desk": (1280, 800), "phone": (390, 844)}
PICTURES = os.environ.get("WHORL_CONSOLE_PICTURES", "")
PASSWORD = "seven tall herons waiting"


@contextlib.contextmanager
def served(folder, *, port=0, console=None, **settings):
    made = stand.Centre(folder, console={"port": port, **(console or {})}, **settings)
    with stand.serving(made, scheme="https" if console else "http"):
        yield made


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    with served(tmp_path_factory.mktemp("console")) as made:
        yield made


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def browse(chromium, centre):
    """A page at a size, signed in as somebody; what the browser complains of fails the test."""
    contexts, complaints = [], []

    def opened(size="desk", person=None, scheme="light"):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, base_url=centre.url
        )
        contexts.append(context)
        if person is not None:
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
    expected = re.compile("status of (401|403|404|409|429)")
    assert [one for one in complaints if not expected.search(one)] == []


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def check_layout(page, where):
    """Nothing hangs out sideways; every field has a name; one first heading."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{where}: {wide} px too wide"
    assert page.locator("h1").count() == 1, where
    nameless = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]):not([aria-hidden]),select,textarea')]"
        ".filter(e => !(e.labels && e.labels.length)).map(e => e.name)"
    )
    assert nameless == [], where


def test_the_first_sign_in_and_the_next(centre, browse):
    first = centre.directory.add("chief", by="system:test", grants=[Grant(Role.ADMINISTRATOR)])
    page = browse("phone")
    page.goto("/accounts")
    assert "/sign-in?next=" in page.url
    picture(page, "sign-in-phone")
    check_layout(page, "sign in")
    page.fill("[name=name]", "chief")
    page.fill("[name=password]", "not this one")
    page.click("button")
    assert "wrong" in page.inner_text("[role=alert]")
    page.fill("[name=password]", first)
    page.click("button")
    page.goto("/accounts")  # nothing else is open yet
    assert page.url.endswith("/own")
    picture(page, "first-password-phone")
    page.fill("[name=old]", first)
    page.fill("[name=new]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("text=Change the password")
    page.click("text=Set it up")
    check_layout(page, "authenticator")
    picture(page, "authenticator-phone")
    codes = pyotp.TOTP(page.inner_text("code"))
    page.fill("[name=code]", codes.now())
    page.click("text=Use it from now on")
    assert page.locator(".codes li").count() >= 8
    recovery = page.locator(".codes li").first.inner_text()
    page.click("text=Go on")
    page.goto("/accounts")
    assert page.locator("h1").inner_text() == "Accounts"
    page.click("text=Sign out")
    assert page.url.endswith("/sign-in")
    page.fill("[name=name]", "chief")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=code]", recovery)
    page.click("button")
    assert page.locator("h1").inner_text() == "What waits for you"


PAGES = {
    Role.ADMINISTRATOR: (
        "/", "/own", "/jurisdictions?text=o", f"/jurisdictions/{stand.BOONE}", "/jurisdictions/map", "/activations",
        "/activations/new", f"/jurisdictions/{stand.BOONE}/suspend/immigration", "/repositories", "/requests",
        "/devices",
        "/accounts", "/accounts/new", "/audit/chain", "/report",
    ),
    Role.AUDITOR: ("/audit",),
    Role.SUPERVISOR: ("/", "/submissions", "/submissions/{tcn}"),
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("role", PAGES)
def test_every_page(centre, browse, size, role):
    tcn = centre.submission()
    centre.submission(failed=True)
    person = centre.as_role(role)
    page = browse(size, person, "dark" if size == "phone" else "light")
    for path in PAGES[role]:
        answer = page.goto(path.replace("{tcn}", tcn))
        assert answer.status == 200, path
        check_layout(page, path)
        name = re.sub(r"[^a-z]+", "-", f"{role}{path}".replace("{tcn}", "one").lower().split("?")[0]).strip(
            "-"
        )
        picture(page, f"{name}-{size}")


def test_the_report_keeps_its_own_style(centre, browse):
    page = browse("desk", centre.as_role(Role.AUDITOR))
    page.goto("/report")
    page.click("text=Show the report")
    assert "people's prints" in page.locator("h1").inner_text()
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
    picture(page, "report-desk")


def test_two_people_activate_and_one_switches_off(centre, browse):
    one, two = centre.as_role(Role.ADMINISTRATOR), centre.as_role(Role.ADMINISTRATOR)
    page = browse("desk", one)
    page.goto(f"/activations/new?jurisdiction={stand.COLE}")
    page.select_option("[name=repository]", "criminal")
    page.fill("[name=signed_by]", "Sheriff of Cole")
    page.fill("[name=document_sha256]", "cd" * 32)
    page.fill("[name=reason]", "agreed in writing")
    page.check("[name=charge_classes][value=felony]")
    page.click("button:text('Propose')")
    assert "Proposed" in page.inner_text("[role=status]")
    assert page.locator("button:text('Approve')").count() == 0
    page = browse("desk", two)
    page.goto("/activations")
    picture(page, "proposal-desk")
    page.click("button:text('Approve')")
    assert "Approved" in page.inner_text("[role=status]")
    page.goto(f"/jurisdictions/{stand.COLE}")
    page.click("text=Switch off")
    page.fill("[name=reason]", "the agreement was withdrawn")
    page.click("button:text('Switch off now')")
    assert "Switched off now" in page.inner_text("[role=status]")
    assert "suspended" in page.inner_text("main")
    picture(page, "switched-off-desk")


def test_an_administrator_adds_somebody(centre, browse):
    page = browse("desk", centre.as_role(Role.ADMINISTRATOR))
    page.goto("/accounts/new")
    page.fill("[name=name]", "newcomer")
    page.check("[value=auditor]")
    page.click("button:text('Add')")
    assert len(page.inner_text(".message")) > 8
    page.click("text=Done")
    check_layout(page, "account")
    picture(page, "account-desk")
    page.click("button:text('Let in no more')")
    assert "let in no more" in page.inner_text("[role=status]")


def test_the_command_serves_it(tmp_path):
    """A process of its own, as the unit starts it, until SIGTERM."""
    port = free_port()
    program = "import typer; from matcher_service.commands.console import console; typer.run(console)"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "--set",
            f"database.url=sqlite:///{tmp_path}/m.db",
            "--set",
            f"console.port={port}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=10) as answer:
                    text = answer.read().decode()
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None
                time.sleep(0.2)
        assert "Sign in" in text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_identity_provider_lets_somebody_in(chromium, tmp_path):
    """Strict cookies stay away from a redirect that the provider began; it works all the same."""
    provider = Provider()
    port = free_port()
    (tmp_path / "secret").write_text("the-clients-secret\n")
    oidc = {
        "issuer": provider.issuer,
        "client_id": "whorl",
        "client_secret_file": tmp_path / "secret",
        "redirect_uri": f"http://127.0.0.1:{port}/sign-in/back",
    }
    with served(tmp_path, port=port, accounts={"oidc": oidc}) as centre:
        centre.account("jdoe", Grant(Role.AUDITOR))
        page = chromium.new_page(base_url=centre.url)
        page.goto("/sign-in")
        page.click("text=Sign in with your organisation")
        assert "did not let you in" in page.inner_text("[role=alert]")  # an account, but not linked
        centre.directory.link_oidc("jdoe", issuer=provider.issuer, subject="subject-1", by="system:test")
        page.click("text=Sign in with your organisation")
        page.wait_for_url(f"{centre.url}/")
        assert page.locator("h1").inner_text() == "What waits for you"
        page.close()
    provider.server.shutdown()
    provider.server.server_close()


def test_over_tls_cookies_are_bound_to_the_host(chromium, tmp_path):
    """A browser that does not like a flag leaves the cookie away without a word: nobody could sign in."""
    certificate, key = made_up_certificate(tmp_path)
    with served(tmp_path, console={"certificate": certificate, "key": key}) as centre:
        first = centre.directory.add("chief", by="system:test", grants=[Grant(Role.ADMINISTRATOR)])
        page = chromium.new_page(base_url=centre.url, ignore_https_errors=True)
        answer = page.goto("/sign-in")
        assert "max-age" in answer.headers["strict-transport-security"]
        page.fill("[name=name]", "chief")
        page.fill("[name=password]", first)
        page.click("button")
        assert page.url.endswith("/own")
        (session,) = [one for one in page.context.cookies() if "session" in one["name"]]
        assert session["name"] == "__Host-whorl-session"
        assert (session["secure"], session["httpOnly"], session["sameSite"]) == (True, True, "Strict")
        page.close()


def made_up_certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    certificate, key = folder / "console.pem", folder / "console.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key.write_bytes(
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return certificate, key
