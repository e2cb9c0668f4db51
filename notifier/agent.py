"""The way of one event: decide, record, offer, show.  And the one TaskGroup that owns every task.

The agent knows nothing of threads, trays or command lines.  It is given a history to record in, a desktop to show
bubbles on and a function to tell its status to; it takes commands on its own event loop.
"""

import asyncio
import contextlib
import logging
import math
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace

from notifier import address, ourselves
from notifier.command import Commands
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.entry import Entry, State
from notifier.errors import ConfigurationBroken, LinkFailed, NotifierError, StreamFailed
from notifier.flood import told_of
from notifier.following import Following
from notifier.forward import Forwarder
from notifier.inbox import Inbox
from notifier.line import Line
from notifier.notification import DIGESTS, Action, Notification, Withdrawal
from notifier.outbox import Outbox
from notifier.picture import Pictures
from notifier.picture.gallery import Gallery
from notifier.preset import GENERIC, Preset
from notifier.presets import known
from notifier.quiet import EVERYTHING
from notifier.source import ReadyState
from notifier.sse import Event
from notifier.standing import standing
from notifier.status import Command, Status, Verb
from notifier.store import Store
from notifier.surroundings import News

logger = logging.getLogger(__name__)

TEND = 1.0
"""Seconds after something happened until the history, and rules that wait for a time, are looked after."""
REST = 15.0
"""Seconds until the next such look when nothing happens.  Then the status is told anew, too: streams have become older
since they were heard."""
Errand = Callable[[Command, Status], Awaitable[Notification | None]]
"""Given the command and how all is doing: does what the agent cannot; what it gives is told in a bubble."""
Reload = Callable[
    [Config, Callable[[Config], None], Callable[[ConfigurationBroken], None]], Coroutine[object, object, None]
]
"""Given the current configuration: calls the first function with each new one, and the second with the mistakes of what
is none, until it is cancelled."""


