"""What shall be quiet, and the time, in; which streams are silent, and until when, out.  Pure.

Three things silence a stream: a snooze, which silences all of them until a time; muting that one stream; its quiet
hours.  The first two hold critical notifications, too: the person is there and has just said so.  Quiet hours say
themselves whether they do.  All times are seconds since 1970.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from notifier.hours import QuietHours, begins_next, in_force_until

EVERYTHING = ""
"""In place of a stream's name: a snooze.  No stream has this name."""

Hours = tuple[QuietHours, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """What is silent at a moment."""

    lanes: frozenset[tuple[str, bool]] = frozenset()
    """Names of streams, and whether their critical notifications are meant, or all others."""
    snoozed_until: float | None = None
    """`inf` has no end; None is no snooze."""
    muted: frozenset[str] = frozenset()
    """Streams that are muted, be they followed or not."""
    quiet_until: Mapping[str, float] = field(default_factory=dict)
    """When the quiet hours of these streams end that are in force."""
    until: float = math.inf
    """When this is out of date."""


class Quiet:
    """What shall be silent.

    Args:
        silences: Names of muted streams and, for a snooze, `EVERYTHING`; each with its end.
    """

    def __init__(self, silences: Mapping[str, float]) -> None:
        self._silences = dict(silences)
        self._hours: dict[str, Hours] = {}

    def follow(self, hours: Mapping[str, Hours]) -> None:
        """These are the streams, and their quiet hours."""
        self._hours = dict(hours)

    def silence(self, name: str, until: float | None) -> None:
        """Have a stream, or `EVERYTHING`, be silent until then, or no longer."""
        self._silences.pop(name, None)
        if until is not None:
            self._silences[name] = until

    def at(self, now: float) -> Silence:
        """What is silent `now`."""
        asked = {name: until for name, until in self._silences.items() if until > now}
        snoozed_until = asked.pop(EVERYTHING, None)
        quiet = {hours: _Turns(hours, now) for hours in set(self._hours.values())}
        lanes: set[tuple[str, bool]] = set()
        for stream, hours in self._hours.items():
            is_silent = snoozed_until is not None or stream in asked
            if is_silent or quiet[hours].until is not None:
                lanes.add((stream, False))
            if is_silent or quiet[hours].critical_until is not None:
                lanes.add((stream, True))
        ends = [*asked.values(), snoozed_until, *(turn for turns in quiet.values() for turn in turns.all)]
        in_force = ((stream, quiet[hours].until) for stream, hours in self._hours.items())
        return Silence(
            lanes=frozenset(lanes),
            snoozed_until=snoozed_until,
            muted=frozenset(asked),
            quiet_until={stream: until for stream, until in in_force if until is not None},
            until=min((end for end in ends if end is not None), default=math.inf),
        )


class _Turns:
    """What some quiet hours say at a moment, and when they say something else."""

    def __init__(self, hours: Iterable[QuietHours], now: float) -> None:
        hours = list(hours)
        self.until = in_force_until(hours, now)
        self.critical_until = in_force_until([each for each in hours if each.critical == "hold"], now)
        self.all = (self.until, self.critical_until, begins_next(hours, now))
