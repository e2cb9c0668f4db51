"""A notification in, a bubble of Windows or macOS out, by the library desktop-notifier; clicks and closings come back.

The library swallows what goes wrong and calls back where it likes: on macOS on the main thread, where the tray has
the run loop that it needs, on Windows and Linux on the loop.  So here each callback is only posted to the loop, each
bubble has a deadline, and one counts as shown when the library said that it was dispatched.  It works on Linux too,
where it is tested; there notifier.desktop.dbus does more.
"""

import asyncio
import contextlib
import html
import itertools
import logging
import shutil
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from notifier.desktop import Listener
from notifier.desktop.text import action_key, action_of, clamp, identifier_of, name_of, with_progress
from notifier.errors import BubbleFailed
from notifier.language import _
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.picture import Picture, Pictures

if TYPE_CHECKING:
    import desktop_notifier as library

logger = logging.getLogger(__name__)

APP_NAME: Final = "sse-notifier"
APP_ICON: Final = Path(__file__).parents[1] / "assets" / "sse-notifier.png"
DEADLINE: Final = 5.0
"""Seconds for one bubble."""
REMEMBERED: Final = 256
"""Bubbles whose click is still understood; the oldest is forgotten first."""
FILES: Final = 32
"""Files of pictures that are kept; Windows reads them as long as the bubble is in its list."""
WINDOWS_TITLE: Final = 128
"""UTF-16 units.  Windows draws two lines of a title and four of a body, and takes a toast of 5 KB at most: five times
the sum of both, if each character had to be written as an entity."""
WINDOWS_BODY: Final = 700
"""UTF-16 units."""
NO_XML: Final = dict.fromkeys((0xFFFE, 0xFFFF), "\ufffd")
"""Characters that XML, and so a toast, cannot hold (XML 1.0 2.2)."""


class NativeDesktop:
    """The notifications of the system, as far as desktop-notifier reaches them.

    Args:
        listener: hears what the person does with the bubbles, and is asked for their pictures.
        deadline: seconds for one bubble.
        platform: as `sys.platform`; it decides what the text has to look like.
        make: makes the library's notifier; its own by default.
    """

    hears = True

    def __init__(
        self,
        listener: Listener,
        *,
        deadline: float = DEADLINE,
        platform: str = sys.platform,
        make: "Callable[[], library.DesktopNotifier] | None" = None,
    ) -> None:
        self._listener, self._deadline, self._platform = listener, deadline, platform
        self._make = make or make_notifier
        self._notifier: library.DesktopNotifier | None = None
        self._loop = asyncio.get_running_loop()
        self._shown: OrderedDict[str, Notification] = OrderedDict()
        self._may: asyncio.Future[bool] | None = None
        """Whether the person lets us, while that is asked."""
        self._trouble = _Overheard()
        self._files: Path | None = None
        self._file_numbers = itertools.count()
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return {"win32": "Windows", "darwin": "macOS"}.get(self._platform, "desktop-notifier")

    async def meet(self) -> None:
        """Find out whether anything can be shown here.

        Raises:
            BubbleFailed: nothing can.
        """

        async def meet() -> None:
            await self._introduce()

        await self._within_the_deadline(meet)

    async def show(self, notification: Notification) -> None:
        """Show a bubble, or put it in the place of the one with the same stream and key."""
        await self.meet()  # nobody looks for the pictures of a bubble that cannot be shown
        pictures = await self._listener.illustrate(notification)
        await self._within_the_deadline(lambda: self._show(notification, pictures))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Take back the bubble of this stream and key, from the list of notifications too."""
        name = identifier_of(withdrawal.stream, withdrawal.key)
        if name in self._shown:
            await self._within_the_deadline(lambda: self._clear(name))

    async def close(self) -> None:
        if self._may is not None:
            self._may.cancel()
        self._drop()
        if self._files is not None:
            await asyncio.to_thread(shutil.rmtree, self._files, ignore_errors=True)

    async def _within_the_deadline(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._deadline), self._turn:
                await work()
        except TimeoutError as error:
            if self._may is not None and not self._may.done():
                raise BubbleFailed(
                    _("{name} asks whether this program may show notifications: allow it", name=self.name)
                ) from error
            # It is not known what became of it; the next bubble gets a new start.
            self._drop()
            raise BubbleFailed(
                _("{name} did not answer within {seconds} s", name=self.name, seconds=f"{self._deadline:g}")
            ) from error
        except BubbleFailed:
            raise
        except ImportError as error:
            raise BubbleFailed(
                _(
                    "{name} needs the package desktop-notifier in the environment that sse-notifier was installed in",
                    name=self.name,
                )
            ) from error
        except Exception as error:  # the library's parts raise what they like
            self._drop()
            raise BubbleFailed(
                _("{name} cannot be asked for bubbles ({why})", name=self.name, why=type(error).__name__)
            ) from error

    async def _introduce(self) -> "library.DesktopNotifier":
        if self._notifier is not None:
            return self._notifier
        from desktop_notifier import Capability

        notifier = self._make()
        able = await notifier.get_capabilities()
        if Capability.TITLE not in able:
            if self._platform == "darwin":
                raise BubbleFailed(
                    _("macOS shows bubbles only of app bundles, and this Python is none: use the one of python.org")
                )
            raise BubbleFailed(_("{name} has no notifications that desktop-notifier knows", name=self.name))
        notifier.on_clicked = lambda name: self._post(self._hear_click, name)
        notifier.on_dismissed = lambda name: self._post(self._hear_closing, name)
        notifier.on_button_pressed = lambda name, button: self._post(self._hear_button, name, button)
        self._trouble.listen()
        self._notifier = notifier
        logger.info("%s", _("bubbles are shown by {name}", name=self.name))
        return notifier

    async def _show(self, notification: Notification, pictures: Pictures) -> None:
        notifier = await self._introduce()
        if not await self._is_allowed(notifier):
            raise BubbleFailed(
                _("{name} is set to show no notifications of this program: allow them in its settings", name=self.name)
            )
        name = name_of(notification)
        if self._platform.startswith("linux") and name in self._shown:
            await self._clear(name)  # elsewhere the same name takes the place
        dispatched: list[bool] = []
        bubble = bubble_of(
            notification,
            name,
            self._platform,
            icon=self._file(pictures.icon),
            attachment=self._file(pictures.image),
            on_dispatched=lambda: dispatched.append(True),
        )
        self._trouble.last = None
        await notifier.send_notification(bubble)
        if not dispatched:
            self._drop()
            why = type(self._trouble.last).__name__ if self._trouble.last else _("no reason given")
            raise BubbleFailed(_("{name} did not take the bubble ({why})", name=self.name, why=why))
        self._shown[name] = notification
        self._shown.move_to_end(name)
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)

    async def _is_allowed(self, notifier: "library.DesktopNotifier") -> bool:
        """macOS asks the person the first time, and answers only then; later it answers at once."""
        if self._may is None or self._may.done():
            self._may = asyncio.ensure_future(notifier.request_authorisation())
        # The question outlives a bubble that cannot wait for the answer.
        return await asyncio.shield(self._may)

    async def _clear(self, name: str) -> None:
        self._shown.pop(name, None)
        if self._notifier is not None:
            with contextlib.suppress(KeyError):  # gone already
                await self._notifier.clear(name)

    def _file(self, picture: Picture | None) -> Path | None:
        """The picture as a file; of the oldest ones nothing is left."""
        if picture is None:
            return None
        if self._files is None:
            self._files = Path(tempfile.mkdtemp(prefix="sse-notifier-"))
        number = next(self._file_numbers)
        path = self._files / f"{number}.png"
        path.write_bytes(picture.png)
        (self._files / f"{number - FILES}.png").unlink(missing_ok=True)
        return path

    def _drop(self) -> None:
        self._notifier = None
        self._shown.clear()
        self._trouble.ignore()

    def _post(self, hear: Callable[..., None], *what: str) -> None:
        """From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to hear it
            self._loop.call_soon_threadsafe(hear, *what)

    def _hear_click(self, name: str) -> None:
        if notification := self._shown.pop(name, None):
            self._listener.activate(notification)

    def _hear_closing(self, name: str) -> None:
        if notification := self._shown.pop(name, None):
            self._listener.dismiss(notification)

    def _hear_button(self, name: str, button: str) -> None:
        notification = self._shown.pop(name, None)
        if notification is not None and (action := action_of(button, notification)):
            self._listener.choose(notification, action)


