"""What the agent tells the person, and what the person may ask of it.  Pure.

The agent makes a :class:`Status` after every change; the tray draws it.  The tray makes a
:class:`Command` of every click; the agent obeys it.  Both are frozen, so they may cross threads.
"""

from dataclasses import dataclass
from enum import StrEnum

from notifier.notification import Notification
from notifier.source import ReadyState

RECENT = 10
"""Notifications that a status tells of."""


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
    unread: int = 0
    """Notifications that the person has not seen to."""
    muted: bool = False
    """Its bubbles are held until it is unmuted."""
    quiet_until: float | None = None
    """Its bubbles are held until then, by quiet hours; `inf` if they never end, None if there are none now."""
    kind: str = ""
    """What kind of stream it is taken for; empty if nothing is known about it."""
    site: str | None = None
    """An absolute http or https URL to look at it in a browser."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the whole program is doing.  Times are seconds since the epoch."""

    streams: tuple[StreamStatus, ...] = ()
    recent: tuple[Notification, ...] = ()
    """The newest notifications, newest first, at most `RECENT`; each knows its row."""
    unread: int = 0
    """The sum of the streams' that are not muted."""
    snoozed_until: float | None = None
    """Bubbles are held until then, by request; `inf` until they are resumed, None if they are not."""
    quiet_until: float | None = None
    """When the first quiet hours end, if all streams have some now; None if not."""
    held: int = 0
    """Notifications that wait for a summary, but for those of muted streams."""
    problem: str = ""
    """What needs the person's attention, in one sentence; empty mostly."""
    autostart: bool | None = None
    """Whether the program starts at login; None if that cannot be known.  The agent does not know; whoever starts it
    may."""
    told_at: float | None = None
    """When this was made; what the other times are compared with."""


class Verb(StrEnum):
    """What a person may ask for."""

    SNOOZE = "snooze"
    """Hold all bubbles until a time."""
    RESUME = "resume"
    """Snooze no longer."""
    MUTE = "mute"
    """Hold the bubbles of one stream."""
    UNMUTE = "unmute"
    RECONNECT = "reconnect"
    """Connect one stream anew, or all."""
    READ = "read"
    """Mark one notification as read, or all."""
    OPEN = "open"
    """Open the link of a notification and mark it as read: of this one, or else of the newest that is unread, or else
    of the newest."""
    OPEN_SITE = "open site"
    """Open the site of a stream."""
    COPY_ERROR = "copy error"
    """Copy why a stream is not open."""
    HISTORY = "history"
    """Show past notifications."""
    EDIT = "edit"
    """Open the configuration."""
    AUTOSTART = "autostart"
    """Start at login, or no longer."""
    ABOUT = "about"
    LOOK = "look"
    """Tell the status as it is now; a menu is about to show it."""
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """One request of the person; a field that the verb does not speak of is None."""

    verb: Verb
    stream: str | None = None
    """Name of the stream that is meant; of `RECONNECT` and `HISTORY` None is all."""
    row: int | None = None
    """Row of the notification that is meant; None is all of them for `READ`, and the best one for `OPEN`."""
    until: float | None = None
    """Of `SNOOZE`: seconds since the epoch; `inf` until `RESUME`."""
    on: bool | None = None
    """Of `AUTOSTART`."""
    token: str = ""
    """What the desktop gave with the click, so that what it opens may come to the front; empty mostly."""

    def __post_init__(self) -> None:
        assert (self.until is not None) == (self.verb is Verb.SNOOZE), "a snooze, and nothing else, has an end"
        assert (self.on is not None) == (self.verb is Verb.AUTOSTART), "only what starts at login is on or off"
