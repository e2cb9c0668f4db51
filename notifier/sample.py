"""An event in, what would become of it out, and why nothing would: for whoever wants to see it without being told it.

It records nothing and shows nothing; what `run` finds out by its history, that an event was told before, it remembers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from notifier.language import _
from notifier.line import Line
from notifier.notification import Notification, Withdrawal
from notifier.sse import Event

IDENTITIES_LIMIT = 100_000
"""Identities that are remembered."""
JUST_AFTER = 0.001
"""Seconds by which a rule that waits is asked too late, so that a number that was rounded is not asked in vain."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One event, and what would become of it."""

    event: Event | None
    """None where time has passed, and a rule waited for that."""
    outcomes: tuple[Notification | Withdrawal, ...]
    silent: str = ""
    """Why there is none."""
    is_alive: bool = False
    """Whether it is only a sign of life."""


class Sampler:
    """What the events of one line would become."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._told: dict[str, float] = {}
        """Until when, by `now`, an identity means the same event."""

    def take(self, event: Event, now: float) -> Sample:
        """What would become of it; `now` is in seconds and never runs backwards."""
        line = self.line
        decided, _place = line.decide([event], event.last_event_id, now)
        outcomes = [
            each if isinstance(each, Withdrawal) else each.notification
            for each in decided
            if isinstance(each, Withdrawal) or self._is_new(each.dedupe_key, each.lifetime, now)
        ]
        if outcomes:
            return Sample(event, tuple(outcomes))
        silent = _("it was told before") if decided else line.why_silent
        if line.refusal is not None:
            silent = str(line.refusal)
        return Sample(event, (), silent, line.is_alive(event))

    def pass_time(self, begin: float, end: float) -> Iterator[tuple[float, Sample]]:
        """When, and what would be told, because it is first `begin` and then `end`, without an event between them."""
        now = begin
        while (wait := self.line.next_due(now)) is not None and now + wait + JUST_AFTER <= end:
            now += wait + JUST_AFTER
            # Each by itself, as the history has them.
            for entry in self.line.due(now):
                yield now, Sample(None, (entry.notification,))

    def _is_new(self, identity: str | None, lifetime: float, now: float) -> bool:
        if identity is None:
            return True
        until = self._told.pop(identity, now)
        self._told[identity] = now + lifetime
        if len(self._told) > IDENTITIES_LIMIT:
            del self._told[next(iter(self._told))]
        return until <= now
