"""What the tray says, as tables."""

import math
import unicodedata

import pytest

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.menu import (
    LABEL_LIMIT,
    STREAMS_LIMIT,
    TITLE_LIMIT,
    TOOLTIP_LIMIT,
    Entry,
    IconState,
    Row,
    icon_state,
    menu,
    safe,
    tooltip,
)

OPEN, CONNECTING, CLOSED = ReadyState.OPEN, ReadyState.CONNECTING, ReadyState.CLOSED
CI = StreamStatus("ci", OPEN)
NEWS = StreamStatus("news", CONNECTING)
HOME = StreamStatus("home", CONNECTING, "connection refused", is_outage=True)
GONE = StreamStatus("gone", CLOSED, "the server answered 404")
DONE = StreamStatus("done", CLOSED)
BUILD = Notification(stream="ci", title="Build 7 failed", link="https://ci.example/7")
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
PLAIN = Notification(stream="ci", title="Just so you know")


def labels(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.label if isinstance(entry, Row) else "----" for entry in entries]


def row(status: Status, label: str) -> Row:
    (found,) = [entry for entry in menu(status) if isinstance(entry, Row) and entry.label == label]
    return found


def test_the_whole_menu() -> None:
    status = Status((CI, NEWS, HOME, GONE, DONE), recent=(BUILD,))
    assert labels(menu(status)) == [
        "ci — connected",
        "news — connecting…",
        "home — offline: connection refused, retrying",
        "gone — stopped: the server answered 404",
        "done — ended",
        "----",
        "Build 7 failed",
        "----",
        "Pause notifications",
        "Reconnect now",
        "----",
        "Quit",
    ]


def test_before_the_first_status_the_menu_is_whole_too() -> None:
    assert labels(menu(Status()))[:3] == ["No streams yet", "----", "No notifications yet"]
    assert not row(Status(), "Reconnect now").enabled
    assert row(Status(), "Quit").enabled


@pytest.mark.parametrize(
    ("status", "label", "command"),
    [
        (Status((CI,)), "Pause notifications", Command(Verb.SNOOZE, until=math.inf)),
        (Status((CI,), snoozed_until=math.inf), "Resume notifications", Command(Verb.RESUME)),
        (Status((CI,)), "Reconnect now", Command(Verb.RECONNECT)),
        (Status((CI,), recent=(BUILD,)), "Build 7 failed", Command(Verb.OPEN)),
        (Status((CI,)), "Quit", Command(Verb.QUIT)),
    ],
)
def test_a_click_asks_for(status: Status, label: str, command: Command) -> None:
    assert row(status, label).command == command
    assert row(status, label).enabled


def test_a_left_click_opens_the_last_notification_if_it_can_be_opened() -> None:
    assert row(Status(recent=(BUILD,)), "Build 7 failed").default
    told = row(Status(recent=(PLAIN,)), "Just so you know")
    assert (told.enabled, told.default) == (False, False)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status(), IconState.CONNECTING),
        (Status((CI,)), IconState.CONNECTED),
        (Status((CI, CI)), IconState.CONNECTED),
        (Status((CI, NEWS)), IconState.CONNECTING),
        (Status((StreamStatus("stellar", CONNECTING, is_soon_back=True),)), IconState.CONNECTED),
        (Status((CI, NEWS, HOME)), IconState.DEGRADED),
        (Status((CI, GONE)), IconState.DEGRADED),
        (Status((HOME, NEWS)), IconState.DEGRADED),
        (Status((DONE,)), IconState.OFFLINE),
        (Status((HOME, GONE)), IconState.OFFLINE),
        (Status((HOME,), snoozed_until=math.inf), IconState.PAUSED),
    ],
)
def test_the_icon_shows(status: Status, state: IconState) -> None:
    assert icon_state(status) is state


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status(), "sse-notifier: starting…"),
        (Status((CI,)), "sse-notifier: connected"),
        (Status((HOME,)), "sse-notifier: offline: connection refused, retrying"),
        (Status((CI,), snoozed_until=math.inf), "sse-notifier: notifications are paused"),
        (
            Status((StreamStatus("ci", OPEN, caution="may have missed events"),)),
            "sse-notifier: connected; may have missed events",
        ),
        (Status((CI, CI)), "sse-notifier: 2 of 2 streams connected"),
        (
            Status((CI, HOME)),
            "sse-notifier: 1 of 2 streams connected\nhome — offline: connection refused, retrying",
        ),
    ],
)
def test_the_tooltip_says(status: Status, text: str) -> None:
    assert tooltip(status) == text


def test_a_tooltip_fits_into_the_windows_shell() -> None:
    many = Status(
        tuple(StreamStatus(f"stream {n} 🔔", CONNECTING, "no route to host " * 9, is_outage=True) for n in range(50))
    )
    for status in (many, Status(many.streams[:1])):
        assert len(tooltip(status).encode("utf-16-le")) <= 2 * TOOLTIP_LIMIT


def test_many_streams_are_counted_and_long_text_is_cut() -> None:
    streams = tuple(StreamStatus("s" * 500, CONNECTING, "d" * 500, is_outage=True) for _ in range(1_000))
    last = Notification(stream="s", title="t" * 200)
    entries = menu(Status(streams, recent=(last,)))
    assert len(entries) == STREAMS_LIMIT + 8
    assert f"… and {1_000 - STREAMS_LIMIT} more" in labels(entries)
    assert max(map(len, labels(entries))) <= LABEL_LIMIT + len(" — offline: , retrying")
    assert "t" * (TITLE_LIMIT - 1) + "…" in labels(entries)


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


def test_no_name_or_title_can_reorder_the_rest_of_its_row() -> None:
    status = Status((StreamStatus("a\u202eb", CONNECTING, "c\u2067d", is_outage=True),), recent=(PLAIN,))
    for label in labels(menu(status)):
        assert not {unicodedata.bidirectional(c) for c in label} & {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}
    assert labels(menu(Status((StreamStatus("\u202e", OPEN),))))[0] == "? — connected"


def test_a_row_that_acts_and_opens_a_submenu_cannot_be() -> None:
    with pytest.raises(ValueError, match="not both"):
        Row(label="x", command=Command(Verb.QUIT), submenu=(Row(label="y"),))


def test_a_connection_that_asks_for_caution_says_so() -> None:
    status = Status((StreamStatus("lamps", ReadyState.OPEN, caution="its certificate is not checked"),))
    assert labels(menu(status))[0] == "lamps — connected; its certificate is not checked"


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
    status = Status((StreamStatus("ci", OPEN, last_heard=1_000_000.0),), told_at=1_000_000.0 + silence)
    [row, *_] = menu(status)
    assert isinstance(row, Row)
    assert row.label == f"ci — {text}"
    assert tooltip(status) == f"sse-notifier: {text}"
