"""`matcher-service subscribers` and `notices` as a person uses them."""

import contextlib
import importlib.util
import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interchange.certificates import certificate_request, new_key, read_certificate
from matcher_service import notify
from matcher_service.accounts import Account, Role
from matcher_service.authority.layout import create_centre
from matcher_service.commands import notices, subscribers
from matcher_service.notify import queueing

_spec = importlib.util.spec_from_file_location("notify_centre", Path(__file__).with_name("notify_centre.py"))
notify_centre = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(notify_centre)
REPOSITORY = notify_centre.REPOSITORY

PEOPLE = {
    "super": Account.made_of("super", Role.SUPERVISOR),
    "admin": Account.made_of("admin", Role.ADMINISTRATOR),
    "owner": Account.made_of("owner", Role.REPOSITORY_OWNER, repositories=[REPOSITORY]),
    "stranger": Account.made_of("stranger", Role.REPOSITORY_OWNER, repositories=["criminal"]),
    "examiner": Account.made_of("examiner", Role.EXAMINER),
    "told": Account.made_of("told", Role.CASE_OFFICER, ori=notify_centre.TOLD_ORI),
    "other": Account.made_of("other", Role.CASE_OFFICER, ori="MO0190000"),
}


class Desk:
    def __init__(self, folder):
        self.folder = folder
        self.centre = notify_centre.Centre(folder)
        self.url = f"sqlite:///{folder}/m.db"

    def run(self, app, *words, code=0):
        handlers, level = logging.root.handlers[:], logging.root.level
        words = [str(word) for word in words]
        try:
            done = CliRunner().invoke(app, [*words, "--set", f"database.url={self.url}"])
        finally:
            logging.root.handlers[:] = handlers
            logging.root.setLevel(level)
        assert done.exit_code == code, done.output + done.stderr
        return done.output + done.stderr

    def notices(self, *words, code=0):
        return self.run(notices.app, *words, code=code)

    def subscribers(self, *words, code=0):
        return self.run(subscribers.app, *words, code=code)

    def listed(self, *words):
        return json.loads(self.notices("list", "--json", *words))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    def signed_in(_settings, _database, name):
        return contextlib.nullcontext(PEOPLE[name])

    monkeypatch.setattr(notices, "SignedIn", signed_in)
    monkeypatch.setattr(subscribers, "SignedIn", signed_in)
    monkeypatch.setattr(queueing, "_CASES", "no_case_desk_here")
    made = Desk(tmp_path)
    yield made
    made.centre.database.close()


def test_a_hit_is_listed_without_saying_of_whom_shown_with_a_right_and_taken_back(desk):
    desk.centre.activate()
    tcn, number = desk.centre.confirmed()
    (hit,) = desk.centre.deliver()
    plain = desk.notices("list")
    assert hit.number in plain
    assert tcn not in plain
    assert "field-office" in plain
    for person in ("examiner", "stranger", "other"):
        refused = desk.notices("show", hit.number, "--as", person, code=1)
        assert tcn not in refused
    assert json.loads(desk.notices("show", hit.number, "--as", "told"))["tcn"] == tcn
    assert len(desk.centre.audited("notification.read")) == 1
    desk.notices("resend", hit.number, "--as", "told", code=1)
    assert "sent again" in desk.notices("resend", hit.number, "--as", "super")
    words = ("--words", "looked again", "--as")
    desk.notices("retract", number, "--cause", "wrong_hit", *words, "stranger", code=1)
    assert "cause: is one of" in desk.notices("retract", number, "--cause", "no", *words, "super", code=1)
    assert "told: 1" in desk.notices("retract", number, "--cause", "wrong_hit", *words, "owner")
    assert "before" in desk.notices("retract", number, "--cause", "wrong_hit", *words, "super")
    assert [one["kind"] for one in desk.listed("--state", "queued")] == ["retraction"]
    assert desk.listed("--overdue") == []
    assert "there is no notification 'x'" in desk.notices("show", "x", "--as", "super", code=1)
    assert "--state: is one of" in desk.notices("list", "--state", "x", code=1)


