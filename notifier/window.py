"""Times at which something comes in; whether there is room for it in a sliding window out.  Pure.

At most `limit` are let through in any `window` seconds.  Where more come than that it is a flood, and until fewer come
again nothing is let through: who floods does not get a few through at the beginning of each window.
"""

from collections import deque


class Window:
    """The last `window` seconds.  `now` is in seconds and never runs backwards.

    Memory is bounded by `limit`.
    """

    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self._came: deque[float] = deque()
        """When the last `limit` + 1 came."""
        self._let: deque[float] = deque()
        """When those of the last `window` seconds were let through."""
        self._floods = False

    def hear(self, now: float) -> bool:
        """One has come; whether there is room for it."""
        self._came.append(now)
        while len(self._came) > self.limit + 1:
            self._came.popleft()
        if len(self._came) <= self.limit or self._came[0] <= now - self.window:
            self._floods = False
        return not self._floods and self.room(now) > 0

    def let(self, now: float) -> None:
        """It is let through."""
        self._let.append(now)

    def stop(self) -> None:
        """It is not: this is a flood."""
        self._floods = True

    def room(self, now: float) -> int:
        """For how many there is room, if it is no flood."""
        while self._let and self._let[0] <= now - self.window:
            self._let.popleft()
        return self.limit - len(self._let)
