"""Notifications in, those to show now out: the rest is held for one digest that counts up in place.

It keeps no history and drops nothing unseen: what is not shown by itself is counted in a digest, and whoever
records does so before offering.  No clock: `now` is in seconds and never runs backwards.

Each stream has a lane of its own, and its critical notifications have another, so no stream can silence a
second one and no chatter can silence an alarm.  In any `window` seconds a lane opens at most `burst` bubbles;
the last of them is kept for the digest, which from then on counts up in place, at most once per `step`, until
fewer than `burst` notifications come per window again.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from notifier import plaintext
from notifier.notification import TITLE_LIMIT, Notification, Urgency

FEW = 3
"""Notifications that are shown one by one when the gate opens again, and titles that a digest names."""
DIGEST_KEY = "sse-notifier:digest"
CRITICAL_DIGEST_KEY = "sse-notifier:critical-digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much one lane may show."""

    burst: int = 5
    """Bubbles per window, 2 or more; the last is the digest's."""
    window: float = 10.0
    """Seconds."""
    step: float = 1.0
    """Seconds that a held notification waits for company, and between two counts of a digest."""

    def __post_init__(self) -> None:
        if self.burst < 2 or self.window <= 0 or not 0 < self.step <= self.window:
            raise ValueError("a budget has 2 bubbles or more, a window, and a step within it")


