"""Bytes that somebody wants to write in, whether there is an allowance for them out.  Pure."""


class Allowance:
    """At most `rate` bytes a second on average, and `burst` bytes at once."""

    def __init__(self, burst: float, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._left = burst
        self._at: float | None = None

    def take(self, size: int, now: float) -> bool:
        """Whether there is one for `size` bytes; if so it is used up.

        Args:
            size: In bytes.
            now: In seconds; a clock that was set back gives nothing.
        """
        if self._at is not None:
            self._left = min(self.burst, self._left + max(0.0, now - self._at) * self.rate)
        self._at = now
        if size > self._left:
            return False
        self._left -= size
        return True
