"""What a client asks of the stream in, a view and a starting point out.  Pure; time is an argument.

Following it is the hub's matter.  ``Last-Event-ID`` is of WHATWG HTML 9.2.4; the parameters are the server's own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from server.view import View
from server.wire import NAME_LIMIT

CHOICES_LIMIT = 20
"""Topics, and types, in one subscription."""

_TOPIC = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._~/:@+*-]*", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class InvalidSubscription(ValueError):
    """A parameter of the request is unknown or cannot be as it is; the message names it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a stream is to hold."""

    view: View
    last_event_id: str | None = None
    """The last event that the client has; None if it never had one.  It goes before `since`."""
    since: float | None = None
    """Seconds since 1970 UTC from when on events are wanted; None for new ones only."""


def subscription(
    query: Iterable[tuple[str, str]], *, last_event_id: str | None, chunked: bool, now: float
) -> Subscription:
    """Read a request.

    A browser repeats the URL of its first visit when it reconnects, and adds the header.  So the header goes before
    the parameter ``last_event_id``, and both go before ``since``.

    Raises:
        InvalidSubscription: the sentence is for the client.
    """
    topics: list[str] = []
    types: list[str] = []
    envelope = False
    since: float | None = None
    for name, value in query:
        match name:
            case "topic":
                topics.append(_topic(value))
            case "type":
                types.append(value)
            case "since":
                since = _since(value, now)
            case "last_event_id":
                last_event_id = last_event_id or value
            case "envelope" if value == "json":
                envelope = True
            case _:
                known = "topic, type, since, last_event_id and envelope=json"
                raise InvalidSubscription(f"{name[:40]}: no such parameter or value; there are {known}")
    for name, choices in (("topic", topics), ("type", types)):
        if len(choices) > CHOICES_LIMIT:
            raise InvalidSubscription(f"{name}: at most {CHOICES_LIMIT} of them")
    view = View(topics=tuple(sorted(set(topics))), types=tuple(sorted(set(types))), chunked=chunked, envelope=envelope)
    return Subscription(view, last_event_id or None, since)


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text) or len(text) > NAME_LIMIT:
        raise InvalidSubscription(
            f"topic: 1 to {NAME_LIMIT} letters, digits and . _ ~ / : @ + - with * for any characters"
        )
    return text


def _since(text: str, now: float) -> float:
    if text == "all":
        return 0.0
    if duration := _DURATION.fullmatch(text):
        return now - int(duration[1]) * _SECONDS[duration[2]]
    try:
        if text.isascii() and text.isdigit() and len(text) <= 12:
            return float(text)
        # A "+" that was not escaped in a URL arrives as a space.
        time = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidSubscription(
            "since: all, a duration such as 90s 10m 24h 7d, seconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        ) from error
