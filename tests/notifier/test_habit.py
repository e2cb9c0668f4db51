"""The longer a stream is followed, the better it is told."""

import json

from notifier.habit import Habit
from notifier.notification import Notification
from notifier.payload import Json
from notifier.rules import Rules
from notifier.sse import Event


def reading(number: int) -> dict[str, object]:
    return {f"setting_{letter}": letter for letter in "abcdefghij"} | {"load": number, "fan": number * 2}


def test_fields_that_differ_are_told_before_those_that_always_say_the_same() -> None:
    rules = Rules("rack", base="")
    told = []
    for number in range(6):
        [notification] = rules.decide(Event("message", json.dumps(reading(number)), ""), number)
        assert isinstance(notification, Notification)
        told.append(notification.body)
    assert "load" not in told[0]
    assert told[5].startswith("load: 5 · fan: 10 · setting a: a")


def test_small_objects_and_other_values_stay_as_they_are() -> None:
    habit = Habit()
    values: tuple[Json, ...] = ({"status": "failed", "job": 1}, [1, 2], "text", None)
    for value in values:
        assert habit.arrange(value) is value


def test_memory_is_bounded() -> None:
    habit = Habit()
    for number in range(1_000):
        habit.arrange({f"k{number}-{n}": [n] for n in range(300)})
    assert len(habit._usual) <= 200
