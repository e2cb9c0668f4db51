"""notifier.past: what the history holds of events that are seen again."""

from notifier.history import Row, State
from notifier.notification import Notification
from notifier.past import past_of
from notifier.sse import Event


def row(title: str, event_id: str | None, received: float, event_type: str = "message") -> Row:
    return Row(
        id=1,
        notification=Notification(stream="ci", title=title),
        event_type=event_type,
        event_id=event_id,
        received=received,
        state=State.SHOWN,
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
