"""A notification in, a bubble of the freedesktop notification daemon out; clicks on it and its closing come back.

It neither starts a daemon again and again nor keeps a notification that was not shown: the caller still has it.
Follows the Desktop Notifications Specification 1.2 and the D-Bus Specification 0.41.

There is one connection, and on it at most one question waits for its answer.  A daemon answers in the order it was
asked, so while it hangs there is no use in telling it more: each bubble fails at its deadline, nothing piles up, and
when the daemon wakes up it shows what it was asked last and nothing twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from notifier.desktop import BubbleUnanswered, Listener
from notifier.desktop.bubble import DAEMON, DAEMON_PATH, DEFAULT, SIGNATURE, Server, arguments, one_line
from notifier.desktop.bus import BUS, DEADLINE, REMEMBERED, catch_up, connect, hang_up, nobody_is_there, what
from notifier.desktop.inhibition import is_inhibited
from notifier.desktop.text import action_of
from notifier.errors import BubbleFailed
from notifier.language import N_, _
from notifier.notification import Notification, Withdrawal
from notifier.picture import NONE, Pictures

logger = logging.getLogger(__name__)

START_AGAIN: Final = 60.0
"""Seconds until the bus is asked again to start a daemon that it failed to start."""
BY_THE_PERSON: Final = 2
"""Why a bubble was closed: "The notification was dismissed by the user"."""

RULES: Final = (
    f"type='signal',sender='{DAEMON}',interface='{DAEMON}',path='{DAEMON_PATH}'",
    f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{DAEMON}'",
)

NO_DAEMON: Final = N_("No notification daemon answers on the session bus: install one, e.g. `apt install dunst`")


@dataclass(frozen=True, slots=True)
class Question:
    """A call that was sent and not answered yet."""

    serial: int
    notification: Notification | None
    """Set if it asks for a bubble."""
    answer: asyncio.Future[Message]
    outcome: asyncio.Future[bool]
    """Whether it shows the bubble; cancelled if the bus went away."""

    @property
    def is_shown(self) -> bool:
        """Whether it was answered that it shows the bubble."""
        return self.outcome.done() and not self.outcome.cancelled() and self.outcome.result()


class DBusDesktop:
    """The notification daemon on one session bus.

    Args:
        address: of the session bus, as in DBUS_SESSION_BUS_ADDRESS.
        listener: hears what the person does with the bubbles, and is asked for their pictures.
        deadline: seconds for one bubble.
    """

    hears = True

    def __init__(self, address: str, listener: Listener, *, deadline: float = DEADLINE) -> None:
        self._address, self._listener, self._deadline = address, listener, deadline
        self._bus: MessageBus | None = None
        self._owner: str | None = None
        """Unique name of the daemon; nobody else's signals are believed."""
        self._server: Server | None = None
        self._question: Question | None = None
        self._shown: dict[int, Notification] = {}
        """By the daemon's id, at most `REMEMBERED`, the newest last."""
        self._token = (0, "")
        """The bubble that is about to be clicked, and the token for what the click opens."""
        self._start_again = 0.0
        """When, on the loop's clock, the bus may be asked to start a daemon."""
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._server.title if self._server else _("the notification daemon")

    async def meet(self) -> None:
        """Ask who shows the bubbles; the bus may start a daemon for this.

        Raises:
            BubbleFailed: nobody does, or nobody said so within the deadline.
        """
        await self._within_the_deadline(self._introduce)

    async def is_inhibited(self) -> bool | None:
        """Whether the daemon keeps bubbles back ("Do Not Disturb"); None where that cannot be known."""
        if self._bus is None or self._server is None or not self._bus.connected:
            return None
        return await is_inhibited(self._bus, self._server)

    async def show(self, notification: Notification) -> None:
        """Show a bubble, or put it in the place of the one with the same stream and key.

        While the last one is unanswered this waits for that answer.  If it was shown after all, this one is not: it may
        be the same, or tell of it, which its caller can know only now.
        """
        pictures = NONE
        if self._server is None or self._server.shows_pictures:
            pictures = await self._listener.illustrate(notification)
        try:
            await self._within_the_deadline(partial(self._show, notification, pictures))
        except BubbleFailed as error:
            if self._question is not None and self._question.notification is notification:
                raise BubbleUnanswered(str(error), self._question.outcome) from error
            raise

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Close the bubble of this stream and key, if it is still there."""
        await self._within_the_deadline(partial(self._take_back, withdrawal))

    async def close(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None and bus.connected:
            await hang_up(bus)

    async def _within_the_deadline(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._deadline), self._turn:
                try:
                    await work()
                except (OSError, EOFError, DBusFastError) as error:
                    why = getattr(error, "strerror", None) or str(error)
                    raise BubbleFailed(
                        _("The session bus cannot be reached ({why}): start this in a desktop session", why=why)
                    ) from error
        except TimeoutError as error:
            raise BubbleFailed(
                _(
                    "No answer from {name} within {seconds} s: restart it if it goes on like this",
                    name=self.name,
                    seconds=f"{self._deadline:g}",
                )
            ) from error

    async def _introduce(self) -> None:
        bus = await self._connect()
        await self._meet(bus)

    async def _show(self, notification: Notification, pictures: Pictures) -> None:
        question = self._question
        bus = await self._connect()
        if question is not None and question.is_shown:
            # The caller hears of that only now, and this one may tell of the same.
            raise BubbleFailed(_("{name} was busy with the last bubble until now", name=self.name))
        server = self._server or await self._meet(bus)
        answer = await self._ask(
            bus,
            "Notify",
            SIGNATURE,
            arguments(notification, server, self._place_of(notification), pictures),
            notification,
        )
        if nobody_is_there(answer):
            self._forget()
            raise BubbleFailed(_(NO_DAEMON))
        if shown_id(answer) is None:
            raise BubbleFailed(_("{name} did not take the bubble ({why})", name=server.title, why=what(answer)))

    async def _take_back(self, withdrawal: Withdrawal) -> None:
        bus = await self._connect()
        if number := self._number_of(withdrawal.stream, withdrawal.key):
            await self._ask(bus, "CloseNotification", "u", [number])

    async def _connect(self) -> MessageBus:
        await catch_up()
        if self._bus is not None and self._bus.connected:
            if self._question is not None:
                await asyncio.shield(self._question.answer)
            return self._bus
        if self._bus is not None:
            logger.warning("%s", _("lost the session bus; connecting again"))
        if self._question is not None:
            self._question.outcome.cancel()
        self._bus, self._question = None, None
        self._forget()
        self._bus = await connect(self._address, self._on_message, RULES)
        return self._bus

    async def _meet(self, bus: MessageBus) -> Server:
        told = await self._ask(bus, "GetServerInformation")
        if told.signature != "ssss" or told.message_type is MessageType.ERROR:
            unknown = _("The notification daemon does not say who it is ({why})", why=what(told))
            raise BubbleFailed(_(NO_DAEMON) if nobody_is_there(told) else unknown)
        able = await self._ask(bus, "GetCapabilities")
        if able.signature != "as" or able.message_type is MessageType.ERROR:
            raise BubbleFailed(_("The notification daemon does not say what it can do ({why})", why=what(able)))
        name, _vendor, version, specification = told.body
        self._server = Server(
            one_line(name) or "a nameless daemon", one_line(version), specification, frozenset(able.body[0])
        )
        logger.info("%s", _("bubbles are shown by {name}", name=self.name))
        return self._server

    async def _ask(
        self,
        bus: MessageBus,
        member: str,
        signature: str = "",
        body: list[object] | None = None,
        notification: Notification | None = None,
    ) -> Message:
        """The answer, an error too.  Cancelled before it came, the question stays and no other one is asked."""
        assert self._question is None
        loop = asyncio.get_running_loop()
        may_start = loop.time() >= self._start_again
        question = Question(bus.next_serial(), notification, loop.create_future(), loop.create_future())
        sent = bus.send(
            Message(
                DAEMON,
                DAEMON_PATH,
                DAEMON,
                member,
                signature=signature,
                body=body or [],
                serial=question.serial,
                flags=MessageFlag.NONE if may_start else MessageFlag.NO_AUTOSTART,
            )
        )
        self._question = question
        await sent
        # The question outlives this wait; its answer is for whoever comes next.
        answer = await asyncio.shield(question.answer)
        hung_up = answer.error_name == f"{BUS}.Error.NoReply"
        if answer.sender == BUS and not hung_up and not nobody_is_there(answer):
            logger.warning(
                "%s", _("the bus could not start a notification daemon ({why})", why=answer.error_name or "-")
            )
            self._start_again = loop.time() + START_AGAIN
        return answer

    def _on_message(self, message: Message) -> bool:
        if self._question is not None and message.reply_serial == self._question.serial:
            question, self._question = self._question, None
            if message.sender != BUS:
                self._owner = message.sender
            number = shown_id(message)
            if question.notification is not None and number is not None:
                self._remember(number, question.notification)
            question.outcome.set_result(number is not None)
            question.answer.set_result(message)
            return True
        if message.message_type is not MessageType.SIGNAL:
            return False
        match message.sender, message.member, message.signature, message.body:
            case sender, "NameOwnerChanged", "sss", [str(name), _, str(owner)] if sender == BUS and name == DAEMON:
                self._forget()
                self._owner = owner
            case sender, "ActivationToken", "us", [int(number), str(token)] if sender == self._owner:
                self._token = number, token
            case sender, "ActionInvoked", "us", [int(number), str(key)] if sender == self._owner:
                clicked, token = self._token
                self._token = 0, ""
                if notification := self._shown.get(number):
                    self._hear(notification, key, token if clicked == number else "")
            case sender, "NotificationClosed", "uu", [int(number), int(reason)] if sender == self._owner:
                notification = self._shown.pop(number, None)
                if notification is not None and reason == BY_THE_PERSON:
                    asyncio.get_running_loop().call_soon(self._listener.dismiss, notification)
        return False

    def _hear(self, notification: Notification, key: str, token: str) -> None:
        loop = asyncio.get_running_loop()
        if key == DEFAULT:
            loop.call_soon(self._listener.activate, notification, token)
        elif action := action_of(key, notification):
            loop.call_soon(self._listener.choose, notification, action, token)

    def _forget(self) -> None:
        """Another daemon counts its bubbles from the beginning."""
        self._owner = self._server = None
        self._shown.clear()

    def _remember(self, number: int, notification: Notification) -> None:
        self._shown.pop(number, None)
        self._shown[number] = notification
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]

    def _place_of(self, notification: Notification) -> int:
        """The id of the bubble that this one takes the place of; 0 for a bubble of its own."""
        if notification.key is None:
            return 0
        return self._number_of(notification.stream, notification.key)

    def _number_of(self, stream: str, key: str) -> int:
        return next((number for number, n in self._shown.items() if (n.stream, n.key) == (stream, key)), 0)


def shown_id(answer: Message) -> int | None:
    """The id of the bubble in an answer to Notify; None if it is no such answer."""
    if answer.message_type is not MessageType.METHOD_RETURN or answer.signature != "u":
        return None
    return int(answer.body[0])
