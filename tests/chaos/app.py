"""The client that is killed: a real agent and a real history, and a desktop that writes down what it is handed.

python -m tests.chaos.app URL HISTORY HANDED SEED FAILING

Each line of HANDED is a bubble: its row (null for a digest), its title, and the rows that waited when it was handed
over.  Which rows a digest stood for is seen from what waits no longer when the next bubble comes.
"""

import asyncio
import json
import logging
import os
import random
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.errors import BubbleFailed
from notifier.notification import Notification, Withdrawal
from notifier.store import Store

NAME = "chaos"
SLOWNESS = 0.02
"""Seconds that the desktop takes for a bubble at most, before it has it and once more after."""


class FileDesktop:
    """Appends each bubble to a file; some fail before they are there, and some after."""

    hears = True

    name = "a file"

    def __init__(self, history: Path, handed: Path, chance: random.Random, failing: float) -> None:
        self._history = sqlite3.connect(f"{history.as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._file = os.open(handed, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._chance, self._failing = chance, failing

    async def show(self, notification: Notification) -> None:
        await asyncio.sleep(self._chance.random() * SLOWNESS)
        fails = self._chance.random() < self._failing
        if not fails or self._chance.random() < 0.5:
            waiting = [row for (row,) in self._history.execute("SELECT id FROM history WHERE state < 2 ORDER BY id")]
            line = json.dumps({"row": notification.row, "title": notification.title, "waiting": waiting})
            os.write(self._file, f"{line}\n".encode())
        await asyncio.sleep(self._chance.random() * SLOWNESS)
        if fails:
            raise BubbleFailed("nobody said that it was shown")

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        pass

    async def close(self) -> None:
        os.close(self._file)
        self._history.close()


async def main(url: str, history: Path, handed: Path, seed: int, failing: float) -> None:
    stream = Stream(url=url, name=NAME, idle_timeout=1.0, connect_timeout=2.0, longest_delay=0.5)

    async def open_desktop(_: Listener) -> Desktop:
        print("up", flush=True)  # noqa: T201
        return FileDesktop(history, handed, random.Random(seed), failing)

    async def open_link(_: str, token: str) -> None:
        raise AssertionError("nobody clicks here")

    with closing(Store(history, clock=time.time, tell=sys.exit)) as store:
        await Agent(Config(streams=(stream,)), store, open_desktop, open_link, lambda _: None).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))
