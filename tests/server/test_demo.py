"""server.demo: plays that say what they promise."""

from itertools import islice
from random import Random

import pytest

from server import wire
from server.demo import PLAYS
from server.wire import Message


def test_hello_is_the_classic_first_example_once_a_second() -> None:
    for pause, message in islice(PLAYS["hello"](Random(1)), 3):
        assert pause == 1.0
        assert isinstance(message, Message)
        assert wire.event(message.text, type=message.type) == b"data: Hello, world!\n\n"


@pytest.mark.parametrize("name", PLAYS)
def test_every_play_goes_on_and_takes_a_breath(name: str) -> None:
    steps = list(islice(PLAYS[name](Random(1)), 500))
    assert len(steps) == 500
    assert sum(pause for pause, _ in steps) > 1
    assert all(pause >= 0 for pause, _ in steps)


def test_the_build_story_has_failures_that_are_critical_and_can_be_opened() -> None:
    messages = [message for _, message in islice(PLAYS["build"](Random(1)), 40) if isinstance(message, Message)]
    failures = [message for message in messages if message.urgency == "critical"]
    assert failures
    assert all(message.link and message.link.startswith("https://") for message in messages)
    assert all("failed" in (message.title or "") for message in failures)


def test_a_build_takes_the_place_of_its_own_bubble() -> None:
    first, second = [message for _, message in islice(PLAYS["build"](Random(1)), 2) if isinstance(message, Message)]
    assert first.key == second.key


def test_flood_comes_in_waves_of_a_hundred_at_once() -> None:
    pauses = [pause for pause, _ in islice(PLAYS["flood"](Random(1)), 201)]
    assert [index for index, pause in enumerate(pauses) if pause] == [0, 100, 200]


def test_broken_sends_what_no_message_can() -> None:
    raw = b"".join(step for _, step in islice(PLAYS["broken"](Random(1)), 9) if isinstance(step, bytes))
    for evil in (b"\xff", b"\x00", b"\x1b", b"<b>", b"\rdata:", b"\xef\xbb\xbf", b"id: no\x00good"):
        assert evil in raw
