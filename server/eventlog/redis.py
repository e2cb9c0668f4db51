"""An event log in Redis: many servers on many machines, one order.  Redis keeps it; this only asks.

A Redis stream is the log, and its entry IDs are the positions.  Each server has one `XREAD` that waits for what any
of them appended, and everything is delivered from there, its own messages too: so all servers see one order.  What
must happen whole is a script in Redis.  An acknowledged message is as safe as Redis is told to make it
(``appendfsync``); when Redis comes back without its data, the epoch is new and every client is told.

Needs Redis 7.0 or newer.
"""

import asyncio
import logging
import math
import re
import secrets
from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

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
)
from server.wire import Message

logger = logging.getLogger(__name__)

RECORDS_LIMIT = 100_000
"""Records kept by default."""
BYTES_LIMIT = 256 * 1024 * 1024
"""Bytes of data kept by default."""
AGE_LIMIT = 30 * 86_400.0
"""Seconds that a record is kept by default."""
CONNECTIONS = 16
"""Scripts that run at a time; further ones wait, in their order."""
BLOCK = 2.0
"""Seconds that one `XREAD` waits; after it the epoch is looked at."""
TIMEOUT = 10.0
"""Seconds after which an answer of Redis comes no more."""
RETRY = 0.5
"""Seconds between attempts to reach Redis again."""

Reply: TypeAlias = "list[Reply] | bytes | int | None"

_ID = re.compile(r"([0-9]{1,15})-([0-9]{1,20})", re.ASCII)

# KEYS: stream, epoch, size, names, names by age.
# ARGV: epoch, records, size, age in ms, name or "", seconds and number of names, fingerprint, topic, type, data, ...
# Returns 1 if they are stored now, 0 if they were under this name; and the first of their IDs and how many they are,
# since the time stands still in a script, and so all IDs of one differ in nothing but the number behind the dash.
APPEND = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('EPOCH') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local name, too_old = ARGV[5], now - ARGV[6] * 1000
if name ~= '' then
  local known, age = redis.call('HGET', KEYS[4], name), redis.call('ZSCORE', KEYS[5], name)
  if known and age and tonumber(age) >= too_old then
    local mark, first, count = string.match(known, '^(%S+) (%S+) (%S+)$')
    if mark ~= ARGV[8] then return redis.error_reply('NAME') end
    return {0, first, tonumber(count)}
  end
end
local first, count, added = nil, 0, 0
for i = 9, #ARGV, 3 do
  local id = redis.call('XADD', KEYS[1], '*', 'topic', ARGV[i], 'type', ARGV[i + 1], 'data', ARGV[i + 2])
  first, count, added = first or id, count + 1, added + #ARGV[i + 2]
