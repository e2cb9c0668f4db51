"""An Authorization header in, what it grants out.  Pure; keeping tokens in a file is the matter of `tokens`.

A token is 256 bits of chance, so its SHA-256 is as hard to turn back as the token is to guess; only the hash is
kept.  It is taken as Bearer (RFC 6750), and as the password of Basic (RFC 7617), which is what a browser can ask for.
"""

import binascii
import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from hmac import compare_digest

from server.view import covers
from server.wire import NAME_LIMIT

HEADER_LIMIT = 1_000
"""Characters of an Authorization header that are looked at."""


class InvalidTokens(ValueError):
    """A file of tokens is none; one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the bearer of one token may do."""

    name: str
    """Who has it, for people."""
    digest: str
    """SHA-256 of the token, in hexadecimal."""
    publish: tuple[str, ...] = ("*",)
    """Topics to publish to; ``*`` stands for any characters."""
    subscribe: tuple[str, ...] = ("*",)
    """Topics to subscribe to; ``*`` stands for any characters."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= NAME_LIMIT or not self.name.isprintable():
            raise InvalidTokens(f"the name of a token is one line of 1 to {NAME_LIMIT} printable characters")

    def may_publish(self, topic: str) -> bool:
        """Whether messages of this topic are taken from the bearer."""
        return covers(self.publish, topic)

    def may_subscribe(self, topic: str) -> bool:
        """Whether the bearer gets all that this topic, which may hold ``*``, stands for."""
        return covers(self.subscribe, topic)


def digest(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def grant(authorization: str | None, grants: Iterable[Grant]) -> Grant | None:
    """What the header grants, if it carries one of the tokens; in a time that tells nothing of them."""
    token = _token(authorization or "")
    if token is None:
        return None
    presented = digest(token)
    found = None
    for each in grants:
        if compare_digest(each.digest, presented):
            found = each
    return found


def _token(authorization: str) -> str | None:
    scheme, _, value = authorization[:HEADER_LIMIT].partition(" ")
    value = value.strip()
    try:
        value.encode()
        match scheme.lower():
            case "bearer":
                return value
            case "basic":
                return b64decode(value, validate=True).decode().partition(":")[2]
    except (UnicodeError, binascii.Error, ValueError):
        return None
    return None


def load(text: str) -> tuple[Grant, ...]:
    """The grants that a file of tokens holds.

    Raises:
        InvalidTokens: it is no such file.
    """
    try:
        return tuple(
            Grant(row["name"], row["digest"], tuple(row["publish"]), tuple(row["subscribe"]))
            for row in json.loads(text)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidTokens("it was not written by sse-server token") from error


def dump(grants: Iterable[Grant]) -> str:
    """A file of tokens that holds these grants."""
    return json.dumps([asdict(each) for each in grants], indent=2) + "\n"
