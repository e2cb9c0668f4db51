"""Statuses in, an icon with a menu on the desktop out; clicks come back as commands.

It does not know who follows the streams, nor on which thread: `update` and `stop` may be called from any.  The icon is
pystray's own on Windows and macOS, and ours (`sni`) elsewhere.
"""

import logging
import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from notifier.appearance import Appearance, Style
from notifier.errors import TrayUnavailable, UsageError
from notifier.language import N_, _
from notifier.status import Command, Status, Verb
from notifier.tray.face import NAME, IconState, icon_state, tooltip
from notifier.tray.icon import DARK, LIGHT, TEMPLATE, Dress, sign_png, tray_image, tray_images
from notifier.tray.menu import Entry, Row, Snooze, menu
from notifier.tray.picture import read_picture

logger = logging.getLogger(__name__)

REDRAW_INTERVAL = 0.1
"""Seconds between two redraws; all changes in between are drawn at once."""
NATIVE_SIZE = 64
"""Pixels a side where the desktop takes one picture and scales it."""
WM_RBUTTONUP = 0x0205
"""What Windows says of a right click, which asks for the menu."""

NOBODY_SHOWS = N_(
    "nothing on this desktop shows tray icons yet; if none appears, install the AppIndicator extension on GNOME,"
    " or add a status tray to the panel elsewhere"
)


class _Order(Enum):
    """What the drawing thread is told."""

    LOOK = "the status may have changed"
    STOP = "the icon goes away"


