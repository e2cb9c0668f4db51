"""The environment in; it returns when the desktop session that this program was started in is over.

One that stayed behind would hold the configuration against the program that the next login starts.  Screen or bus alone
may be gone for a while: another program's crash, an update.  When both are gone for longer, nobody is there any more.
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
"""Seconds between two looks while the bus is gone; as long as it is there, nothing is looked at."""
LOOKS: Final = 3
"""As often in a row neither screen nor bus may answer."""
DEADLINE: Final = 5.0
"""Seconds that a bus has to let us in."""


async def over(environ: Mapping[str, str], *, look_every: float = LOOK_EVERY) -> None:
    """Wait for the end of the session; for ever, where there was no screen or no bus to begin with."""
    address = session_bus(environ)
    if address is None or not await asyncio.to_thread(screen_answers, environ):
        await asyncio.Event().wait()
        return
    missed = 0
    while missed < LOOKS:
        was_there = await _stay(address)
        await asyncio.sleep(look_every)
        alive = was_there or await asyncio.to_thread(screen_answers, environ)
        missed = 0 if alive else missed + 1
    logger.debug("neither screen nor bus answers any more")


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
