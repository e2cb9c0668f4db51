"""What the tests of the history need: a clock to turn, entries to record, and a process to be killed."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from notifier.entry import Entry, State
from notifier.history import Row
from notifier.notification import Notification
from notifier.store import Store

ROOT = Path(__file__).parent.parent.parent

# Records one row and ends without a word to anyone.
VICTIM = """
import os, sys, time
from pathlib import Path
from notifier.store import Store
from tests.notifier.stores import entry
store = Store(Path(sys.argv[1]), clock=time.time, tell=print)
store.resume("ci", "here")
store.record("ci", [entry("last words")], "1")
os.kill(os.getpid(), 9)
"""


@dataclass
class Clock:
    now: float = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Opener:
    """Opens stores; holds their clock and what they told the person."""

    clock: Clock = field(default_factory=Clock)
    told: list[str] = field(default_factory=list)

    def __call__(self, path: Path | None, **options: object) -> Store:
        return Store(path, clock=self.clock, tell=self.told.append, **options)  # type: ignore[arg-type]


def entry(title: str = "Build failed", *, dedupe_key: str | None = None, lifetime: float = 60.0, **of: str) -> Entry:
    return Entry(
        notification=Notification(
            stream="ci", title=title, body=of.get("body", ""), link=of.get("link"), key=of.get("key")
        ),
        event_type=of.get("event_type", "message"),
        event_id=of.get("event_id"),
        dedupe_key=dedupe_key,
        lifetime=lifetime,
    )


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """A Python of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    """What it printed, once it has ended well."""
    output, _ = process.communicate()
    assert process.returncode == 0
    return output


def unshown(store: Store, stream: str | None = None) -> list[Row]:
    """What waits to be shown, oldest first."""
    return [row for row in store.history(stream=stream, limit=1_000_000) if row.state < State.SHOWN]
