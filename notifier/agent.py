"""The way of one event: decide, record, offer, show.  And the one TaskGroup that owns every task.

The agent knows nothing of threads, trays or command lines.  It is given a history to record in, a desktop to show
bubbles on and a function to tell its status to; it takes commands on its own event loop.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from notifier.client import Follower
from notifier.config import Config, Stream
from notifier.desktop import Activated, Desktop
from notifier.errors import LinkFailed, NotifierError, StreamFailed
from notifier.line import Line
from notifier.notification import Notification
from notifier.outbox import Outbox
from notifier.preset import GENERIC, Preset
from notifier.presets import known
from notifier.source import ReadyState, identity
from notifier.sse import Event
from notifier.status import Command, Status, Verb
from notifier.store import Entry, Store
from notifier.surroundings import News
from notifier.transport import Transport

logger = logging.getLogger(__name__)

TEND = 1.0
"""Seconds between two looks after the history, and after rules that wait for a time."""


@dataclass(slots=True)
class _Task:
    """What follows a line."""

    line: Line
    follower: Follower | None = None
    """None while the line is closed."""
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a closed line shall be followed once more."""


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
        presets: Mapping[str, Preset] | None = None,
        stay: bool = True,
        watch: Callable[[Callable[[News], None]], Awaitable[None]] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            config: What to follow.
            store: Where to record; the agent does not close it.
            open_desktop: Makes what bubbles appear on; the agent closes it.
            open_link: Opens a link in the person's browser; may raise LinkFailed.
            update: Told of each change, on the event loop, at most once per turn of it.
            presets: What is known of kinds of streams, by name; those of the program where it is None.
            stay: Whether to go on when every stream has failed before it was ever open.  A desktop application
                does; a command that a person just typed rather ends, with the reason.
            watch: Tells, for ever, what happens to the machine and its network.
        """
        self._watch = watch
        self._store = store
        self._open_desktop = open_desktop
        self._open_link = open_link
        self._update = update
        self._stay = stay
        self._outbox = Outbox(store)
        self._presets = {GENERIC.name: GENERIC} | (known() if presets is None else dict(presets))
        self._tasks = [_Task(self._line(stream)) for stream in config.streams]
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
                if self._watch is not None:
                    group.create_task(self._look_out(self._watch), name="surroundings")
                for task in self._tasks:
                    group.create_task(self._follow(task), name=f"stream {task.line.name}")
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
                for task in self._tasks:
                    task.line.may_have_missed = False
                    if task.follower is not None:
                        task.follower.reconnect()
                    task.again.set()
            case Verb.OPEN:
                if self._last is not None:
                    self.activate(self._last)
        self._publish()

    def heed(self, news: News) -> None:
        """Something happened to the machine or its network.  On the event loop only."""
        for task in self._tasks:
            source = task.line.source
            match news:
                case News.OFFLINE:
                    source.hold(time.time())
                    again = False
                case News.ONLINE:
                    again = source.release()
                case News.WOKE:
                    again = not source.is_held
            if again and task.follower is not None:
                task.follower.reconnect()
            elif again and source.may_recover:
                task.again.set()
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
        return Line(stream, self._presets, mark.last_event_id if mark else None)

    async def _follow(self, task: _Task) -> None:
        line = task.line

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            self._tell(line, *line.decide(events, last_event_id, time.monotonic()))

        def changed(reason: str) -> None:
            if line.changed(reason, time.monotonic()):
                self._outbox.resume(line.name)
            self._publish()

        while True:
            task.again.clear()
            task.follower = Follower(line.source, Transport(line.stream), deliver, changed)
            try:
                await task.follower.follow()
            except StreamFailed as error:
                line.changed(str(error), time.monotonic())
                logger.error("%s: %s", line.name, error)
                self._publish()
                self._end_if_nothing_is_left()
            finally:
                task.follower = None
            await task.again.wait()

    def _tell(self, line: Line, entries: Sequence[Entry], place: str) -> None:
        """Record what is to be told, then offer it to the desktop.  What came together shares a transaction."""
        for row, entry in zip(self._store.record(line.name, entries, place), entries, strict=True):
            if row is not None:
                self._last = replace(entry.notification, row=row)
                self._outbox.offer(self._last)
        if entries:
            self._publish()

    async def _look_out(self, watch: Callable[[Callable[[News], None]], Awaitable[None]]) -> None:
        await watch(self.heed)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(TEND)
            for line in (task.line for task in self._tasks):
                if due := line.due(time.monotonic()):
                    self._tell(line, due, self._store.mark(line.name).last_event_id)
            self._store.tend()

    def _end_if_nothing_is_left(self) -> None:
        lines = [task.line for task in self._tasks]
        if self._stay or any(line.source.has_been_open for line in lines):
            return
        if all(line.source.ready_state is ReadyState.CLOSED for line in lines):
            raise StreamFailed("; ".join(f"{line.name}: {line.detail}" for line in lines))

    async def _open(self, link: str) -> None:
        try:
            await self._open_link(link)
        except LinkFailed as error:
            logger.warning("%s", error)

    def _publish(self) -> None:
        if not self._update_is_due:
            self._update_is_due = True
            asyncio.get_running_loop().call_soon(self._send_status)

    def _send_status(self) -> None:
        self._update_is_due = False
        lines = tuple(task.line.status() for task in self._tasks)
        self._update(Status(lines, paused=self._paused, last_notification=self._last))


@contextlib.asynccontextmanager
async def _closing(desktop: Desktop) -> AsyncIterator[Desktop]:
    try:
        yield desktop
    finally:
        await desktop.close()
