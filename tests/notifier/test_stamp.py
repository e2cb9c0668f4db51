"""Moments as programs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import stamp


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1_700_000_000, 1_700_000_000.0),
        (1_700_000_000.25, 1_700_000_000.25),
        (1_700_000_000_784, 1_700_000_000.784),
        (1_700_000_000_784_000, 1_700_000_000.784),
        (1_700_000_000_784_000_000, 1_700_000_000.784),
        ("1700000000", 1_700_000_000.0),
        ("1700000000784", 1_700_000_000.784),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T22:13:20.123456789Z", 1_700_000_000.123456),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000.0),
        ("2023-11-14 22:13:20", 1_700_000_000.0),
        ("2023-11-14", None),
        (42, None),
        (True, None),
        (10**400, None),
        (float("nan"), None),
        ("soon", None),
        ("9999-99-99T99:99:99Z", None),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
        ([], None),
    ],
)
def test_a_moment_is_read_as_programs_write_it(written: object, seconds: float | None) -> None:
    assert stamp.read(written) == pytest.approx(seconds) if seconds else stamp.read(written) is None


def test_where_nobody_said_utc_a_time_without_a_zone_is_none() -> None:
    assert stamp.read("2023-11-14 22:13:20", zone_needed=True) is None
    assert stamp.read("2023-11-14 22:13:20Z", zone_needed=True) == 1_700_000_000.0


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none()))
def test_nothing_breaks_it(value: object) -> None:
    assert stamp.read(value) is None or isinstance(stamp.read(value), float)
