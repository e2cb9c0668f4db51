"""A notification and what a daemon can do in, the arguments of its `Notify` out.  Pure.

Follows the Desktop Notifications Specification 1.2; what is beyond it is said where it is used.
"""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dbus_fast import Variant

from notifier.desktop.text import action_key, with_progress
from notifier.language import _
from notifier.notification import DIGESTS, Notification, is_name
from notifier.picture import NONE, Picture, Pictures

DAEMON: Final = "org.freedesktop.Notifications"
DAEMON_PATH: Final = "/org/freedesktop/Notifications"
APP_NAME: Final = "sse-notifier"
APP_ICON: Final = (Path(__file__).parents[1] / "assets" / "sse-notifier-48.png").as_uri()
"""Small, since some daemons draw a picture as large as it is."""
SIGNATURE: Final = "susssasa{sv}i"
"""Of the arguments."""
DEFAULT: Final = "default"
"""Key of what a click on the bubble itself does."""
THEIR_TIME: Final = -1
"""The daemon and its user know best how long a bubble stays."""
DRAWS_PROGRESS: Final = {"dunst", "mako", "fnott", "SwayNotificationCenter"}
"""Daemons that are known to draw the hint `value` as a bar beside the text.  It is in no specification, and no
capability tells it.  Xfce and notify-osd draw the bar in place of text and buttons, so they are not asked for one."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a daemon says of itself."""

    name: str
    """Without its version."""
    version: str = ""
    specification: str = "1.2"
    capabilities: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.name} {self.version}".strip()

    @property
    def shows_pictures(self) -> bool:
        return bool(self.capabilities & {"icon-static", "icon-multi", "body-images"})


def arguments(notification: Notification, server: Server, replaces: int = 0, pictures: Pictures = NONE) -> list[object]:
    """What to call `Notify` with; `replaces` is the id of a bubble whose place this one takes, 0 for none."""
    return [
        APP_NAME,
        replaces,
        icon_of(notification),
        notification.title,
        body_of(notification, server),
        actions_of(notification, server),
        hints_of(notification, server, pictures),
        THEIR_TIME,
    ]


def icon_of(notification: Notification) -> str:
    """A name of the desktop's icon theme, or else our own icon; a picture from the web goes with the hints."""
    return notification.icon if notification.icon is not None and is_name(notification.icon) else APP_ICON


def body_of(notification: Notification, server: Server) -> str:
    """The body so that this daemon draws each character of it as it is (section "Markup").

    What it cannot draw otherwise, a bar and a link, is told in words.
    """
    has_markup = "body-markup" in server.capabilities
    body = notification.body
    if server.name not in DRAWS_PROGRESS:
        body = with_progress(body, notification.progress)
    if has_markup:
        body = html.escape(body, quote=False)
    if notification.link is None or "actions" in server.capabilities:
        return body
    link = notification.link
    if has_markup and "body-hyperlinks" in server.capabilities:
        link = f'<a href="{html.escape(link)}">{html.escape(_("Open link"))}</a>'
    elif has_markup:
        link = html.escape(link, quote=False)
    return f"{body}\n{link}".lstrip("\n")


def actions_of(notification: Notification, server: Server) -> list[str]:
    """Pairs of key and label.  Xfce draws the default action as a button too, so it has a label to read."""
    if "actions" not in server.capabilities:
        return []
    pairs = []
    if notification.link is not None:
        pairs.append((DEFAULT, _("Open link")))
    elif notification.key in DIGESTS:
        pairs.append((DEFAULT, _("Show history")))
    pairs += [(action_key(number), action.label) for number, action in enumerate(notification.actions)]
    return [part for pair in pairs for part in pair]


def hints_of(notification: Notification, server: Server, pictures: Pictures = NONE) -> dict[str, Variant]:
    """Section "Hints"; daemons ignore an urgency that is not a byte, and pass over hints that they do not know."""
    hints = {
        "urgency": Variant("y", int(notification.urgency)),
        "category": Variant("s", "network"),
        "desktop-entry": Variant("s", APP_NAME),
    }
    hints |= {name: Variant("b", True) for name in ("transient", "resident") if getattr(notification, name)}  # noqa: FBT003
    if notification.progress is not None and server.name in DRAWS_PROGRESS:
        hints["value"] = Variant("i", notification.progress)
    if notification.sound is not None and "sound" in server.capabilities:
        is_silent = notification.sound == "none"
        hints |= (
            {"suppress-sound": Variant("b", True)}  # noqa: FBT003
            if is_silent
            else {"sound-name": Variant("s", notification.sound)}
        )
    # There is one place for a picture: an icon of the theme may stand beside it, another picture may not.
    if (picture := pictures.image or pictures.icon) is not None:
        hints[image_hint(server.specification)] = image_data(picture)
    return hints


def image_hint(specification: str) -> str:
    """The hint was renamed twice (section "Icons and Images")."""
    return {"1.1": "image_data", "1.0": "icon_data", "0.9": "icon_data"}.get(specification, "image-data")


def image_data(picture: Picture) -> Variant:
    """Width, height, bytes per row, has opacity, bits per sample, samples per pixel, and the pixels."""
    return Variant("(iiibiiay)", [picture.width, picture.height, 4 * picture.width, True, 8, 4, picture.rgba])


def one_line(text: str, limit: int = 64) -> str:
    """What a stranger calls itself, fit for a sentence."""
    return "".join(c for c in text if c.isprintable())[:limit].strip()
