"""The only bridge between threads: a coroutine on a loop in a thread of its own, for as long as a `with` block lasts.

The user interface must own the main thread (macOS and Windows insist), the agent wants an event loop.  Neither knows
of the other's thread; what crosses are frozen values, by `post`.  Signals, which Python gives to the main thread only,
are heard by `hearing` on another one.
"""

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)


class LoopThread:
    """Runs `main()` on an event loop in the background.

    Leaving the block cancels it, waits until it has cleaned up, and raises what it raised.  Signals are to call `stop`
    already when the block is entered: what Python raises on Ctrl-C by itself could come after the thread has started
    and before the block has, and nobody would leave that then.
    """

    def __init__(self, main: Callable[[], Coroutine[None, None, None]], on_exit: Callable[[], None]) -> None:
        """Prepare.

        Args:
            main: Makes the coroutine to run.
            on_exit: Called on the background thread when `main` ended, however it ended, so that whoever blocks
                the main thread can let go of it.
        """
        self._main = main
        self._on_exit = on_exit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._is_stopped = False
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent")

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def post(self, function: Callable[..., object], *arguments: object) -> None:
        """Have `function(*arguments)` called on the loop, soon.

        From any thread; does nothing before it has begun and once it has ended.
        """
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            logger.debug("The loop has ended; dropped a call of %r", function)

    def stop(self) -> None:
        """Cancel `main`, without waiting, or never begin it.  From any thread, and from a signal handler."""
        self._is_stopped = True
        self.post(self._cancel)

    def wait(self) -> None:
        """Return when `main` has ended."""
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits for it
            self._error = error
        finally:
            self._started.set()
            self._on_exit()

    async def _hold(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        # Looked at once the loop can be found: who stops us now either sees that or is seen here.
        if not self._is_stopped:
            await self._main()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None  # a second cancellation would interrupt the first one's cleaning up


@contextmanager
def hearing(handlers: Mapping[int, Callable[[], None]]) -> Iterator[None]:
    """Call what `handlers` has for a signal, on a thread of its own, for as long as a `with` block lasts.

    A handler of Python's waits until the main thread runs Python again.  In the loops of Windows and macOS that may
    take hours, so here it does nothing.  What tells us is the number of the signal, which Python writes at once, on
    whichever thread the signal came (signal.set_wakeup_fd).  To be entered and left on the main thread.  Afterwards
    the signals go on doing nothing: a second Ctrl-C must not disturb what is cleaned up then.
    """
    hears, tells = socket.socketpair()
    tells.setblocking(False)  # noqa: FBT003 - it has no other name
    thread = threading.Thread(target=_hear, args=(hears, handlers), name="signals")
    before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    try:
        for number in handlers:
            signal.signal(number, lambda *_: None)
        # From here on nothing is raised in the middle of what this thread does.
        thread.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        tells.close()
        if thread.ident is not None:
            thread.join()  # it reads to the end
        hears.close()


def _hear(numbers: socket.socket, handlers: Mapping[int, Callable[[], None]]) -> None:
    while data := numbers.recv(64):
        for number in data:
            # The signals that others handle are written, too.
            if handle := handlers.get(number):
                handle()
