"""A plan in, counts out: numbered events through a real server, a spoiling proxy and a client that is killed.

What counts as handed to the desktop: the bubble that names a row stands for this row; a digest stands for the rows
that waited when the desktop took it and did not wait any longer when it took the next bubble, and it must not stand
for more rows than the number that it tells the person.  The desktop's own file says both; see `app`.
"""

import asyncio
import json
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.proxy import Proxy, Trouble
from tests.server.process import spawn

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120.0
"""Seconds for what cannot be hurried on a busy machine: a start, or the end of all."""
STILLBORN = 0.1
"""Part of the clients that are killed while they start."""
START = 0.5
"""Seconds after which these are killed at most."""
DOWN = 0.5
"""Seconds that the server is down at most."""
BURSTS = (1, 1, 1, 2, 3, 8, 30)
"""Events that are published at once, one of these."""
CRITICAL = 0.1
"""Part of the events that are critical."""


@dataclass(frozen=True)
class Plan:
    """How much goes wrong."""

    events: int
    kills: int
    """How often the client is killed."""
    server_kills: int
    life: float = 1.5
    """Seconds that the client lives at most, once it is up."""
    failing: float = 0.0
    """Part of the bubbles that the desktop fails to show, until the client's last life."""
    seed: int = 1


@dataclass
class Counts:
    """What came of it."""

    published: int = 0
    client_kills: int = 0
    server_kills: int = 0
    recorded: list[str] = field(default_factory=list)
    """Titles in the history, in its order."""
    shown: set[int] = field(default_factory=set)
    """Rows that the history calls shown."""
    handed: Counter[int] = field(default_factory=Counter)
    """How often each row was handed to the desktop."""
    bubbles: int = 0
    digests: int = 0
    lies: list[str] = field(default_factory=list)
    """Bubbles that stood for more rows than they said."""
    troubles: Counter[Trouble] = field(default_factory=Counter)

    def check(self) -> None:
        """What is promised.

        Raises:
            AssertionError: it was not kept.
        """
        titles = [f"n{number}" for number in range(self.published)]
        assert sorted(self.recorded) == sorted(titles), _difference(self.recorded, titles)
        assert self.recorded == titles, "the events are in the history, but not in their order"
        assert self.shown == set(range(1, len(titles) + 1)), "rows wait although all was over"
        assert self.shown == set(self.handed), f"never handed over: {sorted(self.shown - set(self.handed))}"
        assert not self.lies, self.lies

    def __str__(self) -> str:
        """A table for a person."""
        repeated = sum(times > 1 for times in self.handed.values())
        lines = [
            (self.published, "events published"),
            (self.client_kills, "times the client was killed (SIGKILL)"),
            (self.server_kills, "times the server was killed (SIGKILL) and started again"),
            *((self.troubles[trouble], f"{trouble}") for trouble in Trouble),
            (len(set(self.recorded)), "different events in the history"),
            (len(self.recorded), "rows in the history"),
            (len(self.handed), f"rows handed to the desktop, {repeated} of them more than once"),
            (self.bubbles, f"bubbles that the desktop took, {self.digests} of them digests"),
        ]
        return "".join(f"{number:>8,} {what}\n" for number, what in lines)


