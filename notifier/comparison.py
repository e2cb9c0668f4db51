"""What was made of some events and what would be made of them now in, the differences out.  Pure.

Events are compared one by one; what was told because time had passed, with what would be told at about that moment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import Enum

from notifier.notification import Notification, Urgency, Withdrawal
from notifier.sample import Sample
from notifier.sse import Event

ABOUT = 5.0
"""Seconds between two moments that are the same one: what is told because time has passed may come a second late."""

Outcome = Notification | Withdrawal
Timed = tuple[float, Sample]
"""When, in seconds, and what was or would be told."""

OF_ONE_RUN = {"row", "stream", "identity"}
"""Fields of a notification that no person sees."""
KEPT_NOWHERE = {"command"}
"""Fields that the history does not have."""


class Result(Enum):
    """How it is now, compared with what was."""

    SAME = "same"
    CHANGED = "changed"
    NEW = "new"
    """Nothing was told of it."""
    DROPPED = "dropped"
    """Nothing would be told of it."""
    UNKNOWN = "unknown"
    """What was made of it is not known."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a notification."""

    field: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two notifications of one event; None where there is no such one."""

    was: Outcome | None
    now: Outcome | None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What has become of one event, or of one moment."""

    at: float
    event: Event | None
    result: Result
    pairs: tuple[Pair, ...]
    silent: str = ""
    """Why nothing would be told."""


def compare(was: Sequence[Timed | None], now: Sequence[Timed], *, by_history: bool) -> list[Difference]:
    """The differences in the order of time, signs of life left out.

    Args:
        was: What was made of each event, in the order of the events in `now`; None where that is not known.  And what
            was told because time had passed, anywhere.
        now: What would be made of the same events, in the order of time.
        by_history: Whether `was` comes out of the history, which keeps neither commands nor what was taken back.
    """
    before = iter([timed for timed in was if timed is None or timed[1].event is not None])
    lapses = [timed for timed in was if timed is not None and timed[1].event is None]
    is_known = any(was) or not by_history
    found: list[Difference] = []
    for at, sample in now:
        if sample.event is None:
            found.append(_difference(at, _taken(lapses, at, sample) if is_known else None, sample, by_history))
            continue
        old = next(before, None)
        if sample.is_alive and not sample.outcomes and (old is None or not old[1].outcomes):
            continue
        found.append(_difference(at, old and old[1], sample, by_history))
    found += [_difference(at, sample, Sample(None, ()), by_history) for at, sample in lapses]
    return sorted(found, key=lambda difference: difference.at)


def told(outcome: Outcome, *, by_history: bool = False) -> dict[str, str]:
    """The fields of it that a person can see, and are not as usual, as text."""
    if isinstance(outcome, Withdrawal):
        return {"withdrawn": outcome.key}
    usual = {field.name: field.default for field in fields(outcome)}
    return {
        name: _shown(value)
        for name, default in usual.items()
        if name not in OF_ONE_RUN and not (by_history and name in KEPT_NOWHERE)
        if (value := getattr(outcome, name)) != default
    }


def _taken(lapses: list[Timed], at: float, sample: Sample) -> Sample:
    """What was told at that moment: rather with the same title.  It is taken out of `lapses`."""
    titles = {each.title for each in sample.outcomes if isinstance(each, Notification)}
    near = [timed for timed in lapses if abs(timed[0] - at) <= ABOUT]
    if not near:
        return Sample(None, ())
    best = min(near, key=lambda timed: (not titles & _titles(timed[1]), abs(timed[0] - at)))
    lapses.remove(best)
    return best[1]


def _titles(sample: Sample) -> set[str]:
    return {each.title for each in sample.outcomes if isinstance(each, Notification)}


def _difference(at: float, was: Sample | None, now: Sample, by_history: bool) -> Difference:
    event = now.event or (was.event if was else None)
    if was is None:
        return Difference(at, event, Result.UNKNOWN, tuple(Pair(None, each) for each in now.outcomes), now.silent)
    pairs = tuple(_pairs(_known(was, by_history), _known(now, by_history), by_history))
    if all(pair.was is not None and pair.now is not None and not pair.changes for pair in pairs):
        result = Result.SAME
    elif all(pair.was is None for pair in pairs):
        result = Result.NEW
    elif all(pair.now is None for pair in pairs):
        result = Result.DROPPED
    else:
        result = Result.CHANGED
    return Difference(at, event, result, pairs, now.silent)


def _known(sample: Sample, by_history: bool) -> list[Outcome]:
    return [each for each in sample.outcomes if not by_history or isinstance(each, Notification)]


def _pairs(was: list[Outcome], now: list[Outcome], by_history: bool) -> Iterator[Pair]:
    """Each of `was` with one of `now`: first with its equal, then with the next of its kind."""
    left = list(was)
    others: list[Outcome] = []
    for each in now:
        same = next(
            (old for old in left if told(old, by_history=by_history) == told(each, by_history=by_history)), None
        )
        if same is None:
            others.append(each)
        else:
            left.remove(same)
            yield Pair(same, each)
    for each in others:
        old = next((old for old in left if type(old) is type(each)), None)
        if old is not None:
            left.remove(old)
        yield Pair(old, each, tuple(_changes(old, each, by_history)) if old is not None else ())
    yield from (Pair(old, None) for old in left)


def _changes(was: Outcome, now: Outcome, by_history: bool) -> Iterator[Change]:
    old, new = told(was, by_history=by_history), told(now, by_history=by_history)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name, _usual(name)), new.get(name, _usual(name)))


def _usual(name: str) -> str:
    return "normal" if name == "urgency" else ""


def _shown(value: object) -> str:
    match value:
        case Urgency():
            return value.name.lower()
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(f"{each.label}: {each.link}" if hasattr(each, "label") else str(each) for each in value)
    return str(value)
