"""A daemon in, whether it keeps bubbles back out ("Do Not Disturb").  It only asks, and starts nothing.

No specification has it.  KDE tells it as the property Inhibited (capability `inhibitions`), dunst as `paused`, Xfce in
its settings.  GNOME tells nobody.
"""

import asyncio
from typing import Final

from dbus_fast import Message, MessageFlag, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

from notifier.desktop.bubble import DAEMON, DAEMON_PATH, Server

DEADLINE: Final = 1.0
"""Seconds for the answer."""
PROPERTIES: Final = "org.freedesktop.DBus.Properties"


async def is_inhibited(bus: MessageBus, server: Server) -> bool | None:
    """Whether this daemon keeps bubbles back now; None where nobody says so."""
    question = _question(server)
    if question is None:
        return None
    try:
        async with asyncio.timeout(DEADLINE):
            answer = await bus.call(question)
    except (OSError, EOFError, DBusFastError):  # of which TimeoutError is one
        return None
    if answer is None or answer.message_type is MessageType.ERROR:
        return None
    match answer.signature, answer.body:
        case "v", [Variant(value=bool(inhibited))]:
            return inhibited
    return None


def _question(server: Server) -> Message | None:
    if server.name == "dunst":
        return _message(DAEMON, DAEMON_PATH, PROPERTIES, "Get", "org.dunstproject.cmd0", "paused")
    if server.name == "Xfce Notify Daemon":
        path = "/org/xfce/Xfconf"
        return _message("org.xfce.Xfconf", path, "org.xfce.Xfconf", "GetProperty", "xfce4-notifyd", "/do-not-disturb")
    if "inhibitions" in server.capabilities:
        return _message(DAEMON, DAEMON_PATH, PROPERTIES, "Get", DAEMON, "Inhibited")
    return None


def _message(name: str, path: str, interface: str, member: str, *arguments: str) -> Message:
    return Message(name, path, interface, member, flags=MessageFlag.NO_AUTOSTART, signature="ss", body=list(arguments))
