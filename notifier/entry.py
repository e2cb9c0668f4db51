"""What is recorded of an event, how far it comes, and what is known of a stream then.  Pure values of the history."""

from dataclasses import dataclass
from enum import IntEnum

from notifier.notification import Notification


class State(IntEnum):
    """How far a notification came.  It only ever moves forward."""

    RECORDED = 0
    HELD = 1
    """Kept back for a summary, by quiet hours or by the person."""
    SHOWN = 2
    READ = 3
    SILENT = 4
    """For the history only: less urgent than the person wants to see, or taken back before it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event that became a notification."""

    notification: Notification
    event_type: str
    event_id: str | None = None
    """The ID that the event carried itself."""
    dedupe_key: str | None = None
    """What tells this event from others of its stream; None if every one is new."""
    lifetime: float = 0.0
    """Seconds for which the same key means the same event."""
    state: State = State.RECORDED
    """How far it has come when it is recorded."""
    cause: int | None = None
    """Which of the events that are recorded with it; None if it is none of them, or time has passed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a stream was read."""

    since: float
    """When it was first followed."""
    last_event_id: str = ""
    """To resume from; empty if there is none (HTML 9.2.2)."""
    last_event: float | None = None
    """When its last event came, wanted or not; None before the first."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits for the person on one stream."""

    unshown: int = 0
    unread: int = 0
    """Includes the unshown."""
