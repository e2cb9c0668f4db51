"""Notifications in, history out: what was recorded, how far each stream was read, which keys were seen.

Decides, shows and waits for nothing.  One transaction holds the rows of a chunk and the last event ID after it,
so whatever a crash takes away is asked for again (HTML 9.2.3, Last-Event-ID).  All times are seconds since 1970.
"""

import logging
import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from notifier import kept, remembered, waiting
from notifier.database import Database
from notifier.entry import Counts, Entry, Mark, State
from notifier.history import Row, find, is_unicode, select, short
from notifier.keeper import Keeper
from notifier.kept import KEEP_BYTES, Kept
from notifier.memory import Place
from notifier.notation import more_of
from notifier.notification import Notification
from notifier.resume import ID_LIMIT
from notifier.retention import forget, shrink
from notifier.schema import COLUMNS, MIGRATIONS, Step
from notifier.sse import Event

logger = logging.getLogger(__name__)

KEEP_ROWS = 100_000
"""Rows in the history; the oldest make room."""
KEEP_SECONDS = 90 * 86_400.0
"""Age at which a row leaves the history."""
MEMORY_ROWS = 10_000
"""Rows in the history while there is no file to hold them."""
FORGET_ROWS = 1_000
"""Rows, and keys, that one call removes at most; recording removes faster than it adds."""
MEND_SECONDS = 60.0
"""Between two looks at whether the file is still, or again, what it should be."""
MEMORY_BYTES = 8 << 20
"""Bytes of events that are kept while there is no file to hold them."""

OVERFLOW = "%d notifications left the history before they could be shown"


