"""server.hub: nothing missing, nothing twice, nothing out of order, whoever is slow."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from server import hub
from server.eventlog.memory import MemoryLog
from server.hub import Hub, Subscriber
from server.view import View
from server.web import serve
from server.wire import Message
from tests.server.client import Stream, publish, subscribe

BIG = "x" * 250_000


def numbers(stream: Stream) -> list[int]:
    return [int(event.data.split()[0]) for event in stream.events]


async def test_a_reader_that_is_stuck_holds_up_neither_the_publisher_nor_another_and_loses_nothing() -> None:
    async with serve() as url, subscribe(url) as stuck, subscribe(url) as quick:
        for number in range(60):  # 15 MB, more than any socket buffers
            await publish(url, f"{number} {BIG}")
            await quick.until(f"data: {number} ")
        await quick.until(f"59 {BIG}\n\n")
        assert numbers(quick) == list(range(60))
        await stuck.until(f"59 {BIG}\n\n")
        assert numbers(stuck) == list(range(60))
        await publish(url, "60 live again")
        await stuck.until("60 live again\n\n")
        assert numbers(stuck)[-2:] == [59, 60]


async def test_a_reader_so_slow_that_the_log_moved_on_is_told_of_the_gap() -> None:
    async with serve(log=MemoryLog(records=5)) as url, subscribe(url) as stuck:
        for number in range(60):
            await publish(url, f"{number} {BIG}")
        await stuck.until(f"59 {BIG}\n\n")
        types = [event.type for event in stuck.events]
        assert "reset" in types
        assert types[0] == "message"
        after = stuck.events[types.index("reset") + 1 :]
        assert [event.data.split()[0] for event in after if event.type == "message"][-5:] == [
            str(number) for number in range(55, 60)
        ]


async def test_memory_for_a_stuck_reader_is_bounded() -> None:
    the_hub = Hub(MemoryLog())
    await the_hub.open()
    transport = Stuck()
    never = asyncio.get_running_loop().create_future()

    async def drain() -> None:
        if transport.waiting > hub.BUFFER_LIMIT:
            await never

    following = asyncio.create_task(the_hub.follow(Subscriber(transport, drain, View())))
    for _ in range(500):
        await the_hub.publish([Message(data="x" * 10_000)])
        await asyncio.sleep(0)
    assert hub.BUFFER_LIMIT < transport.waiting < 2 * hub.BUFFER_LIMIT
    assert the_hub.live == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await the_hub.close()


class Stuck(asyncio.WriteTransport):
    """A transport whose peer never reads."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return False


