"""A server on loopback that says exactly the bytes it is told to, one script per connection."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
TLS_HANDSHAKE = b"\x16"


class Act(Enum):
    """What a script does besides sending bytes."""

    RESET = auto()
    """Cut the connection with a TCP reset."""
    HANG = auto()
    """Say nothing more until the peer leaves."""
    CLOSE = auto()
    """End the connection in good order; what a script does at its end anyway."""


Script = Sequence[bytes | Act | asyncio.Event]
"""Bytes to send, things to do, and events to wait for before going on."""


@dataclass
class Loopback:
    """What was asked of the server."""

    scripts: list[Script]
    port: int = 0
    heads: list[str] = field(default_factory=list)
    """Request line and headers of each connection."""
    open: int = 0
    """Connections that are open now."""
    said: int = 0
    """Scripts that came to their end."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    tls: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/events"

    async def wait_for_connections(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.heads) >= count)

    async def wait_until_left_alone(self) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.open == 0)

    async def wait_until_said(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.said >= count)

    async def _note(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = await reader.read(1)
            if head != TLS_HANDSHAKE:
                head += await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode("latin-1"))
            await self._note()
            script = self.scripts[min(len(self.heads), len(self.scripts)) - 1]
            for step in script:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                elif step is Act.HANG:
                    await reader.read()
                elif step is Act.RESET:
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
            self.said += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.open -= 1
            await self._note()


@contextlib.asynccontextmanager
async def loopback(
    *scripts: Script, port: int = 0, tls: ssl.SSLContext | None = None, path: Path | None = None
) -> AsyncIterator[Loopback]:
    """Serve connection n with script n, and each later one with the last script.

    Args:
        scripts: One for each connection.
        port: 0 takes a free one.
        tls: Speak TLS.
        path: Listen on this Unix socket instead.
    """
    talk = Loopback(list(scripts), tls=tls is not None)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(talk._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if path is not None:
        server = await asyncio.start_unix_server(accept, path)
    else:
        server = await asyncio.start_server(accept, "127.0.0.1", port, ssl=tls)
        talk.port = server.sockets[0].getsockname()[1]
    try:
        yield talk
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def chunked(*parts: bytes) -> bytes:
    """A chunked body without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
