"""Subscribers who are slow, leave and come back, and a server that is killed: everybody has everything, once."""

from pathlib import Path

from tests.chaos import readers
from tests.server.process import redis_url, start_redis, stop


async def test_memory_loses_and_repeats_nothing_while_it_lives() -> None:
    tally = await readers.run(log="memory", events=300, readers=30)
    assert tally.is_clean, tally
    assert tally.connections > 30


async def test_a_file_loses_and_repeats_nothing_though_the_server_is_killed(tmp_path: Path) -> None:
    tally = await readers.run(log=str(tmp_path / "events.db"), events=400, readers=30, kills=2)
    assert tally.is_clean, tally
    assert tally.kills == 2


async def test_redis_loses_and_repeats_nothing_between_two_servers_of_which_one_is_killed(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path, durable=True)
    try:
        tally = await readers.run(log=redis_url(tmp_path), events=400, readers=30, kills=2, servers=2)
    finally:
        await stop(redis)
    assert tally.is_clean, tally
