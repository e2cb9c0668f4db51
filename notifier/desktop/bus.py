"""The address of a session bus in, a connection that listens out; and what answers of the bus itself mean.

What the daemon, the portal and whoever else speaks over it have in common; it knows none of them.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from dbus_fast import Message
from dbus_fast.aio import MessageBus

from notifier.language import _

BUS: Final = "org.freedesktop.DBus"
BUS_PATH: Final = "/org/freedesktop/DBus"
DEADLINE: Final = 2.0
"""Seconds for one bubble, connecting included."""
REMEMBERED: Final = 256
"""Bubbles whose click or replacement is still understood; the oldest is forgotten first."""


class _Connection(MessageBus):
    """A connection that breaks without a word: whoever asks something next notices, and the rest is no news."""

    async def connect(self) -> "_Connection":
        await super().connect()
        self._end = asyncio.ensure_future(self.wait_for_disconnect())  # type: ignore[no-untyped-call]
        self._end.add_done_callback(_fetch)
        return self

    def send(self, msg: Message) -> "asyncio.Future[None]":  # type: ignore[override]
        future = super().send(msg)
        future.add_done_callback(_fetch)
        return future


def _fetch(done: "asyncio.Future[None]") -> None:
    """Asyncio complains of an error that nobody fetches."""
    if not done.cancelled():
        done.exception()


async def connect(address: str, hear: Callable[[Message], bool], rules: Iterable[str]) -> MessageBus:
    """A connection on which `hear` gets each message, signals that a match rule names among them.

    Raises:
        OSError, EOFError, DBusFastError: there is no bus, or it went away meanwhile.
    """
    bus = await _Connection(address).connect()
    try:
        bus.add_message_handler(hear)
        for rule in rules:
            await bus.call(Message(BUS, BUS_PATH, BUS, "AddMatch", signature="s", body=[rule]))
    except BaseException:
        await hang_up(bus)
        raise
    return bus


async def catch_up() -> None:
    """Give a connection the time to read that the bus hung up; dbus-fast trips over that when it writes first."""
    for _turn in range(2):
        await asyncio.sleep(0)


async def hang_up(bus: MessageBus) -> None:
    bus.disconnect()
    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]  # dbus-fast leaves it without types


def nobody_is_there(answer: Message) -> bool:
    """Whether the bus says that nobody owns the name and that it knows of no program to start."""
    return answer.error_name in (f"{BUS}.Error.ServiceUnknown", f"{BUS}.Error.NameHasNoOwner")


def what(answer: Message) -> str:
    """An answer in a few words; never the text that came with it, which may repeat the bubble's."""
    return answer.error_name or _("an answer of type {kind}", kind=repr(answer.signature))
