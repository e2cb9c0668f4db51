"""Quiet hours as a person writes them in; whether they are in force, until when, and when they begin next, out.  Pure.

The clock on the wall decides: quiet hours begin at the first moment of a day at which it shows `from` or later, and end
at the last moment at which it shows `to`, however its zone moves it meanwhile.  All moments are seconds since 1970.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from notifier.language import _

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
"""As `datetime.weekday` counts them."""
FOR_EVER = 8 * 86_400.0
"""Seconds; what is quiet for longer than a week is quiet in every week."""
LOOK_BACK, LOOK_AHEAD = 2, 9
"""Days around the present on which quiet hours that matter now may begin."""


def _time_of_day(value: object) -> time:
    try:
        if isinstance(value, time):  # TOML has times of its own: 22:00:00
            return value.replace(tzinfo=None, microsecond=0)
        if isinstance(value, str) and len(value) == len("22:00"):
            return time.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(_('is no time of day; write "22:30", and midnight is "00:00"'))


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a directory, a way out of the database, not found
        near = get_close_matches(name, available_timezones(), n=1)
        raise ValueError(_("is no time zone; did you mean {meant}?", meant=(near or ["Europe/Berlin"])[0])) from None
    return name


def _some(days: tuple[Day, ...]) -> tuple[Day, ...]:
    if not days:
        raise ValueError(_("is an empty list; leave it out for all days, or take these quiet hours out"))
    return days


TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
TimeZone = Annotated[str, AfterValidator(_known_zone)]


class QuietHours(BaseModel):
    """Hours of some days in which bubbles are held back, for one summary at their end."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    start: TimeOfDay = Field(alias="from")
    """When they begin, such as `"22:00"`."""
    end: TimeOfDay = Field(alias="to")
    """When they end, such as `"07:00"`: on the next day if it is not later than `from`."""
    days: Annotated[tuple[Day, ...], AfterValidator(_some)] = DAYS
    """The days on which they begin."""
    time_zone: TimeZone | None = None
    """Whose clock it is, such as `"Europe/Berlin"`; without one, this machine's."""
    critical: Literal["pass", "hold"] = "pass"
    """Whether critical notifications are shown all the same."""

    def periods(self, now: float) -> Iterator[tuple[float, float]]:
        """Begin and end of each period around `now`, in order; none is empty."""
        zone = ZoneInfo(self.time_zone) if self.time_zone else None
        today = datetime.fromtimestamp(now, zone).date()
        for offset in range(-LOOK_BACK, LOOK_AHEAD):
            day = today + timedelta(offset)
            if DAYS[day.weekday()] in self.days:
                last = day + timedelta(days=self.end <= self.start)
                begin, end = first_moment(day, self.start, zone), last_moment(last, self.end, zone)
                if begin < end:
                    yield begin, end


def in_force_until(hours: Iterable[QuietHours], now: float) -> float | None:
    """When the quiet that is in force `now` ends; `inf` if it never does, None if there is none."""
    periods = sorted(period for each in hours for period in each.periods(now))
    end = now
    for begin, ends in periods:
        if begin <= end < ends:
            end = ends
    if end == now:
        return None
    return end if end - now < FOR_EVER else math.inf


def begins_next(hours: Iterable[QuietHours], now: float) -> float | None:
    """When quiet hours begin after `now`, be others in force or not; None if there are none."""
    return min((begin for each in hours for begin, _end in each.periods(now) if begin > now), default=None)


def first_moment(day: date, clock: time, zone: tzinfo | None) -> float:
    """When the clock first shows `clock` on `day`; if it skips that, when it skips.

    Args:
        day: In the zone.
        clock: Without a zone.
        zone: None is this machine's.
    """
    return _moment(datetime.combine(day, clock, zone))


def last_moment(day: date, clock: time, zone: tzinfo | None) -> float:
    """When the clock last shows `clock` on `day`; if it skips that, when it skips.  See `first_moment`."""
    return _moment(datetime.combine(day, clock, zone).replace(fold=1))


def _moment(local: datetime) -> float:
    moment = local.timestamp()
    if _shown(moment, local.tzinfo) == local.replace(tzinfo=None, fold=0):
        return moment
    # The clock is set forward over `local` (PEP 495: a gap).  The two folds lie on either side of that.
    before, after = sorted(math.floor(local.replace(fold=fold).timestamp()) for fold in (0, 1))
    shift = _shift(before, local.tzinfo)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _shift(middle, local.tzinfo) == shift else (before, middle)
    return float(after)


def _shown(moment: float, zone: tzinfo | None) -> datetime:
    """What the clock shows then."""
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0)


def _shift(moment: float, zone: tzinfo | None) -> timedelta:
    """How far the clock is ahead of UTC then."""
    return _shown(moment, zone) - datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
