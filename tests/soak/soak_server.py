"""Our server for long: nothing missing or twice, 10,000 subscribers who come and go, and readers who are stuck.

`SOAK_MINUTES` sets how long they come and go.
"""

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bench_fanout import Contender, Subscribers, publish, started
from tests.chaos import readers
from tests.server.process import redis_url, start_redis, stop

EVENTS, READERS, KILLS = 6_000, 120, 3
CROWD, COMING = 9_000, 1_000
"""Subscribers who stay, and who come and go."""
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
STUCK = 20
SLOWER = 1.2
"""How much later others may get their events while readers are stuck, as a ratio."""
GROWTH = 1.1
"""How much more memory it may have at the end of the coming and going than in its first minute."""
ROUNDS = 3
FILES = 20_000


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    asyncio.run(correct())
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        load = folder / "load"
        source = Path(__file__).parents[1] / "bench" / "load.c"
        subprocess.run(["cc", "-O2", "-o", load, source], check=True)
        stuck(load, folder)
        churn(load, folder)


async def correct() -> None:
    """Slow readers who leave and come back, and a server that is killed, over each log."""
    for name, servers, kills in (("memory", 1, 0), ("SQLite", 1, KILLS), ("Redis", 1, KILLS), ("Redis", 2, KILLS)):
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            redis = await start_redis(Path(folder), durable=True) if name == "Redis" else None
            log = {"memory": "memory", "SQLite": f"{folder}/events.db", "Redis": redis_url(Path(folder))}[name]
            try:
                tally = await readers.run(log=log, events=EVENTS, readers=READERS, kills=kills, servers=servers)
            finally:
                if redis is not None:
                    await stop(redis)
        print(f"{name}, {servers} server(s): {tally}", flush=True)
        assert tally.is_clean


def _ours(folder: Path) -> Contender:
    log = str(folder / "events-{port}.db")
    return Contender("ours", (sys.executable, "-m", "server", "--port", "{port}", "--log", log), is_peer=False)


def stuck(load: Path, folder: Path) -> None:
    """Delays of 1,000 subscribers, with and without readers who read nothing and whose buffers are full."""
    delays: dict[int, list[float]] = {0: [], STUCK: []}
    for _ in range(ROUNDS):
        for count, found in delays.items():
            with started(_ours(folder), folder) as server:
                idle = [_idle(server.port) for _ in range(count)]
                subscribers = Subscribers(load, server, 1_000)
                publish(load, server, 8, 0, 3.0)
                subscribers.settle()
                subscribers.tell("reset")
                publish(load, server, 8, 50.0, 5.0)
                found.append(subscribers.settle()["p99"])
                subscribers.end()
                for each in idle:
                    each.close()
    without, with_them = statistics.median(delays[0]), statistics.median(delays[STUCK])
    print(f"{STUCK} stuck readers: p99 {with_them / 1_000:.1f} ms, without them {without / 1_000:.1f} ms", flush=True)
    assert with_them <= without * SLOWER


def _idle(port: int) -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return reader


def churn(load: Path, folder: Path) -> None:
    """Memory of a server whose subscribers come and go."""
    with started(_ours(folder), folder) as server:
        crowd = Subscribers(load, server, CROWD)
        memory: list[float] = []
        rounds = 0
        until = time.monotonic() + MINUTES * 60
        try:
            while time.monotonic() < until:
                guests = Subscribers(load, server, COMING)
                published = publish(load, server, 2, 10.0, 2.0)["published"]
                report = guests.settle()
                assert report["events"] == published * COMING, (report, published)
                guests.end()
                rounds += 1
                memory.append(server.memory() / 2**20)
            assert server.process.poll() is None
            received = crowd.settle()["events"]
        finally:
            crowd.end()
        early, late = statistics.median(memory[2:12]), statistics.median(memory[-10:])
        print(
            f"{CROWD + COMING:,} subscribers, {rounds * COMING:,} came and went in {MINUTES:g} minutes,"
            f" {received:,.0f} deliveries to those who stayed: {early:.1f} MiB at first, {late:.1f} MiB at last"
        )
        print(json.dumps([round(each, 1) for each in memory[:: max(1, len(memory) // 20)]]))
        assert late <= early * GROWTH


if __name__ == "__main__":
    main()
