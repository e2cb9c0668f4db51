"""The environment in; it returns when the desktop session that this program was started in is over.

One that stayed behind would hold the configuration against the program that the next login starts, and open links where
nobody sees them.  Screen or bus alone may be gone for a while: another program's crash, an update.  When both are gone,
nobody is there any more, nor when the screen is gone for longer: a bus may outlive the session, as it does where the
person lingers or is logged in over the network, too.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from dbus_fast.errors import DBusFastError

from notifier.desktop import session_bus
from notifier.desktop.bus import connect, hang_up
from notifier.desktop.survey import screen_answers

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 5.0
"""Seconds between two looks for bus and screen, while the bus is gone."""
LOOKS: Final = 3
"""As often in a row neither screen nor bus may answer."""
SCREEN_EVERY: Final = 20.0
"""Seconds between two looks for the screen alone."""
SCREENLESS: Final = 3
"""As often in a row the screen may not answer while the bus is there."""
DEADLINE: Final = 5.0
"""Seconds that a bus has to let us in."""


async def over(
    environ: Mapping[str, str], *, look_every: float = LOOK_EVERY, screen_every: float = SCREEN_EVERY
) -> None:
    """Wait for the end of the session; for ever, where there was no screen or no bus to begin with."""
    address = session_bus(environ)
    if address is None or not screen_answers(environ):
        await asyncio.Event().wait()
        return
    ends = _all_is_gone(address, environ, look_every), _screen_is_gone(environ, screen_every)
    tasks = [asyncio.create_task(end, name="session end") for end in ends]
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_is_gone(address: str, environ: Mapping[str, str], look_every: float) -> None:
    missed = 0
    while missed < LOOKS:
        was_there = await _stay(address)
        await asyncio.sleep(look_every)
        alive = was_there or screen_answers(environ)
        missed = 0 if alive else missed + 1
    logger.debug("neither screen nor bus answers any more")


async def _screen_is_gone(environ: Mapping[str, str], look_every: float) -> None:
    missed = 0
    while missed < SCREENLESS:
        await asyncio.sleep(look_every)
        missed = 0 if screen_answers(environ) else missed + 1
    logger.debug("the screen does not answer any more")


async def _stay(address: str) -> bool:
    """Be connected for as long as there is a bus; False if there was none."""
    try:
        async with asyncio.timeout(DEADLINE):
            bus = await connect(address, lambda _message: False, ())
    except (OSError, EOFError, TimeoutError, DBusFastError):
        return False
    try:
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    except (OSError, EOFError):
        pass
    finally:
        if bus.connected:
            await hang_up(bus)
    return True
