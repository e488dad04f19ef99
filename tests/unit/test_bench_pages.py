"""The bench's page keeps up with what it describes."""

import re
from pathlib import Path

import pytest

from hardware.bench import drawings

BENCH = Path(drawings.__file__).parent
PAGE = (BENCH / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", drawings.ALL)
def test_the_pictures_are_those_that_the_script_draws(name):
    assert (drawings.PICTURES / name).read_text("utf-8") == drawings.ALL[name]()


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert len(links) > 8
    missing = [link for link in links if not (BENCH / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", sorted((BENCH / "environments").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_environment_is_in_the_page(path):
    assert f"environments/{path.name}" in PAGE


def test_every_class_of_the_real_environment_is_explained():
    text = (BENCH / "environments" / "real.yaml").read_text("utf-8")
    classes = set(re.findall(r"- ([A-Z]\w+):", text))
    assert len(classes) > 8
    assert [name for name in sorted(classes) if name not in PAGE] == []


def test_every_option_is_explained():
    conftest = (BENCH.parents[1] / "tests" / "hil" / "conftest.py").read_text("utf-8")
    options = re.findall(r'addoption\(\s*"(--hil-[a-z]+)"', conftest)
    assert len(options) == 4
    assert [option for option in options if option not in PAGE] == []


def test_what_the_page_runs_is_there():
    for module in set(re.findall(r"python -m ([a-z_.]+[a-z])", PAGE)):
        assert (BENCH.parents[1] / f"{module.replace('.', '/')}.py").exists(), module
