"""A JSON value of a kind nobody told us about in; the picture, the icon, the time and the buttons that it names out.

It looks only where a name leaves no doubt, in the object itself and in objects that only wrap it (``{"alert": {…}}``).
A picture is a link that says so; a button has a label and opens a page.  What asks for anything else, such as ntfy's
buttons that send a request, is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from notifier import plaintext, stamp, vocabulary
from notifier.notification import ACTIONS_LIMIT, LABEL_LIMIT, Action
from notifier.payload import Json

FIELDS_LIMIT = 200
"""Fields of one object that are looked at."""
OBJECTS_LIMIT = 8
"""Objects of one value that are looked at, the outer ones first."""

_IMAGES = (
    *("image", "imageurl", "picture", "pictureurl", "photo", "photourl", "screenshot", "screenshoturl"),
    *("snapshot", "snapshoturl", "thumbnail", "thumbnailurl"),
)
_ICONS = ("icon", "iconurl", "avatar", "avatarurl")
_TIMES = (
    *("time", "timestamp", "datetime", "occurredat", "createdat", "publishedat", "createdon", "created", "date"),
    *("ts", "eventtime"),
)
_BUTTONS = ("actions", "buttons")
_TELLING = frozenset((*_IMAGES, *_ICONS, *_TIMES, *_BUTTONS))
_LABELS = ("label", "title", "text", "name")
_PAGES = ("url", "link", "href", "click")
_OPENS = {"view", "open", "openurl", "openuri", "link", "button", "url"}
"""What a button may call itself and still only open a page."""


@dataclass(frozen=True, slots=True)
class Adornment:
    """What stands beside the words; None and nothing where there is none."""

    icon: str | None = None
    image: str | None = None
    time: float | None = None
    actions: tuple[Action, ...] = ()


NONE = Adornment()


def find(value: Json) -> Adornment:
    """What `value` names."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        return NONE
    fields: dict[str, Json] = {}
    for one in islice(_objects(value), OBJECTS_LIMIT):
        for name, field in islice(one.items(), FIELDS_LIMIT):
            if (bare := vocabulary.bare(name)) in _TELLING:
                fields.setdefault(bare, field)
    if not fields:
        return NONE
    return Adornment(
        icon=_first_picture(fields, _ICONS),
        image=_first_picture(fields, _IMAGES),
        time=next((time for name in _TIMES if name in fields and (time := _time(fields[name])) is not None), None),
        actions=next((found for name in _BUTTONS if name in fields and (found := actions(fields[name]))), ()),
    )


def actions(value: object) -> tuple[Action, ...]:
    """The buttons in a list of objects, each with a label and a page; other elements are left out."""
    if not isinstance(value, list):
        return ()
    found = (_action(element) for element in value[: 4 * ACTIONS_LIMIT])
    return tuple(islice((action for action in found if action is not None), ACTIONS_LIMIT))


def action(label: str, link: str) -> Action | None:
    """A button; None if these cannot be one."""
    label, page = plaintext.line(label, LABEL_LIMIT), plaintext.link(link)
    return Action(label, page) if label and page else None


def _action(element: object) -> Action | None:
    if not isinstance(element, Mapping):
        return None
    fields = {vocabulary.bare(name): field for name, field in islice(element.items(), FIELDS_LIMIT)}
    kind = fields.get("action", fields.get("type"))
    if isinstance(kind, str) and vocabulary.bare(kind) not in _OPENS:
        return None
    label = next((text for name in _LABELS if (text := _text(fields.get(name)))), "")
    link = next((text for name in _PAGES if (text := _text(fields.get(name)))), "")
    return action(label, link)


def _objects(value: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield value
    for name, field in islice(value.items(), FIELDS_LIMIT):
        if isinstance(field, Mapping) and vocabulary.bare(name) in vocabulary.WRAPPERS:
            yield field


def _first_picture(fields: Mapping[str, Json], names: Iterable[str]) -> str | None:
    for name in names:
        if name not in fields:
            continue
        field = fields[name]
        if isinstance(field, list) and field:
            field = field[0]
        if isinstance(field, Mapping):
            field = field.get("url") or field.get("src") or field.get("href")
        if isinstance(field, str) and (link := plaintext.link(field)):
            return link
    return None


def _time(value: Json) -> float | None:
    return stamp.read(value, zone_needed=True)


def _text(value: object) -> str:
    """Slack's labels are objects with a text."""
    value = value.get("text") if isinstance(value, Mapping) else value
    return value if isinstance(value, str) else ""
