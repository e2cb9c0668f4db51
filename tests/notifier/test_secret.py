"""What a person may write for a secret."""

import pytest
from pydantic import SecretStr

from notifier.environment import Environment
from notifier.secret import FromCommand, FromFile, FromKeyring, Secret, read

AROUND = Environment({"TOKEN": "s3cret", "BROKEN": "s3cret\nX: 1", "EMPTY": ""}, "/etc/sse")


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("Bearer ${TOKEN}", SecretStr("Bearer s3cret")),
        ({"file": "token"}, FromFile("/etc/sse/token")),
        ({"command": ["pass", "show", "ci"]}, FromCommand(("pass", "show", "ci"))),
        ({"command": ["get", "${TOKEN}"]}, FromCommand(("get", "s3cret"))),
        ({"keyring": "ci/ann"}, FromKeyring("ci", "ann")),
        ({"keyring": "https://ci/ann"}, FromKeyring("https://ci", "ann")),
    ],
)
def test_ways_to_name_a_secret(value: object, secret: Secret) -> None:
    assert read(value, AROUND) == secret


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "is empty"),
        ("${EMPTY}", "is empty"),
        ("${BROKEN}", "holds a line break"),
        ("${NOPE}", "not set in the environment"),
        (7, "is text in quotes, or one of"),
        ([], "is text in quotes, or one of"),
        ({}, "is text in quotes, or one of"),
        ({"file": "a", "command": ["b"]}, "is text in quotes, or one of"),
        ({"file": ""}, "path of a file"),
        ({"file": ["a"]}, "path of a file"),
        ({"fil": "a"}, "not from 'fil'; did you mean file"),
        ({"vault": "a"}, "not from 'vault'$"),
        ({"command": "pass show ci"}, r'such as \["pass"'),
        ({"command": []}, r'such as \["pass"'),
        ({"command": [""]}, r'such as \["pass"'),
        ({"command": ["a", 1]}, r'such as \["pass"'),
        ({"keyring": "ci"}, 'written "service/user"'),
        ({"keyring": "/ann"}, 'written "service/user"'),
    ],
)
def test_what_is_no_secret_is_said_without_telling_it(value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read(value, AROUND)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "secret", [SecretStr("s3cret"), FromFile("/s3cret"), FromCommand(("x", "s3cret")), FromKeyring("ci", "s3cret")]
)
def test_a_secret_is_in_no_repr(secret: Secret) -> None:
    assert "s3cret" not in repr(secret)
