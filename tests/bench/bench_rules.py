"""What it costs to decide what a person is told: the CPU time of one event, usual and hostile.

python -m tests.bench.bench_rules
"""

import json
import statistics
import sys
import time
from pathlib import Path

from notifier import presets
from notifier.rule import Rule
from notifier.rules import Rules
from notifier.sse import Event, EventStreamParser

ROUNDS = 7
EVENTS = 3_000
RECORDINGS = Path(__file__).parents[1] / "notifier" / "presets"

OWN = {"title": "Disk full", "body": "db1", "urgency": "critical", "link": "https://x.example/1"}
UNKNOWN = {"status": "failed", "job": "build 12", "host": "db1", "run": {"id": 3, "duration": 17.2}}
HOSTILE = {
    "100,000 levels": "[" * 100_000,
    "1 MiB title": '{"title": "' + "A" * (1 << 20) + '"}',
    "19,000 objects": "[" + ",".join(["{}"] * 9_500) + "]",
    "many fields": "{" + ",".join(f'"k{n}":{{"title":1}}' for n in range(9_000)) + "}",
    "1 MiB of zero width": "\u200b" * (1 << 20),
    "16 MiB of text": "a" * (16 << 20),
    "escapes without end": "\x1b]" * 300_000,
}


def main() -> None:
    drop = Rule(when="data.meta.domain != 'x'", drop=True)
    [*_, wikimedia] = recorded("wikimedia")
    ways = {
        "text": (Rules("ci"), [Event("message", "Hello, world!", "")]),
        "own server's payload": (Rules("ci"), [Event("message", json.dumps(OWN), "")]),
        "unknown JSON": (Rules("ci"), [Event("message", json.dumps(UNKNOWN), "")]),
        "dropped by a rule (800 B)": (Rules("ci", rules=[drop]), [wikimedia]),
        **{f"preset {name}": (Rules(name, presets.bundled(name)), recorded(name)) for name in presets.names()},
    }
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # interleaved, so that a slow minute of the machine is everyone's
        for name, (rules, events) in ways.items():
            costs[name].append(cost(rules, events))
    for name, times in costs.items():
        sys.stdout.write(f"{name:28} {statistics.median(times) * 1e6:>9.1f} µs\n")
    for name, data in HOSTILE.items():
        longest = max(cost(Rules("ci"), [Event("message", data, "")], times=1) for _ in range(ROUNDS))
        sys.stdout.write(f"{name:28} {longest * 1e3:>9.1f} ms\n")


def recorded(name: str) -> list[Event]:
    return EventStreamParser().feed((RECORDINGS / f"{name}.sse").read_bytes())


def cost(rules: Rules, events: list[Event], times: int = EVENTS) -> float:
    """Seconds of CPU for one event."""
    repeats = max(1, times // len(events))
    began = time.process_time()
    for now in range(repeats):
        for event in events:
            rules.decide(event, now)
    return (time.process_time() - began) / (repeats * len(events))


if __name__ == "__main__":
    main()
