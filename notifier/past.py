"""What the history holds and events that are seen again in, what was made of each of them out.  Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from notifier.comparison import Timed
from notifier.history import Row, short
from notifier.kept import Kept, Kind
from notifier.sample import Sample
from notifier.sse import Event


def past_of(timed: Iterable[tuple[float, Event]], rows: Sequence[Row], kept: Sequence[Kept] = ()) -> list[Timed | None]:
    """What was told of each event, in their order, None where the history knows nothing of it; then what was told
    because time had passed.

    An event is the one of the same type, ID and data that is kept; where none is, the one of the same type and ID that
    was told.  Of several it is the one that came at about its time.

    Args:
        timed: Events, and when they came, in seconds since 1970.
        rows: The history of their stream.
        kept: All that is kept of their stream.
    """
    events = list(timed)
    of_event = _of_event(rows)
    same: dict[tuple[str, str | None, str | None], dict[float, list[Row]]] = defaultdict(dict)
    for row in kept:
        if row.kind is Kind.EVENT and row.data is not None:
            same[row.type, row.event_id, row.data][row.received] = of_event[row.row]
    alike: dict[tuple[str | None, str | None], dict[float, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for told in rows:
        alike[told.event_type, told.event_id][told.received].append(told)
    found: list[Timed | None] = []
    for at, event in events:
        name = short(event.type) or "", short(event.id)
        candidates = same.get((*name, event.data)) or (alike.get(name) if event.id is not None else None)
        if not candidates:
            found.append(None)
            continue
        received = min(candidates, key=lambda moment: abs(moment - at))
        found.append((at, Sample(event, tuple(row.notification for row in candidates[received]))))
    if events:
        found += _lapses(rows, events[0][0], events[-1][0])
    return found


def told_of(events: Iterable[tuple[int, float, Event]], rows: Sequence[Row], since: float) -> list[Timed | None]:
    """What was told of events that are kept, in their order; then what was told because time had passed.

    Args:
        events: Their numbers, when they came, and they themselves.
        rows: The history of their stream.
        since: When the first of all that is kept came, in seconds since 1970.
    """
    of_event = _of_event(rows)
    found: list[Timed | None] = [
        (at, Sample(event, tuple(row.notification for row in of_event[number]))) for number, at, event in events
    ]
    return [*found, *_lapses(rows, since, float("inf"))]


def _of_event(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.event is not None:
            found[row.event].append(row)
    return found


def _lapses(rows: Sequence[Row], first: float, last: float) -> Iterator[Timed]:
    for row in rows:
        if not row.event_type and row.event_id is None and first <= row.received <= last:
            yield row.received, Sample(None, (row.notification,))
