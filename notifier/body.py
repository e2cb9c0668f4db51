"""A response's bytes in, the same bytes out, none lost to an error that came after them.

In aiohttp an error overtakes the bytes before it: those that it has read, and nobody has asked for yet, are dropped.
Somebody must therefore ask at all times, also while the events of the last chunk are being delivered.
It does not know HTTP, time limits or events.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Protocol, Self

AHEAD = 4 << 20
"""Bytes that are read ahead.  With more than that the socket waits, and what aiohttp holds of it (at most 512 KiB) is
all that an error can still cost."""


class Content(Protocol):
    """What aiohttp calls the content of a response."""

    async def readany(self) -> bytes:
        """The bytes that are there, or the next to come; none at the end."""


class Body:
    """The body of one response.

    As long as whoever reads it never waits for anything else, it only passes on.  The first time that the event loop
    gets its turn between two reads, a task begins to read ahead, and does so until the block is left.
    """

    def __init__(self, content: Content) -> None:
        """Nothing is read yet."""
        self._content = content
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self._error: Exception | None = None
        self._begin: asyncio.Handle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begin is not None:
            self._begin.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def has_more(self) -> bool:
        """Whether bytes that were read ahead wait to be asked for."""
        return bool(self._chunks)

    async def read(self) -> bytes:
        """The next bytes; none at the end.  Raises what `Content.readany` does, after the bytes before it."""
        if self._begin is not None:
            self._begin.cancel()
            self._begin = None
        chunk = await (self._content.readany() if self._task is None else self._from_task())
        if self._task is None:
            self._begin = asyncio.get_running_loop().call_soon(self._read_ahead)
        return chunk

    async def _from_task(self) -> bytes:
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            await self._change()
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        self._changed.set()
        return chunk

    def _read_ahead(self) -> None:
        self._begin = None
        self._task = asyncio.get_running_loop().create_task(self._fill(), name="read ahead")

    async def _fill(self) -> None:
        try:
            while chunk := await self._content.readany():
                self._chunks.append(chunk)
                self._size += len(chunk)
                self._changed.set()
                while self._size > AHEAD:
                    await self._change()
        except Exception as error:  # noqa: BLE001 - handed over to whoever reads
            self._error = error
        finally:
            self._ended = True
            self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