class Tray:
    """The icon and its menu.

    Args:
        obey: told what the person asks for, from any thread; it must only post.
        missing: told, from any thread, once if the session bus cannot be reached yet, and once if nothing shows tray
            icons when the icon is ready; without it the log says so.  The icon waits, and appears when it can be shown.
        platform: as `sys.platform`; it decides who draws the icon, and how.
    """

    def __init__(
        self,
        obey: Callable[[Command], None],
        *,
        missing: Callable[[TrayUnavailable], None] | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._obey, self._platform = obey, platform
        self._missing = missing or (lambda error: logger.warning("%s", error))
        self._hosted: bool | None = None
        self._status = Status()
        self._appearance = Appearance()
        self._dressed: tuple[Appearance, Dress] | None = None
        self._drawn: tuple[tuple[IconState, int, Dress], str, tuple[Entry, ...]] | None = None
        self._icon: Any = None
        self._item: Any = None
        """What makes a menu item with a picture; None where they have none."""
        # Unlike an Event, a SimpleQueue may be filled by a signal handler that interrupts any other use of it.
        # It holds at most one LOOK (see `_asked`), and a STOP for each call of `stop`.
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._asked = False
        self._stopped = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Show the icon and keep the main thread until `stop`.  A tray runs once.

        Raises:
            TrayUnavailable: a library is missing; no thread was started, and the program may go on without an icon.
        """
        if self._stopped:
            return
        if self._platform in ("win32", "darwin"):
            self._run_native()
        else:
            self._run_on_bus()
        if self._error is not None:
            raise self._error

    def update(self, status: Status) -> None:
        """Show `status` soon; of many within `REDRAW_INTERVAL` only the last is drawn."""
        self._status = status
        self._look()

    def dress(self, appearance: Appearance) -> None:
        """Wear this soon; a picture that cannot be read leaves the bell, and the log says why.  From any thread."""
        self._appearance = appearance
        self._look()

    def _look(self) -> None:
        if not self._asked:
            self._asked = True
            self._orders.put(_Order.LOOK)

    def stop(self) -> None:
        """End `run`, which may not have begun.  From any thread, and from a signal handler."""
        self._stopped = True
        self._orders.put(_Order.STOP)
        if self._icon is not None:
            self._icon.stop()

    def _run_on_bus(self) -> None:
        sni = bus_backend()
        self._item = sni.MenuItem
        pause = 0.0
        try:
            while not self._stopped:
                self._icon = sni.Icon(
                    NAME,
                    sni_host_changed=self._host_changed,
                    sni_about_to_show=partial(self._obey, Command(Verb.LOOK)),
                    sni_secondary=partial(self._clicked, Command(Verb.HISTORY)),
                )
                try:
                    self._icon.run(self._draw)
                    return
                except sni.BusUnavailable as error:
                    if not pause:
                        self._missing(TrayUnavailable(_no_bus(error)))
                pause = min(2 * pause or sni.RETRY_FIRST, sni.RETRY_LAST)
                self._wait(pause)
        finally:
            self.stop()

    def _wait(self, seconds: float) -> None:
        """Be there until then, or until told to stop.  What is to be drawn, the drawing thread begins with anyway."""
        end = time.monotonic() + seconds
        with suppress(queue.Empty):
            while self._orders.get(timeout=max(0.0, end - time.monotonic())) is not _Order.STOP:
                pass

    def _run_native(self) -> None:
        try:
            import pystray

            if self._platform == "darwin":
                _stay_out_of_the_dock()
        except ImportError as error:
            raise TrayUnavailable(_("a tray icon needs pystray, which did not load: {error}", error=error)) from error
        make = _patient(pystray.Icon) if self._platform == "win32" else pystray.Icon
        self._icon = make(NAME)
        try:
            self._icon.run(self._draw)
        finally:
            if self._platform == "darwin":
                _take_back_interrupt()  # from what is over now
            self.stop()

    def _draw(self, icon: Any) -> None:
        """Draw until told to stop; pystray gives it a thread of its own and waits for its end."""
        changed, earliest = True, 0.0
        try:
            if self._platform == "darwin":
                # On the main thread, and so after pystray has done what is undone here.
                self._on_ui_thread(_take_back_interrupt)
            while True:
                try:
                    pause = max(0.0, earliest - time.monotonic())
                    if self._orders.get(timeout=pause if changed else None) is _Order.STOP:
                        break
                    changed = True
                except queue.Empty:
                    changed, earliest = False, time.monotonic() + REDRAW_INTERVAL
                    self._on_ui_thread(partial(self._redraw, icon))
        except BaseException as error:  # noqa: BLE001
            # A bug here must end the program loudly: run() raises it on the main thread.
            self._error = error
        finally:
            icon.stop()

    def _on_ui_thread(self, call: Callable[[], None]) -> None:
        """AppKit belongs to the main thread; the others take calls from any."""
        if self._platform == "darwin":
            from PyObjCTools import AppHelper

            AppHelper.callAfter(call)
        else:
            call()

    def _redraw(self, icon: Any) -> None:
        # Lowered before the status is read: one that comes from now on asks again.
        self._asked = False
        status = self._status
        face = icon_state(status), status.unread, self._dress()
        title, entries = tooltip(status), menu(status)
        last_face, last_title, last_entries = self._drawn or (None, None, None)
        self._drawn = face, title, entries
        # The icon comes last: what it calls a person to look at is there by then.
        if entries != last_entries:
            icon.menu = self._pystray_menu(entries)
        if title != last_title:
            icon.title = title
        state, unread, dress = face
        if face != last_face:
            is_native = self._platform in ("win32", "darwin")
            icon.icon = tray_image(state, NATIVE_SIZE, unread, dress) if is_native else tray_images(*face)
        icon.visible = True
        if self._item is not None:
            icon.attention = state is IconState.ATTENTION
        if self._platform == "darwin":
            # Only the outline counts: the system gives it the menu bar's colour.
            icon._icon_image.setTemplate_(dress.is_outline)

    def _dress(self) -> Dress:
        appearance = self._appearance
        if self._dressed is None or self._dressed[0] != appearance:
            picture = None
            if appearance.icon is not None:
                try:
                    picture = read_picture(Path(appearance.icon))
                except UsageError as error:
                    logger.error("%s", error)
            self._dressed = appearance, Dress(_ink(self._platform, appearance.style), picture)
        return self._dressed[1]

    def _pystray_menu(self, entries: tuple[Entry, ...]) -> Any:
        from pystray import Menu, MenuItem

        make = self._item or MenuItem
        items = []
        for entry in entries:
            if not isinstance(entry, Row):
                items.append(Menu.SEPARATOR)
                continue
            if entry.submenu:
                action = self._pystray_menu(entry.submenu)
            else:
                action = partial(self._clicked, entry.command) if entry.command else None
            picture = {"icon": sign_png(entry.sign)} if entry.sign and self._item else {}
            items.append(
                make(
                    _escaped(self._platform, entry.label),
                    action,
                    checked=None if entry.checked is None else partial(_ticked, entry),
                    default=entry.default,
                    enabled=entry.enabled,
                    **picture,
                )
            )
        return Menu(*items)

    def _clicked(self, asked: Command | Snooze, *_: object) -> None:
        command = asked.command(datetime.now().astimezone()) if isinstance(asked, Snooze) else asked
        token = self._icon.take_token() if self._item is not None and self._icon is not None else ""
        try:
            self._obey(replace(command, token=token))
        finally:
            if command.verb is Verb.QUIT:
                self.stop()

    def _host_changed(self, hosted: bool) -> None:
        if self._hosted is None and not hosted:
            self._missing(TrayUnavailable(_(NOBODY_SHOWS)))
        elif self._hosted and not hosted:
            logger.info("%s", _("nothing shows the tray icon any more; it comes back when something does"))
        self._hosted = hosted


def bus_backend() -> ModuleType:
    """The module `sni`; loading it costs 10 MB, and pystray must not choose a backend of its own meanwhile.

    Raises:
        TrayUnavailable: a library is missing.
    """
    try:
        with _environment("PYSTRAY_BACKEND", "dummy"):
            from notifier.tray import sni
    except ImportError as error:
        raise TrayUnavailable(
            _("a tray icon needs pystray and dbus-fast, which did not load: {error}", error=error)
        ) from error
    return sni


def _no_bus(error: Exception) -> str:
    return _(
        "a tray icon needs a D-Bus session bus, and there is none ({error}); start this program from a desktop"
        " session, or with dbus-run-session",
        error=error,
    )


def _ink(platform: str, style: Style) -> str | None:
    match style:
        case "mono-light":
            return LIGHT
        case "mono-dark":
            return DARK
        case "auto" if platform == "darwin":
            return TEMPLATE
    return None


def _stay_out_of_the_dock() -> None:
    """Tell macOS that this program is an icon in the menu bar and nothing else."""
    import AppKit

    AppKit.NSApplication.sharedApplication().setActivationPolicy_(AppKit.NSApplicationActivationPolicyAccessory)


def _take_back_interrupt() -> None:
    """Have Python's handler called on Ctrl-C again.

    On macOS pystray puts one of its own below it, of which Python knows nothing, and which ends the process at once:
    nobody would be told, and nothing cleaned up.
    """
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))


def _patient(icon: Any) -> Any:
    """pystray's icon for Windows, with a menu that is made when it is asked for.

    pystray makes the menu anew on each change, on whichever thread that comes, and destroys the one before, which a
    person may be looking at.  Here only the main thread makes menus, and none while one is open.
    """

    class Icon(icon):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._menu_handle = None  # which pystray looks for at the end, made or not
            self._is_old, self._is_open = True, False

        def _update_menu(self) -> None:
            self._is_old = True

        def _on_notify(self, wparam: int, lparam: int) -> None:
            if lparam != WM_RBUTTONUP:
                super()._on_notify(wparam, lparam)
                return
            if self._is_open:
                return
            self._is_open = True
            try:
                if self._is_old:
                    self._is_old = False  # first: what changes from now on makes it old again
                    super()._update_menu()
                super()._on_notify(wparam, lparam)
            finally:
                self._is_open = False

    return Icon


def _ticked(row: Row, _: object) -> bool | None:
    return row.checked


def _escaped(platform: str, label: str) -> str:
    """On Windows an ampersand marks the access key, and two are one."""
    return label.replace("&", "&&") if platform == "win32" else label


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable for as long as an import looks at it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
