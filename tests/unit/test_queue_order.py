"""Whose turn it is among submissions that wait: the urgent first, and nobody for ever behind them."""

import itertools

import pytest

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange.charges import Transaction
from interchange.messages import encode_message
from matcher_service.repositories import Database, Outcome, Submissions
from matcher_service.routing.parameters import OLDEST_EACH

MINUTIAE = made_up_minutiae(1)


class Queue:
    def __init__(self, folder):
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.submissions = Submissions(self.database, instance="matcher-1")

    def come(self, transaction):
        made = made_up_submission("kiosk-1", {2: MINUTIAE}).model_copy(update={"transaction": transaction})
        self.submissions.file(made, encode_message(made))
        return made.tcn

    def search(self, submissions=None):
        waiting = (submissions or self.submissions).begin_next()
        if waiting is None:
            return None
        self.submissions.finish(waiting, b"the reply", [], Outcome.ANSWERED)
        return waiting.tcn


@pytest.fixture
def waiting(tmp_path):
    made = Queue(tmp_path)
    yield made
    made.database.close()


def test_urgent_ones_come_first(waiting):
    order = [Transaction.CNA, Transaction.CAR, Transaction.RPIS, Transaction.CAR]
    cna, car, rpis, later = (waiting.come(one) for one in order)
    assert [waiting.search() for _ in order] == [rpis, car, later, cna]
    assert waiting.search() is None


def test_behind_an_endless_stream_of_urgent_ones_each_is_searched_in_time(waiting):
    older = {waiting.come(Transaction.CAR) for _ in range(3)}
    patient = [waiting.come(Transaction.CNA) for _ in range(2)]
    found_at = {}
    for turn in itertools.count(1):
        waiting.come(Transaction.CAR)
        waiting.come(Transaction.RPIS)  # more comes than is searched
        found_at[waiting.search()] = turn
        if set(patient) <= set(found_at):
            break
        assert turn < 100
    assert older <= set(found_at)
    # Each of those that were there before it cost at most one round.
    assert found_at[patient[0]] <= OLDEST_EACH * (len(older) + 1)
    assert found_at[patient[1]] <= OLDEST_EACH * (len(older) + 2)


def test_one_that_failed_often_holds_nobody_up_and_is_not_forgotten(waiting):
    harmful = waiting.come(Transaction.CAR)
    for _ in range(2):
        # The process died of it, and the next one takes it up again.
        assert Submissions(waiting.database, instance="matcher-1").begin_next().tcn == harmful
    others = [waiting.come(Transaction.CAR) for _ in range(OLDEST_EACH)]
    fresh = Submissions(waiting.database, instance="matcher-1")
    turns = [waiting.search(fresh) for _ in range(OLDEST_EACH)]
    assert turns == [*others[: OLDEST_EACH - 1], harmful]
