"""Answers of the sensor, and the table of models."""

from __future__ import annotations

from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.sensors.errors import NoFinger, SensorGarbled, SensorSilent, SensorUnplugged
from edge_service.sensors.models import MODELS, find_model, model_by_product, models_by_size
from edge_service.sensors.zfm_answers import ProductInfo, SystemParameters, repeats_a_packet, unpack_image


def test_the_high_nibble_is_the_left_pixel():
    image = unpack_image(bytes([0x0F, 0xA1, 0x00, 0xF0]), width=4, height=2)
    assert image.tolist() == [[0, 255, 170, 17], [0, 0, 255, 0]]
    assert image.dtype == np.uint8
    assert not image.flags.writeable


@given(st.binary(min_size=32, max_size=32))
def test_only_sixteen_levels_occur(data: bytes):
    image = unpack_image(data, width=8, height=8)
    assert set(np.unique(image).tolist()) <= set(range(0, 256, 17))


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="192 x 192"):
        unpack_image(bytes(100), width=192, height=192)


def test_system_parameters():
    payload = pack(">HHHHIHH", 0x000C, 9, 200, 3, 0xFFFFFFFF, 2, 12)
    parameters = SystemParameters.decode(payload)
    assert (parameters.packet_bytes, parameters.baud, parameters.capacity) == (128, 115_200, 200)


@pytest.mark.parametrize("payload", [b"", bytes(15), pack(">HHHHIHH", 0, 0, 0, 0, 0, 4, 6)])
def test_impossible_system_parameters_are_refused(payload: bytes):
    with pytest.raises(ValueError, match="expected"):
        SystemParameters.decode(payload)


def product(name: bytes, width: int, height: int) -> bytes:
    return pack(">16s4s8s2s8sHHHH", name, b"", b"", b"", b"", width, height, 1536, 200)


def test_product_information():
    assert ProductInfo.decode(product(b"R503", 192, 192)) == ProductInfo("R503", 192, 192)
    assert model_by_product("R503-M25", width=192, height=192) is find_model("R503")
    assert model_by_product("R999", width=160, height=160).image_bytes == 12_800


@pytest.mark.parametrize(
    "payload",
    [b"", bytes(46), product(b"R503", 0, 0), product(b"R503", 191, 192), product(b"\xff", 9999, 192)],
)
def test_nonsense_product_information_is_ignored(payload: bytes):
    assert ProductInfo.decode(payload) is None


def test_geometry_on_the_wire():
    assert find_model("R307").image_bytes == 36_864
    assert find_model("R503").image_bytes == 18_432
    assert [model.name for model in models_by_size(18_432)] == ["R503"]
    assert models_by_size(36_863) == []


@pytest.mark.parametrize("name", ["zfm20", "ZFM-20", "zfm_20"])
def test_models_are_found_however_they_are_written(name: str):
    assert find_model(name).name == "ZFM-20"


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean R503"):
        find_model("R530")
    assert len({model.name for model in MODELS}) == len(MODELS)


def test_messages_say_what_to_do():
    silent = SensorSilent(path="/dev/x", waited_s=1.0, bauds=(57_600, 115_200))
    assert "Switch its power off" in str(silent)
    assert "57600, 115200 baud" in str(silent)
    assert "Plug" in str(SensorUnplugged("missing", path="/dev/x"))
    assert "Stop that program" in str(SensorUnplugged("busy", path="/dev/x"))
    assert "dry cloth" in str(NoFinger(path="/dev/x", waited_s=5, failed_images=3))
    assert "Press the finger again" in str(SensorGarbled("noise", path="/dev/x"))


def test_a_packet_of_ridges_that_comes_twice_is_noticed():
    ridges = np.random.default_rng(3).integers(0, 256, (288, 128), dtype=np.uint8)
    assert not repeats_a_packet(ridges.tobytes(), 128)
    ridges[150] = ridges[149]
    assert repeats_a_packet(ridges.tobytes(), 128)
    assert repeats_a_packet(ridges.tobytes() + b"the rest", 128)
    ridges[149:151] = 0xFF  # nothing but glass
    assert not repeats_a_packet(ridges.tobytes(), 128)
