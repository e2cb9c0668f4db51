"""The rows of the menu, as tables."""

import math
import unicodedata
from collections.abc import Iterator
from datetime import datetime

import pytest

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.face import IconState
from notifier.tray.label import LABEL_LIMIT, TITLE_LIMIT
from notifier.tray.menu import MORE_LIMIT, STREAMS_LIMIT, Entry, Row, Snooze, menu

OPEN, CONNECTING, CLOSED = ReadyState.OPEN, ReadyState.CONNECTING, ReadyState.CLOSED
CI = StreamStatus("ci", OPEN, site="https://ci.example/")
HOME = StreamStatus("home", CONNECTING, "connection refused", is_outage=True)
BUILD = Notification(stream="ci", title="Build 7 failed", link="https://ci.example/7", row=7)
DOOR = Notification(stream="home", title="The door is open", row=6)
OLD = tuple(Notification(stream="ci", title=f"Build {n} failed", row=n) for n in range(6, -2, -1))
NOON = datetime(2026, 3, 2, 12).astimezone().timestamp()


def labels(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.label if isinstance(entry, Row) else "----" for entry in entries]


def walk(entries: tuple[Entry, ...]) -> Iterator[Row]:
    for entry in entries:
        if isinstance(entry, Row):
            yield entry
            yield from walk(entry.submenu)


def row(status: Status, *path: str) -> Row:
    entries = menu(status)
    for label in path:
        (found,) = [entry for entry in entries if isinstance(entry, Row) and entry.label == label]
        entries = found.submenu
    return found


def test_plain_texts_that_are_headed_by_their_stream_can_be_told_apart() -> None:
    said = tuple(
        Notification(stream="home", title="home", body=body, row=1) for body in ("Backup done", "Two\nlines", "")
    )
    shown = labels(menu(Status((HOME,), recent=said, told_at=NOON)))
    assert shown[3:6] == ["Backup done", "Two", "home"]


def test_the_whole_menu() -> None:
    streams = (StreamStatus("ci", OPEN, unread=1), HOME)
    assert labels(menu(Status(streams, recent=(BUILD, DOOR), unread=1, autostart=True))) == [
        "ci — connected (1 unread)",
        "home — offline: connection refused, retrying",
        "----",
        "Open the newest of 1 unread",
        "Build 7 failed — ci",
        "The door is open — home",
        "Mark all read",
        "----",
        "Quiet now",
        "Snooze",
        "----",
        "Reconnect now",
        "Show history",
        "Edit configuration",
        "Start at login",
        "About sse-notifier",
        "----",
        "Quit",
    ]


def test_before_the_first_status_the_menu_is_whole_too() -> None:
    assert labels(menu(Status()))[:3] == ["No streams yet", "----", "No notifications yet"]
    assert not row(Status(), "Reconnect now").enabled
    assert row(Status(), "Quit").enabled
    assert "Start at login" not in labels(menu(Status()))


UNREAD = Status((CI, HOME), recent=(BUILD, DOOR), unread=2, autostart=False)
CONNECTED, OFFLINE = "ci — connected", "home — offline: connection refused, retrying"


@pytest.mark.parametrize(
    ("status", "path", "command"),
    [
        (UNREAD, [CONNECTED, "Mute"], Command(Verb.MUTE, stream="ci")),
        (UNREAD, [CONNECTED, "Reconnect now"], Command(Verb.RECONNECT, stream="ci")),
        (UNREAD, [CONNECTED, "Open its site"], Command(Verb.OPEN_SITE, stream="ci")),
        (UNREAD, [OFFLINE, "Copy the last error"], Command(Verb.COPY_ERROR, stream="home")),
        (UNREAD, ["Open the newest of 2 unread"], Command(Verb.OPEN)),
        (UNREAD, ["Build 7 failed — ci"], Command(Verb.OPEN, row=7)),
        (UNREAD, ["The door is open — home"], Command(Verb.OPEN, row=6)),
        (UNREAD, ["Mark all read"], Command(Verb.READ)),
        (UNREAD, ["Quiet now"], Snooze.RESUMED),
        (UNREAD, ["Snooze", "For 15 minutes"], Snooze.QUARTER),
        (UNREAD, ["Snooze", "For 1 hour"], Snooze.HOUR),
        (UNREAD, ["Snooze", "Until tomorrow morning"], Snooze.TOMORROW),
        (UNREAD, ["Snooze", "Until I resume"], Snooze.RESUMED),
        (UNREAD, ["Reconnect now"], Command(Verb.RECONNECT)),
        (UNREAD, ["Show history"], Command(Verb.HISTORY)),
        (UNREAD, ["Edit configuration"], Command(Verb.EDIT)),
        (UNREAD, ["Start at login"], Command(Verb.AUTOSTART, on=True)),
        (UNREAD, ["About sse-notifier"], Command(Verb.ABOUT)),
        (UNREAD, ["Quit"], Command(Verb.QUIT)),
        (Status((CI,), autostart=True), ["Start at login"], Command(Verb.AUTOSTART, on=False)),
        (Status((CI,), snoozed_until=math.inf), ["Resume notifications"], Command(Verb.RESUME)),
        (Status((CI,), snoozed_until=math.inf, held=3), ["Resume notifications, 3 held back"], Command(Verb.RESUME)),
        (
            Status((CI,), snoozed_until=NOON, told_at=NOON - 60),
            ["Resume notifications (paused until 12:00)"],
            Command(Verb.RESUME),
        ),
        (Status((StreamStatus("a", OPEN, muted=True),)), ["a — muted, connected", "Mute"], Command(Verb.UNMUTE, "a")),
        (Status(problem="A mistake in the configuration"), ["A mistake in the configuration"], Command(Verb.EDIT)),
    ],
)
def test_a_click_asks_for(status: Status, path: list[str], command: Command | Snooze) -> None:
    assert row(status, *path).command == command
    assert row(status, *path).enabled


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (UNREAD, [CONNECTED, "Copy the last error"]),
        (UNREAD, [OFFLINE, "Open its site"]),
        (Status((CI,), recent=(BUILD,)), ["Nothing is unread"]),
        (Status((CI,), recent=(BUILD,)), ["Mark all read"]),
        (Status((CI,), quiet_until=NOON, told_at=NOON - 60), ["Quiet hours until 12:00"]),
        (Status((CI,), quiet_until=NOON, told_at=NOON - 60, held=2), ["Quiet hours until 12:00, 2 held back"]),
    ],
)
def test_what_would_do_nothing_cannot_be_clicked(status: Status, path: list[str]) -> None:
    assert not row(status, *path).enabled


