"""The way of one event: decide, record, offer, show.  And the one TaskGroup that owns every task.

The agent knows nothing of threads, trays or command lines.  It is given a history to record in, a desktop to show
bubbles on and a function to tell its status to; it takes commands on its own event loop.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace

from notifier import address, plaintext
from notifier.client import Follower
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.errors import ConfigurationBroken, LinkFailed, NotifierError, StreamFailed
from notifier.inbox import Inbox
from notifier.line import Line
from notifier.notification import TITLE_LIMIT, Action, Notification
from notifier.outbox import Outbox
from notifier.picture import Pictures
from notifier.picture.gallery import Gallery
from notifier.preset import GENERIC, Preset
from notifier.presets import known
from notifier.source import ReadyState
from notifier.sse import Event
from notifier.status import Command, Status, Verb
from notifier.store import Counts, Entry, Store
from notifier.surroundings import News
from notifier.transport import Transport

logger = logging.getLogger(__name__)

OURSELVES = "sse-notifier"
"""In place of a stream's name in what the program says of itself."""
TEND = 1.0
"""Seconds between two looks after the history, and after rules that wait for a time."""
AGES = 15
"""Of these looks, after so many the status is told anew: streams have become older since they were heard."""


PROBLEMS_LIMIT = 1_000
"""Characters of a bubble about a broken configuration; the log has all of it."""

Errand = Callable[[Command, Status], Awaitable[None]]
"""Given the command and how all is doing: does what the agent cannot."""
Reload = Callable[
    [Config, Callable[[Config], None], Callable[[ConfigurationBroken], None]], Coroutine[object, object, None]
]
"""Given the current configuration: calls the first function with each new one, and the second with the mistakes of what
is none, until it is cancelled."""


