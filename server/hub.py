"""Messages in, bytes to every subscriber out: append to the log, then fan out.  It knows nothing of HTTP.

A subscriber is *live* or *behind*.  Live ones are written to by the hub, all in one go, once per turn of the
event loop; nothing there waits.  One that does not take its bytes fast enough leaves the live set and catches up
by itself, reading the log page by page as fast as its connection drains, until it stands at the head: then it is
live again.  So a publisher never waits for a subscriber, memory is bounded, and there is no gap and no repeat:
between "this subscriber has all up to the head" and "it is live" there is no await.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from server import wire
from server.audience import Audience
from server.eventlog import EventLog, LogUnavailable, Page, Record, Stored
from server.room import Room
from server.view import View
from server.wire import Message

logger = logging.getLogger(__name__)

BUFFER_LIMIT = 64 * 1024
"""Bytes waiting in a connection above which its subscriber is behind; asyncio's own high-water mark."""
MEMORY = 256 * 1024 * 1024
"""Bytes waiting in all connections together at most; what the kernel holds for them is not in it."""
HEARTBEAT = 15.0
"""Seconds between comments to live subscribers (HTML 9.2.7 names 15)."""
CHECK_AGAIN = 1.0
"""Seconds for which one look at the log answers whoever asks."""
CHECK_DEADLINE = 2.0
"""Seconds for that look."""
NOWHERE = -1
"""The position of a subscriber whose id this log never gave out."""


class Subscriber:
    """One connection, from when it asked until it is gone."""

    __slots__ = ("drain", "left", "position", "transport", "view")

    def __init__(self, transport: asyncio.WriteTransport, drain: Callable[[], Awaitable[None]], view: View) -> None:
        self.transport = transport
        self.drain = drain
        """Returns when the connection has room again; raises ConnectionError when it is gone."""
        self.view = view
        self.position = 0
        """It has all it is to have up to here.  While it is live this is the hub's head instead."""
        self.left: asyncio.Future[None] | None = None
        """Done when it is no longer live."""


