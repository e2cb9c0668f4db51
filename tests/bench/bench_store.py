"""How many events a second the store takes on this machine's disk: one by one, by the chunk, repeated, filtered.

python -m tests.bench.bench_store
"""

import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from notifier.entry import Entry
from notifier.notification import Notification
from notifier.sse import Event
from notifier.store import Store

ROUNDS = 5
EVENTS = 20_000
CHUNK = 200
"""Events in one read from the socket: 64 KiB of about 300 bytes each."""

JOB = {
    "repository": "o/r",
    "workflow": "tests",
    "branch": "main",
    "conclusion": "failure",
    "actor": "ann",
    "url": "https://ci.example/o/r/actions/runs/42",
    "duration": 187.3,
}


def entries(count: int, first: int = 0, lifetime: float = 86_400.0) -> list[Entry]:
    body = "push by ann: Fix the flaky test of the parser, again"
    return [
        Entry(
            notification=Notification(stream="ci", title=f"o/r #{n} failure", body=body, link="https://ci.example/42"),
            event_type="message",
            event_id=str(n),
            dedupe_key=f"o/r {n}",
            lifetime=lifetime,
        )
        for n in range(first, first + count)
    ]


def events(count: int, first: int = 0) -> list[Event]:
    """What they came of: JSON of 300 bytes, as forges send it."""
    message = "push by ann: Fix the flaky test of the parser, again"
    return [
        Event("message", json.dumps(JOB | {"run": n, "title": f"o/r #{n} failure", "message": message}), "", str(n))
        for n in range(first, first + count)
    ]


def kept_one_by_one(store: Store) -> None:
    for n, (entry, event) in enumerate(zip(entries(EVENTS), events(EVENTS), strict=True)):
        store.record("ci", [replace(entry, cause=0)], str(n), [event])


def kept_by_the_chunk(store: Store) -> None:
    for first in range(0, EVENTS, CHUNK):
        told = [replace(entry, cause=n) for n, entry in enumerate(entries(CHUNK, first))]
        store.record("ci", told, str(first), events(CHUNK, first))


def kept_and_shown(store: Store) -> None:
    for first in range(0, EVENTS, CHUNK):
        told = [replace(entry, cause=n) for n, entry in enumerate(entries(CHUNK, first))]
        rows = store.record("ci", told, str(first), events(CHUNK, first))
        store.shown(row for row in rows if row is not None)


def kept_filtered(store: Store) -> None:
    for n, event in enumerate(events(EVENTS)):
        store.record("ci", [], str(n), [event])
        if n % 1_000 == 0:
            store.tend()
    store.tend()


def one_by_one(store: Store) -> None:
    for entry in entries(EVENTS):
        store.record("ci", [entry], str(entry.event_id))


def by_the_chunk(store: Store) -> None:
    for first in range(0, EVENTS, CHUNK):
        store.record("ci", entries(CHUNK, first), str(first))


def repeated(store: Store) -> None:
    for _ in range(0, EVENTS, CHUNK):
        store.record("ci", entries(CHUNK), "0")


def filtered(store: Store) -> None:
    for n in range(EVENTS):
        store.record("ci", [], str(n))
    store.tend()


def recorded_and_shown(store: Store) -> None:
    for first in range(0, EVENTS, CHUNK):
        rows = store.record("ci", entries(CHUNK, first), str(first))
        store.shown(row for row in rows if row is not None)


WAYS: tuple[tuple[str, Callable[[Store], None], int], ...] = (
    ("recorded one by one", one_by_one, 1_000_000),
    (f"recorded by {CHUNK}", by_the_chunk, 1_000_000),
    (f"recorded and shown by {CHUNK}", recorded_and_shown, 1_000_000),
    ("… into a full history", recorded_and_shown, 1_000),
    (f"repeated by {CHUNK}", repeated, 1_000_000),
    ("filtered, call by call", filtered, 1_000_000),
    ("recorded one by one, events kept", kept_one_by_one, 1_000_000),
    (f"recorded by {CHUNK}, events kept", kept_by_the_chunk, 1_000_000),
    ("… and shown, into a full history, events kept", kept_and_shown, 1_000),
    ("filtered, events kept", kept_filtered, 1_000_000),
)


@contextmanager
def fresh(keep_rows: int) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        with closing(Store(path, clock=time.time, tell=sys.exit, keep_rows=keep_rows)) as store:
            store.resume("ci", "https://ci.example/events")
            yield store


def main() -> None:
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    for _ in range(ROUNDS):  # interleaved, so that a slow minute of the machine is everyone's
        for name, way, keep_rows in WAYS:
            with fresh(keep_rows) as store:
                began = time.perf_counter()
                way(store)
                seconds[name].append(time.perf_counter() - began)
    for name, times in seconds.items():
        sys.stdout.write(f"{name:46} {EVENTS / statistics.median(times):>12,.0f} events/s\n")
    sys.stdout.write(f"{'longest call of 2,000':46} {longest_call():>12.1f} ms\n")


def longest_call() -> float:
    """Milliseconds for which one call kept the loop waiting, recording chunks into a full history."""
    longest = -math.inf
    with fresh(keep_rows=10_000) as store:
        for first in range(0, 2_000 * 20, 20):
            chunk = entries(20, first)
            began = time.perf_counter()
            rows = store.record("ci", chunk, str(first))
            longest = max(longest, time.perf_counter() - began)
            store.shown(row for row in rows if row is not None)
    return longest * 1_000


if __name__ == "__main__":
    main()
