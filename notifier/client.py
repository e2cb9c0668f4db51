"""A source in, its events delivered in order: the aiohttp reader.  It decides nothing; it obeys its source.

It opens connections, reads them, waits, and turns what can go wrong on the way into the two words that the source
knows: reestablish (:class:`~notifier.errors.StreamLost`) or fail (:class:`~notifier.errors.StreamFailed`).
"""

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError

from notifier.body import AHEAD, Body
from notifier.errors import StreamFailed, StreamLost
from notifier.exchange import Request, Response
from notifier.handshake import ANSWER_LIMIT, Session
from notifier.language import N_, _
from notifier.source import LONGEST_HOLD, ReadyState, Source
from notifier.sse import Event
from notifier.transport import Call, Transport

logger = logging.getLogger(__name__)

BREATH = 100
"""Events that are delivered at once; then other streams get a turn."""
LOOK = 10.0
"""Seconds of silence after which it is asked whether the connection still exists."""
COOKIES_LIMIT = 100
"""Cookies that are kept of one conversation; with more of them it begins anew."""

NOT_HTTP = N_("the server's answer is not proper HTTP")
MISSING_DECODER = N_(
    "it cannot be unpacked here (br and zstd need the packages Brotli and backports.zstd beside sse-notifier)"
)

Deliver = Callable[[Sequence[Event], str], Awaitable[None]]
"""Takes events that came together, and the last event ID after them, into safe hands.  There may be no event, just an
ID.  Awaited in line: while it takes its time, no more than `body.AHEAD` is read, and then TCP tells the server.  It may
be cancelled; the events then come again."""
Changed = Callable[[str], None]
"""Called after each change of the source's ready state, with the reason in one sentence, or an empty one."""


