"""A notification in, JSON text out; and back.  It keeps nothing; `history` and the memory of rules do.

What is read may be damaged, or of another version: it becomes a notification that can exist, or an error.
"""

import json
from dataclasses import fields
from typing import Any

from notifier.notification import Action, Notification, Urgency

_NEVER = {"command", "row"}
"""Fields that belong to one run of the program."""
_APART = {"stream", "title", "body", "urgency", "link", "key", "identity"}
"""Fields that the history has columns for, or does not need."""
_ALL = {field.name: field.default for field in fields(Notification) if field.name not in _NEVER}
_MORE = {name: usual for name, usual in _ALL.items() if name not in _APART}


def write(notification: Notification) -> str:
    """All of it but what belongs to one run of the program."""
    return _written(notification, _ALL) or "{}"


def read(text: str) -> Notification:
    """The other way round.

    Raises:
        ValueError, TypeError, AttributeError: `write` did not write this.
    """
    found = _read(text, _ALL)
    if "urgency" in found:
        found["urgency"] = Urgency(found["urgency"])
    return Notification(**found)


def more_of(notification: Notification) -> str | None:
    """The fields that few notifications have; None where all are as usual."""
    return _written(notification, _MORE)


def fields_in(more: str | None) -> dict[str, Any]:
    """The other way round.

    Raises:
        ValueError, TypeError, AttributeError: `more_of` did not write this.
    """
    return {} if more is None else _read(more, _MORE)


def _written(notification: Notification, names: dict[str, Any]) -> str | None:
    told = {name: value for name, usual in names.items() if (value := getattr(notification, name)) != usual}
    if "actions" in told:
        told["actions"] = [[action.label, action.link] for action in notification.actions]
    return json.dumps(told, ensure_ascii=False) if told else None


def _read(text: str, names: dict[str, Any]) -> dict[str, Any]:
    # A newer version of the program may have written fields that this one has not.
    found = {name: value for name, value in json.loads(text).items() if name in names}
    if "actions" in found:
        found["actions"] = tuple(Action(label, link) for label, link in found["actions"])
    return found
