"""Messages in, records out, in one order and for as long as they are kept: the port, and its contract.

A log gives each message a *position*, an int that only grows, and an SSE id, which is the position in text
with the log's *epoch* in front: ``<epoch>:<row>``.  The epoch is new whenever the log is, so an id from another
life of the log is recognised as such, and a client is told of the gap instead of being left with it.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.wire import Message

PAGE_RECORDS = 500
"""Records in one page at most."""
PAGE_BYTES = 256 * 1024
"""Characters of data after which a page ends; it always holds one record, however long that is."""

ONCE = 86_400.0
"""Seconds for which the name of an append is remembered, unless `ONCE_LIMIT` newer ones were given since."""
ONCE_LIMIT = 100_000
"""Names of appends that are remembered."""


def row_of(id: str, epoch: str, head: int) -> int | None:  # noqa: A002
    """The row that the SSE id ``<epoch>:<row>`` names; None if it is of another epoch, or beyond this one's head."""
    other, _, row = id.rpartition(":")
    if other != epoch or not (row.isascii() and row.isdigit()) or len(row) > 18:
        return None
    return int(row) if int(row) <= head else None


class LogUnavailable(Exception):
    """The log cannot be opened, written or read; what was being appended is not stored."""


class NameTaken(Exception):
    """Other messages were appended under this name; what was being appended is not stored."""


def fingerprint(messages: Sequence[Message]) -> str:
    """32 characters that two appends of the same messages have in common, and no two others."""
    parts = [(message.topic, message.type, message.text) for message in messages]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Record:
    """One message, as the log holds it."""

    position: int
    id: str
    """The SSE id: what a client sends back as Last-Event-ID."""
    time: float
    """When the log took it, in seconds since 1970 UTC."""
    topic: str
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one read found."""

    records: Sequence[Record]
    floor: int
    """Position up to which the log has let go of everything, at the moment of the read."""


Deliver = Callable[[Sequence[Record]], None]
"""Takes records that were stored.  It is called on the event loop, returns at once and never raises."""

Stored = Callable[[], None]
"""Hears that an append stored its messages.  Called as `Deliver` is."""

Restarted = Callable[[], None]
"""Hears that the log is another one now, with a new epoch and a new head.  Called as `Deliver` is."""


class EventLog(Protocol):
    """A durable or passing order of records.

    Every log keeps these promises (tests/server/test_eventlog.py holds each of them to it):

    * `append` returns when the messages are as safe as this log makes them, and no earlier.
    * Each record is delivered exactly once, in the order of positions, after it is safe.  `append` may return
      before or after its records were delivered.
    * `read` returns records in the order of positions, leaving none out between `after` and its last one.
    * A log lets go of its oldest records first, and `floor` says up to which.
    """

    async def open(self, deliver: Deliver, restarted: Restarted) -> None:
        """Take hold of every resource.  From here on each new record goes to `deliver`.

        `restarted` is for a log that others keep, and may lose.

        Raises:
            LogUnavailable: there is no log to be had.
        """

    async def close(self) -> None:
        """Let go of every resource, after what was appended is safe."""

    @property
    def head(self) -> int:
        """Position of the last record that was delivered, or that was there when the log was opened."""

    def id_at(self, position: int) -> str:
        """The SSE id of the record at this position, or that one there would have."""

    def position_of(self, id: str) -> int | None:  # noqa: A002
        """The position that an SSE id names; None if this log cannot have given it out."""

    async def append(
        self, messages: Sequence[Message], *, once: str | None = None, stored: Stored | None = None
    ) -> Sequence[str]:
        """Store all of these messages or none, next to each other, and return their SSE ids.

        Args:
            once: a name that the publisher gave this append.  An append of the same name is the same append for
                `ONCE` seconds, or until `ONCE_LIMIT` newer names came: it stores nothing, and returns the ids that
                the first one was given.
            stored: called once if the messages are stored now, and not if they were under this name.  It is called
                even when whoever awaits this has left, where the log is this process's own.

        Raises:
            LogUnavailable: none was stored.
            NameTaken: none was stored, because others were under this name.
        """

    async def check(self) -> None:
        """Return if a message could be stored now.

        Raises:
            LogUnavailable: none could; the message says why.
        """

    async def position_before(self, time: float) -> int:
        """The position that all records taken at or after `time` lie behind, in seconds since 1970 UTC.

        It is no lower than the floor, and as exact as the clock that the records were taken by.

        Raises:
            LogUnavailable: the log cannot be read.
        """

    async def read(self, after: int, until: int) -> Page:
        """The records with `after` < position <= `until` from the oldest on, one page at most.

        An empty page says that there is nothing left between the two.
        """
