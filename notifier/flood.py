"""Notifications in, bubbles to show now out: the rest is held for one digest that counts up in place.  Pure.

It keeps no history and drops nothing unseen: what is not shown by itself is counted in a digest, and whoever
records does so before offering.  No clock: `now` is in seconds and never runs backwards.

Each stream has a lane of its own, and its critical notifications have another, so no stream can silence a
second one and no chatter can silence an alarm.  A lane can be shut, by quiet hours or by a person; what is held
when it opens, and what was missed while a stream was away, comes out in one digest, or in one summary of all
streams.
"""

import math
from collections.abc import Collection, Sequence

from notifier import plaintext
from notifier.lane import FEW, Bubble, Budget, Key, Lane
from notifier.language import _, ngettext
from notifier.notification import BODY_LIMIT, OURSELVES, SUMMARY_KEY, Notification, Urgency

STREAMS = 20
"""Streams that a summary names; the others are counted."""


class Gate:
    """Show now, or hold for a digest.

    Memory is bounded by the number of streams.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._budgets: dict[str, Budget] = {}
        self._lanes: dict[Key, Lane] = {}
        self._holding: dict[Key, Lane] = {}
        self._shut: frozenset[Key] = frozenset()
        self._due: float | None = None
        """When the next of what is held may be shown; None where that must be found out anew."""

    def allow(self, stream: str, budget: Budget) -> None:
        """Let each of the two lanes of `stream` show so much from now on."""
        self._due = None
        self._budgets[stream] = budget
        for urgent in (False, True):
            if (lane := self._lanes.get((stream, urgent))) is not None:
                lane.allow(budget)

    def offer(self, now: float, notification: Notification) -> list[Bubble]:
        """What to show now that this has come: itself, or nothing yet."""
        key = notification.stream, notification.urgency is Urgency.CRITICAL
        lane = self._lane(key)
        was_late = lane.is_late
        if lane.admits(now, notification, shut=key in self._shut):
            return [Bubble(lane.sounded(now, notification))]
        if key not in self._holding or lane.held_count == 1 or lane.updates or lane.is_late != was_late:
            # Of those that come after the first of a flood none makes it due earlier or later.
            self._holding[key] = lane
            self._due = None
        return []

    def catch_up(
        self, key: Key, until: float, *, waiting: Sequence[Notification] = (), count: int | None = None
    ) -> None:
        """Hold what comes on a lane until then: it was missed, and is told in one digest if it is much.

        Args:
            key: Which lane.
            until: A time of the clock that `now` comes from.
            waiting: The newest of those that wait already, oldest first.  They take the place of what is held.
            count: How many wait already; None leaves what is held.
        """
        self._due = None
        lane = self._lane(key)
        lane.closed_until = max(lane.closed_until, until)
        if count is None:
            return
        lane.wait(until, waiting, count, shut=key in self._shut)
        if count:
            self._holding[key] = lane
        else:
            self._holding.pop(key, None)

    def withdraw(self, stream: str, key: str) -> None:
        """The bubble of this stream and key is taken back: what comes later opens another."""
        self._due = None
        for urgent in (False, True):
            if (lane := self._lanes.get((stream, urgent))) is not None:
                lane.places.pop(key, None)
                lane.forget(key)
        self._let_go()

    def outdate(self, lane: Key, key: str) -> bool:
        """Let go of what is held on this lane under this key, said anew on another; tell whether any was."""
        if lane not in self._holding or not self._holding[lane].forget(key):
            return False
        self._due = None
        self._let_go()
        return True

    def shut(self, now: float, keys: Collection[Key]) -> None:
        """Hold all that comes on these lanes from now on, and on no others."""
        self._due = None
        for key in self._shut.difference(keys):
            lane = self._lane(key)
            lane.closed_until = max(lane.closed_until, now)
        self._shut = frozenset(keys)
        for key in self._shut.intersection(self._holding):
            self._holding[key].hold_updates(now)

    @property
    def holding(self) -> set[Key]:
        """The lanes on which something is held."""
        return set(self._holding)

    def held(self, keys: Collection[Key]) -> int:
        """How many notifications are held on these lanes."""
        return sum(lane.held_count for key, lane in self._holding.items() if key in keys)

    def release(self, now: float) -> list[Bubble]:
        """What was held and may be shown by now."""
        if now < self._next():
            return []
        self._due = None
        released = [bubble for _key, lane in self._open() for bubble in lane.update(now)]
        together = self._together()
        ready = {
            key: lane
            for key, lane in self._open()
            if (lane.due() <= now if not lane.is_late else together <= now and lane.due() <= together)
        }
        calm = {key: lane for key, lane in ready.items() if lane.is_late and not lane.urgent}
        if len(calm) > 1 and sum(lane.held_count for lane in calm.values()) > FEW:
            released.append(_summary(calm))
            for lane in calm.values():
                lane.clear()
        for key, lane in ready.items():
            if lane.held_count:
                released += lane.release(now, key)
        self._let_go()
        # What waited on several lanes is told in the order in which it came.
        return sorted(released, key=lambda bubble: bubble.notification.row or 0)

    def next_release(self, now: float) -> float | None:
        """Seconds until `release` has something to show; None if nothing is held, or only where it is shut."""
        due = self._next()
        return max(0.0, due - now) if due < math.inf else None

    def _let_go(self) -> None:
        self._holding = {key: lane for key, lane in self._holding.items() if lane.held_count or lane.updates}

    def _next(self) -> float:
        """When the next of what is held may be shown; `inf` if there is nothing, or only where it is shut."""
        if self._due is None:
            lanes = [lane for _key, lane in self._open()]
            dues = [*(lane.due() for lane in lanes if not lane.is_late), *(lane.update_due() for lane in lanes)]
            self._due = min([*dues, self._together()])
        return self._due

    def _together(self) -> float:
        """When all that is late, and due within a step of each other, is told."""
        dues = [(lane.due(), lane.budget.step) for _key, lane in self._open() if lane.is_late]
        if not dues:
            return math.inf
        first, step = min(dues)
        return max(due for due, _step in dues if due <= first + step)

    def _open(self) -> list[tuple[Key, "Lane"]]:
        """The lanes that hold something and are not shut."""
        return [(key, lane) for key, lane in self._holding.items() if key not in self._shut]

    def _lane(self, key: Key) -> "Lane":
        if key not in self._lanes:
            stream, urgent = key
            self._lanes[key] = Lane(self._budgets.get(stream, self._budget), urgent=urgent)
        return self._lanes[key]


def told_of(digest: Notification) -> str | None:
    """The stream that a digest is about; None if it is about several."""
    return digest.stream if digest.key != SUMMARY_KEY else None


def _summary(lanes: dict[Key, Lane]) -> Bubble:
    """One bubble of what was held on several streams, those with most of it first."""
    count = sum(lane.held_count for lane in lanes.values())
    was_quiet = any(lane.was_shut for lane in lanes.values())
    most = sorted(((lane.held_count, stream) for (stream, _urgent), lane in lanes.items()), reverse=True)
    lines = [_("{stream}: {count}", stream=stream, count=held) for held, stream in most[:STREAMS]]
    if more := len(most) - len(lines):
        lines.append(ngettext("and one more stream", "and {count} more streams", more, count=more))
    if was_quiet:
        title = ngettext(
            "{count} notification while it was quiet", "{count} notifications while it was quiet", count, count=count
        )
    else:
        title = ngettext("{count} notification meanwhile", "{count} notifications meanwhile", count, count=count)
    notification = Notification(
        stream=OURSELVES,
        title=title,
        body=plaintext.lines("\n".join(lines), BODY_LIMIT),
        key=SUMMARY_KEY,
    )
    return Bubble(notification, tuple(lanes))
