"""What a rule remembers of one key, in; text that outlives the program out, and back.  Pure; `store` keeps the text.

Times are of two clocks: what a rule counts by never runs backwards and means nothing in another run, so the text has
the wall clock's.
"""

import json
from dataclasses import dataclass, field

from notifier import notation
from notifier.condition import Condition, State
from notifier.notification import Notification
from notifier.payload import Json

PREVIOUS_LIMIT = 8_192
"""Characters of a `previous` that outlives the program; a longer one is forgotten with it."""

Place = tuple[str, str]
"""Which rule it is, and which key of it."""


@dataclass(slots=True)
class Memory:
    """What a rule remembers of one key."""

    condition: Condition = field(default_factory=Condition)
    previous: Json = None
    value: str | None = None
    """What `changed` was."""
    trouble: Notification | None = None
    """What to tell when the time is up, or what was told when the problem began."""

    def write(self, offset: float) -> str:
        """As text.

        Args:
            offset: What the wall clock is ahead of the clock that never runs backwards.
        """
        previous = json.dumps(self.previous, ensure_ascii=True)
        told = {
            "previous": self.previous if len(previous) <= PREVIOUS_LIMIT else None,
            "value": self.value,
            "state": None if self.condition.state is State.FINE else self.condition.state.name,
            "since": round(self.condition.since + offset, 1) if self.condition.state is State.WAITING else None,
            "trouble": notation.write(self.trouble) if self.trouble is not None else None,
        }
        return json.dumps({name: value for name, value in told.items() if value is not None})

    def read(self, text: str, offset: float, now: float) -> None:
        """Remember again what `write` wrote; a clock that was set back lets no time be over.

        Raises:
            ValueError, TypeError, AttributeError, KeyError: `write` did not write this.
        """
        told = json.loads(text)
        trouble, value = told.get("trouble"), told.get("value")
        self.trouble = notation.read(trouble) if trouble is not None else None
        self.previous, self.value = told.get("previous"), None if value is None else str(value)
        self.condition.state = State[told.get("state", State.FINE.name)]
        self.condition.since = min(now, float(told.get("since", now + offset)) - offset)
