"""The file of `eventlog.sqlite`: taken hold of, made or brought up to date, and its records put in, read and let go of.

Every function but `lock` and `connect` works on a connection that its caller alone uses; none waits for another thread.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from server.eventlog import ONCE, ONCE_LIMIT, PAGE_BYTES, PAGE_RECORDS, LogUnavailable, NameTaken, Page, Record

logger = logging.getLogger(__name__)

GAP = 1_000_000
"""Positions that are left out after a power cut, since lost records may have had them; see `prepare`."""
Durability = Literal["normal", "full"]

SCHEMA = """
CREATE TABLE log (
    epoch TEXT NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL,
    boot TEXT NOT NULL  -- of the machine that has it open; empty when it was closed
) STRICT;
INSERT INTO log VALUES (lower(hex(randomblob(4))), 0, 0, '');
CREATE TABLE record (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even when every record is gone
    time REAL NOT NULL, topic TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL
) STRICT;
CREATE TABLE once (
    name TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, time REAL NOT NULL,
    fingerprint TEXT NOT NULL DEFAULT ''  -- of what was appended; empty in those of format 1, which may be anything
) STRICT;
PRAGMA user_version = 2;
"""

FROM_1_TO_2 = """
ALTER TABLE once ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
PRAGMA user_version = 2;
"""


class Span(NamedTuple):
    """Where the messages of an append are."""

    positions: range
    is_new: bool
    """They were stored by this append, and not by an earlier one of its name."""


def lock(path: Path) -> sqlite3.Connection:
    """Keep other servers away from the log for as long as this connection is open; it ends with the process.

    Raises:
        LogUnavailable: another server has it.
    """
    held = sqlite3.connect(
        path.with_name(path.name + "-lock"), timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        held.close()
        raise LogUnavailable(
            f"the event log {path} is in use by another sse-server; stop that one, or choose another log with --log"
        ) from error
    return held


def prepare(database: sqlite3.Connection, boot: str) -> tuple[str, int]:
    """Epoch and head of the log, which is made if the file is new.

    A power cut may have taken records whose ids were given out.  Their positions must not be given to others: a
    client that has the one would never be sent the other.  So if the log was not closed, and the machine was started
    since, a wide gap is left.  (If only the server died, nothing is lost, and none is needed.)

    Raises:
        LogUnavailable: the file is another program's, or a newer server's.
    """
    [version] = database.execute("PRAGMA user_version").fetchone()
    if version == 0:
        if database.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise LogUnavailable("the event log's file is another program's database; choose another with --log")
        database.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    elif version == 1:
        database.executescript(f"BEGIN; {FROM_1_TO_2} COMMIT;")
    elif version != 2:
        raise LogUnavailable(f"the event log was written by a newer sse-server (format {version}); use that one")
    [epoch, opened_on] = database.execute("SELECT epoch, boot FROM log").fetchone()
    database.execute("BEGIN IMMEDIATE")
    # SQLite makes this row with the first record; lost together, they would leave nothing to put a gap behind.
    database.execute(
        "INSERT INTO sqlite_sequence SELECT 'record', 0"
        " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'record')"
    )
    if opened_on not in ("", boot) or opened_on == "unknown":
        logger.warning("the machine went down while the event log was open; ids go on with a gap")
        database.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'record'", (GAP,))
    database.execute("UPDATE log SET boot = ?", (boot,))
    database.execute("COMMIT")
    head = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'record'").fetchone()
    return epoch, head[0] if head else 0


def connect(path: Path, durability: Durability) -> sqlite3.Connection:
    """A connection for whichever thread uses it alone."""
    database = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {durability}")
    return database


def store(database: sqlite3.Connection, new: Sequence[Record], once: str | None, mark: str) -> Span | NameTaken:
    """Put records behind all others, unless an append of this name was stored before; then say where that one is.

    Args:
        database: In a transaction.
        new: Empty, to see whether something could be written.
        once: The name of the append, if it has one.
        mark: The fingerprint of its messages.
    """
    if not new:
        # Else nothing is written, and a full disk is not seen; SQLite leaves out what changes nothing.
        database.execute("UPDATE log SET count = count + 1")
        database.execute("UPDATE log SET count = count - 1")
        return Span(range(0), is_new=True)
    if once is not None:
        named = "SELECT first, last, fingerprint FROM once WHERE name = ?"
        if known := database.execute(named, (once,)).fetchone():
            first, last, known_mark = known
            is_same = known_mark in ("", mark)
            return Span(range(first, last + 1), is_new=False) if is_same else NameTaken()
    database.executemany(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?)",
        ((record.position, record.time, record.topic, record.type, record.data) for record in new),
    )
    size = sum(len(record.data) for record in new)
    database.execute("UPDATE log SET count = count + ?, size = size + ?", (len(new), size))
    span = range(new[0].position, new[-1].position + 1)
    if once is not None:
        about = (once, span[0], span[-1], new[0].time, mark)
        database.execute("INSERT INTO once VALUES (?, ?, ?, ?, ?)", about)
    return Span(span, is_new=True)


def is_over(database: sqlite3.Connection, records: int, size: int) -> bool:
    """Whether a tenth more is there than may be."""
    [count, length] = database.execute("SELECT count, size FROM log").fetchone()
    return bool(count > records * 1.1 or length > size * 1.1)


def trim(database: sqlite3.Connection, now: float, *, records: int, size: int, age: float) -> None:
    """Let go of what is over a limit, but not of the newest record, unless it is too old."""
    database.execute(
        "DELETE FROM once WHERE time < ? OR rowid <= (SELECT max(rowid) FROM once) - ?", (now - ONCE, ONCE_LIMIT)
    )
    [count, length] = database.execute("SELECT count, size FROM log").fetchone()
    cut = None
    # Data itself, because SQL's length() ends at a NUL, and what was counted when it came must be let go of again.
    for position, written, data in database.execute("SELECT position, time, data FROM record ORDER BY position"):
        over = count > records or (length > size and count > 1)
        if not over and written >= now - age:
            break
        cut, count, length = position, count - 1, length - len(data)
    if cut is not None:
        database.execute("DELETE FROM record WHERE position <= ?", (cut,))
        database.execute("UPDATE log SET count = ?, size = ?", (count, length))


def page(database: sqlite3.Connection, after: int, until: int, head: int, id_at: Callable[[int], str]) -> Page:
    """Records behind `after` up to `until`, as many as a page has.

    Args:
        database: Not in a transaction.
        after: A position, as all of them are.
        until: Another one.
        head: That of the log, which is its floor when it is empty.
        id_at: Gives the SSE id of a position.
    """
    found: list[Record] = []
    size = 0
    database.execute("BEGIN")
    try:
        [oldest] = database.execute("SELECT min(position) FROM record").fetchone()
        rows = database.execute(
            "SELECT position, time, topic, type, data FROM record"
            " WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
            (after, until, PAGE_RECORDS),
        )
        for position, *fields in rows:
            record = Record(position, id_at(position), *fields)
            if found and size + len(record.data) > PAGE_BYTES:
                break
            found.append(record)
            size += len(record.data)
    finally:
        database.execute("ROLLBACK")
    return Page(found, head if oldest is None else oldest - 1)


def position_before(database: sqlite3.Connection, time: float, head: int) -> int:
    """The last position before the first record that is not older than `time`."""
    query = "SELECT position, time FROM record WHERE position >= ? ORDER BY position LIMIT 1"
    oldest: int | None = database.execute("SELECT min(position) FROM record").fetchone()[0]
    if oldest is None:
        return head
    low, high = oldest, head + 1  # the first record that is not before `time` lies here
    while low < high:
        middle = (low + high) // 2
        row = database.execute(query, (middle,)).fetchone()
        low, high = (low, middle) if row is None or row[1] >= time else (row[0] + 1, high)
    return low - 1
