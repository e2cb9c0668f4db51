"""A notification in, a bubble out through the portal: the way out of Flatpak and Snap, where no daemon can be reached.

The portal tells of clicks, and of nothing else: neither that a bubble was closed nor that it is kept back.  It has no
bar and no sound, so progress is told in words.  A bubble is known by a name of ours, so none is ever doubled.

Debian 12's GTK backend of the portal (1.14.1) keeps a bubble that took another one's place twice in its list, and
frees it once when it closes: the next one crashes it, after the portal has said that it took it.  So at portals as old
as that a bubble is taken back and shown anew.  (https://github.com/flatpak/xdg-desktop-portal-gtk/pull/443)
Follows org.freedesktop.portal.Notification, version 1.
"""

import asyncio
import io
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from notifier.desktop import Listener
from notifier.desktop.bubble import DEFAULT
from notifier.desktop.bus import BUS, DEADLINE, REMEMBERED, catch_up, connect, hang_up, nobody_is_there, what
from notifier.desktop.text import action_key, action_of, identifier_of, name_of, with_progress
from notifier.errors import BubbleFailed
from notifier.language import N_, _
from notifier.notification import Notification, Urgency, Withdrawal, is_name
from notifier.picture import Pictures

logger = logging.getLogger(__name__)

PORTAL: Final = "org.freedesktop.portal.Desktop"
PATH: Final = "/org/freedesktop/portal/desktop"
INTERFACE: Final = "org.freedesktop.portal.Notification"
RULES: Final = (
    f"type='signal',sender='{PORTAL}',interface='{INTERFACE}',member='ActionInvoked',path='{PATH}'",
    f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{PORTAL}'",
)
NO_PORTAL: Final = N_("No portal answers on the session bus: install xdg-desktop-portal")
PRIORITIES: Final = {Urgency.LOW: "low", Urgency.NORMAL: "normal", Urgency.CRITICAL: "urgent"}
SOUND_SINCE: Final = 2
"""Version of the portal.  Before, each desktop but GNOME takes the body for markup, though it is none, and what draws
for it may crash over a bubble in another one's place."""
SETTLING: Final = 0.2
"""Seconds until the desktop has surely answered the portal.  The portal answers us at once; of a bubble whose number it
does not know yet it cannot be told anything else."""
LOOK_ALIKES: Final = str.maketrans("<>", "\u2039\u203a")


