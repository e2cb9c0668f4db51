"""One stream being followed: its connection, kept up for as long as it can be, and what comes of it.

It decides nothing about events and records nothing; that is told to whoever made it.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from notifier.client import Follower
from notifier.errors import StreamFailed
from notifier.line import Line
from notifier.sse import Event
from notifier.stream import QUIET, Stream
from notifier.surroundings import News
from notifier.transport import Transport

logger = logging.getLogger(__name__)


class Party(Protocol):
    """Who wants to know what comes of a stream."""

    def arrived(self, line: Line, events: Sequence[Event], last_event_id: str) -> None:
        """These events came in one piece, and the last event ID after them."""

    def changed(self, line: Line, *, is_back: bool) -> None:
        """It is doing otherwise; `is_back` if it is open again after it was away."""

    def failed(self, line: Line) -> None:
        """Its server said never to come back.

        Raises:
            StreamFailed: the program shall end for it.
        """


class Following:
    """A line that is followed."""

    def __init__(self, line: Line, party: Party) -> None:
        self.line = line
        self._party = party
        self._task: asyncio.Task[None] | None = None
        self._follower: Follower | None = None
        """None while the line is closed."""
        self._again = asyncio.Event()
        """Set when a closed line shall be followed once more."""

    def start(self, group: asyncio.TaskGroup) -> None:
        """Follow it, in a task of this group."""
        self._task = group.create_task(self._follow(), name=f"stream {self.line.name}")

    def stop(self) -> None:
        """Follow it no longer."""
        if self._task is not None:
            self._task.cancel()

    def takes(self, stream: Stream) -> bool:
        """Go on with these settings, if they say nothing new of connection and rules; whether they do not."""
        quiet = {name: getattr(stream, name) for name in QUIET}
        if self.line.stream.model_copy(update=quiet) != stream:
            return False
        self.line.stream = stream
        return True

    def reconnect(self) -> None:
        """Connect anew, because the person wants to."""
        self.line.may_have_missed = False
        if self._follower is not None:
            self._follower.reconnect()
        else:
            self._again.set()

    def heed(self, news: News) -> None:
        """Something happened to the machine or its network."""
        source = self.line.source
        match news:
            case News.OFFLINE:
                source.hold(time.time())
                again = False
            case News.ONLINE:
                again = source.release()
            case News.WOKE:
                again = source.woke(time.time())
        if again and self._follower is not None:
            self.line.left()
            self._follower.reconnect()
        elif again and source.may_recover:
            self._again.set()

    async def _follow(self) -> None:
        line = self.line

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            self._party.arrived(line, events, last_event_id)
            if line.refusal is not None:
                raise line.source.fail(line.refusal)

        def changed(reason: str) -> None:
            self._party.changed(line, is_back=line.changed(reason, time.monotonic()))

        while True:
            self._again.clear()
            self._follower = Follower(line.source, Transport(line.stream), deliver, changed)
            try:
                await self._follower.follow()
            except StreamFailed as error:
                changed(str(error))
                # Who is told by the end of the program need not be told by the log too.
                self._party.failed(line)
                logger.error("%s: %s", line.name, error)
            finally:
                self._follower = None
            await self._again.wait()