class Storm:
    """One run of a plan."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._chance = plan, random.Random(plan.seed)
        self._history, self._handed = folder / "history.db", folder / "handed.jsonl"
        self._log, self._errors = folder / "events.db", folder / "client.log"
        self._server: asyncio.subprocess.Process | None = None
        self._port = 0
        self._allowed = asyncio.Semaphore(0)
        """Events that may be published by now."""
        self._counts = Counts()

    async def run(self) -> Counts:
        """Do it, and count."""
        await self._start_server()
        try:
            proxy = Proxy(self._port, self._chance)
            async with proxy.serving(), asyncio.TaskGroup() as group:
                url = f"http://127.0.0.1:{proxy.port}/events"
                # What is published before anybody follows is nobody's loss.
                await self._live(url, until=self._follows)
                publisher = group.create_task(self._publish())
                server_dies = set(self._chance.sample(range(self._plan.kills), self._plan.server_kills))
                for life in range(self._plan.kills):
                    for _ in range(self._plan.events // (self._plan.kills + 1)):
                        self._allowed.release()
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._live(url, seconds=self._chance.uniform(0, self._plan.life)))
                        if life in server_dies:
                            both.create_task(self._kill_server())
                for _ in range(self._plan.events):
                    self._allowed.release()
                with suppress(TimeoutError):  # the counts tell more about what is missing
                    await self._live(url, until=lambda: publisher.done() and self._is_complete(), failing=0.0)
            self._counts.troubles = proxy.seen
        finally:
            if self._server is not None:
                await _kill(self._server)
        self._count()
        return self._counts

    async def _live(
        self,
        url: str,
        *,
        seconds: float | None = None,
        until: Callable[[], bool] | None = None,
        failing: float | None = None,
    ) -> None:
        """One life of the client, that long or until then; it ends by SIGKILL."""
        failing = self._plan.failing if failing is None else failing
        arguments = (url, self._history, self._handed, self._chance.randrange(1 << 30), failing)
        with self._errors.open("ab") as errors:
            client = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.app", *map(str, arguments)),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert client.stdout is not None
        try:
            if seconds is not None and self._chance.random() < STILLBORN:
                await asyncio.sleep(self._chance.uniform(0, START))
                return
            async with asyncio.timeout(PATIENCE):
                assert await client.stdout.readline() == b"up\n", self._errors.read_text()[-5_000:]
            if seconds is not None:
                await asyncio.sleep(seconds)
            if until is not None:
                await _wait_for(until, client)
            assert client.returncode is None, self._errors.read_text()[-5_000:]
        finally:
            await _kill(client)
            if seconds is not None:
                self._counts.client_kills += 1

    async def _publish(self) -> None:
        number = 0
        async with aiohttp.ClientSession() as session:
            while number < self._plan.events:
                burst = min(self._chance.choice(BURSTS), self._plan.events - number)
                for _ in range(burst):
                    await self._allowed.acquire()
                await self._post(session, range(number, number + burst))
                number += burst
                self._counts.published = number
                await asyncio.sleep(
                    self._chance.uniform(0, self._plan.life * burst * self._plan.kills / self._plan.events)
                )

    async def _post(self, session: aiohttp.ClientSession, numbers: Sequence[int]) -> None:
        """As a publisher who wants to be sure: the same request under the same name until it is answered with 201."""
        messages = [
            {"title": f"n{number}", "urgency": "critical" if self._chance.random() < CRITICAL else "normal"}
            for number in numbers
        ]
        body = "".join(f"{json.dumps(message)}\n" for message in messages)
        headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"from {numbers[0]}"}
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientError, ConnectionError):
                    url = f"http://127.0.0.1:{self._port}/events"
                    async with session.post(url, data=body, headers=headers) as answer:
                        if answer.status == 201:
                            return
                await asyncio.sleep(0.05)

    async def _start_server(self) -> None:
        """On the port that it had before; again if it does not come up."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._server = await spawn("--port", str(self._port), "--log", str(self._log))
                assert self._server.stdout is not None
                line = (await self._server.stdout.readline()).decode()
                if "http://" in line:
                    self._port = int(line.split()[-1].rstrip("/").rpartition(":")[2])
                    return
                await _kill(self._server)

    async def _kill_server(self) -> None:
        assert self._server is not None
        await asyncio.sleep(self._chance.uniform(0, self._plan.life))
        await _kill(self._server)
        self._counts.server_kills += 1
        await asyncio.sleep(self._chance.uniform(0, DOWN))
        await self._start_server()

    def _follows(self) -> bool:
        """Whether the client knows where to go on after a kill."""
        return self._query("SELECT 1 FROM streams WHERE last_event_id != ''") == [(1,)]

    def _is_complete(self) -> bool:
        shown = "SELECT COUNT(DISTINCT title) FROM history WHERE state >= 2"
        waiting = "SELECT COUNT(*) FROM history WHERE state < 2"
        return self._query(f"SELECT ({shown}), ({waiting})") == [(self._plan.events, 0)]

    def _count(self) -> None:
        counts = self._counts
        counts.recorded = [title for (title,) in self._query("SELECT title FROM history ORDER BY id")]
        counts.shown = {row for (row,) in self._query("SELECT id FROM history WHERE state = 2")}
        bubbles = [json.loads(line) for line in self._handed.read_text().splitlines()]
        still_waiting = [set(bubble["waiting"]) for bubble in bubbles[1:]]
        still_waiting.append({row for (row,) in self._query("SELECT id FROM history WHERE state < 2")})
        counts.bubbles = len(bubbles)
        for bubble, later in zip(bubbles, still_waiting, strict=True):
            row, stood_for = bubble["row"], set(bubble["waiting"]) - later
            if row is None:
                counts.digests += 1
                said = int(bubble["title"].split()[0])
                counts.handed.update(stood_for)
            else:
                said = 1
                counts.handed[row] += 1
            if len(stood_for) > said or (row is not None and not stood_for <= {row}):
                counts.lies.append(f"{bubble['title']!r} stood for {len(stood_for)} rows")

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        if not self._history.exists():
            return []
        with closing(sqlite3.connect(f"{self._history.as_uri()}?mode=ro", uri=True)) as history:
            try:
                return history.execute(query).fetchall()
            except sqlite3.OperationalError:  # nobody has made its tables yet, or it is being recovered
                return []


def _difference(found: Sequence[str], wanted: Sequence[str]) -> str:
    more, less = Counter(found) - Counter(wanted), Counter(wanted) - Counter(found)
    return f"lost: {sorted(less)}; more than once: {sorted(more)}"


async def _wait_for(condition: Callable[[], bool], client: asyncio.subprocess.Process) -> None:
    """Other processes make it true, so asking again and again is all that can be done."""
    async with asyncio.timeout(PATIENCE):
        while not condition() and client.returncode is None:
            await asyncio.sleep(0.05)


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()
