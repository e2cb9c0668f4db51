"""An event log in one SQLite file: what was answered is there after any crash.  One process owns the file.

One thread writes.  It takes every append that waits, stores them in one transaction, and only then tells the
event loop: so the cost of a commit is shared by all who publish at the time, and nobody is sent what a crash could
still undo.  Reading happens on the event loop: a page is short, and was most likely written a moment ago.

A killed process loses nothing that was appended.  A power cut may take the last moments of it, unless the log was
opened with `durability="full"`, which waits for the disk (SQLite: "PRAGMA synchronous", in WAL mode).
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, NamedTuple

from server.eventlog import (
    ONCE,
    ONCE_LIMIT,
    PAGE_BYTES,
    PAGE_RECORDS,
    Deliver,
    LogUnavailable,
    NameTaken,
    Page,
    Record,
    Restarted,
    Stored,
    fingerprint,
    row_of,
)
from server.wire import Message

logger = logging.getLogger(__name__)

RECORDS_LIMIT = 1_000_000
"""Records kept by default."""
BYTES_LIMIT = 1024 * 1024 * 1024
"""Characters of data kept by default."""
AGE_LIMIT = 30 * 86_400.0
"""Seconds that a record is kept by default."""
WAITING_LIMIT = 1_000
"""Appends that wait for the writer; further ones wait for a place, in their order."""
ENDED = "the event log's writer has ended; restart the server"
GROUP_LIMIT = 1_000
"""Appends in one transaction, after which no further ones join it."""
GATHERING = 8
"""Turns of the loop that an append waits for company, as long as some comes in each."""
TRIM_INTERVAL = 60.0
"""Seconds between looks for what is too old."""

GAP = 1_000_000
"""Positions that are left out after a power cut, since lost records may have had them; see `_prepare`."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says which start of the machine this is."""

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


class Append(NamedTuple):
    """One append on its way to the writer."""

    messages: Sequence[Message]
    once: str | None
    stored: Stored | None
    ids: asyncio.Future[Sequence[str]]


class Span(NamedTuple):
    """Where the messages of an append are."""

    positions: range
    is_new: bool
    """They were stored by this append, and not by an earlier one of its name."""


