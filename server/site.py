"""HTTP requests in, hub calls and answers out: the routes.  Listening and ending is the matter of `web`.

``GET /events``   the stream (WHATWG HTML 9.2); `subscription` has the parameters
``POST /events``  publish: JSON, lines of JSON, or any text; 201 with the id once the log has it
``GET /``         the live page           ``GET /status.json``  what it counts
``GET /health``   whether the server works  ``GET /openapi.json``  all of this, for programs
``GET /metrics``  counts for Prometheus   ``GET /health/live``  whether it answers at all
``GET /page/…``   the files of the page

Whatever answers GET answers HEAD, but for the stream.
"""

import asyncio
import json
import logging
import math
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import NoReturn

from aiohttp import HttpVersion11, hdrs, web

from server import access, auth, intake, origin, wire
from server.auth import Grant, InvalidTokens
from server.body import Bodies, BodyRefused
from server.crew import Crew
from server.eventlog import LogUnavailable, NameTaken
from server.hub import BUFFER_LIMIT, Hub, Subscriber
from server.limit import Crowd, Limits, Places, Rate, party
from server.metrics import Metrics
from server.page import Page
from server.subscription import InvalidSubscription, Subscription, subscription
from server.tokens import Tokens
from server.view import View
from server.wire import InvalidField

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 256 * 1024
"""Bytes in a body that is one message."""
BATCH_LIMIT = 1024 * 1024
"""Bytes in a body that is a batch."""
RECONNECTION_TIME = 2_000
"""Milliseconds a client is asked to wait before it reconnects."""
SILENCE = 60.0
"""Seconds for which a subscriber may leave sent bytes without an acknowledgement."""
RETRY_AFTER = 30
"""Seconds that a client is asked to stay away when there is no place for it."""

OPEN = frozenset({"/", "/health", "/health/live", "/openapi.json"})
"""Paths for which no token is needed, besides the files of the page."""
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Topic, Title, Urgency, Link, Key"
    ),
    "Access-Control-Max-Age": "600",
}
STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # By this a client knows what our ids are worth: they are unique, so an event that comes twice is told once.
    "Server": "sse-server",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

