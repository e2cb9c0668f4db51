"""How many bytes wait in all connections together, and whose end makes room for more.  No I/O but that end.

What a connection holds is bounded by the hub, but thousands of small bounds are no bound.  Counting is not free
either, so it is done only when all that was written since the last count might not fit.

Under TLS asyncio has a second buffer below the one that can be asked for its size.  What is in there is not counted:
64 KiB of a connection that takes nothing, and up to a page of the log more where one takes a little at a time.
"""

import asyncio
from collections.abc import Callable, Iterable


class Room:
    """At most `limit` bytes in the write buffers of the connections; what the kernel holds is not in it."""

    def __init__(self, limit: int, connections: Callable[[], Iterable[asyncio.WriteTransport]]) -> None:
        """Nothing waits yet; `connections` names all that there are at the time."""
        self.limit = limit
        self._connections = connections
        self.cut_off = 0
        """Connections that were ended to make room."""
        self._guess = 0
        """Bytes that wait, or more."""

    def left(self, wanted: int) -> int:
        """Bytes that may still be written: `wanted` or more if that is certain, else exactly how many."""
        if self._guess + wanted > self.limit:
            self._guess = sum(connection.get_write_buffer_size() for connection in self._connections())
        return self.limit - self._guess

    def took(self, size: int) -> None:
        """So many bytes were written, of which some may be gone already."""
        self._guess += size

    def make(self, wanted: int) -> None:
        """End the connections that hold most, until there is room, with a quarter to spare for those who come next.

        Their clients come back and go on where they were.
        """
        if self.left(wanted) >= wanted:
            return
        sizes = {each: each.get_write_buffer_size() for each in self._connections() if not each.is_closing()}
        for connection, size in sorted(sizes.items(), key=lambda item: item[1], reverse=True):
            if self._guess + wanted <= self.limit * 3 // 4 or not size:
                return
            connection.abort()
            self.cut_off += 1
            self._guess -= size
