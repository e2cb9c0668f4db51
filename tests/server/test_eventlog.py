"""The promises of server.eventlog, and every log held to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeAlias

import pytest
import pytest_asyncio

from server.eventlog import PAGE_BYTES, PAGE_RECORDS, EventLog, NameTaken, Record
from server.eventlog.memory import MemoryLog
from server.eventlog.redis import RedisLog
from server.eventlog.sqlite import SQLiteLog
from server.wire import Message
from tests.server.process import redis_url, start_redis, stop

MakeLog: TypeAlias = Callable[..., EventLog]


@pytest_asyncio.fixture(params=["memory", "sqlite", "sqlite-full", "redis"])
async def make_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeLog]:
    """A maker of new logs of one kind; `records` and `size` bound what they keep."""
    number = count()
    redis = await start_redis(tmp_path) if request.param == "redis" else None

    def make(*, records: int = 1_000_000, size: int = 1_000_000_000) -> EventLog:
        match request.param:
            case "sqlite":
                return SQLiteLog(tmp_path / f"{next(number)}.db", records=records, size=size)
            case "sqlite-full":
                return SQLiteLog(tmp_path / f"{next(number)}.db", records=records, size=size, durability="full")
            case "redis":
                return RedisLog(redis_url(tmp_path), name=str(next(number)), records=records, size=size)
        return MemoryLog(records=records, size=size)

    yield make
    if redis is not None:
        await stop(redis)


@asynccontextmanager
async def opened(log: EventLog) -> AsyncIterator[list[Record]]:
    """The log, open; gives the list of what it delivers."""
    delivered: list[Record] = []
    await log.open(delivered.extend, never)
    try:
        yield delivered
    finally:
        await log.close()


def never() -> None:
    raise AssertionError("the log was lost")


def messages(first: int, last: int, text: str = "m{}") -> list[Message]:
    return [Message(data=text.format(number)) for number in range(first, last + 1)]


async def everything(log: EventLog, after: int) -> list[Record]:
    """All that is left after a position, page by page."""
    found: list[Record] = []
    while page := (await log.read(after, log.head)).records:
        found += page
        after = page[-1].position
    return found


def data(records: Sequence[Record]) -> list[str]:
    return [record.data for record in records]


async def test_records_are_delivered_once_in_the_order_they_were_appended(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        first = await log.append(messages(1, 3))
        second = await log.append([Message(topic="t", type="log", title="T")])
        await until(lambda: len(delivered) == 4)
        assert [record.id for record in delivered] == [*first, *second]
        assert data(delivered) == ["m1", "m2", "m3", '{"title":"T","topic":"t"}']
        assert (delivered[3].topic, delivered[3].type) == ("t", "log")
        positions = [record.position for record in delivered]
        assert positions == sorted(set(positions))
        assert log.head == positions[-1]


async def test_many_publishers_at_once_get_ids_that_are_delivered_in_order(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        ids = await asyncio.gather(*(log.append([message]) for message in messages(1, 300)))
        await until(lambda: len(delivered) == 300)
        by_id = {record.id: record.data for record in delivered}
        assert [by_id[id_] for [id_] in ids] == [f"m{number}" for number in range(1, 301)]
        assert sorted(data(delivered)) == sorted(f"m{number}" for number in range(1, 301))
        assert data(await everything(log, delivered[0].position)) == data(delivered[1:])


async def test_an_id_names_its_position_and_no_other_text_does(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        await log.append(messages(1, 5))
        await until(lambda: len(delivered) == 5)
        for record in delivered:
            assert log.position_of(record.id) == record.position
            assert log.id_at(record.position) == record.id
        last = delivered[-1].id
        for stranger in (
            "",
            "1",
            ":1",
            f"x{last}",
            f"{last}-0",
            f"{last}x",
            f"{last} ",
            "²",
            f"{last[:-1]}²",
            "9" * 99,
        ):
            assert log.position_of(stranger) is None, stranger


async def test_an_id_of_another_log_is_unknown(make_log: MakeLog) -> None:
    log, other = make_log(), make_log()
    async with opened(log), opened(other):
        await other.append(messages(1, 5))
        [id_] = await log.append(messages(1, 1))
        assert other.position_of(id_) is None


async def test_reading_finds_what_lies_between_two_positions(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        await log.append(messages(1, 9))
        await until(lambda: len(delivered) == 9)
        at = [record.position for record in delivered]
        assert data((await log.read(at[2], at[5])).records) == ["m4", "m5", "m6"]
        assert data((await log.read(at[8], at[8])).records) == []
        assert data((await log.read(-1, at[1])).records) == ["m1", "m2"]
        assert (await log.read(at[2], at[5])).records[0] == delivered[3]


async def test_a_page_is_bounded_in_records_and_in_bytes_and_leaves_nothing_out(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        await log.append(messages(1, PAGE_RECORDS + 10))
        await log.append(messages(1, 5, "x" * (PAGE_BYTES // 2) + "{}"))
        await until(lambda: len(delivered) == PAGE_RECORDS + 15)
        page = (await log.read(-1, log.head)).records
        assert len(page) == PAGE_RECORDS
        assert len(await everything(log, -1)) == PAGE_RECORDS + 15
        big = (await log.read(page[-1].position, log.head)).records
        assert sum(len(record.data) for record in big) <= PAGE_BYTES


async def test_a_record_bigger_than_a_page_is_a_page_of_its_own(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        await log.append(messages(1, 2, "x" * PAGE_BYTES + "{}"))
        await until(lambda: len(delivered) == 2)
        assert len((await log.read(-1, log.head)).records) == 1
        assert len(await everything(log, -1)) == 2


async def test_the_oldest_records_go_first_and_the_floor_says_so(make_log: MakeLog) -> None:
    log = make_log(records=10)
    async with opened(log) as delivered:
        await log.append(messages(1, 5))
        await until(lambda: len(delivered) == 5)
        assert (await log.read(-1, log.head)).floor < delivered[0].position
        for number in range(6, 31):
            await log.append(messages(number, number))
        await until(lambda: len(delivered) == 30)
        page = await log.read(-1, log.head)
        kept = data(page.records)
        assert kept == data(delivered)[-len(kept) :]
        assert 10 <= len(kept) < 30
        assert delivered[-len(kept) - 1].position <= page.floor < page.records[0].position


async def test_what_is_kept_is_bounded_in_bytes_too(make_log: MakeLog) -> None:
    log = make_log(size=10_000)
    async with opened(log) as delivered:
        for number in range(100):
            await log.append(messages(number, number, "x" * 1_000))
        await until(lambda: len(delivered) == 100)
        kept = await everything(log, (await log.read(-1, log.head)).floor)
        assert 1 <= len(kept) < 50


async def test_an_append_whose_publisher_left_is_stored_once_and_whole(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        leaving = asyncio.create_task(_append(log, messages(1, 2)))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await log.append(messages(3, 3))
        await until(lambda: data(delivered)[-1:] == ["m3"])
        assert data(delivered) in (["m1", "m2", "m3"], ["m3"])


async def test_an_append_of_one_name_is_stored_once(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        first = await log.append(messages(1, 2), once="a")
        again, other, new = await asyncio.gather(
            log.append(messages(1, 2), once="a"), log.append(messages(3, 3), once="b"), log.append(messages(4, 4))
        )
        twice = await asyncio.gather(log.append(messages(5, 5), once="c"), log.append(messages(5, 5), once="c"))
        await until(lambda: len(delivered) == 5)
        assert list(first) == list(again)
        assert list(twice[0]) == list(twice[1])
        assert [record.id for record in delivered[:2] + delivered[4:]] == [*first, *twice[0]]
        assert {record.id for record in delivered[2:4]} == {*other, *new}, "those at once come in any order"
        assert sorted(data(delivered)) == ["m1", "m2", "m3", "m4", "m5"]


async def test_an_append_is_told_as_stored_where_it_is_stored_and_not_where_it_is_repeated_or_refused(
    make_log: MakeLog,
) -> None:
    log = make_log()
    told: list[str] = []
    async with opened(log):
        await log.append(messages(1, 2), stored=lambda: told.append("without a name"))
        await log.append(messages(1, 2), once="a", stored=lambda: told.append("a"))
        await log.append(messages(1, 2), once="a", stored=lambda: told.append("a again"))
        with pytest.raises(NameTaken):
            await log.append(messages(3, 3), once="a", stored=lambda: told.append("another a"))
        await asyncio.gather(*(log.append(messages(4, 4), once="b", stored=lambda: told.append("b")) for _ in "12"))
    assert told == ["without a name", "a", "b"]


async def test_other_messages_under_a_name_are_refused_and_those_beside_them_are_stored(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        first = await log.append(messages(1, 2), once="a")
        others = [
            [Message(data="m1")],
            [*messages(1, 1), Message(data="m2", topic="ci")],
            [*messages(1, 1), Message(data="m2", type="x")],
        ]
        outcome = await asyncio.gather(
            *(log.append(each, once="a") for each in others), log.append(messages(3, 3)), return_exceptions=True
        )
        assert [type(each) for each in outcome[:3]] == [NameTaken] * 3
        assert not isinstance(outcome[3], BaseException)
        assert list(await log.append(messages(1, 2), once="a")) == list(first)
        await until(lambda: len(delivered) == 3)
        assert [record.id for record in delivered] == [*first, *outcome[3]]


async def test_a_time_is_a_position_that_all_later_records_lie_behind(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        assert await log.position_before(0) == log.head
        await log.append(messages(1, 20))
        await until(lambda: len(delivered) == 20)
        await until(lambda: time.time() > delivered[-1].time + 0.002)
        await log.append(messages(21, 30))
        await until(lambda: len(delivered) == 30)
        assert data(await everything(log, await log.position_before(0))) == data(delivered)
        assert data(await everything(log, await log.position_before(delivered[20].time))) == data(delivered[20:])
        assert await log.position_before(time.time() + 100) == delivered[-1].position
        assert await everything(log, await log.position_before(time.time() + 100)) == []


async def _append(log: EventLog, new: list[Message]) -> None:
    await log.append(new)


async def test_nothing_is_delivered_twice_when_nothing_is_appended(make_log: MakeLog) -> None:
    log = make_log()
    async with opened(log) as delivered:
        assert list(await log.append([])) == []
        assert delivered == []


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not condition():
            await asyncio.sleep(0.001)
