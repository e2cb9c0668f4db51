"""An address in, whether a picture may be fetched from it out.  Pure.

Events name pictures, and anybody may have written an event.  Without this, whoever can publish to a stream could have
this machine call its own services, the router and whatever else answers only from within (CWE-918).
"""

import ipaddress
import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from unicodedata import normalize

LOCAL_NAMES: Final = ("localhost", "local", "internal", "lan", "home", "corp", "home.arpa", "intranet", "private")
"""Ends of names that stand for something near; the first and the last but three are in RFC 6761, 6762 and 8375."""
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
LEADS_OUT: Final = (ipaddress.ip_network("2000::/3"), ipaddress.ip_network("::ffff:0:0/96"), NAT64)
"""All of IPv6 that the internet may be in: what is given out (RFC 4291 2.4), and what carries an IPv4 address."""
NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes a host an IPv4 address, however it is written (WHATWG URL, 3.5 "ends in a number")."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; what is no address is not.

    An IPv6 address that carries an IPv4 one is as public as that.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and not any(found in network for network in LEADS_OUT):
        return False
    return all(one.is_global and not one.is_multicast for one in (found, _carried(found)) if one is not None)


def may_be_public(host: str) -> bool:
    """Whether a host's name or address may be one of the public internet, for when a proxy looks it up and not we."""
    # As IDNA reads it: wide digits are digits, and the ideographic full stop is a dot.
    host = normalize("NFKC", host).replace("\u3002", ".").lower().rstrip(".")
    if ":" in host or "%" in host or NUMBER.fullmatch(host.rpartition(".")[2]):
        return is_public(host)
    return "." in host and not any(host.endswith(f".{name}") for name in LOCAL_NAMES)


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
