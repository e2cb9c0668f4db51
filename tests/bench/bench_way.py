"""The whole way of an event through a real agent, as events per second of CPU time: recorded, and filtered out.

Three processes: this one; a peer that sends events over loopback as fast as they are taken; and the client, a
real `Agent` and a real history in a file, with a desktop that takes each bubble at once.  What is measured is all
CPU time of the client's process from the first event to the last, and the clock beside it.

python -m tests.bench.bench_way
"""

import asyncio
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.history import read_history
from notifier.notification import Notification, Withdrawal
from notifier.rule import Rule
from notifier.status import Status
from notifier.store import Store

ROUNDS = 3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = "the last one"
DROP = Rule(when='data.status == "running"', drop=True)
"""Every case is asked whether it holds."""
PIECE = 64 * 1024


def build(number: int) -> bytes:
    fields = {
        "title": f"Build {number} failed",
        "body": "main is red: Fix the flaky test of the parser, again",
        "urgency": "normal",
        "link": f"https://ci.example.org/builds/{number}",
    }
    return b"id: %d\ndata: %b\n\n" % (number, json.dumps(fields).encode())


def text(number: int) -> bytes:
    return b"id: %d\ndata: build %d of the parser failed again\n\n" % (number, number)


def webhook(number: int) -> bytes:
    fields = {
        "action": "completed",
        "check_run": {"name": "tests", "conclusion": "failure", "html_url": f"https://ci.example.org/{number}"},
        "repository": {"full_name": "o/r", "html_url": "https://example.org/o/r", "private": False},
        "sender": {"login": "ann", "id": number},
    }
    return b"id: %d\ndata: %b\n\n" % (number, json.dumps(fields).encode())


def keep_alive(number: int) -> bytes:
    return b'id: %d\nevent: keepalive\ndata: {"event": "keepalive", "time": 1750000000, "n": %d}\n\n' % (number, number)


def keep_alive_in_data(number: int) -> bytes:
    return b'id: %d\ndata: {"id": "x%d", "time": 1750000000, "event": "keepalive", "topic": "t"}\n\n' % (number, number)


def unwanted(number: int) -> bytes:
    return b'id: %d\ndata: {"job": "build", "status": "running", "number": %d}\n\n' % (number, number)


CASES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "recorded: title, body, link": (build, 50_000),
    "recorded: plain text": (text, 50_000),
    "recorded: nested webhook": (webhook, 50_000),
    "filtered out by type": (keep_alive, 200_000),
    "filtered out by a rule": (unwanted, 100_000),
    "filtered out by data": (keep_alive_in_data, 50_000),
}


def send(listener: socket.socket, make: Callable[[int], bytes], count: int) -> None:
    """All events to the first who asks, then silence."""
    body = b"".join(map(make, range(count))) + b'data: {"title": "%b"}\n\n' % LAST.encode()
    chunks = (body[start : start + PIECE] for start in range(0, len(body), PIECE))
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(HEAD + framed)
        connection.recv(1)


class Taken:
    """A desktop that takes every bubble at once."""

    hears = True

    name = "nobody"

    async def show(self, notification: Notification) -> None:
        """Nothing to do."""

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        pass

    async def close(self) -> None:
        """Nothing to let go of."""


async def _follow(url: str, history: Path) -> tuple[float, float]:
    """Seconds of CPU time and of the clock until the last event is recorded."""
    with closing(Store(history, clock=time.time, tell=sys.exit)) as store:

        async def open_desktop(_: Listener) -> Desktop:
            return Taken()

        async def open_link(_: str, token: str) -> None:
            raise AssertionError("nobody clicks here")

        seen = asyncio.Event()

        def update(status: Status) -> None:
            if status.recent and status.recent[0].title == LAST:
                seen.set()

        agent = Agent(
            Config(streams=(Stream(url=url, name="way", rules=(DROP,)),)), store, open_desktop, open_link, update
        )
        cpu, clock = time.process_time(), time.perf_counter()
        task = asyncio.create_task(agent.run())
        await seen.wait()
        spent = time.process_time() - cpu, time.perf_counter() - clock
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return spent


def client(url: str, history: Path, results: "multiprocessing.Queue[tuple[float, float]]") -> None:
    results.put(asyncio.run(_follow(url, history)))


def measure(make: Callable[[int], bytes], count: int, recorded: int) -> tuple[float, float]:
    """Seconds of CPU time and of the clock."""
    spawn = multiprocessing.get_context("spawn")
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        history, results = Path(folder) / "history.db", spawn.Queue()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/events"
        peer = spawn.Process(target=send, args=(listener, make, count), daemon=True)
        follower = spawn.Process(target=client, args=(url, history, results), daemon=True)
        peer.start()
        time.sleep(1.0)
        follower.start()
        spent: tuple[float, float] = results.get(timeout=600)
        follower.join()
        peer.join()
        assert len(read_history(history, limit=10**9)) == recorded
        return spent


def main() -> None:
    spent: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for _ in range(ROUNDS):  # interleaved, so that a slow minute of the machine is everyone's
        for case, (make, count) in CASES.items():
            spent[case].append(measure(make, count, 1 if case.startswith("filtered") else count + 1))
    print(f"{'events per second':32}{'of CPU time':>14}{'of the clock':>14}   (medians of {ROUNDS})")
    for case, (_, count) in CASES.items():
        cpu, clock = (count / statistics.median(seconds) for seconds in zip(*spent[case], strict=True))
        print(f"{case:32}{cpu:>14,.0f}{clock:>14,.0f}", flush=True)


if __name__ == "__main__":
    main()
