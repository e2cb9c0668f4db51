"""A desktop in, one bubble of each kind on it, and for each what came of it out: to see what this desktop can do."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from notifier.desktop import Desktop, Listener, choose, session_bus
from notifier.errors import BubbleFailed, UsageError
from notifier.language import _
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.picture import NONE, Picture, Pictures

BACKENDS: Final = ("dbus", "portal", "native", "plyer", "terminal")
STREAM: Final = "sse-notifier test"
LINK: Final = "https://example.org/"
SIZE: Final = 128
"""Pixels of the picture."""
TOGETHER: Final = 0.5
"""Seconds in which a person sees a bubble before the next one comes, or it is replaced or taken back."""


@dataclass
class Trial:
    """Shows the bubbles, and hears what the person does with them.

    Args:
        tell: takes a sentence about one bubble.
    """

    tell: Callable[[str], None]
    failed: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    """Titles of bubbles that were clicked or closed."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, desktop: Desktop, wait: float) -> None:
        """Show each kind, then hear for at most `wait` seconds what is done with them, where that can be heard."""
        shown = [notification.title for notification in kinds() if await self._show(desktop, notification)]
        for before, after in replaced():
            if await self._show(desktop, before):
                await asyncio.sleep(TOGETHER)
                await self._show(desktop, after)
        await self._take_back(desktop)
        try:
            async with asyncio.timeout(wait if shown and desktop.hears else 0):
                while not set(shown) <= self.heard:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return

    async def _show(self, desktop: Desktop, notification: Notification) -> bool:
        try:
            await desktop.show(notification)
        except BubbleFailed as error:
            self.failed.append(notification.title)
            self.tell(_("{title}: failed: {why}", title=notification.title, why=error))
            return False
        self.tell(_("{title}: shown", title=notification.title))
        return True

    async def _take_back(self, desktop: Desktop) -> None:
        gone = Notification(stream=STREAM, title=_("Taken back"), body=_("This one goes by itself."), key="gone")
        if not await self._show(desktop, gone):
            return
        await asyncio.sleep(TOGETHER)
        try:
            await desktop.withdraw(Withdrawal(stream=STREAM, key="gone"))
        except BubbleFailed as error:
            self.failed.append(gone.title)
            self.tell(_("{title}: failed: {why}", title=gone.title, why=error))

    def activate(self, notification: Notification, token: str = "") -> None:
        self._hear(notification, _("{title}: clicked", title=notification.title))

    def choose(self, notification: Notification, action: Action, token: str = "") -> None:
        self._hear(notification, _("{title}: the button {label}", title=notification.title, label=action.label))

    def dismiss(self, notification: Notification) -> None:
        # A click closes most bubbles too.
        if notification.title not in self.heard:
            self._hear(notification, _("{title}: closed by you", title=notification.title))

    async def illustrate(self, notification: Notification) -> Pictures:
        """A picture made here; nothing is fetched."""
        if notification.image is None:
            return NONE
        return Pictures(image=await asyncio.to_thread(picture))

    def _hear(self, notification: Notification, sentence: str) -> None:
        self.heard.add(notification.title)
        self.tell(sentence)
        self.changed.set()


def kinds() -> Iterator[Notification]:
    """One notification of each kind."""

    def make(title: str, body: str, **more: object) -> Notification:
        return Notification(stream=STREAM, title=title, body=body, **more)  # type: ignore[arg-type]

    yield make(_("Low urgency"), _("Some desktops draw this one paler."), urgency=Urgency.LOW)
    yield make(_("Normal urgency"), _("An ordinary bubble."))
    yield make(_("Critical urgency"), _("This one should stay until you close it."), urgency=Urgency.CRITICAL)
    yield make(_("With a link"), _("A click on it is told in the terminal."), link=LINK)
    yield make(
        _("With buttons"),
        _("Each button is told in the terminal."),
        link=LINK,
        actions=(Action(_("Yes"), f"{LINK}yes"), Action(_("No"), f"{LINK}no")),
    )
    yield make(_("With a picture"), _("A blue disc."), image=f"{LINK}disc.png")
    yield make(_("Long text"), " ".join(str(number) for number in range(1, 300)))
    yield make(_("Markup stays text"), "<b>1 < 2</b> & &amp; <a href='https://example.org'>link</a>")
    yield make(_("With a bar"), _("Not quite half of the way."), progress=42)
    yield make(_("With a sound"), _("Where the desktop plays sounds."), sound="message-new-instant")


def replaced() -> Iterator[tuple[Notification, Notification]]:
    """A notification, and the one that takes its place."""
    yield (
        Notification(stream=STREAM, title=_("Before"), body=_("Another one takes this place."), key="place"),
        Notification(stream=STREAM, title=_("After"), body=_("It took the place of the one before."), key="place"),
    )


def picture() -> Picture:
    """A disc, made here."""
    from PIL import Image, ImageDraw

    from notifier.picture.drawing import draw

    image = Image.new("RGBA", (SIZE, SIZE))
    ImageDraw.Draw(image).ellipse((0, 0, SIZE - 1, SIZE - 1), fill="#30a0ff")
    file = io.BytesIO()
    image.save(file, "PNG")
    return draw(file.getvalue(), SIZE)


async def open_desktop(
    backend: str | None, environ: Mapping[str, str], listener: Listener, write: Callable[[str], None]
) -> tuple[Desktop, str | None]:
    """The desktop of this name, or the one that is used here; and what the person should know of that choice.

    Raises:
        UsageError: there is no such backend, or not on this system.
        BubbleFailed: it cannot show anything.
    """
    if backend is None:
        choice = await choose(environ, listener, write)
        return choice.desktop, choice.complaint
    if backend not in BACKENDS:
        raise UsageError(_("a backend is one of {names}", names=", ".join(BACKENDS)))
    if backend == "terminal":
        from notifier.desktop.log import LogDesktop

        return LogDesktop(write), None
    if backend == "plyer":
        from notifier.desktop.plyer import PlyerDesktop

        return PlyerDesktop(environ), None
    if backend == "native":
        from notifier.desktop.native import NativeDesktop

        native = NativeDesktop(listener)
        async with _let_go_of(native):
            await native.meet()
        return native, None
    address = session_bus(environ)
    if address is None or not sys.platform.startswith("linux"):
        raise UsageError(_("this backend needs a session bus, and there is none"))
    if backend == "portal":
        from notifier.desktop.portal import PortalDesktop

        portal = PortalDesktop(address, listener, environ)
        async with _let_go_of(portal):
            await portal.meet()
        return portal, None
    from notifier.desktop.dbus import DBusDesktop

    daemon = DBusDesktop(address, listener)
    async with _let_go_of(daemon):
        await daemon.meet()
        inhibited = await daemon.is_inhibited()
    return daemon, _("Do Not Disturb is on") if inhibited else None


@asynccontextmanager
async def _let_go_of(desktop: Desktop) -> AsyncIterator[None]:
    """Close it if the block fails: nobody else would, who never gets it."""
    try:
        yield
    except BaseException:
        await desktop.close()
        raise
