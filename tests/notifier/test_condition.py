"""When a problem begins, and when it is over; the clock is the test's."""

import pytest

from notifier.condition import Condition, Sight, Turn

BAD, GOOD, UNCLEAR = Sight
BEGAN, OVER = Turn
Step = tuple[float, Sight | None, Turn | None]


@pytest.mark.parametrize(
    ("delay", "steps"),
    [
        (0, [(0, GOOD, None), (1, BAD, BEGAN), (2, BAD, None), (3, GOOD, OVER), (4, GOOD, None), (5, BAD, BEGAN)]),
        (0, [(0, BAD, BEGAN), (1, UNCLEAR, None), (2, BAD, None), (3, UNCLEAR, None), (4, GOOD, OVER)]),
        (0, [(0, UNCLEAR, None), (1, GOOD, None), (2, UNCLEAR, None)]),
        (
            60,
            [(0, BAD, None), (59, None, None), (60, None, BEGAN), (61, None, None), (70, BAD, None), (80, GOOD, OVER)],
        ),
        (60, [(0, BAD, None), (30, BAD, None), (60, None, BEGAN)]),
        (60, [(0, BAD, None), (30, GOOD, None), (40, BAD, None), (60, None, None), (100, None, BEGAN)]),
        (60, [(0, BAD, None), (30, UNCLEAR, None), (60, None, None)]),
        (60, [(0, BAD, None), (90, BAD, BEGAN), (91, GOOD, OVER)]),
        (60, [(0, BAD, None), (90, GOOD, None), (91, GOOD, None)]),
    ],
    ids=["at once", "hysteresis", "unclear", "delay", "still bad", "break", "unclear break", "late", "late and over"],
)
def test_a_condition_turns(delay: float, steps: list[Step]) -> None:
    condition = Condition(delay)
    for now, sight, turn in steps:
        assert (condition.wake(now) if sight is None else condition.see(sight, now)) is turn, now


def test_a_condition_says_when_to_wake_it() -> None:
    condition = Condition(60)
    dues = [condition.due]
    condition.see(BAD, 5)
    dues.append(condition.due)
    condition.wake(65)
    dues.append(condition.due)
    assert dues == [None, 65, None]
