"""What the parts of the agent know in, how all is doing out.  Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from notifier.entry import Counts
from notifier.notification import Notification
from notifier.quiet import Silence
from notifier.status import Status, StreamStatus


def standing(
    streams: Iterable[StreamStatus],
    recent: Sequence[Notification],
    counts: Mapping[str, Counts],
    silence: Silence,
    *,
    held: int,
    problem: str,
    now: float,
) -> Status:
    """The status of the whole program.

    Args:
        streams: How each is doing, as far as its line knows.
        recent: The newest notifications, newest first.
        counts: What waits for the person on each stream on which anything does.
        silence: What is silent now.
        held: Notifications that wait for the end of a silence.
        problem: See :class:`~notifier.status.Status`.
        now: Seconds since the epoch.
    """
    known = tuple(
        replace(
            stream,
            unread=counts.get(stream.name, Counts()).unread,
            muted=stream.name in silence.muted,
            quiet_until=silence.quiet_until.get(stream.name),
        )
        for stream in streams
    )
    return Status(
        known,
        tuple(recent),
        unread=sum(stream.unread for stream in known if not stream.muted),
        snoozed_until=silence.snoozed_until,
        quiet_until=_earliest([stream.quiet_until for stream in known]),
        held=held,
        problem=problem,
        told_at=now,
    )


def _earliest(ends: Sequence[float | None]) -> float | None:
    """When the first of them ends, if none has ended."""
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None
