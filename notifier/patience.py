"""A blocking call and a time limit in, its answer out; one that takes longer is left behind.

For files that may lie on a network that does not answer: such a call can be neither cancelled nor waited for, so it
has a thread of its own, which keeps nobody from exiting.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns or raises.

    Raises:
        TimeoutError: it did neither in time.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(give: Callable[[], None]) -> None:
        if not answer.done():
            give()

    def run() -> None:
        give: Callable[[], None]
        try:
            found = call()
            give = lambda: answer.set_result(found)  # noqa: E731
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            caught = error
            give = lambda: answer.set_exception(caught)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # nobody waits any more, and the loop is closed
            loop.call_soon_threadsafe(settle, give)

    threading.Thread(target=run, name="patience", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await answer
