"""Events as they came in, rows of the history file out; and back: so that changed rules can be tried on the past.

Beside events stand marks: when a stream was begun, opened and ended, since rules go by that too.  All times are seconds
since 1970.  It decides nothing about events; what is too large to be kept has a row, but no data.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from itertools import takewhile
from pathlib import Path

from notifier.database import reading
from notifier.history import is_moment, short
from notifier.schema import COLUMNS

EVENT_LIMIT = 16 * 1024
"""Bytes of an event's data that are kept; a larger one's are not."""
KEEP_BYTES = 24 << 20
"""Bytes of all rows together; the oldest make room."""
ROW = 64
"""Bytes of a row beside its texts."""
WORTHWHILE = 512
"""Bytes from which on data is deflated; below that it costs more time than it saves space."""
FASTEST = 1
"""Of zlib's levels; the others hardly make JSON smaller."""


class Kind(IntEnum):
    """What a row stands for."""

    EVENT = 0
    BEGAN = 1
    """The program, or another configuration, began to follow the stream."""
    OPENED = 2
    """The data is a JSON object of the response's headers, as far as they are harmless."""
    ENDED = 3
    """The program ended as it should; it may also end without."""
    TOO_FAST = 4
    """The data is the number of events before this that came too fast to be kept; nothing was told of them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One row."""

    stream: str
    received: float
    kind: Kind
    data: str | None = ""
    """None if it was too large."""
    type: str = ""
    event_id: str | None = None
    row: int = 0
    """Its number; 0 before it has one."""

    @property
    def size(self) -> int:
        """Bytes that it takes about, before they are deflated."""
        return ROW + len(self.data or "") + len(self.type) + len(self.event_id or "")


def event(stream: str, received: float, event_type: str, event_id: str | None, data: str) -> Kept:
    """The row of an event."""
    is_small = len(data) <= EVENT_LIMIT and len(data.encode(errors="replace")) <= EVENT_LIMIT
    return Kept(stream, received, Kind.EVENT, data if is_small else None, short(event_type) or "", short(event_id))


def write(db: sqlite3.Connection, rows: Sequence[Kept]) -> range:
    """Keep these; their numbers."""
    if not rows:
        return range(0)
    # Numbers are given here, so that one statement writes all; each is used once, even after its row was forgotten.
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    first = (found[0] if found else 0) + 1
    found = db.execute("SELECT reach FROM events ORDER BY id DESC LIMIT 1").fetchone()
    reach = found[0] if found else 0
    values = []
    for number, row in enumerate(rows, first):
        data = None if row.data is None else _packed(row.data)
        reach += ROW + len(data or b"") + len(row.type) + len(row.event_id or "")
        values.append((number, row.stream, row.received, row.kind.value, reach, row.type, row.event_id, data))
    db.executemany(f"INSERT INTO events ({COLUMNS['events']}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    return range(first, first + len(rows))


def forget(db: sqlite3.Connection, keep_rows: int, keep_bytes: int, oldest: float, most: int) -> None:
    """Remove up to `most` of the oldest rows: those that are older than `oldest`, and those that are too many."""
    found = db.execute("SELECT id, reach FROM events ORDER BY id DESC LIMIT 1").fetchone()
    if found is None:
        return
    last, reach = found
    # The cast: bits that flipped on disk may have made text of a number.
    query = "SELECT id, CAST(received AS REAL), reach FROM events ORDER BY id LIMIT ?"
    with closing(db.execute(query, (most,))) as front:
        old = list(
            takewhile(lambda row: row[0] <= last - keep_rows or row[1] < oldest or row[2] <= reach - keep_bytes, front)
        )
    if old:
        db.execute("DELETE FROM events WHERE id <= ?", (old[-1][0],))


def read_kept(path: Path, stream: str) -> list[Kept]:
    """All that is kept of a stream, oldest first, read beside the process that writes.  Changes nothing.

    Raises:
        StoreError: the file is there but cannot be read.
    """
    if not path.exists():
        return []
    with reading(path) as db:
        return list(_find(db, stream))


def _find(db: sqlite3.Connection, stream: str) -> Iterator[Kept]:
    query = f"SELECT {COLUMNS['events']} FROM events WHERE stream = ? ORDER BY id"  # noqa: S608
    for number, name, received, kind, _reach, event_type, event_id, data in db.execute(query, (stream,)):
        # Bits that flipped on disk are one event that cannot be had; the others are good.
        if kind in set(Kind) and is_moment(received):
            yield Kept(name, received, Kind(kind), _unpacked(data), event_type, event_id, number)


def _packed(data: str) -> bytes:
    """Plain bytes begin with 0, deflated ones with 1."""
    plain = data.encode(errors="replace")
    if len(plain) >= WORTHWHILE:
        packed = zlib.compress(plain, FASTEST)
        if len(packed) < len(plain):
            return b"\1" + packed
    return b"\0" + plain


def _unpacked(data: object) -> str | None:
    if not isinstance(data, bytes) or not data:
        return None
    try:
        plain = zlib.decompressobj().decompress(data[1:], EVENT_LIMIT) if data[0] else data[1:]
        return plain.decode(errors="replace")
    except zlib.error:
        return None
