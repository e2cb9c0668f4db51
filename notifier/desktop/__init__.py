"""Who shows a bubble: the port, and the choice of what is there.

A desktop may fail, hang or be killed at any time.  `show` therefore has a short deadline of its own and
says what went wrong with :class:`~notifier.errors.BubbleFailed`; the caller still has the notification.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from notifier.errors import BubbleFailed
from notifier.language import N_, _
from notifier.notification import Action, Notification, Withdrawal
from notifier.picture import Pictures

logger = logging.getLogger(__name__)

MEANWHILE: Final = N_("showing notifications here in the terminal")
UNTIL_THEN: Final = N_("until then notifications wait in the history")
FLATPAK: Final = Path("/.flatpak-info")
"""Lies in each Flatpak, and nowhere else."""


class BubbleUnanswered(BubbleFailed):
    """Nobody said within the deadline whether it was shown.

    Args:
        sentence: For the person.
        outcome: Whether it is shown after all, once that is known; cancelled if it never will be.
    """

    def __init__(self, sentence: str, outcome: asyncio.Future[bool]) -> None:
        super().__init__(sentence)
        self.outcome = outcome


class Listener(Protocol):
    """Hears on the event loop what the person does with bubbles, and has the pictures for them.

    With a click may come a token, with which what it opens may come to the front (xdg-activation v1).
    """

    def activate(self, notification: Notification, token: str = "") -> None:
        """The person clicked the bubble."""

    def choose(self, notification: Notification, action: Action, token: str = "") -> None:
        """The person clicked one of its buttons."""

    def dismiss(self, notification: Notification) -> None:
        """The person closed the bubble; nobody says so of one that went by itself."""

    async def illustrate(self, notification: Notification) -> Pictures:
        """Its pictures, as far as they can be had in a moment; this never fails and never takes long."""


class Desktop(Protocol):
    """Something that shows bubbles."""

    @property
    def hears(self) -> bool:
        """Whether clicks on its bubbles come back."""

    @property
    def name(self) -> str:
        """Who shows them, for a person: "dunst 1.9.0", "this terminal"."""

    async def show(self, notification: Notification) -> None:
        """Show a bubble.

        Raises:
            BubbleFailed: it was not shown, or nobody said within the deadline that it was; `BubbleUnanswered`, if
                somebody may still say so.
        """

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Take back the bubble of this stream and key, where that can be done and it is still there.

        Raises:
            BubbleFailed: nobody said within the deadline that it is gone.
        """

    async def close(self) -> None:
        """Let go of every resource, once no `show` is running.  Bubbles on the screen stay there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who will show the bubbles."""

    desktop: Desktop
    complaint: str | None = None
    """What is missing and what to do about it, for the person, in one sentence; None if all is well."""


async def choose(
    environ: Mapping[str, str],
    listener: Listener,
    write: Callable[[str], None],
    *,
    is_read: bool = True,
    platform: str = sys.platform,
) -> Choice:
    """The best desktop that is here now.

    On Linux the notification daemon, or in a sandbox the portal to it; one that is not there yet is asked again for
    each bubble, and until it comes the terminal shows them, if somebody reads it.  Elsewhere desktop-notifier, and
    until it can show them plyer, or where that cannot be, the terminal as before.  Without a session bus, the terminal.

    Args:
        environ: of this process.
        listener: hears what the person does with the bubbles.
        write: takes the lines of one bubble in the terminal.
        is_read: whether what is written is before a person's eyes; what goes into a log nobody was told.
        platform: as `sys.platform`.
    """
    from notifier.desktop.log import LogDesktop

    terminal = LogDesktop(write)
    if platform.startswith("linux"):
        from notifier.desktop.dbus import DBusDesktop
        from notifier.desktop.meanwhile import Meanwhile
        from notifier.desktop.portal import PortalDesktop

        address = bus_to_use(environ, is_read=is_read)
        if address is None:
            complaint = _(
                "There is no session bus, so neither bubbles nor a tray icon: start this in a desktop session, or "
                "with dbus-run-session (Debian package dbus)"
            )
            return Choice(terminal, f"{complaint}; {_(MEANWHILE)}")
        daemon = DBusDesktop(address, listener)
        desktop: Desktop = daemon
        if is_sandboxed(environ):
            portal = PortalDesktop(address, listener, environ)
            try:
                await portal.meet()
            except BubbleFailed as error:
                logger.info("%s", _("not through the portal: {error}", error=error))
                # At login it may be late.
                desktop = Meanwhile(portal, daemon)
            else:
                return Choice(portal)
        try:
            await daemon.meet()
        except BubbleFailed as error:
            if is_read:
                return Choice(Meanwhile(desktop, terminal), f"{error}; {_(MEANWHILE)}")
            return Choice(desktop, f"{error}; {_(UNTIL_THEN)}")
        if await daemon.is_inhibited():
            return Choice(desktop, _("Do Not Disturb is on: {name} keeps bubbles back", name=daemon.name))
        return Choice(desktop)
    return await _choose_elsewhere(environ, listener, terminal, platform, is_read=is_read)


async def _choose_elsewhere(
    environ: Mapping[str, str], listener: Listener, terminal: Desktop, platform: str, *, is_read: bool
) -> Choice:
    from notifier.desktop.meanwhile import Meanwhile
    from notifier.desktop.native import NativeDesktop
    from notifier.desktop.plyer import PlyerDesktop

    native = NativeDesktop(listener, platform=platform)
    try:
        await native.meet()
    except BubbleFailed as error:
        # At login it may be late here as well.
        if not has_plyer(platform):
            if is_read:
                return Choice(Meanwhile(native, terminal), f"{error}; {_(MEANWHILE)}")
            return Choice(native, f"{error}; {_(UNTIL_THEN)}")
        return Choice(
            Meanwhile(native, PlyerDesktop(environ, platform=platform)),
            _("{problem}; plyer shows plain notifications instead, which cannot be clicked", problem=error),
        )
    return Choice(native)


def has_plyer(platform: str) -> bool:
    """Whether plyer shows something where desktop-notifier cannot, elsewhere than on Linux."""
    return platform != "darwin" or find_spec("pyobjus") is not None


def bus_to_use(environ: Mapping[str, str], *, is_read: bool) -> str | None:
    """The address of the session bus, or where systemd will put it, if it is worth waiting for.

    Args:
        environ: of this process.
        is_read: see `choose`: where a person reads what is shown instead, nobody waits.
    """
    return session_bus(environ) or (None if is_read else _awaited_bus(environ))


def is_sandboxed(environ: Mapping[str, str], flatpak: Path = FLATPAK) -> bool:
    """Whether this process is in a Flatpak or a Snap."""
    snap = environ.get("SNAP")
    # A terminal that is a Snap hands SNAP on to all that is started in it.
    return bool(snap and Path(__file__).resolve().is_relative_to(Path(snap).resolve())) or flatpak.exists()


def session_bus(environ: Mapping[str, str]) -> str | None:
    """The address of the session bus; systemd puts it into the runtime directory, where other programs find it too."""
    if address := environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    return _awaited_bus(environ) if _socket(environ).is_socket() else None


def _awaited_bus(environ: Mapping[str, str]) -> str | None:
    socket = _socket(environ)
    return f"unix:path={quote(str(socket))}" if socket.is_absolute() else None


def _socket(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("XDG_RUNTIME_DIR") or "") / "bus"
