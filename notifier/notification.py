"""What a rule makes of an event, ready to be shown.  Pure.

A :class:`Notification` holds text from strangers, so it can only be built from text that is safe to
hand to any desktop: no control characters, no lone surrogates, bounded, links to the web only.  Making
arbitrary text safe is `rules`' work; refusing what is not safe is done here.
"""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.parse import urlsplit

OURSELVES = "sse-notifier"
"""In place of a stream's name in what the program says of itself."""
TITLE_LIMIT = 200
"""Characters in a title."""
BODY_LIMIT = 2_000
"""Characters in a body."""
LINK_LIMIT = 2_048
"""Characters in a link."""
LABEL_LIMIT = 60
"""Characters in the label of an action."""
ACTIONS_LIMIT = 3
"""Actions of one notification; desktops draw no more."""
GROUP_LIMIT = 200
"""Characters in the name of a group."""
DIGEST_KEY, CRITICAL_DIGEST_KEY = "sse-notifier:digest", "sse-notifier:critical-digest"
SUMMARY_KEY = "sse-notifier:summary"
DIGESTS = frozenset({DIGEST_KEY, CRITICAL_DIGEST_KEY, SUMMARY_KEY})
"""Keys of bubbles that stand for many notifications."""
_NAME = re.compile("[a-z0-9][a-z0-9.-]{0,99}", re.IGNORECASE)
"""Of the freedesktop Icon Naming and Sound Naming Specifications."""
_USUAL_LINK = re.compile("https?://[0-9A-Za-z][0-9A-Za-z.-]*(?::[0-9]+)?(?:[/?#].*)?")
"""Most links; whether another text is one takes ten times as long to say."""


class Urgency(IntEnum):
    """Levels of the freedesktop Desktop Notifications Specification, section "Urgency Levels"."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a bubble; it opens a page."""

    label: str
    """One line, 1 to `LABEL_LIMIT` characters."""
    link: str
    """An absolute http or https URL."""

    def __post_init__(self) -> None:
        if not self.label.strip() or len(self.label) > LABEL_LIMIT or not is_plain(self.label):
            raise ValueError(f"the label of an action is one line of 1 to {LABEL_LIMIT} characters")
        if not is_web_link(self.link):
            raise ValueError("an action opens an absolute http or https URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to tell a person.

    Raises:
        ValueError: a field holds what must never reach a desktop.
    """

    stream: str
    """Name of the stream that the event came from."""
    title: str
    """One line, 1 to `TITLE_LIMIT` characters."""
    body: str = ""
    """Lines separated by LF, at most `BODY_LIMIT` characters; plain text, never markup."""
    urgency: Urgency = Urgency.NORMAL
    link: str | None = None
    """What a click opens: an absolute http or https URL."""
    key: str | None = None
    """A later notification of the same stream and key takes the place of this one's bubble."""
    identity: str | None = None
    """Two notifications of one stream and identity are the same one, told twice."""
    icon: str | None = None
    """What it is about: an absolute http or https URL of a small picture, or the name of an icon of the desktop."""
    image: str | None = None
    """What it shows: an absolute http or https URL of a picture."""
    time: float | None = None
    """When it happened, in seconds since 1970; None if that was not said."""
    group: str | None = None
    """Within the stream, what is told together in a flood."""
    sound: str | None = None
    """A name of the freedesktop Sound Naming Specification; "none" is silent; None leaves it to the desktop."""
    actions: tuple[Action, ...] = ()
    """Buttons, at most `ACTIONS_LIMIT`."""
    progress: int | None = None
    """How far a thing got, 0 to 100."""
    transient: bool = False
    """Whether the desktop need not keep it after the bubble is gone."""
    resident: bool = False
    """Whether the bubble stays after one of its buttons was clicked."""
    command: tuple[str, ...] = field(default=(), compare=False)
    """What the person's own rule runs for it: a program and its arguments.  Kept nowhere."""
    row: int | None = field(default=None, compare=False)
    """Its row in the history, once it is recorded; None for a digest, which stands for many."""

    @property
    def headline(self) -> str:
        """One line that tells it from others of its stream: a plain text is headed by nothing but the stream's name."""
        return self.title if self.title != self.stream else self.body.partition("\n")[0] or self.title

    def __post_init__(self) -> None:
        if not self.title.strip() or len(self.title) > TITLE_LIMIT:
            raise ValueError(f"a title has 1 to {TITLE_LIMIT} characters")
        if len(self.body) > BODY_LIMIT:
            raise ValueError(f"a body has at most {BODY_LIMIT} characters")
        if not (is_plain(self.title) and is_plain(self.body.replace("\n", ""))):
            raise ValueError("control characters and lone surrogates cannot be shown")
        if self.link is not None and not is_web_link(self.link):
            raise ValueError("a link is an absolute http or https URL")
        if self.icon is not None and not (is_name(self.icon) or is_web_link(self.icon)):
            raise ValueError("an icon is an absolute http or https URL, or the name of an icon")
        if self.image is not None and not is_web_link(self.image):
            raise ValueError("an image is an absolute http or https URL")
        if self.sound is not None and not is_name(self.sound):
            raise ValueError("a sound is the name of one")
        if self.group is not None and not (is_plain(self.group) and 0 < len(self.group) <= GROUP_LIMIT):
            raise ValueError(f"a group is one line of 1 to {GROUP_LIMIT} characters")
        if len(self.actions) > ACTIONS_LIMIT:
            raise ValueError(f"a notification has at most {ACTIONS_LIMIT} actions")
        if self.progress is not None and not 0 <= self.progress <= 100:
            raise ValueError("progress is 0 to 100")
        if self.time is not None and not math.isfinite(self.time):
            raise ValueError("a time is a number of seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The bubble of this stream and key is out of date and shall go."""

    stream: str
    key: str


def is_plain(text: str) -> bool:
    """Whether `text` is one line of characters that every desktop can draw."""
    return text.isprintable() or not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)


def is_name(text: str) -> bool:
    """Whether `text` may be the name of an icon or a sound of the desktop: no path, and no address."""
    return _NAME.fullmatch(text) is not None


def is_web_link(text: str) -> bool:
    """Whether `text` is an absolute http or https URL that is safe to hand to a browser."""
    if len(text) > LINK_LIMIT or not text.isprintable() or " " in text:
        return False
    if _USUAL_LINK.fullmatch(text):
        return True
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
