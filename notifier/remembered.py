"""What rules learned in, rows of the history file out; and back.  The text is the rules' own matter."""

import sqlite3
from collections.abc import Mapping

from notifier.memory import Place
from notifier.schema import COLUMNS

KEEP_SECONDS = 365 * 86_400.0
"""Age at which a memory that nothing touched is forgotten."""
KEEP_ROWS = 100_000
"""Memories of all streams; the oldest make room when a stream is followed anew."""


def write(db: sqlite3.Connection, stream: str, learned: Mapping[Place, str | None], now: float) -> None:
    """Keep what was learned; None is forgotten."""
    gone = [(stream, *place) for place, text in learned.items() if text is None]
    kept = [(stream, *place, text, now) for place, text in learned.items() if text is not None]
    db.executemany("DELETE FROM memory WHERE stream = ? AND rule = ? AND key = ?", gone)
    db.executemany(f"REPLACE INTO memory ({COLUMNS['memory']}) VALUES (?, ?, ?, ?, ?)", kept)  # noqa: S608


def find(db: sqlite3.Connection, stream: str) -> dict[Place, str]:
    """What was learned on a stream, what was touched longest ago first."""
    query = "SELECT rule, key, told FROM memory WHERE stream = ? ORDER BY changed"
    return {(rule, key): told for rule, key, told in db.execute(query, (stream,))}


def forget(db: sqlite3.Connection, stream: str) -> None:
    """Nothing that was learned on a stream means anything any more."""
    db.execute("DELETE FROM memory WHERE stream = ?", (stream,))


def bound(db: sqlite3.Connection, now: float) -> None:
    """Forget what is too old or too much."""
    db.execute("DELETE FROM memory WHERE changed < ?", (now - KEEP_SECONDS,))
    (count,) = db.execute("SELECT COUNT(*) FROM memory").fetchone()
    if count > KEEP_ROWS:
        cut = "SELECT changed FROM memory ORDER BY changed DESC LIMIT 1 OFFSET ?"
        db.execute(f"DELETE FROM memory WHERE changed <= ({cut})", (KEEP_ROWS,))  # noqa: S608