@pytest.mark.parametrize(
    ("snooze", "until"),
    [
        (Snooze.QUARTER, datetime(2026, 3, 28, 22, 45).astimezone().timestamp()),
        (Snooze.HOUR, datetime(2026, 3, 28, 23, 30).astimezone().timestamp()),
        (Snooze.TOMORROW, datetime(2026, 3, 29, 8).astimezone().timestamp()),
        (Snooze.RESUMED, math.inf),
    ],
)
def test_a_snooze_is_counted_from_the_click(snooze: Snooze, until: float) -> None:
    now = datetime(2026, 3, 28, 22, 30).astimezone()
    assert snooze.command(now) == Command(Verb.SNOOZE, until=until)


@pytest.mark.parametrize(
    ("status", "command"),
    [(UNREAD, Command(Verb.OPEN)), (Status((CI,), recent=(BUILD,)), Command(Verb.HISTORY))],
)
def test_a_left_click_opens_the_newest_unread_or_else_the_history(status: Status, command: Command) -> None:
    assert [found.command for found in walk(menu(status)) if found.default] == [command]


def test_ticks_tell_what_is_on() -> None:
    assert [row(Status(autostart=on), "Start at login").checked for on in (True, False)] == [True, False]
    muted = Status((StreamStatus("a", OPEN, muted=True), StreamStatus("b", OPEN)))
    assert row(muted, "a — muted, connected", "Mute").checked is True
    assert row(muted, "b — connected", "Mute").checked is False
    assert {r.label for r in walk(menu(muted)) if r.checked is not None} == {"Mute"}


def test_signs_tell_the_state_of_a_stream() -> None:
    status = Status((CI, HOME, StreamStatus("a", OPEN, muted=True)), problem="!")
    assert [r.sign for r in walk(menu(status)) if r.sign is not None] == [
        IconState.ATTENTION, IconState.CONNECTED, IconState.OFFLINE, IconState.PAUSED,
    ]  # fmt: skip


def test_the_reason_is_there_in_full_below_the_stream() -> None:
    reason = "the server answered 401 Unauthorized; check the token, or ask who runs it for a new one"
    (top,) = [r for r in walk(menu(Status((StreamStatus("ci", CLOSED, reason),)))) if r.submenu][:1]
    assert "…" in top.label
    assert labels(top.submenu)[0] == reason


def test_earlier_notifications_are_a_menu_of_their_own() -> None:
    shown = labels(menu(Status((CI,), recent=OLD)))
    assert shown[3:9] == [*[f"Build {n} failed" for n in (6, 5, 4, 3, 2)], "Earlier"]
    earlier = row(Status((CI,), recent=OLD), "Earlier")
    assert labels(earlier.submenu) == [f"Build {n} failed" for n in (1, 0, -1)]


def test_many_streams_are_in_a_menu_of_their_own_and_long_text_is_cut() -> None:
    streams = tuple(
        StreamStatus("s" * 500, CONNECTING, "d" * 500, is_outage=True, unread=10**9, muted=True) for _ in range(1_000)
    )
    last = Notification(stream="s" * 60, title="t" * 200, row=1)
    entries = menu(Status(streams, recent=(last,), unread=10**9, problem="p" * 500))
    more = f"… and {1_000 - STREAMS_LIMIT} more, {1_000 - STREAMS_LIMIT} of them not connected"
    assert more in labels(entries)
    below = row(Status(streams), more).submenu
    assert len(below) == MORE_LIMIT + 1
    assert labels(below)[-1] == f"… and {1_000 - STREAMS_LIMIT - MORE_LIMIT} more"
    assert max(len(found.label) for found in walk(entries)) <= 2 * LABEL_LIMIT
    assert any(found.label.startswith("t" * (TITLE_LIMIT - 1) + "…") for found in walk(entries))


def test_no_name_or_title_can_reorder_the_rest_of_its_row() -> None:
    evil = Notification(stream="a\u202eb", title="\u202etitle", row=1)
    status = Status(
        (StreamStatus("a\u202eb", CONNECTING, "c\u2067d", is_outage=True),), recent=(evil,), problem="\u202e"
    )
    for found in walk(menu(status)):
        classes = {unicodedata.bidirectional(c) for c in found.label}
        assert not classes & {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"}


def test_a_row_that_acts_and_opens_a_submenu_cannot_be() -> None:
    with pytest.raises(ValueError, match="not both"):
        Row(label="x", command=Command(Verb.QUIT), submenu=(Row(label="y"),))
