"""`matcher-service audit` and `accounts` as people use them, from the first administrator to an export by two."""

import json
import logging
import re
from datetime import UTC, datetime

import pytest
from pyotp.totp import TOTP
from sqlalchemy import text
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae
from matcher_service.accounts import totp
from matcher_service.accounts.totp import step_of
from matcher_service.auditing.reading import Filter, oldest_first
from matcher_service.cli import app as main_app
from matcher_service.commands.accounts import app as accounts_app
from matcher_service.commands.audit import app as audit_app
from matcher_service.repositories import Database, NewPrint, Repositories
from matcher_service.repositories.migrations.audit_triggers import SQLITE_TRIGGERS

pytestmark = pytest.mark.system

PASSWORD = "four candles and a kettle"


class Machine:
    """The centre's machine, and whoever sits at its shell."""

    def __init__(self, folder):
        self.folder, self.secrets, self.steps = folder, {}, {}
        self.database = Database(f"sqlite:///{folder}/matcher.db")

    def run(self, app, *words, typed=(), code=0):
        handlers, level = logging.root.handlers[:], logging.root.level
        settings = ["--set", f"database.url=sqlite:///{self.folder}/matcher.db"]
        given = "".join(f"{line}\n" for line in typed)
        try:
            done = CliRunner().invoke(app, [*(str(word) for word in words), *settings], input=given)
        finally:  # the command's logs went to a stream that is closed now
            logging.root.handlers[:] = handlers
            logging.root.setLevel(level)
        assert done.exit_code == code, done.output + done.stderr + repr(done.exception)
        return done

    def audit(self, *words, **more):
        return self.run(audit_app, *words, **more)

    def accounts(self, *words, **more):
        return self.run(accounts_app, *words, **more)

    def person(self, name, *roles, by=None):
        """Made by an administrator, or first of all; then enrolled by the person."""
        given = [word for role in roles for word in ("--role", role)]
        done = self.accounts(
            "add", name, *given, *(("--as", by) if by else ()), typed=self.signing(by) if by else ()
        )
        first = re.search(r"^[a-z2-9]{5}(-[a-z2-9]{5}){3}$", done.stdout, re.MULTILINE)[0]
        self.enrol(name, first)

    def enrol(self, name, first):
        made = []
        real = totp.new_secret
        from matcher_service.accounts import authenticators

        def noted():
            made.append(real())
            return made[-1]

        authenticators.new_secret, before = noted, authenticators.new_secret
        try:  # the code is only known when the secret is: it is typed in by what types
            self._enrol(name, first, made)
        finally:
            authenticators.new_secret = before

    def _enrol(self, name, first, made):
        from matcher_service.accounts import authenticators

        real = authenticators.step_of
        authenticators.step_of = lambda secret, code, *, now, after: real(
            secret, TOTP(secret).at(now) if code == "whatever it shows" else code, now=now, after=after
        )
        try:
            done = self.accounts("enrol", name, typed=[first, PASSWORD, PASSWORD, "whatever it shows"])
        finally:
            authenticators.step_of = real
        assert "ready" in done.output
        self.secrets[name] = made[0]
        assert made[0] in done.output
        with self.database.connection() as connection:  # as if it was enrolled yesterday
            connection.execute(text("UPDATE account SET totp_step = 0 WHERE name = :name"), {"name": name})

    def signing(self, name):
        """What somebody types to sign in. The code of a step that was used already is freed: nobody waits in a test."""
        with self.database.connection() as connection:
            connection.execute(text("UPDATE account SET totp_step = 0 WHERE name = :name"), {"name": name})
        return [PASSWORD, TOTP(self.secrets[name]).at(datetime.now(UTC))]

    def entries(self, action=""):
        with self.database.read() as session:
            return list(oldest_first(session, Filter(action=action)))


