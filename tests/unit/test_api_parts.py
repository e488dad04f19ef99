"""Parts of the API that need no server: tokens, settings, which kind of answer is wanted."""

import pytest

from interchange.settings import SettingsError, load_settings
from matcher_service.api.accept import prefers_svg
from matcher_service.api.tokens import BadTokens, Tokens, add_token
from matcher_service.settings import MatcherSettings


def bearer(token):
    return f"Bearer {token}".encode()


def test_a_token_is_made_kept_as_a_digest_and_known(tmp_path):
    file = tmp_path / "tokens"
    one, two = add_token(file, "console"), add_token(file, "review.desk")
    assert one not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    tokens = Tokens.read(file)
    assert tokens.name_of(bearer(one)) == "console"
    assert tokens.name_of(b"bearer  " + two.encode()) == "review.desk"
    for wrong in (
        b"",
        b"Bearer",
        b"Bearer ",
        bearer(one[:-1]),
        bearer(one + "x"),
        one.encode(),
        b"Basic " + one.encode(),
    ):
        assert tokens.name_of(wrong) is None
    digest = file.read_text().split()[1]
    assert tokens.name_of(bearer(digest)) is None


def test_a_token_is_for_the_repositories_that_its_line_names(tmp_path):
    file = tmp_path / "tokens"
    add_token(file, "console")
    add_token(file, "review.desk", ["immigration", "criminal", "criminal"])
    tokens = Tokens.read(file)
    assert tokens.repositories_of("review.desk") == {"criminal", "immigration"}
    assert tokens.repositories_of("console") == tokens.repositories_of("nobody") == frozenset()
    with pytest.raises(BadTokens, match="no name of a repository"):
        add_token(file, "third", ["a,b"])


def test_a_name_has_one_token(tmp_path):
    file = tmp_path / "tokens"
    add_token(file, "console")
    with pytest.raises(BadTokens, match="take its line out first"):
        add_token(file, "console")
    with pytest.raises(BadTokens, match="is no name"):
        add_token(file, "two words")
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no token"),
        ("# nobody\n\n", "holds no token"),
        ("console secret\n", "line 1"),
        (f"console {'0' * 64} criminal,\n", "line 1"),
        (f"console {'0' * 64} criminal immigration\n", "line 1"),
        ("\xff", "line 1"),
    ],
)
def test_a_file_without_a_right_token_lets_nobody_in(tmp_path, content, words):
    file = tmp_path / "tokens"
    file.write_text(content, encoding="latin-1")
    file.chmod(0o600)
    with pytest.raises(BadTokens, match=words):
        Tokens.read(file)


def test_a_file_that_others_can_read_is_not_trusted(tmp_path):
    file = tmp_path / "tokens"
    add_token(file, "console")
    file.chmod(0o640)
    with pytest.raises(BadTokens, match="chmod 600"):
        Tokens.read(file)
    with pytest.raises(BadTokens, match="chmod 600"):
        add_token(file, "other")
    with pytest.raises(BadTokens, match="api-token NAME"):
        Tokens.read(tmp_path / "none")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_needs_no_tls(host):
    assert load_settings(MatcherSettings, None, [f"api.host={host}"]).api.loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "centre.county.example"])
def test_anything_else_is_refused_without_tls(host):
    with pytest.raises(SettingsError, match=r"certificate and api\.key"):
        load_settings(MatcherSettings, None, [f"api.host={host}"])
    with_tls = ["api.certificate=/c.pem", "api.key=/k.pem"]
    assert not load_settings(MatcherSettings, None, [f"api.host={host}", *with_tls]).api.loopback
    with pytest.raises(SettingsError, match="go together"):
        load_settings(MatcherSettings, None, ["api.certificate=/c.pem"])


@pytest.mark.parametrize(
    ("accept", "svg"),
    [
        ("*/*", False),
        ("application/json", False),
        ("image/svg+xml", True),
        ("image/*", True),
        ("image/svg+xml, application/json", False),
        ("image/svg+xml, application/json;q=0.9", True),
        ("image/svg+xml;q=0, */*", False),
        ("text/html", None),
        ("", None),
        ("image/svg+xml;q=nonsense", None),
    ],
)
def test_which_answer_is_wanted(accept, svg):
    assert prefers_svg(accept) is svg
