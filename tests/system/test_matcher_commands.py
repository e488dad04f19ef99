"""`matcher-service` as a person uses it: the commands, what they say, and what they refuse."""

import contextlib
import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
from typer.testing import CliRunner

from hardware.bench.made_up import made_up_minutiae
from hardware.bench.process import ChildProcess
from interchange import incits378, iso19794
from interchange.minutiae import Minutiae
from interchange.record import Record, record_of
from interchange.template_format import TemplateFormat
from matcher_service.cli import app
from matcher_service.repositories import Database, Outcome, Repositories, Submissions
from matcher_service.routing import Mode
from matcher_service.routing.register import Register

pytestmark = pytest.mark.system

PROGRAM = Path(sys.executable).parent / "matcher-service"
COMMANDS = ("run", "enroll", "repositories", "stats", "export", "refused")
COMMANDS += ("search", "compare", "explain", "api", "api-token")


class Desk:
    """A folder with a database and template files in it, and the program to use on them."""

    def __init__(self, folder):
        self.folder = folder
        self.url = f"sqlite:///{folder}/matcher.db"

    def file(self, name, *seeds, positions=None, **more):
        views = [made_up_minutiae(seed, **more) for seed in seeds]
        record = Record.from_minutiae(views, positions=positions or [2] * len(seeds))
        path = self.folder / name
        path.write_bytes(iso19794.encode(record))
        return path

    def run(self, *words, code=0, database=False):
        settings = ["--set", f"database.url={self.url}"] if database else []
        handlers, level = logging.root.handlers[:], logging.root.level
        try:
            done = CliRunner().invoke(app, [str(word) for word in (*words, *settings)])
        finally:  # the command's logs went to a stream that is closed now
            logging.root.handlers[:] = handlers
            logging.root.setLevel(level)
        assert done.exit_code == code, done.output + done.stderr
        return done

    def kept(self, *words, code=0):
        return self.run(*words, code=code, database=True)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_help_is_there_for_every_command_with_an_example():
    for command in COMMANDS:
        shown = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
        assert "Usage" in shown
        if command != "run":
            assert f"matcher-service {command} " in shown or f"matcher-service {command}\n" in shown, shown


def test_help_loads_nothing_heavy():
    heavy = "numba sqlalchemy PIL fastapi uvicorn alembic"
    probe = f"import sys, matcher_service.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_compare_says_the_score_and_what_it_is_not(desk):
    same = desk.run("compare", desk.file("a.iso", 1), desk.file("b.iso", 1))
    assert "right index" in same.output
    assert "never a verdict" in same.output
    other = json.loads(desk.run("compare", desk.file("a.iso", 1), desk.file("c.iso", 3), "--json").output)
    mate = json.loads(desk.run("compare", desk.folder / "a.iso", desk.folder / "b.iso", "--json").output)
    assert other["fingers"][0]["score"] < mate["fingers"][0]["score"]


def test_compare_takes_every_finger_that_both_have(desk):
    ten = desk.file("ten.iso", *range(1, 11), positions=range(1, 11))
    two = desk.file("two.iso", 2, 7, positions=[2, 7])
    tree = json.loads(desk.run("compare", ten, two, "--json").output)
    assert [f["candidate"]["finger"] for f in tree["fingers"]] == [2, 7]
    assert len(json.loads(desk.run("compare", ten, two, "--finger", 7, "--json").output)["fingers"]) == 1
    assert "All fingers together" in desk.run("compare", ten, two).output


def test_another_vendors_format_is_compared(desk):
    print_ = made_up_minutiae(1)
    other = desk.folder / "a.378"
    other.write_bytes(incits378.encode(record_of(print_, position=2, format=TemplateFormat.INCITS_378_2004)))
    tree = json.loads(desk.run("compare", desk.file("a.iso", 1), other, "--json").output)
    assert tree["fingers"][0]["pairs"] >= 38


def test_explain_draws_and_tells(desk):
    a, b, out = desk.file("a.iso", 1), desk.file("b.iso", 1), desk.folder / "why.svg"
    told = desk.run("explain", a, b, "-o", out).output
    assert "40 pairs" in told
    assert "never a verdict" in told
    assert ET.fromstring(out.read_bytes()).tag.endswith("svg")
    assert out.stat().st_mode & 0o077 == 0
    tree = json.loads(desk.run("explain", a, b, "--json").output)
    assert len(tree["pairs"]) == 40


def test_explain_never_writes_over_what_it_reads(desk):
    a, b = desk.file("a.iso", 1), desk.file("b.iso", 1)
    before = a.read_bytes()
    refused = desk.run("explain", a, b, "-o", a, code=1)
    assert "choose another name" in refused.stderr
    assert a.read_bytes() == before
    assert (
        "choose another place" in desk.run("explain", a, b, "-o", desk.folder / "no" / "x.svg", code=1).stderr
    )


def test_what_cannot_be_read_is_said_in_plain_words(desk):
    a = desk.file("a.iso", 1)
    broken = desk.folder / "broken.iso"
    broken.write_bytes(a.read_bytes()[:-3])
    for command in ("compare", "explain"):
        assert "broken.iso" in desk.run(command, a, broken, code=1).stderr
        assert "No such file" in desk.run(command, a, desk.folder / "none", code=1).stderr
        several = desk.file("several.iso", 1, 2, positions=[1, 6])
        assert "--finger" in desk.run(command, a, several, code=1).stderr
        assert "holds no finger 9" in desk.run(command, a, several, "--finger", 9, code=1).stderr


