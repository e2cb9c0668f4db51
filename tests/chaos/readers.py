"""Many subscribers of our server who are slow, leave and come back, while it is published to and killed.

Each knows afterwards exactly which events it should have; what is missing, comes twice or in another order is counted.
"""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp

from notifier.sse import EventStreamParser
from tests.server.process import spawn, stop

TOPICS = ("ci/main", "ci/dev", "home/door", "home/heat", "backup")
PATTERNS = (("*",), ("ci/*",), ("home/*", "backup"), ("backup",), ("ci/dev", "home/door"))
PATIENCE = 60.0
"""Seconds for the last event to reach everybody."""


@dataclass
class Tally:
    """What came of a run."""

    published: int = 0
    expected: int = 0
    missing: int = 0
    repeated: int = 0
    disordered: int = 0
    resets: int = 0
    connections: int = 0
    kills: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether everybody had everything, once and in order."""
        return not (self.missing or self.repeated or self.disordered or self.resets)


@dataclass
class Reader:
    """One subscriber."""

    urls: Sequence[str]
    patterns: tuple[str, ...]
    chance: random.Random
    last_event_id: str = ""
    got: list[str] = field(default_factory=list)
    resets: int = 0
    connections: int = 0
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has a place in the stream."""

    async def follow(self, session: aiohttp.ClientSession) -> None:
        """Read for ever, with breaks."""
        while True:
            try:
                await self._connect(session)
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)

    async def _connect(self, session: aiohttp.ClientSession) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        url = self.chance.choice(self.urls)
        patience = self.chance.choice((3, 20, 100, 1_000_000))
        parser = EventStreamParser(last_event_id=self.last_event_id)
        async with session.get(
            f"{url}/events", params=[("topic", each) for each in self.patterns], headers=headers
        ) as response:
            response.raise_for_status()
            self.connections += 1
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    if event.type == "reset":
                        self.resets += 1
                    else:
                        self.got.append(event.data)
                self.last_event_id = parser.last_event_id
                if self.last_event_id:
                    self.known.set()
                patience -= 1
                if patience <= 0:
                    return
                if self.chance.random() < 0.02:
                    await asyncio.sleep(self.chance.random() * 0.2)


class Servers:
    """One server or several on ports of their own, with the same arguments."""

    def __init__(self, count: int, arguments: Sequence[str], environ: dict[str, str] | None = None) -> None:
        self._arguments, self._environ = arguments, environ
        self.ports = [_free_port() for _ in range(count)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self._children: dict[int, asyncio.subprocess.Process] = {}

    async def start(self, index: int) -> None:
        """Start one, and wait until it serves."""
        child = await spawn("--port", str(self.ports[index]), *self._arguments, environ=self._environ)
        assert child.stdout is not None
        async with asyncio.timeout(20):
            assert await child.stdout.readline()
        self._children[index] = child

    async def kill(self, index: int) -> None:
        """SIGKILL, and start it again."""
        child = self._children[index]
        os.kill(child.pid, signal.SIGKILL)
        await child.communicate()
        await self.start(index)

    async def end(self) -> None:
        for child in self._children.values():
            await stop(child)


async def run(
    *, log: str, events: int, readers: int, kills: int = 0, servers: int = 1, chance: random.Random | None = None
) -> Tally:
    """Publish so many numbered events to so many readers, killing a server so often."""
    chance = chance or random.Random(7)
    tally = Tally()
    ours = Servers(servers, ["--log", log])
    try:
        for index in range(servers):
            await ours.start(index)
        crowd = [Reader(ours.urls, chance.choice(PATTERNS), random.Random(n)) for n in range(readers)]
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=4096) as session:
            tasks = [asyncio.create_task(reader.follow(session)) for reader in crowd]
            try:
                await asyncio.gather(*(reader.known.wait() for reader in crowd))
                sent = await _publish(session, ours, events, kills, chance, tally)
                await _until_all_have_all(crowd, sent)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        for reader in crowd:
            _judge(reader, sent, tally)
    finally:
        await ours.end()
    return tally


async def _publish(
    session: aiohttp.ClientSession, ours: Servers, events: int, kills: int, chance: random.Random, tally: Tally
) -> list[tuple[str, str]]:
    sent: list[tuple[str, str]] = []
    when = {events * (n + 1) // (kills + 1) for n in range(kills)}
    killing: asyncio.Task[None] | None = None
    for number in range(events):
        if number in when:
            # While it is being published to: what was answered must be there, the rest is published again.
            killing = asyncio.create_task(ours.kill(chance.randrange(len(ours.urls))))
            tally.kills += 1
        topic, data = chance.choice(TOPICS), f"{number}"
        while True:
            try:
                async with session.post(
                    f"{chance.choice(ours.urls)}/events",
                    params={"topic": topic},
                    data=data.encode(),
                    headers={"Idempotency-Key": data},
                ) as answer:
                    if answer.status == 201:
                        break
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                pass
            await asyncio.sleep(0.02)
        sent.append((topic, data))
        if killing is not None and killing.done():
            killing.result()
            killing = None
    if killing is not None:
        await killing
    tally.published = len(sent)
    return sent


async def _until_all_have_all(crowd: Sequence[Reader], sent: Sequence[tuple[str, str]]) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    wanted = [set(_wanted(reader, sent)) for reader in crowd]
    while asyncio.get_running_loop().time() < deadline:
        if all(want <= set(reader.got) for want, reader in zip(wanted, crowd, strict=True)):
            return
        await asyncio.sleep(0.1)


def _judge(reader: Reader, sent: Sequence[tuple[str, str]], tally: Tally) -> None:
    wanted, got = _wanted(reader, sent), reader.got
    tally.expected += len(wanted)
    tally.missing += len(set(wanted) - set(got))
    tally.repeated += len(got) - len(set(got))
    order = {data: place for place, data in enumerate(wanted)}
    places = [order[data] for data in dict.fromkeys(got) if data in order]
    tally.disordered += sum(after < before for before, after in pairwise(places))
    tally.resets += reader.resets
    tally.connections += reader.connections


def _wanted(reader: Reader, sent: Sequence[tuple[str, str]]) -> list[str]:
    return [data for topic, data in sent if any(_covers(pattern, topic) for pattern in reader.patterns)]


def _covers(pattern: str, topic: str) -> bool:
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
