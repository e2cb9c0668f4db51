"""2,000 events, the client killed 50 times and the server 20 times, connections spoiled, bubbles failing."""

import asyncio
import tempfile
from pathlib import Path

from tests.chaos.storm import Plan, Storm

PLAN = Plan(events=2_000, kills=50, server_kills=20, life=3.0, failing=0.05)


def main() -> None:
    print(f"chaos: {PLAN}")
    with tempfile.TemporaryDirectory() as folder:
        counts = asyncio.run(Storm(PLAN, Path(folder)).run())
    print(counts, flush=True)
    counts.check()
