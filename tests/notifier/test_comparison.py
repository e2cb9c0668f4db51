"""notifier.comparison: what was told beside what would be told now."""

import pytest

from notifier.comparison import Change, Difference, Outcome, Result, Timed, compare
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.sample import Sample
from notifier.sse import Event

EVENT = Event("message", "x", "1", "1")
FAILED = Notification(stream="ci", title="Failed")
GRAVE = Notification(stream="ci", title="It failed", urgency=Urgency.CRITICAL, row=7)
OTHER = Notification(stream="ci", title="Other")
GONE = Withdrawal(stream="ci", key="k")


def told(*outcomes: Outcome, at: float = 1.0, event: Event | None = EVENT, is_alive: bool = False) -> Timed:
    return at, Sample(event, outcomes, "" if outcomes else "a rule is silent", is_alive)


def results(found: list[Difference]) -> list[Result]:
    return [difference.result for difference in found]


@pytest.mark.parametrize(
    ("was", "now", "result"),
    [
        (told(), told(), Result.SAME),
        (told(FAILED), told(FAILED), Result.SAME),
        (told(FAILED, OTHER), told(OTHER, FAILED), Result.SAME),
        (told(), told(FAILED), Result.NEW),
        (told(FAILED), told(), Result.DROPPED),
        (told(FAILED), told(GRAVE), Result.CHANGED),
        (told(FAILED), told(FAILED, OTHER), Result.CHANGED),
        (told(FAILED, OTHER), told(OTHER), Result.CHANGED),
        (told(FAILED), told(GONE), Result.CHANGED),
        (told(), told(GONE), Result.NEW),
        (None, told(FAILED), Result.UNKNOWN),
        (None, told(), Result.UNKNOWN),
    ],
)
def test_an_event_is_the_same_or_changed_or_new_or_dropped(was: Timed | None, now: Timed, result: Result) -> None:
    assert results(compare([was], [now], by_history=False)) == [result]


def test_each_field_that_a_person_sees_is_compared() -> None:
    button = Notification(stream="ci", title="It failed", actions=(Action("Log", "https://a.example/"),), resident=True)
    (found,) = compare([told(GRAVE)], [told(button)], by_history=False)
    assert found.pairs[0].changes == (
        Change("urgency", "critical", "normal"),
        Change("actions", "", "Log: https://a.example/"),
        Change("resident", "", "true"),
    )


def test_what_the_history_does_not_keep_is_no_difference_to_it() -> None:
    run = Notification(stream="ci", title="Failed", command=("beep",))
    assert results(compare([told(FAILED)], [told(run, GONE)], by_history=True)) == [Result.SAME]
    assert results(compare([told(FAILED)], [told(run)], by_history=False)) == [Result.CHANGED]


def test_signs_of_life_are_left_out_unless_they_were_told() -> None:
    alive = told(is_alive=True)
    assert compare([told(), None], [alive, alive], by_history=False) == []
    assert results(compare([told(FAILED)], [alive], by_history=False)) == [Result.DROPPED]


def test_what_was_told_because_time_had_passed_is_found_by_its_moment() -> None:
    was = [told(FAILED, at=9.0, event=None), told(OTHER, at=9.5, event=None), told(FAILED, at=300.0, event=None)]
    now = [told(OTHER, at=9.0, event=None), told(GRAVE, at=10.0, event=None), told(FAILED, at=600.0, event=None)]
    assert [(d.at, d.result) for d in compare(was, now, by_history=False)] == [
        (9.0, Result.SAME),
        (10.0, Result.CHANGED),
        (300.0, Result.DROPPED),
        (600.0, Result.NEW),
    ]


def test_where_the_history_knows_nothing_it_does_not_say_that_nothing_was_told() -> None:
    now = [told(), told(OTHER, at=9.0, event=None)]
    assert results(compare([None], now, by_history=True)) == [Result.UNKNOWN, Result.UNKNOWN]
