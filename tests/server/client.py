"""A raw HTTP client that sees what is on the wire, and reads only when it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds that a condition may take; the machine may be busy."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, str]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


class Event(NamedTuple):
    type: str
    data: str
    id: str


class Stream:
    """A GET of a stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status, self.headers = 0, dict[str, str]()
        self.body = bytearray()
        """What came so far, without the chunks' frames."""
        self.chunks: list[bytes] = []
        self.ended = False
        """The body ended as HTTP says it: the last chunk, or the connection's end in HTTP/1.0."""

    async def head(self) -> None:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}

    async def more(self) -> None:
        """Read one chunk, or what is there in HTTP/1.0."""
        if self.headers.get("transfer-encoding") == "chunked":
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            chunk = (await self.reader.readexactly(size + 2))[:-2]
        else:
            chunk = await self.reader.read(65536)
        self.chunks.append(chunk)
        self.body += chunk
        self.ended = not chunk

    async def until(self, needle: str) -> str:
        """All that came, once `needle` is in it."""
        wanted = needle.encode()
        searched = 0
        async with asyncio.timeout(PATIENCE):
            while self.body.find(wanted, searched) < 0:
                assert not self.ended, f"the stream ended without {needle!r}: {self.body[-500:]!r}"
                searched = max(0, len(self.body) - len(wanted))
                await self.more()
        return self.body.decode()

    async def end(self) -> str:
        """All that came, once the stream ended."""
        async with asyncio.timeout(PATIENCE):
            while not self.ended:
                await self.more()
        return self.body.decode()

    @property
    def events(self) -> list[Event]:
        """The whole blocks that came and have data."""
        found = []
        for block in self.body.decode().split("\n\n")[:-1]:
            lines = [line.partition(": ")[::2] for line in block.split("\n")]
            fields = dict(lines)
            if "data" in fields:
                data = "\n".join(value for name, value in lines if name == "data")
                found.append(Event(fields.get("event", "message"), data, fields.get("id", "")))
        return found


@asynccontextmanager
async def subscribe(
    url: str, path: str = "/events", *, last_event_id: str | None = None, version: str = "1.1", headers: str = ""
) -> AsyncIterator[Stream]:
    """A stream whose beginning (the first blank line) has come, so that nothing published from here on is missed."""
    if last_event_id is not None:
        headers += f"Last-Event-ID: {last_event_id}\r\n"
    reader, writer = await _connect(url)
    try:
        writer.write(f"GET {path} HTTP/{version}\r\nHost: {urlsplit(url).netloc}\r\n{headers}\r\n".encode())
        stream = Stream(reader, writer)
        await stream.head()
        if stream.status == 200 and last_event_id is None:
            await stream.until("\n\n")
        yield stream
    finally:
        await _hang_up(writer)


async def request(url: str, raw: bytes) -> Answer:
    """The answer to a request that is sent as it is; `{host}` in it is the server's."""
    reader, writer = await _connect(url)
    try:
        writer.write(raw.replace(b"{host}", urlsplit(url).netloc.encode()))
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            size = 0 if raw.startswith(b"HEAD ") else int(headers.get("content-length", 0))
            body = await reader.readexactly(size)
    finally:
        await _hang_up(writer)
    return Answer(int(head[0].split()[1]), headers, body)


async def publish(
    url: str, body: str | bytes | dict[str, object], *, path: str = "/events", headers: str = ""
) -> Answer:
    """POST as curl does: JSON for a dict, else a form's content type."""
    kind = "application/json" if isinstance(body, dict) else "application/x-www-form-urlencoded"
    raw = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    if "content-type" not in headers.lower():
        headers += f"Content-Type: {kind}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: {len(raw)}\r\n{headers}\r\n"
    return await request(url, head.encode() + raw)


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()
