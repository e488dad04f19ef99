import json
import stat

import pytest

from edge_service.kiosk.errors import UsersError
from edge_service.kiosk.users import Users


@pytest.fixture
def users(tmp_path):
    return Users(tmp_path / "kiosk-users.json")


def test_who_was_added_is_found_by_pin_or_badge(users):
    users.add("d104", "493817", kind="pin")
    users.add("d104", "KX-20417", kind="badge")
    users.add("d105", "905533", kind="pin")
    assert users.find("493817").name == "d104"
    assert users.find(" kx-20417 ").kind == "badge"
    assert users.find("905533").name == "d105"
    assert users.find("493818") is None
    assert users.find("") is None


def test_the_file_holds_no_code_and_is_the_owners_alone(users):
    users.add("d104", "493817", kind="pin")
    text = users.path.read_text()
    assert "493817" not in text
    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    assert json.loads(text)["n"] >= 2**15


def test_two_files_hash_the_same_code_differently(tmp_path):
    hashes = []
    for name in ("a.json", "b.json"):
        users = Users(tmp_path / name)
        users.add("d104", "493817", kind="pin")
        hashes.append(users.all()[0].hash)
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize("pin", ["", "1234", "49381x", "111111", "123456", "987654", "890123", "4" * 40])
def test_pins_that_are_tried_first_are_refused(users, pin):
    with pytest.raises(UsersError):
        users.add("d104", pin, kind="pin")
    assert users.all() == ()


def test_one_code_for_two_officers_is_refused_without_saying_whose(users):
    users.add("d104", "493817", kind="pin")
    with pytest.raises(UsersError) as caught:
        users.add("d105", "493817", kind="pin")
    assert "d104" not in str(caught.value)


def test_names(users):
    users.add("d104", "493817", kind="pin")
    with pytest.raises(UsersError, match="already"):
        users.add("d104", "555812", kind="pin")
    with pytest.raises(UsersError, match="no name"):
        users.add("a b", "555812", kind="pin")


def test_removed_with_all_codes(users):
    users.add("d104", "493817", kind="pin")
    users.add("d104", "KX-20417", kind="badge")
    assert users.remove("d104") == 2
    assert users.find("493817") is None
    assert users.remove("d104") == 0


def test_a_damaged_file_says_what_to_do(users):
    users.path.write_text('{"version": 1}')
    with pytest.raises(UsersError, match="Restore it"):
        users.all()
