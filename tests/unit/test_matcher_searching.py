import threading
from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import text

from hardware.bench.made_up import made_up_minutiae, made_up_submission
from interchange import Minutiae
from interchange.messages import CaptureFault, Colour, Reply, decode_message, encode_message
from matcher_service import parameters
from matcher_service.galleries import LiveGalleries
from matcher_service.repositories import Database, NewPrint, Outcome, Repositories, Submissions
from matcher_service.routing import Mode
from matcher_service.routing.register import Register
from matcher_service.routing.router import Router
from matcher_service.search.packed import pack_print
from matcher_service.search.shelf import key_of
from matcher_service.searching import Searching


@dataclass(frozen=True)
class Found:
    key: str
    score: float
    relabelled: tuple = ()


class ExactGallery:
    """Finds the very same minutiae and nothing else: 10 points a finger."""

    broken = False

    def __init__(self, source):
        self.source = source
        self.warm = False

    def __len__(self):
        return len(self.source)

    @property
    def identities(self):
        return self.source.identities

    def prints(self):
        for shelf in self.source.shelves():
            for k in np.flatnonzero(shelf.alive):
                x = shelf.x[shelf.start[k] : shelf.start[k + 1]]
                yield key_of(shelf.owner[k]), shelf.position[k], x.tobytes()

    def search(self, prints, *, limit):
        if self.broken:
            raise RuntimeError("kernel fault")
        scores = {}
        for position, minutiae in prints:
            probe = pack_print(minutiae).x.tobytes()
            for key, at, x in self.prints():
                if at == position:
                    scores[key] = scores.get(key, 1.0) + 10.0 * (x == probe)
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        return [Found(*item) for item in ranked[:limit]]

    def warm_up(self):
        self.warm = True


def colour(score, identities):
    assert identities >= 0
    return "red" if score >= 20 else "yellow" if score >= 10 else "green"


class Centre:
    def __init__(self, folder, make_gallery=ExactGallery):
        self.database = Database(f"sqlite:///{folder}/m.db")
        self.repositories = Repositories(self.database)
        self.repositories.create("criminal")
        self.repositories.create("immigration")
        Register(self.database).set_mode(Mode.EVERYTHING, by="system:test")
        self.submissions = Submissions(self.database, instance="matcher-1")
        self.galleries = LiveGalleries(
            repositories=self.repositories, make_gallery=make_gallery, folder=folder / "galleries"
        )
        self.told = []
        self.ready = threading.Event()
        self.searching = Searching(
            submissions=self.submissions,
            galleries=self.galleries,
            router=Router(self.database),
            colour=colour,
            tell=self.told.append,
            ready=self.ready.set,
        )

    def enroll(self, repository, seed):
        return self.repositories.enroll(
            repository, [NewPrint.of(p, made_up_minutiae(seed + p)) for p in (2, 7)]
        )

    def submit(self, seed):
        submission = made_up_submission("kiosk-1", {p: made_up_minutiae(seed + p) for p in (2, 7)})
        self.submissions.file(submission, encode_message(submission))
        return submission.tcn

    def answer(self):
        assert self.searching.answer_next()
        return decode_message(Reply, self.told[-1].payload)


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path)
    yield made
    made.searching.stop(5)
    made.galleries.close()
    made.database.close()


def colours(reply):
    return {r.name: r.colour.value for r in reply.repositories}


def test_each_repository_gets_its_colour(centre):
    known = centre.enroll("criminal", 100)
    centre.galleries.load()
    tcn = centre.submit(100)
    reply = centre.answer()
    assert reply.tcn == tcn
    assert colours(reply) == {"criminal": "red", "immigration": "green"}
    (reference,) = reply.repositories[0].candidates
    search = centre.submissions.searches(tcn)[0]
    assert [(c.reference, c.identity, c.score) for c in search.candidates] == [
        (reference, known.identity, 21.0)
    ]
    assert reference != known.identity
    assert search.gallery_prints == 2
    assert set(reply.timings_ms) == {"waiting", "decode", "search.criminal", "search.immigration", "total"}


def test_a_candidate_is_recorded_with_what_its_score_meant(centre):
    centre.enroll("criminal", 100)
    centre.galleries.load()
    tcn = centre.submit(100)
    centre.answer()
    (candidate,) = centre.submissions.searches(tcn)[0].candidates
    assert candidate.log10_fmr == -21.0
    assert candidate.expected_fpir == pytest.approx(2e-21)  # two prints, each no more than one in 1e21


def test_one_finger_given_as_two_is_said_and_counted_once(centre):
    same = made_up_minutiae(102)
    centre.repositories.enroll("criminal", [NewPrint.of(2, same), NewPrint.of(7, same)])
    centre.galleries.load()
    submission = made_up_submission("kiosk-1", {2: same, 7: same})
    centre.submissions.file(submission, encode_message(submission))
    reply = centre.answer()
    (problem,) = reply.capture_problems
    assert problem.fault is CaptureFault.SAME_FINGER_TWICE
    assert problem.positions == (2, 7)
    assert "right index" in problem.advice
    assert "left index" in problem.advice
    assert "again" in problem.advice
    # Of two prints, 20 points and red, one is left, whose position nobody knows: this gallery finds it nowhere.
    assert colours(reply)["criminal"] == "green"


def test_two_fingers_are_no_capture_problem(centre):
    centre.galleries.load()
    centre.submit(100)
    assert centre.answer().capture_problems == ()
    assert b"capture_problems" not in centre.told[-1].payload  # an older kiosk reads this reply


