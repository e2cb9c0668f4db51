"""A recording in, what would be told of it out; and the recording as a stream that anybody here can follow."""

import asyncio
import contextlib
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from aiohttp import web

from notifier.errors import UsageError
from notifier.exchange import Response
from notifier.language import _
from notifier.line import Line
from notifier.recording import Arrived, Lost, Opened, Step
from notifier.sample import Sample, Sampler

OF_A_CONNECTION = {
    "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "trailer",
    "transfer-encoding", "upgrade", "alt-svc", "strict-transport-security",
}  # fmt: skip
"""Headers of the recorded response that mean nothing on another connection."""
LOOPBACK = "127.0.0.1"
COMES_BACK = 60.0
"""Seconds in which a program whose connection was cut is expected again."""


def play(steps: Sequence[Step], line: Line) -> Iterator[tuple[float, Sample]]:
    """When, and what would be told or not of each event, as if it came now."""
    sampler, source = Sampler(line), line.source
    now = 0.0
    for step in steps:
        yield from sampler.pass_time(now, step.at)
        now = step.at
        match step:
            case Opened():
                source.connect()
                source.respond(Response(200, "text/event-stream", headers=step.headers), step.at, step.at)
                line.changed("", step.at)
            case Arrived():
                for event in source.receive(step.data):
                    yield step.at, sampler.take(event, step.at)
                    source.delivered(event.last_event_id)
            case Lost():
                source.lose(step.at, 0.0, cut=True)
                line.changed(step.reason, step.at)


async def paced(timed: Iterator[tuple[float, Sample]], speed: float) -> AsyncIterator[tuple[float, Sample]]:
    """The same with the gaps that were recorded, divided by `speed`; an infinite one makes no gaps."""
    clock = asyncio.get_running_loop().time
    began = clock()
    for at, sample in timed:
        if not math.isinf(speed):
            await asyncio.sleep(began + at / speed - clock())
        yield at, sample


@contextlib.asynccontextmanager
async def serve(steps: Sequence[Step], *, speed: float = 1.0, port: int = 0) -> AsyncIterator[str]:
    """The recording as a stream on this machine's loopback; its URL.

    Each connection gets all of it from the beginning, with the gaps that were recorded divided by `speed`, and stays
    open after that.  Where the recorded stream was lost the connection is cut, and the same program (by its
    User-Agent) gets what came after that if it comes back within `COMES_BACK` seconds.

    Raises:
        UsageError: the port is taken.
    """
    cuts: dict[str, list[tuple[float, int]]] = defaultdict(list)

    async def answer(request: web.Request) -> web.StreamResponse:
        clock = asyncio.get_running_loop().time
        visitor = request.headers.get("User-Agent", "")
        began = clock()
        waiting = [(until, place) for until, place in cuts.pop(visitor, []) if until > began]
        place = waiting.pop(0)[1] if waiting else 0
        if waiting:
            cuts[visitor] = waiting
        rest = steps[_next_opened(steps, place) :]
        response = web.StreamResponse(headers=_headers(rest))
        await response.prepare(request)
        at = rest[0].at if rest and place else 0.0
        for number, step in enumerate(rest, len(steps) - len(rest) + 1):
            if isinstance(step, Opened):
                continue
            if not math.isinf(speed):
                await asyncio.sleep(began + (step.at - at) / speed - clock())
            if isinstance(step, Arrived):
                await response.write(step.data)
            elif request.transport is not None:
                cuts[visitor].append((clock() + COMES_BACK, number))
                # Not the end of the response: whoever reads it shall see that it was cut.
                request.transport.close()
                return response
        await asyncio.Event().wait()
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer, allow_head=False)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, LOOPBACK, port)
            await site.start()
        except OSError as error:
            raise UsageError(
                _("nobody can be served on port {port} ({why}); take another: --port", port=port, why=error.strerror)
            ) from error
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}/events"
    finally:
        await runner.cleanup()


def _next_opened(steps: Sequence[Step], place: int) -> int:
    """Where it was open again; the end if it never was."""
    if place == 0:
        return 0
    return next((n for n, step in enumerate(steps[place:], place) if isinstance(step, Opened)), len(steps))


def _headers(steps: Sequence[Step]) -> Mapping[str, str]:
    opened = next((step for step in steps if isinstance(step, Opened)), Opened(0.0))
    recorded = {name: value for name, value in opened.headers.items() if name.lower() not in OF_A_CONNECTION}
    return {"Cache-Control": "no-store"} | recorded | {"Content-Type": "text/event-stream"}
