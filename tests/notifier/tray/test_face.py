"""What the icon and its tooltip tell, as tables."""

from datetime import datetime

import pytest

from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.face import TOOLTIP_LIMIT, IconState, icon_state, tooltip

OPEN, CONNECTING, CLOSED = ReadyState.OPEN, ReadyState.CONNECTING, ReadyState.CLOSED
CI = StreamStatus("ci", OPEN)
NEWS = StreamStatus("news", CONNECTING)
HOME = StreamStatus("home", CONNECTING, "connection refused", is_outage=True)
GONE = StreamStatus("gone", CLOSED, "the server answered 404")
DONE = StreamStatus("done", CLOSED)
NOON = datetime(2026, 3, 2, 12).astimezone().timestamp()


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
        (Status((HOME,), snoozed_until=float("inf")), IconState.PAUSED),
        (Status((CI,), quiet_until=NOON), IconState.PAUSED),
        (Status((CI,), snoozed_until=NOON, problem="a mistake"), IconState.ATTENTION),
    ],
)
def test_the_icon_shows(status: Status, state: IconState) -> None:
    assert icon_state(status) is state


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status(), "starting…"),
        (Status((CI,)), "connected"),
        (Status((CI,), unread=1), "connected\n1 unread"),
        (Status((CI,), unread=12, held=3), "connected\n12 unread\n3 held back"),
        (Status((HOME,)), "offline: connection refused, retrying"),
        (Status((CI,), snoozed_until=float("inf")), "notifications are paused"),
        (Status((CI,), snoozed_until=NOON, told_at=NOON - 60), "notifications are paused until 12:00"),
        (Status((CI,), quiet_until=NOON, told_at=NOON - 60), "quiet hours until 12:00"),
        (Status((CI,), problem="2 mistakes in the configuration"), "2 mistakes in the configuration"),
        (Status((StreamStatus("ci", OPEN, caution="may have missed events"),)), "connected; may have missed events"),
        (Status((CI, CI)), "2 of 2 streams connected"),
        (Status((CI, HOME)), "1 of 2 streams connected\nhome — offline: connection refused, retrying"),
    ],
)
def test_the_tooltip_says(status: Status, text: str) -> None:
    assert tooltip(status) == f"sse-notifier: {text}"


def test_a_tooltip_fits_into_the_windows_shell() -> None:
    many = Status(
        tuple(StreamStatus(f"stream {n} 🔔", CONNECTING, "no route to host " * 9, is_outage=True) for n in range(50)),
        unread=10**9,
    )
    for status in (many, Status(many.streams[:1]), Status(problem="x" * 900)):
        assert len(tooltip(status).encode("utf-16-le")) <= 2 * TOOLTIP_LIMIT
