"""Who is live, by view; and for a record, the views that may want it.  No I/O.

A view of plain topics is found by the record's topic, so that an event costs what those who want it cost, however many
other topics there are.  Views with a ``*``, and those of all topics, are asked about every record.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from server.eventlog import Record
from server.view import View

Member = TypeVar("Member")


class Audience(Generic[Member]):
    """Groups of members who get the same bytes."""

    def __init__(self) -> None:
        self._groups: dict[View, set[Member]] = {}
        self._by_topic: dict[str, set[View]] = {}
        self._wide: set[View] = set()
        self.size = 0
        """Members of all groups together."""

    def add(self, view: View, member: Member) -> None:
        """Let a member in, once."""
        if (group := self._groups.get(view)) is None:
            group = self._groups[view] = set()
            for views in self._places(view, make=True):
                views.add(view)
        self.size += member not in group
        group.add(member)

    def discard(self, view: View, member: Member) -> None:
        """Let a member go, if it is there."""
        group = self._groups.get(view)
        if group is None or member not in group:
            return
        group.discard(member)
        self.size -= 1
        if not group:
            del self._groups[view]
            for views in self._places(view):
                views.discard(view)
            for topic in view.topics:
                if topic in self._by_topic and not self._by_topic[topic]:
                    del self._by_topic[topic]

    def members(self) -> list[Member]:
        """All of them, now."""
        return [member for group in self._groups.values() for member in group]

    def groups(self) -> Iterator[tuple[View, set[Member]]]:
        """Each view with those who have it."""
        yield from self._groups.items()

    def listening(self, records: Sequence[Record]) -> Iterator[tuple[list[bytes], set[Member]]]:
        """Those who want some of the records, each with its bytes, in their order."""
        frames: dict[View, list[bytes]] = {}
        for record in records:
            for view in (*self._wide, *self._by_topic.get(record.topic, ())):
                if frame := view.of(record):
                    frames.setdefault(view, []).append(frame)
        for view, found in frames.items():
            yield found, self._groups[view]

    def _places(self, view: View, *, make: bool = False) -> list[set[View]]:
        if not view.topics or any("*" in topic for topic in view.topics):
            return [self._wide]
        if make:
            return [self._by_topic.setdefault(topic, set()) for topic in view.topics]
        return [self._by_topic[topic] for topic in view.topics]
