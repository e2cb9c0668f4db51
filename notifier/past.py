"""Rows of the history and events that were seen again in, what was made of each of them out.  Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from notifier.comparison import Timed
from notifier.history import Row, short
from notifier.sample import Sample
from notifier.sse import Event


def past_of(timed: Iterable[tuple[float, Event]], rows: Sequence[Row]) -> list[Timed | None]:
    """What was told of each event, in their order, None where the history knows nothing of it; then what was told
    because time had passed.

    An event is known by its type and its ID, and of several with the same those that came at about its time are it.

    Args:
        timed: Events, and when they came, in seconds since 1970.
        rows: The history of their stream.
    """
    events = list(timed)
    known: dict[tuple[str | None, str | None], dict[float, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        known[row.event_type, row.event_id][row.received].append(row)
    found: list[Timed | None] = []
    for at, event in events:
        candidates = known.get((short(event.type), short(event.id))) if event.id is not None else None
        if not candidates:
            found.append(None)
            continue
        received = min(candidates, key=lambda moment: abs(moment - at))
        found.append((at, Sample(event, tuple(row.notification for row in candidates[received]))))
    if events:
        first, last = events[0][0], events[-1][0]
        found += [
            (row.received, Sample(None, (row.notification,)))
            for row in rows
            if not row.event_type and row.event_id is None and first <= row.received <= last
        ]
    return found
