"""The shape of the history file, as SQL text: every version so far, and the statements between them.  Pure.

Runs nothing.  A version that was released is never edited; a new one is a new step at the end of `MIGRATIONS`.
"""

from collections.abc import Sequence

Step = Sequence[str]
"""Statements that lead from one version to the next, run in one transaction."""

APPLICATION_ID = 0x53_53_45_6E
"""What `PRAGMA application_id` says in our files ("SSEn"), so that we never touch another program's."""

MIGRATIONS: tuple[Step, ...] = (
    (
        # AUTOINCREMENT: a row id is never used twice, so a late "was shown" cannot hit another row.
        """
        CREATE TABLE history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            stream TEXT NOT NULL,
            event_type TEXT NOT NULL,
            event_id TEXT,
            received REAL NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            urgency INTEGER NOT NULL,
            link TEXT,
            key TEXT,
            state INTEGER NOT NULL
        )
        """,
        # Small, because what was read leaves it: the counts per stream come from here alone.
        "CREATE INDEX history_unread ON history (stream, state) WHERE state < 3",
        """
        CREATE TABLE streams (
            stream TEXT PRIMARY KEY,
            source BLOB NOT NULL,
            since REAL NOT NULL,
            last_event_id TEXT NOT NULL,
            last_event REAL
        ) WITHOUT ROWID
        """,
        "CREATE TABLE seen (key BLOB NOT NULL UNIQUE, expires REAL NOT NULL)",
        "CREATE INDEX seen_by_expiry ON seen (expires)",
    ),
    (
        # A JSON object of what few notifications have; NULL for the others.
        "ALTER TABLE history ADD COLUMN more TEXT",
    ),
    (
        # What a person asked to be quiet, and until when, in seconds since 1970; infinity has no other end.
        "CREATE TABLE silences (stream TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
        # Few notifications have a key; of those, what another takes the place of, or is taken back.
        "CREATE INDEX history_keyed ON history (stream, key) WHERE state < 3 AND key IS NOT NULL",
    ),
    (
        # What rules remember: the text is theirs alone.
        """
        CREATE TABLE memory (
            stream TEXT NOT NULL,
            rule TEXT NOT NULL,
            key TEXT NOT NULL,
            told TEXT NOT NULL,
            changed REAL NOT NULL,
            PRIMARY KEY (stream, rule, key)
        ) WITHOUT ROWID
        """,
    ),
    (
        # Events as they came, and marks between them.  `reach` is the bytes of all rows so far, those that are gone
        # included: the difference of two is what lies between, so that nobody has to add up.
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            stream TEXT NOT NULL,
            received REAL NOT NULL,
            kind INTEGER NOT NULL,
            reach INTEGER NOT NULL,
            type TEXT NOT NULL,
            event_id TEXT,
            data BLOB
        )
        """,
        # Which event a notification is of; NULL where that was not kept.
        "ALTER TABLE history ADD COLUMN event INTEGER",
    ),
)
"""Step n leads from version n to version n + 1; `PRAGMA user_version` says which version a file has."""

COLUMNS = {
    "history": "id, stream, event_type, event_id, received, title, body, urgency, link, key, state, more, event",
    "events": "id, stream, received, kind, reach, type, event_id, data",
    "streams": "stream, source, since, last_event_id, last_event",
    "seen": "key, expires",
    "memory": "stream, rule, key, told, changed",
    "silences": "stream, until",
}
"""What the newest version has; a file that lacks any of it is damaged."""
