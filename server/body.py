"""The body of a request in, its bytes out, as long as it is not too large, not too slow, and there is room for it.

Bytes are counted as they arrive: whoever announces much and sends nothing takes nobody's room.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web


class BodyRefused(Exception):
    """The body is not read to its end; the message is for whoever sends it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Bodies:
    """All bodies that are held at a time, of together at most `limit` bytes."""

    def __init__(self, limit: int, within: float) -> None:
        self.limit, self.within = limit, within
        """Seconds in which a body must have come."""
        self.held = 0
        """Bytes, now."""

    @contextmanager
    def one(self, limit: int) -> Iterator["Body"]:
        """A body of at most `limit` bytes, held while the block runs."""
        body = Body(self, limit)
        try:
            yield body
        finally:
            self.held -= body.size


class Body:
    """One of them."""

    def __init__(self, bodies: Bodies, limit: int) -> None:
        self._bodies, self.limit = bodies, limit
        self.size = 0
        """Bytes that have come."""

    async def read(self, request: web.Request) -> bytes:
        """All of it.

        Raises:
            BodyRefused: with the status and the sentence to answer.
        """
        too_large = BodyRefused(413, f"the body has at most {self.limit} bytes")
        if (request.content_length or 0) > self.limit:
            raise too_large
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._bodies.within):
                async for part in request.content.iter_any():
                    self.size += len(part)
                    self._bodies.held += len(part)
                    if self.size > self.limit:
                        raise too_large
                    if self._bodies.held > self._bodies.limit:
                        raise BodyRefused(503, "too much is being published at once; try again")
                    parts.append(part)
        except TimeoutError as error:
            raise BodyRefused(408, f"the body did not come within {self._bodies.within:g} seconds") from error
        return b"".join(parts)