@pytest.mark.parametrize("count", [0, 1, 3, 255])
def test_any_number_of_minutiae(desk, count):
    few = desk.folder / "few.iso"
    few.write_bytes(
        iso19794.encode(Minutiae.make(range(count), range(count), [1.0] * count, width=300, height=300))
    )
    out = desk.folder / "why.svg"
    desk.run("explain", few, few, "-o", out)
    ET.fromstring(out.read_bytes())
    tree = json.loads(desk.run("compare", few, few, "--json").output)
    if count < 3:
        assert tree["fingers"][0]["score"] == 0


def test_a_person_is_enrolled_found_exported_and_counted(desk):
    desk.kept("repositories", "--add", "criminal", "--owner", "county")
    known = desk.file("known.iso", 1, 2, positions=[2, 7])
    desk.file("other.iso", 3, 4, positions=[2, 7])
    assert (
        "2 people enrolled"
        in desk.kept("enroll", known, desk.folder / "other.iso", "--repository", "criminal").output
    )
    search = ("search", known, "--repository", "criminal", "--purpose", "booking", "--ori", "MO0100000")
    with contextlib.closing(Database(desk.url)) as database:  # who may search where: test_desk_right
        Register(database).set_mode(Mode.EVERYTHING, by="system:test")
    told = desk.kept(*search).output
    assert "criminal: RED, 1 candidates among 4 prints" in told
    assert "never a verdict" in told
    tree = json.loads(desk.kept(*search, "--json").stdout)
    (candidate,) = tree["candidates"]
    assert {f["finger"] for f in candidate["fingers"]} == {2, 7}
    database = Database(desk.url)
    assert Submissions(database, instance="looking").count()[Outcome.ANSWERED] == 2
    assert (
        Submissions(database, instance="looking").searches(tree["tcn"])[0].candidates[0].identity
        == candidate["identity"]
    )
    database.close()
    out = desk.folder / "out"
    export = ("export", out, "--repository", "criminal")
    assert "1 people with 2 prints" in desk.kept(*export, "--identity", candidate["identity"]).output
    assert "nothing is overwritten" in desk.kept(*export, code=1).stderr
    assert (
        "0 people enrolled in criminal, 1 were there already"
        in desk.kept("enroll", out, "--repository", "criminal").output
    )
    counted = json.loads(desk.kept("stats", "--verify", "--json").stdout)
    (criminal,) = counted["repositories"]
    assert (criminal["identities"], criminal["prints"], criminal["verified"]["damaged"]) == (2, 4, 0)
    assert criminal["gallery"] is None
    assert counted["database"]["bytes"] > 0
    assert "2 people in 2 encounters, 4 prints" in desk.kept("stats", "--repository", "criminal").output


def test_no_search_without_a_purpose(desk):
    desk.kept("repositories", "--add", "criminal")
    a = desk.file("a.iso", 1)
    assert "--purpose" in desk.kept("search", a, "--repository", "criminal", code=2).stderr
    refused = desk.kept("search", a, "--repository", "criminal", "--purpose", "curiosity", code=1)
    assert "--purpose booking or --purpose release" in refused.stderr
    database = Database(desk.url)
    assert Submissions(database, instance="looking").count()[Outcome.ANSWERED] == 0
    database.close()


def test_damage_is_told_by_the_exit_code(desk):
    desk.kept("repositories", "--add", "criminal")
    desk.kept("enroll", desk.file("a.iso", 1), "--repository", "criminal")
    database = Database(desk.url)
    with database.connection() as connection:
        connection.exec_driver_sql("UPDATE template SET sha256 = 'x'")
    database.close()
    told = desk.kept("stats", "--verify", code=1)
    assert "1 damaged of 1" in told.output
    assert "enroll it again" in told.stderr
    desk.kept("stats")


def test_the_next_step_is_named(desk):
    a = desk.file("a.iso", 1)
    make = "matcher-service repositories --add nowhere"
    for words in (
        ("search", a, "--repository", "nowhere", "--purpose", "booking"),
        ("enroll", a, "--repository", "nowhere"),
        ("export", desk.folder / "out", "--repository", "nowhere"),
        ("stats", "--repository", "nowhere"),
    ):
        assert make in desk.kept(*words, code=1).stderr, words


def test_the_api_as_a_process(desk, tmp_path):
    Repositories(Database(desk.url)).create("criminal")
    tokens = f"api.tokens={tmp_path}/tokens"
    denied = desk.kept("api", "--set", tokens, code=1)
    assert "matcher-service api-token NAME" in denied.stderr
    assert "in clear" in desk.kept("api", "--set", tokens, "--set", "api.host=0.0.0.0", code=1).stderr
    token = desk.kept("api-token", "console", "--set", tokens).stdout.strip()
    words = [PROGRAM, "api", "--set", f"database.url={desk.url}", "--set", tokens, "--set", "api.port=0"]
    process = ChildProcess(words, name="api", log=tmp_path / "api.log")
    try:
        process.wait_for("running on", timeout_s=60)
        base = process.output().split("running on ")[1].split()[0].strip('"')
        answer = httpx.get(f"{base}/v1/openapi.json", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert httpx.get(f"{base}/v1/openapi.json").status_code == 401
        began = time.monotonic()
        process.send(15)
        assert process.wait(20) == 0
        assert time.monotonic() - began < 20
    finally:
        process.kill()
    assert token not in process.output()
    assert "Traceback" not in process.output()
