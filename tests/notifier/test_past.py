"""notifier.past: what the history holds of events that are seen again."""

from notifier.entry import State
from notifier.history import Row
from notifier.kept import Kept, Kind
from notifier.notification import Notification
from notifier.past import past_of, told_of
from notifier.sse import Event


def row(
    title: str, event_id: str | None, received: float, event_type: str = "message", event: int | None = None
) -> Row:
    return Row(
        id=1,
        notification=Notification(stream="ci", title=title),
        event_type=event_type,
        event_id=event_id,
        received=received,
        state=State.SHOWN,
        event=event,
    )


def event(event_id: str | None, event_type: str = "message") -> Event:
    return Event(event_type, "x", event_id or "", event_id)


def test_an_event_is_known_by_type_and_id_and_the_nearest_of_several_is_it() -> None:
    rows = [row("long ago", "1", 10.0), row("one", "1", 100.0), row("two", "1", 100.0), row("other", "1", 100.0, "x")]
    found = past_of([(101.0, event("1")), (102.0, event("2")), (103.0, event(None))], rows)
    assert [
        timed and [each.title for each in timed[1].outcomes if isinstance(each, Notification)] for timed in found
    ] == [["one", "two"], None, None]


def test_what_was_told_because_time_had_passed_is_of_the_time_between_the_events() -> None:
    rows = [row("before", None, 9.0, ""), row("Door open", None, 150.0, ""), row("after", None, 201.0, "")]
    found = past_of([(100.0, event(None)), (200.0, event(None))], rows)
    assert found[:2] == [None, None]
    assert [(timed[0], timed[1].event) for timed in found[2:] if timed] == [(150.0, None)]


def test_an_event_that_is_kept_is_known_by_its_data_too_and_that_nothing_was_told_of_it() -> None:
    kept = [
        Kept("ci", 10.0, Kind.EVENT, "x", "message", None, 1),
        Kept("ci", 90.0, Kind.EVENT, "x", "message", None, 2),
        Kept("ci", 91.0, Kind.EVENT, "y", "message", None, 3),
        Kept("ci", 92.0, Kind.EVENT, None, "message", None, 4),
    ]
    rows = [row("long ago", None, 10.0, event=1), row("one", None, 90.0, event=2)]
    timed = [(100.0, event(None)), (101.0, event(None)._replace(data="y")), (102.0, event(None)._replace(data="z"))]
    found = past_of(timed, rows, kept)
    assert [sample and len(sample[1].outcomes) for sample in found] == [1, 0, None]
    assert found[0]
    assert found[0][1].outcomes == (rows[1].notification,)


def test_of_what_is_kept_it_is_known_what_was_told() -> None:
    rows = [row("one", None, 10.0, event=1), row("before", None, 1.0, ""), row("Door open", None, 15.0, "")]
    found = told_of([(1, 10.0, event(None)), (2, 11.0, event(None))], rows, since=5.0)
    assert [(timed[0], len(timed[1].outcomes)) for timed in found if timed] == [(10.0, 1), (11.0, 0), (15.0, 1)]