class _Overheard(logging.Filter):
    """Why the library could not show a bubble: it says so only in its log, and with the text of the bubble."""

    LOGGER: Final = "desktop_notifier.backends.base"

    def __init__(self) -> None:
        super().__init__()
        self.last: BaseException | None = None

    def listen(self) -> None:
        log = logging.getLogger(self.LOGGER)
        log.setLevel(logging.WARNING)  # below, it logs the text of each bubble
        log.addFilter(self)

    def ignore(self) -> None:
        logging.getLogger(self.LOGGER).removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        self.last = record.exc_info[1] if record.exc_info else None
        return False


def make_notifier() -> "library.DesktopNotifier":
    """The library's own, with our name and icon."""
    from desktop_notifier import DesktopNotifier, Icon

    return DesktopNotifier(APP_NAME, Icon(path=APP_ICON))


def bubble_of(
    notification: Notification,
    name: str,
    platform: str,
    *,
    icon: Path | None = None,
    attachment: Path | None = None,
    on_dispatched: Callable[[], object] | None = None,
) -> "library.Notification":
    """The notification as the library has it."""
    import desktop_notifier as library

    urgencies = {
        Urgency.LOW: library.Urgency.Low,
        Urgency.NORMAL: library.Urgency.Normal,
        Urgency.CRITICAL: library.Urgency.Critical,
    }
    title, body = text_for(platform, notification)
    return library.Notification(
        title,
        body,
        urgency=urgencies[notification.urgency],
        icon=library.Icon(path=icon) if icon else None,
        attachment=library.Attachment(path=attachment) if attachment else None,
        buttons=tuple(
            library.Button(drawable(platform, action.label), identifier=action_key(number))
            for number, action in enumerate(notification.actions)
        ),
        sound=library.DEFAULT_SOUND if is_loud(platform, notification.sound) else None,
        thread=drawable(platform, notification.stream),
        on_dispatched=on_dispatched,
        identifier=name,
    )


def text_for(platform: str, notification: Notification) -> tuple[str, str]:
    """Title and body as this platform draws them unharmed."""
    title, body = notification.title, with_progress(notification.body, notification.progress)
    if platform == "win32":
        return clamp(drawable(platform, title), WINDOWS_TITLE), clamp(drawable(platform, body), WINDOWS_BODY)
    if platform.startswith("linux"):
        return title, html.escape(body, quote=False)  # the library leaves markup to the daemon
    return title, body


def drawable(platform: str, text: str) -> str:
    """`text` without the characters for which this platform would refuse the whole bubble."""
    return text.translate(NO_XML) if platform == "win32" else text


def is_loud(platform: str, sound: str | None) -> bool:
    """Whether the system's own sound is asked for.

    The names of freedesktop's sounds mean nothing to other systems.  Where nothing was said, the system's habit counts:
    Windows is heard unless it is told to be silent, macOS is silent unless it is told to be heard.
    """
    return sound != "none" and (sound is not None or platform == "win32")
