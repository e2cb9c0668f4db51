"""Clocks and what the system says of its network in, news for every stream out.  Pure.

It decides what is news; it knows neither where the clocks are nor who tells of the network, and nothing of streams.
"""

from dataclasses import dataclass
from enum import Enum, auto

LOOK_EVERY = 5.0
"""Seconds between two looks at the clocks."""
SLEPT = 10.0
"""Seconds that one clock may gain on the other; more is a machine that slept."""
LATE = 30.0
"""Seconds that a look may come late; more is a machine, or a program, that stood still."""
ONE_SLEEP = 30.0
"""Seconds of waking time in which clocks and system may tell of the same sleep."""


class News(Enum):
    """What every stream should hear of."""

    WOKE = auto()
    """The machine slept: no connection can be trusted."""
    OFFLINE = auto()
    """There is no network: attempts would be in vain."""
    ONLINE = auto()
    """There is a network again, or another one."""


@dataclass(frozen=True, slots=True)
class Network:
    """What a network service says."""

    is_up: bool
    identity: str = ""
    """Changes when what is reached through the network may have changed; empty where nobody says."""


class Surroundings:
    """What is known of the machine.

    Args:
        ticking: seconds of a clock that stands still, or does not, while the machine sleeps: it is what our timers
            run on.
        passing: seconds of a clock that goes on while the machine sleeps.
    """

    def __init__(self, ticking: float, passing: float) -> None:
        self._ticking, self._passing = ticking, passing
        self._woke = -ONE_SLEEP
        self._network: Network | None = None
        self._was_up = False
        self._is_offline = False

    def look(self, ticking: float, passing: float) -> News | None:
        """Look at the clocks, about every `LOOK_EVERY` seconds of `ticking`."""
        ticked, passed = ticking - self._ticking, passing - self._passing
        self._ticking, self._passing = ticking, passing
        stood_still = passed - ticked > SLEPT or ticked > LOOK_EVERY + LATE
        return self._wake(ticking) if stood_still else None

    def woke(self, ticking: float, passing: float) -> News | None:
        """The system says that it slept and woke up."""
        self._ticking, self._passing = ticking, passing
        return self._wake(ticking)

    def hear(self, network: Network | None) -> News | None:
        """A network service says this, or there is none (any more) to say anything."""
        before, self._network = self._network, network
        if network is None or network.is_up:
            self._was_up |= network is not None
            was_offline, self._is_offline = self._is_offline, False
            return News.ONLINE if was_offline or _is_another(before, network) else None
        # Who never saw the network up (it may not be the one who runs it) is not believed that it is down.
        if self._was_up and not self._is_offline:
            self._is_offline = True
            return News.OFFLINE
        return None

    def _wake(self, ticking: float) -> News | None:
        recently, self._woke = ticking - self._woke < ONE_SLEEP, ticking
        return None if recently else News.WOKE


def _is_another(before: Network | None, now: Network | None) -> bool:
    return before is not None and now is not None and before.is_up and now.is_up and before.identity != now.identity
