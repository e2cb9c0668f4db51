"""The small sister of `make soak`'s flood: real streams, a real history, and a person who counts the bubbles."""

import asyncio

from tests.soak.soak_flood import check, flood


async def test_a_flood_is_a_handful_of_bubbles_in_time_and_all_of_it_is_in_the_history() -> None:
    seen = await asyncio.to_thread(flood, 2, 10_000, 2.0)
    check(seen, 2, 10_000)
