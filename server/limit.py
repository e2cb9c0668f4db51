"""Who asks and when in, whether it is too much out.  Pure; time is an argument.

`Rate` and `Places` remember a bounded number of addresses, so that a stranger with many of them fills no memory.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network, ip_address

ADDRESSES_LIMIT = 10_000
"""Addresses that a rate is remembered for; the one that was quiet longest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server bears."""

    subscribers: int = 20_000
    """Streams at a time."""
    subscribers_each: int = 20_000
    """Streams at a time of one address."""
    publishes_per_second: float | None = None
    """Messages of one address in the long run, and ten times as many at once; None for no limit."""
    memory: int = 256 * 1024 * 1024
    """Bytes on their way to all subscribers together; a quarter of it, besides, for those that are being published."""
    head: float = 30.0
    """Seconds in which the head of a request must have come, from its connection's beginning or the last answer."""
    body: float = 30.0
    """Seconds in which the body of a request must have come."""


def party(address: str) -> str:
    """Whom an address counts for: of IPv6, a host may take any in a network of 64 bits (RFC 6177)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))
    return address


class Rate:
    """At most `burst` at once from each address, and `per_second` of them in the long run."""

    def __init__(self, per_second: float, burst: int) -> None:
        self.per_second, self.burst = per_second, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Take one, or say how many seconds remain until the next may be taken; 0 means it was taken."""
        left, then = self._left.pop(address, (float(self.burst), now))
        left = min(float(self.burst), left + (now - then) * self.per_second)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > ADDRESSES_LIMIT:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self.per_second

    def owe(self, address: str, count: int) -> None:
        """So many more were taken with the last one: they are paid back before the next."""
        if address in self._left:
            left, then = self._left[address]
            self._left[address] = (left - count, then)


class Crowd(Enum):
    """Why there is no place."""

    ALL = "all places are taken"
    ONE = "this address has all places that one may have"


class Places:
    """At most `total` at a time, and `each` for one address."""

    def __init__(self, total: int, each: int) -> None:
        self.total, self.each = total, each
        self._taken_by: dict[str, int] = {}
        self.taken = 0
        """Of all addresses together."""

    def take(self, address: str) -> Crowd | None:
        """Take a place, if there is one; else why there is none."""
        if self._taken_by.get(address, 0) >= self.each:
            return Crowd.ONE
        if self.taken >= self.total:
            return Crowd.ALL
        self.taken += 1
        self._taken_by[address] = self._taken_by.get(address, 0) + 1
        return None

    def leave(self, address: str) -> None:
        """Give a place back."""
        self.taken -= 1
        self._taken_by[address] -= 1
        if not self._taken_by[address]:
            del self._taken_by[address]
