"""server.view: the bytes that each kind of subscriber gets."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.eventlog import Record
from server.view import View, covers

RECORD = Record(7, "e:7", 1.5, "ci", "build", "one\ntwo")


def test_a_plain_connection_gets_the_event_as_it_is() -> None:
    assert View(chunked=False).of(RECORD) == b"id: e:7\nevent: build\ndata: one\ndata: two\n\n"


def test_a_chunked_connection_gets_the_event_as_one_chunk() -> None:
    assert View().of(RECORD) == b"2a\r\nid: e:7\nevent: build\ndata: one\ndata: two\n\n\r\n"


def test_an_envelope_puts_everything_into_the_data_of_an_untyped_event() -> None:
    head, data, *rest = View(chunked=False, envelope=True).of(RECORD).split(b"\n")
    assert head == b"id: e:7"
    assert rest == [b"", b""]
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "build",
        "topic": "ci",
        "time": 1.5,
        "id": "e:7",
        "data": "one\ntwo",
    }


@pytest.mark.parametrize("reason", ["unknown", "expired"])
def test_a_reset_speaks_to_programs_and_to_people(reason: str) -> None:
    first, second, data, *_ = View(chunked=False).reset("e:3", reason).split(b"\n")
    assert (first, second) == (b"id: e:3", b"event: reset")
    fields = json.loads(data.removeprefix(b"data: "))
    assert fields["reason"] == reason
    assert fields["title"] == "Events may be missing"
    assert fields["body"].endswith("follows.") or fields["body"].endswith("What it has follows.")


def test_a_reset_in_an_envelope_is_untyped() -> None:
    reset = View(chunked=False, envelope=True).reset("e:3", "unknown")
    assert b"event:" not in reset
    envelope = json.loads(reset.split(b"\n")[1].removeprefix(b"data: "))
    assert envelope["type"] == "reset"
    assert json.loads(envelope["data"])["reason"] == "unknown"


@pytest.mark.parametrize(
    ("topics", "types", "topic", "type_", "wanted"),
    [
        ((), (), "any", "any", True),
        (("ci",), (), "ci", "x", True),
        (("ci",), (), "ci2", "x", False),
        (("ci",), (), "CI", "x", False),
        (("a", "b"), (), "b", "x", True),
        (("b*",), (), "build", "x", True),
        (("b*",), (), "ab", "x", False),
        (("*b",), (), "ab", "x", True),
        (("a*c*e",), (), "abcde", "x", True),
        (("a*c*e",), (), "abcd", "x", False),
        (("*",), (), "a/b", "x", True),
        (("a.c",), (), "abc", "x", False),
        ((), ("log", "build"), "t", "build", True),
        ((), ("log",), "t", "message", False),
        (("ci",), ("log",), "ci", "log", True),
        (("ci",), ("log",), "ops", "log", False),
    ],
)
def test_a_view_wants_what_was_asked_for(
    topics: tuple[str, ...], types: tuple[str, ...], topic: str, type_: str, wanted: bool
) -> None:
    record = Record(1, "e:1", 0.0, topic, type_, "x")
    view = View(topics=topics, types=types)
    assert view.wants(record) is wanted
    assert bool(view.of(record)) is wanted


def test_no_pattern_takes_long() -> None:
    view = View(topics=("*a" * 60,))
    assert not view.wants(Record(1, "e:1", 0.0, "a" * 127 + "b", "message", "x"))


@given(st.text("ab*", max_size=8), st.text("ab*", max_size=8))
def test_a_star_stands_for_any_characters(pattern: str, topic: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), topic)
    assert covers((pattern,), topic) == bool(expected)
