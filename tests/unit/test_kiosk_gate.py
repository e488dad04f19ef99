import pytest

from edge_service.kiosk.errors import Locked
from edge_service.kiosk.gate import Gate
from edge_service.kiosk.store import KioskStore
from edge_service.kiosk.users import Users

PIN = "493817"


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    users = Users(tmp_path_factory.mktemp("gate") / "kiosk-users.json")
    users.add("d104", PIN, kind="pin")
    return users


@pytest.fixture
def world(tmp_path, users):
    """Makes gates on one store, as a service does that is started again."""
    time, locked, stores = Time(), [], []

    def make(boot="boot-1"):
        stores.append(KioskStore(tmp_path / "kiosk.db"))
        return Gate(
            users=users,
            store=stores[-1],
            idle_lock_s=180,
            clock=time,
            boot=boot,
            on_lock=lambda: locked.append(1),
        )

    make.time, make.locked = time, locked
    yield make
    for store in stores:
        store.close()


def wrong(gate, code="111111"):
    with pytest.raises(Locked) as caught:
        gate.unlock(code)
    return caught.value


def test_the_right_code_opens_and_its_token_admits(world):
    gate = world()
    token = gate.unlock(PIN)
    assert gate.admits(token)
    assert gate.officer == "d104"
    assert not gate.admits(None)
    assert not gate.admits(token[:-1])


def test_wrong_codes_cost_ever_more_time(world):
    gate = world()
    waits = []
    for _ in range(12):
        error = wrong(gate)
        assert error.tried
        waits.append(error.wait_s)
        world.time.now += error.wait_s
    assert waits == [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_during_the_wait_not_even_the_right_code_is_looked_at(world):
    gate = world()
    for _ in range(3):
        wrong(gate)
    assert not wrong(gate, PIN).tried
    world.time.now += 5.1
    assert gate.unlock(PIN)
    assert wrong(gate).wait_s == 0  # counted anew


@pytest.mark.parametrize("boot", ["boot-1", "boot-2"])
def test_killing_the_service_or_the_machine_does_not_reset_the_wait(world, boot):
    gate = world()
    for _ in range(3):
        wrong(gate)
    again = world(boot)
    assert not wrong(again, PIN).tried
    assert again.wait_s == 5


def test_it_locks_when_nobody_touches_anything(world):
    gate = world()
    token = gate.unlock(PIN)
    world.time.now += 170
    assert gate.admits(token, touch=True)
    world.time.now += 170
    assert gate.admits(token)
    world.time.now += 11
    gate.look()
    assert world.locked == [1]
    assert not gate.admits(token)
    assert gate.officer == ""


def test_the_session_outlives_the_service_but_not_the_machine(world):
    token = world().unlock(PIN)
    assert world().admits(token)
    assert not world("boot-2").admits(token)
    assert not world().admits(token)


def test_a_service_that_was_away_for_long_comes_back_locked(world):
    token = world().unlock(PIN)
    world.time.now += 400
    assert not world().admits(token)


def test_a_second_unlocking_ends_the_first_session(world):
    gate = world()
    first, second = gate.unlock(PIN), gate.unlock(PIN)
    assert not gate.admits(first)
    assert gate.admits(second)


def test_locked_by_hand(world):
    gate = world()
    token = gate.unlock(PIN)
    gate.lock()
    assert not gate.admits(token)
    assert not world().admits(token)


def test_the_store_holds_no_token(world, tmp_path):
    token = world().unlock(PIN)
    for path in tmp_path.glob("kiosk.db*"):
        assert token.encode() not in path.read_bytes()
        assert PIN.encode() not in path.read_bytes()
