"""500 streams of one agent to a real server that has nothing to say but its heartbeats: CPU time, minute by minute."""

import asyncio
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.source import ReadyState
from notifier.status import Status
from notifier.store import Store
from tests.bench.bench_way import Taken
from tests.server.process import started

STREAMS = 500
MINUTES = 3
LIMIT = 0.01
"""Of one core."""
START = 120.0
"""Seconds until all are connected."""


async def measure(folder: Path) -> list[float]:
    """The part of one core that each minute took."""
    everywhere = asyncio.Event()

    def update(status: Status) -> None:
        if all(stream.ready_state is ReadyState.OPEN for stream in status.streams):
            everywhere.set()

    async def open_desktop(_: Listener) -> Desktop:
        return Taken()

    async def open_link(_: str, token: str) -> None:
        raise AssertionError("nobody clicks here")

    async with started("--log", str(folder / "events.db")) as server:
        # A topic each, so that no two streams are the same.
        streams = tuple(Stream(url=f"{server.url}/events?topic=t{n}", name=f"stream {n}") for n in range(STREAMS))
        with closing(Store(folder / "history.db", clock=time.time, tell=sys.exit)) as store:
            agent = Agent(Config(streams=streams), store, open_desktop, open_link, update)
            task = asyncio.create_task(agent.run())
            async with asyncio.timeout(START):
                await everywhere.wait()
            parts = []
            for minute in range(MINUTES):
                cpu, clock = time.process_time(), time.monotonic()
                await asyncio.sleep(60)
                assert not task.done(), task.exception()
                parts.append((time.process_time() - cpu) / (time.monotonic() - clock))
                print(f"minute {minute + 1}: {parts[-1]:.2%} of a core", flush=True)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return parts


def main() -> None:
    print(f"idle: {STREAMS} streams, a heartbeat every 15 s")
    with tempfile.TemporaryDirectory() as folder:
        parts = asyncio.run(measure(Path(folder)))
    assert min(parts) < LIMIT, "the calmest minute took more than it may"


if __name__ == "__main__":
    main()