def test_swapped_hands_are_found_and_said(centre):
    known = centre.repositories.enroll(
        "criminal", [NewPrint.of(2, made_up_minutiae(702)), NewPrint.of(7, made_up_minutiae(707))]
    )
    centre.galleries.load()
    swapped = made_up_submission("kiosk-1", {7: made_up_minutiae(702), 2: made_up_minutiae(707)})
    centre.submissions.file(swapped, encode_message(swapped))
    reply = centre.answer()
    assert colours(reply)["criminal"] == "green"  # 21 points less two are not red, so the labels are believed
    assert [p.fault for p in reply.capture_problems] == []
    centre.searching._one._colour = lambda points, _identities: "red" if points >= 18 else "green"
    again = made_up_submission("kiosk-1", {7: made_up_minutiae(702), 2: made_up_minutiae(707)})
    centre.submissions.file(again, encode_message(again))
    reply = centre.answer()
    assert colours(reply)["criminal"] == "red"
    assert [p.fault for p in reply.capture_problems] == [CaptureFault.HANDS_SWAPPED]
    (candidate,) = centre.submissions.searches(again.tcn)[0].candidates
    assert candidate.identity == known.identity


def test_a_green_reply_names_nobody(centre):
    centre.enroll("criminal", 100)
    centre.galleries.load()
    centre.submit(500)
    reply = centre.answer()
    assert colours(reply) == {"criminal": "green", "immigration": "green"}
    assert reply.repositories[0].candidates == ()


def test_nothing_waits(centre):
    assert not centre.searching.answer_next()


def test_references_are_new_for_each_search(centre):
    centre.enroll("criminal", 100)
    centre.galleries.load()
    references = set()
    for _ in range(2):
        centre.submit(100)
        references |= set(centre.answer().repositories[0].candidates)
    assert len(references) == 2


def test_what_another_process_enrolls_or_removes_is_seen_by_the_next_search(centre, tmp_path):
    centre.galleries.load()
    elsewhere = Database(f"sqlite:///{tmp_path}/m.db")
    store = Repositories(elsewhere)
    store.create("warrants")
    person = store.enroll("warrants", [NewPrint.of(p, made_up_minutiae(300 + p)) for p in (2, 7)])
    centre.submit(300)
    assert colours(centre.answer())["warrants"] == "red"
    store.remove("warrants", person.identity)
    centre.submit(300)
    assert colours(centre.answer())["warrants"] == "green"
    elsewhere.close()


def test_a_second_encounter_does_not_double_the_first(centre):
    person = centre.enroll("criminal", 100)
    centre.galleries.load()
    more = [NewPrint.of(3, made_up_minutiae(900))]
    centre.repositories.enroll("criminal", more, identity=person.identity)
    centre.galleries.refresh()
    centre.galleries.refresh()
    assert {name: len(gallery) for name, gallery in centre.galleries} == {"criminal": 3, "immigration": 0}


def test_prints_with_nothing_to_compare_are_never_green(centre):
    centre.enroll("criminal", 1)
    centre.galleries.load()
    empty = {p: Minutiae.empty(width=256, height=288) for p in (2, 7)}
    submission = made_up_submission("kiosk-1", empty)
    centre.submissions.file(submission, encode_message(submission))
    reply = centre.answer()
    assert {r.colour for r in reply.repositories} == {Colour.YELLOW}
    assert all(r.failed for r in reply.repositories)


def test_a_fault_in_one_repository_is_yellow_and_leaves_the_others(centre):
    centre.enroll("immigration", 100)
    centre.galleries.load()
    dict(centre.galleries)["criminal"].broken = True
    centre.submit(100)
    reply = centre.answer()
    assert colours(reply) == {"criminal": "yellow", "immigration": "red"}
    assert [r.failed for r in reply.repositories] == [True, False]


def test_a_submission_that_keeps_ending_the_process_is_given_up_as_yellow(centre):
    centre.galleries.load()
    tcn = centre.submit(100)
    for _ in range(parameters.SEARCH_ATTEMPTS):
        centre.submissions.begin_next()  # and the process died
    reply = centre.answer()
    assert colours(reply) == {"criminal": "yellow", "immigration": "yellow"}
    assert all(r.failed for r in reply.repositories)
    assert centre.submissions.count()[Outcome.FAILED] == 1
    assert centre.submissions.reply_to(tcn) is not None


def test_a_stored_print_that_is_damaged_does_not_stop_the_rest(centre):
    centre.enroll("criminal", 100)
    with centre.database.connection() as connection:
        connection.execute(text("UPDATE template SET record = :cut WHERE position = 2"), {"cut": b"\0"})
    centre.galleries.load()
    centre.submit(100)
    assert colours(centre.answer())["criminal"] == Colour.YELLOW


def test_in_the_background_it_resumes_what_waits_and_then_what_comes(centre):
    centre.enroll("criminal", 100)
    first = centre.submit(100)
    centre.searching.start()
    assert centre.ready.wait(10)
    for tcn in (first, centre.submit(500)):
        centre.searching.wake()
        for _ in range(500):
            if centre.submissions.reply_to(tcn):
                break
            threading.Event().wait(0.02)
        assert centre.submissions.reply_to(tcn)
    assert centre.searching.stop(5)


def test_a_gallery_that_cannot_be_loaded_at_first_is_loaded_later(tmp_path, monkeypatch):
    monkeypatch.setattr(parameters, "SEARCH_POLL_S", 0.02)
    faults = [OSError("no memory"), OSError("no memory")]

    def make(source):
        if faults:
            raise faults.pop()
        return ExactGallery(source)

    centre = Centre(tmp_path, make)
    centre.searching.start()
    assert centre.ready.wait(10)
    assert centre.searching.stop(5)
    centre.galleries.close()
    centre.database.close()
