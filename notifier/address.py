"""Addresses of streams, and where redirects lead from them.  Pure.

Besides http and https there is `UNIX`: the server behind a Unix socket.
"""

from collections.abc import Mapping
from urllib.parse import unquote, urlencode, urljoin, urlsplit

from notifier.proxy import is_loopback
from notifier.stream import UNIX


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The URL with these parameters in the place of those of the same name."""
    if not query:
        return url
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and unquote(pair.partition("=")[0]) not in query]
    return parts._replace(query="&".join([*kept, urlencode(query)])).geturl()


def identity(url: str) -> str:
    """What of `url` says which events these are: origin, path and query.  It may hold a secret: keep a digest only."""
    scheme, host, port = origin(url)
    parts = urlsplit(url)
    return f"{scheme}://{host}:{port}{parts.path}?{parts.query}"


def join(here: str, location: str) -> str:
    """Where a redirect leads.  A server on a Unix socket calls itself localhost; nobody else leads to a socket."""
    parts = urlsplit(here)
    is_socket = parts.scheme == UNIX
    base = parts._replace(scheme="http", netloc="localhost").geturl() if is_socket else here
    there = urljoin(base, location)
    if urlsplit(there).scheme == UNIX:
        raise ValueError("not a web address")
    if not is_socket or origin(there) != ("http", "localhost", 80):
        return there
    return urlsplit(there)._replace(scheme=UNIX, netloc=parts.netloc).geturl()


def origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    if parts.scheme == UNIX:
        return parts.scheme, parts.netloc, None
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def is_here(url: str) -> bool:
    """Whether this machine itself serves the URL."""
    parts = urlsplit(url)
    return parts.scheme == UNIX or is_loopback(parts.hostname or "")


def without_credentials(url: str) -> str:
    """The URL without `user:password@`: how to log in is for the person to say, not for a redirect."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
