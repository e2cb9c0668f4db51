"""Ctrl-C and SIGTERM: while modules are imported, and while a task runs that has things to close."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ends_at_once() -> Iterator[None]:
    """Within the block Ctrl-C ends the process, unless it was started to ignore that.

    What Python would raise in the middle of an import, some libraries turn into an error of their own and others lose.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def end_with_signals() -> None:
    """Have Ctrl-C and SIGTERM cancel the current task, each unless the process was started to ignore it.

    Only the first one does, and until the process has ended no other is heard: it would cut short what is being closed.
    Windows has no signal handlers on loops; there asyncio itself does that for Ctrl-C.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]

    def end() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        task.cancel()

    if sys.platform != "win32":
        for number in numbers:
            loop.add_signal_handler(number, end)
