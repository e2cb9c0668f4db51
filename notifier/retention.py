"""What leaves the history file, and how the file gets smaller.  Decides nothing about what is in it.

The work of each call is bounded; all times are seconds since 1970.
"""

import math
import sqlite3
from contextlib import closing
from itertools import takewhile

from notifier.entry import State

KEEP_KEYS = 200_000
"""Keys that are remembered; those that expire soonest make room."""
FREE_PAGES = 64
"""Pages of removed rows that one call gives back to the file system."""


def forget(db: sqlite3.Connection, now: float, keep_rows: int, oldest: float, most: int) -> int:
    """Remove up to `most` rows and up to `most` keys; how many of the rows had not been shown.

    Rows go from the front only, so their ids have no gaps and the last one tells how many there are.
    """
    (last,) = db.execute("SELECT max(id) FROM history").fetchone()
    # The casts: bits that flipped on disk may have made text of a number.
    query = "SELECT id, CAST(received AS REAL), CAST(state AS INTEGER) FROM history ORDER BY id LIMIT ?"
    with closing(db.execute(query, (most,))) as front:
        old = list(takewhile(lambda row: row[0] <= last - keep_rows or row[1] < oldest, front))
    if old:
        db.execute("DELETE FROM history WHERE id <= ?", (old[-1][0],))
    expired = "DELETE FROM seen WHERE rowid IN (SELECT rowid FROM seen WHERE expires <= ? ORDER BY expires LIMIT ?)"
    db.execute(expired, (now, most))
    (span,) = db.execute("SELECT (SELECT max(rowid) FROM seen) - (SELECT min(rowid) FROM seen)").fetchone()
    if span is not None and span >= KEEP_KEYS:  # there may be too many: only now is counting worth it
        (keys,) = db.execute("SELECT COUNT(*) FROM seen").fetchone()
        db.execute(expired, (math.inf, max(0, min(keys - KEEP_KEYS, most))))
    return sum(state < State.SHOWN for _, _, state in old)


def shrink(db: sqlite3.Connection) -> None:
    """Give back to the file system some of the pages whose rows were removed."""
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    if free > FREE_PAGES:  # a few stay for the next rows
        for _ in range(FREE_PAGES):  # sqlite3 takes one step of this statement, and a step is a page
            db.execute("PRAGMA incremental_vacuum")
