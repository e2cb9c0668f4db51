"""An event log that lives as long as the process.  Nothing is on disk: a restart is a new epoch."""

import secrets
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from server.eventlog import (
    ONCE_LIMIT,
    PAGE_BYTES,
    PAGE_RECORDS,
    Deliver,
    NameTaken,
    Page,
    Record,
    Restarted,
    Stored,
    fingerprint,
    row_of,
)
from server.wire import Message

RECORDS_LIMIT = 10_000
"""Records kept by default."""
BYTES_LIMIT = 64 * 1024 * 1024
"""Characters of data kept by default."""


class MemoryLog:
    """The last `records` messages, and no more than `size` characters of data; the oldest go first."""

    def __init__(
        self,
        *,
        records: int = RECORDS_LIMIT,
        size: int = BYTES_LIMIT,
        epoch: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.records, self.size, self.clock = records, size, clock
        self.epoch = epoch or secrets.token_hex(4)
        self.head = 0
        self._kept: deque[Record] = deque()
        self._kept_size = 0
        self._once: dict[str, tuple[str, range]] = {}
        self._deliver: Deliver | None = None

    async def open(self, deliver: Deliver, restarted: Restarted) -> None:
        self._deliver = deliver

    async def close(self) -> None:
        self._deliver = None

    def id_at(self, position: int) -> str:
        return f"{self.epoch}:{position}"

    def position_of(self, id: str) -> int | None:  # noqa: A002
        return row_of(id, self.epoch, self.head)

    async def append(
        self, messages: Sequence[Message], *, once: str | None = None, stored: Stored | None = None
    ) -> Sequence[str]:
        assert self._deliver is not None, "the log is not open"
        if once is not None and once in self._once:
            known, span = self._once[once]
            if known != fingerprint(messages):
                raise NameTaken
            return [self.id_at(position) for position in span]
        now = self.clock()
        new = [
            Record(position, self.id_at(position), now, message.topic, message.type, message.text)
            for position, message in enumerate(messages, self.head + 1)
        ]
        self._kept += new
        self._kept_size += sum(len(record.data) for record in new)
        self.head += len(new)
        while len(self._kept) > self.records or (self._kept_size > self.size and len(self._kept) > 1):
            self._kept_size -= len(self._kept.popleft().data)
        self._deliver(new)
        ids = [record.id for record in new]
        if once is not None:
            self._once[once] = fingerprint(messages), range(self.head - len(new) + 1, self.head + 1)
            if len(self._once) > ONCE_LIMIT:
                del self._once[next(iter(self._once))]
        if stored is not None:
            stored()
        return ids

    async def check(self) -> None:
        """Memory takes what comes."""

    async def position_before(self, time: float) -> int:
        floor = self.head - len(self._kept)
        return floor + bisect_left(self._kept, time, key=lambda record: record.time)

    async def read(self, after: int, until: int) -> Page:
        floor = self.head - len(self._kept)
        page: list[Record] = []
        size = 0
        for record in islice(self._kept, max(0, after - floor), max(0, until - floor)):
            if page and (len(page) == PAGE_RECORDS or size + len(record.data) > PAGE_BYTES):
                break
            page.append(record)
            size += len(record.data)
        return Page(page, floor)
