"""A record in, the bytes one kind of subscriber gets of it out.  No I/O; it remembers nothing.

Subscribers of the same view get the very same bytes, so the hub makes them once however many there are.
"""

import json
from dataclasses import dataclass

from server import wire
from server.eventlog import Record


@dataclass(frozen=True, slots=True)
class View:
    """What a subscriber asked for, and how its connection frames it."""

    topics: tuple[str, ...] = ()
    """Only these; ``*`` in one stands for any characters.  None means all."""
    types: tuple[str, ...] = ()
    """Only events of these types, and resets.  None means all."""
    chunked: bool = True
    """Each event is one chunk of the chunked transfer coding (RFC 9112 7.1); False for HTTP/1.0."""
    envelope: bool = False
    """Every event comes as type "message" with a JSON object of its type, topic, time, id and data.

    `EventSource` hears only the types it was told of; this is for those who want to hear all.
    """

    def wants(self, record: Record) -> bool:
        """Whether this record is for such a subscriber."""
        return (not self.types or record.type in self.types) and (not self.topics or covers(self.topics, record.topic))

    def of(self, record: Record) -> bytes:
        """The bytes of this record, ready for the connection; none if it is not for such a subscriber."""
        if not self.wants(record):
            return b""
        if self.envelope:
            fields = {
                "type": record.type,
                "topic": record.topic,
                "time": record.time,
                "id": record.id,
                "data": record.data,
            }
            return self.frame(wire.event(json.dumps(fields, ensure_ascii=False), id=record.id))
        return self.frame(wire.event(record.data, type=record.type, id=record.id))

    def reset(self, id: str, reason: str) -> bytes:  # noqa: A002
        """The bytes that say: events may be missing before what follows.

        The event's type is "reset", and its data a JSON object with the `reason` for programs and a `title` and
        a `body` for people.  Its id is where the log begins now, so a client is told once and not at each reconnect.
        """
        sentence = {
            "unknown": "The server does not know the last event that was received here. What it still has follows.",
            "expired": "The server no longer has every event since the last one received here. What it has follows.",
        }[reason]
        text = json.dumps({"reason": reason, "title": "Events may be missing", "body": sentence})
        if self.envelope:
            text = json.dumps({"type": wire.RESET_TYPE, "id": id, "data": text})
        kind = wire.DEFAULT_TYPE if self.envelope else wire.RESET_TYPE
        return self.frame(wire.event(text, type=kind, id=id))

    def frame(self, data: bytes) -> bytes:
        """`data` as one chunk, where the connection has chunks."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data


def covers(patterns: tuple[str, ...], topic: str) -> bool:
    """Whether one of the patterns matches all that this topic stands for.

    A ``*`` in the topic is matched as the character it is, and only a ``*`` of a pattern does that.
    """
    return any(_matches(pattern, topic) for pattern in patterns)


def _matches(pattern: str, topic: str) -> bool:
    """Each piece between two ``*`` is looked for once, from left to right: a stranger's pattern can make no work of it.

    A regular expression would have to be compiled for each, and many patterns would make work of that.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return topic == pattern
    if not topic.startswith(first):
        return False
    *middle, last = rest
    at = len(first)
    for piece in middle:
        found = topic.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(topic) - len(last) >= at and topic.endswith(last)
