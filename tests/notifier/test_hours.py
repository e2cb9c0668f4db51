"""When it is quiet, on calendars of the whole world and in the nights in which clocks are set."""

import math
import os
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from notifier.hours import DAYS, QuietHours, begins_next, first_moment, in_force_until, last_moment

BERLIN = "Europe/Berlin"
ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]


def hours(start: str, end: str, *days: str, zone: str = BERLIN, critical: str = "pass") -> QuietHours:
    fields = {"from": start, "to": end, "days": days or DAYS, "time_zone": zone, "critical": critical}
    return QuietHours.model_validate(fields)


def at(text: str, zone: str = BERLIN, *, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


NIGHTS = hours("22:00", "07:00")
OFFICE = hours("09:00", "17:00", "mon", "tue", "wed", "thu", "fri")
WEEKEND = hours("00:00", "00:00", "sat", "sun")
ALWAYS = hours("00:00", "00:00")


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ([NIGHTS], "2026-11-25T21:59:59", None),
        ([NIGHTS], "2026-11-25T22:00", "2026-11-26T07:00"),
        ([NIGHTS], "2026-11-26T00:30", "2026-11-26T07:00"),
        ([NIGHTS], "2026-11-26T07:00", None),
        ([OFFICE], "2026-11-25T12:00", "2026-11-25T17:00"),
        ([OFFICE], "2026-11-28T12:00", None),
        ([hours("22:00", "07:00", "fri")], "2026-11-28T03:00", "2026-11-28T07:00"),
        ([hours("22:00", "07:00", "fri")], "2026-11-27T03:00", None),
        ([WEEKEND], "2026-11-28T00:00", "2026-11-30T00:00"),
        ([WEEKEND, NIGHTS], "2026-11-27T23:00", "2026-11-30T07:00"),
        ([NIGHTS, OFFICE], "2026-11-25T08:00", None),
        ([], "2026-11-25T12:00", None),
        # Clocks are set from 02:00 to 03:00, so the night is an hour shorter.
        ([hours("01:00", "02:30")], "2026-03-29T01:30", "2026-03-29T03:00"),
        ([hours("02:30", "04:00")], "2026-03-29T03:00", "2026-03-29T04:00"),
        ([hours("02:15", "02:45")], "2026-03-29T03:00", None),
        # Clocks are set from 03:00 to 02:00, and show 02:30 twice.
        ([hours("22:00", "07:00")], "2026-10-24T23:00", "2026-10-25T07:00"),
    ],
)
def test_in_force_until(quiet: list[QuietHours], now: str, until: str | None) -> None:
    assert in_force_until(quiet, at(now)) == (until and at(until))


def test_what_the_clock_shows_twice_is_quiet_from_the_first_time_to_the_last() -> None:
    quiet = [hours("02:15", "02:30")]
    assert in_force_until(quiet, at("2026-10-25T02:15")) == at("2026-10-25T02:30", fold=1)
    assert at("2026-10-25T02:30", fold=1) - at("2026-10-25T02:15") == 75 * 60


def test_quiet_hours_that_follow_each_other_without_end_never_end() -> None:
    assert in_force_until([ALWAYS], at("2026-11-25T12:00")) == math.inf
    assert in_force_until([OFFICE, hours("17:00", "09:00"), WEEKEND], at("2026-11-25T12:00")) == math.inf


@pytest.mark.parametrize(
    ("quiet", "now", "begins"),
    [
        ([NIGHTS], "2026-11-25T12:00", "2026-11-25T22:00"),
        ([NIGHTS], "2026-11-25T22:00", "2026-11-26T22:00"),
        ([OFFICE], "2026-11-27T18:00", "2026-11-30T09:00"),
        ([OFFICE, NIGHTS], "2026-11-27T18:00", "2026-11-27T22:00"),
        ([hours("02:30", "04:00")], "2026-03-28T12:00", "2026-03-29T03:00"),
        ([hours("22:00", "23:00", "wed")], "2026-11-25T22:30", "2026-12-02T22:00"),
    ],
)
def test_begins_next(quiet: list[QuietHours], now: str, begins: str) -> None:
    assert begins_next(quiet, at(now)) == at(begins)
    assert begins_next([], at(now)) is None


def test_a_day_that_a_country_leaves_out_is_no_trouble() -> None:
    """Samoa went from the 29th of December 2011 straight to the 31st."""
    night = hours("22:00", "07:00", zone="Pacific/Apia")
    assert in_force_until([night], at("2011-12-29T23:00", "Pacific/Apia")) == at("2011-12-31T07:00", "Pacific/Apia")


