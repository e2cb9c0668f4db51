"""What the agent tells the person, and what the person may ask of it.  Pure.

The agent makes a :class:`Status` after every change; the tray draws it.  The tray makes a
:class:`Command` of every click; the agent obeys it.  Both are frozen, so they may cross threads.
"""

from dataclasses import dataclass
from enum import StrEnum

from notifier.notification import Notification
from notifier.source import ReadyState


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How one stream is doing."""

    name: str
    ready_state: ReadyState
    detail: str = ""
    """Why it is not open, in one sentence; empty while it is, and before the first attempt."""
    is_outage: bool = False
    """Whether to call it offline."""
    is_soon_back: bool = False
    """Whether it only closed as many streams do on purpose: nothing to flicker about."""
    last_heard: float | None = None
    """Seconds since the epoch of the last byte, a keep-alive's too, when this was made; None before the first.
    A byte alone makes no new status; one comes every few seconds, and at once for `Verb.LOOK`."""
    caution: str = ""
    """What a person must keep in mind although it is connected; empty mostly."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the whole program is doing."""

    streams: tuple[StreamStatus, ...] = ()
    paused: bool = False
    """Bubbles are held; the streams go on."""
    last_notification: Notification | None = None
    told_at: float | None = None
    """Seconds since the epoch when this was made; what `last_heard` is compared with."""


class Verb(StrEnum):
    """What a person may ask for."""

    PAUSE = "pause"
    RESUME = "resume"
    RECONNECT = "reconnect"
    OPEN = "open"
    """Open the link of the last notification."""
    LOOK = "look"
    """Tell the status as it is now; a menu is about to show it."""
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """One request of the person."""

    verb: Verb
