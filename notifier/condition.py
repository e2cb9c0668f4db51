"""What was seen, and when, in; what changed for the person out: a problem began, a problem is over.

It knows no event and no words.  `now` is in seconds and never runs backwards.

=========  =======================  ========================  ======================  ======================
state      BAD                      GOOD                      UNCLEAR                 time is up
=========  =======================  ========================  ======================  ======================
FINE       WAITING, or at once      FINE                      FINE                    --
           TROUBLE: *began*
WAITING    WAITING                  FINE                      FINE                    TROUBLE: *began*
TROUBLE    TROUBLE                  FINE: *over*              TROUBLE                 --
=========  =======================  ========================  ======================  ======================

UNCLEAR is what lies between the two thresholds of a hysteresis.
"""

from dataclasses import dataclass
from enum import Enum, auto


class State(Enum):
    """How one thing is."""

    FINE = auto()
    WAITING = auto()
    """Bad, but not for long enough."""
    TROUBLE = auto()


class Sight(Enum):
    """What one event says about it."""

    BAD = auto()
    GOOD = auto()
    UNCLEAR = auto()


class Turn(Enum):
    """What the person is to be told."""

    BEGAN = auto()
    OVER = auto()


@dataclass(slots=True)
class Condition:
    """One thing that may be in trouble."""

    delay: float = 0.0
    """Seconds that it must be bad without a break."""
    state: State = State.FINE
    since: float = 0.0

    def see(self, sight: Sight, now: float) -> Turn | None:
        """Take what an event says."""
        turn = self.wake(now)
        match self.state, sight:
            case State.FINE, Sight.BAD:
                self.state, self.since = State.WAITING, now
                turn = self.wake(now)
            case State.WAITING, Sight.GOOD | Sight.UNCLEAR:
                self.state = State.FINE
            case State.TROUBLE, Sight.GOOD:
                self.state = State.FINE
                turn = Turn.OVER if turn is None else None
        return turn

    def wake(self, now: float) -> Turn | None:
        """Take that it is `now`."""
        if self.due is None or now < self.due:
            return None
        self.state = State.TROUBLE
        return Turn.BEGAN

    @property
    def due(self) -> float | None:
        """When to call `wake`; None if no time is running."""
        return self.since + self.delay if self.state is State.WAITING else None
