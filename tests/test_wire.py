"""From server.wire to notifier.sse: what one writes is what the other reads, however it is cut."""

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.sse import Event, EventStreamParser
from server import wire
from server.demo import PLAYS
from server.view import View

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAME = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=wire.NAME_LIMIT)


def parsed(stream: bytes, size: int | None = None) -> list[Event]:
    parser = EventStreamParser()
    size = size or max(1, len(stream))
    return [event for start in range(0, len(stream), size) for event in parser.feed(stream[start : start + size])]


@given(data=TEXT, type_=NAME, id_=NAME, size=st.integers(1, 50))
def test_every_event_arrives_as_it_was_sent(data: str, type_: str, id_: str, size: int) -> None:
    stream = wire.retry(1) + wire.comment() + wire.event(data, type=type_, id=id_) + wire.comment()
    expected = data.replace("\r\n", "\n").replace("\r", "\n")
    assert parsed(stream, size) == [Event(type_, expected, id_, id_)]


@pytest.mark.parametrize(
    "data", ["", "\n", "a", "a\n", "\na", " a", "a\r\n\r\nb", ": c", "id: 1", "\u2028", "\x00", "\ufeff"]
)
@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
def test_odd_data_arrives_as_it_was_sent(data: str, size: int) -> None:
    stream = wire.event(data, id="1") + wire.event("next", id="2")
    assert parsed(stream, size) == [
        Event("message", data.replace("\r\n", "\n"), "1", "1"),
        Event("message", "next", "2", "2"),
    ]


def test_a_mark_moves_the_last_event_id_and_is_no_event() -> None:
    parser = EventStreamParser()
    assert parser.feed(wire.retry(2000) + wire.mark("e:7")) == []
    assert (parser.last_event_id, parser.reconnection_time) == ("e:7", 2000)


def test_a_reset_is_an_event_that_names_where_the_log_begins() -> None:
    [event] = parsed(View(chunked=False).reset("e:3", "expired"))
    assert (event.type, event.last_event_id) == ("reset", "e:3")


def test_bad_bytes_on_purpose_are_eight_texts_a_round() -> None:
    rounds = b""
    for _, step in islice(PLAYS["broken"](Random(1)), 18):
        rounds += step if isinstance(step, bytes) else wire.event(step.text)
    texts = [event.data for event in parsed(rounds, 1_000)]
    assert len(texts) == 16
    assert "line ends\nof all three\nkinds" in texts
    assert "an honest message, to show that the stream still lives" in texts
