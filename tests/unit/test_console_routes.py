"""Every route of the console, and which roles it is for: a route that is not in this table fails."""

import importlib.util
import sys
from pathlib import Path

import pytest

from matcher_service.accounts import Role
from matcher_service.console.app import make_console

_spec = importlib.util.spec_from_file_location(
    "console_stand", Path(__file__).parents[1] / "system" / "console_stand.py"
)
console_stand = importlib.util.module_from_spec(_spec)
sys.modules["console_stand"] = console_stand
_spec.loader.exec_module(console_stand)

OFFICER, EXAMINER, SUPERVISOR, CASES, OWNER, AUDITOR, ADMIN = Role
EVERYBODY = frozenset(Role)
ANYBODY = "anybody"  # also who has not signed in
ACTIVATING = {OWNER, ADMIN}
DECIDING = {SUPERVISOR, OWNER, ADMIN}
SUBMISSIONS = {OFFICER, SUPERVISOR}
ASKING = {SUPERVISOR, OWNER}
TOLD = {SUPERVISOR, CASES, OWNER}

ROUTES = {
    "GET /static/{name}": ANYBODY,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "GET /public/report": ANYBODY,
    "POST /sign-out": EVERYBODY,
    "GET /": EVERYBODY,
    "GET /own": EVERYBODY,
    "POST /own/password": EVERYBODY,
    "POST /own/authenticator": EVERYBODY,
    "POST /own/authenticator/confirm": EVERYBODY,
    "POST /own/sign-out-everywhere": EVERYBODY,
    "GET /submissions": SUBMISSIONS,
    "GET /submissions/{tcn}": SUBMISSIONS,
    "POST /submissions/{tcn}/redeliver": SUBMISSIONS,
    "GET /cases": {CASES},
    "GET /cases/{case}": {CASES},
    "POST /cases/{case}/take": {CASES},
    "POST /cases/{case}/convictions": {CASES},
    "POST /cases/{case}/convictions/{conviction}/vacate": {CASES},
    "POST /cases/{case}/evaluate": {CASES},
    "GET /reviews": {EXAMINER},
    "POST /reviews/next": {EXAMINER},
    "GET /reviews/{task}": {EXAMINER},
    "POST /reviews/{task}": {EXAMINER},
    "POST /reviews/{task}/claim": {EXAMINER},
    "POST /reviews/{task}/release": {EXAMINER},
    "POST /reviews/{task}/decide": {EXAMINER},
    "GET /review-board": {SUPERVISOR},
    "GET /review-board/statistics": {SUPERVISOR},
    "GET /review-board/{task}": {SUPERVISOR},
    "POST /review-board/{task}/assign": {SUPERVISOR},
    "GET /notices": TOLD,
    "GET /notices/{number}": TOLD,
    "POST /notices/{number}/resend": {SUPERVISOR, OWNER},
    "GET /identifications": TOLD,
    "GET /identifications/{identification}": TOLD,
    "POST /identifications/{identification}/retract": {SUPERVISOR, OWNER},
    "POST /identifications/{identification}/challenge": {OFFICER, SUPERVISOR, CASES},
    "GET /challenges": {OFFICER, SUPERVISOR, CASES},
    "POST /challenges": {OFFICER, SUPERVISOR, CASES},
    "POST /challenges/{challenge}/close": {SUPERVISOR},
    "GET /subscribers": {OWNER, ADMIN},
    "POST /subscribers/{name}/state": {OWNER, ADMIN},
    "POST /subscribers/{name}/end": {OWNER, ADMIN},
    "GET /jurisdictions": EVERYBODY,
    "GET /jurisdictions/map": EVERYBODY,
    "GET /jurisdictions/{code}": EVERYBODY,
    "GET /jurisdictions/{code}/suspend/{repository}": ACTIVATING,
    "POST /jurisdictions/{code}/suspend/{repository}": ACTIVATING,
    "GET /activations": EVERYBODY,
    "GET /activations/new": ACTIVATING,
    "POST /activations": ACTIVATING,
    "POST /activations/{number}/approve": ACTIVATING,
    "POST /activations/{number}/refuse": ACTIVATING,
    "GET /repositories": {SUPERVISOR, OWNER, ADMIN},
    "GET /repositories/{repository}": {SUPERVISOR, OWNER, ADMIN},
    "POST /repositories/{repository}/acceptance": {OWNER, ADMIN},
    "POST /repositories/{repository}/thresholds": {OWNER, ADMIN},
    "GET /repositories/{repository}/retention": {OWNER},
    "POST /repositories/{repository}/retention": {OWNER},
    "GET /repositories/{repository}/retention/dry-run": {OWNER},
    "GET /repositories/{repository}/holds": {OWNER},
    "POST /repositories/{repository}/holds": {OWNER},
    "POST /repositories/{repository}/holds/{hold}/lift": {OWNER},
    "GET /repositories/{repository}/expungements": ASKING,
    "POST /repositories/{repository}/expungements": ASKING,
    "GET /repositories/{repository}/expungements/{number}": ASKING,
    "POST /repositories/{repository}/expungements/{number}/approve": {OWNER},
    "POST /repositories/{repository}/expungements/{number}/refuse": {OWNER},
    "POST /repositories/{repository}/expungements/{number}/carry-out": ASKING,
    "GET /repositories/{repository}/certificates": ASKING,
    "POST /repositories/{repository}/certificates/verify": ASKING,
    "GET /repositories/{repository}/certificates/{certificate}": ASKING,
    "GET /repositories/{repository}/certificates/{certificate}/file": ASKING,
    "GET /links": {EXAMINER},
    "POST /links": {EXAMINER},
    "POST /links/{link}/undo": {EXAMINER},
    "GET /relay": ASKING,
    "GET /relay/{tcn}": ASKING,
    "POST /relay/{tcn}/pass-on": ASKING,
    "POST /relay/{tcn}/keep": ASKING,
    "POST /relay/{tcn}/hold": ASKING,
    "POST /relay/{tcn}/send": ASKING,
    "GET /requests": DECIDING,
    "POST /requests/{number}/approve": DECIDING,
    "POST /requests/{number}/refuse": DECIDING,
    "POST /requests/{number}/withdraw": EVERYBODY,
    "GET /audit": {AUDITOR},
    "GET /audit/chain": {AUDITOR, ADMIN},
    "POST /audit/chain": {AUDITOR, ADMIN},
    "GET /report": {SUPERVISOR, OWNER, AUDITOR, ADMIN},
    "GET /report/page": {SUPERVISOR, OWNER, AUDITOR, ADMIN},
    "GET /devices": {ADMIN},
    "GET /devices/{name}/revoke": {ADMIN},
    "POST /devices/{name}/revoke": {ADMIN},
    "GET /accounts": {ADMIN},
    "GET /accounts/new": {ADMIN},
    "POST /accounts": {ADMIN},
    "GET /accounts/{name}": {ADMIN},
    "POST /accounts/{name}/roles": {ADMIN},
    "POST /accounts/{name}/state": {ADMIN},
    "POST /accounts/{name}/reset-password": {ADMIN},
    "POST /accounts/{name}/reset-totp": {ADMIN},
}
# Filled in for the parts of a path: things that there are not, so that nothing is changed by asking.
PARTS = {
    "{name}": "nobody",
    "{tcn}": "none",
    "{code}": "US-MO-999",
    "{repository}": "immigration",
    "{number}": "999",
    "{case}": "999",
    "{identification}": "999",
    "{challenge}": "999",
    "{conviction}": "999",
    "{task}": "999",
    "{hold}": "999",
    "{certificate}": "999",
    "{link}": "999",
}


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    # A state bureau, whose centre above is the repository of the owner here.
    made = console_stand.Centre(folder, relay={"identity": folder / "upward", "repository": "immigration"})
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(centre):
    return {role: centre.as_role(role) for role in Role}


