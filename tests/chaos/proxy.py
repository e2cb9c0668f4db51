"""Connections in, the same connections spoiled out: a TCP proxy in front of a server, its troubles drawn by chance."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from enum import StrEnum

PASSED = 1_200
"""Bytes of a response that come through at most before the trouble begins: heads and events are cut anywhere."""
DRIP = 7
"""Bytes of one drop ..."""
DRIP_EVERY = 0.002
"""... and the seconds between two."""


class Trouble(StrEnum):
    """What happens to a connection."""

    NONE = "connections without trouble"
    REFUSED = "reset before the request"
    UNAVAILABLE = "answered with 503"
    RESET = "reset mid-event"
    CUT = "closed mid-event"
    STALL = "stalled mid-event"
    DRIP = "slowed to drops"
    NO_SERVER = "reset because the server was down"


WEIGHTS = {
    Trouble.NONE: 2,
    Trouble.REFUSED: 1,
    Trouble.UNAVAILABLE: 2,
    Trouble.RESET: 4,
    Trouble.CUT: 2,
    Trouble.STALL: 1,
    Trouble.DRIP: 2,
}


class Proxy:
    """Passes connections on to a port of this machine, and spoils most of them."""

    def __init__(self, upstream: int, chance: random.Random) -> None:
        self.port = 0
        self.seen: Counter[Trouble] = Counter()
        self._upstream = upstream
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Accept connections at `port`."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (trouble,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        budget = self._chance.randrange(PASSED)
        try:
            if trouble is Trouble.REFUSED:
                self._happens(trouble, writer)
                return
            request = await reader.readuntil(b"\r\n\r\n")
            if trouble is Trouble.UNAVAILABLE:
                writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
                self._happens(trouble, writer)
                return
            try:
                upstream, to_upstream = await asyncio.open_connection("127.0.0.1", self._upstream)
            except ConnectionError:
                self._happens(Trouble.NO_SERVER, writer)
                return
            try:
                to_upstream.write(request)
                await self._pass_on(upstream, writer, trouble, budget, leaving=asyncio.ensure_future(reader.read()))
            finally:
                to_upstream.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _pass_on(
        self,
        upstream: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        trouble: Trouble,
        budget: int,
        leaving: "asyncio.Future[bytes]",
    ) -> None:
        """Until one of the two has left, or the trouble has ended it."""
        response = asyncio.ensure_future(self._respond(upstream, writer, trouble, budget))
        try:
            await asyncio.wait((response, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            response.cancel()
            leaving.cancel()
            await asyncio.gather(response, leaving, return_exceptions=True)

    async def _respond(
        self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, trouble: Trouble, budget: int
    ) -> None:
        dripping = False
        if trouble is Trouble.NONE:
            self._happens(trouble, writer)
        while data := await upstream.read(4_096):
            if dripping:
                await self._drip(writer, data)
            elif trouble is Trouble.NONE or len(data) < budget:
                writer.write(data)
                budget -= len(data)
            else:
                writer.write(data[:budget])
                self._happens(trouble, writer)
                if trouble in (Trouble.RESET, Trouble.CUT):
                    return
                if trouble is Trouble.STALL:
                    await asyncio.Event().wait()
                dripping = True
                await self._drip(writer, data[budget:])
            await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for start in range(0, len(data), DRIP):
            writer.write(data[start : start + DRIP])
            await asyncio.sleep(DRIP_EVERY)

    def _happens(self, trouble: Trouble, writer: asyncio.StreamWriter) -> None:
        self.seen[trouble] += 1
        if trouble in (Trouble.REFUSED, Trouble.RESET, Trouble.NO_SERVER):
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
