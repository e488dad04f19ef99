"""docs/threat-model.md and docs/safeguards.md against the tests that they name.

No claim without one, none that does not exist, and nothing left out of what either page has to answer.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
SAFEGUARDS = ROOT / "docs" / "safeguards.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NOT_STOPPED = "**not stopped**"
# What issue 6 lists under "Let nobody in", one by one.
LISTED = (
    "no certificate",
    "expired certificate",
    "another device's client id",
    "publishing on another's topics",
    "reading on another's topics",
    "wildcard subscription",
    "oversized packets",
    "malformed packets",
    "retained-message poisoning",
    "replay of a captured submission",
    "will spoofing",
    "wrong signer",
    "certificate name does not agree",
    "topic does not agree",
    "ORI does not agree",
    "key rotation while something is queued",
    "revoked device",
)
ATTACKERS = (
    "the booked person",
    "somebody in the booking room",
    "a thief of the kiosk or its card",
    "a malicious board or USB device",
    "somebody on the county's network",
    "another enrolled kiosk",
    "a malicious or compromised broker",
    "an insider at the centre",
    "the supply chain",
)
BOUNDARIES = range(1, 11)
# What such programmes were criticised for, each with the single safeguards that answer it.
CRITICISED = {
    "citizens and people in lawful status were held": (
        "biometric candidate",
        "challenge blocks notification until reviewed",
        "outcomes include citizen and lawful status",
    ),
    "databases wrong or stale": ("provenance and age of the record with every hit", "no automatic hold"),
    "arrest charge missing for 56 % of removals": (
        "charge and disposition mandatory",
        "versioned",
        "parked if absent",
    ),
    "notifications about people never convicted, about traffic stops": (
        "rules on charge class and disposition",
        "deferred notification",
        "withdrawn on dismissal",
    ),
    "nobody could say whether a jurisdiction could opt out": (
        "signed",
        "dated",
        "public policy per jurisdiction",
        "a real off switch",
        "never shared silently",
    ),
    "no data to see unequal treatment": (
        "outlier test between jurisdictions in the oversight report",
        "optional self-reported aggregate, kept apart",
        "small cells suppressed",
    ),
    "retention and onward sharing unclear": (
        "time to live",
        "expungement that cascades",
        "receipts",
        "proof of deletion",
    ),
    "examiners are biased by the order and scores of candidates": (
        "candidates shuffled",
        "scores hidden",
        "known non-mates seeded",
        "blind second examiner",
    ),
    "victims and witnesses deterred": ("suppression rules", "public reports"),
}
# What issue 7 lists under "Bad input", one by one, and the attacks on the web.
BAD_INPUT = (
    "malformed CSV register",
    "malformed JSON register",
    "overlapping activations",
    "backdated activations",
    "an unknown ORI",
    "a charge code that is not in the table",
    "an EBTS file with broken records",
    "a WSQ bomb",
    "a template of another type",
    "a webhook that hangs",
    "a webhook that answers 500 for a day",
    "an examiner who closes the browser in mid-decision",
    "two examiners deciding at once",
    "a clock that jumps",
)
WEB = ("CSRF", "session fixation", "injection", "IDOR across repositories", "brute force")


def rows_of(lines):
    """Tables as (heading, header, rows); cells are split at bars that stand outside of code."""
    heading, header = "", None
    for line in lines:
        if line.startswith("#"):
            heading, header = line.lstrip("# "), None
        elif not line.startswith("|"):
            header = None
        else:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if header is None:
                header = cells
            elif not set(line) <= set("|-: "):
                yield heading, header, cells


def text(page=PAGE):
    return page.read_text("utf-8")


def claims(words):
    """Rows that say that something is stopped: those of tables with a column for the test."""
    return [
        (heading, cells) for heading, header, cells in rows_of(words.splitlines()) if header[-1] == "test"
    ]


def faults_of(words):
    """Everything that is wrong with a page of this kind, in words."""
    found = []
    for heading, header, cells in rows_of(words.splitlines()):
        if any("stops" in cell for cell in header) and header[-1] != "test":
            found.append(f"{heading}: a table of claims without a column for the test")
        if len(cells) != len(header):
            found.append(f"{heading}: {cells[0]} has {len(cells)} cells of {len(header)}")
        if header[-1] != "test":
            continue
        if NOT_STOPPED in " ".join(cells[:-1]):
            if cells[-1] != "-":
                found.append(f"{heading}: {cells[1]} is not stopped and names a test")
        elif not NAMED.search(cells[-1]):
            found.append(f"{heading}: '{' | '.join(cells[:-1])}' names no test")
    found += [
        f"{path}::{name} does not exist" for path, name in NAMED.findall(words) if not exists(path, name)
    ]
    bare = re.findall(r"tests/[\w/]+\.py::(?!\w+`)\S*", words)
    return [*found, *(f"{one} is not written as code" for one in bare)]


_tests = {}


def exists(path, name):
    if path not in _tests:
        file = ROOT / path
        tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
        _tests[path] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return name.startswith("test_") and name in _tests[path]


@pytest.mark.parametrize(("page", "least"), [(PAGE, 80), (SAFEGUARDS, 60)])
def test_every_claim_names_a_test_that_exists(page, least):
    assert faults_of(text(page)) == []
    assert len(claims(text(page))) > least


def test_every_criticism_has_each_of_its_safeguards():
    answered, criticism = {}, ""
    for heading, cells in claims(text(SAFEGUARDS)):
        if heading == "What went wrong elsewhere":
            criticism = cells[0] or criticism  # an empty one goes on with the one above
            answered.setdefault(criticism, []).append(cells[1])
    assert set(CRITICISED) <= set(answered)
    for criticism, safeguards in CRITICISED.items():
        for one in safeguards:
            assert any(one in safeguard for safeguard in answered[criticism]), (criticism, one)


def test_all_bad_input_and_all_attacks_on_the_web_have_a_line():
    lines = {}
    for heading, cells in claims(text(SAFEGUARDS)):
        lines.setdefault(heading, []).append(cells[0])
    assert set(BAD_INPUT) <= set(lines["Bad input"])
    for attack in WEB:
        assert any(line.startswith(attack) for line in lines["The web"]), attack


def test_what_a_safeguard_stands_in_is_there():
    for _, cells in claims(text(SAFEGUARDS)):
        for path in re.findall(r"`((?:interchange|matcher_service)/[\w/.-]+)`", cells[2]):
            assert (ROOT / path).exists(), path


def test_every_attack_of_the_list_has_a_line():
    lines = [cells[0] for heading, cells in claims(text()) if heading == "The list"]
    assert sorted(lines) == sorted(LISTED)


def test_every_boundary_of_the_picture_answers_all_six_questions():
    answered = {}
    for heading, cells in claims(text()):
        number = re.match(r"(\d+)\. ", heading)
        if number:
            answered.setdefault(int(number[1]), set()).add(cells[0])
    assert set(answered) == set(BOUNDARIES)
    for number, letters in answered.items():
        assert letters == set("STRIDE"), number
    picture = re.search(r"```\n(.*?)```", text(), re.DOTALL)[1]
    assert {int(n) for n in re.findall(r"\((\d+)\)", picture)} == set(BOUNDARIES)


def test_every_attacker_is_there_and_something_is_not_stopped():
    named = {
        cells[0].strip("*") for _, header, cells in rows_of(text().splitlines()) if header[0] == "attacker"
    }
    assert named == set(ATTACKERS)
    residual = [cells for _, header, cells in rows_of(text().splitlines()) if header[0] == "not stopped"]
    assert len(residual) > 20
    assert all(len(cells[1]) > 40 for cells in residual)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("| a | what stops it | test |\n|---|---|---|\n| x | locks | |\n", "names no test"),
        ("| a | what stops it |\n|---|---|\n| x | locks |\n", "without a column"),
        ("| a | test |\n|---|---|\n| x | `tests/unit/test_topics.py::test_nothing` |\n", "does not exist"),
        ("| a | test |\n|---|---|\n| x | `tests/unit/test_none.py::test_names` |\n", "does not exist"),
        ("See `tests/unit/test_topics.py::names_that_no_device_has`.\n", "does not exist"),
        (
            "| a | test |\n|---|---|\n| **not stopped** | `tests/unit/test_topics.py::test_x` |\n",
            "names a test",
        ),
        ("| a | b | test |\n|---|---|---|\n| x | - |\n", "cells"),
        ("See tests/unit/test_topics.py::*.\n", "not written as code"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(page, words):
    assert any(words in fault for fault in faults_of(page))


def test_every_dependency_is_locked_with_hashes():
    """What kiosk and centre run on. pip refuses a file in which one has no hash, where it is asked to."""
    lock = (ROOT / "requirements" / "lock.txt").read_text("utf-8")
    entries = [
        entry for entry in re.split(r"\n(?=[a-zA-Z0-9])", "\n" + lock) if re.match(r"[\w.\[\]-]+==", entry)
    ]
    assert len(entries) > 20
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.split("\n")[0]
    makefile = (ROOT / "Makefile").read_text("utf-8").splitlines()
    installs = [line for line in makefile if "-r requirements/lock.txt" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)