class PortalDesktop:
    """The notification portal on one session bus.

    Args:
        address: of the session bus, as in DBUS_SESSION_BUS_ADDRESS.
        listener: hears of clicks, and is asked for pictures.
        environ: of this process; it says which desktop this is.
        deadline: seconds for one bubble.
    """

    hears = True

    def __init__(
        self, address: str, listener: Listener, environ: Mapping[str, str], *, deadline: float = DEADLINE
    ) -> None:
        self._address, self._listener, self._deadline = address, listener, deadline
        self._is_gnome = "GNOME" in environ.get("XDG_CURRENT_DESKTOP", "").split(":")
        self._bus: MessageBus | None = None
        self._owner: str | None = None
        """Unique name of the portal; nobody else's signals are believed."""
        self._version: int | None = None
        self._question: asyncio.Future[Message] | None = None
        """The call that may not be answered yet: a portal that hangs is told no more."""
        self._shown: OrderedDict[str, Notification] = OrderedDict()
        self._told_at: OrderedDict[str, float] = OrderedDict()
        """When, on the loop's clock, the portal was told of these, at most `REMEMBERED`, the newest last."""
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return _("the notification portal")

    async def meet(self) -> None:
        """Find out whether there is a portal that shows notifications.

        Raises:
            BubbleFailed: there is none, or it did not answer within the deadline.
        """
        await self._within_the_deadline(self._introduce)

    async def show(self, notification: Notification) -> None:
        """Show a bubble, or put it in the place of the one with the same stream and key."""
        pictures = await self._listener.illustrate(notification)
        await self._within_the_deadline(partial(self._show, notification, pictures))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Take back the bubble of this stream and key."""
        name = identifier_of(withdrawal.stream, withdrawal.key)
        if name in self._shown:
            await self._within_the_deadline(partial(self._take_back, name))

    async def close(self) -> None:
        bus, self._bus = self._bus, None
        if self._question is not None:
            self._question.cancel()
        if bus is not None and bus.connected:
            await hang_up(bus)

    async def _within_the_deadline(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._deadline), self._turn:
                await work()
        except TimeoutError as error:
            raise BubbleFailed(
                _("No answer from {name} within {seconds} s", name=self.name, seconds=f"{self._deadline:g}")
            ) from error
        except (OSError, EOFError, DBusFastError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise BubbleFailed(_("The session bus cannot be reached ({why})", why=why)) from error

    async def _introduce(self) -> None:
        await self._ask_version(await self._connect())

    async def _show(self, notification: Notification, pictures: Pictures) -> None:
        bus = await self._connect()
        version = self._version or await self._ask_version(bus)
        name = name_of(notification)
        is_sound = self._is_gnome or version >= SOUND_SINCE
        if name in self._shown and not is_sound:
            await self._remove(bus, name)
        # Even if no answer comes, it may be there.
        self._shown[name] = notification
        self._shown.move_to_end(name)
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        told = notification_of(notification, pictures, is_plain=is_sound)
        answer = await self._ask(bus, INTERFACE, "AddNotification", "sa{sv}", [name, told])
        if nobody_is_there(answer):
            raise BubbleFailed(_(NO_PORTAL))
        if answer.message_type is MessageType.ERROR:
            raise BubbleFailed(_("{name} did not take the bubble ({why})", name=self.name, why=what(answer)))
        self._told_at[name] = asyncio.get_running_loop().time()
        self._told_at.move_to_end(name)
        if len(self._told_at) > REMEMBERED:
            self._told_at.popitem(last=False)

    async def _take_back(self, name: str) -> None:
        self._shown.pop(name, None)
        await self._remove(await self._connect(), name)

    async def _remove(self, bus: MessageBus, name: str) -> None:
        settled = self._told_at.get(name, 0.0) + SETTLING
        await asyncio.sleep(max(0.0, settled - asyncio.get_running_loop().time()))
        await self._ask(bus, INTERFACE, "RemoveNotification", "s", [name])

    async def _connect(self) -> MessageBus:
        await catch_up()
        if self._bus is not None and self._bus.connected:
            return self._bus
        if self._question is not None:
            self._question.cancel()
        self._bus, self._question, self._version, self._owner = None, None, None, None
        self._bus = await connect(self._address, self._on_message, RULES)
        return self._bus

    async def _ask_version(self, bus: MessageBus) -> int:
        answer = await self._ask(bus, "org.freedesktop.DBus.Properties", "Get", "ss", [INTERFACE, "version"])
        if answer.message_type is MessageType.ERROR or answer.signature != "v":
            if nobody_is_there(answer):
                raise BubbleFailed(_(NO_PORTAL))
            raise BubbleFailed(_("The portal shows no notifications ({why})", why=what(answer)))
        self._owner = answer.sender
        self._version = int(answer.body[0].value)
        logger.info("%s", _("bubbles are shown by the notification portal, version {version}", version=self._version))
        return self._version

    async def _ask(self, bus: MessageBus, interface: str, member: str, signature: str, body: list[object]) -> Message:
        if self._question is not None and not self._question.done():
            await asyncio.shield(self._question)
        question = Message(PORTAL, PATH, interface, member, MessageType.METHOD_CALL, MessageFlag.NONE)
        question.signature, question.body = signature, body
        self._question = asyncio.ensure_future(bus.call(question))
        # The question outlives this wait.
        return await asyncio.shield(self._question)

    def _on_message(self, message: Message) -> bool:
        if message.message_type is not MessageType.SIGNAL:
            return False
        match message.sender, message.member, message.signature, message.body:
            case sender, "NameOwnerChanged", "sss", [str(name), _, str(owner)] if sender == BUS and name == PORTAL:
                self._version, self._owner = None, owner
            case sender, "ActionInvoked", "ssav", [str(name), str(key), _] if sender == self._owner:
                if notification := self._shown.get(name):
                    self._hear(notification, key)
        return False

    def _hear(self, notification: Notification, key: str) -> None:
        loop = asyncio.get_running_loop()
        if key == DEFAULT:
            loop.call_soon(self._listener.activate, notification)
        elif action := action_of(key, notification):
            loop.call_soon(self._listener.choose, notification, action)


def notification_of(notification: Notification, pictures: Pictures, *, is_plain: bool) -> dict[str, Variant]:
    """The notification as the portal has it.

    Args:
        notification: What to show.
        pictures: Its pictures.
        is_plain: Whether the body is shown as it is; otherwise what could be markup is written with other characters.
    """
    body = with_progress(notification.body, notification.progress)
    told = {
        "title": Variant("s", notification.title),
        "body": Variant("s", body if is_plain else body.translate(LOOK_ALIKES)),
        "priority": Variant("s", PRIORITIES[notification.urgency]),
        # Without one, a click closes the bubble and nobody is told.
        "default-action": Variant("s", DEFAULT),
    }
    if notification.actions:
        buttons = [
            {"label": Variant("s", action.label), "action": Variant("s", action_key(number))}
            for number, action in enumerate(notification.actions)
        ]
        told["buttons"] = Variant("aa{sv}", buttons)
    if (picture := pictures.image or pictures.icon) is not None:
        told["icon"] = Variant("(sv)", ["bytes", Variant("ay", square(picture.png))])
    elif notification.icon is not None and is_name(notification.icon):
        told["icon"] = Variant("(sv)", ["themed", Variant("as", [notification.icon])])
    return told


def square(png: bytes) -> bytes:
    """The picture in the middle of a square: the portal refuses others without a word."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        side = max(opened.size)
        if opened.size == (side, side):
            return png
        made = Image.new("RGBA", (side, side))
        made.paste(opened, ((side - opened.width) // 2, (side - opened.height) // 2))
    file = io.BytesIO()
    made.save(file, "PNG")
    return file.getvalue()
