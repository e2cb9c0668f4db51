"""Rows of an open history file that wait for the person: counted, found, and moved on when they were shown or read.

The work of each call is bounded, but for that on the rows of one replacement key.  See :class:`~notifier.entry.State`
for how far a row can come.
"""

import sqlite3
from collections.abc import Iterable

from notifier.entry import Counts, State
from notifier.history import Row, select, short
from notifier.notification import Urgency

MOST = 1_000
"""Rows that one call moves on."""


def advance(db: sqlite3.Connection, state: State, rows: Iterable[int]) -> None:
    """These have come this far, if they have not come further."""
    values = [(state, row, state) for row in rows]
    db.executemany("UPDATE history SET state = ? WHERE id = ? AND state < ?", values)


def show_in_place(db: sqlite3.Connection, stream: str, key: str, row: int, *, critical: bool) -> None:
    """The bubble of this row has taken the place of those before it with its key, be they shown or not."""
    update = """
        UPDATE history INDEXED BY history_keyed SET state = ?
        WHERE stream = ? AND state < 3 AND state < 2 AND id < ? AND key = ? AND (urgency = ?) = ?
    """
    db.execute(update, (State.SHOWN, stream, row, short(key), Urgency.CRITICAL, critical))


def withdraw(db: sqlite3.Connection, stream: str, key: str, up_to: int) -> None:
    """What was said under this key, up to and including this row, waits for nobody, and is unread no longer."""
    update = """
        UPDATE history INDEXED BY history_keyed SET state = CASE WHEN state < 2 THEN ? ELSE ? END
        WHERE stream = ? AND state < 3 AND key = ? AND id <= ?
    """
    db.execute(update, (State.SILENT, State.READ, stream, short(key), up_to))


def read_together(db: sqlite3.Connection, up_to: int, stream: str | None, *, shown_only: bool) -> bool:
    """All up to and including this row, of one stream or of all, was seen; whether there may be more to move on."""
    of_it = "stream = :stream AND " if stream is not None else ""
    update = f"""
        UPDATE history SET state = :read WHERE id IN (
            SELECT id FROM history INDEXED BY history_unread
            WHERE {of_it}state < 3 AND state >= :least AND id <= :up_to LIMIT :most
        )
    """  # noqa: S608
    values = {
        "stream": stream,
        "read": State.READ,
        "least": State.SHOWN if shown_only else State.RECORDED,
        "up_to": up_to,
        "most": MOST,
    }
    return db.execute(update, values).rowcount == MOST


def show_together(db: sqlite3.Connection, stream: str, up_to: int, *, critical: bool) -> bool:
    """One summary told of all that waited, up to and including this row; whether there may be more to move on."""
    update = """
        UPDATE history SET state = ? WHERE id IN (
            SELECT id FROM history WHERE stream = ? AND state < 2 AND (urgency = ?) = ? AND id <= ?
            ORDER BY id LIMIT ?
        )
    """
    return db.execute(update, (State.SHOWN, stream, Urgency.CRITICAL, critical, up_to, MOST)).rowcount == MOST


def unshown(db: sqlite3.Connection, stream: str, up_to: int, *, critical: bool, newest: int) -> tuple[int, list[Row]]:
    """How many rows of `stream` up to this one were not shown yet; and the newest of them, oldest first."""
    where = "stream = :stream AND state < 2 AND (urgency = :urgency) = :critical AND id <= :up_to"
    values = {"stream": stream, "urgency": Urgency.CRITICAL, "critical": critical, "newest": newest, "up_to": up_to}
    (count,) = db.execute(f"SELECT COUNT(*) FROM history WHERE {where}", values).fetchone()  # noqa: S608
    return count, select(db, f"{where} ORDER BY id DESC LIMIT :newest", values)[::-1]


def counts(db: sqlite3.Connection) -> dict[str, Counts]:
    """What waits, of every stream on which anything waits.  Reads an index of the unread rows."""
    query = "SELECT stream, SUM(state < 2), COUNT(*) FROM history WHERE state < 3 GROUP BY stream"
    return {stream: Counts(unshown, unread) for stream, unshown, unread in db.execute(query)}


def newest_unread(db: sqlite3.Connection) -> Row | None:
    """The newest that the person has not seen."""
    rows = select(db, "id = (SELECT max(id) FROM history INDEXED BY history_unread WHERE state < 3)", {})
    return rows[0] if rows else None
