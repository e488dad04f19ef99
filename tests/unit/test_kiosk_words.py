"""The catalogues agree with each other and with what the page and the service ask of them."""

import re
from pathlib import Path

import pytest

from edge_service.extraction.advice import WORDS, Reason
from edge_service.kiosk import answer, page
from edge_service.kiosk.catalogue import FOLDER, LANGUAGES, catalogue, placeholders
from edge_service.kiosk.form import DISPOSITIONS
from edge_service.kiosk.state import Phase, Step, Verdict
from edge_service.kiosk.steps import TROUBLES
from interchange.charges import ChargeClass
from interchange.messages import CaptureFault

STATIC = FOLDER.parent / "static"
SCRIPTS = "\n".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.js")))
PYTHON = "\n".join(path.read_text("utf-8") for path in sorted(FOLDER.parent.glob("*.py")))
TEMPLATES = "\n".join(path.read_text("utf-8") for path in sorted(page.TEMPLATES.glob("*.html")))
SECOND = (
    answer.TO_FOLLOW, answer.MATCH, answer.NO_MATCH, answer.FOUND, answer.UNDECIDED, answer.NO_MORE,
    answer.TAKEN_BACK,
)  # fmt: skip
STOPPED = (answer.REFUSED, answer.HELD, answer.EXPIRED, answer.DAMAGED)
# Ids that are put together from a stem and a value, by the stem.
MADE = {
    "finger.": map(str, range(1, 11)),
    "short.": map(str, range(1, 11)),
    "hand.": ("left", "right"),
    "reason.": (*Reason,),
    "trouble.": TROUBLES,
    "charge.": ChargeClass,
    "disposition.": DISPOSITIONS,
    "plan.": ("print", "leave", "missing", "bandaged", "unprintable"),
    "capture.state.": ("taken", "now", "print", "missing", "bandaged", "unprintable"),
    "capture.": (*Verdict, Phase.LIFT, Phase.PRESS, Phase.TRANSFER, Phase.READING, Phase.SAVING),
    "answer.": (answer.STRONG, answer.POSSIBLE, answer.NONE, answer.UNSEARCHED, "waiting", *STOPPED),
    "result.": (answer.SAVED, answer.SENT, answer.DELIVERED, *STOPPED),
    "journey.": (answer.SAVED, answer.SENT, answer.DELIVERED, answer.ANSWERED),
    "slip.": CaptureFault,
    "second.": SECOND,
    "status.queue.": ("full", "held", "unknown"),
    "meaning.not_": ("identification", "status", "hold", "unknown"),
}
ALL_MADE = {stem + str(value) for stem, values in MADE.items() for value in values}
ALL_MADE |= {
    f"answer.{kind}.words" for kind in (answer.STRONG, answer.POSSIBLE, answer.NONE, answer.UNSEARCHED)
}
ALL_MADE |= {f"second.{kind}.words" for kind in SECOND}


def test_both_languages_say_the_same_things_with_the_same_facts():
    en, es = (catalogue(language) for language in LANGUAGES)
    assert en.keys() == es.keys()
    for key, words in en.items():
        assert placeholders(words) == placeholders(es[key]), key
        assert words.strip(), key
        assert es[key].strip(), key


def test_translated_and_not_copied():
    es = catalogue("es")
    same = {key for key, words in catalogue("en").items() if es[key] == words}
    assert same == {"finger.with_state", "say.finger"}  # nothing but placeholders


def test_every_word_that_is_asked_for_is_there():
    asked = set(re.findall(r'say\("([a-z_.]+)"', SCRIPTS)) | set(re.findall(r't\["([\w.]+)"\]', TEMPLATES))
    asked |= set(re.findall(r'data-t(?:-label)?="([\w.]+)"', TEMPLATES))
    asked |= set(re.findall(r'"((?:notice|unlock|form)\.[a-z_]+)"', PYTHON))
    assert asked - set(catalogue("en")) == set()
    assert ALL_MADE - set(catalogue("en")) == set()


def test_no_word_is_there_for_nothing():
    everything = SCRIPTS + PYTHON + TEMPLATES
    unused = {k for k in catalogue("en") if f'"{k}"' not in everything} - ALL_MADE
    assert unused == set()


def test_the_reasons_are_those_of_the_extraction():
    for reason in Reason:
        assert catalogue("en")[f"reason.{reason}"] == WORDS["en"][reason]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_complete_before_any_script_has_run(language):
    html = page.render_page(language, device="kiosk-1")
    assert f'lang="{language}"' in html
    assert catalogue(language)["meaning.not_title"] in html
    assert "{{" not in html
    # every step has its section, every label its field, every id is there once
    for step in (*Step, "locked"):
        assert f'id="step-{step}"' in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for kind in ("for", "aria-labelledby", "aria-describedby"):
        for named in re.findall(rf'\b{kind}="([^"]+)"', html):
            assert set(named.split()) <= set(ids), named


def test_nothing_comes_from_outside_and_nothing_is_inline():
    for path in [*STATIC.iterdir(), *page.TEMPLATES.iterdir()]:
        text = path.read_text("utf-8")
        links = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert links == set(), path.name
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=", TEMPLATES)
    assert "innerHTML" not in SCRIPTS


def test_words_are_plain_text_files():
    for language in LANGUAGES:
        assert "<" not in Path(FOLDER / f"{language}.json").read_text("utf-8")


def test_an_unknown_language_is_an_error():
    with pytest.raises(KeyError):
        catalogue("xx")
