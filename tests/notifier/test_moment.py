"""Moments as a person writes them."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from notifier import moment
from notifier.errors import UsageError

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone(timedelta(hours=9)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("45s", NOW - timedelta(seconds=45)),
        ("30m", NOW - timedelta(minutes=30)),
        ("1.5h", NOW - timedelta(minutes=90)),
        (" 3 d ", NOW - timedelta(days=3)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-20", NOW.replace(day=20, hour=0)),
        ("2026-11-20T08:15", NOW.replace(day=20, hour=8, minute=15)),
        ("2026-11-20 08:15", NOW.replace(day=20, hour=8, minute=15)),
        ("2026-11-20T08:15Z", datetime(2026, 11, 20, 8, 15, tzinfo=UTC)),
        ("08:15", NOW.replace(hour=8, minute=15)),
    ],
)
def test_a_moment_is_understood(text: str, meant: datetime) -> None:
    assert moment.parse(text, NOW, NOW.tzinfo) == meant.timestamp()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set here")
def test_a_day_beyond_a_change_of_the_clocks_begins_at_its_own_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        now = datetime(2026, 11, 26, 12).astimezone()
        assert moment.parse("2026-10-01", now) == datetime(2026, 9, 30, 22, tzinfo=UTC).timestamp()
        assert moment.parse("2026-11-01", now) == datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "5y", "-3h", "3", "2026-13-01", "25:00", "٣h", "9" * 50 + "h"])
def test_anything_else_is_answered_with_what_may_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="is no moment; write 30m, 2h"):
        moment.parse(text, NOW)
