"""Work in, done until its end or until a signal ends us."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine

from notifier.cli.terminal import ending


def run_until_ended(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Do `work` and return, also when one of the signals that `ending` names has cancelled it."""

    async def run() -> None:
        loop, task, numbers = asyncio.get_running_loop(), asyncio.current_task(), ending()
        assert task is not None

        def end() -> None:
            # A second one would cut short what the work closes.
            for number in numbers:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)
            task.cancel()

        # Windows has no signal handlers on loops; there Ctrl-C arrives as KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            for number in numbers:
                loop.add_signal_handler(number, end)
        await work()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(run())
