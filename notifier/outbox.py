"""Recorded notifications in, bubbles out: what waits, when it is shown, and the note in the history that it was.

It decides nothing about events and never makes a stream wait.  The history is the truth: what could not be shown, or
was recorded by a program that then crashed, is there, and comes out later in one summary.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence

from notifier.desktop import Desktop
from notifier.errors import BubbleFailed
from notifier.flood import FEW, Gate
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.store import Store

logger = logging.getLogger(__name__)

READY = 100
"""Notifications on their way to the desktop.  What comes while there are so many waits in the history."""
RETRY = 30.0
"""Seconds until what could not be shown is tried again."""
CATCH_UP = 2.0
"""Seconds after a stream resumed in which what it sends is taken for what was missed."""


class Outbox:
    """Between the history and the desktop."""

    def __init__(self, store: Store, *, retry: float = RETRY, catch_up: float = CATCH_UP) -> None:
        """Nothing waits yet; see `resume`.  For `retry` and `catch_up` see the constants."""
        self._store = store
        self._retry = retry
        self._catch_up = catch_up
        self._gate = Gate()
        self._ready: deque[tuple[Notification, int]] = deque()
        """With the newest row of the stream when it was let out: a digest stands for all rows up to there."""
        self._showing: int | None = None
        """The row of the bubble that the desktop is being asked for; it waits in the history until that is answered."""
        self._withdrawn: deque[Withdrawal] = deque(maxlen=READY)
        """Bubbles to take back once what is ready is shown; of more than so many the oldest stay on the screen."""
        self._newest: dict[str, int] = {}
        self._late: set[tuple[str, bool]] = set()
        """Streams, and whether their critical notifications, of which rows wait that the gate does not know of."""
        self._retry_at = 0.0
        self._something = asyncio.Event()

    def resume(self, stream: str) -> None:
        """A stream is followed again after a while: what waits, and what comes now, is told in one digest."""
        now = time.monotonic()
        for critical in (False, True):
            self._recall(stream, critical, now + (0.0 if critical else self._catch_up))
        self._something.set()

    def offer(self, notification: Notification) -> None:
        """Show it now, or soon, or in a digest.  It is recorded, and knows its row."""
        assert notification.row is not None, "recording comes before showing"
        self._newest[notification.stream] = notification.row
        self._let_out(self._gate.offer(time.monotonic(), notification))
        self._something.set()

    def withdraw(self, withdrawal: Withdrawal) -> None:
        """Take back what was said under this key.  What is still held, or only in the history, stays there."""
        self._withdrawn.append(withdrawal)
        self._something.set()

    def tell(self, notification: Notification) -> None:
        """Show next what is about the program itself: it is in no history, and no gate holds it."""
        assert notification.row is None, "what is recorded is offered"
        self._ready.appendleft((notification, 0))
        self._something.set()

    def pause(self) -> None:
        """Show nothing that is recorded until `unpause`."""
        self._gate.shut()
        for stream, critical in {_lane(notification) for notification, newest in self._ready if newest}:
            self._recall(stream, critical, time.monotonic())

    def unpause(self) -> None:
        """Show again, beginning with what waited."""
        self._let_out(self._gate.open(time.monotonic()))
        self._something.set()

    async def run(self, desktop: Desktop) -> None:
        """Show bubbles, one after the other, for ever: a desktop that hangs stops nothing but the next bubble."""
        while True:
            self._something.clear()
            now = time.monotonic()
            if self._late and now >= self._retry_at:
                self._recall_late(now)
            self._let_out(self._gate.release(now))
            if self._withdrawn and not self._ready:
                await self._take_back(desktop, self._withdrawn.popleft())
                continue
            if self._ready:
                await self._show(desktop, *self._ready.popleft())
                continue
            waits = [wait for wait in (self._gate.next_release(now), self._retry_in(now)) if wait is not None]
            try:
                async with asyncio.timeout(min(waits, default=None)):
                    await self._something.wait()
            except TimeoutError:
                continue

    async def _take_back(self, desktop: Desktop, withdrawal: Withdrawal) -> None:
        try:
            await desktop.withdraw(withdrawal)
        except BubbleFailed as error:
            logger.warning("%s: a bubble was not taken back: %s", withdrawal.stream, error)

    async def _show(self, desktop: Desktop, notification: Notification, newest: int) -> None:
        lane = _lane(notification)
        if newest and notification.row is None and lane in self._late:
            # It would stand for rows that it does not count; one that counts them all takes its place.
            self._late.discard(lane)
            self._recall(*lane, time.monotonic())
            return
        self._showing = notification.row
        try:
            await desktop.show(notification)
        except BubbleFailed as error:
            logger.warning("%s: a bubble was not shown: %s", notification.stream, error)
            self._put_off(lane)
            return
        finally:
            self._showing = None
        if notification.row is not None:
            self._store.shown([notification.row])
            return
        stream, critical = lane
        while self._store.shown_together(stream, newest, critical=critical):  # noqa: ASYNC110 - others have their turn
            await asyncio.sleep(0)

    def _let_out(self, notifications: Sequence[Notification]) -> None:
        for notification in notifications:
            if len(self._ready) < READY:
                self._ready.append((notification, self._newest.get(notification.stream, 0)))
            else:
                self._put_off(_lane(notification))

    def _put_off(self, lane: tuple[str, bool]) -> None:
        if not self._late:
            self._retry_at = time.monotonic() + self._retry
        self._late.add(lane)

    def _retry_in(self, now: float) -> float | None:
        return max(0.0, self._retry_at - now) if self._late else None

    def _recall_late(self, now: float) -> None:
        late, self._late = self._late, set()
        for stream, critical in late:
            self._recall(stream, critical, now)

    def _recall(self, stream: str, critical: bool, until: float) -> None:
        """Have the gate hold all that waits in the history, from now on told together."""
        # What is ready waits in the history too, and would be told twice.
        self._ready = deque(item for item in self._ready if _lane(item[0]) != (stream, critical))
        count, rows = self._store.waiting(stream, critical=critical, newest=FEW + 1)
        if self._showing is not None and any(row.id == self._showing for row in rows):
            count -= 1
        rows = [row for row in rows if row.id != self._showing][-FEW:]
        if rows:
            self._newest[stream] = max(self._newest.get(stream, 0), rows[-1].id)
        self._gate.catch_up(stream, until, critical=critical, waiting=[row.notification for row in rows], count=count)


def _lane(notification: Notification) -> tuple[str, bool]:
    return notification.stream, notification.urgency is Urgency.CRITICAL
