"""server.intake: what publishers send, and what is made of it."""

import pytest

from server.intake import Unreadable, message
from server.wire import InvalidField, Message

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "given", "expected"),
    [
        (b"Backup done", FORM, {}, Message(data="Backup done")),
        (b"a=b&c%20d", FORM, {}, Message(data="a=b&c%20d")),
        (b"line\n", "text/plain", {}, Message(data="line")),
        (b"a\r\nb\r\n", "text/plain", {}, Message(data="a\r\nb")),
        (b"\n\n", "text/plain", {}, Message(data="\n")),
        (b"\xef\xbb\xbfbom", "application/octet-stream", {}, Message(data="bom")),
        (b'{"not": "json type"}', "text/plain", {}, Message(data='{"not": "json type"}')),
        (b"x", FORM, {"topic": "ci", "type": "log"}, Message(topic="ci", type="log", data="x")),
        (b"x", FORM, {"title": "T"}, Message(title="T", body="x")),
        (b"x", FORM, {"urgency": "low", "key": "k"}, Message(body="x", urgency="low", key="k")),
        (b"", FORM, {"title": "T"}, Message(title="T")),
        (b'{"title": "T", "body": null}', JSON, {}, Message(title="T")),
        (b'{"title": "T"}', "application/cloudevents+json", {}, Message(title="T")),
        (b'{"topic": "a", "data": {"n": 1.5}}', JSON, {}, Message(topic="a", data={"n": 1.5})),
        (b'{"topic": "a", "data": "x"}', JSON, {"topic": "b", "key": "k"}, Message(topic="a", key="k", data="x")),
        (b'\xef\xbb\xbf{"data": 0}', JSON, {}, Message(data=0)),
    ],
)
def test_a_message_is_what_its_publisher_means(
    body: bytes, kind: str, given: dict[str, str], expected: Message
) -> None:
    assert message(body, kind, given) == expected


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"titel": "T"}', "titel: no such field; did you mean title?"),
        (b'{"zzz": 1}', "zzz: no such field; known are topic, type"),
        (b'{"title": 1, "body": "b"}', "title: text, in quotes"),
        (b'{"title": ["t"]}', "title: text, in quotes"),
        (b'{"urgency": "high", "body": "b"}', "urgency: one of low, normal, critical"),
        (b'{"link": "ftp://x", "body": "b"}', "link: an absolute http or https URL"),
        (b'{"type": "a\\nb", "body": "b"}', "type: one line"),
        (b'{"type": "reset", "body": "b"}', "type: .*own"),
        (b'{"body": "\\ud800"}', "body: .*surrogate"),
        (b'{"data": {"a": ["\\ud800"]}}', "data: .*surrogate"),
        (b'{"data": {"\\ud800": 1}}', "data: .*surrogate"),
        (b"{}", "body: the message is empty"),
    ],
)
def test_a_wrong_field_is_named(body: bytes, sentence: str) -> None:
    with pytest.raises(InvalidField, match=sentence):
        message(body, JSON, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'"text"', b"NaN", b'{"data": NaN}', b'{"data": 1e999}', b"\xff", b"[" * 100_000, b"1" * 9_999],
    ids=range(10),
)
def test_what_is_no_json_object_is_refused_in_words(body: bytes) -> None:
    with pytest.raises((Unreadable, InvalidField)):
        message(body, JSON, {})


@pytest.mark.parametrize("given", [{"titel": "x"}, {"data": "x"}, {"": "x"}])
def test_a_parameter_that_is_no_field_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidField, match=r"no such field|no parameter"):
        message(b"x", FORM, given)


def test_text_that_is_not_utf_8_says_where() -> None:
    with pytest.raises(Unreadable, match="byte 3"):
        message(b"abc\xff", FORM, {})


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(InvalidField, match="empty"):
        message(b"", FORM, {"topic": "a"})
