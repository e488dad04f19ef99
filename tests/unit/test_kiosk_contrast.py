"""WCAG 2.2, 1.4.3 and 1.4.11, computed from the style sheets' own colours; and what colour-blind people see."""

import re

import pytest

from edge_service.kiosk.app import STATIC

TOKENS = (STATIC / "tokens.css").read_text("utf-8")
OTHERS = {name: (STATIC / name).read_text("utf-8") for name in ("kiosk.css", "steps.css")}
COLOURS = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6});", TOKENS))
TEXT, LARGE_OR_DRAWN = 4.5, 3.0

# foreground, background, least ratio: every pair that stands on each other in the sheets
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-soft") for ground in ("ground", "surface", "sunken")],
    ("accent-strong", "surface", TEXT),
    ("accent-strong", "accent-tint", TEXT),
    ("ink", "accent-tint", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("on-danger", "danger", TEXT),
    ("danger", "ground", TEXT),
    ("danger", "surface", TEXT),
    ("warn-ink", "warn-tint", TEXT),
    ("warn-tint", "warn-ink", TEXT),
    ("ink", "none-tint", TEXT),
    *[(ink, "bar", TEXT) for ink in ("bar-ink", "bar-soft", "bar-bad")],
    ("bar-ink", "bar-raised", TEXT),
    ("good", "good-tint", TEXT),
    *[(verdict, "ground", TEXT) for verdict in ("good", "poor", "none")],
    *[(f"on-{kind}", kind, TEXT) for kind in ("strong", "possible", "clear")],
    # drawn things: borders of fields and buttons, marks, bars, the ring of the focus
    *[("line", ground, LARGE_OR_DRAWN) for ground in ("surface", "ground")],
    *[("focus", ground, LARGE_OR_DRAWN) for ground in ("surface", "ground", "accent-tint")],
    ("focus-on-bar", "bar", LARGE_OR_DRAWN),
    ("skin-line", "surface", LARGE_OR_DRAWN),
    ("bar-good", "bar", LARGE_OR_DRAWN),
    ("bar-good", "accent", LARGE_OR_DRAWN),
    ("accent", "surface", LARGE_OR_DRAWN),
    ("good", "surface", LARGE_OR_DRAWN),
    ("poor", "surface", LARGE_OR_DRAWN),
    ("poor", "poor-tint", LARGE_OR_DRAWN),
    ("ink", "poor-tint", LARGE_OR_DRAWN),
    ("unsearched", "surface", LARGE_OR_DRAWN),
]


def channels(colour):
    return [int(COLOURS[colour][k : k + 2], 16) / 255 for k in (1, 3, 5)]


def luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast(ink, ground, least):
    assert ratio(channels(ink), channels(ground)) >= least


def test_the_formula_is_the_standards():
    assert ratio([0, 0, 0], [1, 1, 1]) == pytest.approx(21)
    assert ratio([0x77 / 255] * 3, [1, 1, 1]) == pytest.approx(4.48, abs=0.01)


def test_colours_are_named_in_one_place_only():
    for name, text in OTHERS.items():
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", text), name
        used = set(re.findall(r"var\(--([a-z-]+)", text)) - {"share", "accepts-in"}
        assert used - set(re.findall(r"--([a-z-]+):", TOKENS)) == set(), name


def test_every_colour_is_used():
    used = set(re.findall(r"var\(--([a-z-]+)", "".join(OTHERS.values())))
    assert set(COLOURS) - used == set()


def test_the_answers_differ_in_lightness_too():
    """Red, yellow and green next to each other: yellow stands out for anybody; red and green have unlike shapes."""
    strong, possible, clear = (luminance(channels(c)) for c in ("strong", "possible", "clear"))
    assert possible > 4 * max(strong, clear)


def test_each_answer_has_a_shape_of_its_own():
    shapes = re.findall(
        r'^  (\w+): \{ path: "([^"]+)"', (STATIC / "shapes.js").read_text("utf-8"), re.MULTILINE
    )
    stopped = {"refused", "held", "expired", "damaged"}
    assert {name for name, _ in shapes} >= {"strong", "possible", "none", "unsearched"} | stopped
    assert len({path for _, path in shapes}) == len(shapes)


def test_motion_can_be_switched_off_and_targets_are_large():
    assert "prefers-reduced-motion: reduce" in OTHERS["kiosk.css"]
    sizes = [int(px) for px in re.findall(r"--target:\s*(\d+)px", TOKENS)]
    assert min(sizes) >= 48
