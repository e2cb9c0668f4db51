"""Notifications in, bubbles to show now out: the rest is held for one digest that counts up in place.  Pure.

It keeps no history and drops nothing unseen: what is not shown by itself is counted in a digest, and whoever
records does so before offering.  No clock: `now` is in seconds and never runs backwards.

Each stream has a lane of its own, and its critical notifications have another, so no stream can silence a
second one and no chatter can silence an alarm.  In any `window` seconds a lane opens at most `burst` bubbles
for each group of its notifications; the last of them is the digest's, which all groups share and which counts
up in place, at most once per `step`.  A lane can be shut, by quiet hours or by a person; what is held when it
opens, and what was missed while a stream was away, comes out in one digest, or in one summary of all streams.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from notifier import plaintext
from notifier.language import _, ngettext
from notifier.notification import BODY_LIMIT, OURSELVES, TITLE_LIMIT, Notification, Urgency
from notifier.window import Window

FEW = 3
"""Notifications that are shown one by one when a lane opens again, and titles that a digest names."""
GROUPS = 64
"""Groups of a stream that have a window of their own; the one not heard of for longest loses it first."""
CROWD = 3
"""All groups of a stream together open no more bubbles than so many groups might."""
STREAMS = 20
"""Streams that a summary names; the others are counted."""
DIGEST_KEY = "sse-notifier:digest"
CRITICAL_DIGEST_KEY = "sse-notifier:critical-digest"
SUMMARY_KEY = "sse-notifier:summary"
DIGESTS = frozenset({DIGEST_KEY, CRITICAL_DIGEST_KEY, SUMMARY_KEY})
"""Keys of bubbles that stand for many notifications."""

Key = tuple[str, bool]
"""A lane: a stream's name, and whether its critical notifications are meant, or all others."""


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


@dataclass(frozen=True, slots=True)
class Bubble:
    """What to show."""

    notification: Notification
    stands_for: tuple[Key, ...] = ()
    """The lanes of which it tells all that was held; empty if it tells of itself only."""


