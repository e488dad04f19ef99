import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interchange import Minutiae, MinutiaType


def three(**changes):
    given = {"width": 100, "height": 80, "type": [1, 2, 0], "quality": [0.5, 0.0, 1.0], "finger_quality": 40}
    return Minutiae.make([0, 10.5, 99], [0, 20, 79], [0, math.pi, -math.pi / 2], **{**given, **changes})


def test_arrays_have_their_types_and_cannot_be_changed():
    made = three()
    assert len(made) == 3
    assert [a.dtype for a in (made.x, made.y, made.angle, made.type, made.quality)] == [
        np.float32,
        np.float32,
        np.float32,
        np.uint8,
        np.float32,
    ]
    with pytest.raises(ValueError, match="read-only"):
        made.x[0] = 5


def test_angles_are_wrapped_into_one_turn():
    assert three().angle[2] == pytest.approx(1.5 * math.pi)
    almost = Minutiae.make([1], [1], [-1e-12], width=9, height=9).angle[0]
    assert almost == 0


def test_arrays_of_different_lengths_and_infinite_values_are_refused():
    with pytest.raises(ValueError, match="different lengths"):
        Minutiae.make([1, 2], [1], [0, 0], width=9, height=9)
    with pytest.raises(ValueError, match="finite"):
        Minutiae.make([math.nan], [1], [0], width=9, height=9)


def test_take_keeps_the_order_asked_for_and_the_rest():
    taken = three().take([2, 0])
    assert taken.x.tolist() == [99, 0]
    assert taken.type.tolist() == [MinutiaType.OTHER, MinutiaType.ENDING]
    assert (taken.width, taken.height, taken.dpi, taken.finger_quality) == (100, 80, 500.0, 40)
    assert three().take(np.array([False, True, False])).x.tolist() == [10.5]


def test_an_empty_impression_has_no_minutiae_and_quality_0():
    empty = Minutiae.empty(width=256, height=288)
    assert (len(empty), empty.finger_quality, empty.dpi) == (0, 0, 500.0)


def test_the_edges_of_the_image_stay_its_edges_at_another_resolution():
    edges = Minutiae.make([-0.5, 99.5], [-0.5, 79.5], [0, 0], width=100, height=80, dpi=1000)
    half = edges.at_dpi(500)
    assert (half.width, half.height, half.dpi) == (50, 40, 500)
    assert half.x.tolist() == [-0.5, 49.5]
    assert half.y.tolist() == [-0.5, 39.5]


@given(
    width=st.integers(1, 2000),
    share=st.floats(0, 1, width=32),
    dpi=st.floats(250, 1200),
    other=st.floats(250, 1200),
)
def test_no_minutia_leaves_the_image_at_another_resolution(width, share, dpi, other):
    x = share * width - 0.5
    one = Minutiae.make([x], [0], [0], width=width, height=10, dpi=dpi).at_dpi(other)
    assert -0.501 <= one.x[0] <= one.width - 0.499
    back = one.at_dpi(dpi)
    assert back.x[0] == pytest.approx(x, abs=1e-3)
