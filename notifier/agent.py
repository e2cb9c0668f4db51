"""The way of one event: decide, offer, show.  And the one TaskGroup that owns every task.

The agent knows nothing of threads, trays or command lines.  It is given a desktop to show bubbles on and a function to
tell its status to; it takes commands on its own event loop.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from notifier.client import Follower
from notifier.config import Config, Stream
from notifier.desktop import Activated, Desktop
from notifier.errors import BubbleFailed, LinkFailed, NotifierError, StreamFailed
from notifier.flood import Gate
from notifier.notification import Notification
from notifier.rules import decide
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.transport import Transport

logger = logging.getLogger(__name__)

QUEUE = 100
"""Notifications on their way to the desktop.  When it is full, what comes is only in the log."""


class Line:
    """One stream that the agent follows, and how it is doing."""

    def __init__(self, stream: Stream) -> None:
        """Nothing is known of it yet."""
        self.stream = stream
        self.source = Source(stream)
        self.follower: Follower | None = None
        self.detail = ""
        self.again = asyncio.Event()
        """Set when a closed stream shall be followed once more."""

    def status(self) -> StreamStatus:
        """For the person."""
        source = self.source
        return StreamStatus(
            self.stream.name, source.ready_state, self.detail, source.is_outage, is_soon_back=source.is_soon_back
        )


class Agent:
    """Follows streams and shows what they say."""

    def __init__(
        self,
        config: Config,
        open_desktop: Callable[[Activated], Awaitable[Desktop]],
        open_link: Callable[[str], Awaitable[None]],
        update: Callable[[Status], None],
        *,
        stay: bool = True,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            config: What to follow.
            open_desktop: Makes what bubbles appear on; the agent closes it.
            open_link: Opens a link in the person's browser; may raise LinkFailed.
            update: Told of each change, on the event loop, at most once per turn of it.
            stay: Whether to go on when every stream has failed before it was ever open.  A desktop application
                does; a command that a person just typed rather ends, with the reason.
        """
        self._open_desktop = open_desktop
        self._open_link = open_link
        self._update = update
        self._stay = stay
        self._lines = {stream.name: Line(stream) for stream in config.streams}
        self._gate = Gate()
        self._paused = False
        self._last: Notification | None = None
        self._queue: asyncio.Queue[Notification] = asyncio.Queue(QUEUE)
        self._offered = asyncio.Event()
        self._update_is_due = False
        self._group = asyncio.TaskGroup()

    async def run(self) -> None:
        """Follow every stream until cancelled.

        Raises:
            StreamFailed: not `stay`, and every stream failed before it was ever open.
        """
        self._publish()
        try:
            async with (
                _closing(await self._open_desktop(self.activate)) as desktop,
                self._group as group,
            ):
                group.create_task(self._show(desktop), name="bubbles")
                group.create_task(self._release(), name="gate")
                for line in self._lines.values():
                    group.create_task(self._follow(line), name=f"stream {line.stream.name}")
        except BaseExceptionGroup as errors:
            # Ours are sentences for a person; anything else is a bug and stays loud.
            ours, bugs = errors.split(NotifierError)
            if ours is None or bugs is not None:
                raise
            raise ours.exceptions[0] from None

    async def handle(self, stream: str, event: Event) -> None:
        """The way of one event."""
        notification = decide(stream, event)
        if notification is None:
            return
        self._last = notification
        self._offer(notification)
        self._publish()

    def obey(self, command: Command) -> None:
        """Do what the person asked for.  On the event loop only."""
        match command.verb:
            case Verb.PAUSE:
                self._paused = True
                self._gate.shut()
            case Verb.RESUME:
                self._paused = False
                for held in self._gate.open(time.monotonic()):
                    self._enqueue(held)
                self._offered.set()
            case Verb.RECONNECT:
                for line in self._lines.values():
                    if line.follower is not None:
                        line.follower.reconnect()
                    line.again.set()
            case Verb.OPEN:
                if self._last is not None:
                    self.activate(self._last)
        self._publish()

    def activate(self, notification: Notification) -> None:
        """The person clicked this notification.  On the event loop only."""
        if notification.link is not None:
            self._group.create_task(self._open(notification.link), name="link")

    async def _follow(self, line: Line) -> None:
        name = line.stream.name

        async def deliver(event: Event) -> None:
            await self.handle(name, event)

        def changed(reason: str) -> None:
            line.detail = reason
            self._publish()

        while True:
            line.again.clear()
            line.follower = Follower(line.source, Transport(line.stream), deliver, changed)
            try:
                await line.follower.follow()
            except StreamFailed as error:
                line.detail = str(error)
                logger.error("%s: %s", name, error)
                self._publish()
                self._end_if_nothing_is_left()
            finally:
                line.follower = None
            await line.again.wait()

    def _end_if_nothing_is_left(self) -> None:
        lines = self._lines.values()
        if self._stay or any(line.source.has_been_open for line in lines):
            return
        if all(line.source.ready_state is ReadyState.CLOSED for line in lines):
            raise StreamFailed("; ".join(f"{line.stream.name}: {line.detail}" for line in lines))

    def _offer(self, notification: Notification) -> None:
        now = time.monotonic()
        for ready in self._gate.offer(now, notification):
            self._enqueue(ready)
        self._offered.set()

    def _enqueue(self, notification: Notification) -> None:
        try:
            self._queue.put_nowait(notification)
        except asyncio.QueueFull:
            logger.warning("%s: the desktop is too slow; a notification was not shown", notification.stream)

    async def _release(self) -> None:
        """Let out what the gate held, as soon as it allows."""
        while True:
            self._offered.clear()
            now = time.monotonic()
            for ready in self._gate.release(now):
                self._enqueue(ready)
            pause = self._gate.next_release(now)
            try:
                async with asyncio.timeout(pause):
                    await self._offered.wait()
            except TimeoutError:
                continue

    async def _open(self, link: str) -> None:
        try:
            await self._open_link(link)
        except LinkFailed as error:
            logger.warning("%s", error)

    async def _show(self, desktop: Desktop) -> None:
        """Show bubbles, one after the other: a desktop that hangs stops nothing but the next bubble."""
        while True:
            notification = await self._queue.get()
            try:
                await desktop.show(notification)
            except BubbleFailed as error:
                logger.warning("%s: a bubble was not shown: %s", notification.stream, error)

    def _publish(self) -> None:
        if not self._update_is_due:
            self._update_is_due = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._update_is_due = False
        lines = tuple(line.status() for line in self._lines.values())
        self._update(Status(lines, paused=self._paused, last_notification=self._last))


@contextlib.asynccontextmanager
async def _closing(desktop: Desktop) -> AsyncIterator[Desktop]:
    try:
        yield desktop
    finally:
        await desktop.close()
