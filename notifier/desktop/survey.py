"""The environment and the session bus or the system in, what is shown here out.  It asks, and changes nothing.

Follows the D-Bus Specification 0.41, the Desktop Notifications Specification 1.2, the StatusNotifierItem one, and
org.freedesktop.portal.Notification.
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from notifier.desktop import has_plyer, is_sandboxed, session_bus
from notifier.desktop.desk import TIMEOUT, Desk
from notifier.errors import BubbleFailed
from notifier.notification import Action, Notification
from notifier.picture import NONE, Pictures

if TYPE_CHECKING:
    import desktop_notifier as library
    from dbus_fast.aio import MessageBus

    from notifier.desktop.bubble import Server

DEADLINE: Final = 3.0
"""Seconds for each answer: who is too slow is blamed, and nobody else."""
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"


async def look_around(
    environ: Mapping[str, str],
    *,
    platform: str = sys.platform,
    make: "Callable[[], library.DesktopNotifier] | None" = None,
) -> Desk:
    """What there is now; what did not answer in time is told as such, and what did before it is kept.

    Args:
        environ: Of this process.
        platform: As `sys.platform`.
        make: Makes what reaches the bubbles of Windows and macOS; desktop-notifier's own by default.
    """
    desk = Desk(
        is_linux=platform.startswith("linux"),
        wayland=environ.get("WAYLAND_DISPLAY", ""),
        x11=environ.get("DISPLAY", ""),
        environment=environ.get("XDG_CURRENT_DESKTOP", ""),
        is_sandboxed=is_sandboxed(environ),
    )
    if not desk.is_linux:
        return await _ask_the_system(desk, platform, make)
    desk = replace(desk, display_answers=screen_answers(environ))
    address = session_bus(environ)
    if address is None:
        return desk
    return await _ask_the_bus(address, replace(desk, has_bus=True))


async def _ask_the_system(desk: Desk, platform: str, make: "Callable[[], library.DesktopNotifier] | None") -> Desk:
    from notifier.desktop.native import NativeDesktop, make_notifier

    made: list[library.DesktopNotifier] = []

    def keep() -> "library.DesktopNotifier":
        made.append((make or make_notifier)())
        return made[-1]

    native = NativeDesktop(_Nobody(), platform=platform, make=keep)
    desk = replace(desk, system=native.name)
    try:
        await native.meet()
        return replace(desk, may_show=await _may_show(made[-1], platform))
    except BubbleFailed as error:
        return replace(desk, system_problem=str(error), has_plyer=has_plyer(platform))
    finally:
        await native.close()


async def _may_show(notifier: "library.DesktopNotifier", platform: str) -> bool | None:
    # On macOS desktop-notifier 6.2 answers this twice, and Python prints what it thinks of that; and who was not asked
    # yet looks like who said no.  To ask the person is for the first bubble.
    if platform == "darwin":
        return None
    try:
        async with asyncio.timeout(DEADLINE):
            return await notifier.has_authorisation()
    except Exception:  # noqa: BLE001 - the library's parts raise what they like
        return None


class _Nobody:
    """A listener of what is never shown."""

    def activate(self, notification: Notification, token: str = "") -> None: ...

    def choose(self, notification: Notification, action: Action, token: str = "") -> None: ...

    def dismiss(self, notification: Notification) -> None: ...

    async def illustrate(self, notification: Notification) -> Pictures:
        return NONE


async def _ask_the_bus(address: str, desk: Desk) -> Desk:
    from dbus_fast.errors import DBusFastError

    from notifier.desktop.bus import connect, hang_up

    try:
        async with asyncio.timeout(DEADLINE):
            bus = await connect(address, lambda _message: False, ())
    except TimeoutError:
        return replace(desk, bus_problem=TIMEOUT)
    except (OSError, EOFError, DBusFastError) as error:
        return replace(desk, bus_problem=_why(error))
    survey = _Survey(bus, desk)
    try:
        await survey.ask()
    except (OSError, EOFError, DBusFastError) as error:
        return replace(survey.desk, bus_problem=_why(error))
    finally:
        if bus.connected:
            await hang_up(bus)
    return survey.desk


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


class _Survey:
    """Questions to one bus, each with a deadline of its own, and what is known after each answer."""

    def __init__(self, bus: "MessageBus", desk: Desk) -> None:
        self._bus, self.desk = bus, desk

    async def ask(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                has_watcher = await self._is_owned(WATCHER)
        except TimeoutError:
            # The bus answers this by itself.
            self.desk = replace(self.desk, bus_problem=TIMEOUT)
            return
        if has_watcher:
            await self._ask_the_watcher()
        if self.desk.is_sandboxed:
            await self._ask_the_portal()
        if self.desk.portal is None:
            await self._ask_the_daemon()

    async def _ask_the_daemon(self) -> None:
        from notifier.desktop.inhibition import is_inhibited

        try:
            async with asyncio.timeout(DEADLINE):
                server = await self._meet_the_daemon()
        except TimeoutError:
            self.desk = replace(self.desk, daemon_problem=TIMEOUT)
            return
        if server is not None:
            self.desk = replace(self.desk, daemon=server.title, capabilities=server.capabilities)
            self.desk = replace(self.desk, is_inhibited=await is_inhibited(self._bus, server))

    async def _is_owned(self, name: str) -> bool:
        from dbus_fast import Message

        from notifier.desktop.bus import BUS, BUS_PATH

        told = await self._bus.call(Message(BUS, BUS_PATH, BUS, "NameHasOwner", signature="s", body=[name]))
        return told is not None and told.signature == "b" and told.body[0] is True

    async def _ask_the_watcher(self) -> None:
        from dbus_fast import Message

        question = Message(
            WATCHER, WATCHER_PATH, "org.freedesktop.DBus.Properties", "Get",
            signature="ss", body=[WATCHER, "IsStatusNotifierHostRegistered"],
        )  # fmt: skip
        self.desk = replace(self.desk, has_watcher=True)
        try:
            async with asyncio.timeout(DEADLINE):
                told = await self._bus.call(question)
        except TimeoutError:
            self.desk = replace(self.desk, watcher_problem=TIMEOUT)
            return
        self.desk = replace(self.desk, has_host=bool(told and told.signature == "v" and told.body[0].value is True))

    async def _ask_the_portal(self) -> None:
        from dbus_fast import Message

        from notifier.desktop.bus import what
        from notifier.desktop.portal import INTERFACE, PATH, PORTAL

        question = Message(
            PORTAL, PATH, "org.freedesktop.DBus.Properties", "Get", signature="ss", body=[INTERFACE, "version"]
        )
        try:
            async with asyncio.timeout(DEADLINE):
                told = await self._bus.call(question)
        except TimeoutError:
            self.desk = replace(self.desk, portal_problem=TIMEOUT)
            return
        if told is not None and told.signature == "v":
            self.desk = replace(self.desk, portal=int(told.body[0].value))
        else:
            self.desk = replace(self.desk, portal_problem=what(told) if told is not None else "error")

    async def _meet_the_daemon(self) -> "Server | None":
        from dbus_fast import Message, MessageType

        from notifier.desktop.bubble import DAEMON, DAEMON_PATH, Server

        who = await self._bus.call(Message(DAEMON, DAEMON_PATH, DAEMON, "GetServerInformation"))
        if who is None or who.message_type is MessageType.ERROR or who.signature != "ssss":
            self.desk = replace(self.desk, daemon_problem=(who.error_name if who is not None else "") or "error")
            return None
        able = await self._bus.call(Message(DAEMON, DAEMON_PATH, DAEMON, "GetCapabilities"))
        capabilities = frozenset(map(str, able.body[0])) if able is not None and able.signature == "as" else frozenset()
        return Server(str(who.body[0]), str(who.body[2]), str(who.body[3]), capabilities)


def screen_answers(environ: Mapping[str, str]) -> bool:
    """Whether the display's socket takes a connection; a display on another machine is taken for there.

    It never waits: a socket of this machine takes a connection at once, or has too many that wait for a busy display.
    """
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
                caller.settimeout(0.0)
                if caller.connect_ex(place) in (0, errno.EAGAIN):
                    return True
    return False
