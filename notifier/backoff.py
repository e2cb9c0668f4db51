"""What became of a connection in, how long to wait before the next one out.  Pure.

A connection was of use when it lived long enough, or brought an event while the stream still has quick returns to
spend.  After one that was, the next attempt comes soon; after each one that was not, the wait grows to its ceiling,
with full jitter, so that many clients of a server that comes back do not all come at once.
"""

RECONNECTION_TIME = 1.0
"""Seconds, until the server sends a `retry:` of its own (HTML 9.2.2 leaves it to us)."""
SHORTEST_DELAY = 0.05
"""Seconds; `retry: 0` must not make us spin."""
LONGEST_RETRY = 300.0
"""Seconds; a `retry:` beyond it is taken for a mistake."""
USEFUL_LIFE = 10.0
"""Seconds after which a connection was of use although no event came."""
QUICK_RETURNS = 20
"""Connections that may end soon after an event, one straight after the other ..."""
QUICK_RETURN_EVERY = 2.0
"""... and the seconds after which one more is allowed."""


class Backoff:
    """The waits of one stream.

    Args:
        longest: Seconds, the ceiling of the growing part of a wait.
    """

    def __init__(self, longest: float) -> None:
        self.failures = 0
        """Attempts of no use since the last one that was."""
        self._longest = longest
        self._growth = 0
        self._quick_returns = float(QUICK_RETURNS)
        self._last_return = 0.0

    def succeed(self) -> None:
        """An event came."""
        self.failures = self._growth = 0

    def hurry(self) -> None:
        """Begin with short waits again, whatever failed before."""
        self._growth = 0
        self._quick_returns = float(QUICK_RETURNS)

    def wait(
        self, now: float, chance: float, *, lived: float, had_event: bool, retry: int | None, asked: float
    ) -> float:
        """Seconds to wait after a connection that is gone, or could not be made.

        Args:
            now: Seconds of a monotonic clock.
            chance: A random number, at least 0 and below 1.
            lived: Seconds that it was open; not above 0 if it never was.
            had_event: Whether it brought an event.
            retry: Milliseconds that the stream asked for (HTML 9.2.6), or None.
            asked: Seconds that a Retry-After asked for, or 0.
        """
        base = RECONNECTION_TIME
        if retry is not None:
            base = min(max(retry / 1_000, SHORTEST_DELAY), LONGEST_RETRY)
            asked = max(asked, min(retry / 1_000, LONGEST_RETRY))
        if lived >= USEFUL_LIFE or (had_event and self._may_return_quickly(now)):
            self.succeed()
            ceiling = min(base, RECONNECTION_TIME)
        elif had_event:
            ceiling = 2 * QUICK_RETURN_EVERY
        else:
            ceiling = min(self._longest, base * 2.0 ** min(self._growth, 32))
            self._growth += 1
            self.failures += 1
        delay = max(SHORTEST_DELAY, asked + chance * ceiling)
        # Only connections that last earn quick returns; waiting for the next one does not.
        self._last_return = now + delay
        return delay

    def _may_return_quickly(self, now: float) -> bool:
        earned = max(0.0, now - self._last_return) / QUICK_RETURN_EVERY
        self._quick_returns = min(QUICK_RETURNS, self._quick_returns + earned)
        if allowed := self._quick_returns >= 1:
            self._quick_returns -= 1
        return allowed
