"""The environment and the session bus in, what this desktop can show out.  It asks, and changes nothing.

Follows the D-Bus Specification 0.41, the Desktop Notifications Specification 1.2 and the StatusNotifierItem one.
"""

import asyncio
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from notifier.desktop import session_bus

DEADLINE: Final = 3.0
"""Seconds for all answers of the bus."""
DAEMON, DAEMON_PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"


@dataclass(slots=True)
class Desk:
    """What was found."""

    is_linux: bool = True
    wayland: str = ""
    """The socket's name; empty if there is none."""
    x11: str = ""
    """DISPLAY; empty if it is not set."""
    display_answers: bool = False
    environment: str = ""
    """XDG_CURRENT_DESKTOP."""
    bus: str = ""
    """Empty if there is no session bus, else "there"."""
    bus_problem: str = ""
    has_watcher: bool = False
    has_host: bool = False
    daemon: str = ""
    """Name and version; empty if none answers."""
    daemon_problem: str = ""
    capabilities: frozenset[str] = field(default_factory=frozenset)
    is_inhibited: bool | None = None


async def look_around(environ: Mapping[str, str]) -> Desk:
    """What there is now."""
    desk = Desk(
        is_linux=sys.platform.startswith("linux"),
        wayland=environ.get("WAYLAND_DISPLAY", ""),
        x11=environ.get("DISPLAY", ""),
        environment=environ.get("XDG_CURRENT_DESKTOP", ""),
    )
    if not desk.is_linux:
        return desk
    desk.display_answers = await asyncio.to_thread(_answers, environ)
    address = session_bus(environ)
    if address is None:
        return desk
    desk.bus = "there"
    from dbus_fast.errors import DBusFastError

    try:
        async with asyncio.timeout(DEADLINE):
            await _ask(address, desk)
    except TimeoutError:
        desk.daemon_problem = desk.daemon_problem or "timeout"
    except (OSError, EOFError, DBusFastError) as error:
        desk.bus_problem = getattr(error, "strerror", None) or str(error)
    return desk


async def _ask(address: str, desk: Desk) -> None:
    from dbus_fast import Message, MessageType
    from dbus_fast.aio import MessageBus

    from notifier.desktop.bubble import Server
    from notifier.desktop.inhibition import is_inhibited

    bus = await MessageBus(address).connect()
    try:
        own = "org.freedesktop.DBus"
        owner = Message(own, "/org/freedesktop/DBus", own, "NameHasOwner", signature="s", body=[WATCHER])
        told = await bus.call(owner)
        desk.has_watcher = bool(told and told.body and told.body[0] is True)
        if desk.has_watcher:
            host = Message(
                WATCHER, WATCHER_PATH, "org.freedesktop.DBus.Properties", "Get",
                signature="ss", body=[WATCHER, "IsStatusNotifierHostRegistered"],
            )  # fmt: skip
            told = await bus.call(host)
            desk.has_host = bool(told and told.signature == "v" and told.body[0].value is True)
        who = await bus.call(Message(DAEMON, DAEMON_PATH, DAEMON, "GetServerInformation"))
        if who is None or who.message_type is MessageType.ERROR or who.signature != "ssss":
            desk.daemon_problem = (who.error_name if who is not None else "") or "error"
            return
        able = await bus.call(Message(DAEMON, DAEMON_PATH, DAEMON, "GetCapabilities"))
        if able is not None and able.signature == "as":
            desk.capabilities = frozenset(map(str, able.body[0]))
        server = Server(str(who.body[0]), str(who.body[2]), str(who.body[3]), desk.capabilities)
        desk.daemon = server.title
        desk.is_inhibited = await is_inhibited(bus, server)
    finally:
        bus.disconnect()


def _answers(environ: Mapping[str, str]) -> bool:
    """Whether the display's socket takes a connection; a display on another machine is taken for there."""
    places = []
    if name := environ.get("WAYLAND_DISPLAY"):
        places.append(str(Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / name))
    if display := environ.get("DISPLAY"):
        host, _colon, number = display.rpartition(":")
        if host not in ("", "unix"):
            return True
        path = f"/tmp/.X11-unix/X{number.partition('.')[0]}"  # noqa: S108 - where X servers listen
        places += [path, f"\0{path}"]
    if sys.platform != "win32":
        for place in places:
            with socket.socket(socket.AF_UNIX) as caller:
                caller.settimeout(1.0)
                if caller.connect_ex(place) == 0:
                    return True
    return False
