"""The search benchmark: what it makes, what it counts, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.search import engine, making, measuring
from benchmarks.search.chart import draw
from benchmarks.search.cli import _without, main
from benchmarks.search.parameters import POSITION
from benchmarks.search.probes import Case, mate_key
from benchmarks.search.reporting import markdown_table
from matcher_service.search import compare
from matcher_service.search.packed import pack_print
from matcher_service.search.shelf import key_of
from models.synthetic.crowd import crowd, impression, stranger

PRINTS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("search") / "crowd"
    done = []
    making.make(made, prints=PRINTS, seed=3, workers=1, on_done=done.append)
    assert sum(done) == PRINTS
    return made


@pytest.fixture(scope="module")
def shelf(folder):
    store = making.opened(folder, making.store_options())
    (one,) = store.shelves()
    store.close()
    return one


@pytest.fixture(scope="module")
def cases():
    return [Case(mate_key(k), impression(k, 1, seed=9), impression(k, 0, seed=9)) for k in range(3)]


def test_a_gallery_on_disk_is_the_crowd(folder, shelf):
    drawn = crowd(0, PRINTS, seed=3)
    assert np.array_equal(shelf.start, drawn.start)
    assert key_of(shelf.owner[5]) == making.crowd_key(5)
    assert (shelf.position == POSITION).all()
    assert shelf.alive.all()
    for k in (0, PRINTS - 1):
        back, real = engine.unpacked(shelf, k), drawn.minutiae(k)
        assert np.abs(back.x - real.x).max() < 0.04
        assert np.abs(back.y - real.y).max() < 0.04
        assert np.abs(np.angle(np.exp(1j * (back.angle - real.angle)))).max() < 1e-3
        assert np.array_equal(back.type, real.type)
        assert np.abs(back.quality - real.quality).max() < 0.003
    assert making.bytes_on_disk(folder) < 1100 * PRINTS + 2000
    assert not list(folder.parent.glob(".*.part"))


def test_its_columns_are_those_of_the_matchers_own_packing():
    made, drawn = making.made_shelf(20, 30, 3), crowd(20, 30, seed=3)
    for k in range(10):
        part = slice(made.start[k], made.start[k + 1])
        for name, column in pack_print(drawn.minutiae(k))._asdict().items():
            assert np.array_equal(getattr(made, name)[part], column), name


def test_a_gallery_is_named_after_what_made_it(tmp_path):
    names = {making.made_folder(tmp_path, prints=n, seed=s) for n in (100, 200) for s in (0, 1)}
    assert len(names) == 4
    assert making.sources_digest("models/synthetic/*.py") != making.sources_digest("benchmarks/search/*.py")


def test_exhaustive_is_the_exact_comparison_with_each_print(shelf):
    probes = [stranger(4), impression(2, 1, seed=3)]
    done = []
    every = engine.exhaustive(shelf, probes, threads=2, on_done=done.append)
    for k, probe in enumerate(probes):
        expected = max(compare(probe, engine.unpacked(shelf, n)) for n in range(PRINTS))
        assert every.best[k] == pytest.approx(expected)
    assert every.comparisons == 2 * PRINTS
    assert sum(done) == PRINTS
    assert every.rate > 0
    both = engine.together([every, every])
    assert np.array_equal(both.best, every.best)
    assert both.comparisons == 4 * PRINTS
    assert engine.rate_as_kept(shelf, probes[0], threads=2) > 0


def test_figures_of_a_run(folder, cases):
    from benchmarks.accuracy.session import progress_bars

    figures = measuring.measure(folder, cases, measuring.Setting(2, 2), progress_bars())
    assert figures["gallery"]["prints"] == PRINTS
    assert figures["gallery"]["mates_besides"] == 3
    assert figures["identification"]["rank1"]["of"] == 3
    assert figures["identification"]["rank1"]["hits"] == 3
    assert figures["exhaustive"]["rank1"]["hits"] == 2
    assert figures["exhaustive"]["found_of_its_rank1"]["percent"] == 100
    assert figures["openafis_class_read_not_run"]["seconds_a_search"] == PRINTS / 50_000
    table = markdown_table([{"probes": {"of": "3 probes"}, **figures}])
    assert "rank 1, % | 100.0" in table


def test_a_mate_that_scores_and_was_not_found_is_the_index_s_miss(cases):
    own = engine.mate_scores(cases)

    def found(key, score):
        return engine.Found(key, score, red=False, compared=5, index_seconds=0.1, seconds=0.2)

    # found; a stranger above the mate: nobody's miss; a stranger below the mate: the index's
    answers = [found(cases[0].key, own[0]), found("s", own[1] + 1), found("s", own[2] - 1)]
    figures = measuring._identification(cases, answers)
    assert figures["rank1"]["hits"] == 1
    assert figures["missed_by_the_index_at_most"] == 1
    assert figures["of_the_exhaustive_rank1_at_least"]["percent"] == 50


def test_a_share_has_wilson_s_interval():
    found = measuring.share(99, 100)
    assert found["percent"] == 99
    assert found["ci95"] == pytest.approx([94.55, 99.82], abs=0.01)
    assert measuring.share(0, 0)["percent"] is None
    assert measuring.share(4, 4)["ci95"][1] == pytest.approx(100)


def test_a_chart_has_a_line_a_curve():
    curves = {"a": [(1e4, 5.0), (1e6, 300.0)], "b": [(1e4, 200.0), (1e6, 20_000.0)]}
    image = np.array(draw(curves, title="t", across="prints", up="ms"))
    for colour in ((31, 98, 190), (120, 170, 230)):
        assert (image == colour).all(axis=-1).sum() > 500
    with pytest.raises(ValueError, match="above 0"):
        draw({}, title="t", across="x", up="y")


def test_growing_asks_for_each_size_with_the_other_options():
    given = ["--gallery", "1000000", "--grow", "--json=a.json", "--plot", "b.png", "--probes", "9", "--whole"]
    assert _without(given) == ["--probes", "9", "--whole"]


def test_a_plot_of_one_size_is_refused(tmp_path):
    app = typer.Typer()
    app.command()(main)
    answer = CliRunner().invoke(app, ["--plot", str(tmp_path / "a.png")])
    assert answer.exit_code == 2
    assert "--grow" in answer.output