class SQLiteLog:
    """Up to about `records` messages, `size` characters of data and `age` seconds; the oldest go first.

    "About", because what is over a limit goes in one sweep when a tenth more than the limit is there.
    """

    def __init__(
        self,
        path: Path,
        *,
        records: int = RECORDS_LIMIT,
        size: int = BYTES_LIMIT,
        age: float = AGE_LIMIT,
        durability: Durability = "normal",
        clock: Callable[[], float] = time.time,
        boot: Path = BOOT,
    ) -> None:
        self.path, self.records, self.size, self.age = path.resolve(), records, size, age
        self.durability, self.clock, self.boot = durability, clock, boot
        self.epoch = ""
        self.head = 0
        self._coming: list[Append] = []
        """Appends of these turns of the loop: they reach the writer together, and share a commit."""
        self._gathered = 0
        self._waiting: SimpleQueue[Sequence[Append] | None] = SimpleQueue()
        self._places = asyncio.Semaphore(WAITING_LIMIT)
        self._deliver: Deliver | None = None
        self._lock: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._writer: threading.Thread | None = None
        self._closing = False
        self._ended = asyncio.Event()
        """The writer has posted its last to the loop."""

    async def open(self, deliver: Deliver, restarted: Restarted) -> None:
        """Take hold of the file, making it where there is none.

        Raises:
            LogUnavailable: it is no log, another server has it, or it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)
            self._lock = _lock(self.path)
            with closing(self._connect()) as database:
                self.epoch, self.head = _prepare(
                    database, self.boot.read_text().strip() if self.boot.exists() else "unknown"
                )
            self._reader = self._connect()
            self._reader.execute("PRAGMA query_only = ON")
        except (OSError, sqlite3.Error) as error:
            self._let_go()
            raise LogUnavailable(f"the event log {self.path} cannot be opened: {error}") from error
        except LogUnavailable:
            self._let_go()
            raise
        self._deliver = deliver
        loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, args=[loop], name="event log writer")
        self._writer.start()

    async def close(self) -> None:
        if self._writer is not None:
            self._closing = True
            self._hand_over()
            self._waiting.put(None)
            await self._ended.wait()
            self._writer.join()
            self._writer = None
        self._let_go()

    def id_at(self, position: int) -> str:
        return f"{self.epoch}:{position}"

    def position_of(self, id: str) -> int | None:  # noqa: A002
        return row_of(id, self.epoch, self.head)

    async def append(
        self, messages: Sequence[Message], *, once: str | None = None, stored: Stored | None = None
    ) -> Sequence[str]:
        """Store all of these messages or none, next to each other, and return their SSE ids.

        Raises:
            LogUnavailable: the disk is full, or the file is damaged; nothing was stored.
            NameTaken: others were stored under this name, and these were not.
        """
        if not messages:
            return []
        return await self._append(messages, once, stored)

    async def check(self) -> None:
        await self._append((), None, None)

    async def _append(self, messages: Sequence[Message], once: str | None, stored: Stored | None) -> Sequence[str]:
        assert self._writer is not None, "the log is not open"
        await self._places.acquire()
        if self._closing or self._ended.is_set():
            self._places.release()
            raise LogUnavailable(ENDED)
        ids: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
        ids.add_done_callback(lambda _: self._places.release())
        if not self._coming:
            asyncio.get_running_loop().call_soon(self._gather, GATHERING)
        self._coming.append(Append(messages, once, stored, ids))
        return await asyncio.shield(ids)  # a publisher may leave; its messages are on their way

    def _gather(self, turns: int) -> None:
        """Hand over what is coming, after so many more turns of the loop in each of which something came."""
        if turns and len(self._coming) > self._gathered:
            self._gathered = len(self._coming)
            asyncio.get_running_loop().call_soon(self._gather, turns - 1)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        coming, self._coming, self._gathered = self._coming, [], 0
        if coming:
            self._waiting.put(coming)

    async def position_before(self, time: float) -> int:
        assert self._reader is not None, "the log is not open"
        query = "SELECT position, time FROM record WHERE position >= ? ORDER BY position LIMIT 1"
        oldest: int | None = self._reader.execute("SELECT min(position) FROM record").fetchone()[0]
        if oldest is None:
            return self.head
        low, high = oldest, self.head + 1  # the first record that is not before `time` lies here
        while low < high:
            middle = (low + high) // 2
            row = self._reader.execute(query, (middle,)).fetchone()
            low, high = (low, middle) if row is None or row[1] >= time else (row[0] + 1, high)
        return low - 1

    async def read(self, after: int, until: int) -> Page:
        assert self._reader is not None, "the log is not open"
        try:
            return self._page(self._reader, after, until)
        except sqlite3.Error as error:
            raise LogUnavailable(f"the event log {self.path} cannot be read: {error}") from error

    def _page(self, reader: sqlite3.Connection, after: int, until: int) -> Page:
        page: list[Record] = []
        size = 0
        reader.execute("BEGIN")
        try:
            [oldest] = reader.execute("SELECT min(position) FROM record").fetchone()
            rows = reader.execute(
                "SELECT position, time, topic, type, data FROM record"
                " WHERE position > ? AND position <= ? ORDER BY position LIMIT ?",
                (after, until, PAGE_RECORDS),
            )
            for position, *fields in rows:
                record = Record(position, self.id_at(position), *fields)
                if page and size + len(record.data) > PAGE_BYTES:
                    break
                page.append(record)
                size += len(record.data)
        finally:
            reader.execute("ROLLBACK")
        return Page(page, self.head if oldest is None else oldest - 1)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {self.durability}")
        return database

    def _let_go(self) -> None:
        for connection in (self._reader, self._lock):
            if connection is not None:
                connection.close()
        self._reader = self._lock = None

    # What follows runs in the writer's thread; it shares nothing with the loop but the queue and what it posts.

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._write_groups(loop)
        finally:
            loop.call_soon_threadsafe(self._end)

    def _write_groups(self, loop: asyncio.AbstractEventLoop) -> None:
        head = self.head
        trimmed = 0.0
        with closing(self._connect()) as database:
            while True:
                group, last = self._next_group()
                now = self.clock()
                records: list[Record] = []
                try:
                    database.execute("BEGIN IMMEDIATE")
                    spans = [self._insert(database, append, head + len(records), now, records) for append in group]
                    if self._is_over(database, records) or not trimmed <= now < trimmed + TRIM_INTERVAL:
                        trimmed = now
                        self._trim(database, now)
                    database.execute("COMMIT")
                except sqlite3.Error as error:
                    with suppress(sqlite3.Error):  # then the next group cannot begin, which is told as well
                        if database.in_transaction:
                            database.execute("ROLLBACK")
                    loop.call_soon_threadsafe(self._failed, group, error)
                except BaseException:
                    self._waiting.put(group)  # for `_end`: nobody else is to wait for ever
                    raise
                else:
                    head += len(records)
                    loop.call_soon_threadsafe(self._stored, group, spans, records)
                if last:
                    with suppress(sqlite3.Error):  # the next start leaves a gap then, as after a power cut
                        database.execute("UPDATE log SET boot = ''")
                    return

    def _next_group(self) -> tuple[list[Append], bool]:
        """All that waits, once something does or it is time to trim; and whether that was the last."""
        group: list[Append] = []
        try:
            coming = self._waiting.get(timeout=TRIM_INTERVAL)
            while coming is not None:
                group += coming
                if len(group) >= GROUP_LIMIT:
                    return group, False
                coming = self._waiting.get_nowait()
        except Empty:
            return group, False
        return group, True

    def _insert(
        self, database: sqlite3.Connection, append: Append, head: int, now: float, records: list[Record]
    ) -> Span | NameTaken:
        """Where an append's records are, which are added to `records` unless they were stored before."""
        if not append.messages:
            # Else nothing is written, and a full disk is not seen; SQLite leaves out what changes nothing.
            database.execute("UPDATE log SET count = count + 1")
            database.execute("UPDATE log SET count = count - 1")
        if append.once is not None:
            named = "SELECT first, last, fingerprint FROM once WHERE name = ?"
            if known := database.execute(named, (append.once,)).fetchone():
                first, last, mark = known
                is_same = mark in ("", fingerprint(append.messages))
                return Span(range(first, last + 1), is_new=False) if is_same else NameTaken()
        new = [
            Record(position, self.id_at(position), now, message.topic, message.type, message.text)
            for position, message in enumerate(append.messages, head + 1)
        ]
        database.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?)",
            ((record.position, record.time, record.topic, record.type, record.data) for record in new),
        )
        size = sum(len(record.data) for record in new)
        database.execute("UPDATE log SET count = count + ?, size = size + ?", (len(new), size))
        span = range(head + 1, head + 1 + len(new))
        if append.once is not None:
            about = (append.once, span[0], span[-1], now, fingerprint(append.messages))
            database.execute("INSERT INTO once VALUES (?, ?, ?, ?, ?)", about)
        records += new
        return Span(span, is_new=True)

    def _is_over(self, database: sqlite3.Connection, records: Sequence[Record]) -> bool:
        """Whether a tenth more is there than may be; only new records can have made it so."""
        if not records:
            return False
        [count, size] = database.execute("SELECT count, size FROM log").fetchone()
        return bool(count > self.records * 1.1 or size > self.size * 1.1)

    def _trim(self, database: sqlite3.Connection, now: float) -> None:
        """Let go of what is over a limit, but not of the newest record, unless it is too old."""
        database.execute(
            "DELETE FROM once WHERE time < ? OR rowid <= (SELECT max(rowid) FROM once) - ?", (now - ONCE, ONCE_LIMIT)
        )
        [count, size] = database.execute("SELECT count, size FROM log").fetchone()
        cut = None
        # Data itself, because SQL's length() ends at a NUL, and what was counted when it came must be let go of again.
        for position, written, data in database.execute("SELECT position, time, data FROM record ORDER BY position"):
            over = count > self.records or (size > self.size and count > 1)
            if not over and written >= now - self.age:
                break
            cut, count, size = position, count - 1, size - len(data)
        if cut is not None:
            database.execute("DELETE FROM record WHERE position <= ?", (cut,))
            database.execute("UPDATE log SET count = ?, size = ?", (count, size))

    # What the writer posts to the loop.

    def _stored(self, group: Sequence[Append], spans: Sequence[Span | NameTaken], records: Sequence[Record]) -> None:
        if records:
            assert self._deliver is not None
            self.head = records[-1].position
            self._deliver(records)
        for append, span in zip(group, spans, strict=True):
            if append.stored is not None and isinstance(span, Span) and span.is_new:
                append.stored()
            if append.ids.done():
                continue
            if isinstance(span, NameTaken):
                append.ids.set_exception(span)
            else:
                append.ids.set_result([self.id_at(position) for position in span.positions])

    def _end(self) -> None:
        self._ended.set()
        left, self._coming = self._coming, []
        with suppress(Empty):
            while True:
                left.extend(self._waiting.get_nowait() or ())
        for append in left:
            if not append.ids.done():
                append.ids.set_exception(LogUnavailable(ENDED))

    def _failed(self, group: Sequence[Append], error: sqlite3.Error) -> None:
        logger.error("the event log %s takes nothing more: %s", self.path, error)
        for append in group:
            if not append.ids.done():
                append.ids.set_exception(LogUnavailable(f"the event log cannot be written: {error}"))


def _lock(path: Path) -> sqlite3.Connection:
    """Keep other servers away from the log for as long as this connection is open; it ends with the process."""
    lock = sqlite3.connect(
        path.with_name(path.name + "-lock"), timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise LogUnavailable(
            f"the event log {path} is in use by another sse-server; stop that one, or choose another log with --log"
        ) from error
    return lock


def _prepare(database: sqlite3.Connection, boot: str) -> tuple[str, int]:
    """Epoch and head of the log, which is made if the file is new.

    A power cut may have taken records whose ids were given out.  Their positions must not be given to others: a
    client that has the one would never be sent the other.  So if the log was not closed, and the machine was started
    since, a wide gap is left.  (If only the server died, nothing is lost, and none is needed.)
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
