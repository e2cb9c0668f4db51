"""Notifications for the tests of the desktop, who hears what becomes of them, and a daemon with habits of its own."""

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from PIL import Image, ImageDraw

from notifier.notification import Action, Notification, Urgency
from notifier.picture import NONE, Picture, Pictures
from notifier.picture.drawing import draw
from tests.desktop.rig import NOTIFICATIONS

BUILD = Notification(
    stream="ci",
    title="Build failed: main",
    body="test_wire on Python 3.13\n2 failed, 418 passed",
    urgency=Urgency.CRITICAL,
    link="https://ci.example/builds/42",
    key="main",
)


def plain(title: str, body: str = "") -> Notification:
    """A notification of stream ci with nothing but text."""
    return Notification(stream="ci", title=title, body=body)


def drawn(color: str, size: tuple[int, int] = (64, 64)) -> Picture:
    """A disc of this color before nothing."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=color)
    file = io.BytesIO()
    image.save(file, "PNG")
    return draw(file.getvalue(), max(size))


@dataclass
class Person:
    """What was done with bubbles; and the pictures that those have."""

    clicked: list[Notification] = field(default_factory=list)
    chosen: list[tuple[Notification, Action]] = field(default_factory=list)
    dismissed: list[Notification] = field(default_factory=list)
    pictures: Pictures = NONE
    tokens: list[str] = field(default_factory=list)
    """With which they were clicked and chosen."""

    def activate(self, notification: Notification, token: str = "") -> None:
        self.clicked.append(notification)
        self.tokens.append(token)

    def choose(self, notification: Notification, action: Action, token: str = "") -> None:
        self.chosen.append((notification, action))
        self.tokens.append(token)

    def dismiss(self, notification: Notification) -> None:
        self.dismissed.append(notification)

    async def illustrate(self, notification: Notification) -> Pictures:
        return self.pictures


class OwnDaemon:
    """A notification daemon of the test: it can what it is told it can, and answers as it is told."""

    def __init__(self, capabilities: Sequence[str], bus: MessageBus) -> None:
        self.capabilities = list(capabilities)
        self.calls: list[Message] = []
        self.error: str | None = None
        self.signature = "u"
        self.inhibited = False
        self.bus = bus

    def answer(self, message: Message) -> Message | bool:
        if message.member == "Get" and message.body == [NOTIFICATIONS, "Inhibited"]:
            return Message.new_method_return(message, "v", [Variant("b", self.inhibited)])
        if message.message_type is not MessageType.METHOD_CALL or message.interface != NOTIFICATIONS:
            return False
        match message.member:
            case "GetServerInformation":
                return Message.new_method_return(message, "ssss", ["own\x1b[31m", "tests", "1", "1.2"])
            case "GetCapabilities":
                return Message.new_method_return(message, "as", [self.capabilities])
        self.calls.append(message)
        if self.error is not None:
            return Message.new_error(message, self.error, "secret text")
        answers = {"u": len(self.calls), "s": "seven"}
        return Message.new_method_return(message, self.signature, [answers[self.signature]])

    async def say(self, member: str, number: int, text: str) -> None:
        """A signal about one bubble."""
        signal = Message(
            path="/org/freedesktop/Notifications", interface=NOTIFICATIONS, member=member,
            message_type=MessageType.SIGNAL, signature="us", body=[number, text],
        )  # fmt: skip
        await self.bus.send(signal)


@asynccontextmanager
async def own_daemon(address: str, *capabilities: str) -> AsyncIterator[OwnDaemon]:
    """An :class:`OwnDaemon` on the bus; there must be no other."""
    bus = await MessageBus(address).connect()
    daemon = OwnDaemon(capabilities, bus)
    try:
        bus.add_message_handler(daemon.answer)
        await bus.request_name(NOTIFICATIONS)
        yield daemon
    finally:
        bus.disconnect()
