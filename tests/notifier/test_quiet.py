"""What is silent, and until when, as tables."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from notifier.hours import QuietHours
from notifier.quiet import EVERYTHING, Quiet, Silence


def hours(start: str, end: str, critical: str = "pass") -> QuietHours:
    return QuietHours.model_validate({"from": start, "to": end, "time_zone": "Europe/Berlin", "critical": critical})


def at(text: str) -> float:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


NIGHT = (hours("22:00", "07:00"),)
STRICT = (hours("22:00", "07:00"), hours("23:00", "05:00", "hold"))
NOON, EVENING, MIDNIGHT, MORNING = at("25T12:00"), at("25T22:00"), at("26T00:00"), at("26T07:00")


def silence(now: float, **silences: float) -> Silence:
    """Of a stream with quiet hours, one with stricter ones, and one without."""
    quiet = Quiet({EVERYTHING if name == "everything" else name: until for name, until in silences.items()})
    quiet.follow({"ci": NIGHT, "pager": STRICT, "home": ()})
    return quiet.at(now)


CI, PAGER, HOME = ("ci", False), ("pager", False), ("home", False)
CRITICAL_CI, CRITICAL_PAGER, CRITICAL_HOME = ("ci", True), ("pager", True), ("home", True)
ALL = {CI, PAGER, HOME, CRITICAL_CI, CRITICAL_PAGER, CRITICAL_HOME}


@pytest.mark.parametrize(
    ("now", "silences", "lanes", "until"),
    [
        (NOON, {}, set(), EVENING),
        (EVENING, {}, {CI, PAGER}, at("25T23:00")),
        (MIDNIGHT, {}, {CI, PAGER, CRITICAL_PAGER}, at("26T05:00")),
        (at("26T05:00"), {}, {CI, PAGER}, MORNING),
        (MORNING, {}, set(), at("26T22:00")),
        (NOON, {"everything": NOON + 60}, ALL, NOON + 60),
        (NOON, {"everything": NOON}, set(), EVENING),
        (NOON, {"everything": math.inf}, ALL, EVENING),
        (NOON, {"home": math.inf}, {HOME, CRITICAL_HOME}, EVENING),
        (EVENING, {"ci": math.inf}, {CI, CRITICAL_CI, PAGER}, at("25T23:00")),
        (NOON, {"of yesterday": math.inf}, set(), EVENING),
    ],
)
def test_what_is_silent(now: float, silences: dict[str, float], lanes: set[tuple[str, bool]], until: float) -> None:
    found = silence(now, **silences)
    assert found.lanes == lanes
    assert found.until == until


def test_who_asked_for_it_is_told() -> None:
    found = silence(MIDNIGHT, everything=MORNING, home=math.inf)
    assert found.snoozed_until == MORNING
    assert found.muted == {"home"}
    assert found.quiet_until == {"ci": MORNING, "pager": MORNING}


def test_what_was_asked_for_can_be_taken_back() -> None:
    quiet = Quiet({})
    quiet.follow({"home": ()})
    for name in (EVERYTHING, "home"):
        quiet.silence(name, math.inf)
        assert quiet.at(NOON).lanes == {HOME, CRITICAL_HOME}
        quiet.silence(name, None)
        assert quiet.at(NOON) == Silence()


def test_a_silence_that_is_out_of_date_is_followed_by_another() -> None:
    """Nobody who looks again when told to looks without end."""
    now, seen = NOON, 0
    while now < NOON + 7 * 86_400:
        later = silence(now).until
        assert later > now
        now, seen = later, seen + 1
    assert seen == 7 * 4 + 1