class Follower:
    """One stream, followed until it is closed or failed."""

    def __init__(
        self,
        source: Source,
        transport: Transport,
        deliver: Deliver,
        changed: Changed,
        *,
        heard: Callable[[bytes], None] | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            source: What to ask, and what to believe.
            transport: The way to its server.
            deliver: See `Deliver`.
            changed: See `Changed`.
            heard: Called with the bytes of the body as they come, before their events are delivered.
        """
        self._heard = heard
        self._source = source
        self._transport = transport
        self._deliver = deliver
        self._changed = changed
        self._session: Session | None = None
        """The handshake; None where the kind of stream has none."""
        self._cookies: aiohttp.CookieJar | None = None
        """Its cookies."""
        self._call: Call | None = None
        """The last one of this attempt."""
        self._left = 0.0
        """Seconds of patience that are left."""
        self._current: asyncio.Timeout | None = None
        self._told: str | None = None
        self._is_delivering = False
        self._leave_within: int | None = None
        """Bytes after which the connection is dropped, or before, once all that has arrived is delivered."""

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
                    self._changed(self._told or "")
        finally:
            self._current = None

    def reconnect(self) -> None:
        """Drop the connection, or the wait for the next one, and connect now.

        What has arrived is delivered before: a server that cannot be asked for it again would never send it twice.
        """
        if self._is_delivering:
            self._leave_within = AHEAD
        elif self._current is not None and self._current.when() is None:
            self._current.reschedule(0.0)

    async def _attempt(self) -> bool:
        """One connection and the wait after it; whether the server closed the stream for good."""
        source = self._source
        session = self._session = self._converse()
        request = source.connect() if session is None else source.connect(session.url, is_greeting=session.has_more)
        was_proven = session is not None and session.is_proven
        cut = False
        try:
            await self._read(request)
            if source.ready_state is ReadyState.CLOSED:
                logger.info("%s", _("{name}: the server closed the stream for good", name=source.stream.name))
                self._changed(_("the server closed the stream and asked not to be asked again"))
                return True
            reason = _("the server ended the connection")
        except StreamLost as error:
            reason, cut = str(error), True
        except StreamFailed as error:
            if session is None or not was_proven or session.is_proven:
                source.fail(error)
                raise
            # A server that has forgotten us says no; whether it means it, a new conversation will tell.
            reason, cut = str(error), True
        delay = source.lose(time.monotonic(), random.random(), cut=cut)  # noqa: S311 - jitter, not a secret
        self._lost(reason)
        is_wanted, self._leave_within = self._leave_within is not None, None
        if is_wanted:  # somebody asked for a new connection, and this one ended before all was delivered
            source.hurry()
            return False
        logger.debug("%s: next attempt in %.1f s", source.stream.name, delay)
        await asyncio.sleep(delay)
        if source.is_held:
            self._lost(_("this computer has no network"))
            await asyncio.sleep(LONGEST_HOLD)
        return False

    def _connected(self) -> None:
        if self._told != "":
            logger.info("%s", _("{name}: connected", name=self._source.stream.name))
        self._told = ""
        self._changed("")

    def _lost(self, reason: str) -> None:
        # A planned close, or the same trouble once more, is nothing to tell a person about again.
        if not self._source.is_outage:
            logger.debug("%s: %s", self._source.stream.name, reason)
            reason = ""
        elif reason != self._told:
            logger.info("%s", _("{name}: {reason}; trying again", name=self._source.stream.name, reason=reason))
            self._told = reason
        self._changed(reason)

    def _converse(self) -> Session | None:
        """The conversation that goes on, or a new one."""
        handshake, session, cookies = self._source.handshake, self._session, self._cookies
        if handshake is None:
            self._cookies = None
            return None
        is_bounded = cookies is not None and len(cookies) <= COOKIES_LIMIT
        if session is None or session.handshake is not handshake or not session.is_proven or not is_bounded:
            session = Session(handshake, self._source.stream.url, secrets.token_hex(8))
            # Without `unsafe` it keeps none of a server that has no name but an address.
            self._cookies = aiohttp.CookieJar(unsafe=True, quote_cookie=False)
        session.begin()
        return session

    async def _read(self, request: Request) -> None:
        source, session = self._source, self._session
        following: Request | None = request
        self._call, self._left = None, source.stream.connect_timeout
        if session is not None:
            await self._greet(session)
        while following:
            async with contextlib.AsyncExitStack() as stack:
                response = await self._ask(following, stack)
                if session is not None:
                    session.doubt()
                following = source.respond(_head(response), time.monotonic(), time.time())
                if source.ready_state is ReadyState.OPEN:
                    self._connected()
                    if session is not None and not session.has_more:
                        session.is_proven = True
                    await self._pump(response)

    async def _greet(self, session: Session) -> None:
        """Say what there is to say of a handshake now."""
        source = self._source
        while (request := session.next_request()) is not None:
            async with contextlib.AsyncExitStack() as stack:
                response = await self._ask(request, stack)
                head = _head(response)
                try:
                    session.answer(head, await self._small(response) if session.wants_answer else b"")
                except StreamLost:
                    source.postpone(head.retry_after, time.time())
                    raise
                except StreamFailed as error:
                    source.fail(error, of_network=True)
                    raise

    async def _small(self, response: aiohttp.ClientResponse) -> bytes:
        """The body of an answer, or more of it than is allowed."""
        chunks, size = [], 0
        async with self._patient():
            async for chunk in response.content.iter_any():
                chunks.append(chunk)
                size += len(chunk)
                if size > ANSWER_LIMIT:
                    break
        return b"".join(chunks)

    async def _ask(self, request: Request, stack: contextlib.AsyncExitStack) -> aiohttp.ClientResponse:
        # A person who has to touch a key for it is not a server that does not answer.
        call = self._call = await self._transport.prepare(request, self._call)
        async with self._patient():
            # Another server has no part in the conversation.
            cookies = self._cookies if request.is_home else None
            return await stack.enter_async_context(self._transport.send(call, cookies=cookies))

    @contextlib.asynccontextmanager
    async def _patient(self) -> AsyncIterator[None]:
        """Wait for the server for no longer than is left."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                yield
        except TimeoutError as error:
            raise StreamLost(
                _("no answer within {seconds:g} s", seconds=self._source.stream.connect_timeout)
            ) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:
            # A host's name that cannot be encoded, a label that is too long, is a bare UnicodeError of the resolver.
            raise self._source.fail(StreamFailed(_("its address is no URL that can be asked for"))) from error
        except (aiohttp.ClientError, OSError) as error:
            raise StreamLost(_explain(error)) from error
        finally:
            self._left -= time.monotonic() - began

    async def _pump(self, response: aiohttp.ClientResponse) -> None:
        source, session = self._source, self._session
        is_greeting = session is not None and session.has_more
        async with Body(response.content) as body:
            while chunk := await self._next(response, body):
                source.last_heard = time.time()
                if self._heard is not None:
                    self._heard(chunk)
                events = source.receive(chunk)
                self._is_delivering = True
                try:
                    await self._hand_over(events)
                finally:
                    self._is_delivering = False
                if session is not None and is_greeting and events:
                    is_greeting = False
                    await self._go_on(session, events[0])
                source.receive(b"")
                if self._leave_within is not None:
                    self._leave_within -= len(chunk)
                    if not body.has_more or self._leave_within <= 0:
                        self._leave_within = None
                        self.reconnect()

    async def _go_on(self, session: Session, event: Event) -> None:
        """Say what is to be said once the stream is open; what it brings meanwhile waits."""
        session.opened(event)
        self._left = self._source.stream.connect_timeout
        await self._greet(session)
        session.is_proven = True
        self._source.greeted()

    async def _hand_over(self, events: list[Event]) -> None:
        source = self._source
        for start in range(0, len(events) - BREATH, BREATH):
            some = events[start : start + BREATH]
            await self._deliver(some, some[-1].last_event_id)
            source.delivered(some[-1].last_event_id)
            await asyncio.sleep(0)
        events = events[max(0, len(events) - 1) // BREATH * BREATH :]
        if events or source.has_new_id:
            # An ID that came without data counts too (HTML 9.2.6).
            await self._deliver(events, source.latest_event_id)
            source.delivered(source.latest_event_id)

    async def _next(self, response: aiohttp.ClientResponse, body: Body) -> bytes:
        """The next bytes of the body; none at its end."""
        clock = asyncio.get_running_loop().time
        idle_timeout = self._source.idle_timeout
        deadline = clock() + idle_timeout
        while True:
            chunk = await self._wait(body, min(deadline, clock() + LOOK))
            if chunk is None:
                # Were we kept from looking ourselves, bytes that came meanwhile are here by now: they are not silence.
                chunk = await self._wait(body, clock())
            if chunk is not None:
                return chunk
            if clock() >= deadline:
                if self._session is not None:
                    self._session.doubt()
                raise StreamLost(
                    _("not one byte for {seconds:g} s, so the connection is taken for dead", seconds=idle_timeout)
                )
            # After a chunk with broken framing aiohttp closes the connection and never wakes who reads from it ...
            if response.connection is None or response.connection.closed:
                raise StreamLost(_(NOT_HTTP))

    async def _wait(self, body: Body, until: float) -> bytes | None:
        """The next bytes of the body; None if there are none until then."""
        try:
            async with asyncio.timeout_at(until):
                return await body.read()
        except TimeoutError:
            return None
        except RuntimeError as error:
            # ... or answers with this, when it was closed before anybody came to read.
            raise StreamLost(_(NOT_HTTP)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise StreamLost(_explain(error)) from error


def _head(response: aiohttp.ClientResponse) -> Response:
    return Response(
        status=response.status,
        content_type=response.headers.get(aiohttp.hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower(),
        content_encoding=response.headers.get(aiohttp.hdrs.CONTENT_ENCODING, "").strip().lower(),
        location=response.headers.get(aiohttp.hdrs.LOCATION),
        retry_after=response.headers.get(aiohttp.hdrs.RETRY_AFTER),
        headers={name.lower(): value for name, value in response.headers.items()},
    )


def _explain(error: Exception) -> str:
    """What happened, for a person; never the error's own text, which may quote the URL and its secrets."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _("the host {host} is not known; check its name and the network", host=error.host)
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return _(
                "nothing listens on {host}:{port} (connection refused); is the server running?",
                host=error.host,
                port=error.port,
            )
        case aiohttp.ClientConnectorError():
            return _(
                "{host}:{port} cannot be reached ({why})",
                host=error.host,
                port=error.port,
                why=error.os_error.strerror or _("network trouble"),
            )
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return _("the connection was cut")
        case aiohttp.ClientPayloadError() if _is_caused_by(error, ContentEncodingError):
            return _("the server compresses the stream, and what came cannot be unpacked")
        case aiohttp.ClientPayloadError():
            return _("the connection was cut in the middle")
        case aiohttp.ClientResponseError() if _is_caused_by(error, ContentEncodingError):
            return _("the server compresses its answer although we asked it not to, and {why}", why=_(MISSING_DECODER))
        case aiohttp.ClientResponseError():
            return _(NOT_HTTP)
        case _:
            return _("the connection failed ({name})", name=type(error).__name__)


def _is_caused_by(error: BaseException | None, kind: type[Exception]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__
    return error is not None
