"""Our server beside others that fan out events: deliveries, processor, latency, memory, accepts, in one run.

python -m tests.bench fanout

The load is a small C program (`load.c`) on one core, each server has the other.  Ours writes each event to SQLite
before it answers; the others keep nothing, or keep it in memory.
"""

import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.peers import ROOT, interpreter
from tests.needs import needs

ROUNDS = 3
SUBSCRIBERS = (100, 1_000, 5_000)
PUBLISHERS = (1, 8, 64)
SECONDS = 1.5
"""For which publishers send as fast as they are answered."""
RATE, RATE_SECONDS = 20.0, 5.0
"""Events a second, to 1,000 subscribers, for the latency."""
FILES = 20_000
NCHAN = """
load_module {modules}/ngx_nchan_module.so;
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; use epoll; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    keepalive_requests 100000000; tcp_nodelay on; nchan_shared_memory_size 128M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /events {{
            nchan_subscriber eventsource; nchan_channel_id e; nchan_subscriber_first_message newest;
        }}
        location = /publish {{ nchan_publisher; nchan_channel_id e; nchan_message_buffer_length 100; }}
    }}
}}
"""


@dataclass(frozen=True)
class Contender:
    """A server, how it is started, and where it is published to."""

    name: str
    command: tuple[str, ...]
    publish: str = "/events"
    is_peer: bool = True


