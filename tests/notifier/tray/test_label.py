"""Lines that strangers cannot spoil, and how a stream is doing in one of them."""

from datetime import datetime, timedelta

import pytest

from notifier.source import ReadyState
from notifier.status import StreamStatus
from notifier.tray.label import clock, safe, stream_label

OPEN, CONNECTING, CLOSED = ReadyState.OPEN, ReadyState.CONNECTING, ReadyState.CLOSED
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\n lines\tand\x00more ", "two lines and more"),
        ("line\u2028paragraph\u2029end", "line paragraph end"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("\u2066\u2067\u2068isolates\u2069", "isolates"),
        ("zero\u200bwidth\ufeff\u2060\u200e\u200f\u061c", "zerowidth"),
        ("half \ud83d pair", "half pair"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
        (PERSIAN, f"\u2068{PERSIAN}\u2069"),
        (HEBREW, f"\u2068{HEBREW}\u2069"),
        ("12345678901", "123456789…"),
        ("\u202e\u200b", ""),
    ],
)
def test_text_of_a_stranger_is_one_harmless_line(text: str, line: str) -> None:
    assert safe(text, 10 if text.startswith("123") else 60) == line


@pytest.mark.parametrize(
    ("stream", "label"),
    [
        (StreamStatus("ci", OPEN), "ci — connected"),
        (StreamStatus("ci", OPEN, unread=1), "ci — connected (1 unread)"),
        (StreamStatus("ci", OPEN, unread=30, muted=True), "ci — muted, connected (30 unread)"),
        (StreamStatus("ci", OPEN, caution="may have missed events"), "ci — connected; may have missed events"),
        (StreamStatus("ci", CONNECTING), "ci — connecting…"),
        (StreamStatus("ci", CONNECTING, is_soon_back=True), "ci — reconnecting…"),
        (StreamStatus("ci", CONNECTING, is_outage=True), "ci — offline: no connection, retrying"),
        (StreamStatus("ci", CONNECTING, "no route", is_outage=True), "ci — offline: no route, retrying"),
        (StreamStatus("ci", CLOSED, "the server answered 404"), "ci — stopped: the server answered 404"),
        (StreamStatus("ci", CLOSED), "ci — ended"),
        (StreamStatus("\u202e", OPEN), "? — connected"),
    ],
)
def test_a_stream_says_how_it_is_doing(stream: StreamStatus, label: str) -> None:
    assert stream_label(stream, None) == label


@pytest.mark.parametrize(
    ("silence", "text"),
    [
        (0.0, "connected, heard just now"),
        (59.9, "connected, heard just now"),
        (-5.0, "connected, heard just now"),
        (60.0, "connected, heard 1 min ago"),
        (3_599.0, "connected, heard 59 min ago"),
        (7_200.0, "connected, heard 2 h ago"),
    ],
)
def test_a_stream_says_how_long_ago_it_was_heard(silence: float, text: str) -> None:
    stream = StreamStatus("ci", OPEN, last_heard=1_000_000.0)
    assert stream_label(stream, 1_000_000.0 + silence) == f"ci — {text}"


def test_a_time_is_told_with_its_day_where_it_is_another_one() -> None:
    noon = datetime(2026, 3, 28, 12).astimezone()  # a night with a change of clocks in many places
    now = noon.timestamp()
    assert clock((noon + timedelta(hours=2, minutes=5)).timestamp(), now) == "14:05"
    assert clock(datetime(2026, 3, 29, 8).astimezone().timestamp(), now) == "tomorrow, 08:00"
    assert clock(datetime(2026, 4, 2, 8).astimezone().timestamp(), now) == "2026-04-02 08:00"
    assert clock(float("inf"), now) == "for ever"
    assert clock(now, None) == "12:00"