def path_of(route):
    path = route.partition(" ")[2]
    for part, value in PARTS.items():
        path = path.replace(part, value)
    return path


def test_every_route_is_in_the_table(centre):
    routes = {
        f"{one.method} {one.path}" for one in make_console(centre.settings, database=centre.database).routes
    }
    assert routes == set(ROUTES)


def test_what_is_for_states_is_not_there_elsewhere(tmp_path):
    plain = console_stand.Centre(tmp_path)
    paths = {one.path for one in make_console(plain.settings, database=plain.database).routes}
    plain.close()
    assert not [one for one in paths if one.startswith("/relay")]


@pytest.mark.parametrize("route", [one for one in ROUTES if one != "POST /sign-out"])
def test_roles_by_routes(centre, people, route):
    method, path = route.split(" ")[0], path_of(route)
    for role, person in people.items():
        status = (person.get(path) if method == "GET" else person.post(path)).status_code
        allowed = ROUTES[route] == ANYBODY or role in ROUTES[route]
        if route == "POST /sign-in":  # has a token of its own
            assert status == 403
        elif allowed:
            assert status in (200, 303, 400, 404, 409), (role, status)
        else:
            assert status == 403, role
    stranger = centre.client()
    answer = stranger.get(path) if method == "GET" else stranger.post(path, data={})
    if ROUTES[route] == ANYBODY:
        assert answer.status_code in ((200, 404) if method == "GET" else (403,))
    elif method == "GET":
        assert answer.headers["location"].startswith("/sign-in?next=")
    else:
        assert answer.status_code == 401


def test_signing_out_ends_the_session(centre):
    person = centre.as_role(EXAMINER)
    assert person.post("/sign-out").headers["location"] == "/sign-in"
    person.client.cookies.set("whorl-session", person.token)
    assert person.get("/").status_code == 303


def test_a_refusal_is_in_the_audit(centre, people):
    people[EXAMINER].get("/accounts")
    auditor = people[AUDITOR]
    said = auditor.get(f"/audit?actor={people[EXAMINER].name}&action=account.manage").text
    assert "refused" in said
