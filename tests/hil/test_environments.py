"""The environment files that ship: labgrid reads them, knows every class, and can bind every driver."""

from pathlib import Path

import pytest
from labgrid import Environment

from hardware.bench.labgrid.kiosk_strategy import KioskStrategy

ENVIRONMENTS = sorted((Path(__file__).parents[2] / "hardware" / "bench" / "environments").glob("*.yaml"))

pytestmark = pytest.mark.hil


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_an_environment_that_ships_binds(path):
    target = Environment(str(path)).get_target()
    strategy = target.get_strategy()
    assert isinstance(strategy, KioskStrategy)
    assert strategy.power is not None
    assert strategy.sensor is not None
    assert (strategy.board is not None) == ("board" in target.env.get_features())