CLOCKS = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))
DAYS_OF_CHANGE = st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1)])
MOMENTS = st.integers(1_767_225_600, 1_830_297_600).map(float)
"""From the beginning of 2026 to the end of 2027."""


@given(day=DAYS_OF_CHANGE | st.dates(date(2026, 1, 1), date(2027, 12, 31)), clock=CLOCKS, zone=st.sampled_from(ZONES))
def test_the_first_moment_is_the_first_at_which_the_clock_shows_so_much(day: date, clock: time, zone: str) -> None:
    where = ZoneInfo(zone)
    wanted = datetime.combine(day, clock)
    first, last = first_moment(day, clock, where), last_moment(day, clock, where)
    assert first <= last

    def shown(moment: float) -> datetime:
        return datetime.fromtimestamp(moment, where).replace(tzinfo=None)

    assert shown(first) >= wanted
    assert shown(first - 1) < wanted
    if shown(first) == wanted:
        assert shown(last) == wanted
    else:
        assert first == last, "the clock skips it"
    assert shown(last + 1) > wanted


QUIET = st.lists(
    st.builds(
        hours,
        CLOCKS.map(lambda t: f"{t:%H:%M}"),
        CLOCKS.map(lambda t: f"{t:%H:%M}"),
        st.sampled_from(DAYS),
        zone=st.sampled_from(ZONES),
    ),
    min_size=1,
    max_size=4,
)


@given(quiet=QUIET, now=MOMENTS)
def test_what_is_in_force_stays_so_to_its_end_and_what_is_not_until_it_begins(
    quiet: list[QuietHours], now: float
) -> None:
    until = in_force_until(quiet, now)
    if until is None:
        begins = begins_next(quiet, now)
        assert begins is not None
        assert begins > now
        assert in_force_until(quiet, begins) is not None
        assert in_force_until(quiet, (now + begins) / 2) is None
        return
    assert until > now
    if until == math.inf:
        return
    assert in_force_until(quiet, until) is None
    for between in ((now + until) / 2, until - 1):
        assert between < now or in_force_until(quiet, between) == until


@given(start=CLOCKS, end=CLOCKS, zone=st.sampled_from(ZONES), now=MOMENTS)
def test_where_no_clock_is_set_it_is_quiet_when_the_clock_says_so(
    start: time, end: time, zone: str, now: float
) -> None:
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    if {(local + timedelta(days)).utcoffset() for days in (-2, 0, 2)} != {local.utcoffset()}:
        return
    clock = local.time()
    says = start <= clock < end if start < end else not end <= clock < start
    assert (in_force_until([hours(f"{start:%H:%M}", f"{end:%H:%M}", zone=zone)], now) is not None) == says


def test_without_a_time_zone_this_machine_s_clock_counts() -> None:
    code = (
        "from notifier.hours import *\n"
        "quiet = QuietHours.model_validate({'from': '22:00', 'to': '07:00'})\n"
        "print(in_force_until([quiet], 1774738800.0))"  # 2026-03-29T00:00 in Berlin, the night of the change
    )
    told = subprocess.run([sys.executable, "-c", code], env=os.environ | {"TZ": BERLIN}, capture_output=True, text=True)
    assert told.stdout.strip() == str(at("2026-03-29T07:00")), told.stderr


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"from": "10pm", "to": "07:00"}, "is no time of day"),
        ({"from": "24:00", "to": "07:00"}, "is no time of day"),
        ({"from": 22, "to": "07:00"}, "is no time of day"),
        ({"from": "22:00", "to": "07:00", "days": []}, "is an empty list"),
        ({"from": "22:00", "to": "07:00", "days": ["monday"]}, "'mon'"),
        ({"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlni"}, "did you mean Europe/Berlin?"),
        ({"from": "22:00", "to": "07:00", "time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"from": "22:00", "to": "07:00", "critical": "yes"}, "'pass' or 'hold'"),
        ({"from": "22:00"}, "required"),
    ],
)
def test_what_makes_no_quiet_hours_is_told(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence.replace("?", r"\?")):
        QuietHours.model_validate(fields)


def test_a_time_of_toml_s_own_is_a_time_too() -> None:
    assert QuietHours.model_validate({"from": time(22), "to": time(7)}).start == time(22)
