"""server.wire: messages that can be, messages that cannot, and the bytes of those that can."""

import json

import pytest

from server import wire
from server.wire import InvalidField, Message

HOSTILE_NAMES = ["", "a\nb", "a\rb", "a\r\nb", "a\0b", "\n", "a\x1bb", "a\u2028b", "x" * 129, "\ud800"]


@pytest.mark.parametrize("value", HOSTILE_NAMES, ids=ascii)
@pytest.mark.parametrize("field", ["type", "title", "key", "topic"])
def test_a_field_that_could_forge_another_cannot_be_constructed(field: str, value: str) -> None:
    value = value * 10 if field == "title" and len(value) > 100 else value
    with pytest.raises(InvalidField) as refusal:
        Message(data="x", **{field: value})
    assert refusal.value.field == field
    assert str(refusal.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("urgency", "high"),
        ("urgency", ""),
        ("link", "javascript:alert(1)"),
        ("link", "/relative"),
        ("link", "http://"),
        ("link", "http://a b"),
        ("link", "http://[bad"),
        ("link", "http://x/" + "a" * 2_048),
        ("topic", "a b"),
        ("topic", "*"),
        ("topic", "ä"),
        ("type", "reset"),
        ("body", ""),
        ("body", "\ud800"),
        ("data", "\udfff"),
    ],
    ids=ascii,
)
def test_a_field_with_a_value_it_cannot_have_is_named(field: str, value: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        Message(**{field: value})
    assert refusal.value.field == field


def test_a_message_without_anything_to_say_is_refused() -> None:
    with pytest.raises(InvalidField, match="empty"):
        Message(topic="a", urgency="low")


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (Message(data="Backup done"), "Backup done"),
        (Message(data=""), ""),
        (Message(data={"a": [1, None, True], "ü": "ö"}), '{"a":[1,null,true],"ü":"ö"}'),
        (Message(data=0), "0"),
        (Message(data=False), "false"),
        (Message(title="T", body="B\nC"), '{"title":"T","body":"B\\nC"}'),
        (
            Message(topic="ci", title="T", urgency="critical", link="https://x.example/1", key="k", data=[7]),
            '{"title":"T","urgency":"critical","link":"https://x.example/1","key":"k","topic":"ci","data":[7]}',
        ),
        (Message(topic="ci", type="log", data="plain"), "plain"),
    ],
)
def test_data_alone_stays_as_it_is_and_fields_become_an_object(message: Message, data: str) -> None:
    assert message.text == data


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (wire.event("Hello, world!"), b"data: Hello, world!\n\n"),
        (wire.event("x", type="tick", id="e:1"), b"id: e:1\nevent: tick\ndata: x\n\n"),
        (wire.event("x", type="message"), b"data: x\n\n"),
        (wire.event(""), b"data: \n\n"),
        (wire.event(" led"), b"data:  led\n\n"),
        (wire.event("a\nb"), b"data: a\ndata: b\n\n"),
        (wire.event("a\r\nb\rc\n"), b"data: a\ndata: b\ndata: c\ndata: \n\n"),
        (wire.event("a\n\nid: forged\n: c"), b"data: a\ndata: \ndata: id: forged\ndata: : c\n\n"),
        (wire.event("\u2028\x85\x0b\x0c\x1c"), "data: \u2028\x85\x0b\x0c\x1c\n\n".encode()),
        (wire.mark("e:1"), b"id: e:1\n\n"),
        (wire.comment(), b":\n"),
        (wire.retry(2000), b"retry: 2000\n"),
    ],
    ids=ascii,
)
def test_bytes_are_those_of_the_grammar(made: bytes, expected: bytes) -> None:
    assert made == expected


@pytest.mark.parametrize("hostile", HOSTILE_NAMES[1:], ids=ascii)
def test_no_id_and_no_type_can_forge_a_line(hostile: str) -> None:
    with pytest.raises(InvalidField):
        wire.event("x", id=hostile)
    with pytest.raises(InvalidField):
        wire.event("x", type=hostile)
    with pytest.raises(InvalidField):
        wire.mark(hostile)


def test_fields_arrive_as_json_that_any_client_can_read() -> None:
    message = Message(title='Qu"ote', body="a\nb\u2028c", data={"n": 1})
    assert json.loads(message.text) == {"title": 'Qu"ote', "body": "a\nb\u2028c", "data": {"n": 1}}