class Gate:
    """Show now, or hold for a digest.

    Memory is bounded by the number of streams: a lane keeps `FEW` notifications, a few numbers, and of at most
    `GROUPS` groups the times of the last bubbles.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self._budget = budget or Budget()
        self._budgets: dict[str, Budget] = {}
        self._lanes: dict[Key, _Lane] = {}
        self._holding: dict[Key, _Lane] = {}
        self._shut: frozenset[Key] = frozenset()

    def allow(self, stream: str, budget: Budget) -> None:
        """Let each of the two lanes of `stream` show so much from now on."""
        self._budgets[stream] = budget
        for urgent in (False, True):
            if (lane := self._lanes.get((stream, urgent))) is not None:
                lane.allow(budget)

    def offer(self, now: float, notification: Notification) -> list[Bubble]:
        """What to show now that this has come: itself, or nothing yet."""
        key = notification.stream, notification.urgency is Urgency.CRITICAL
        lane = self._lane(key)
        if lane.admits(now, notification, shut=key in self._shut):
            return [Bubble(lane.sounded(now, notification))]
        self._holding[key] = lane
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
        lane = self._lane(key)
        lane.closed_until = max(lane.closed_until, until)
        if count is None:
            return
        lane.wait(until, waiting, count, shut=key in self._shut)
        if count:
            self._holding[key] = lane
        else:
            self._holding.pop(key, None)

    def shut(self, now: float, keys: Collection[Key]) -> None:
        """Hold all that comes on these lanes from now on, and on no others."""
        for key in self._shut.difference(keys):
            lane = self._lane(key)
            lane.closed_until = max(lane.closed_until, now)
        self._shut = frozenset(keys)

    @property
    def holding(self) -> set[Key]:
        """The lanes on which something is held."""
        return set(self._holding)

    def held(self, keys: Collection[Key]) -> int:
        """How many notifications are held on these lanes."""
        return sum(lane.held_count for key, lane in self._holding.items() if key in keys)

    def release(self, now: float) -> list[Bubble]:
        """What was held and may be shown by now."""
        released: list[Bubble] = []
        together = self._together()
        ready = {
            key: lane
            for key, lane in self._open()
            if (lane.due() <= now if not lane.is_late else together <= now and lane.due() <= together)
        }
        if not ready:
            return []
        calm = {key: lane for key, lane in ready.items() if lane.is_late and not lane.urgent}
        if len(calm) > 1 and sum(lane.held_count for lane in calm.values()) > FEW:
            released.append(_summary(calm))
            for lane in calm.values():
                lane.clear()
        for key, lane in ready.items():
            if lane.held_count:
                released += lane.release(now, key)
            del self._holding[key]
        return released

    def next_release(self, now: float) -> float | None:
        """Seconds until `release` has something to show; None if nothing is held, or only where it is shut."""
        due = min((lane.due() for _key, lane in self._open() if not lane.is_late), default=math.inf)
        due = min(due, self._together())
        return max(0.0, due - now) if due < math.inf else None

    def _together(self) -> float:
        """When all that is late, and due within a step of each other, is told."""
        dues = [(lane.due(), lane.budget.step) for _key, lane in self._open() if lane.is_late]
        if not dues:
            return math.inf
        first, step = min(dues)
        return max(due for due, _step in dues if due <= first + step)

    def _open(self) -> list[tuple[Key, "_Lane"]]:
        """The lanes that hold something and are not shut."""
        return [(key, lane) for key, lane in self._holding.items() if key not in self._shut]

    def _lane(self, key: Key) -> "_Lane":
        if key not in self._lanes:
            stream, urgent = key
            self._lanes[key] = _Lane(self._budgets.get(stream, self._budget), urgent=urgent)
        return self._lanes[key]


@dataclass(slots=True)
class _Lane:
    budget: Budget
    urgent: bool
    groups: OrderedDict[str | None, Window] = field(default_factory=OrderedDict)
    """By name: what each opened; the one heard of last is the last."""
    crowd: Window = field(init=False)
    """What they opened together."""
    held: deque[Notification] = field(default_factory=lambda: deque(maxlen=FEW))
    held_count: int = 0
    held_since: float = 0.0
    was_shut: bool = False
    """Something is held because the lane was shut."""
    missed: bool = False
    """Something is held because the lane caught up."""
    closed_until: float = -math.inf
    """What comes before then is held: the lane catches up, or has just been opened."""
    counted: int = 0
    """Notifications in the digest that was shown last."""
    counted_at: float = -math.inf
    sounded_at: float = -math.inf

    def __post_init__(self) -> None:
        self.crowd = Window(CROWD * (self.budget.burst - 1), self.budget.window)

    @property
    def is_late(self) -> bool:
        """Whether what is held could not be told when it came, for another reason than a flood."""
        return self.was_shut or self.missed

    def allow(self, budget: Budget) -> None:
        """Show so much from now on."""
        if budget != self.budget:
            self.budget = budget
            self.groups.clear()
            self.crowd = Window(CROWD * (budget.burst - 1), budget.window)

    def admits(self, now: float, notification: Notification, *, shut: bool) -> bool:
        """Whether `notification` may be shown now; else it is held."""
        group = self._group(notification.group)
        closed = now < self.closed_until
        group_has_room, crowd_has_room = group.hear(now), self.crowd.hear(now)
        has_room = group_has_room and crowd_has_room
        if has_room and not shut and not closed and not self.is_late:
            self._let(now, group)
            return True
        if not has_room:
            (self.crowd if group.room(now) > 0 else group).stop()
        if not self.held_count:
            self.held_since = now
        self.held.append(notification)
        self.held_count += 1
        self.was_shut = self.was_shut or shut
        self.missed = self.missed or closed
        return False

    def wait(self, now: float, newest: Sequence[Notification], count: int, *, shut: bool) -> None:
        """Take these for what is held."""
        self.clear()
        self.held.extend(newest)
        self.held_count, self.held_since = count, now
        self.missed, self.was_shut = count > 0, shut and count > 0
        # What the last digest told may be among them: the next one begins anew.
        self.counted = 0

    def due(self) -> float:
        """When what is held may be shown."""
        due = max(self.held_since if self.is_late else self.held_since + self.budget.step, self.closed_until)
        return max(due, self.counted_at + self.budget.step)

    def release(self, now: float, key: Key) -> list[Bubble]:
        """What is held, one by one or in a digest."""
        goes_on = self.counted > 0 and now - self.counted_at <= self.budget.window
        if not goes_on and self._fits(now):
            released = [Bubble(self.sounded(now, notification)) for notification in self.held]
        else:
            released = [self._digest(now, key, goes_on=goes_on)]
        self.clear()
        return released

    def clear(self) -> None:
        """Nothing is held any more."""
        self.held.clear()
        self.held_count, self.was_shut, self.missed = 0, False, False

    def sounded(self, now: float, notification: Notification) -> Notification:
        """`notification`, without a sound that it did not ask for if there was one within the window."""
        if notification.sound is None and now < self.sounded_at + self.budget.window:
            return replace(notification, sound="none")
        if notification.sound != "none":
            self.sounded_at = now
        return notification

    def _group(self, name: str | None) -> Window:
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Window(self.budget.burst - 1, self.budget.window)
            if len(self.groups) > GROUPS:
                self.groups.popitem(last=False)
        else:
            self.groups.move_to_end(name)
        return group

    def _let(self, now: float, group: Window) -> None:
        group.let(now)
        self.crowd.let(now)

    def _fits(self, now: float) -> bool:
        """Whether all that is held may be shown one by one; if so, it is as good as done."""
        if self.held_count > (FEW if self.is_late else 1) or self.held_count != len(self.held):
            return False
        groups = [self._group(notification.group) for notification in self.held]
        if self.crowd.room(now) < len(groups) or any(group.room(now) < groups.count(group) for group in groups):
            return False
        for group in groups:
            self._let(now, group)
        return True

    def _digest(self, now: float, key: Key, *, goes_on: bool) -> Bubble:
        self.counted = self.held_count + (self.counted if goes_on else 0)
        self.counted_at = now
        stream, _urgent = key
        *_others, newest = self.held
        digest_key = CRITICAL_DIGEST_KEY if self.urgent else DIGEST_KEY
        if self.counted == 1:
            return Bubble(self.sounded(now, replace(newest, key=digest_key)))
        digest = Notification(
            stream=stream,
            title=plaintext.line(_digest_title(stream, self.counted, self.was_shut, self.missed), TITLE_LIMIT),
            body="\n".join(notification.title for notification in reversed(self.held)),
            urgency=max(notification.urgency for notification in self.held),
            key=digest_key,
            sound="none" if goes_on else None,
        )
        return Bubble(digest if goes_on else self.sounded(now, digest), (key,))


def _digest_title(stream: str, count: int, was_shut: bool, missed: bool) -> str:
    if was_shut:
        return ngettext(
            "{count} notification from {stream} while it was quiet",
            "{count} notifications from {stream} while it was quiet",
            count,
            count=count,
            stream=stream,
        )
    if missed:
        return ngettext(
            "{count} notification from {stream} meanwhile",
            "{count} notifications from {stream} meanwhile",
            count,
            count=count,
            stream=stream,
        )
    return ngettext("{count} more from {stream}", "{count} more from {stream}", count, count=count, stream=stream)


def _summary(lanes: dict[Key, _Lane]) -> Bubble:
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