@pytest.fixture(scope="module")
def staffed(tmp_path_factory):
    """A machine with an administrator and two owners of a repository in which somebody is enrolled."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    store = Repositories(made.database)
    store.create("criminal")
    store.enroll("criminal", [NewPrint.of(2, made_up_minutiae(1))])
    made.person("admin", "administrator")
    made.person("one", "repository_owner:criminal", by="admin")
    made.person("two", "repository_owner:criminal", by="admin")
    yield made
    made.database.close()


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    yield made
    made.database.close()


@pytest.mark.parametrize("app", [audit_app, accounts_app])
def test_every_command_has_help_with_examples(app):
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")
        done = CliRunner().invoke(app, [name, "--help"])
        assert done.exit_code == 0
        assert "Examples:" in done.output, name
        assert f"matcher-service a{'udit' if app is audit_app else 'ccounts'} {name}" in " ".join(
            done.output.split()
        )


def test_the_first_account_is_an_administrators(machine):
    assert (
        "first account is an administrator"
        in machine.accounts("add", "jdoe", "--role", "examiner", code=1).stderr
    )
    assert "no role 'king'" in machine.accounts("add", "jdoe", "--role", "king", code=1).stderr
    machine.accounts("add", "admin", "--role", "administrator")
    (entry,) = machine.entries("account.add")
    assert entry.actor.startswith("system:shell/")
    assert "--as NAME" in machine.accounts("add", "jdoe", "--role", "examiner", code=1).stderr


def test_after_that_an_administrator_signs_in_for_it(staffed):
    added = [(entry.actor, entry.subject) for entry in staffed.entries("account.add")]
    assert [subject for _, subject in added] == ["admin", "one", "two"]
    assert [actor for actor, _ in added[1:]] == ["admin", "admin"]
    wrong = ["wrong password here", "000000"]
    assert "is wrong" in staffed.accounts("add", "x1", "--as", "admin", typed=wrong, code=1).stderr
    refused = staffed.accounts("add", "x1", "--as", "one", typed=staffed.signing("one"), code=1)
    assert "may not do this" in refused.stderr
    people = {one["name"]: one for one in json.loads(staffed.accounts("list", "--json").stdout)}
    assert set(people) == {"admin", "one", "two"}
    assert people["one"]["roles"] == [{"role": "repository_owner", "repository": "criminal"}]
    assert all(one["authenticator"] for one in people.values())
    assert "repository_owner:criminal" in staffed.accounts("list").stdout
    assert "one" not in staffed.accounts("sessions").stdout  # they ended with the commands


def test_an_administrators_other_work(staffed):
    def administer(*words):
        return staffed.accounts(*words, "--as", "admin", typed=staffed.signing("admin"))

    administer("add", "temp", "--role", "examiner")
    administer("roles", "temp", "--role", "auditor")
    assert "temp: auditor" in staffed.accounts("roles", "temp").stdout
    administer("reset-password", "temp")
    administer("reset-totp", "temp")
    administer("sessions", "temp", "--end")
    administer("disable", "temp")
    administer("disable", "temp", "--undo")
    done = [entry.action for entry in staffed.entries("account.") if entry.subject == "temp"]
    assert done == [
        "account.add", "account.roles", "account.reset-password", "account.unlock", "account.reset-totp",
        "account.disable", "account.enable",
    ]  # fmt: skip
    assert "last administrator" in staffed.accounts(
        "disable", "admin", "--as", "admin", typed=staffed.signing("admin"), code=1
    ).stderr  # fmt: skip


def test_an_emergency_is_possible_and_seen(staffed):
    staffed.accounts("reset-totp", "temp", "--emergency", "all administrators are ill", code=0)
    (entry,) = staffed.entries("account.emergency")
    assert entry.purpose == "all administrators are ill"
    assert entry.actor.startswith("system:shell/")


def test_an_export_takes_two_people(staffed, tmp_path):
    export = ("export", tmp_path / "out", "--repository", "criminal")
    assert "takes two people" in staffed.run(main_app, *export, code=1).stderr
    asked = staffed.accounts(
        "request", "repository.export", "--repository", "criminal", "--reason", "new disk", "--as", "one",
        typed=staffed.signing("one"),
    )  # fmt: skip
    number = re.search(r"request (\d+)", asked.output)[1]
    assert "second person" in staffed.run(main_app, *export, "--request", number, code=1).stderr
    refused = staffed.accounts("approve", number, "--as", "one", typed=staffed.signing("one"), code=1)
    assert "Another person" in refused.stderr
    assert (
        "may not"
        in staffed.accounts("approve", number, "--as", "admin", typed=staffed.signing("admin"), code=1).stderr
    )
    assert (
        "approved" in staffed.accounts("approve", number, "--as", "two", typed=staffed.signing("two")).output
    )
    assert json.loads(staffed.accounts("requests", "--json").stdout)[0]["decided_by"] == "two"
    assert not (tmp_path / "out").exists()
    staffed.run(main_app, *export, "--request", number)
    assert list((tmp_path / "out").rglob("*.iso"))
    (entry,) = staffed.entries("repository.export")
    assert entry.facts == {"agreed": "one,two"}
    assert entry.purpose == "new disk"
    again = ("export", tmp_path / "again", "--repository", "criminal", "--request", number)
    assert "is used" in staffed.run(main_app, *again, code=1).stderr
    assert not (tmp_path / "again").exists()


def test_without_accounts_an_export_says_that_nobody_agreed(machine, tmp_path):
    Repositories(machine.database).create("criminal")
    machine.run(main_app, "export", tmp_path / "out", "--repository", "criminal")
    (entry,) = machine.entries("repository.export")
    assert entry.facts == {"agreed": ""}


def test_show_is_audited_itself(staffed):
    seen = json.loads(staffed.audit("show", "--purpose", "check", "--action", "account.", "--json").stdout)
    assert {one["action"].split(".")[0] for one in seen} == {"account"}
    look = staffed.entries("audit.read")[-1]
    assert (look.purpose, look.facts["by_action"]) == ("check", "account.")
    shown = staffed.audit(
        "show", "--purpose", "check", "--since", "2020-01-01", "--until", "2090-01-01T12:00", "--limit", 3
    )
    assert "3 entries, the newest 3" in shown.stdout
    assert "is no time" in staffed.audit("show", "--purpose", "check", "--since", "yesterday", code=1).stderr
    assert staffed.audit("show", code=2)  # no purpose, no look


def test_export_of_the_audit(staffed, tmp_path):
    file = tmp_path / "audit.jsonl"
    staffed.audit("export", file, "--purpose", "yearly copy")
    assert file.stat().st_mode & 0o077 == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["action"] == "audit.export"  # its own beginning is in it
    assert "nothing is overwritten" in staffed.audit("export", file, "--purpose", "x", code=1).stderr


def test_head_and_verify(staffed, tmp_path):
    heads, pem = tmp_path / "heads.jsonl", tmp_path / "key.pem"
    staffed.audit("head", "--out", heads)
    staffed.audit("head", "--out", heads)
    assert len(heads.read_text().splitlines()) == 2
    assert json.loads(staffed.audit("head").stdout)["format"] == "whorl-audit-head-1"
    pem.write_text(staffed.audit("key").stdout)
    assert "Without --anchor" in staffed.audit("verify").stdout
    assert "2 signed heads agree" in staffed.audit("verify", "--anchor", heads).stdout
    assert "2 signed heads agree" in staffed.audit("verify", "--anchor", heads, "--key", pem).stdout
    tree = json.loads(staffed.audit("verify", "--anchor", heads, "--json").stdout)
    assert tree["holds"]
    assert tree["anchored_to"] > 0
    assert staffed.entries("audit.verify")[-1].facts["anchored_to"] == tree["anchored_to"]


def test_verify_says_the_first_place_and_adds_nothing(machine, tmp_path):
    machine.accounts("add", "admin", "--role", "administrator")
    for _ in range(3):
        machine.audit("show", "--purpose", "check")
    with machine.database.connection() as connection:
        for trigger in SQLITE_TRIGGERS:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("UPDATE audit_entry SET purpose = 'other' WHERE seq = 2"))
    before = len(machine.entries())
    done = machine.audit("verify", code=1)
    assert "DOES NOT HOLD. First at entry 2: entry 2 was changed" in done.stderr
    assert json.loads(machine.audit("verify", "--json", code=1).stdout)["findings"][0]["fault"] == "changed"
    assert len(machine.entries()) == before
    assert "cannot be read" in machine.audit("verify", "--anchor", tmp_path / "none", code=1).stderr


def test_a_code_is_six_digits_of_now():
    """What `signing` types is what an authenticator shows."""
    secret, now = totp.new_secret(), datetime.now(UTC)
    assert step_of(secret, TOTP(secret).at(now), now=now, after=0) == int(now.timestamp()) // 30
