"""1,000,000 events over 10,000 connections into one agent: what it holds on to, by tracemalloc and by the kernel.

Two processes: a peer that ends each connection after `EACH` events, and the client.  All is recorded, so the history
trims itself all the time, and every stream floods, so its digest counts all the time.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import sqlite3
import sys
import tempfile
import time
import tracemalloc
from contextlib import closing
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.store import Store
from tests.bench.bench_way import Taken

STREAMS = 200
CONNECTIONS = 10_000
EACH = 100
"""Events of one connection."""
SAMPLES = 10
LEEWAY = 2.0
"""MiB by which the most of the second half may be above the most of the first and still be called flat."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 50\n\n"


def body(connection: int) -> bytes:
    numbers = range(connection * EACH, (connection + 1) * EACH)
    events = (b"id: %d\ndata: build %d of the parser failed again\n\n" % (number, number) for number in numbers)
    return HEAD + b"".join(events)


def serve(made: "Synchronized[int]", port: "Synchronized[int]") -> None:
    """Give each connection its events and end it; later ones wait for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if made.value < CONNECTIONS:
                made.value += 1
                writer.write(body(made.value - 1))
                await writer.drain()
            else:
                writer.write(HEAD)
                await reader.read()
            writer.close()
            await writer.wait_closed()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=STREAMS)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(run())


def held() -> tuple[float, float]:
    """MiB that Python's objects take, and that the process takes of the machine."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return tracemalloc.get_traced_memory()[0] / 2**20, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def follow(made: "Synchronized[int]", port: int, history: Path) -> list[tuple[float, float]]:
    """A sample for each part of the connections."""

    async def open_desktop(_: Listener) -> Desktop:
        return Taken()

    async def open_link(_: str, token: str) -> None:
        raise AssertionError("nobody clicks here")

    streams = tuple(
        Stream(url=f"http://127.0.0.1:{port}/{n}", name=f"stream {n}", connect_timeout=600) for n in range(STREAMS)
    )
    samples: list[tuple[float, float]] = []
    print(f"{'connections':>12}{'events':>12}{'objects MiB':>14}{'process MiB':>14}{'tasks':>8}{'files':>9}")
    with closing(Store(history, clock=time.time, tell=sys.exit)) as store:
        agent = Agent(Config(streams=streams), store, open_desktop, open_link, lambda _: None)
        task = asyncio.create_task(agent.run())
        while len(samples) < SAMPLES:
            await asyncio.sleep(0.5)
            assert not task.done(), task.exception()
            if made.value >= (len(samples) + 1) * CONNECTIONS // SAMPLES:
                if len(samples) == SAMPLES - 1:
                    await _until_recorded(history, CONNECTIONS * EACH)
                samples.append(held())
                files = len(list(Path("/proc/self/fd").iterdir()))
                counts = f"{made.value:>12,}{_recorded(history):>12,}{samples[-1][0]:>14.1f}{samples[-1][1]:>14.1f}"
                print(f"{counts}{len(asyncio.all_tasks()):>8}{files:>9}", flush=True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return samples


async def _until_recorded(history: Path, count: int) -> None:
    async with asyncio.timeout(600):
        while _recorded(history) < count:
            await asyncio.sleep(0.5)


def _recorded(history: Path) -> int:
    with closing(sqlite3.connect(f"{history.as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT max(id) FROM history").fetchone()[0] or 0)


def main() -> None:
    print(f"memory: {CONNECTIONS * EACH:,} events over {CONNECTIONS:,} connections of {STREAMS} streams")
    spawn = multiprocessing.get_context("spawn")
    made, port = spawn.Value("i", 0), spawn.Value("i", 0)
    peer = spawn.Process(target=serve, args=(made, port), daemon=True)
    peer.start()
    try:
        while not port.value:
            time.sleep(0.05)
        tracemalloc.start()
        with tempfile.TemporaryDirectory() as folder:
            samples = asyncio.run(follow(made, port.value, Path(folder) / "history.db"))
    finally:
        tracemalloc.stop()
        peer.kill()
        peer.join()
    # How much is there at one moment depends on how many streams are connected; so compare the most of each half.
    for column, what in enumerate(("objects", "process")):
        early, late = (
            max(sample[column] for sample in half) for half in (samples[1 : SAMPLES // 2], samples[SAMPLES // 2 :])
        )
        assert late - early < LEEWAY, f"{what}: {late - early:+.1f} MiB from the first half to the second"


if __name__ == "__main__":
    main()