def test_a_challenge_is_opened_and_closed_by_those_who_may(desk):
    desk.centre.activate()
    _, number = desk.centre.confirmed()
    desk.notices("challenge", "open", number, "--grounds", "was abroad", "--as", "admin", code=1)
    assert "is frozen" in desk.notices(
        "challenge", "open", number, "--grounds", "was abroad", "--as", "super"
    )
    assert "it is challenged" in desk.notices("list", "--state", "held")
    (row,) = json.loads(desk.notices("challenge", "list", "--json"))
    assert (row["state"], row["opened_by"]) == ("open", "super")
    assert "abroad" not in desk.notices("challenge", "list")
    close = ("challenge", "close", row["id"], "--rejected", "--words", "compared again", "--as")
    desk.notices(*close, "told", code=1)
    assert "rejected" in desk.notices(*close, "super")
    assert desk.centre.states() == ["queued"]
    assert "there is no challenge '9'" in desk.notices(
        "challenge", "close", 9, "--upheld", "--words", "x", "--as", "super", code=1
    )


def test_subscribers_are_taken_up_subscribed_and_disabled(desk):
    for name in ("sealing", "signing"):
        key = notify_centre.PrivateKey.generate()
        (desk.folder / f"{name}.pem").write_bytes(key.public.pem)
    add = [
        "add", "desk-1", "--ori", notify_centre.TOLD_ORI, "--words", "Desk",
        "--sealing-key", desk.folder / "sealing.pem",
        "--signing-key", desk.folder / "signing.pem", "--webhook", "https://cases.agency.example/in", "--as",
    ]  # fmt: skip
    desk.subscribers(*add, "owner", code=1)
    secret = desk.subscribers(*add, "admin").splitlines()
    assert any(len(line) == 44 for line in secret)
    subscribe = ("subscribe", "desk-1", "--repository", REPOSITORY, "--jurisdiction", "US-MO", "--as")
    desk.subscribers(*subscribe, "stranger", code=1)
    assert "now told of" in desk.subscribers(*subscribe, "owner")
    assert "already" in desk.subscribers(*subscribe, "owner")
    assert "is not in the register" in desk.subscribers(
        "subscribe", "desk-1", "--repository", REPOSITORY, "--jurisdiction", "US-XX", "--as", "owner", code=1
    )
    found = {one["name"]: one for one in json.loads(desk.subscribers("list", "--json"))}
    assert found["desk-1"]["subscriptions"] == [{"repository": REPOSITORY, "jurisdiction": "US-MO"}]
    assert "cases.agency.example" not in desk.subscribers("list")
    desk.subscribers("disable", "desk-1", "--as", "admin")
    assert not {one.name: one for one in desk.centre.subscribers.all()}["desk-1"].active
    assert "no more told" in desk.subscribers(*subscribe, "owner", "--undo")
    keys = json.loads(desk.subscribers("keys"))
    assert keys == json.loads(desk.subscribers("keys"))  # made once
    assert keys["signing"][0].startswith("-----BEGIN PUBLIC KEY-----")


def test_a_subscriber_gets_a_certificate_of_its_name_from_the_authority(desk):
    create_centre(desk.folder / "authority", addresses=["127.0.0.1"], matchers=[])
    request = desk.folder / "request.pem"
    request.write_bytes(certificate_request(new_key(), "whatever"))
    word = ("certificate", "field-office", "--request", request, "--as", "admin")
    authority = ("--set", f"authority.folder={desk.folder}/authority")
    assert "no authority" in desk.subscribers(*word, code=1)
    pem = desk.subscribers(*word, *authority)
    assert read_certificate(pem.encode()).name == "field-office"
    assert "no subscriber" in desk.subscribers(
        "certificate", "kiosk-1", "--request", request, "--as", "admin", *authority, code=1
    )
    with desk.centre.database.read() as session:
        assert notify.told(session, 1) == []
