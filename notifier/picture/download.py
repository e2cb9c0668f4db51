"""A picture's URL in, at most `LIMIT` bytes out, over the stream's own proxy.  It decodes nothing and keeps nothing.

No credentials go along, not even to the stream's own server: the URL came with an event.  The address is checked where
it counts, on each socket before it connects, so neither a name that points inside nor a redirect gets around it.
"""

import socket
from typing import Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.connector import AddrInfoType

from notifier.address import origin
from notifier.errors import NotifierError
from notifier.exchange import REDIRECT, USER_AGENT, Request
from notifier.notification import is_web_link
from notifier.picture.reach import is_public, may_be_public
from notifier.stream import Stream
from notifier.transport import Transport

LIMIT: Final = 2 << 20
"""Bytes of a picture file."""
REDIRECTS: Final = 3
HEADERS: Final = {
    "Accept": "image/png,image/webp,image/jpeg,image/gif;q=0.8",
    "Accept-Encoding": "identity",
    "User-Agent": USER_AGENT,
}


class NoPicture(Exception):
    """It cannot be had; the sentence holds no URL."""


async def download(url: str, stream: Stream) -> bytes:
    """What `url` leads to.

    Raises:
        NoPicture: nothing, too much, no picture, or what may not be asked.
    """
    for _hop in range(REDIRECTS + 1):
        found = await _get(url, stream)
        if isinstance(found, bytes):
            return found
        url = urljoin(url, found)
        if not is_web_link(url):
            raise NoPicture("it is moved to what is no web address")
    raise NoPicture(f"it is moved more than {REDIRECTS} times")


async def _get(url: str, stream: Stream) -> bytes | str:
    """The file, or where it moved to."""
    is_anywhere = stream.pictures == "any" or origin(url) == origin(stream.url)
    transport = Transport(stream)
    try:
        call = await transport.prepare(Request(url, HEADERS, is_home=False))
        if not is_anywhere and call.proxy is not None and not may_be_public(urlsplit(url).hostname or ""):
            raise NoPicture("it is on a private address")
        guard = None if is_anywhere or call.proxy is not None else _only_public
        async with transport.send(call, guard=guard) as response:
            if response.status in REDIRECT and (location := response.headers.get("Location")):
                return location
            if response.status != 200:
                raise NoPicture(f"the server answers {response.status}")
            if not response.content_type.startswith(("image/", "application/octet-stream")):
                raise NoPicture("it is no picture")
            return await _read(response)
    except (aiohttp.ClientError, NotifierError, OSError, ValueError, RuntimeError) as error:
        # The last is aiohttp's where a connection was closed before anybody came to read.
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _Private):
            raise NoPicture("it is on a private address") from error
        raise NoPicture(f"it cannot be fetched ({type(error).__name__})") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > LIMIT:
        raise NoPicture(f"it has {response.content_length} bytes")
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > LIMIT:
            raise NoPicture(f"it has more than {LIMIT} bytes")
    return b"".join(chunks)


class _Private(OSError):
    """An address that a stranger may not have us call."""


def _only_public(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, there = address
    if not is_public(str(there[0])):
        raise _Private("a private address")
    return socket.socket(family=family, type=kind, proto=protocol)
