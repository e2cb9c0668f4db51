"""server.audience: each record finds those who want it, and only them."""

from hypothesis import given
from hypothesis import strategies as st

from server.audience import Audience
from server.eventlog import Record
from server.view import View

TOPICS = st.sampled_from(["a", "b", "ab", "a/b"])
VIEWS = st.builds(
    View,
    topics=st.lists(TOPICS | st.sampled_from(["*", "a*", "*b"]), max_size=3).map(
        lambda names: tuple(sorted(set(names)))
    ),
    types=st.lists(st.sampled_from(["message", "alarm"]), max_size=1).map(tuple),
    chunked=st.booleans(),
)


def record(position: int, topic: str, kind: str = "message") -> Record:
    return Record(position, f"e:{position}", 0.0, topic, kind, str(position))


@given(
    st.lists(VIEWS, max_size=12),
    st.lists(st.tuples(TOPICS, st.sampled_from(["message", "alarm"])), max_size=6),
    st.data(),
)
def test_everyone_gets_what_asking_each_view_about_each_record_would_give(
    views: list[View], sent: list[tuple[str, str]], data: st.DataObject
) -> None:
    audience: Audience[int] = Audience()
    members = dict(enumerate(views))
    for member, view in members.items():
        audience.add(view, member)
    for member in data.draw(st.sets(st.sampled_from(sorted(members)))) if members else ():
        audience.discard(members.pop(member), member)
    records = [record(position, *fields) for position, fields in enumerate(sent, 1)]
    got = {member: b"".join(frames) for frames, group in audience.listening(records) for member in group}
    expected = {member: b"".join(map(view.of, records)) for member, view in members.items()}
    assert got == {member: text for member, text in expected.items() if text}
    assert sorted(audience.members()) == sorted(members)
    assert audience.size == len(members)


def test_those_who_left_leave_nothing() -> None:
    audience: Audience[int] = Audience()
    view = View(topics=("a", "b"))
    audience.add(view, 1)
    audience.add(view, 1)
    audience.discard(view, 2)
    audience.discard(view, 1)
    audience.discard(view, 1)
    assert (audience.size, list(audience.groups()), audience._by_topic) == (0, [], {})


def test_an_event_asks_nobody_who_listens_to_other_topics() -> None:
    class Asked(View):
        def of(self, record: Record) -> bytes:
            raise AssertionError(f"{self.topics} was asked about {record.topic}")

    audience: Audience[int] = Audience()
    for number in range(100):
        audience.add(Asked(topics=(f"t{number}",)), number)
    assert not list(audience.listening([record(1, "another")]))
