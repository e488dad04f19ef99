"""The matcher's galleries on disk, seen from outside: starts, kills, damage, and two matchers of one name."""

import pytest

from hardware.bench.made_up import made_up_minutiae
from matcher_service.galleries import inspect_gallery
from matcher_service.repositories import NewPrint

pytestmark = pytest.mark.system


def colours(reply):
    return {r.name: r.colour.value for r in reply.repositories}


def folder(site, repository="criminal", instance="matcher-1"):
    return site.folder / "galleries" / instance / repository


def test_a_killed_matcher_opens_its_gallery_again(site):
    people = site.enroll("criminal", *range(20))
    first = site.matcher()
    first.wait_for("gallery built from the database")
    site.edge()
    assert colours(site.reply(site.save(3))) == {"criminal": "red"}
    site.enroll("criminal", 30)
    site.repositories.remove("criminal", people[3].identity)
    assert colours(site.reply(site.save(30))) == {"criminal": "red"}
    first.kill()
    again = site.matcher()
    assert "gallery opened" in again.output()
    assert "gallery built" not in again.output()
    assert colours(site.reply(site.save(3))) == {"criminal": "green"}
    assert colours(site.reply(site.save(30))) == {"criminal": "red"}
    assert again.stop() == 0
    assert inspect_gallery(folder(site), verify=True).prints == len(site.repositories.prints("criminal"))


def test_a_damaged_gallery_is_made_anew(site):
    site.enroll("criminal", 1, 2)
    matcher = site.matcher()
    assert matcher.stop() == 0
    (segment,) = folder(site).glob("segment-*")
    segment.write_bytes(b"nothing of the kind")
    matcher = site.matcher()
    assert "wrong magic" in matcher.output()
    assert "damaged" in matcher.output()
    site.edge()
    assert colours(site.reply(site.save(1))) == {"criminal": "red"}


def test_two_matchers_of_one_name_and_of_two(site):
    site.repositories.create("criminal")
    site.repositories.enroll("criminal", [NewPrint.of(2, made_up_minutiae(1))])
    site.matcher()
    same = site.matcher(ready=False)
    assert same.wait(20) == 1
    assert 'instance = "matcher-2"' in same.output()
    site.matcher("instance=matcher-2")
    assert folder(site, instance="matcher-2").is_dir()
