"""A source in, its events delivered in order: the aiohttp reader.  It decides nothing; it obeys its source.

It opens connections, reads them, waits, and turns what can go wrong on the way into the two words that the source
knows: reestablish (:class:`~notifier.errors.StreamLost`) or fail (:class:`~notifier.errors.StreamFailed`).
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import aiohttp

from notifier.errors import StreamFailed, StreamLost
from notifier.source import ReadyState, Request, Response, Source
from notifier.sse import Event
from notifier.transport import Call, Transport

logger = logging.getLogger(__name__)

BREATH = 500
"""Events that are delivered at once; then other streams get a turn."""

Answer = TypeVar("Answer")
Deliver = Callable[[Sequence[Event], str], Awaitable[None]]
"""Takes events that came together, and the last event ID after them, into safe hands.  There may be no event, just an
ID.  Awaited in line: while it takes its time, nothing more is read, and TCP tells the server.  It may be cancelled; the
events then come again."""
Changed = Callable[[str], None]
"""Called after each change of the source's ready state, with the reason in one sentence, or an empty one."""


class Follower:
    """One stream, followed until it is closed or failed."""

    def __init__(self, source: Source, transport: Transport, deliver: Deliver, changed: Changed) -> None:
        self._source = source
        self._transport = transport
        self._deliver = deliver
        self._changed = changed
        self._current: asyncio.Timeout | None = None
        self._told: str | None = None

    async def follow(self) -> None:
        """Connect, read and reconnect, for ever.

        Returns when the server asks not to be asked again (204).

        Raises:
            StreamFailed: no further attempt would change the answer.
        """
        try:
            while True:
                # Not a deadline: what `reconnect` pulls to leave the connection, or the wait for one, at once.
                current = self._current = asyncio.timeout(None)
                try:
                    async with current:
                        if await self._attempt():
                            return
                except TimeoutError:
                    if not current.expired():
                        raise
                    self._source.hurry()
        finally:
            self._current = None

    def reconnect(self) -> None:
        """Drop the connection, or the wait for the next one, and connect now."""
        if self._current is not None and self._current.when() is None:
            self._current.reschedule(0.0)

    async def _attempt(self) -> bool:
        """One connection and the wait after it; whether the server closed the stream for good."""
        source = self._source
        request = source.connect()
        reason = ""
        try:
            await self._read(request)
            if source.ready_state is ReadyState.CLOSED:
                logger.info("%s: the server closed the stream for good", source.stream.name)
                self._changed("the server closed the stream and asked not to be asked again")
                return True
            reason = "the server ended the connection"
        except StreamLost as error:
            reason = str(error)
        except StreamFailed as error:
            source.fail(error)
            raise
        delay = source.lose(time.monotonic(), random.random())  # noqa: S311 - jitter, not a secret
        self._lost(reason)
        logger.debug("%s: next attempt in %.1f s", source.stream.name, delay)
        await asyncio.sleep(delay)
        return False

    def _connected(self) -> None:
        if self._told != "":
            logger.info("%s: connected", self._source.stream.name)
        self._told = ""
        self._changed("")

    def _lost(self, reason: str) -> None:
        # A planned close, or the same trouble once more, is nothing to tell a person about again.
        if self._source.is_outage and reason != self._told:
            logger.info("%s: %s; trying again", self._source.stream.name, reason)
            self._told = reason
        self._changed(reason)

    async def _read(self, request: Request) -> None:
        source = self._source
        following: Request | None = request
        while following:
            # A person who has to touch a key for it is not a server that does not answer.
            call = await self._transport.prepare(following)
            try:
                async with asyncio.timeout(source.stream.connect_timeout) as watchdog, self._ask(call) as response:
                    following = source.respond(_head(response), time.monotonic(), time.time())
                    if source.ready_state is ReadyState.OPEN:
                        self._connected()
                        await self._pump(response, watchdog)
            except TimeoutError as error:
                if not watchdog.expired():
                    raise
                raise StreamLost(_silence(source)) from error

    @contextlib.asynccontextmanager
    async def _ask(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        async with contextlib.AsyncExitStack() as stack:
            yield await self._from_network(stack.enter_async_context(self._transport.get(call)))

    async def _pump(self, response: aiohttp.ClientResponse, watchdog: asyncio.Timeout) -> None:
        # aiohttp's own read timeout is not enough: it is dropped when a chunk's framing is broken, and the reader
        # then waits for ever.
        source = self._source
        clock = asyncio.get_running_loop().time
        watchdog.reschedule(clock() + source.stream.idle_timeout)
        while chunk := await self._from_network(response.content.readany()):
            # Time that we take ourselves is not the server's silence.
            watchdog.reschedule(None)
            await self._hand_over(source.receive(chunk))
            source.receive(b"")
            watchdog.reschedule(clock() + source.stream.idle_timeout)

    async def _hand_over(self, events: list[Event]) -> None:
        source = self._source
        for start in range(0, len(events) - BREATH, BREATH):
            some = events[start : start + BREATH]
            await self._deliver(some, some[-1].last_event_id)
            source.delivered(some[-1].last_event_id)
            await asyncio.sleep(0)
        events = events[max(0, len(events) - 1) // BREATH * BREATH :]
        if events or source.latest_event_id != source.last_event_id:
            # An ID that came without data counts too (HTML 9.2.6).
            await self._deliver(events, source.latest_event_id)
            source.delivered(source.latest_event_id)

    async def _from_network(self, waiting: Awaitable[Answer]) -> Answer:
        """What the network gives; its errors are the stream's, whereas an error of `deliver` is ours and stays one."""
        try:
            return await waiting
        except aiohttp.InvalidURL as error:
            raise self._source.fail(StreamFailed("its address is no URL that can be asked for")) from error
        except (aiohttp.ClientError, OSError) as error:
            raise StreamLost(_explain(error)) from error


def _head(response: aiohttp.ClientResponse) -> Response:
    return Response(
        status=response.status,
        content_type=response.content_type if aiohttp.hdrs.CONTENT_TYPE in response.headers else "",
        location=response.headers.get(aiohttp.hdrs.LOCATION),
        retry_after=response.headers.get(aiohttp.hdrs.RETRY_AFTER),
    )


def _silence(source: Source) -> str:
    if source.ready_state is ReadyState.OPEN:
        return f"not one byte for {source.stream.idle_timeout:g} s, so the connection is taken for dead"
    return f"no answer within {source.stream.connect_timeout:g} s"


def _explain(error: Exception) -> str:
    """What happened, for a person; never the error's own text, which may quote the URL and its secrets."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the host {error.host} is not known; check its name and the network"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return f"nothing listens on {error.host}:{error.port} (connection refused); is the server running?"
        case aiohttp.ClientConnectorError():
            return f"{error.host}:{error.port} cannot be reached ({error.os_error.strerror or 'network trouble'})"
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return "the connection was cut"
        case aiohttp.ClientPayloadError():
            return "the connection was cut in the middle"
        case aiohttp.ClientResponseError():
            return "the server's answer is not proper HTTP"
        case _:
            return f"the connection failed ({type(error).__name__})"