class Store:
    """The history file, for one event loop; the work of each call is bounded.

    The file can fail at any time without the program: see :class:`~notifier.database.Database`.

    Args:
        path: Where to keep it; None for memory only.
        clock: Wall clock.  If it is set back, keys are remembered for as much longer.
        tell: Gets a sentence for the person when the file was damaged, cannot be used, or can again.
        keep_rows: At least 1; see `KEEP_ROWS`.
        keep_seconds: See `KEEP_SECONDS`.
        migrations: The steps to the newest version of the file.

    Every method raises :class:`~notifier.errors.StoreError` when not even memory is left.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Callable[[], float],
        tell: Callable[[str], None],
        keep_rows: int = KEEP_ROWS,
        keep_seconds: float = KEEP_SECONDS,
        migrations: Sequence[Step] = MIGRATIONS,
    ) -> None:
        assert keep_rows >= 1, "a history has room for a row"
        self._clock, self._keep_rows, self._keep_seconds = clock, keep_rows, keep_seconds
        self._marks: dict[str, Mark] = {}
        self._sources: dict[str, bytes] = {}
        self._silences: dict[str, float] = {}
        self._moved: set[str] = set()
        self._learned: dict[str, dict[Place, str | None]] = {}
        self._keeper = Keeper()
        self._newest = 0
        self._added = 0
        self._mended = clock()
        self._overflowed = False
        self._database = Database(path, clock=clock, tell=tell, begin=self._begin, migrations=migrations)
        query = f"SELECT {COLUMNS['silences']} FROM silences"  # noqa: S608
        self._silences = dict(self._database.run(lambda db: db.execute(query).fetchall()))

    @property
    def in_memory(self) -> bool:
        """Whether nothing that is recorded now will be there after the program has ended."""
        return self._database.in_memory

    @property
    def newest(self) -> int:
        """The row that was recorded last; 0 before the first."""
        return self._newest

    def resume(self, stream: str, source: str) -> Mark | None:
        """How far `stream` was read the last time; None if it was never followed.  Comes before its first `record`.

        Args:
            stream: The name that the person gave it.
            source: What makes the server and its events the same as last time: origin, path and query.  Only a digest
                is kept.  If it differs, the mark and the keys of the old source mean nothing and are forgotten.
        """
        digest = blake2b(source.encode(errors="replace"), digest_size=16).digest()
        if self._sources.get(stream) == digest:
            return self._marks[stream]
        found = self._database.run(lambda db: _find_mark(db, stream, digest))
        self._marks[stream] = found or Mark(since=self._clock())
        self._sources[stream] = digest
        if found is None:
            self._learned.pop(stream, None)
            self._database.run(lambda db: self._begin_stream(db, stream))
        self._moved.discard(stream)
        return found

    def mark(self, stream: str) -> Mark:
        """How far `stream` is read now."""
        return self._marks[stream]

    def learn(self, stream: str, learned: Mapping[Place, str | None]) -> None:
        """Keep what rules remember, None to forget it: with the stream's next entries, so that neither is without the
        other after a crash, or by `tend`."""
        if learned:
            self._learned.setdefault(stream, {}).update(learned)

    def learned(self, stream: str) -> dict[Place, str]:
        """What rules of a stream that was resumed have learned."""
        if (pending := self._learned.pop(stream, None)) is not None:
            self._database.run(lambda db: remembered.write(db, stream, pending, self._clock()))
        self._database.run(lambda db: remembered.bound(db, self._clock()))
        return self._database.run(lambda db: remembered.find(db, stream))

    def record(
        self, stream: str, entries: Sequence[Entry], last_event_id: str, events: Sequence[Event] = ()
    ) -> list[int | None]:
        """For each entry its row, or None if its key was seen within its lifetime.  Committed on return.

        Costs no write if `entries` is empty: then the last event ID is written with the stream's next entries or by
        `tend`, and a crash before that only has the server send again what nobody wanted.  The very first ID is
        written at once: without one to resume from, a server sends nothing again.

        Args:
            stream: A stream that was resumed.
            entries: What became of the events of one chunk, in their order, without those that nobody wants.
            last_event_id: The parser's after this chunk.  One that cannot go into a header (over `ID_LIMIT`) is
                left out: the older one stands, and the server sends more again.
            events: To keep for later.  One of which nothing is told costs no write either, and may come too fast to
                be kept; one that was told before is not kept again.
        """
        now = self._clock()
        mark = self._marks[stream]
        known = last_event_id if len(last_event_id) <= ID_LIMIT and is_unicode(last_event_id) else mark.last_event_id
        mark = replace(mark, last_event_id=known, last_event=now)
        rows: list[int | None] = []
        heard = self._keeper.heard(stream, events, {entry.cause for entry in entries}, now)
        if entries or (mark.last_event_id and not self._marks[stream].last_event_id):
            rows = self._database.run(lambda db: self._write(db, stream, entries, mark, now, heard))
            self._keeper.pending.clear()
            self._learned.pop(stream, None)
            self._newest = max([self._newest, *(row or 0 for row in rows)])
            self._moved.discard(stream)
        else:
            self._moved.add(stream)
            self._keeper.pending += heard.values()
        self._marks[stream] = mark
        self._added += max(len(entries), len(heard))
        if self._added >= FORGET_ROWS // 2:
            self._forget(now)
        return rows

    def follow(self, stream: str) -> None:
        """Keep that it is followed from now on, by a program that remembers only what it has written down."""
        self._keeper.follow(stream, self._clock())

    def opened(self, stream: str, headers: Mapping[str, str]) -> None:
        """Keep that it was opened, and the harmless headers of the response; names in lower case."""
        self._keeper.opened(stream, headers, self._clock())

    def shown(self, rows: Iterable[int]) -> None:
        """These were taken by the desktop."""
        self._advance(State.SHOWN, rows)

    def read(self, rows: Iterable[int]) -> None:
        """These the person has seen."""
        self._advance(State.READ, rows)

    def shown_in_place(self, stream: str, key: str, row: int, *, critical: bool) -> None:
        """The bubble of this row has taken the place of those before it with its key, be they shown or not."""
        self._database.run(lambda db: waiting.show_in_place(db, stream, key, row, critical=critical))

    def withdraw(self, stream: str, key: str, up_to: int | None = None) -> None:
        """What was said under this key is out of date: it waits for nobody, and is unread no longer.

        Args:
            stream: Its name.
            key: The replacement key.
            up_to: The last row that is meant; None is the newest.
        """
        last = self._newest if up_to is None else up_to
        self._database.run(lambda db: waiting.withdraw(db, stream, key, last))

    def read_together(self, up_to: int, *, stream: str | None = None, shown_only: bool = False) -> bool:
        """All up to and including this row, of one stream or of all, the person has seen, or does not care to.

        Marks a bounded number of rows; returns whether there may be more, for another call.

        Args:
            up_to: See `newest`.
            stream: Its name; None is every stream.
            shown_only: Whether to leave what was not shown yet.
        """
        return self._database.run(lambda db: waiting.read_together(db, up_to, stream, shown_only=shown_only))

    def shown_together(self, stream: str, up_to: int, *, critical: bool) -> bool:
        """One summary told of all that waited on `stream`, critical or not, up to and including row `up_to`.

        Marks a bounded number of rows; returns whether there may be more, for another call.
        """
        return self._database.run(lambda db: waiting.show_together(db, stream, up_to, critical=critical))

    def waiting(self, stream: str, *, critical: bool, newest: int, up_to: int | None = None) -> tuple[int, list[Row]]:
        """How many rows of `stream`, critical or not, were not shown yet; and the newest of them, oldest first.

        Args:
            stream: Its name.
            critical: Which of its rows.
            newest: So many rows at most.
            up_to: The last row that is meant; None is the newest.
        """
        last = self._newest if up_to is None else up_to
        return self._database.run(lambda db: waiting.unshown(db, stream, last, critical=critical, newest=newest))

    def counts(self) -> dict[str, Counts]:
        """What waits, of every stream on which anything waits."""
        return self._database.run(waiting.counts)

    def newest_unread(self) -> Notification | None:
        """The newest that the person has not seen."""
        row = self._database.run(waiting.newest_unread)
        return row.notification if row is not None else None

    def silences(self) -> dict[str, float]:
        """What shall be quiet, and until when: as it was said to `silence`, in this run or an earlier one."""
        return dict(self._silences)

    def silence(self, name: str, until: float | None) -> None:
        """Keep that `name` shall be quiet until then, or no longer."""
        self._silences.pop(name, None)
        if until is not None:
            self._silences[name] = until
        self._database.run(lambda db: self._write_silence(db, name, until))

    def recent(self, limit: int) -> list[Notification]:
        """The newest that the person wanted to see, newest first."""
        rows = self._database.run(lambda db: select(db, "state < 4 ORDER BY id DESC LIMIT :limit", {"limit": limit}))
        return [row.notification for row in rows]

    def find(self, row: int) -> Notification | None:
        """What is in this row; None if it has left the history."""
        rows = self._database.run(lambda db: select(db, "id = :row", {"row": row}))
        return rows[0].notification if rows else None

    def history(
        self, *, stream: str | None = None, since: float | None = None, search: str | None = None, limit: int = 100
    ) -> list[Row]:
        """As :func:`~notifier.history.read_history`."""
        return self._database.run(lambda db: find(db, stream, since, search, limit))

    def tend(self) -> None:
        """Write the last event IDs that moved, forget what is too old, look after the file.

        For soon after anything happened, and for now and then besides.
        """
        now = self._clock()
        if not 0 <= now - self._mended < MEND_SECONDS:
            self._mended = now
            self._database.mend()
        if self._moved:
            self._database.run(lambda db: self._write_marks(db, {name: self._marks[name] for name in self._moved}))
            self._moved.clear()
        if self._learned:
            self._database.run(lambda db: self._write_learned(db, now))
            self._learned.clear()
        if self._keeper.pending:
            self._database.run(lambda db: kept.write(db, self._keeper.pending))
            self._keeper.pending.clear()
        self._forget(now)
        self._database.run(shrink)

    def close(self) -> None:
        """Do what `tend` does and let go of the file."""
        self._keeper.end(self._clock())
        self._mended = -math.inf  # what is in memory only has its last chance to get into the file
        try:
            self.tend()
        finally:
            self._database.close()

    def _begin(self, db: sqlite3.Connection) -> None:
        """Give a database that may be new the marks we know, and keep it from giving out our row ids again."""
        self._write_marks(db, self._marks)
        for name, until in self._silences.items():
            self._write_silence(db, name, until)
        (newest,) = db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'history'").fetchone()
        if newest < self._newest:
            db.execute("DELETE FROM sqlite_sequence WHERE name = 'history'")
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('history', ?)", (self._newest,))
        self._newest = max(newest, self._newest)

    def _write(
        self,
        db: sqlite3.Connection,
        stream: str,
        entries: Sequence[Entry],
        mark: Mark,
        now: float,
        heard: Mapping[int, Kept],
    ) -> list[int | None]:
        news = [self._is_new(db, stream, entry, now) for entry in entries]
        told = {entry.cause for entry, is_new in zip(entries, news, strict=True) if is_new}
        repeated = {entry.cause for entry in entries} - told
        wanted = [index for index in heard if index not in repeated]
        pending = self._keeper.pending
        numbers = kept.write(db, [*pending, *(heard[index] for index in wanted)])[len(pending) :]
        events: dict[int | None, int] = dict(zip(wanted, numbers, strict=True))
        rows = [
            _insert(db, stream, entry, now, events.get(entry.cause)) if is_new else None
            for entry, is_new in zip(entries, news, strict=True)
        ]
        self._write_marks(db, {stream: mark})
        remembered.write(db, stream, self._learned.get(stream, {}), now)
        return rows

    def _begin_stream(self, db: sqlite3.Connection, stream: str) -> None:
        remembered.forget(db, stream)
        self._write_marks(db, {stream: self._marks[stream]})

    def _write_learned(self, db: sqlite3.Connection, now: float) -> None:
        for stream, learned in self._learned.items():
            remembered.write(db, stream, learned, now)

    def _is_new(self, db: sqlite3.Connection, stream: str, entry: Entry, now: float) -> bool:
        """Whether the entry's key was not seen within its lifetime.  From now on it was."""
        if entry.dedupe_key is None:
            return True
        name, key = stream.encode(), entry.dedupe_key.encode(errors="surrogatepass")
        # A digest takes any length and any text; the source in it makes another server's keys other keys.
        digest = blake2b(b"%d %b%b" % (len(name), name, key), digest_size=16, key=self._sources[stream]).digest()
        upsert = """
            INSERT INTO seen (key, expires) VALUES (?, ?)
            ON CONFLICT (key) DO UPDATE SET expires = excluded.expires WHERE expires <= ?
        """
        return db.execute(upsert, (digest, now + entry.lifetime, now)).rowcount == 1

    def _write_marks(self, db: sqlite3.Connection, marks: Mapping[str, Mark]) -> None:
        db.executemany(
            f"REPLACE INTO streams ({COLUMNS['streams']}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            [(name, self._sources[name], m.since, m.last_event_id, m.last_event) for name, m in marks.items()],
        )

    def _write_silence(self, db: sqlite3.Connection, name: str, until: float | None) -> None:
        db.execute("DELETE FROM silences WHERE stream = ?", (name,))
        if until is not None:
            db.execute(f"INSERT INTO silences ({COLUMNS['silences']}) VALUES (?, ?)", (name, until))  # noqa: S608

    def _advance(self, state: State, rows: Iterable[int]) -> None:
        if rows := list(rows):
            self._database.run(lambda db: waiting.advance(db, state, rows))

    def _forget(self, now: float) -> None:
        keep = min(self._keep_rows, MEMORY_ROWS) if self.in_memory else self._keep_rows
        keep_bytes = MEMORY_BYTES if self.in_memory else KEEP_BYTES
        most = max(FORGET_ROWS, 2 * self._added)
        unshown = self._database.run(lambda db: forget(db, now, keep, now - self._keep_seconds, most))
        self._database.run(lambda db: kept.forget(db, keep, keep_bytes, now - self._keep_seconds, most))
        self._added = 0
        if unshown:
            # A flood that nobody can show would otherwise flood the log too.
            logger.log(logging.DEBUG if self._overflowed else logging.WARNING, OVERFLOW, unshown)
            self._overflowed = True


def _find_mark(db: sqlite3.Connection, stream: str, source: bytes) -> Mark | None:
    query = "SELECT since, last_event_id, last_event FROM streams WHERE stream = ? AND source = ?"
    row = db.execute(query, (stream, source)).fetchone()
    return row and Mark(*row)


def _insert(db: sqlite3.Connection, stream: str, entry: Entry, now: float, event: int | None) -> int:
    told = entry.notification
    texts = (short(entry.event_type), short(entry.event_id), now, told.title, told.body)
    state = entry.state.value
    values = (None, stream, *texts, told.urgency.value, told.link, short(told.key), state, more_of(told), event)
    query = f"INSERT INTO history ({COLUMNS['history']}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    row = db.execute(query, values).lastrowid
    assert row is not None, "an INSERT has a row id"
    return row
