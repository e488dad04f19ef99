"""WCAG 2.2, 1.4.3 and 1.4.11, computed from the console's own colours, in light and in dark."""

import re

import pytest

from matcher_service.console.app import STATIC

SHEET = (STATIC / "console.css").read_text("utf-8")
BLOCKS = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
TOKENS = [dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6});", block)) for block in BLOCKS]
SCHEMES = {"light": TOKENS[0], "dark": TOKENS[0] | TOKENS[1]}
TEXT, DRAWN = 4.5, 3.0

PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-soft") for ground in ("ground", "surface", "sunken")],
    *[("accent", ground, TEXT) for ground in ("ground", "surface", "sunken")],
    ("on-accent", "accent", TEXT),
    ("on-danger", "danger", TEXT),
    ("danger", "surface", TEXT),
    *[(kind, f"{kind}-tint", TEXT) for kind in ("good", "warn", "bad")],
    *[(ink, ground, TEXT) for ink in ("bar-ink", "bar-soft") for ground in ("bar", "bar-raised")],
    ("line", "surface", DRAWN),
    *[("focus", ground, DRAWN) for ground in ("ground", "surface", "sunken")],
    ("focus-on-bar", "bar", DRAWN),
]


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_contrast(scheme):
    colours = SCHEMES[scheme]
    for ink, ground, least in PAIRS:
        light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least, (ink, ground)


def test_both_schemes_name_the_same_colours_and_the_rest_of_the_sheet_none():
    assert set(TOKENS[0]) == set(TOKENS[1])
    rest = re.sub(r":root \{.*?\}", "", SHEET, flags=re.DOTALL)
    # Pictures and QR codes are drawn in black on white.
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rest)) == {"#ffffff"}
    assert set(re.findall(r"var\(--([a-z-]+)\)", rest)) == set(TOKENS[0])
