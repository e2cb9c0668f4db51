"""server.eventlog.redis: many servers are one, and a Redis that goes away is survived."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest
from redis.asyncio import Redis

from server.eventlog import ONCE
from server.eventlog.redis import RedisLog
from server.web import serve
from server.wire import Message
from tests.server.client import publish, subscribe
from tests.server.process import redis_url, run, start_redis, started, stop
from tests.server.test_hub import follow


async def test_no_gap_and_no_repeat_for_readers_that_go_from_server_to_server(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    chance = Random(18)
    total = 200
    try:
        async with AsyncExitStack() as stack:
            urls = [await stack.enter_async_context(serve(log=RedisLog(redis_url(tmp_path)))) for _ in range(2)]
            async with subscribe(urls[0]) as stream:
                start = stream.body.decode().split("id: ")[1].split("\n")[0]
            async with asyncio.TaskGroup() as group:
                readers = [group.create_task(follow(urls, start, Random(seed), total)) for seed in range(10)]
                for number in range(total):
                    padding = "x" * chance.choice((0, 10, 3_000))
                    assert (await publish(chance.choice(urls), f"{number} {padding}")).status == 201
            for reader in readers:
                assert reader.result() == list(range(total))
    finally:
        await stop(redis)


async def test_an_id_that_another_server_was_faster_to_give_is_known(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    try:
        async with serve(log=RedisLog(redis_url(tmp_path))) as one, serve(log=RedisLog(redis_url(tmp_path))) as two:
            for number in range(20):
                seen = (await publish(one, f"seen {number}")).json["id"]
                async with subscribe(two, last_event_id=seen) as stream:
                    await publish(one, f"new {number}")
                    await stream.until(f"new {number}\n\n")
                    assert [event.data for event in stream.events] == [f"new {number}"]
    finally:
        await stop(redis)


async def test_a_killed_server_loses_nothing_that_it_answered_with_201(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    answered: dict[str, str] = {}

    async def publisher(url: str, name: int) -> None:
        for number in range(1_000_000):
            answer = await publish(url, f"{name}.{number}")
            assert answer.status == 201
            answered[answer.json["id"]] = f"{name}.{number}"

    try:
        async with started("--log", redis_url(tmp_path)) as server:
            publishers = [asyncio.create_task(publisher(server.url, name)) for name in range(8)]
            async with asyncio.timeout(30):
                while len(answered) < 200:
                    await asyncio.sleep(0.001)
            server.child.kill()
            outcome = await asyncio.gather(*publishers, return_exceptions=True)
            assert all(isinstance(each, OSError | EOFError) for each in outcome), outcome
        async with started("--log", redis_url(tmp_path)) as server:
            await publish(server.url, "after all")
            async with subscribe(server.url, "/events?since=all") as stream:
                await stream.until("after all\n\n")
                kept = [(event.id, event.data) for event in stream.events]
                assert len(kept) == len(set(kept))
                assert answered.items() <= dict(kept).items()
    finally:
        await stop(redis)


async def test_a_redis_that_restarts_with_its_data_costs_nobody_an_event(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path, durable=True)
    try:
        async with serve(log=RedisLog(redis_url(tmp_path))) as url, subscribe(url) as stream:
            assert (await publish(url, "before")).status == 201
            await stream.until("before\n\n")
            await stop(redis)
            refused = await publish(url, "while it is away")
            assert refused.status == 503
            assert "Redis did not confirm" in refused.json["error"]
            redis = await start_redis(tmp_path, durable=True)
            assert (await publish(url, "after")).status == 201
            await stream.until("after\n\n")
            assert [event.data for event in stream.events] == ["before", "after"]
            async with subscribe(url, last_event_id=stream.events[0].id) as again:
                await again.until("after\n\n")
                assert [event.data for event in again.events] == ["after"]
    finally:
        await stop(redis)


async def test_a_redis_that_lost_its_data_is_told_to_every_client(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    try:
        async with serve(log=RedisLog(redis_url(tmp_path))) as url, subscribe(url) as stream:
            assert (await publish(url, "before")).status == 201
            await stream.until("before\n\n")
            await stop(redis)
            redis = await start_redis(tmp_path)
            assert (await publish(url, "after")).status == 201
            await stream.until("after\n\n")
            before, reset, after = stream.events
            assert [before.data, after.data] == ["before", "after"]
            assert json.loads(reset.data)["reason"] == "unknown"
            async with subscribe(url, last_event_id=before.id) as again:
                await again.until("after\n\n")
                assert [event.type for event in again.events] == ["reset", "message"]
    finally:
        await stop(redis)


async def test_a_replica_that_had_not_got_all_is_told_to_every_client_when_it_is_the_master(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    stream_key = "{sse-server}:events"
    try:
        async with (
            Redis.from_url(redis_url(tmp_path), protocol=2) as raw,
            serve(log=RedisLog(redis_url(tmp_path))) as url,
            subscribe(url) as stream,
        ):
            assert (await publish(url, "before")).status == 201
            await stream.until("before\n\n")
            replica = await raw.dump(stream_key)
            assert replica is not None
            ahead = f"{int(time.time() * 1_000) + 60_000}-0"
            await raw.xadd(stream_key, {"topic": "default", "type": "message", "data": "not replicated"}, id=ahead)
            await stream.until("not replicated\n\n")
            await raw.restore(stream_key, 0, replica, replace=True)
            assert (await publish(url, "after")).status == 201
            await stream.until("after\n\n")
            assert [event.type for event in stream.events][-3:] == ["reset", "message", "message"]
            assert [event.data for event in stream.events][-2:] == ["before", "after"]
    finally:
        await stop(redis)


async def test_names_of_appends_are_bounded_by_number_and_by_age(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    log = RedisLog(redis_url(tmp_path), names=2)
    names, by_age = "{sse-server}:names", "{sse-server}:names-by-age"
    await log.open(lambda _: None, lambda: None)

    async def append(name: str) -> list[str]:
        return list(await log.append([Message(data=name), Message(data="more")], once=name))

    try:
        async with Redis.from_url(redis_url(tmp_path), protocol=2, decode_responses=True) as raw:
            first = {name: await append(name) for name in "abc"}
            assert [await append("b"), await append("c")] == [first["b"], first["c"]]
            assert await append("a") != first["a"], "only two names are kept"
            assert await raw.zcard(by_age) == await raw.hlen(names) == 2
            for key in (names, by_age):
                assert ONCE - 60 < await raw.ttl(key) <= ONCE
            yesterday = (time.time() - ONCE - 1) * 1_000
            await raw.zadd(by_age, {"c": yesterday})
            assert await append("c") != first["c"], "it is too old"
            await raw.zadd(by_age, {"a": yesterday, "c": yesterday})
            await append("d")
            assert await raw.hkeys(names) == await raw.zrange(by_age, 0, -1) == ["d"]
    finally:
        await log.close()
        await stop(redis)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nonexistent", "redis://127.0.0.1:1/x?y=z"])
async def test_a_redis_that_is_not_there_is_one_sentence(url: str) -> None:
    code, out, err = await run("--port", "0", "--log", url)
    assert (code, out) == (1, "")
    assert err.startswith("sse-server: ")
    assert err.count("\n") == 1
    assert "Redis" in err
