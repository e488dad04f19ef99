"""The bench's page: right verdict, everything told, nothing in it that is not its own."""

from html.parser import HTMLParser

import pytest

from hardware.bench.report import UnreadableResults, make_page, read_results
from hardware.bench.report.results import Outcome

PNG = b"\x89PNG\r\n\x1a\n made up"


def junit(cases, properties=""):
    return (
        '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" time="12.5" hostname="bench"'
        f' timestamp="2026-01-02T03:04:05.678+00:00"><properties>{properties}</properties>{cases}'
        "</testsuite></testsuites>"
    )


def case(name, inner="", seconds=1.0):
    return f'<testcase classname="tests.hil.test_power" name="{name}" time="{seconds}">{inner}</testcase>'


def prop(name, value):
    return f'<property name="{name}" value="{value}" />'


@pytest.fixture
def run_of(tmp_path):
    def read(cases, properties=""):
        path = tmp_path / "junit.xml"
        path.write_text(junit(cases, properties))
        return read_results(path)

    return read


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.attributes = []
        self.text = ""
        self.open = []
        self.unbalanced = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        self.text += data


def test_all_passed_is_passed(run_of, tmp_path):
    run = run_of(
        case("test_unplugged_and_plugged_in_again") + case("test_b", '<skipped message="no board" />')
    )
    assert run.passed
    page = Tags(make_page(run, folder=tmp_path))
    assert page.text.strip().startswith("Bench: Passed")
    assert "unplugged and plugged in again" in page.text
    assert "no board" in page.text
    assert "1 passed, 0 failed, 1 skipped in 12 s" in page.text


@pytest.mark.parametrize("tag", ["failure", "error"])
def test_one_failure_is_failed_and_says_why(run_of, tmp_path, tag):
    run = run_of(
        case("test_a") + case("test_b", f'<{tag} message="it broke&#10;more">the whole story</{tag}>')
    )
    assert not run.passed
    page = Tags(make_page(run, folder=tmp_path))
    assert page.text.strip().startswith("Bench: Failed")
    assert "it broke" in page.text
    assert "the whole story" in page.text


def test_nothing_tested_is_not_passed(run_of, tmp_path):
    run = run_of(case("test_a", '<skipped message="nobody there" />'))
    assert not run.passed
    assert "Nothing was tested" in make_page(run, folder=tmp_path)


def test_a_failure_whose_clean_up_failed_too_is_one(run_of):
    failed = case("test_a", '<failure message="first">1</failure>')
    run = run_of(failed + case("test_a", '<error message="second">2</error>'))
    assert run.count(Outcome.FAILED) == 1
    assert run.tests[0].reason == "first"


def test_a_test_that_passed_and_whose_clean_up_failed_has_failed(run_of):
    run = run_of(case("test_a") + case("test_a", '<error message="second">2</error>'))
    assert run.count(Outcome.FAILED) == 1
    assert run.count(Outcome.PASSED) == 0


def test_the_page_is_whole_html_and_fetches_nothing(run_of, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(PNG)
    recorded = (
        f"<properties>{prop('image', 'images/a.png')}{prop('figure:speed', '3 s')}{prop('bytes', 'bytes/a')}"
    )
    properties = prop("kiosk:firmware", "1.2.3") + prop("counter:boots", "3") + prop("counter:tampers", "0")
    run = run_of(case("test_a", recorded + "</properties>"), properties + prop("fingers", "made up"))
    page = Tags(make_page(run, folder=tmp_path))
    assert page.unbalanced == []
    assert page.open == []
    loaded = [
        value for tag, name, value in page.attributes if name == "src" or (tag == "link" and name == "href")
    ]
    assert len(loaded) == 1
    assert loaded[0].startswith("data:image/png;base64,")
    for told in ("firmware", "1.2.3", "speed", "3 s", "bytes/a", "boots", "1 more counters are 0"):
        assert told in page.text


def test_names_and_messages_cannot_write_html(run_of, tmp_path):
    hostile = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x"
    inner = f'<failure message="{hostile}">{hostile}</failure>'
    run = run_of(case(hostile, inner), prop(f"kiosk:{hostile}", hostile) + prop("ENV_CONFIG", hostile))
    page = Tags(make_page(run, folder=tmp_path))
    assert not any(tag == "script" or name == "onload" for tag, name, _ in page.attributes)
    assert "<script" not in make_page(run, folder=tmp_path)


@pytest.mark.parametrize(("fingers", "warned"), [("of real people", True), ("made up", False)])
def test_prints_of_real_people_come_with_a_warning(run_of, tmp_path, fingers, warned):
    (tmp_path / "a.png").write_bytes(PNG)
    run = run_of(
        case("test_a", f"<properties>{prop('image', 'a.png')}</properties>"), prop("fingers", fingers)
    )
    assert ("prints of real people" in make_page(run, folder=tmp_path)) is warned


def test_an_image_that_is_gone_is_left_out(run_of, tmp_path):
    run = run_of(case("test_a", f"<properties>{prop('image', 'images/gone.png')}</properties>"))
    assert "<img" not in make_page(run, folder=tmp_path)


@pytest.mark.parametrize("content", [None, "", "<testsuites>", "<testsuites />"])
def test_results_that_cannot_be_read_say_what_to_do(tmp_path, content):
    path = tmp_path / "junit.xml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableResults, match="make hil") as caught:
        read_results(path)
    assert caught.value.path == path