class Agent:
    """Follows streams and shows what they say."""

    def __init__(
        self,
        config: Config,
        store: Store,
        open_desktop: Callable[[Listener], Awaitable[Desktop]],
        open_link: Callable[[str, str], Awaitable[None]],
        update: Callable[[Status], None],
        *,
        presets: Mapping[str, Preset] | None = None,
        reload: Reload | None = None,
        errands: Mapping[Verb, Errand] | None = None,
        stay: bool = True,
        watch: Callable[[Callable[[News], None]], Coroutine[object, object, None]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            config: What to follow.
            store: Where to record; the agent does not close it.
            open_desktop: Makes what bubbles appear on; the agent closes it.
            open_link: Opens a link in the person's browser, with the token of the click; may raise LinkFailed.
            update: Told of each change, on the event loop, at most once per turn of it.
            presets: What is known of kinds of streams, by name; those of the program where it is None.
            reload: Tells `reconfigure` and `refuse` of each new configuration.
            errands: What is done for a command that needs a file manager, a clipboard or the like; may raise
                NotifierError, which is told in a bubble.
            stay: Whether to go on when every stream has failed before it was ever open.  A desktop application
                does; a command that a person just typed rather ends, with the reason.
            watch: Tells, for ever, what happens to the machine and its network.
            environ: What the commands of rules inherit.
        """
        self._update_is_due = False
        self._watch = watch
        self._store = store
        self._open_desktop = open_desktop
        self._open_link = open_link
        self._update = update
        self._reload = reload
        self._errands = errands or {}
        self._stay = stay
        self._inbox = Inbox(store)
        self._outbox = Outbox(store, changed=self._publish)
        self._outbox.follow(config.streams)
        self._commands = Commands(environ or {})
        self._forwarder = Forwarder()
        self._gallery = Gallery()
        self._config = config
        self._presets = {GENERIC.name: GENERIC} | (known(config.presets) if presets is None else dict(presets))
        self._followed = {stream.name: self._following(stream) for stream in config.streams}
        self._problem = ""
        self._group = asyncio.TaskGroup()
        self._stir = asyncio.Event()
        """Something happened since the last look."""

    async def run(self) -> None:
        """Follow every stream until cancelled.

        Raises:
            StreamFailed: not `stay`, and every stream failed before it was ever open.
        """
        self._publish()
        try:
            # What a person asks for while the desktop is still to answer runs in the group already.
            async with contextlib.AsyncExitStack() as stack, self._group as group:
                desktop = await stack.enter_async_context(_closing(await self._open_desktop(self)))
                group.create_task(self._outbox.run(desktop), name="bubbles")
                group.create_task(self._commands.run(), name="commands")
                group.create_task(self._forwarder.run(), name="forwarding")
                group.create_task(self._tend(), name="history")
                if self._reload is not None:
                    group.create_task(self._reload(self._config, self.reconfigure, self.refuse), name="configuration")
                if self._watch is not None:
                    group.create_task(self._watch(self.heed), name="surroundings")
                for one in self._followed.values():
                    one.start(group)
        except BaseExceptionGroup as errors:
            # Ours are sentences for a person; anything else is a bug and stays loud.
            ours, bugs = errors.split(NotifierError)
            if ours is None or bugs is not None:
                raise
            raise ours.exceptions[0] from None

    def obey(self, command: Command) -> None:
        """Do what the person asked for.  On the event loop only."""
        self._stir.set()
        match command.verb:
            case Verb.SNOOZE:
                self._outbox.silence_until(EVERYTHING, command.until)
            case Verb.RESUME:
                self._outbox.silence_until(EVERYTHING, None)
            case Verb.MUTE if command.stream is not None:
                self._outbox.silence_until(command.stream, math.inf)
            case Verb.UNMUTE if command.stream is not None:
                self._outbox.silence_until(command.stream, None)
            case Verb.RECONNECT:
                for name, one in self._followed.items():
                    if command.stream in (None, name):
                        one.reconnect()
            case Verb.READ:
                if command.row is None:
                    self._do(self._read_all(), name="read")
                elif (notification := self._inbox.find(command.row)) is not None:
                    self._read(notification)
            case Verb.OPEN:
                notification = self._inbox.best() if command.row is None else self._inbox.find(command.row)
                if notification is not None:
                    self.activate(notification, command.token)
                    if notification.link is None:
                        self.obey(Command(Verb.HISTORY, stream=notification.stream, token=command.token))
            case Verb.OPEN_SITE:
                asked = self._followed.get(command.stream or "")
                if asked is not None and asked.line.site is not None:
                    self._do(self._open(asked.line.site, command.token), name="site")
            case verb if verb in self._errands:
                self._do(self._run_errand(self._errands[verb], command), name=f"errand {verb}")
        self._publish()

    def reconfigure(self, config: Config) -> None:
        """Follow what `config` says from now on.  While it runs, and on the event loop only.

        Streams that it does not change notice nothing; a changed one goes on after its last recorded event.
        """
        followed: dict[str, Following] = {}
        is_offline = any(one.line.source.is_held for one in self._followed.values())
        self._outbox.follow(config.streams)
        has_other_presets = config.presets != self._config.presets
        if has_other_presets:
            self._presets = {GENERIC.name: GENERIC} | known(config.presets)
        self._config = config
        for stream in config.streams:
            one = self._followed.pop(stream.name, None)
            if one is None or has_other_presets or not one.takes(stream):
                if one is not None:
                    one.stop()
                one = self._following(stream)
                if is_offline:
                    one.line.source.hold(time.time())
                one.start(self._group)
            followed[stream.name] = one
        for one in self._followed.values():
            one.stop()
        self._followed = followed
        if self._problem:
            self._problem = ""
            self._outbox.tell(ourselves.mended())
        self._publish()

    def refuse(self, error: ConfigurationBroken) -> None:
        """Tell the person that what was saved is no configuration.  On the event loop only."""
        logger.error("%s", error)
        told = ourselves.broken(error)
        self._problem = told.title
        self._outbox.tell(told)
        self._publish()

    def heed(self, news: News) -> None:
        """Something happened to the machine or its network.  On the event loop only."""
        self._stir.set()
        for one in self._followed.values():
            one.heed(news)
        self._outbox.look()
        self._publish()

    def activate(self, notification: Notification, token: str = "") -> None:
        """The person clicked this notification.  On the event loop only."""
        self.dismiss(notification)
        if notification.link is not None:
            self._do(self._open(notification.link, token), name="link")
        elif notification.key in DIGESTS:
            self.obey(Command(Verb.HISTORY, stream=told_of(notification), token=token))

    def choose(self, notification: Notification, action: Action, token: str = "") -> None:
        """The person clicked a button of this notification.  On the event loop only."""
        self.dismiss(notification)
        self._do(self._open(action.link, token), name="link")

    def dismiss(self, notification: Notification) -> None:
        """The person put this notification away, and so has read it.  On the event loop only."""
        if notification.row is not None:
            self._read(notification)
        elif notification.key in DIGESTS:
            self._do(self._read_told(told_of(notification)), name="read")

    async def illustrate(self, notification: Notification) -> Pictures:
        """The pictures of a notification, as its stream's settings allow."""
        followed = self._followed.get(notification.stream)
        return await self._gallery.illustrate(notification, followed.line.stream if followed else None)

    def arrived(self, line: Line, events: Sequence[Event], last_event_id: str) -> None:
        """These events came on a line: the way of an event begins."""
        self._stir.set()
        decided, place = line.decide(events, last_event_id, time.monotonic())
        self._tell(line, decided, place, line.heard if line.stream.keep_events else ())

    def changed(self, line: Line, *, is_back: bool) -> None:
        """A line is doing otherwise."""
        self._stir.set()
        if line.source.ready_state is ReadyState.OPEN and line.stream.keep_events:
            self._store.opened(line.name, line.source.response_headers)
        if is_back:
            self._outbox.resume(line.name)
        self._publish()

    def failed(self, line: Line) -> None:
        """A line's server said never to come back.

        Raises:
            StreamFailed: not `stay`, and no stream is left that was ever open.
        """
        lines = [one.line for one in self._followed.values()]
        if self._stay or any(line.source.has_been_open for line in lines):
            return
        if all(line.source.ready_state is ReadyState.CLOSED for line in lines):
            raise StreamFailed("; ".join(f"{line.name}: {line.detail}" for line in lines))

    def _following(self, stream: Stream) -> Following:
        mark = self._store.resume(stream.name, address.identity(stream.url))
        if mark is not None:
            self._outbox.resume(stream.name)
        line = Line(stream, self._presets, mark.last_event_id if mark else None)
        if stream.keep_events:
            self._store.follow(stream.name)
        line.recall(self._store.learned(stream.name), time.monotonic(), time.time())
        return Following(line, self)

    def _tell(
        self, line: Line, decided: Sequence[Entry | Withdrawal], place: str, events: Sequence[Event] = ()
    ) -> None:
        """Record what is to be told, then offer it to the desktop.  What came together shares a transaction."""
        self._store.learn(line.name, line.learned(time.monotonic(), time.time()))
        entries = self._outbox.marked([each for each in decided if isinstance(each, Entry)])
        newest = self._store.newest
        recorded = zip(self._store.record(line.name, entries, place, events), entries, strict=True)
        for each in decided:
            if isinstance(each, Withdrawal):
                self._outbox.withdraw(each, newest)
                self._inbox.recount()
                continue
            row, entry = next(recorded)
            if row is not None:
                newest = row
                self._offer(line, row, entry)
        if decided:
            self._publish()

    def _offer(self, line: Line, row: int, entry: Entry) -> None:
        self._commands.offer(entry.notification)
        self._forwarder.offer(entry.notification, line.stream.forward)
        if entry.state is not State.SILENT:
            notification = replace(entry.notification, row=row)
            self._inbox.take(notification)
            self._outbox.offer(notification)

    def _read(self, notification: Notification) -> None:
        """The person has read this one."""
        assert notification.row is not None, "what is in the history can be read"
        self._inbox.read(notification.row)
        self._outbox.forget_read(notification)
        self._publish()

    async def _read_all(self) -> None:
        await self._inbox.read_all()
        self._outbox.forget_read(None)
        self._publish()

    async def _read_told(self, stream: str | None) -> None:
        """The person has seen a summary of this stream, or of all."""
        await self._inbox.read_all(stream, shown_only=True)
        self._publish()

    async def _run_errand(self, errand: Errand, command: Command) -> None:
        try:
            told = await errand(command, self._status())
        except NotifierError as error:
            logger.warning("%s", error)
            told = ourselves.failed(error)
        if told is not None:
            self._outbox.tell(told)
        self._publish()

    async def _tend(self) -> None:
        told = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rest()):
                    await self._stir.wait()
            if self._stir.is_set():
                await asyncio.sleep(TEND)  # what happens meanwhile is looked after together
                self._stir.clear()
            now = time.monotonic()
            for line in [one.line for one in self._followed.values()]:
                if due := line.due(now):
                    self._tell(line, due, self._store.mark(line.name).last_event_id)
            self._store.tend()
            self._outbox.look()
            if now >= told + REST:
                told = now
                if sys.platform != "win32":
                    time.tzset()  # a person who travels moves this machine's zone; Python asks for it only once
                self._publish()
            elif self._inbox.is_stale(now):
                self._publish()

    def _rest(self) -> float:
        """Seconds until something is due, if nothing happens."""
        now = time.monotonic()
        dues = [one.line.next_due(now) for one in self._followed.values()]
        if self._inbox.is_behind:
            dues.append(TEND)
        return min([REST, *(due for due in dues if due is not None)])

    def _do(self, work: Coroutine[object, object, None], name: str) -> None:
        """Do it beside the rest; who asks for something while the program ends, gets nothing any more."""
        try:
            self._group.create_task(work, name=name)
        except RuntimeError:
            work.close()

    async def _open(self, link: str, token: str) -> None:
        try:
            await self._open_link(link, token)
        except LinkFailed as error:
            logger.warning("%s", error)
            self._outbox.tell(ourselves.failed(error))

    def _publish(self) -> None:
        if not self._update_is_due:
            self._update_is_due = True
            asyncio.get_running_loop().call_soon(self._send_status)

    def _send_status(self) -> None:
        self._update_is_due = False
        self._update(self._status())

    def _status(self) -> Status:
        return standing(
            [one.line.status() for one in self._followed.values()],
            self._inbox.recent,
            self._inbox.counts(time.monotonic()),
            self._outbox.silence,
            held=self._outbox.held,
            problem=self._problem,
            now=time.time(),
        )


@contextlib.asynccontextmanager
async def _closing(desktop: Desktop) -> AsyncIterator[Desktop]:
    try:
        yield desktop
    finally:
        await desktop.close()
