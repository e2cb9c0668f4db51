"""When a desktop session counts as over: screen and bus are real, and go and come as the test likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.desktop.session import over
from tests.desktop.rig import Rig, eventually

SOON = 0.1
"""Seconds between two looks."""


@asynccontextmanager
async def waiting(rig: Rig, screen_every: float = 60.0) -> AsyncIterator[asyncio.Task[None]]:
    """Somebody who waits for the end of the session, and has begun to."""
    async with rig.monitor("member='Hello'") as seen:
        task = asyncio.create_task(over(dict(rig.environ), look_every=SOON, screen_every=screen_every), name="session")
        await eventually("it was on the bus", lambda: seen)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_is_over_when_screen_and_bus_are_gone(own_rig: Rig) -> None:
    own_rig.bus.start()
    own_rig.screen.start()
    async with waiting(own_rig) as task:
        own_rig.screen.kill()
        own_rig.bus.kill()
        await eventually("it was over", task.done)
        assert task.exception() is None


async def test_screen_or_bus_alone_may_be_gone(own_rig: Rig) -> None:
    own_rig.bus.start()
    own_rig.screen.start()
    async with waiting(own_rig) as task:
        own_rig.bus.kill()
        await asyncio.wait([task], timeout=10 * SOON)
        assert not task.done(), "the screen was there"
        await asyncio.to_thread(own_rig.bus.start)
        await asyncio.wait([task], timeout=4 * SOON)
        own_rig.screen.kill()
        await asyncio.wait([task], timeout=10 * SOON)
        assert not task.done(), "the bus was there"


async def test_it_is_over_when_the_screen_is_gone_for_longer_though_the_bus_lives_on(own_rig: Rig) -> None:
    own_rig.bus.start()
    own_rig.screen.start()
    async with waiting(own_rig, screen_every=SOON) as task:
        await asyncio.wait([task], timeout=10 * SOON)
        assert not task.done(), "the screen was there"
        own_rig.screen.kill()
        await eventually("it was over", task.done)
        assert task.exception() is None


async def test_where_there_was_no_screen_no_session_ends(own_rig: Rig) -> None:
    own_rig.bus.start()
    environ = dict(own_rig.environ)
    task = asyncio.create_task(over(environ, look_every=SOON), name="session")
    own_rig.bus.kill()
    await asyncio.wait([task], timeout=10 * SOON)
    assert not task.done()
    task.cancel()