end
local size = redis.call('INCRBY', KEYS[3], added)
local length = redis.call('XLEN', KEYS[1])
local oldest = now - ARGV[4]
while length > 1 do
  local entry = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  local over = length > tonumber(ARGV[2]) or size > tonumber(ARGV[3])
  if not over and tonumber(string.match(entry[1], '^%d+')) >= oldest then break end
  redis.call('XDEL', KEYS[1], entry[1])
  size = redis.call('DECRBY', KEYS[3], #entry[2][6])
  length = length - 1
end
if name ~= '' then
  redis.call('HSET', KEYS[4], name, ARGV[8] .. ' ' .. first .. ' ' .. count)
  redis.call('ZADD', KEYS[5], now, name)
  local over = redis.call('ZCARD', KEYS[5]) - ARGV[7]
  local names = redis.call('ZRANGE', KEYS[5], 0, 99, 'WITHSCORES')
  for i = 1, #names, 2 do
    if over <= 0 and tonumber(names[i + 1]) >= too_old then break end
    redis.call('ZREM', KEYS[5], names[i])
    redis.call('HDEL', KEYS[4], names[i])
    over = over - 1
  end
  redis.call('EXPIRE', KEYS[4], ARGV[6])
  redis.call('EXPIRE', KEYS[5], ARGV[6])
end
return {1, first, count}
"""

# KEYS: stream.  ARGV: start and end as XRANGE has them, records, bytes.  Returns floor, last ID, entries.
READ = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'0-0', '0-0', {}} end
local about, info = {}, redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
local page, size, start = {}, 0, ARGV[1]
while #page < tonumber(ARGV[3]) do
  local some = redis.call('XRANGE', KEYS[1], start, ARGV[2], 'COUNT', 20)
  if #some == 0 then break end
  for _, entry in ipairs(some) do
    size = size + #entry[2][6]
    if #page > 0 and (size > tonumber(ARGV[4]) or #page == tonumber(ARGV[3])) then
      return {about['max-deleted-entry-id'], about['last-generated-id'], page}
    end
    page[#page + 1] = entry
  end
  start = '(' .. some[#some][1]
end
return {about['max-deleted-entry-id'], about['last-generated-id'], page}
"""

# KEYS: epoch.  ARGV: the epoch that is over, another one.  Returns the one that is.
RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
"""


class RedisLog:
    """Up to `records` messages, `size` bytes of data and `age` seconds, and `names` of appends; the oldest go first.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py has them.
        name: logs of different names in one Redis know nothing of each other.

    Raises:
        ValueError: that is no such URL.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "sse-server",
        records: int = RECORDS_LIMIT,
        size: int = BYTES_LIMIT,
        age: float = AGE_LIMIT,
        names: int = ONCE_LIMIT,
    ) -> None:
        self.records, self.size, self.age, self.names = records, size, age, names
        self.epoch = ""
        self.head = 0
        # The braces keep all keys on one machine of a cluster.
        self._stream, self._epoch, self._size, self._names, self._by_age = (
            f"{{{name}}}:{part}" for part in ("events", "epoch", "size", "names", "names-by-age")
        )
        # No retries: whether an append that was lost on its way was stored is for the publisher to decide.
        self._redis: Redis = Redis.from_url(
            url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        try:
            self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        except TypeError as error:
            raise ValueError("it has an option that there is not") from error
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._deliver: Deliver | None = None
        self._restarted: Restarted | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, deliver: Deliver, restarted: Restarted) -> None:
        try:
            await self._synchronise()
        except (RedisError, OSError) as error:
            await self._redis.aclose()
            raise LogUnavailable(f"Redis cannot be used: {error}") from error
        self._deliver, self._restarted = deliver, restarted
        self._reading = asyncio.create_task(self._read_on(), name="event log reader")
        self._reading.add_done_callback(_report)

    async def close(self) -> None:
        if self._reading is not None:
            while not self._reading.done():
                self._reading.cancel()  # again, since redis-py may take one for a timeout of its own
                await asyncio.wait([self._reading], timeout=0.1)
            self._reading = None
        await self._redis.aclose()

    def id_at(self, position: int) -> str:
        return f"{self.epoch}:{_entry_id(position)}"

    def position_of(self, id: str) -> int | None:  # noqa: A002
        epoch, _, entry = id.rpartition(":")
        if epoch != self.epoch or not _ID.fullmatch(entry):
            return None
        position = _position(entry.encode())
        # It may be ahead of what was delivered here: another server was faster.
        return position if self.id_at(position) == id else None

    async def append(
        self, messages: Sequence[Message], *, once: str | None = None, stored: Stored | None = None
    ) -> Sequence[str]:
        if not messages:
            return []
        fields = [part for message in messages for part in (message.topic, message.type, message.text)]
        keys = [self._stream, self._epoch, self._size, self._names, self._by_age]
        named = (once, int(ONCE), self.names, fingerprint(messages)) if once is not None else ("", 0, 0, "")
        limits = [self.records, self.size, int(self.age * 1_000), *named]
        try:
            try:
                reply = await self._run(APPEND, keys, [self.epoch, *limits, *fields])
            except ResponseError as error:
                if "EPOCH" not in str(error):
                    raise
                await self._synchronise()
                reply = await self._run(APPEND, keys, [self.epoch, *limits, *fields])
        except ResponseError as error:
            if str(error) == "NAME":
                raise NameTaken from None
            raise LogUnavailable(f"Redis did not confirm the message: {error}") from error
        except (RedisError, OSError) as error:
            raise LogUnavailable(f"Redis did not confirm the message: {error}") from error
        is_new, first, number = _list(reply)
        if is_new and stored is not None:
            stored()
        position = _position(_bytes(first))
        return [self.id_at(position + further) for further in range(_number(number))]

    async def check(self) -> None:
        try:
            [role, *_] = _list(await self._command("ROLE"))
        except (RedisError, OSError) as error:
            raise LogUnavailable(f"Redis does not answer: {error}") from error
        if role != b"master":
            raise LogUnavailable("this Redis is a replica, which stores nothing; name the master with --log")

    async def read(self, after: int, until: int) -> Page:
        start = "-" if after < 0 else f"({_entry_id(after)}"
        limits: list[object] = [start, _entry_id(max(0, until)), PAGE_RECORDS, PAGE_BYTES]
        try:
            floor, _, entries = _list(await self._run(READ, [self._stream], limits))
        except (RedisError, OSError) as error:
            raise LogUnavailable(f"Redis cannot be read: {error}") from error
        return Page([self._record(entry) for entry in _list(entries)], _position(_bytes(floor)))

    async def position_before(self, time: float) -> int:
        milliseconds = math.ceil(min(time, 1e11) * 1_000 - 1e-3)  # what a float of this size is exact to
        floor = (await self.read(0, 0)).floor
        return max(floor, min(self.head, (milliseconds << 64) - 1))

    async def _read_on(self) -> None:
        """Deliver what any server appends, for ever."""
        assert self._deliver is not None
        lost = False
        while True:
            try:
                if lost:
                    await self._synchronise()
                    logger.info("Redis is back")
                    lost = False
                records = await self._next()
                if records:
                    self.head = records[-1].position
                    self._deliver(records)
                else:
                    await self._synchronise()
            except (RedisError, OSError) as error:
                if not lost:
                    logger.warning("Redis is lost, trying again: %s", error)
                lost = True
                await asyncio.sleep(RETRY)

    async def _next(self) -> list[Record]:
        """What follows the head, once something does; nothing if nothing did for a while."""
        reply = await self._command(
            "XREAD", "COUNT", PAGE_RECORDS, "BLOCK", int(BLOCK * 1_000), "STREAMS", self._stream, _entry_id(self.head)
        )
        if not reply:
            return []
        [[_, entries]] = reply
        records = [
            self._record([entry_id, [each for pair in fields.items() for each in pair]]) for entry_id, fields in entries
        ]
        # The head moves under a waiting XREAD when another log begins.
        return [record for record in records if record.position > self.head]

    async def _synchronise(self) -> None:
        """Learn epoch and head, giving Redis an epoch if it has none; tell of it if the epoch is another one."""
        await self._redis.set(self._epoch, secrets.token_hex(4), nx=True)
        before, known = self.epoch, self.head
        epoch = _text(await self._command("GET", self._epoch))
        _, last, _ = _list(await self._run(READ, [self._stream], ["-", "-", 0, 0]))
        if epoch == before and _position(_bytes(last)) < known:
            # A replica that had not got all is the master now.  What we gave out beyond its end is no place in it.
            epoch = _text(await self._run(RENEW, [self._epoch], [before, secrets.token_hex(4)]))
        if epoch == self.epoch:
            return  # the same log, or somebody else was here during the wait
        self.epoch, self.head = epoch, _position(_bytes(last))
        if self._restarted is not None:
            logger.warning("Redis lost its data; every client is told")
            self._restarted()

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[object]) -> Reply:
        async with asyncio.timeout(TIMEOUT):  # behind others whom Redis does not answer, nobody waits for each of them
            await self._places.acquire()
        try:
            reply: Reply = await self._command("EVAL", script, len(keys), *keys, *arguments)
        finally:
            self._places.release()
        return reply

    async def _command(self, *words: object) -> Any:
        """The reply, which redis-py does not type."""
        return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def _record(self, entry: Reply) -> Record:
        entry_id, fields = _list(entry)
        _, topic, _, type_, _, data = _list(fields)
        position = _position(_bytes(entry_id))
        return Record(position, self.id_at(position), (position >> 64) / 1_000, _text(topic), _text(type_), _text(data))


def _report(reading: "asyncio.Task[None]") -> None:
    """Nothing is delivered any more; whoever runs the server must know, and why."""
    if not reading.cancelled() and (error := reading.exception()):
        logger.critical("reading from Redis ended by a bug; restart the server", exc_info=error)


def _position(entry_id: bytes) -> int:
    """An entry ID, which is two 64-bit numbers, as one."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    return (int(milliseconds) << 64) | int(sequence)


def _entry_id(position: int) -> str:
    return f"{position >> 64}-{position & (2**64 - 1)}"


def _list(reply: Reply) -> "list[Reply]":
    assert isinstance(reply, list)
    return reply


def _bytes(reply: Reply) -> bytes:
    assert isinstance(reply, bytes)
    return reply


def _number(reply: Reply) -> int:
    assert isinstance(reply, int)
    return reply


def _text(reply: Reply) -> str:
    return _bytes(reply).decode()
