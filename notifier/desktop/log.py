"""A notification in, a few lines of text for the terminal out.  It opens no file and prints nothing itself."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from notifier.desktop.text import with_progress
from notifier.language import _
from notifier.notification import Notification, Urgency, Withdrawal

MARKS: Final = {Urgency.LOW: "·", Urgency.NORMAL: "•", Urgency.CRITICAL: "!"}
INDENT: Final = " " * len("00:00:00 • ")
SAFE = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), "")
"""Without Unicode's bidirectional controls, which could make one line of a terminal read as another ..."""
SAFE |= dict.fromkeys(map(ord, "\u2028\u2029"), " ")
"""... and without its separators of lines and paragraphs."""


def local_time() -> datetime:
    return datetime.now().astimezone()


class LogDesktop:
    """Bubbles as lines in a terminal.

    Args:
        write: takes the lines of one bubble, without a newline at the end.
        clock: the time that is shown with each.
    """

    hears = False

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime] = local_time) -> None:
        self._write, self._clock = write, clock

    @property
    def name(self) -> str:
        return _("this terminal")

    async def show(self, notification: Notification) -> None:
        """Write it; this does not fail unless `write` does."""
        self._write(lines(notification, self._clock()))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """What was shown here cannot be taken back."""

    async def close(self) -> None:
        """There is nothing to let go of."""


def lines(notification: Notification, time: datetime) -> str:
    """Time, mark of the urgency and title; below, indented, the body and the link."""
    told = with_progress(notification.body, notification.progress)
    body = told.split("\n") if told else []
    below = [*body, *([notification.link] if notification.link else [])]
    below += [f"{action.label}: {action.link}" for action in notification.actions]
    head = f"{time:%H:%M:%S} {MARKS[notification.urgency]} {safe(notification.title)}"
    return "\n".join([head, *(f"{INDENT}{safe(line)}".rstrip() for line in below)])


def safe(text: str) -> str:
    """One line that reads as it is written.  Control characters were refused by the notification."""
    return text.translate(SAFE)
