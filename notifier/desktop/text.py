"""A notification in; the names, keys and shorter texts under which desktops take it out.  Pure."""

import hashlib

from notifier.notification import Action, Notification


def with_progress(body: str, progress: int | None) -> str:
    """The body, and before it how far a thing got, for desktops that draw no bar."""
    if progress is None:
        return body
    return f"{progress} %\n{body}".rstrip("\n")


def clamp(text: str, units: int) -> str:
    """`text`, cut to so many UTF-16 units with an ellipsis at the end; no character is cut in two."""
    if len(text.encode("utf-16-le")) // 2 <= units:
        return text
    head = text.encode("utf-16-le")[: 2 * (units - 1)].decode("utf-16-le", errors="ignore")
    return head.rstrip("\u200d\ufe0f ") + "…"


def identifier(notification: Notification) -> str | None:
    """A name that bubbles of the same stream and key share, for desktops that replace by name; None without a key."""
    return None if notification.key is None else identifier_of(notification.stream, notification.key)


def identifier_of(stream: str, key: str) -> str:
    """32 hex digits: Windows takes at most 64 characters, and neither stream nor key is told to anybody."""
    return hashlib.sha256(f"{len(stream)} {stream} {key}".encode()).hexdigest()[:32]


def name_of(notification: Notification) -> str:
    """What a desktop knows the bubble by.  The same notification has the same name, so it is never there twice."""
    if name := identifier(notification):
        return name
    if notification.row is not None:
        return f"row-{notification.row}"
    return hashlib.sha256(repr(notification).encode()).hexdigest()[:32]


def action_key(number: int) -> str:
    """What a desktop knows a button by: the one of this action of the notification, counted from 0."""
    return f"open-{number}"


def action_of(key: str, notification: Notification) -> Action | None:
    """The action of a button that we gave this key."""
    found = [action for number, action in enumerate(notification.actions) if action_key(number) == key]
    return found[0] if found else None
