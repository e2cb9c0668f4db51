"""Notifications of one kind in, those to show now out; the rest is held and counted.  Pure.

In any `window` seconds a lane opens at most `burst` bubbles for each group of its notifications; the last of them is
the digest's, which all groups share and which counts up in place, at most once per `step`.  A notification whose bubble
is on the screen already takes its place and opens none: of those that come within a `step` the newest is shown.

No clock: `now` is in seconds and never runs backwards.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from notifier import plaintext
from notifier.language import ngettext
from notifier.notification import CRITICAL_DIGEST_KEY, DIGEST_KEY, TITLE_LIMIT, Notification
from notifier.window import Window

FEW = 3
"""Notifications that are shown one by one when a lane opens again, and titles that a digest names."""
GROUPS = 64
"""Groups of a stream that have a window of their own; the one not heard of for longest loses it first."""
CROWD = 3
"""All groups of a stream together open no more bubbles than so many groups might."""
PLACES = 8
"""Bubbles of a lane that later notifications may take the place of, at most once per step each."""

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


@dataclass(slots=True)
class Lane:
    """What is shown and held of a stream: of its critical notifications, or of all others."""

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
    places: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """By key: when the bubble that was shown by itself was shown, or another took its place."""
    updates: dict[str, Notification] = field(default_factory=dict)
    """By key: what takes its place next."""

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
        if notification.key in self.places and not shut and now >= self.closed_until and not self.is_late:
            return self._takes_place(now, notification)
        group = self._group(notification.group)
        closed = now < self.closed_until
        group_has_room, crowd_has_room = group.hear(now), self.crowd.hear(now)
        has_room = group_has_room and crowd_has_room
        if has_room and not shut and not closed and not self.is_late:
            self._let(now, group)
            self._place(now, notification)
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
        self.updates.clear()
        self.held.extend(newest)
        self.held_count, self.held_since = count, now
        self.missed, self.was_shut = count > 0, shut and count > 0
        # What the last digest told may be among them: the next one begins anew.
        self.counted = 0

    def due(self) -> float:
        """When what is held may be shown; `inf` if nothing is."""
        if not self.held_count:
            return math.inf
        due = max(self.held_since if self.is_late else self.held_since + self.budget.step, self.closed_until)
        return max(due, self.counted_at + self.budget.step)

    def update_due(self) -> float:
        """When the next bubble may be updated in place; `inf` if none waits for it."""
        return min((self._free_at(key) for key in self.updates), default=math.inf)

    def update(self, now: float) -> list[Bubble]:
        """What takes the place of bubbles on the screen now."""
        due = [key for key in self.updates if self._free_at(key) <= now]
        updates = [self.updates.pop(key) for key in due]
        for notification in updates:
            self._place(now, notification)
        return [Bubble(self.sounded(now, notification)) for notification in updates]

    def hold_updates(self, now: float) -> None:
        """The lane is shut: what would take the place of a bubble is held like all else."""
        if self.updates and not self.held_count:
            self.held_since = now
        self.held.extend(self.updates.values())
        self.held_count += len(self.updates)
        self.was_shut = self.was_shut or bool(self.updates)
        self.updates.clear()

    def release(self, now: float, key: Key) -> list[Bubble]:
        """What is held, one by one or in a digest."""
        goes_on = self.counted > 0 and now - self.counted_at <= self.budget.window
        if not goes_on and self._fits(now):
            released = [Bubble(self.sounded(now, notification)) for notification in self.held]
            for notification in self.held:
                self._place(now, notification)
        else:
            released = [self._digest(now, key, goes_on=goes_on)]
        self.clear()
        return released

    def forget(self, key: str) -> bool:
        """Let go of what is held under this key, and tell whether any was; of many, only the newest are known."""
        was_update = self.updates.pop(key, None) is not None
        kept = [notification for notification in self.held if notification.key != key]
        if len(kept) == len(self.held) or (not kept and self.held_count > len(self.held)):
            return was_update
        self.held_count -= len(self.held) - len(kept)
        self.held = deque(kept, maxlen=FEW)
        if not self.held_count:
            self.clear()
        return True

    def clear(self) -> None:
        """Nothing is held any more."""
        self.held.clear()
        self.held_count, self.was_shut, self.missed = 0, False, False

    def sounded(self, now: float, notification: Notification) -> Notification:
        """`notification`, silent if it asks for no sound and one was heard within the window, or if it is progress."""
        is_heard = now < self.sounded_at + self.budget.window
        if notification.sound is None and (is_heard or notification.progress is not None):
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

    def _takes_place(self, now: float, notification: Notification) -> bool:
        """Whether `notification` may take the place of its bubble now; else the newest does in a moment."""
        assert notification.key is not None, "what has a place has a key"
        if notification.key not in self.updates and self._free_at(notification.key) <= now:
            self._place(now, notification)
            return True
        self.updates[notification.key] = notification
        return False

    def _place(self, now: float, notification: Notification) -> None:
        """It is shown by itself."""
        if notification.key is not None:
            self.places[notification.key] = now
            self.places.move_to_end(notification.key)
            if len(self.places) > PLACES:
                self.places.popitem(last=False)

    def _free_at(self, key: str) -> float:
        return self.places.get(key, -math.inf) + self.budget.step

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
            # A key of its own stays, as it may be taken back by it; the next count opens the digest then.
            self._place(now, newest)
            return Bubble(self.sounded(now, replace(newest, key=newest.key or digest_key)))
        digest = Notification(
            stream=stream,
            title=plaintext.line(_digest_title(stream, self.counted, self.was_shut, self.missed), TITLE_LIMIT),
            body="\n".join(notification.headline for notification in reversed(self.held)),
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