class Running:
    """A server while it runs, on core 0."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        if contender.name == "nginx + nchan":
            modules = next(Path(at) for at in ("/usr/lib/nginx/modules",) if Path(at).is_dir())
            file = folder / "nginx.conf"
            file.write_text(NCHAN.format(modules=modules, folder=folder, port=self.port, files=FILES))
        words = [word.format(port=self.port, folder=folder) for word in contender.command]
        self.publish = contender.publish
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        os.sched_setaffinity(self.process.pid, {0})
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError((folder / "output").read_text()) from None
                time.sleep(0.02)

    def processor(self) -> float:
        """Seconds of processor that it used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Subscribers:
    """Many of them, in one process, on core 1."""

    def __init__(self, load: Path, server: Running, count: int) -> None:
        self.process = subprocess.Popen(
            _on_core_1([str(load), "subscribe", str(server.port), "/events", str(count)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds = self._line()["seconds"]

    def tell(self, word: str) -> dict[str, float]:
        """What was counted since the last "reset"."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._line()

    def settle(self) -> dict[str, float]:
        """What was counted, once nothing more comes."""
        before: dict[str, float] = {}
        for _ in range(300):
            report = self.tell("report")
            if report["events"] == before.get("events"):
                return report
            before = report
            time.sleep(0.1)
        raise AssertionError("events do not end")

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _line(self) -> dict[str, float]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the subscribers ended"
        found: dict[str, float] = json.loads(line)
        return found


def _on_core_1(command: list[str]) -> list[str]:
    return ["taskset", "-c", "1", *command]


def publish(load: Path, server: Running, count: int, rate: float, seconds: float) -> dict[str, float]:
    words = [str(load), "publish", str(server.port), server.publish, str(count), str(rate), str(seconds)]
    done = subprocess.run(_on_core_1(words), check=True, capture_output=True, text=True, timeout=seconds + 60)
    found: dict[str, float] = json.loads(done.stdout)
    return found


Figures = dict[tuple[str, str], list[float]]
"""By contender and measure, one of each round."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    with tempfile.TemporaryDirectory(prefix="fanout-") as name:
        folder = Path(name)
        load = folder / "load"
        subprocess.run(["cc", "-O2", "-o", load, Path(__file__).with_name("load.c")], check=True)
        contenders = list(_contenders())
        figures: Figures = defaultdict(list)
        for turn in range(ROUNDS):
            for contender in contenders[turn % 2 :] + contenders[: turn % 2]:
                _measure(contender, load, folder, figures)
            print(f"round {turn + 1} of {ROUNDS} done", file=sys.stderr, flush=True)
        _tell(contenders, figures)


def _contenders() -> Iterator[Contender]:
    peers = str(Path(__file__).with_name("fanout_peers.py"))
    python = str(interpreter("fanout", "aiohttp>=3.14", "aiohttp-sse>=2.2", "sse-starlette>=2.1", "uvicorn>=0.30"))
    log = "{folder}/events.db"
    yield Contender("sse-server", (sys.executable, "-m", "server", "--port", "{port}", "--log", log), is_peer=False)
    needs("libnginx-mod-nchan", "nginx")
    yield Contender("nginx + nchan", ("nginx", "-c", "{folder}/nginx.conf", "-p", "{folder}"), publish="/publish")
    yield Contender("aiohttp, naive loop", (python, peers, "naive", "{port}"))
    yield Contender("aiohttp-sse", (python, peers, "aiohttp-sse", "{port}"))
    yield Contender("sse-starlette, uvicorn", (python, peers, "sse-starlette", "{port}"))


@contextmanager
def started(contender: Contender, parent: Path) -> Iterator[Running]:
    folder = Path(tempfile.mkdtemp(dir=parent))
    server = Running(contender, folder)
    try:
        yield server
    finally:
        server.end()
        shutil.rmtree(folder)


def _measure(contender: Contender, load: Path, folder: Path, figures: Figures) -> None:
    def take(measure: str, value: float) -> None:
        figures[contender.name, measure].append(value)

    for count in SUBSCRIBERS:
        with started(contender, folder) as server:
            empty = server.memory()
            subscribers = Subscribers(load, server, count)
            try:
                if count == SUBSCRIBERS[-1]:
                    take("accepts/s", count / subscribers.seconds)
                    take("KiB a subscriber", (server.memory() - empty) / count / 1024)
                for publishers in PUBLISHERS:
                    subscribers.tell("reset")
                    before, began = server.processor(), time.monotonic()
                    published = publish(load, server, publishers, 0, SECONDS)["published"]
                    report = subscribers.settle()
                    seconds = max(SECONDS, time.monotonic() - began - 0.2)
                    got = report["events"]
                    if got < published * count:
                        take("lost", published * count - got)
                    take(f"deliveries/s {count} x {publishers}", got / seconds)
                    take(f"us a delivery {count} x {publishers}", (server.processor() - before) / got * 1e6)
                if count == 1_000:
                    subscribers.tell("reset")
                    publish(load, server, 4, RATE, RATE_SECONDS)
                    report = subscribers.settle()
                    take("p50 ms", report["p50"] / 1_000)
                    take("p99 ms", report["p99"] / 1_000)
            finally:
                subscribers.end()


MARKS = (
    ("us a delivery 1000 x 1", "nginx + nchan", "at most", 1.1),
    ("deliveries/s 1000 x 8", "nginx + nchan", "at least", 4.0),
    ("deliveries/s 1000 x 8", "aiohttp-sse", "at least", 3.5),
    ("p99 ms", "nginx + nchan", "at most", 1.0),
    ("KiB a subscriber", "nginx + nchan", "at most", 1.2),
)
"""What ours is to reach, as a ratio to a peer's."""


def _tell(contenders: list[Contender], figures: Figures) -> None:
    medians = {each: statistics.median(values) for each, values in figures.items()}
    measures = [measure for name, measure in figures if name == contenders[0].name]
    print("| |", " | ".join(contender.name for contender in contenders), "|")
    print("|---" * (len(contenders) + 1) + "|")
    for measure in dict.fromkeys([*measures, "lost"]):
        cells = []
        for contender in contenders:
            values = figures.get((contender.name, measure), [])
            cells.append(_number(statistics.median(values)) if values else "-")
        print(f"| {measure} |", " | ".join(cells), "|")
    print("\n| ours as a ratio | to | measured | to reach |\n|---|---|---|---|")
    for measure, peer, word, mark in MARKS:
        ratio = medians[contenders[0].name, measure] / medians[peer, measure]
        print(f"| {measure} | {peer} | {ratio:.2f} | {word} {mark:g} |")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