async def test_memory_for_all_who_are_stuck_is_bounded_and_those_who_read_go_on() -> None:
    memory = 1024 * 1024
    the_hub = Hub(MemoryLog(), memory=memory)
    await the_hub.open()
    stuck = [Lazy() for _ in range(50)]
    reading = Counting()
    everyone: list[Lazy | Counting] = [*stuck, reading]
    tasks = [
        asyncio.create_task(the_hub.follow(Subscriber(each, each.drain, View(chunked=False)))) for each in everyone
    ]
    async with asyncio.timeout(8):
        while the_hub.live < len(everyone):
            await asyncio.sleep(0)
    for number in range(20):
        await the_hub.publish([Message(data=f"{number} " + "x" * 100_000)])
        for _ in range(5):
            await asyncio.sleep(0)
        assert sum(each.waiting for each in stuck) <= memory + 200_000
    assert the_hub.room.cut_off > 0
    written = b"".join(reading.writes).decode()
    assert [int(number) for number in re.findall(r"data: (\d+) ", written)] == list(range(20))
    await the_hub.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Lazy(Stuck):
    """One that reads nothing, and asks for no more than fits its buffer; ended, it holds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._ended = asyncio.Event()

    async def drain(self) -> None:
        if self.waiting > hub.BUFFER_LIMIT or self._ended.is_set():
            await self._ended.wait()
            raise ConnectionResetError

    def abort(self) -> None:
        self.waiting = 0
        self._ended.set()


async def test_live_subscribers_get_a_heartbeat_that_is_no_event() -> None:
    the_hub = Hub(MemoryLog(), heartbeat=0.01)
    await the_hub.open()
    async with connected(the_hub) as (reader, _), asyncio.timeout(8):
        await reader.readuntil(b"\n\n")
        assert await reader.readexactly(4) == b":\n:\n"
        await the_hub.publish([Message(data="still here")])
        await reader.readuntil(b"data: still here\n\n")
        await the_hub.close()


class Behind(MemoryLog):
    """A log to which another server wrote what is still on its way to this one, as Redis may be."""

    def position_of(self, id: str) -> int:  # noqa: A002
        return int(id.partition(":")[2])


async def test_no_heartbeat_takes_back_what_another_server_has_delivered() -> None:
    the_hub = Hub(Behind(), heartbeat=0.01)
    await the_hub.open()
    transport = Counting()
    following = asyncio.create_task(
        the_hub.follow(Subscriber(transport, transport.drain, View(topics=("a",), chunked=False)), "e:7")
    )
    async with asyncio.timeout(8):
        while len(transport.writes) < 3:
            await asyncio.sleep(0.01)
    assert set(transport.writes) == {b":\n"}
    await the_hub.close()
    await following


async def test_one_turn_of_the_loop_writes_once_to_each_subscriber() -> None:
    the_hub = Hub(MemoryLog())
    await the_hub.open()
    transport = Counting()
    following = asyncio.create_task(the_hub.follow(Subscriber(transport, transport.drain, View())))
    while not the_hub.live:
        await asyncio.sleep(0)
    transport.writes.clear()
    for number in range(10):
        await the_hub.publish([Message(data=str(number))])
    await asyncio.sleep(0)
    [written] = transport.writes
    assert written.count(b"data: ") == 10
    await the_hub.close()
    await following


async def test_what_a_client_says_it_has_is_not_sent_again_even_in_the_turn_it_was_published() -> None:
    the_hub = Hub(MemoryLog())
    await the_hub.open()
    transport = Counting()

    async def publish_and_follow() -> None:
        [id_] = await the_hub.publish([Message(data="one")])
        await the_hub.follow(Subscriber(transport, transport.drain, View(chunked=False)), id_)

    following = asyncio.create_task(publish_and_follow())
    while not the_hub.live:
        await asyncio.sleep(0)
    await the_hub.publish([Message(data="two")])
    await the_hub.close()
    await following
    assert b"".join(transport.writes).count(b"data: ") == 1
    assert b"data: two" in b"".join(transport.writes)


class SharedLog(MemoryLog):
    """A log that other servers deliver from too, so that an id may be ahead of what was delivered here."""

    def position_of(self, id: str) -> int | None:  # noqa: A002
        return int(id.partition(":")[2])


async def test_a_client_that_has_more_than_this_server_yet_gets_nothing_twice() -> None:
    the_hub = Hub(SharedLog())
    await the_hub.open()
    transport = Counting()
    subscriber = Subscriber(transport, transport.drain, View(chunked=False))
    following = asyncio.create_task(the_hub.follow(subscriber, the_hub.log.id_at(2)))
    for data in ("one", "two", "three", "four"):
        await the_hub.publish([Message(data=data)])
        async with asyncio.timeout(8):
            while the_hub.head < the_hub.log.head or not the_hub.live:
                await asyncio.sleep(0)
    await the_hub.close()
    await following
    written = b"".join(transport.writes).decode()
    assert [line for line in written.split("\n") if line.startswith("data")] == ["data: three", "data: four"]


class Counting(Stuck):
    """A transport whose peer always reads; it remembers the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    async def drain(self) -> None:
        pass


async def test_a_subscriber_that_leaves_is_forgotten() -> None:
    the_hub = Hub(MemoryLog())
    await the_hub.open()
    async with connected(the_hub) as (_, following):
        assert the_hub.live == 1
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert the_hub.live == 0
    await the_hub.close()


@asynccontextmanager
async def connected(the_hub: Hub) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.Task[None]]]:
    """What the peer of a real socket reads, and the hub's following of it, once it is live."""
    theirs, ours = socket.socketpair()
    reader, peer = await asyncio.open_connection(sock=theirs)
    _, writer = await asyncio.open_connection(sock=ours)
    following = asyncio.create_task(the_hub.follow(Subscriber(writer.transport, writer.drain, View(chunked=False))))
    try:
        async with asyncio.timeout(8):
            while not the_hub.live:
                await asyncio.sleep(0)
        yield reader, following
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        for each in (writer, peer):
            each.close()
            await each.wait_closed()


async def test_no_gap_and_no_repeat_for_readers_that_are_slow_and_reconnect_at_random() -> None:
    chance = Random(20)
    total = 300
    async with serve() as url:
        async with subscribe(url) as stream:
            start = stream.body.decode().split("id: ")[1].split("\n")[0]
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(follow([url], start, Random(seed), total)) for seed in range(10)]
            for number in range(total):
                padding = "x" * chance.choice((0, 10, 3_000))
                assert (await publish(url, f"{number} {padding}")).status == 201
        for reader in readers:
            assert reader.result() == list(range(total))


async def follow(urls: list[str], last_event_id: str, chance: Random, total: int) -> list[int]:
    """What a reader saw, over as many connections to any of the servers as it took."""
    seen: list[int] = []
    while len(seen) < total:
        async with subscribe(chance.choice(urls), last_event_id=last_event_id) as stream:
            for _ in range(chance.randint(1, 60)):
                await stream.more()
                if f"data: {total - 1} ".encode() in stream.chunks[-1]:
                    break
                await asyncio.sleep(chance.choice((0, 0, 0.02)))
        seen += numbers(stream)
        last_event_id = stream.events[-1].id if stream.events else last_event_id
    return seen
