"""The light does what hardware/fault-tree.toml tells the officer on the phone that it does."""

import importlib
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from helpers.fake_clock import FakeClock

from firmware.core import codes
from firmware.core.fault_light import fault_pattern

ROOT = Path(__file__).resolve().parents[2]
TREE = tomllib.loads((ROOT / "hardware" / "fault-tree.toml").read_text("utf-8"))
COLOURS = {(0, 0, 0): "off", (1, 1, 0): "yellow", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 0, 0): "red"}


class Pwm:
    made: list = []  # noqa: RUF012 - one list for the test

    def __init__(self, pin):
        self.duty = 0
        Pwm.made.append(self)

    def freq(self, hz):
        assert hz >= 200  # nobody sees it flicker

    def duty_u16(self, duty):
        assert 0 <= duty <= 65535
        self.duty = duty


@pytest.fixture
def light(monkeypatch):
    machine = ModuleType("machine")
    machine.PWM, machine.Pin = Pwm, int
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.delitem(sys.modules, "firmware.board.light", raising=False)
    Pwm.made = []
    clock = FakeClock()
    yield importlib.import_module("firmware.board.light").Light(clock=clock), clock
    sys.modules.pop("firmware.board.light", None)


def colours_seen(light, clock, ms):
    """The colour of every millisecond."""
    seen = []
    for _ in range(ms):
        light.step()
        seen.append(COLOURS[tuple(int(colour.duty > 0) for colour in Pwm.made)])
        clock.tick(1)
    return seen


@pytest.mark.parametrize("told", TREE["light"], ids=lambda told: told["id"])
def test_the_light_is_as_it_was_told(light, told):
    light, clock = light
    pattern = getattr(codes, told["code"])
    blinks = 3 if pattern == codes.LED_FAULT else 0
    light.show(fault_pattern(blinks) if blinks else pattern)
    wanted = []
    for part in told["cycle"]:
        wanted += [part["colour"]] * part["ms"]
    fades = any(part.get("fade") for part in told["cycle"])
    seen = colours_seen(light, clock, 2 * len(wanted))
    if fades:
        assert {"off", "yellow"} == set(seen)
        assert seen.count("yellow") > 0.9 * len(seen)
    else:
        assert seen == wanted * 2


@pytest.mark.parametrize("blinks", range(1, 6))
def test_a_fault_blinks_its_group(light, blinks):
    light, clock = light
    light.show(fault_pattern(blinks))
    seen = colours_seen(light, clock, 600 * blinks + 1200)
    flashes = sum(
        1 for before, now in zip(["off", *seen], seen, strict=False) if (before, now) == ("off", "red")
    )
    assert flashes == blinks
    assert seen[-1000:] == ["off"] * 1000


def test_showing_the_same_again_does_not_start_it_anew(light):
    light, clock = light
    light.show(codes.LED_PRESS)
    colours_seen(light, clock, 400)
    light.show(codes.LED_PRESS)
    assert colours_seen(light, clock, 200) == ["blue"] * 100 + ["off"] * 100
