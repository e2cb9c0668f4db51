"""What is read ahead, how much, and what is left behind."""

import asyncio

import pytest

from notifier.body import AHEAD, Body


class Script:
    """Content that gives its chunks as soon as they are asked for, one in each turn of the loop, and then its end."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = list(chunks)
        self.asked = 0

    async def readany(self) -> bytes:
        self.asked += 1
        if not self.chunks:
            return b""
        chunk = self.chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk


async def until_idle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nothing_is_read_ahead_while_nobody_else_gets_a_turn() -> None:
    script = Script(b"a", b"b", b"c")
    async with Body(script) as body:
        assert [await body.read() for _ in range(3)] == [b"a", b"b", b"c"]
        assert script.asked == 3
        assert await body.read() == b""


async def test_chunks_come_in_order_and_an_error_after_them() -> None:
    async with Body(Script(b"a", b"b", b"c", ConnectionError("cut"))) as body:
        assert await body.read() == b"a"
        await until_idle()
        assert [await body.read(), await body.read()] == [b"b", b"c"]
        for _ in range(2):
            with pytest.raises(ConnectionError, match="cut"):
                await body.read()


async def test_the_end_stays_the_end() -> None:
    async with Body(Script(b"a", b"b")) as body:
        await body.read()
        await until_idle()
        assert [await body.read() for _ in range(3)] == [b"b", b"", b""]


async def test_no_more_is_read_ahead_than_the_limit_and_one_chunk() -> None:
    piece = b"x" * (1 << 20)
    script = Script(*[piece] * 20)
    async with Body(script) as body:
        await body.read()
        await until_idle()
        assert (20 - len(script.chunks)) * len(piece) <= AHEAD + 2 * len(piece)
        count = 1
        while await body.read():
            count += 1
        assert count == 20


async def test_a_read_that_was_given_up_loses_nothing() -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    class Slow:
        async def readany(self) -> bytes:
            return await arrived.get()

    async with Body(Slow()) as body:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await body.read()
            arrived.put_nowait(b"a")
            assert await body.read() == b"a"
            await until_idle()


async def test_no_task_is_left_behind() -> None:
    class Silent:
        chunks = 1

        async def readany(self) -> bytes:
            if self.chunks:
                self.chunks = 0
                return b"a"
            await asyncio.Event().wait()
            return b""

    before = asyncio.all_tasks()
    async with Body(Silent()) as body:
        await body.read()
        await until_idle()
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before
