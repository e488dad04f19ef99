"""A roll-out at the command line by two people who sign in."""

import json

import pytest

from matcher_service.commands.jurisdictions import app
from matcher_service.repositories import Repositories

from .test_account_commands import Machine

pytestmark = pytest.mark.system


def test_a_rollout_is_proposed_by_one_and_approved_by_another(tmp_path):
    machine = Machine(tmp_path)
    Repositories(machine.database).create("immigration")
    machine.person("root", "administrator")
    for name in ("owner", "second"):
        machine.person(name, "repository_owner:immigration", by="root")
    machine.run(app, "import", "missouri")
    said = machine.run(app, "rollout", "2011-02-08", "--as", "owner", typed=machine.signing("owner"))
    assert "proposal 1: waits for a second person" in said.output
    assert json.loads(machine.run(app, "list", "--json").stdout)["activations"] == []
    assert "US-MO-183" in machine.run(app, "proposals").output
    own = machine.run(app, "approve", 1, "--as", "owner", typed=machine.signing("owner"), code=1)
    assert "Another person" in own.output + own.stderr
    machine.run(app, "approve", 1, "--as", "second", typed=machine.signing("second"))
    opened = json.loads(machine.run(app, "list", "--json").stdout)["activations"]
    assert [one["name"] for one in opened] == [
        "Boone County",
        "Cape Girardeau County",
        "Cass County",
        "Cole County",
        "Dunklin County",
        "Jasper County",
        "Marion County",
        "St. Charles County",
    ]
    assert {(one["now"], one["from"][:10], one["entered_by"], one["approved_by"]) for one in opened} == {
        ("active", "2011-02-08", "owner", "second")
    }
    assert len(machine.entries("activation.approve")) == 8
    agreement = tmp_path / "agreement.pdf"
    agreement.write_bytes(b"signed")
    proposed = machine.run(
        app, "propose", "US-MO-001", "--repository", "immigration", "--signed-by", "Sheriff of Adair County",
        "--document", agreement, "--reason", "felonies only", "--charge", "felony",
        "--notify-disposition", "convicted", "--as", "owner", typed=machine.signing("owner"),
    )  # fmt: skip
    assert "proposal 2" in proposed.output
    refused = machine.run(
        app, "approve", 2, "--refuse", "not this month", "--as", "second", typed=machine.signing("second")
    )
    assert "refused" in refused.output
    assert json.loads(machine.run(app, "proposals", "--json").stdout) == []
    machine.database.close()
