"""The objects of one stream in, the same objects with their telling fields first out.

The longer a stream is followed, the clearer it is which fields say something: those that differ from event to
event.  Nothing is left out here; but where only some fields can be spelled out, they are these.
"""

from collections.abc import Mapping

from notifier.payload import Json
from notifier.wording import PAIRS_LIMIT

FIELDS_LIMIT = 200
"""Fields that are watched."""
ENOUGH = 3
"""Events in which a field must have said the same to be taken for one that always does."""


class Habit:
    """What is usual on one stream."""

    def __init__(self) -> None:
        self._usual: dict[str, tuple[int, int]] = {}
        """By name: the hash of what the field said last, and in how many events in a row it did."""

    def arrange(self, value: Json) -> Json:
        """`value` with what differs first; an object of which all fields are spelled out, or very many, stays."""
        if not isinstance(value, Mapping) or not PAIRS_LIMIT < len(value) <= FIELDS_LIMIT:
            return value
        for name, field in value.items():
            if name in self._usual or len(self._usual) < FIELDS_LIMIT:
                said = hash(field) if field is None or isinstance(field, str | int | float) else hash(repr(field)[:500])
                before, times = self._usual.get(name, (said, 0))
                self._usual[name] = said, times + 1 if said == before else 1
        return dict(sorted(value.items(), key=lambda pair: self._usual.get(pair[0], (0, 0))[1] > ENOUGH))
