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
from typing import NamedTuple

from server.eventlog import (
    Deliver,
    LogUnavailable,
    NameTaken,
    Page,
    Record,
    Restarted,
    Stored,
    fingerprint,
    logfile,
    row_of,
)
from server.eventlog.logfile import Durability, Span
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

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux says which start of the machine this is."""


class Append(NamedTuple):
    """One append on its way to the writer."""

    messages: Sequence[Message]
    once: str | None
    stored: Stored | None
    ids: asyncio.Future[Sequence[str]]


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
            self._lock = logfile.lock(self.path)
            with closing(self._connect()) as database:
                self.epoch, self.head = logfile.prepare(
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
        try:
            return logfile.position_before(self._reader, time, self.head)
        except sqlite3.Error as error:
            raise LogUnavailable(f"the event log {self.path} cannot be read: {error}") from error

    async def read(self, after: int, until: int) -> Page:
        assert self._reader is not None, "the log is not open"
        try:
            return logfile.page(self._reader, after, until, self.head, self.id_at)
        except sqlite3.Error as error:
            raise LogUnavailable(f"the event log {self.path} cannot be read: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        return logfile.connect(self.path, self.durability)

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
                    # Only new records can have made it too much.
                    is_over = bool(records) and logfile.is_over(database, self.records, self.size)
                    if is_over or not trimmed <= now < trimmed + TRIM_INTERVAL:
                        trimmed = now
                        logfile.trim(database, now, records=self.records, size=self.size, age=self.age)
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
        new = [
            Record(position, self.id_at(position), now, message.topic, message.type, message.text)
            for position, message in enumerate(append.messages, head + 1)
        ]
        mark = fingerprint(append.messages) if append.once is not None else ""
        span = logfile.store(database, new, append.once, mark)
        if isinstance(span, Span) and span.is_new:
            records += new
        return span

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