class Hub:
    """The one who publishes and the one who fans out."""

    def __init__(self, log: EventLog, *, heartbeat: float = HEARTBEAT, memory: int = MEMORY) -> None:
        self.log = log
        self.heartbeat = heartbeat
        self.room = Room(memory, self._connections)
        self.head = 0
        """Position up to which live subscribers have everything."""
        self.events = 0
        """Events delivered since the start, each counted once."""
        self.deliveries = 0
        """Events given to subscribers since the start, each counted for every one of them."""
        self.delivered_bytes = 0
        """The size of these deliveries, as they were framed."""
        self.demotions = 0
        """Times that a live subscriber fell behind."""
        self._checked = (-CHECK_AGAIN, "")
        """When on the loop's clock the log was looked at, and what was wrong with it."""
        self._life = 0
        """Counts the logs that there were."""
        self._live: Audience[Subscriber] = Audience()
        self._behind: set[Subscriber] = set()
        """Who is followed and not live."""
        self._batch: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(self) -> None:
        """Open the log, and start the one timer that there is."""
        await self.log.open(self._deliver, self._restart)
        self.head = self.log.head
        self._timer = asyncio.get_running_loop().call_later(self.heartbeat, self._beat)

    def end_streams(self) -> None:
        """Make every `follow` return, after what was delivered; a new one returns at once."""
        self._flush()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for subscriber in self._live.members():
            self._dismiss(subscriber)

    async def close(self) -> None:
        """End the streams and close the log."""
        self.end_streams()
        await self.log.close()

    @property
    def live(self) -> int:
        """How many subscribers are live."""
        return self._live.size

    async def publish(
        self, messages: Sequence[Message], *, once: str | None = None, stored: Stored | None = None
    ) -> Sequence[str]:
        """Store the messages, all or none, and return their ids; delivering them is nobody's wait.

        Args:
            once: a name of this publishing; done again under the same name, it does nothing and returns the same.
            stored: called when the messages are stored, and not when they were already.

        Raises:
            LogUnavailable: none was stored.
        """
        return await self.log.append(messages, once=once, stored=stored)

    async def trouble(self) -> str:
        """Why nothing can be stored now, in one sentence; empty if something can."""
        now = asyncio.get_running_loop().time()
        if now >= self._checked[0] + CHECK_AGAIN:
            self._checked = (now, self._checked[1])
            try:
                async with asyncio.timeout(CHECK_DEADLINE):
                    await self.log.check()
            except LogUnavailable as error:
                self._checked = (now, str(error))
            except TimeoutError:
                self._checked = (now, f"the event log did not answer within {CHECK_DEADLINE:g} s")
            else:
                self._checked = (now, "")
        return self._checked[1]

    def disturb(self, data: bytes) -> None:
        """Write bytes that are no event to whoever is live; they are in no log.  The demo of bad bytes needs it."""
        for view, group in self._live.groups():
            framed = view.frame(data)
            for subscriber in group:
                if not subscriber.transport.is_closing():
                    subscriber.transport.write(framed)

    async def follow(
        self, subscriber: Subscriber, last_event_id: str | None = None, *, since: float | None = None
    ) -> None:
        """Give a subscriber what comes after `last_event_id`, or what the log took from `since` on, or what is new.

        It returns when the streams end.

        Cancelling is how a subscriber leaves.

        Raises:
            ConnectionError: its connection is gone.
            LogUnavailable: what it is to have cannot be read now.
        """
        life = self._life
        self._behind.add(subscriber)
        try:
            subscriber.position = await self._begin(subscriber, last_event_id, since)
            while not self._closed:
                await subscriber.drain()
                if life != self._life:
                    life, subscriber.position = self._life, NOWHERE
                if subscriber.position < self.head:
                    await self._catch_up(subscriber)
                else:
                    await self._join(subscriber)
        finally:
            self._dismiss(subscriber)
            self._behind.discard(subscriber)

    async def _begin(self, subscriber: Subscriber, last_event_id: str | None, since: float | None) -> int:
        """Where a subscriber starts; before the log's beginning, if its id is not of this log."""
        self._flush()
        if last_event_id is not None:
            position = self.log.position_of(last_event_id)
            return NOWHERE if position is None else position
        position = self.head if since is None else await self.log.position_before(since)
        # Without this a client that loses its connection before the first event could not say where it was.
        subscriber.transport.write(subscriber.view.frame(wire.mark(self.log.id_at(position))))
        return position

    async def _catch_up(self, subscriber: Subscriber) -> None:
        """Write one page of the log."""
        until = self.head
        self._write_page(subscriber, await self.log.read(subscriber.position, until), until)
        await asyncio.sleep(0)  # a fast reader of a long log shares the loop with everybody else

    def _write_page(self, subscriber: Subscriber, page: Page, until: int) -> None:
        # Not in `_catch_up`, which thousands may be in at a time, each with its frames while it waits.
        view, frames = subscriber.view, []
        if subscriber.position < page.floor:
            reason = "unknown" if subscriber.position == NOWHERE else "expired"
            frames.append(view.reset(self.log.id_at(page.floor), reason))
        frames += [view.of(record) for record in page.records]
        subscriber.position = page.records[-1].position if page.records else max(until, page.floor)
        data = b"".join(frames)
        if not data and page.records:
            # Nothing of it is for this one, who would take long silence for a dead connection, and begin here again.
            data = view.frame(wire.mark(self.log.id_at(subscriber.position)))
        self.room.make(len(data))
        subscriber.transport.write(data)
        self.room.took(len(data))
        self.deliveries += sum(map(bool, frames))
        self.delivered_bytes += len(data)

    def _join(self, subscriber: Subscriber) -> asyncio.Future[None]:
        """Let a subscriber be live; done when it fell behind or the streams end."""
        self._behind.discard(subscriber)
        self._live.add(subscriber.view, subscriber)
        subscriber.left = asyncio.get_running_loop().create_future()
        return subscriber.left

    def _connections(self) -> Iterator[asyncio.WriteTransport]:
        for subscriber in (*self._live.members(), *self._behind):
            yield subscriber.transport

    def _dismiss(self, subscriber: Subscriber) -> None:
        """Take a subscriber out of the live set, if it is in there."""
        self._behind.add(subscriber)
        self._live.discard(subscriber.view, subscriber)
        if subscriber.left is not None and not subscriber.left.done():
            subscriber.left.set_result(None)

    def _restart(self) -> None:
        """Another log: everybody begins anew, with a reset."""
        self._flush()
        self._life += 1
        self.head = self.log.head
        for subscriber in self._live.members():
            self._dismiss(subscriber)

    def _deliver(self, records: Sequence[Record]) -> None:
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._flush)
        self._batch += records

    def _flush(self) -> None:
        """Write everything that was delivered since the last turn of the loop, once to each live subscriber."""
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        before, self.head = self.head, batch[-1].position
        self.events += len(batch)
        late: list[Subscriber] = []
        ahead: list[Subscriber] = []
        for frames, group in self._live.listening(batch):
            data = b"".join(frames)
            size, served = len(data), 0
            left = self.room.left(size * len(group))
            is_tight = left < size * len(group)
            for subscriber in group:
                transport = subscriber.transport
                waiting = transport.get_write_buffer_size()
                if subscriber.position > before:
                    ahead.append(subscriber)
                elif waiting > BUFFER_LIMIT or (is_tight and left < size):
                    late.append(subscriber)
                elif not transport.is_closing():
                    transport.write(data)
                    served += 1
                    if is_tight:
                        left -= transport.get_write_buffer_size() - waiting
            self.room.took(size * served)
            self.deliveries += len(frames) * served
            self.delivered_bytes += size * served
        for subscriber in ahead:  # another server gave it more than this one had yet; it looks again where it stands
            self._dismiss(subscriber)
        for subscriber in late:
            logger.debug("a subscriber fell behind; it goes on from the log")
            self.demotions += 1
            subscriber.position = before
            self._dismiss(subscriber)

    def _beat(self) -> None:
        """A sign of life to each live subscriber, so that both ends and all between know that the stream lives.

        For one who gets not all events it moves the last event ID too: else one that rarely gets any would come back
        with an ID that the log has long let go of.  Not of one who was given more by another server of the same log.
        """
        self._timer = asyncio.get_running_loop().call_later(self.heartbeat, self._beat)
        for view, group in self._live.groups():
            comment = view.frame(wire.comment())
            beat = view.frame(wire.mark(self.log.id_at(self.head))) if view.topics or view.types else comment
            for subscriber in group:
                if not subscriber.transport.is_closing() and not subscriber.transport.get_write_buffer_size():
                    subscriber.transport.write(beat if subscriber.position <= self.head else comment)
