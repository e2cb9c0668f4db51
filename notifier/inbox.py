"""What the person has not seen to: the newest notifications, and how many are unread per stream.

The history is the truth.  Here is what a menu needs of it many times a second, and the history is asked for the counts
at most once in `FRESH` seconds, however much comes.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping

from notifier.entry import Counts
from notifier.notification import Notification
from notifier.status import RECENT
from notifier.store import Store

FRESH = 1.0
"""Seconds for which counts are believed although something has come; the person's own doing is counted at once."""


class Inbox:
    """Reads the history, and marks in it what the person has read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = deque(store.recent(RECENT), maxlen=RECENT)
        self._counts: Mapping[str, Counts] = {}
        self._counted_at = -math.inf
        self._changed = True

    @property
    def recent(self) -> tuple[Notification, ...]:
        """The newest, newest first."""
        return tuple(self._recent)

    def take(self, notification: Notification) -> None:
        """This was recorded."""
        self._recent.appendleft(notification)
        self._changed = True

    def read(self, row: int) -> None:
        """The person has read this one."""
        self._store.read([row])
        self.recount()

    async def read_all(self, stream: str | None = None, *, shown_only: bool = False) -> None:
        """The person has read all until now, of one stream or of all; with `shown_only` but for what still waits."""
        newest = self._store.newest
        while self._store.read_together(newest, stream=stream, shown_only=shown_only):  # noqa: ASYNC110 - others have their turn
            await asyncio.sleep(0)
        self.recount()

    def recount(self) -> None:
        """The counts are of no use any more."""
        self._changed, self._counted_at = True, -math.inf

    def best(self) -> Notification | None:
        """What the person wants to see first: the newest unread, or else the newest."""
        unread = self._store.newest_unread()
        return unread or (self._recent[0] if self._recent else None)

    def find(self, row: int) -> Notification | None:
        """The notification of this row; None if it has left the history."""
        return self._store.find(row)

    @property
    def is_behind(self) -> bool:
        """Whether something changed that `counts` has not counted."""
        return self._changed

    def is_stale(self, now: float) -> bool:
        """Whether `counts` would say something else than the last time."""
        return self._changed and now - self._counted_at >= FRESH

    def counts(self, now: float) -> Mapping[str, Counts]:
        """What waits on each stream on which anything does; at most `FRESH` seconds old.

        Args:
            now: Of a clock that never runs backwards.
        """
        if self.is_stale(now):
            self._counts = self._store.counts()
            self._counted_at, self._changed = now, False
        return self._counts
