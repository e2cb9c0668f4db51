"""The way of one event: decide, record, offer, show.  And the one TaskGroup that owns every task.

The agent knows nothing of threads, trays or command lines.  It is given a history to record in, a desktop to show
bubbles on and a function to tell its status to; it takes commands on its own event loop.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

from notifier.client import Follower
from notifier.config import Config, Stream
from notifier.desktop import Activated, Desktop
from notifier.errors import LinkFailed, NotifierError, StreamFailed
from notifier.notification import Notification
from notifier.outbox import Outbox
from notifier.rules import decide
from notifier.source import ReadyState, Source, identity
from notifier.sse import Event
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.store import Entry, Store
from notifier.transport import Transport

logger = logging.getLogger(__name__)

TEND = 1.0
"""Seconds between two looks after the history."""


class Line:
    """One stream that the agent follows, and how it is doing."""

    def __init__(self, stream: Stream, last_event_id: str) -> None:
        """Not connected yet."""
        self.stream = stream
        self.source = Source(stream, last_event_id)
        self.follower: Follower | None = None
        self.detail = ""
        self.was_outage = False
        self.again = asyncio.Event()
        """Set when a closed stream shall be followed once more."""

    def status(self) -> StreamStatus:
        """For the person."""
        source = self.source
        return StreamStatus(
            self.stream.name,
            source.ready_state,
            self.detail,
            source.is_outage,
            is_soon_back=source.is_soon_back,
            last_heard=source.last_heard,
        )


class Agent:
    """Follows streams and shows what they say."""

    def __init__(
        self,
        config: Config,
        store: Store,
        open_desktop: Callable[[Activated], Awaitable[Desktop]],
        open_link: Callable[[str], Awaitable[None]],
        update: Callable[[Status], None],
        *,
        stay: bool = True,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            config: What to follow.
            store: Where to record; the agent does not close it.
            open_desktop: Makes what bubbles appear on; the agent closes it.
            open_link: Opens a link in the person's browser; may raise LinkFailed.
            update: Told of each change, on the event loop, at most once per turn of it.
            stay: Whether to go on when every stream has failed before it was ever open.  A desktop application
                does; a command that a person just typed rather ends, with the reason.
        """
        self._store = store
        self._open_desktop = open_desktop
        self._open_link = open_link
        self._update = update
        self._stay = stay
        self._outbox = Outbox(store)
        self._lines = {stream.name: self._line(stream) for stream in config.streams}
        self._paused = False
        self._last: Notification | None = None
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
                group.create_task(self._outbox.run(desktop), name="bubbles")
                group.create_task(self._tend(), name="history")
                for line in self._lines.values():
                    group.create_task(self._follow(line), name=f"stream {line.stream.name}")
        except BaseExceptionGroup as errors:
            # Ours are sentences for a person; anything else is a bug and stays loud.
            ours, bugs = errors.split(NotifierError)
            if ours is None or bugs is not None:
                raise
            raise ours.exceptions[0] from None

    def obey(self, command: Command) -> None:
        """Do what the person asked for.  On the event loop only."""
        match command.verb:
            case Verb.PAUSE:
                self._paused = True
                self._outbox.pause()
            case Verb.RESUME:
                self._paused = False
                self._outbox.unpause()
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
        if notification.row is not None:
            self._store.read([notification.row])
        if notification.link is not None:
            self._group.create_task(self._open(notification.link), name="link")

    def _line(self, stream: Stream) -> Line:
        mark = self._store.resume(stream.name, identity(stream.url))
        if mark is not None:
            self._outbox.resume(stream.name)
        return Line(stream, mark.last_event_id if mark else "")

    async def _follow(self, line: Line) -> None:
        name = line.stream.name

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            self._handle(name, events, last_event_id)

        def changed(reason: str) -> None:
            if line.was_outage and line.source.ready_state is ReadyState.OPEN:
                self._outbox.resume(name)
            line.was_outage = line.source.is_outage
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

    def _handle(self, stream: str, events: Sequence[Event], last_event_id: str) -> None:
        """The way of one event, for events that came together: they share a transaction."""
        entries = [
            Entry(notification=notification, event_type=event.type, event_id=event.id)
            for event in events
            if (notification := decide(stream, event)) is not None
        ]
        for row, entry in zip(self._store.record(stream, entries, last_event_id), entries, strict=True):
            if row is not None:
                self._last = replace(entry.notification, row=row)
                self._outbox.offer(self._last)
        if entries:
            self._publish()

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TEND)
            self._store.tend()

    def _end_if_nothing_is_left(self) -> None:
        lines = self._lines.values()
        if self._stay or any(line.source.has_been_open for line in lines):
            return
        if all(line.source.ready_state is ReadyState.CLOSED for line in lines):
            raise StreamFailed("; ".join(f"{line.stream.name}: {line.detail}" for line in lines))

    async def _open(self, link: str) -> None:
        try:
            await self._open_link(link)
        except LinkFailed as error:
            logger.warning("%s", error)

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