class Gate:
    """Show now, or hold for a digest.

    Memory is bounded by the number of streams: a lane keeps `FEW` notifications, a few numbers, and the
    times of its last `burst` bubbles.
    """

    def __init__(self, budget: Budget | None = None, critical: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._critical = critical or self._budget
        self._lanes: dict[tuple[str, bool], _Lane] = {}
        self._holding: dict[tuple[str, bool], _Lane] = {}
        self._shut = False
        self._critical_passes = False

    def offer(self, now: float, notification: Notification) -> list[Notification]:
        """What to show now that this has come: itself, or nothing yet."""
        urgent = notification.urgency is Urgency.CRITICAL
        lane = self._lane(notification.stream, urgent)
        if lane.admits(now, notification, shut=self._is_shut(urgent)):
            return [notification]
        self._holding[notification.stream, urgent] = lane
        return []

    def catch_up(
        self, stream: str, until: float, *, critical: bool = False, waiting: Sequence[Notification] = (), count: int = 0
    ) -> None:
        """Hold what comes from `stream` until then: it was missed, and is told in one digest if it is much.

        Args:
            stream: Its name.
            until: A time of the clock that `now` comes from.
            critical: Whether its critical notifications are meant, or all others.
            waiting: The newest of those that wait already, oldest first.  They take the place of what is held.
            count: How many wait already; 0 leaves what is held.
        """
        lane = self._lane(stream, critical)
        lane.closed_until = max(lane.closed_until, until)
        if count:
            lane.wait(until, waiting, count)
            self._holding[stream, critical] = lane

    def release(self, now: float) -> list[Notification]:
        """What was held and may be shown by now."""
        released = []
        for key, lane in list(self._holding.items()):
            if not self._is_shut(key[1]) and lane.due(now) <= now:
                released += lane.release(now)
                del self._holding[key]
        return released

    def next_release(self, now: float) -> float | None:
        """Seconds until `release` has something to show; None if nothing is held or the gate is shut."""
        dues = [lane.due(now) for (_, urgent), lane in self._holding.items() if not self._is_shut(urgent)]
        return max(0.0, min(dues) - now) if dues else None

    def shut(self, *, critical_passes: bool = False) -> None:
        """Hold everything from now on; with `critical_passes` only what is not critical."""
        self._shut, self._critical_passes = True, critical_passes

    def open(self, now: float) -> list[Notification]:
        """Hold no longer.  What was held comes out: per stream a few one by one, many as one digest."""
        self._shut = False
        return self.release(now)

    def _lane(self, stream: str, urgent: bool) -> "_Lane":
        if (stream, urgent) not in self._lanes:
            self._lanes[stream, urgent] = _Lane(self._critical if urgent else self._budget, urgent)
        return self._lanes[stream, urgent]

    def _is_shut(self, urgent: bool) -> bool:
        return self._shut and not (urgent and self._critical_passes)


@dataclass(slots=True)
class _Lane:
    budget: Budget
    urgent: bool
    opened: deque[float] = field(default_factory=deque)
    """When the bubbles of the last window opened, oldest first."""
    came: deque[float] = field(default_factory=deque)
    """When the last `burst` notifications came."""
    held: deque[Notification] = field(default_factory=lambda: deque(maxlen=FEW))
    held_count: int = 0
    held_since: float = 0.0
    paused: bool = False
    """Something is held because the gate was shut."""
    closed_until: float = -math.inf
    """What comes before then is held: the lane catches up."""
    late: bool = False
    """Something is held because the lane caught up."""
    counted: int = 0
    """Notifications in the digest that is on the screen; 0 while there is none."""
    counted_at: float = 0.0

    def admits(self, now: float, notification: Notification, *, shut: bool) -> bool:
        """Whether `notification` may be shown now; else it is held."""
        self.came.append(now)
        if len(self.came) > self.budget.burst:
            self.came.popleft()
        calm = len(self.came) < self.budget.burst or self.came[0] <= now - self.budget.window
        if calm:
            self.counted = 0
        closed = now < self.closed_until
        if not shut and not closed and not self.held_count and not self.counted and self._room(now) > 1:
            self.opened.append(now)
            return True
        if not self.held_count:
            self.held_since = now
        self.held.append(notification)
        self.held_count += 1
        self.paused = self.paused or shut
        self.late = self.late or closed
        return False

    def wait(self, now: float, newest: Sequence[Notification], count: int) -> None:
        """Take these for what is held."""
        self.held.clear()
        self.held.extend(newest)
        self.held_count, self.held_since, self.late = count, now, True
        if self.counted and self.opened:
            self.opened.pop()  # the next digest takes the place of the one that was let out last
        self.counted = 0

    def due(self, now: float) -> float:
        """When what is held may be shown."""
        due = self.held_since if self.paused or self.late else self.held_since + self.budget.step
        due = max(due, self.closed_until)
        if self.counted:
            return max(due, self.counted_at + self.budget.step)
        return due if self._room(now) else max(due, self.opened[0] + self.budget.window)

    def release(self, now: float) -> list[Notification]:
        """What is held, one by one or in a digest."""
        few = FEW if self.paused or self.late else 1
        if not self.counted and self.held_count <= few and self.held_count < self._room(now):
            released = list(self.held)
            self.opened.extend([now] * len(released))
        else:
            released = [self._digest(now)]
        self.held.clear()
        self.held_count, self.paused, self.late = 0, False, False
        return released

    def _digest(self, now: float) -> Notification:
        if not self.counted:
            self.opened.append(now)
        self.counted += self.held_count
        self.counted_at = now
        *_, newest = self.held
        key = CRITICAL_DIGEST_KEY if self.urgent else DIGEST_KEY
        if self.counted == 1:
            return replace(newest, key=key)
        title = f"{self.counted} more from {newest.stream}"
        if self.paused or self.late:
            title = (
                f"{self.counted} notifications from {newest.stream} {'while paused' if self.paused else 'meanwhile'}"
            )
        return Notification(
            stream=newest.stream,
            title=plaintext.line(title, TITLE_LIMIT),
            body="\n".join(notification.title for notification in reversed(self.held)),
            urgency=max(notification.urgency for notification in self.held),
            key=key,
        )

    def _room(self, now: float) -> int:
        while self.opened and self.opened[0] <= now - self.budget.window:
            self.opened.popleft()
        return self.budget.burst - len(self.opened)