UTF_8 = frozenset({"utf-8", "utf8"})
"""Names of the one encoding that a body may have."""
GRANT = web.RequestKey("grant", Grant)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The routes of one hub."""

    def __init__(
        self,
        hub: Hub,
        *,
        loopback: bool,
        hosts: Collection[str],
        origins: Collection[str],
        tokens: Tokens | None,
        limits: Limits,
        crew: Crew,
    ) -> None:
        self.hub = hub
        self.origins = origins
        """Whose pages may read and publish besides our own (Fetch, "CORS protocol")."""
        self.loopback = loopback
        """Only requests that name the machine itself, or one of `hosts`, are answered; see `origin`."""
        self.hosts = hosts
        self.crew = crew
        self.tokens = tokens
        """Only their bearers are answered; None lets everybody in."""
        self._places = Places(limits.subscribers, limits.subscribers_each)
        self._bodies = Bodies(limits.memory // 4, limits.body)
        per_second = limits.publishes_per_second
        self._rate = Rate(per_second, max(1, int(per_second * 10))) if per_second else None
        self._page = Page()
        self._started = time.time()
        self._metrics = Metrics(hub, self._places, self._started, crew.registry)

    def application(self) -> web.Application:
        """What aiohttp serves."""
        application = web.Application(middlewares=[self._guard], client_max_size=BATCH_LIMIT)
        application.router.add_get("/events", self.subscribe, allow_head=False)  # it would hold a stream open
        application.router.add_post("/events", self.publish)
        application.router.add_options("/events", self.preflight)
        application.router.add_get("/", self.page)
        application.router.add_get("/page/{name}", self.page)
        application.router.add_get("/openapi.json", self.description)
        application.router.add_get("/status.json", self.status)
        application.router.add_get("/health", self.health)
        application.router.add_get("/health/live", self.live)
        application.router.add_get("/metrics", self.metrics)
        application.on_response_prepare.append(self._sign)
        application.on_shutdown.append(self._end_streams)
        return application

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        """One stream, until the client goes or the server stops."""
        try:
            asked = subscription(
                request.query.items(),
                last_event_id=request.headers.get("Last-Event-ID"),
                chunked=request.version >= HttpVersion11,
                now=time.time(),
            )
        except InvalidSubscription as error:
            return _sentence(400, str(error))
        view = asked.view
        if grant := request.get(GRANT):
            # None of its own would mean all, to a view.
            view = replace(view, topics=view.topics or grant.subscribe or ("*",))
            for topic in view.topics:
                if not grant.may_subscribe(topic):
                    return _sentence(403, f"topic: this token does not let you subscribe to {topic}")
        address = party(request.remote or "")
        match self._places.take(address):
            case Crowd.ONE:
                sentence = f"your address has {self._places.each} streams open, and may not have more"
                return _sentence(429, sentence, retry_after=RETRY_AFTER)
            case Crowd.ALL:
                return _sentence(503, "there are too many subscribers; try again later", retry_after=RETRY_AFTER)
        try:
            return await self._stream(request, asked, view)
        finally:
            self._places.leave(address)

    async def _stream(self, request: web.Request, asked: Subscription, view: View) -> web.StreamResponse:
        response = web.StreamResponse(headers=STREAM_HEADERS)
        if view.chunked:
            response.enable_chunked_encoding()
        await response.prepare(request)
        response.headers.clear()  # they are sent; kept, they would be a tenth of what a subscriber costs
        began = time.monotonic()
        try:
            await response.write(wire.retry(RECONNECTION_TIME))
            transport = request.transport
            if transport is None:
                raise ConnectionResetError
            _cut_off_when_silent(transport)
            # Under TLS `drain` would let eight times as much wait, and whoever is behind for the hub not wait at all.
            transport.set_write_buffer_limits(BUFFER_LIMIT)
            subscriber = Subscriber(transport, request.writer.drain, view)
            try:
                await self.hub.follow(subscriber, asked.last_event_id, since=asked.since)
            except LogUnavailable as error:
                logger.warning("a stream ends, and may come back: %s", error)
            await response.write(wire.retry(RECONNECTION_TIME))
            await response.write_eof()
        except ConnectionError:
            # The connection was gone before anybody knew.  To aiohttp that is our mistake, unless it finds out by
            # itself, as it does when it ends the response.
            return response
        except asyncio.CancelledError:
            # Its client left, or did not take the end; aiohttp logs nothing of either.
            access.write(request, response, time.monotonic() - began)
            raise
        return response

    async def publish(self, request: web.Request) -> web.Response:
        """Store one message, or the messages of a batch, all or none."""
        headers = request.headers
        # Two of them can only be an attempt to have one looked at here and another one elsewhere.
        sender = ",".join(headers.getall(hdrs.ORIGIN)) if hdrs.ORIGIN in headers else None
        host = headers.get(hdrs.HOST, "")
        if sender not in self.origins and origin.is_foreign(sender, host, headers.get("Sec-Fetch-Site")):
            _refuse(web.HTTPForbidden, "a page of another origin must not publish here")
        if request.content_type.startswith("multipart/") or (request.charset or "utf-8").lower() not in UTF_8:
            _refuse(web.HTTPUnsupportedMediaType, "send JSON or any other text, in UTF-8")
        if headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
            _refuse(
                web.HTTPUnsupportedMediaType, "send it without a Content-Encoding; a small body can hide a large one"
            )
        is_batch = request.content_type in intake.BATCH_TYPES
        if self._rate and (wait := self._rate.wait(party(request.remote or ""), time.monotonic())):
            return _sentence(429, "you publish too often", retry_after=math.ceil(wait))
        with self._bodies.one(BATCH_LIMIT if is_batch else MESSAGE_LIMIT) as body:
            try:
                return await self._publish(request, await body.read(request), is_batch=is_batch)
            except BodyRefused as error:
                return _sentence(error.status, str(error), retry_after=1 if error.status == 503 else None)

    async def _publish(self, request: web.Request, body: bytes, *, is_batch: bool) -> web.Response:
        try:
            given = _given(request)
            messages = intake.batch(body, given) if is_batch else [intake.message(body, request.content_type, given)]
            once = _once(request)
        except InvalidField as error:
            return _sentence(422, str(error), field=error.field)
        except intake.Unreadable as error:
            return _sentence(400, str(error))
        if self._rate:
            self._rate.owe(party(request.remote or ""), len(messages) - 1)
        if grant := request.get(GRANT):
            if once is not None:
                once = f"{grant.digest[:16]}:{once}"  # what others call their messages is no matter of this publisher
            for message in messages:
                if not grant.may_publish(message.topic):
                    return _sentence(
                        403, f"topic: this token does not let you publish to {message.topic}", field="topic"
                    )
        began, size = time.monotonic(), len(body)

        def stored() -> None:
            self._metrics.stored((message.topic for message in messages), size, time.monotonic() - began)

        try:
            ids = await self.hub.publish(messages, once=once, stored=stored)
        except NameTaken:
            reason = "another message was published under this name; give each one its own"
            return _sentence(422, f"Idempotency-Key: {reason}", field="Idempotency-Key")
        except LogUnavailable as error:
            return _sentence(503, str(error))
        return _json({"ids": ids} if is_batch else {"id": ids[0]}, status=201)

    async def preflight(self, _: web.Request) -> web.Response:
        """What a page of another origin may send; `_sign` says whether it may at all."""
        return web.Response(status=204, headers=PREFLIGHT_HEADERS)

    async def page(self, request: web.Request) -> web.Response:
        """The live page, and what it needs."""
        answer = self._page.answer(request, request.match_info.get("name", "index.html"))
        if answer is None:
            raise web.HTTPNotFound
        return answer

    async def description(self, request: web.Request) -> web.Response:
        """What this module does, as OpenAPI has it."""
        answer = self._page.answer(request, "openapi.json")
        assert answer is not None
        return answer

    async def status(self, _: web.Request) -> web.Response:
        """Counts for the page's charts.  They grow for as long as the server runs, so readers of any pace get rates.

        They are those of this process.  Where others share the port, it says which one of them it is.
        """
        return _json(
            {
                "worker": self.crew.worker,
                "workers": self.crew.workers,
                "started": self._started,
                "subscribers": self._places.taken,
                "events": self.hub.events,
                "deliveries": self.hub.deliveries,
            }
        )

    async def live(self, _: web.Request) -> web.Response:
        """200 as long as the loop turns: a supervisor need not restart it."""
        return _json({"status": "ok", "live": True})

    async def health(self, _: web.Request) -> web.Response:
        """200 if a message would be stored, else 503: a load balancer asks another server."""
        if trouble := await self.hub.trouble():
            return _json({"status": "unavailable", "live": True, "ready": False, "error": trouble}, status=503)
        return _json({"status": "ok", "live": True, "ready": True, "subscribers": self.hub.live})

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus's text format."""
        return web.Response(body=self.crew.page(), headers={hdrs.CONTENT_TYPE: Crew.CONTENT_TYPE})

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # What is a local variable here lives as long as a stream does.
        if self.loopback and not self._is_named(request):
            return _sentence(421, "this server answers to localhost and to --allow-host; the Host header names neither")
        coding = request.headers.get(hdrs.TRANSFER_ENCODING)
        if coding is not None and (coding.lower() != "chunked" or request.version < HttpVersion11):
            answer = _sentence(400, "Transfer-Encoding: only chunked, and only in HTTP/1.1")
            answer.force_close()
            return answer
        if self.tokens is not None and _needs_token(request):
            try:
                grants = self.tokens.grants()
            except InvalidTokens as error:
                logger.error("%s", error)
                return _sentence(503, "the server cannot read its tokens")
            grant = auth.grant(request.headers.get(hdrs.AUTHORIZATION), grants)
            if grant is None and self.tokens.are_needed:
                answer = _sentence(401, "a token is needed: Authorization: Bearer TOKEN, or curl -u :TOKEN")
                answer.headers.add(hdrs.WWW_AUTHENTICATE, 'Bearer realm="sse-server"')
                answer.headers.add(hdrs.WWW_AUTHENTICATE, 'Basic realm="sse-server", charset="UTF-8"')
                return answer
            if grant is not None:
                request[GRANT] = grant
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _sentence(404, "there is nothing here; the page is at / and the events are at /events")
        except web.HTTPMethodNotAllowed as error:
            answer = _sentence(405, f"only {', '.join(sorted(error.allowed_methods))} is possible here")
            answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
            return answer

    def _is_named(self, request: web.Request) -> bool:
        """Whether every host that the request names is this server's."""
        if hdrs.HOST not in request.headers:
            return True
        # A target in absolute form names a host too, and goes before the header (RFC 9112 3.2.2).
        return all(origin.is_expected(host, self.hosts) for host in (request.headers[hdrs.HOST], request.host))

    async def _sign(self, request: web.Request, response: web.StreamResponse) -> None:
        self._metrics.answered(response.status)
        response.headers[hdrs.SERVER] = "sse-server"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if self.origins:
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
            if (sender := request.headers.get(hdrs.ORIGIN)) in self.origins and sender is not None:
                response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = sender

    async def _end_streams(self, _: web.Application) -> None:
        self.hub.end_streams()


