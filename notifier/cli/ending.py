"""Work in, done until its end or until a signal ends us."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

from notifier.cli.terminal import ending


def run_until_ended(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do `work` and return, also when one of the signals that `ending` names has cancelled it."""

    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None
        # Windows has no signal handlers on loops; there Ctrl-C arrives as KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            for number in ending():
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await work()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(run())
