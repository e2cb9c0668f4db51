"""100,000 events in 10 seconds on several streams: how many bubbles, how late, what is in the history, what it costs.

Two processes: a peer that sends at an even pace, and the client.  Every `ALARM`th event is critical.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.entry import State
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.status import Status
from notifier.store import Store

STREAMS = 4
EVENTS = 100_000
SECONDS = 10.0
PACE = 0.05
"""Seconds between two pieces of a stream."""
ALARM = 10_000
"""Of so many events of a stream the first is critical."""
STEP = 1.0
"""Seconds that the gate lets pass between two counts of a digest."""
LATE = 1.0
"""Seconds after which a bubble that the gate allows is late."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


@dataclass
class Seen:
    """What a person saw and the program cost."""

    shown: list[tuple[float, Notification]] = field(default_factory=list)
    """With when, in seconds from the first event."""
    recorded: Counter[str] = field(default_factory=Counter)
    """Rows of the history, by stream."""
    waiting: int = 0
    """Rows that no bubble told of."""
    statuses: int = 0
    lasted: float = 0.0
    """Seconds from the first event to the last."""
    cpu: float = 0.0
    """Seconds."""
    grown: float = 0.0
    """MiB that the process took of the machine meanwhile."""

    def bubbles(self, stream: str) -> int:
        """How many opened; an update in place opens none."""
        told = [notification for _, notification in self.shown if notification.stream == stream]
        digests = {notification.key for notification in told if notification.row is None}
        return len(digests) + sum(notification.row is not None for notification in told)

    def pauses(self, stream: str) -> list[float]:
        """Seconds between two counts of a stream's digest."""
        counts = [at for at, told in self.shown if told.stream == stream and told.urgency is not Urgency.CRITICAL]
        return [last - first for first, last in pairwise(counts[4:])]


class Watching:
    """A desktop that notes when it was shown what."""

    hears = True

    name = "a watch"

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def show(self, notification: Notification) -> None:
        """Note it."""
        self._seen.shown.append((time.monotonic(), notification))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        pass

    async def close(self) -> None:
        """Nothing to let go of."""


def piece(numbers: range) -> bytes:
    events = []
    for n in numbers:
        fields = {"title": f"build {n} of the parser failed again", "priority": 5 if n % ALARM == 0 else 3}
        events.append(b"id: %d\ndata: %s\n\n" % (n, json.dumps(fields).encode()))
    return b"".join(events)


def serve(port: "Synchronized[int]", each: int, seconds: float) -> None:
    """Give each connection `each` events, evenly over the time."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        start, sent = time.monotonic(), 0
        while sent < each:
            due = min(each, int(each * (time.monotonic() - start + PACE) / seconds))
            writer.write(piece(range(sent, due)))
            await writer.drain()
            sent = due
            await asyncio.sleep(PACE)
        await reader.read()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(run())


def resident() -> float:
    """MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def follow(port: int, folder: Path, streams: int, each: int) -> Seen:
    """Follow until all is recorded and told."""
    seen = Seen()

    async def open_desktop(_: Listener) -> Desktop:
        return Watching(seen)

    async def open_link(_: str, token: str) -> None:
        raise AssertionError("nobody clicks here")

    def update(_: Status) -> None:
        seen.statuses += 1

    names = [f"stream {n}" for n in range(streams)]
    config = Config(streams=tuple(Stream(url=f"http://127.0.0.1:{port}/{name[7:]}", name=name) for name in names))
    with closing(Store(folder / "history.db", clock=time.time, tell=sys.exit, keep_rows=2 * streams * each)) as store:
        agent = Agent(config, store, open_desktop, open_link, update)
        task = asyncio.create_task(agent.run())
        while not all(store.mark(name).last_event_id for name in names):
            await asyncio.sleep(0.01)
        start, cpu, before = time.monotonic(), time.process_time(), resident()
        while not all(store.mark(name).last_event_id == str(each - 1) for name in names):
            await asyncio.sleep(0.01)
        seen.lasted = time.monotonic() - start
        await asyncio.sleep(STEP + LATE)
        seen.cpu, seen.grown = time.process_time() - cpu, resident() - before
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        seen.shown = [(at - start, notification) for at, notification in seen.shown]
        for row in store.history(limit=2 * streams * each):
            seen.recorded[row.notification.stream] += 1
            seen.waiting += row.state < State.SHOWN
    return seen


def flood(streams: int, events: int, seconds: float) -> Seen:
    """`events` on all streams together, in so many seconds."""
    spawn = multiprocessing.get_context("spawn")
    port = spawn.Value("i", 0)
    peer = spawn.Process(target=serve, args=(port, events // streams, seconds), daemon=True)
    peer.start()
    try:
        while not port.value:
            time.sleep(0.01)
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(follow(port.value, Path(folder), streams, events // streams))
    finally:
        peer.kill()
        peer.join()


def check(seen: Seen, streams: int, events: int) -> None:
    """What a person may expect of a flood."""
    assert seen.recorded == {f"stream {n}": events // streams for n in range(streams)}, "all is in the history"
    assert seen.waiting == 0, "all was told"
    for stream in seen.recorded:
        alarms = len(range(0, events // streams, ALARM))
        assert seen.bubbles(stream) <= 6 + alarms, "a handful of bubbles"
        assert max(seen.pauses(stream)) < STEP + LATE, "no count is late"
        (last_at, last) = [told for told in seen.shown if told[1].stream == stream and told[1].row is None][-1]
        assert last_at < seen.lasted + STEP + LATE
        assert str(events // streams - alarms - 4) in last.title, "the digest has counted all"


def main() -> None:
    seen = flood(STREAMS, EVENTS, SECONDS)
    told = defaultdict(list)
    for at, notification in seen.shown:
        told[notification.stream].append(f"{at:6.2f}  {notification.title}")
    print(f"flood: {EVENTS:,} events on {STREAMS} streams in {seen.lasted:.1f} s")
    print(f"{seen.cpu:.1f} s of CPU, {seen.grown:+.1f} MiB, {seen.statuses} statuses")
    for stream, lines in sorted(told.items()):
        pauses = seen.pauses(stream)
        print(f"{stream}: {seen.bubbles(stream)} bubbles, {len(pauses)} counts, at most {max(pauses):.2f} s apart")
        print("\n".join([*lines[:6], "   ...", *lines[-2:]]))
    check(seen, STREAMS, EVENTS)
    assert seen.grown < 40, "memory is bounded"


if __name__ == "__main__":
    main()