def _cut_off_when_silent(transport: asyncio.Transport) -> None:
    """Let the kernel end a connection whose peer takes nothing; a client comes back with its last event ID."""
    connection = transport.get_extra_info("socket")
    is_tcp = connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6)
    if is_tcp and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENCE * 1_000))


def _needs_token(request: web.Request) -> bool:
    is_open = request.path in OPEN or request.path.startswith("/page/")
    return not is_open and request.method != hdrs.METH_OPTIONS


def _given(request: web.Request) -> dict[str, str]:
    """Fields of a message outside the body: headers, and query parameters, which win."""
    headers = {
        name.lower(): request.headers[name]
        for name in ("Topic", "Title", "Urgency", "Link", "Key")
        if name in request.headers
    }
    wire.Message(data="", **headers)  # a header that is not as it may be is told, even if a parameter goes before it
    return headers | dict(request.query)


def _once(request: web.Request) -> str | None:
    """The publisher's name for this request (draft-ietf-httpapi-idempotency-key-header), quoted or not."""
    name = request.headers.get("Idempotency-Key")
    if name is None:
        return None
    if not 1 <= len(name) <= wire.NAME_LIMIT or not name.isprintable() or not name.strip('"'):
        raise InvalidField("Idempotency-Key", f"1 to {wire.NAME_LIMIT} printable characters, not only quotes")
    return name[1:-1] if name[0] == name[-1] == '"' else name


def _sentence(status: int, text: str, *, retry_after: int | None = None, **more: str) -> web.Response:
    answer = _json({"error": text, **more}, status=status)
    if retry_after is not None:
        answer.headers[hdrs.RETRY_AFTER] = str(retry_after)
    return answer


def _json(value: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer that ends its line, for those who read it in a terminal."""
    return web.json_response(text=json.dumps(value) + "\n", status=status)


def _refuse(kind: type[web.HTTPException], text: str) -> NoReturn:
    raise kind(text=json.dumps({"error": text}) + "\n", content_type="application/json")
