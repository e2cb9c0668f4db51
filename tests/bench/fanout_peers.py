"""Servers of others that do what ours does, as their documentation says it: `python fanout_peers.py NAME PORT`.

Each publishes the text of `POST /events` to whoever is on `GET /events`, and answers 201 when it has it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

SUBSCRIBER_QUEUE = 1_000
"""Events that wait for one subscriber, where the peer wants a queue for each."""


def naive(port: int) -> None:
    """aiohttp and a loop over the subscribers, as most examples have it."""
    from aiohttp import web

    streams: set[web.StreamResponse] = set()

    async def subscribe(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b": welcome\n\n")
        streams.add(response)
        try:
            await asyncio.Event().wait()
        finally:
            streams.discard(response)
        return response

    async def publish(request: web.Request) -> web.Response:
        text = await request.text()
        for response in list(streams):
            await response.write(f"data: {text}\n\n".encode())
        return web.Response(status=201)

    _serve_aiohttp(port, subscribe, publish)


def aiohttp_sse(port: int) -> None:
    """aiohttp-sse, a queue for each subscriber."""
    from aiohttp import web
    from aiohttp_sse import sse_response

    queues: set[asyncio.Queue[str]] = set()

    async def subscribe(request: web.Request) -> web.StreamResponse:
        queue: asyncio.Queue[str] = asyncio.Queue(SUBSCRIBER_QUEUE)
        response: web.StreamResponse
        async with sse_response(request) as stream:
            response = stream
            await stream.send("welcome")
            queues.add(queue)
            try:
                while stream.is_connected():
                    await stream.send(await queue.get())
            finally:
                queues.discard(queue)
        return response

    async def publish(request: web.Request) -> web.Response:
        text = await request.text()
        for queue in list(queues):
            await queue.put(text)
        return web.Response(status=201)

    _serve_aiohttp(port, subscribe, publish)


def sse_starlette(port: int) -> None:
    """sse-starlette on uvicorn, a queue for each subscriber."""
    import uvicorn
    from sse_starlette import EventSourceResponse
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    queues: set[asyncio.Queue[str]] = set()

    async def subscribe(_: Request) -> EventSourceResponse:
        queue: asyncio.Queue[str] = asyncio.Queue(SUBSCRIBER_QUEUE)

        async def events() -> AsyncIterator[dict[str, str]]:
            queues.add(queue)
            try:
                yield {"data": "welcome"}
                while True:
                    yield {"data": await queue.get()}
            finally:
                queues.discard(queue)

        return EventSourceResponse(events())

    async def publish(request: Request) -> Response:
        text = (await request.body()).decode()
        for queue in list(queues):
            await queue.put(text)
        return Response(status_code=201)

    routes = [Route("/events", subscribe, methods=["GET"]), Route("/events", publish, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="critical", access_log=False)


def _serve_aiohttp(port: int, subscribe, publish) -> None:  # type: ignore[no-untyped-def]
    from aiohttp import web

    application = web.Application()
    application.router.add_get("/events", subscribe)
    application.router.add_post("/events", publish)
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None, handler_cancellation=True)


if __name__ == "__main__":
    {"naive": naive, "aiohttp-sse": aiohttp_sse, "sse-starlette": sse_starlette}[sys.argv[1]](int(sys.argv[2]))
