"""A network's tensors, float32 or eight bits, and a network that breaks down while it runs."""

from __future__ import annotations

import types

import numpy as np
import pytest

from edge_service.extraction import ModelRefused
from edge_service.extraction.extractor import DEFAULT_MODEL
from edge_service.extraction.runtimes.signatures import SignatureNetwork
from edge_service.extraction.runtimes.tensors import decoder, encoder


def details(dtype, scale: float | None = None, zero_point: int = 0) -> dict:
    scales = [] if scale is None else [scale]
    known = {"scales": np.array(scales, np.float32), "zero_points": np.array([zero_point] * len(scales))}
    return {"dtype": dtype, "quantization_parameters": known}


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_float_tensors_take_the_grey_levels_and_give_what_they_hold():
    taken = encoder(details(np.float32))(GREY)
    assert taken.dtype == np.float32
    assert np.array_equal(taken, GREY)
    given = np.array([1.5, -2.5], np.float32)
    assert decoder(details(np.float32))(given) is given


def test_grey_levels_that_are_the_tensors_integers_are_passed_as_they_are():
    assert encoder(details(np.uint8, 1.0, 0))(GREY) is GREY
    signed = encoder(details(np.int8, 1.0, -128))(GREY)
    assert signed.dtype == np.int8
    assert np.array_equal(signed.astype(int), GREY.astype(int) - 128)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [(np.int8, 0.99998, -128), (np.uint8, 2.0, 0), (np.int8, 1.7, 3), (np.uint8, 0.5, 9)],
)
def test_other_scales_round_to_the_nearest_that_the_type_holds(dtype, scale, zero_point):
    taken = encoder(details(dtype, scale, zero_point))(GREY)
    limits = np.iinfo(dtype)
    assert taken.dtype == dtype
    real = (taken.astype(float) - zero_point) * scale
    reachable = (GREY / scale + zero_point >= limits.min) & (GREY / scale + zero_point <= limits.max)
    assert np.abs(real - GREY)[reachable].max() <= scale / 2 * 1.001
    assert set(taken[~reachable].tolist()) <= {limits.min, limits.max}


def test_integers_come_out_as_real_numbers():
    values = np.array([-128, -3, 127], np.int8)
    given = decoder(details(np.int8, 0.25, -3))(values)
    assert given.dtype == np.float32
    assert given.tolist() == [-31.25, 0.0, 32.5]
    assert decoder(details(np.uint8, 0.5, 200))(np.array([0, 255], np.uint8)).tolist() == [-100.0, 27.5]


@pytest.mark.parametrize(
    "wrong",
    [
        details(np.float64),
        details(np.int16, 1.0),
        details(np.int8),
        details(np.uint8, 0.0),
        details(np.uint8, float("inf")),
        {"dtype": np.uint8},
        {"dtype": np.int8, "quantization_parameters": {"scales": np.ones(7), "zero_points": np.zeros(7)}},
    ],
)
def test_tensors_of_other_kinds_are_refused(wrong):
    for make in (encoder, decoder):
        with pytest.raises(ValueError, match="tensor"):
            make(wrong)


class Quantised:
    """An interpreter whose network takes and gives eight bits: each cell is the grey level at its corner."""

    def __init__(self, into: dict, out: dict) -> None:
        self.into = {"shape": np.array([1, 96, 96, 1]), **into}
        self.out = {"shape": np.array([1, 24, 24, 7]), **out}

    def allocate_tensors(self) -> None: ...

    def get_signature_list(self) -> dict[str, object]:
        return {"s96x96": {}}

    def get_signature_runner(self, _name: str) -> Quantised:
        return self

    def get_input_details(self) -> dict[str, object]:
        return {"grey": self.into}

    def get_output_details(self) -> dict[str, object]:
        return {"cells": self.out}

    def __call__(self, grey: np.ndarray) -> dict[str, np.ndarray]:
        assert grey.dtype == self.into["dtype"]
        assert grey.shape == (1, 96, 96, 1)
        return {"cells": np.repeat(grey[:, ::4, ::4].astype(self.out["dtype"]), 7, axis=3)}


def test_a_network_of_eight_bits_gives_real_numbers():
    made = Quantised(details(np.int8, 1.0, -128), details(np.int8, 0.5, -128))
    network = SignatureNetwork(
        lambda **_: made, types.SimpleNamespace(path=DEFAULT_MODEL, content=b""), threads=1
    )
    image = np.random.default_rng(3).integers(0, 256, (96, 96), np.uint8)
    found = network.run(image)
    assert (found.dtype, found.shape) == (np.float32, (24, 24, 7))
    assert np.array_equal(found[..., 0], image[::4, ::4] * 0.5)


def test_a_network_of_unknown_tensors_is_refused():
    made = Quantised(details(np.int8), details(np.float32))
    with pytest.raises(ModelRefused, match="s96x96, an 8-bit tensor without one scale"):
        SignatureNetwork(lambda **_: made, types.SimpleNamespace(path=DEFAULT_MODEL, content=b""), threads=1)


class BreaksDown:
    """An interpreter whose network is sound until it runs."""

    def __init__(self, **_options: object) -> None:
        self.shape = {"shape": np.array([1, 96, 96, 1]), "dtype": np.float32}

    def allocate_tensors(self) -> None: ...

    def get_signature_list(self) -> dict[str, object]:
        return {"s96x96": {}}

    def get_signature_runner(self, _name: str) -> BreaksDown:
        return self

    def get_input_details(self) -> dict[str, object]:
        return {"grey": self.shape}

    def get_output_details(self) -> dict[str, object]:
        return {"cells": {"shape": np.array([1, 24, 24, 7]), "dtype": np.float32}}

    def __call__(self, **_inputs: object) -> None:
        raise RuntimeError("out of\nmemory")


def test_a_runtime_that_breaks_down_while_it_runs():
    network = SignatureNetwork(BreaksDown, types.SimpleNamespace(path=DEFAULT_MODEL, content=b""), threads=1)
    with pytest.raises(ModelRefused, match=r"does not run \(out of memory\)"):
        network.run(np.zeros((96, 96), np.uint8))
