"""Roles x actions: every cell, allowed and refused. The expected table stands here once more, on purpose."""

from pathlib import Path

import pytest

from matcher_service.accounts import (
    TABLE,
    TWO_PEOPLE,
    Account,
    Action,
    Grant,
    NotPermitted,
    Role,
    permitted,
    reach,
    require,
)
from matcher_service.accounts.roles_page import page

ROLES = (
    Role.OFFICER, Role.EXAMINER, Role.SUPERVISOR, Role.CASE_OFFICER, Role.REPOSITORY_OWNER, Role.AUDITOR,
    Role.ADMINISTRATOR,
)  # fmt: skip
# A everywhere, O own repository, G own agency, - not at all; in the order of ROLES.
EXPECTED = """
submission.read      G - A - - - -
submission.amend     G - - - - - -
submission.redeliver G - A - - - -
candidate.explain    - A A - - - -
review.claim         - A - - - - -
review.decide        - A - - - - -
review.assign        - - A - - - -
identification.read  - - A G O - -
notification.read    - - A G O - -
notification.resend  - - A - O - -
subscriber.manage    - - - - O - A
case.read            - - - G - - -
case.evaluate        - - - G - - -
conviction.record    - - - G - - -
challenge.open       G - A G - - -
challenge.close      - - A - - - -
retraction.make      - - A - O - -
repository.read      - - A - O - -
repository.search    - - - - O - -
repository.enrol     - - - - O - -
repository.manage    - - - - O - A
repository.export    - - - - O - -
activation.read      A A A A A A A
activation.propose   - - - - O - A
activation.approve   - - - - O - A
activation.suspend   - - - - O - A
retention.manage     - - - - O - -
expunge.request      - - A - O - -
expunge.approve      - - - - O - -
audit.read           - - - - - A -
audit.verify         - - - - - A A
report.read          - - A - O A A
account.manage       - - - - - - A
device.manage        - - - - - - A
relay.read           - - A - O - -
relay.decide         - - A - O - -
"""
TABLE_HERE = {line.split()[0]: line.split()[1:] for line in EXPECTED.strip().splitlines()}
CELLS = [
    pytest.param(role, Action(action), cells[at], id=f"{role}-{action}")
    for action, cells in TABLE_HERE.items()
    for at, role in enumerate(ROLES)
]
HERE, THERE = "MO0100000", "MO0960000"


def test_the_table_here_is_whole():
    assert list(TABLE_HERE) == list(Action)
    assert set(ROLES) == set(Role)
    assert all(len(cells) == len(ROLES) for cells in TABLE_HERE.values())


@pytest.mark.parametrize(("role", "action", "cell"), CELLS)
def test_every_cell(role, action, cell):
    anywhere = Account.made_of("jdoe", role, ori=HERE)
    in_criminal = Account.made_of("jdoe", role, ori=HERE, repositories=["criminal"])
    homeless = Account.made_of("jdoe", role)

    def may(account, repository=None, ori=None):
        return permitted(account, action, repository=repository, ori=ori)

    assert may(anywhere) is (cell == "A")
    assert may(anywhere, repository="criminal") is (cell == "A")
    assert may(anywhere, "criminal", HERE) is (cell in "AG")
    assert may(anywhere, "criminal", THERE) is (cell == "A")
    assert may(anywhere, ori=HERE) is (cell in "AG")
    # Given for one repository, a role is for that one only.
    assert may(in_criminal) is False
    assert may(in_criminal, "criminal") is (cell in "AO")
    assert may(in_criminal, "criminal", HERE) is (cell in "AOG")
    assert may(in_criminal, "criminal", THERE) is (cell in "AO")
    assert may(in_criminal, "immigration", HERE) is False
    # Without an agency nobody is of any.
    assert may(homeless, "criminal", "") is (cell == "A")
    if cell == "-":
        with pytest.raises(NotPermitted) as caught:
            require(anywhere, action, repository="criminal", ori=HERE)
        assert (caught.value.account, caught.value.action) == ("jdoe", action)
    else:
        require(in_criminal, action, repository="criminal", ori=HERE)


@pytest.mark.parametrize("action", Action)
def test_nobody_may_do_anything(action):
    nobody = Account.made_of("jdoe", ori=HERE)
    assert not permitted(nobody, action, repository="criminal", ori=HERE)
    assert not reach(nobody, action)


def test_roles_are_added_up_and_each_keeps_its_own_bounds():
    account = Account(
        id="1", name="jdoe", ori=HERE,
        grants=(
            Grant(Role.REPOSITORY_OWNER, "criminal"), Grant(Role.EXAMINER, "immigration"), Grant(Role.CASE_OFFICER),
        ),
    )  # fmt: skip
    assert permitted(account, Action.REPOSITORY_EXPORT, repository="criminal")
    assert not permitted(account, Action.REPOSITORY_EXPORT, repository="immigration")
    assert permitted(account, Action.REVIEW_DECIDE, repository="immigration")
    assert not permitted(account, Action.REVIEW_DECIDE, repository="criminal")
    assert permitted(account, Action.CASE_READ, repository="anything", ori=HERE)
    assert reach(account, Action.IDENTIFICATION_READ).repositories == {"criminal"}
    assert reach(account, Action.IDENTIFICATION_READ).oris == {HERE}
    assert account.roles == {Role.REPOSITORY_OWNER, Role.EXAMINER, Role.CASE_OFFICER}
    assert account.acting_as == "case_officer,examiner,repository_owner"


def test_what_is_refused_says_what_to_do():
    owner = Account.made_of("jdoe", Role.REPOSITORY_OWNER, repositories=["criminal"])
    with pytest.raises(NotPermitted, match="other repositories"):
        require(owner, Action.REPOSITORY_EXPORT, repository="immigration")
    with pytest.raises(NotPermitted, match="administrator can give"):
        require(owner, Action.ACCOUNT_MANAGE)


@pytest.mark.parametrize("asked", TWO_PEOPLE)
def test_what_takes_two_people_can_be_asked_for_and_agreed_to(asked):
    assert any(asked in actions for actions in TABLE.values())
    assert any(TWO_PEOPLE[asked] in actions for actions in TABLE.values())


def test_nobody_who_decides_comparisons_sees_cases():
    """Examiners are swayed by what they know of a person; case officers and administrators decide no comparison."""
    for role, actions in TABLE.items():
        seen = set(actions)
        assert not (Action.REVIEW_DECIDE in seen and seen & {Action.CASE_READ, Action.NOTIFICATION_READ}), (
            role
        )


def test_the_document_is_current():
    document = Path(__file__).parents[2] / "docs/roles.md"
    words = "write it anew: python -m matcher_service.accounts.roles_page docs/roles.md"
    assert document.read_text(encoding="utf-8") == page(), words
