"""An event in, the notification that a person wants to read out; None where there is nothing to tell.

Without any configuration it finds good words for every event, whatever its data is.  It never raises and
never interprets: an event is a stranger's text (see `plaintext`), and only the fields' names give meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from notifier import adornment, payload, plaintext, shape, vocabulary, wording
from notifier.notification import BODY_LIMIT, TITLE_LIMIT, Notification, Urgency
from notifier.payload import Json
from notifier.sse import Event

LINES_LIMIT = 5
"""Elements of a list that are told, one a line."""


def decide(stream: str, event: Event) -> Notification | None:
    """The default notification of `event`; None for a sign of life and for an event that says nothing."""
    if is_alive(event):
        return None
    return decide_value(stream, event.type, payload.read(event.data), event.data)


def is_alive(event: Event) -> bool:
    """Whether the event's type or its whole data is a word that only says that the stream is alive."""
    return vocabulary.is_alive_type(event.type) or vocabulary.is_alive(event.data)


def decide_value(stream: str, event_type: str, value: Json, text: str) -> Notification | None:
    """The default notification of a value from an event; `text` is shown where nothing else can be said."""
    draft = _draft(value)
    if draft is None:
        return None
    named = "" if event_type in ("", "message") else plaintext.line(wording.sentence(event_type), TITLE_LIMIT)
    title, body = plaintext.line(draft.title, TITLE_LIMIT), plaintext.lines(draft.body, BODY_LIMIT)
    if not (title or body or named):
        body = plaintext.lines(text, BODY_LIMIT)
        if not body:
            return None
    if not title:
        parts = (named or wording.sentence(draft.kind), draft.who)
        title = plaintext.line(" · ".join(part for part in parts if part), TITLE_LIMIT)
    title = title or heading(stream)
    told = Notification(
        stream=stream,
        title=title,
        body="" if body == title else body,
        urgency=draft.urgency,
        link=draft.link or plaintext.only_link_in(draft.text),
        key=draft.key,
    )
    return adorned(told, value)


def heading(stream: str) -> str:
    """What heads an event that has no title of its own."""
    return plaintext.line(stream, TITLE_LIMIT) or "Event"


def adorned(notification: Notification, value: Json) -> Notification:
    """`notification` with the picture, the icon, the time and the buttons that `value` names."""
    if isinstance(value, str):
        value = payload.read(value)
    found = adornment.find(value)
    if found == adornment.NONE:
        return notification
    return replace(notification, icon=found.icon, image=found.image, time=found.time, actions=found.actions)


@dataclass(slots=True)
class _Draft:
    title: str = ""
    body: str = ""
    text: str = ""
    """Where a link may stand that a reader sees."""
    who: str = ""
    kind: str = ""
    urgency: Urgency = Urgency.NORMAL
    link: str | None = None
    key: str | None = None


def _draft(value: Json) -> _Draft | None:
    if isinstance(value, str):
        value = payload.read(value)
    if isinstance(value, str):
        return _draft_of_text(value)
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        return _draft_of_object(value)
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(e, Mapping) for e in value):
        return _Draft(body=_told_in_lines(value))
    return _Draft(body=wording.spell_out(value))


def _draft_of_text(text: str) -> _Draft:
    return _Draft() if text.strip() == "undefined" else _Draft(body=text, text=text)


def _draft_of_object(value: Mapping[str, Json]) -> _Draft | None:
    found = shape.find(value)
    if found.alive:
        return None
    return _Draft(
        title=found.title or "",
        body=found.rest if found.body is None else found.body,
        text=f"{found.title or ''} {found.body or ''}",
        who=found.who or "",
        kind=found.kind or "",
        urgency=Urgency.NORMAL if found.urgency is None else found.urgency,
        link=found.link,
        key=found.key,
    )


def _told_in_lines(values: Sequence[Json]) -> str:
    told = []
    for value in values[:LINES_LIMIT]:
        found = shape.find(value) if isinstance(value, Mapping) else shape.Found(title=wording.spell_out(value))
        parts = (found.title or found.who or "", found.rest if found.body is None else found.body)
        told.append(plaintext.line(": ".join(part for part in parts if part), BODY_LIMIT // LINES_LIMIT))
    more = len(values) - LINES_LIMIT
    return "\n".join([line for line in told if line] + ([f"… +{more}"] if more > 0 else []))
