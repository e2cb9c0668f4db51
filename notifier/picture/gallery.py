"""A notification in, its pictures out, if they can be had in a moment.  What was had, and what was not, is remembered.

A bubble is worth more than its picture: nothing here fails, and nothing makes a bubble wait for longer than `PATIENCE`.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from notifier.notification import Notification, is_name
from notifier.picture import NONE, Picture, Pictures
from notifier.picture.download import NoPicture, download
from notifier.picture.drawing import draw
from notifier.stream import Stream

logger = logging.getLogger(__name__)

PATIENCE: Final = 3.0
"""Seconds that a bubble waits for its pictures."""
ICON: Final = 192
"""Pixels of the longer side."""
IMAGE: Final = 512
"""Pixels of the longer side."""
ICON_LASTS: Final = 3_600.0
"""Seconds.  A service has one icon, and shows it often."""
IMAGE_LASTS: Final = 30.0
"""Seconds, for the second try of a bubble.  What a camera saw is another picture each time, and has often one URL."""
ABSENCE_LASTS: Final = 60.0
"""Seconds in which what could not be had is not asked for again, so that a dead host delays one bubble and not all."""
PLACES: Final = 256
"""URLs that are remembered; the one that was used least lately is forgotten first."""
BYTES: Final = 8 << 20
"""Of all pictures that are remembered."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    picture: Picture | None
    until: float

    @property
    def size(self) -> int:
        return len(self.picture.rgba) + len(self.picture.png) if self.picture else 0


class Gallery:
    """The pictures of notifications."""

    def __init__(self, *, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is remembered yet."""
        self._patience, self._clock = patience, clock
        self._remembered: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()

    async def illustrate(self, notification: Notification, stream: Stream | None) -> Pictures:
        """The pictures of this notification of this stream; without a stream there are none to be had."""
        if stream is None or stream.pictures == "none":
            return NONE
        icon, image = notification.icon, notification.image
        async with asyncio.TaskGroup() as group:
            wanted = [
                group.create_task(self._have(url, stream, side, lasts), name="picture") if url else None
                for url, side, lasts in (
                    (None if icon is None or is_name(icon) else icon, ICON, ICON_LASTS),
                    (image, IMAGE, IMAGE_LASTS),
                )
            ]
        return Pictures(*(task.result() if task else None for task in wanted))

    async def _have(self, url: str, stream: Stream, side: int, lasts: float) -> Picture | None:
        place, host = (stream.name, f"{side} {url}"), (stream.name, f"host {urlsplit(url).netloc}")
        now = self._clock()
        for key in (place, host):
            if (known := self._remembered.get(key)) and known.until > now:
                self._remembered.move_to_end(key)
                return known.picture
        try:
            async with asyncio.timeout(self._patience):
                data = await download(url, stream)
                picture = await asyncio.to_thread(draw, data, side)
        except TimeoutError:
            logger.debug("%s: no picture from %s within %g s", stream.name, urlsplit(url).hostname, self._patience)
            self._remember(host, _Remembered(None, now + ABSENCE_LASTS))
            return None
        except (NoPicture, ValueError) as error:
            logger.debug("%s: no picture from %s: %s", stream.name, urlsplit(url).hostname, error)
            self._remember(place, _Remembered(None, now + ABSENCE_LASTS))
            return None
        self._remember(place, _Remembered(picture, now + lasts))
        return picture

    def _remember(self, key: tuple[str, str], remembered: _Remembered) -> None:
        self._remembered[key] = remembered
        self._remembered.move_to_end(key)
        size = sum(each.size for each in self._remembered.values())
        while len(self._remembered) > PLACES or (size > BYTES and len(self._remembered) > 1):
            _, forgotten = self._remembered.popitem(last=False)
            size -= forgotten.size
