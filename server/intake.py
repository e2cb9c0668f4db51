"""The body of a request in, a message out.  Pure; storing it is the hub's matter.

JSON is taken field by field.  Any other text is the message itself, because that is what ``curl -d 'Backup done'``
sends, under a content type that it did not choose.  Query parameters and headers may add fields to either.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Never

from server.wire import InvalidField, Json, Message

FIELDS = tuple(field.name for field in fields(Message))
_TEXT_FIELDS = frozenset(FIELDS) - {"data"}
_ON_A_DESKTOP = frozenset({"title", "urgency", "link", "key"})
"""With one of these, plain text is a notification's body; without, it is the data of the event."""


BATCH_TYPES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
"""Media types of one JSON object per line."""
BATCH_LIMIT = 1_000
"""Messages in one batch."""


class Unreadable(ValueError):
    """The body is not what its content type says."""


def batch(body: bytes, given: Mapping[str, str]) -> list[Message]:
    """The messages of a body of one JSON object per line; blank lines are none.

    Raises:
        Unreadable, InvalidField: as `message` does, with the number of the line.
    """
    messages: list[Message] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        if len(messages) == BATCH_LIMIT:
            raise Unreadable(f"line {number}: a batch has at most {BATCH_LIMIT} messages")
        try:
            messages.append(message(line, "application/json", given))
        except InvalidField as error:
            raise InvalidField(error.field, error.reason, line=number) from error
        except Unreadable as error:
            raise Unreadable(f"line {number}: {error}") from error
    if not messages:
        raise Unreadable("the batch is empty")
    return messages


def message(body: bytes, content_type: str, given: Mapping[str, str]) -> Message:
    """The message that a publisher means.

    Args:
        body: as it was sent, UTF-8.
        content_type: the media type alone, lower case, without parameters.
        given: fields from the query or the headers; the body's own win.

    Raises:
        Unreadable: not UTF-8, not JSON, or not an object.
        InvalidField: a field is unknown, of the wrong type, or refused by `Message`.
    """
    for name in given:
        if name == "data":
            raise InvalidField(name, "is the body of the request, and no parameter")
        if name not in _TEXT_FIELDS:
            _refuse_unknown(name)
    Message(data="", **given)  # what is not as it may be is told, even if the body goes before it
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
    if content_type == "application/json" or content_type.endswith("+json"):
        return _build({**given, **_json_object(text)})
    return _build(joined(text, given))


def joined(text: str, fields: Mapping[str, str]) -> dict[str, Json]:
    """A text and the fields beside it, as the one object that says the same."""
    text = text.removesuffix("\n").removesuffix("\r")
    return {**fields, "body" if _ON_A_DESKTOP & fields.keys() else "data": text or None}


def _json_object(text: str) -> dict[str, Json]:
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise Unreadable("the body is JSON nested too deep") from error
    except ValueError as error:
        raise Unreadable(f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Unreadable('the body is JSON but no object; send {"data": ...}, or send it as text/plain')
    return value


def _build(given: Mapping[str, Json]) -> Message:
    data = given.get("data")
    text: dict[str, str] = {}
    for name, value in given.items():
        if name not in FIELDS:
            _refuse_unknown(name)
        if name == "data" or value is None:
            continue
        if not isinstance(value, str):
            raise InvalidField(name, "text, in quotes")
        text[name] = value
    return Message(data=data, **text)


def _refuse_unknown(name: str) -> Never:
    near = get_close_matches(name, FIELDS, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(FIELDS)}."
    raise InvalidField(name[:40], f'no such field; {hint} Anything else goes into "data"')


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
