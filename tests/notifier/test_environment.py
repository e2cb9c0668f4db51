"""What `${NAME}` and `~` mean."""

import pytest

from notifier.environment import Environment

AROUND = Environment({"TOKEN": "s3cret", "HOME": "/home/ann", "EMPTY": ""}, "/etc/sse")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("${TOKEN}", "s3cret"),
        ("a ${TOKEN} b ${TOKEN}", "a s3cret b s3cret"),
        ("[${EMPTY}]", "[]"),
        ("$TOKEN costs $5", "$TOKEN costs $5"),
        ("$${TOKEN}", "${TOKEN}"),
        ("$${TOKEN} ${TOKEN}", "${TOKEN} s3cret"),
    ],
)
def test_variables_take_their_places(text: str, filled: str) -> None:
    assert AROUND.fill(text) == filled


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("${NOPE}", r"needs \$\{NOPE\}, which is not set in the environment"),
        ("${TOKEN", "is not closed"),
        ("${}", "is not closed"),
        ("${a b}", "is not closed"),
    ],
)
def test_what_cannot_be_filled_is_said_without_any_value(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        AROUND.fill(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/run/token", "/run/token"),
        ("token", "/etc/sse/token"),
        ("~/token", "/home/ann/token"),
        ("~bob/token", "/etc/sse/~bob/token"),
        ("${HOME}/token", "/home/ann/token"),
    ],
)
def test_a_path_starts_at_the_configuration_file_or_at_home(text: str, path: str) -> None:
    assert AROUND.path(text) == path


def test_a_path_from_home_needs_one() -> None:
    with pytest.raises(ValueError, match="no home directory"):
        Environment().path("~/token")


def test_an_environment_hides_its_values() -> None:
    assert "s3cret" not in repr(AROUND)
