"""Bytes of a text/event-stream in, events out.  No I/O, no clock, no opinion on when to reconnect.

Follows WHATWG HTML 9.2.5 (parsing an event stream) and 9.2.6 (interpreting an event stream).

The way of a chunk: `feed` turns every line ending into LF and keeps back what does not end in one yet;
`_interpret` reads the lines that are finished.  What the specification says line by line stands in `_read_lines`
and `_dispatch`, and is enough to read any stream.  Nearly all streams repeat one of two plain shapes,
though, and for those `_interpret` takes whole blocks at once, with the same result and a fraction of the work.
"""

import re
from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import NamedTuple

LIMIT = 16 * 1024 * 1024
"""Bytes of one unfinished event that are held, unless the caller says otherwise."""

RECONNECTION_TIME_LIMIT = 2**31 - 1
"""Milliseconds (25 days); a longer reconnection time is read as this one."""

CR = 0x0D
"""A number, since `in` finds a number in bytes ten times faster than it finds bytes."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

NAMES = r"(?:id: ?+([^\n\0]++)\n|event: ?+(.++)\n){0,2}"
"""The ID and the type of a block, in any order; of two, the last is captured, as the specification wants it."""
PIECES = re.compile(
    rf"{NAMES}data: ?+(.*+)\n{NAMES}\n"  # a whole block of one data line, with or without an ID and a type
    r"|((?:.++\n)+\n?|\n)"  # any other block, or what there is of it
)
"""Every text of finished lines is a row of these.

Possessive, so no input makes it try a line again in pieces; but only for single characters, since Python 3.11.4 and
older get possessive groups wrong (CPython issues 101955 and 106052).
"""


class Event(NamedTuple):
    """One event, as a blank line dispatches it (9.2.6)."""

    type: str
    """`message` unless the block named another."""
    data: str
    """The data lines joined by LF; may be empty."""
    last_event_id: str
    """The stream's last event ID, after this event; empty if there is none."""
    id: str | None = None
    """The ID this block carried itself; None if it inherited one."""


make_event: Callable[[tuple[str, str, str, str | None]], Event] = partial(tuple.__new__, Event)
"""What `Event(...)` does, without its Python frame: a small event costs hardly more than its `Event`."""


class EventTooLarge(ValueError):
    """The sender went on with an event of which the limit was held already."""


class EventStreamParser:
    """Cuts one stream into events.  Each connection needs a new one: what is unfinished at the end never was.

    Args:
        last_event_id: what the connection was resumed from; events without an ID of their own inherit it.
        limit: bytes that may be held from one `feed` to the next, all of them of one unfinished event: its
            data lines so far and its unfinished line.  The chunk being fed is not counted.
    """

    last_event_id: str
    """The stream's last event ID.  A blank line commits it, also when the block had no data."""
    reconnection_time: int | None
    """Milliseconds that the stream asked for, 0 to `RECONNECTION_TIME_LIMIT`; None until it did."""

    def __init__(self, last_event_id: str = "", *, limit: int = LIMIT) -> None:
        self.last_event_id = last_event_id
        self.reconnection_time = None
        self._limit = limit

        self._at_start = True
        self._after_cr = False
        self._fragments: list[bytes] = []
        self._fragments_size = 0

        self._in_block = False
        self._data: list[str] = []
        self._data_size = 0
        self._type = ""
        self._id: str | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes, cut anywhere, and return the events that they finish.

        Raises:
            EventTooLarge: more than `limit` bytes are held, and still no end.  It is raised before `chunk` is
                looked at, so every event before the large one has been returned; it is raised again each time.
        """
        if self._fragments_size + self._data_size > self._limit:
            raise EventTooLarge(f"an event is larger than {self._limit} bytes")
        if self._after_cr and chunk:
            # The CR has ended its line at once, or an event would wait for the next; this is the LF it left.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if CR in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk if chunk[-1:] == b"\n" and not self._fragments else self._finish_lines(chunk)
        if self._at_start and lines:
            self._at_start = False
            lines = lines.removeprefix(BYTE_ORDER_MARK)
        # No UTF-8 sequence goes on over a line ending, so decoding lines is decoding the stream.
        return self._interpret(lines.decode("utf-8", "replace"))

    def _finish_lines(self, chunk: bytes) -> bytes:
        """The lines that `chunk` finishes; what comes after them is held."""
        finished, newline, rest = chunk.rpartition(b"\n")
        lines = b""
        if newline:
            # Joined once per line and not once per chunk: a line of megabytes in small chunks stays linear.
            lines = b"".join((*self._fragments, finished, newline))
            self._fragments = []
            self._fragments_size = 0
        if rest:
            self._fragments.append(rest)
            self._fragments_size += len(rest)
        return lines

    def _interpret(self, text: str) -> list[Event]:
        """Read whole lines, each ended by LF."""
        if text.startswith("data: ") and not self._in_block:
            if text.find("\n") == len(text) - 2:
                return [make_event(("message", text[6:-2], self.last_event_id, None))]
            values = text[6:-2].split("\n\ndata: ")
            if text.endswith("\n\n") and text.count("\n") == 2 * len(values):
                # Two line endings for each value: none of them has one inside, so each was a block of one line.
                rows = zip(repeat("message"), values, repeat(self.last_event_id), repeat(None))
                return list(map(make_event, rows))
        events: list[Event] = []
        append = events.append
        for early_id, early_type, data, late_id, late_type, block in PIECES.findall(text):
            if block:
                self._read_lines(block, events)
                continue
            own_id, type_ = late_id or early_id, late_type or early_type
            if self._in_block:
                self._id = own_id or self._id
                self._type = type_ or self._type
                self._data.append(data)
                self._dispatch(events)
            elif own_id:
                self.last_event_id = own_id
                append(make_event((type_ or "message", data, own_id, own_id)))
            else:
                append(make_event((type_ or "message", data, self.last_event_id, None)))
        return events

    def _read_lines(self, text: str, events: list[Event]) -> None:
        self._in_block = True
        for line in text[:-1].split("\n"):
            name, _, value = line.partition(":")  # a comment is a field without a name
            value = value.removeprefix(" ")
            if name == "data":
                self._data.append(value)
            elif not line:
                self._dispatch(events)
            elif name == "event":
                self._type = value
            elif name == "id" and "\0" not in value:
                self._id = value
            elif name == "retry" and value.isascii() and value.isdigit():
                # Twelve digits are beyond the limit already, and more of them would cost int() time or an error.
                self.reconnection_time = min(int(value.lstrip("0")[:12] or "0"), RECONNECTION_TIME_LIMIT)
        if self._data:
            self._data_size += len(text.encode())

    def _dispatch(self, events: list[Event]) -> None:
        if self._id is not None:
            self.last_event_id = self._id
        if self._data:
            events.append(Event(self._type or "message", "\n".join(self._data), self.last_event_id, self._id))
        self._in_block = False
        self._data = []
        self._data_size = 0
        self._type = ""
        self._id = None
