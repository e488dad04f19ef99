"""The commands of routing, on a real database."""

import json
from datetime import UTC, datetime

import pytest
import typer
from sqlalchemy import update
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.messages import encode_message
from matcher_service import routing
from matcher_service.commands.jurisdictions import app as jurisdictions_app
from matcher_service.commands.submissions import app as submissions_app
from matcher_service.commands.submissions import dispositions_app
from matcher_service.commands.why import why
from matcher_service.repositories import Database, Outcome, Repositories, Submissions
from matcher_service.repositories.routing_tables import RoutingDecision
from matcher_service.routing import Conditions
from matcher_service.routing.entries import ActivationEntry
from matcher_service.routing.register import Register

AGENCIES = "ori,name,jurisdiction,active\nMO0100000,Boone County Jail,US-MO-019,yes\n"


class Desk:
    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:///{folder}/m.db"
        self.database = Database(self.url)
        Repositories(self.database).create("immigration")
        self.submissions = Submissions(self.database, instance="m")
        self.app = typer.Typer()
        for name, app in (
            ("jurisdictions", jurisdictions_app),
            ("submissions", submissions_app),
            ("dispositions", dispositions_app),
        ):
            self.app.add_typer(app, name=name)
        self.app.command()(why)

    def run(self, *words, code=0):
        done = CliRunner().invoke(self.app, [*words, "--set", f"database.url={self.url}"])
        assert done.exit_code == code, done.output
        return done.output

    def register_boone(self, **conditions):
        self.run("jurisdictions", "import", "missouri")
        file = self.folder / "agencies.csv"
        file.write_text(AGENCIES)
        assert "agencies: 1 new" in self.run("jurisdictions", "import", str(file))
        entry = ActivationEntry(
            jurisdiction="US-MO-019",
            repository="immigration",
            from_at=datetime.now(UTC),
            conditions=Conditions(**conditions),
            signed_by="Sheriff",
            document_sha256="ab" * 32,
            reason="agreed",
        )
        Register(self.database).enter_agreed([entry], by="one", approved_by="two")

    def decided(self):
        made = made_up_submission("kiosk-1", {2: made_up_minutiae(1)})
        self.submissions.file(made, encode_message(made), routing.Arrival(ori="MO0100000"))
        waiting = self.submissions.begin_next()
        with self.database.write() as session:
            routing.decide(session, waiting.id, now=datetime.now(UTC))
        return made.tcn, waiting


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.database.close()


def test_import_list_export_suspend_and_history(desk):
    desk.register_boone()
    assert len(json.loads(desk.run("jurisdictions", "list", "--all", "--json"))["places"]) == 116
    before = desk.run("jurisdictions", "export")
    assert json.loads(before)["activations"][0]["jurisdiction"] == "US-MO-019"
    assert desk.run("jurisdictions", "export", "--table", "agencies") == AGENCIES
    assert "off (version 2)" in desk.run("jurisdictions", "suspend", "US-MO-019", "--reason", "stop")
    assert "was off already" in desk.run("jurisdictions", "suspend", "US-MO-019", "--reason", "stop")
    states = [one["state"] for one in json.loads(desk.run("jurisdictions", "history", "US-MO-019", "--json"))]
    assert states == ["active", "suspended"]
    assert "suspended" in desk.run("jurisdictions", "list")


def test_what_is_wrong_is_said_in_one_line(desk):
    desk.register_boone()
    wrong = desk.folder / "wrong.csv"
    wrong.write_text(AGENCIES.replace(",yes", ",perhaps"))
    said = desk.run("jurisdictions", "import", str(wrong), code=1)
    assert "wrong.csv, line 2, active: is 'yes' or 'no'" in said
    assert "US-MO-999" in desk.run("jurisdictions", "suspend", "US-MO-999", "--reason", "x", code=1)
    assert "--table" in desk.run("jurisdictions", "export", "--table", "towns", code=1)


def test_why_in_words_and_as_json(desk):
    desk.register_boone()
    tcn, _ = desk.decided()
    said = desk.run("why", tcn)
    assert "then: search (rule)" in said
    assert "the same" in said
    tree = json.loads(desk.run("why", tcn, "--json"))
    assert tree["agrees"]
    assert tree["repositories"][0]["then"][0]["recorded"]["version"] == 1
    with desk.database.write() as session:
        session.execute(update(RoutingDecision).values(verdict="skip"))
    assert "does NOT come to what was recorded" in desk.run("why", tcn, code=3)
    assert "check the number" in desk.run("why", "kiosk-1.0", code=1)


def test_a_disposition_is_reported_and_what_was_given_up_is_sent_again(desk):
    desk.register_boone(dispositions=("convicted",))
    tcn, waiting = desk.decided()
    desk.submissions.finish(waiting, b"{}", [], Outcome.FAILED)
    assert "immigration: search" in desk.run("dispositions", "report", tcn, "--disposition", "convicted")
    assert "say what" in desk.run("dispositions", "report", tcn, code=1)
    assert tcn in desk.run("submissions", "list", "--failed")
    assert "searched again" in desk.run("submissions", "redeliver", tcn)
    assert "was not given up" in desk.run("submissions", "redeliver", tcn, code=1)
    assert json.loads(desk.run("submissions", "list", "--json"))["counts"]["waiting"] == 1
