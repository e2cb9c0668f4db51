"""server.auth: whom a token lets in, and to what."""

from base64 import b64encode
from collections.abc import Iterator

import pytest

from server import auth
from server.auth import Grant, InvalidTokens

ALL = Grant("all", auth.digest("secret"))
CI = Grant("ci", auth.digest("other"), ("ci/*", "ops"), ("ci/*",))
GRANTS = (ALL, CI)


def basic(pair: bytes) -> str:
    return "Basic " + b64encode(pair).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer secret", ALL),
        ("bearer  secret ", ALL),
        ("Bearer other", CI),
        (basic(b":secret"), ALL),
        (basic(b"anybody:other"), CI),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer wrong", None),
        ("Bearer secre", None),
        ("Bearer secret2", None),
        ("Bearer " + ALL.digest, None),
        ("Bearer \udcff", None),
        ("Digest secret", None),
        ("secret", None),
        (basic(b"secret"), None),
        (basic(b"secret:"), None),
        (basic(b"\xff:secret"), None),
        ("Basic ***", None),
        ("Basic \udcff", None),
        ("Bearer " + "x" * 100_000, None),
    ],
    ids=ascii,
)
def test_a_header_grants_what_its_token_does(header: str | None, expected: Grant | None) -> None:
    assert auth.grant(header, GRANTS) is expected


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("ci/main", True),
        ("ci/", True),
        ("ci/*", True),
        ("ci/a*", True),
        ("ci", False),
        ("c*", False),
        ("*", False),
        ("ops", True),
        ("ops2", False),
        ("op*", False),
        ("*s", False),
    ],
)
def test_a_grant_covers_a_pattern_only_if_it_covers_all_that_it_stands_for(topic: str, allowed: bool) -> None:
    assert CI.may_publish(topic) is allowed
    assert CI.may_subscribe(topic) is (allowed and topic != "ops")
    assert ALL.may_publish(topic)


def test_a_file_of_tokens_is_read_as_it_was_written() -> None:
    assert auth.load(auth.dump(GRANTS)) == GRANTS
    assert auth.load("[]") == ()


@pytest.mark.parametrize("text", ["", "{", "{}x", "[1]", "[{}]", '[{"name": "x"}]', '{"a": 1}', "null"])
def test_a_file_that_holds_no_tokens_is_refused(text: str) -> None:
    with pytest.raises(InvalidTokens):
        auth.load(text)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 129])
def test_a_name_that_could_not_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidTokens):
        Grant(name, "")


class Unequal(str):
    """A digest that must not be looked at with ==, which ends at the first difference."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared in a time that tells how much of it is right")

    def __ne__(self, other: object) -> bool:
        raise AssertionError("compared in a time that tells how much of it is right")


def test_a_token_is_compared_in_constant_time_and_with_every_one_there_is() -> None:
    grants = [Grant(name, Unequal(auth.digest(name))) for name in ("first", "second", "third")]
    looked_at = []

    def all_of_them() -> Iterator[Grant]:
        for each in grants:
            looked_at.append(each.name)
            yield each

    for token, found in (("first", "first"), ("third", "third"), ("wrong", None)):
        looked_at.clear()
        grant = auth.grant(f"Bearer {token}", all_of_them())
        assert (grant and grant.name) == found
        assert looked_at == ["first", "second", "third"]