@dataclass(slots=True)
class _Followed:
    """A line, and what follows it."""

    line: Line
    task: asyncio.Task[None] | None = None
    follower: Follower | None = None
    """None while the line is closed."""
    again: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a closed line shall be followed once more."""

    def stop(self) -> None:
        """Follow it no longer."""
        if self.task is not None:
            self.task.cancel()

    def reconnect(self) -> None:
        """Connect anew, because the person wants to."""
        self.line.may_have_missed = False
        if self.follower is not None:
            self.follower.reconnect()
        else:
            self.again.set()


class Agent:
    """Follows streams and shows what they say."""

    def __init__(
        self,
        config: Config,
        store: Store,
        open_desktop: Callable[[Listener], Awaitable[Desktop]],
        open_link: Callable[[str], Awaitable[None]],
        update: Callable[[Status], None],
        *,
        presets: Mapping[str, Preset] | None = None,
        reload: Reload | None = None,
        errands: Mapping[Verb, Errand] | None = None,
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
            reload: Tells `reconfigure` and `refuse` of each new configuration.
            errands: What is done for a command that needs a file manager, a clipboard or the like; may raise
                NotifierError, which is told in a bubble.
            stay: Whether to go on when every stream has failed before it was ever open.  A desktop application
                does; a command that a person just typed rather ends, with the reason.
            watch: Tells, for ever, what happens to the machine and its network.
        """
        self._watch = watch
        self._store = store
        self._open_desktop = open_desktop
        self._open_link = open_link
        self._update = update
        self._reload = reload
        self._errands = errands or {}
        self._stay = stay
        self._inbox = Inbox(store)
        self._outbox = Outbox(store)
        self._gallery = Gallery()
        self._config = config
        self._presets = {GENERIC.name: GENERIC} | (known() if presets is None else dict(presets))
        self._followed = {stream.name: self._line(stream) for stream in config.streams}
        self._problem = ""
        self._snoozed_until: float | None = None
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
                _closing(await self._open_desktop(self)) as desktop,
                self._group as group,
            ):
                group.create_task(self._outbox.run(desktop), name="bubbles")
                group.create_task(self._tend(), name="history")
                if self._reload is not None:
                    group.create_task(self._reload(self._config, self.reconfigure, self.refuse), name="configuration")
                if self._watch is not None:
                    group.create_task(self._look_out(self._watch), name="surroundings")
                for one in self._followed.values():
                    self._start(one)
        except BaseExceptionGroup as errors:
            # Ours are sentences for a person; anything else is a bug and stays loud.
            ours, bugs = errors.split(NotifierError)
            if ours is None or bugs is not None:
                raise
            raise ours.exceptions[0] from None

    def obey(self, command: Command) -> None:
        """Do what the person asked for.  On the event loop only."""
        match command.verb:
            case Verb.SNOOZE:
                self._snoozed_until = command.until
                self._outbox.pause()
            case Verb.RESUME:
                self._resume()
            case Verb.RECONNECT:
                for name, one in self._followed.items():
                    if command.stream in (None, name):
                        one.reconnect()
            case Verb.READ:
                self._inbox.read(command.row)
            case Verb.OPEN:
                notification = self._inbox.best() if command.row is None else self._inbox.find(command.row)
                if notification is not None:
                    self.activate(notification)
            case Verb.OPEN_SITE:
                asked = self._followed.get(command.stream or "")
                if asked is not None and asked.line.site is not None:
                    self._group.create_task(self._open(asked.line.site), name="site")
            case verb if verb in self._errands:
                self._group.create_task(self._run_errand(self._errands[verb], command), name=f"errand {verb}")
        self._publish()

    def reconfigure(self, config: Config) -> None:
        """Follow what `config` says from now on.  While it runs, and on the event loop only.

        Streams that it does not change notice nothing; a changed one goes on after its last recorded event.
        """
        followed: dict[str, _Followed] = {}
        is_offline = any(one.line.source.is_held for one in self._followed.values())
        for stream in config.streams:
            one = self._followed.pop(stream.name, None)
            if one is None or one.line.stream != stream:
                if one is not None:
                    one.stop()
                one = self._line(stream)
                if is_offline:
                    one.line.source.hold(time.time())
                self._start(one)
            followed[stream.name] = one
        for one in self._followed.values():
            one.stop()
        self._followed = followed
        if self._problem:
            self._problem = ""
            self._outbox.tell(
                _about_configuration("The configuration is in order again", "It is followed from now on.")
            )
        self._publish()

    def refuse(self, error: ConfigurationBroken) -> None:
        """Tell the person that what was saved is no configuration.  On the event loop only."""
        logger.error("%s", error)
        count = len(error.problems)
        title = f"{count} mistakes in the configuration" if count > 1 else "A mistake in the configuration"
        self._problem = title
        problems = plaintext.lines("\n".join(error.problems), PROBLEMS_LIMIT)
        self._outbox.tell(_about_configuration(title, f"{problems}\nUntil it is mended, all goes on as before."))
        self._publish()

    def heed(self, news: News) -> None:
        """Something happened to the machine or its network.  On the event loop only."""
        for one in self._followed.values():
            source = one.line.source
            match news:
                case News.OFFLINE:
                    source.hold(time.time())
                    again = False
                case News.ONLINE:
                    again = source.release()
                case News.WOKE:
                    again = not source.is_held
            if again and one.follower is not None:
                one.line.left()
                one.follower.reconnect()
            elif again and source.may_recover:
                one.again.set()
        self._publish()

    def activate(self, notification: Notification) -> None:
        """The person clicked this notification.  On the event loop only."""
        self.dismiss(notification)
        if notification.link is not None:
            self._group.create_task(self._open(notification.link), name="link")

    def choose(self, notification: Notification, action: Action) -> None:
        """The person clicked a button of this notification.  On the event loop only."""
        self.dismiss(notification)
        self._group.create_task(self._open(action.link), name="link")

    def dismiss(self, notification: Notification) -> None:
        """The person put this notification away, and so has read it.  On the event loop only."""
        if notification.row is not None:
            self._inbox.read(notification.row)
            self._publish()

    async def illustrate(self, notification: Notification) -> Pictures:
        """The pictures of a notification, as its stream's settings allow."""
        followed = self._followed.get(notification.stream)
        return await self._gallery.illustrate(notification, followed.line.stream if followed else None)

    def _line(self, stream: Stream) -> _Followed:
        mark = self._store.resume(stream.name, address.identity(stream.url))
        if mark is not None:
            self._outbox.resume(stream.name)
        return _Followed(Line(stream, self._presets, mark.last_event_id if mark else None))

    def _start(self, one: _Followed) -> None:
        one.task = self._group.create_task(self._follow(one), name=f"stream {one.line.name}")

    async def _follow(self, one: _Followed) -> None:
        line = one.line

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            entries, withdrawn, place = line.decide(events, last_event_id, time.monotonic())
            self._tell(line, entries, place)
            for withdrawal in withdrawn:
                self._outbox.withdraw(withdrawal)
            if line.refusal is not None:
                raise line.source.fail(line.refusal)

        def changed(reason: str) -> None:
            if line.changed(reason, time.monotonic()):
                self._outbox.resume(line.name)
            self._publish()

        while True:
            one.again.clear()
            one.follower = Follower(line.source, Transport(line.stream), deliver, changed)
            try:
                await one.follower.follow()
            except StreamFailed as error:
                line.changed(str(error), time.monotonic())
                self._publish()
                # Who is told by the end of the program need not be told by the log too.
                self._end_if_nothing_is_left()
                logger.error("%s: %s", line.name, error)
            finally:
                one.follower = None
            await one.again.wait()

    def _tell(self, line: Line, entries: Sequence[Entry], place: str) -> None:
        """Record what is to be told, then offer it to the desktop.  What came together shares a transaction."""
        for row, entry in zip(self._store.record(line.name, entries, place), entries, strict=True):
            if row is not None:
                notification = replace(entry.notification, row=row)
                self._inbox.take(notification)
                self._outbox.offer(notification)
        if entries:
            self._publish()

    def _resume(self) -> None:
        self._snoozed_until = None
        self._outbox.unpause()
        self._publish()

    async def _run_errand(self, errand: Errand, command: Command) -> None:
        try:
            await errand(command, self._status())
        except NotifierError as error:
            logger.warning("%s", error)
            title = plaintext.line(str(error), TITLE_LIMIT) or OURSELVES
            self._outbox.tell(Notification(stream=OURSELVES, title=title, key="errand"))
        self._publish()

    async def _look_out(self, watch: Callable[[Callable[[News], None]], Awaitable[None]]) -> None:
        await watch(self.heed)

    async def _tend(self) -> None:
        for turn in itertools.count(1):
            await asyncio.sleep(TEND)
            if turn % AGES == 0:
                self._publish()
            for line in [one.line for one in self._followed.values()]:
                if due := line.due(time.monotonic()):
                    self._tell(line, due, self._store.mark(line.name).last_event_id)
            self._store.tend()
            if self._snoozed_until is not None and self._snoozed_until <= time.time():
                self._resume()
            if self._inbox.is_stale(time.monotonic()):
                self._publish()

    def _end_if_nothing_is_left(self) -> None:
        lines = [one.line for one in self._followed.values()]
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
        self._update(self._status())

    def _status(self) -> Status:
        waiting = self._inbox.counts(time.monotonic())
        lines = [one.line.status() for one in self._followed.values()]
        streams = tuple(replace(line, unread=waiting.get(line.name, Counts()).unread) for line in lines)
        return Status(
            streams,
            self._inbox.recent,
            unread=sum(stream.unread for stream in streams),
            snoozed_until=self._snoozed_until,
            held=sum(waiting.get(stream.name, Counts()).unshown for stream in streams),
            problem=self._problem,
            told_at=time.time(),
        )


def _about_configuration(title: str, body: str) -> Notification:
    return Notification(stream=OURSELVES, title=title, body=body, key="configuration")


@contextlib.asynccontextmanager
async def _closing(desktop: Desktop) -> AsyncIterator[Desktop]:
    try:
        yield desktop
    finally:
        await desktop.close()
