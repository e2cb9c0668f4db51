"""Who a request claims to come from in, whether a loopback server believes it out.  Pure.

A page of any web site can make the browser of the person who reads it send requests to 127.0.0.1.  It cannot
choose the `Host` and `Origin` headers, though: a name that was rebound to the loopback address shows in the first
(RFC 9110 7.2), a foreign page in the second (Fetch, "Origin header").
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s\[\]:@/?#]+)(:[0-9]*)?")


def is_loopback(host: str) -> bool:
    """Whether this name or address can only mean the machine itself (RFC 6761 6.3)."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def is_expected(host_header: str, hosts: Collection[str]) -> bool:
    """Whether a Host header names the machine itself or one of `hosts`, with or without a port."""
    host = _HOST.fullmatch(host_header)
    return host is not None and (is_loopback(host["name"]) or host["name"].lower() in hosts)


def is_foreign(origin: str | None, host_header: str, fetch_site: str | None = None) -> bool:
    """Whether a page of another origin sent this; programs that are no browser send no Origin and are not foreign.

    Args:
        fetch_site: the header Sec-Fetch-Site (W3C Fetch Metadata), for requests that a browser sends without Origin.
    """
    if origin is None:
        return fetch_site in ("cross-site", "same-site")
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    return parts.scheme not in ("http", "https") or parts.netloc.lower() != host_header.lower()
