"""HTTP in, hub calls out: the routes, and a clean end.  What is sent is the hub's matter; what is read is `intake`'s.

``GET /events``   the stream (WHATWG HTML 9.2); ``?envelope=json`` for every type as "message"
``POST /events``  publish: JSON or any text; 201 with the id once the log has it
``GET /``         the live page         ``GET /health``  whether the server works
"""

import asyncio
import errno
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from random import Random
from typing import NoReturn

from aiohttp import HttpVersion11, hdrs, web

from server import demo as demos
from server import intake, origin, wire
from server.eventlog import EventLog
from server.eventlog.memory import MemoryLog
from server.hub import Hub, Subscriber
from server.view import View
from server.wire import InvalidField

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 256 * 1024
"""Bytes in the body of one publish request."""
RECONNECTION_TIME = 2_000
"""Milliseconds a client is asked to wait before it reconnects."""
ENDING = 0.3
"""Seconds that a stop gives to handlers, and then once more to cancelled ones."""

PAGE_FILES = {"page.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml"}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
STREAM_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The routes of one hub."""

    def __init__(self, hub: Hub, *, loopback: bool) -> None:
        self.hub = hub
        self.loopback = loopback
        """Only requests that name the machine itself are answered; see `origin`."""
        page = files("server") / "page"
        self._files = {name: (page / name).read_bytes() for name in ("index.html", *PAGE_FILES)}

    def application(self) -> web.Application:
        """What aiohttp serves."""
        application = web.Application(middlewares=[self._guard], client_max_size=MESSAGE_LIMIT)
        application.router.add_get("/events", self.subscribe, allow_head=False)
        application.router.add_post("/events", self.publish)
        application.router.add_get("/", self.page, allow_head=False)
        application.router.add_get("/page/{name}", self.page, allow_head=False)
        application.router.add_get("/health", self.health, allow_head=False)
        application.on_shutdown.append(self._end_streams)
        return application

    async def subscribe(self, request: web.Request) -> web.StreamResponse:
        """One stream, until the client goes or the server stops."""
        view = View(chunked=request.version >= HttpVersion11, envelope=_envelope(request.query))
        response = web.StreamResponse(headers=STREAM_HEADERS)
        if view.chunked:
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(wire.retry(RECONNECTION_TIME))
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        subscriber = Subscriber(transport, request.writer.drain, view)
        await self.hub.follow(subscriber, request.headers.get("Last-Event-ID") or None)
        await response.write_eof()
        return response

    async def publish(self, request: web.Request) -> web.Response:
        """Store one message."""
        if origin.is_foreign(request.headers.get(hdrs.ORIGIN), request.headers.get(hdrs.HOST, "")):
            _refuse(web.HTTPForbidden, "a page of another origin must not publish here")
        if request.content_type.startswith("multipart/") or (request.charset or "utf-8").lower() != "utf-8":
            _refuse(web.HTTPUnsupportedMediaType, "send JSON or any other text, in UTF-8")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _sentence(413, f"a message has at most {MESSAGE_LIMIT} bytes")
        try:
            message = intake.message(body, request.content_type, _given(request))
        except InvalidField as error:
            return _sentence(422, str(error), field=error.field)
        except intake.Unreadable as error:
            return _sentence(400, str(error))
        [id_] = await self.hub.publish([message])
        return _json({"id": id_}, status=201)

    async def page(self, request: web.Request) -> web.Response:
        """The live page and what it needs; the names are a table's, never a path."""
        name = request.match_info.get("name", "index.html")
        if name not in self._files:
            _refuse(web.HTTPNotFound, "no such page")
        kind = PAGE_FILES.get(name, "text/html")
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8", headers=PAGE_HEADERS)

    async def health(self, _: web.Request) -> web.Response:
        """200 as long as the loop turns."""
        return _json({"status": "ok", "subscribers": self.hub.live})

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get(hdrs.HOST)
        if self.loopback and host is not None and not origin.names_loopback(host):
            return _sentence(421, "this server answers only to localhost; the Host header names something else")
        return await handler(request)

    async def _end_streams(self, _: web.Application) -> None:
        self.hub.end_streams()


@asynccontextmanager
async def serve(
    *, host: str = "127.0.0.1", port: int = 0, demo: str | None = None, log: EventLog | None = None
) -> AsyncIterator[str]:
    """Serve in the running loop while the block runs; gives the base URL, without a slash at its end.

    Args:
        host: a name or address to listen on.
        port: 0 takes a free one.
        demo: a name of `demo.PLAYS`, played from when somebody listens.
        log: a `MemoryLog` if None; it is opened and closed here.

    Raises:
        OSError: the address cannot be had.
    """
    hub = Hub(log or MemoryLog())
    await hub.open()
    application = Site(hub, loopback=origin.is_loopback(host)).application()
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=ENDING)
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
        except UnicodeError as error:
            raise OSError(errno.EINVAL, "that is no host name") from error
        async with _playing(hub, demo):
            yield _base_url(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()
        await hub.close()


@asynccontextmanager
async def _playing(hub: Hub, name: str | None) -> AsyncIterator[None]:
    """The play goes on while the block runs.  (A TaskGroup would wrap what the block itself raises.)"""
    task = asyncio.create_task(_play(hub, name), name=f"demo {name}") if name else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _play(hub: Hub, name: str) -> None:
    for pause, step in demos.PLAYS[name](Random()):  # noqa: S311 - a demo guards nothing
        await asyncio.sleep(pause)
        if isinstance(step, bytes):
            hub.disturb(step)
        else:
            await hub.publish([step])


def _base_url(host: str, port: int) -> str:
    """Where a person on this machine finds the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return (
        f"http://[{name}]:{port}" if ":" in name.strip("[]") and not name.startswith("[") else f"http://{name}:{port}"
    )


def _envelope(query: Mapping[str, str]) -> bool:
    for name, value in query.items():
        if (name, value) != ("envelope", "json"):
            _refuse(web.HTTPBadRequest, f"{name[:40]}: no such parameter; there is envelope=json")
    return bool(query)


def _given(request: web.Request) -> dict[str, str]:
    """Fields of a message outside the body: headers, and query parameters, which win."""
    headers = {
        name: request.headers[name] for name in ("Topic", "Title", "Urgency", "Link", "Key") if name in request.headers
    }
    return {name.lower(): value for name, value in headers.items()} | dict(request.query)


def _sentence(status: int, text: str, **more: str) -> web.Response:
    return _json({"error": text, **more}, status=status)


def _json(value: Mapping[str, object], status: int = 200) -> web.Response:
    """A JSON answer that ends its line, for those who read it in a terminal."""
    return web.json_response(text=json.dumps(value) + "\n", status=status)


def _refuse(kind: type[web.HTTPException], text: str) -> NoReturn:
    raise kind(text=json.dumps({"error": text}) + "\n", content_type="application/json")
