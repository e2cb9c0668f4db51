"""A pystray icon in, a StatusNotifierItem on the session bus out.  It knows nothing of the program around it.

A backend for pystray that needs neither GTK nor an X server: `Icon` speaks org.kde.StatusNotifierItem and
com.canonical.dbusmenu over dbus-fast, on an asyncio loop of its own that `run` keeps on the calling thread.  Every
public member may be used from any thread; callbacks of menu items run on short-lived threads, so a slow one delays
nothing and a broken one is logged.  It waits for a tray host as long as it takes, comes back when the host or the bus
restarts, and leaves no thread behind.

Import it with PYSTRAY_BACKEND=dummy in the environment: else pystray picks a backend that needs a display.

Follows the freedesktop StatusNotifierItem specification (with KDE's names and types, which hosts expect) and the
interface description of libdbusmenu, version 3.
"""

import asyncio
import contextlib
import html
import io
import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from dbus_fast import DBusError, ErrorType, Message, MessageFlag, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.errors import AuthError, InvalidAddressError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal
from PIL import Image
from pystray import _base

logger = logging.getLogger(__name__)

ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
MENU, MENU_PATH = "com.canonical.dbusmenu", "/StatusNotifierItem/Menu"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
NOTIFICATIONS, NOTIFICATIONS_PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"

SIZES = (16, 22, 24, 32, 48)
"""Pixels a side of the pictures offered when the icon is a single image."""
TEXT_LIMIT = 500
"""Characters of a label or a line of a tooltip."""
TOOLTIP_LINES = 20
ROWS_LIMIT, DEPTH_LIMIT = 200, 8
"""Rows per menu, and menus within menus; what is beyond is not shown."""
LEAVING = 1.0
"""Seconds that a removed row stays in the menu, hidden; see `_Tree`."""
LEAVING_LIMIT = 100
"""Rows of one menu that may stay so."""
CALLBACKS_LIMIT = 8
"""Callbacks of menu items that may run at once; a click beyond is dropped and logged."""
NOTIFY_LIMIT = 4
"""Notifications that may wait for the daemon's answer; one beyond is dropped and logged."""
BACKLOG_LIMIT = 1_000
"""Messages that may wait for a bus that does not read; with more, the connection is given up."""
CALL_TIMEOUT = 10.0
"""Seconds that a peer has to answer."""
LEAVE_TIMEOUT = 1.0
"""Seconds that the bus, and then all running callbacks, have to end when the icon stops."""
RETRY_FIRST, RETRY_LAST = 0.25, 30.0
"""Seconds between attempts to reach the bus or to register: twice as long each time, up to the last."""

Pixmaps = Annotated[list[list[int | bytes]], DBusSignature("a(iiay)")]
ToolTip = Annotated[list[object], DBusSignature("(sa(iiay)ss)")]
Properties = dict[str, str | int | bytes]
"""What a menu item looks like, by the protocol's names; what has its default there is not in it."""
Texts = Annotated[list[str], DBusSignature("as")]
Ids = Annotated[list[int], DBusSignature("ai")]
ItemProperties = Annotated[list[list[int | dict[str, Variant]]], DBusSignature("a(ia{sv})")]
Picture = Image.Image | Sequence[Image.Image] | None

SIGNATURES = {
    "type": "s",
    "label": "s",
    "enabled": "b",
    "visible": "b",
    "toggle-type": "s",
    "toggle-state": "i",
    "children-display": "s",
    "icon-data": "ay",
}
"""Types of a menu item's properties."""

_numbers = itertools.count(1)


class BusUnavailable(Exception):
    """There is no session bus, or it does not let us in."""


class MenuItem(_base.MenuItem):  # type: ignore[misc]
    """A pystray menu item that may have a picture; the plain ones do as well.

    Args:
        icon: An image, or the bytes of a PNG file, 16 to 22 pixels a side.
    """

    def __init__(self, *args: object, icon: Image.Image | bytes | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.icon = _png(icon) if isinstance(icon, Image.Image) else icon


class Icon(_base.Icon):  # type: ignore[misc]
    """A pystray icon for desktops with a StatusNotifierItem host: KDE, XFCE, LXQt, MATE, Cinnamon, most Wayland bars.

    Args:
        icon: besides a single image, a sequence with one image for each size.
        title: its first line is the title, the others are the text of the tooltip.
        sni_host_changed: told on the loop whether a host shows the icon: once soon after `run`, then after every
            change.  It must not block.
        sni_about_to_show: told on the loop when a host is about to show the menu.  It must not block; what it changes
            is shown at once, or in the open menu.
        sni_secondary: called on a thread of its own after a middle click.
    """

    def __init__(
        self,
        name: str,
        icon: Picture = None,
        title: str | None = None,
        menu: object = None,
        *,
        sni_host_changed: Callable[[bool], None] | None = None,
        sni_about_to_show: Callable[[], object] | None = None,
        sni_secondary: Callable[[], object] | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(name, icon, title, menu, **kwargs)
        self._host_changed = sni_host_changed
        self._about_to_show = sni_about_to_show
        self._secondary = sni_secondary
        self._attention = False
        self._hosted: bool | None = None
        self._face = _Face()
        self._pixmaps_of: Picture = None
        self._tree = _Tree()
        self._shown = False
        self._flush_due = self._leaving_due = False
        self._task: asyncio.Task[object] | None = None
        self._number = next(_numbers)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: _Session | None = None
        self._callbacks: set[threading.Thread] = set()
        self._notification_id = 0
        self._token = ""

    @property
    def attention(self) -> bool:
        """Whether the icon asks for a person's attention: hosts move it where it is seen, or let it blink."""
        return self._attention

    @attention.setter
    def attention(self, value: bool) -> None:
        self._attention = value
        self._changed()

    def take_token(self) -> str:
        """The token of the click that is being answered, once: a window that is opened with it may come to the front
        (xdg-activation v1).  Empty where the host gave none.
        """
        token, self._token = self._token, ""
        return token

    def run(self, setup: Callable[["Icon"], object] | None = None) -> None:
        """Show the icon until `stop`.

        Raises:
            BusUnavailable: there is no session bus now; `setup` was not called and no thread was started.  A bus
                that goes away later is waited for.
        """
        with asyncio.Runner() as self._runner:
            try:
                self._first_bus = self._runner.run(self._begin())
            except asyncio.CancelledError:
                return
            super().run(setup)

    def stop(self) -> None:
        """End `run`, which may be connecting still: a bus that hangs takes its time."""
        if not self._running:
            self._stop()
        super().stop()

    def run_detached(self, setup: Callable[["Icon"], object] | None = None) -> None:
        """Not needed: `run` may be called on any thread, so give it one.

        Raises:
            NotImplementedError: always, and before a thread is started.
        """
        raise NotImplementedError("call run on a thread of your own")

    def _run(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                self._runner.run(self._serve(self._first_bus))
        finally:
            if not self._running:
                self._mark_ready()  # interrupted early: the set-up thread must not wait for ever
            self._await_callbacks()

    def _stop(self) -> None:
        self._post(self._cancel)

    def _show(self) -> None:
        self._shown = True
        self._changed()

    def _hide(self) -> None:
        self._shown = False
        self._changed()

    def _update_icon(self) -> None:
        self._icon_valid = True
        self._changed()

    def _update_title(self) -> None:
        self._changed()

    def _update_menu(self) -> None:
        self._changed()

    def _notify(self, message: str, title: str | None = None) -> None:
        def notify() -> None:
            if self._session is not None:
                self._session.notify(message, title or self.title or self.name)

        self._post(notify)

    def _remove_notification(self) -> None:
        def remove() -> None:
            if self._session is not None:
                self._session.remove_notification()

        self._post(remove)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None  # a second cancellation would interrupt the first one's cleaning up

    async def _begin(self) -> MessageBus:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            return await _connect()
        finally:
            self._loop = self._task = None

    async def _serve(self, bus: MessageBus) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._mark_ready()
        try:
            while True:
                self._session = _Session(self, bus)
                await self._session.run()
                self._session = None
                self._tell(hosted=False)
                logger.debug("the session bus is gone; the icon comes back with it")
                bus = await _reconnect()
        finally:
            self._loop = self._session = None

    def _post(self, call: Callable[[], object]) -> None:
        """Run `call` on the loop, from any thread; an icon that does not run has nothing to do."""
        if (loop := self._loop) is not None:
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
                loop.call_soon_threadsafe(call)

    def _changed(self) -> None:
        """Something to be seen is different; however often that is said, the loop looks once."""
        if self._loop is not None and not self._flush_due:
            self._flush_due = True
            self._post(self._flush)

    def _flush(self) -> None:
        """Tell the hosts what is different, and nothing else."""
        # Lowered before anything is read: a change made from now on raises it again.
        self._flush_due = False
        try:
            changes = self._tree.update(_rows(self._menu), time.monotonic())
        except Exception:
            logger.exception("the menu could not be read; the last one stays")
            changes = _Changes()
        before, self._face = self._face, self._look()
        if self._session is not None:
            self._session.tell(before, self._face, changes)
        if self._tree.has_leaving and self._loop is not None and not self._leaving_due:
            self._leaving_due = True
            self._loop.call_later(LEAVING, self._see_off)

    def _see_off(self) -> None:
        self._leaving_due = False
        self._flush()

    def _look(self) -> "_Face":
        title, *lines = str(self._title).split("\n") if self._title else [self._name]
        if (picture := self._icon) is not self._pixmaps_of:
            self._pixmaps_of, pixmaps = picture, _pixmaps(picture)
        else:
            pixmaps = self._face.pixmaps
        return _Face(
            status="Passive" if not self._shown else "NeedsAttention" if self._attention else "Active",
            title=_clean(title),
            # Hosts read the second part of a tooltip as markup.
            text="\n".join(html.escape(_clean(line), quote=False) for line in lines[:TOOLTIP_LINES]),
            pixmaps=pixmaps,
            is_menu=self._tree.default is None,
        )

    def _tell(self, *, hosted: bool) -> None:
        if hosted != self._hosted:
            self._hosted = hosted
            if self._host_changed is not None:
                try:
                    self._host_changed(hosted)
                except Exception:
                    logger.exception("sni_host_changed failed")

    def _shows_soon(self) -> None:
        """A host is about to show the menu."""
        if self._about_to_show is not None:
            try:
                self._about_to_show()
            except Exception:
                logger.exception("sni_about_to_show failed")
        self._flush()

    def _act(self, callback: Callable[["Icon"], object]) -> None:
        """Run the callback of a menu item where it cannot block the loop."""
        if len(self._callbacks) >= CALLBACKS_LIMIT:
            logger.error("%d menu callbacks are still running; this click is dropped", len(self._callbacks))
            return

        def call() -> None:
            try:
                self._handler(callback)()
            except Exception:
                logger.exception("a menu callback failed")
            finally:
                self._callbacks.discard(thread)

        # A daemon: a callback that never returns must not keep the process.
        thread = threading.Thread(target=call, name="tray callback", daemon=True)
        self._callbacks.add(thread)
        thread.start()

    def _await_callbacks(self) -> None:
        end = time.monotonic() + LEAVE_TIMEOUT
        for thread in tuple(self._callbacks):
            thread.join(max(0.0, end - time.monotonic()))


@dataclass(frozen=True, slots=True)
class _Face:
    """What a host shows of the item, apart from its menu."""

    status: str = "Passive"
    title: str = ""
    text: str = ""
    pixmaps: list[list[int | bytes]] = field(default_factory=list)
    is_menu: bool = True

    @property
    def needs_attention(self) -> bool:
        return self.status == "NeedsAttention"


class _Session:
    """One connection to the bus: what is exported on it, and where the item is registered."""

    def __init__(self, icon: Icon, bus: MessageBus) -> None:
        self._icon, self._bus = icon, bus
        self._item, self._menu = _Item(icon), _Menu(icon)
        self._news = asyncio.Event()
        """The watcher, its hosts or our visibility changed."""
        self._registered = self._is_refused = False
        self._watchers = 0
        """How often the watcher came or went."""
        self._tasks = asyncio.TaskGroup()
        self._notifying = 0

    async def run(self) -> None:
        """Be there until the bus goes away."""
        bus = self._bus
        try:
            bus.export(ITEM_PATH, self._item)
            bus.export(MENU_PATH, self._menu)
            bus.add_message_handler(self._heard)
            async with self._tasks as tasks:
                registration = tasks.create_task(self._keep_registered(), name="tray registration")
                with contextlib.suppress(Exception):  # whatever broke the connection, it is gone
                    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
                registration.cancel()
        finally:
            bus.disconnect()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(LEAVE_TIMEOUT):
                    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def tell(self, before: _Face, now: _Face, changes: "_Changes") -> None:
        """Send the signals that lead from one look to the next."""
        if now.pixmaps is not before.pixmaps:
            self._item.new_icon()
            if now.needs_attention:
                self._item.new_attention_icon()
        if now.title != before.title:
            self._item.new_title()
        # No signal of its own tells that ItemIsMenu changed; this one makes hosts read all properties again.
        if (now.title, now.text, now.is_menu) != (before.title, before.text, before.is_menu):
            self._item.new_tool_tip()
        if now.status != before.status:
            if now.needs_attention:
                self._item.new_attention_icon()
            self._item.new_status(now.status)
            self._news.set()
        if now.needs_attention != before.needs_attention:
            self._menu.emit_properties_changed({"Status": self._menu.status})
        for parent in changes.parents:
            self._menu.layout_updated(self._icon._tree.revision, parent)
        if changes.updated or changes.removed:
            self._menu.items_properties_updated(changes.updated, changes.removed)

    def notify(self, body: str, summary: str) -> None:
        if self._notifying >= NOTIFY_LIMIT:
            logger.warning("the notification daemon does not answer; this notification is dropped")
            return
        self._notifying += 1
        self._tasks.create_task(self._notify(body, summary), name="tray notification")

    def remove_notification(self) -> None:
        if self._icon._notification_id:
            self._bus.send(
                Message(
                    destination=NOTIFICATIONS,
                    path=NOTIFICATIONS_PATH,
                    interface=NOTIFICATIONS,
                    member="CloseNotification",
                    flags=MessageFlag.NO_REPLY_EXPECTED,
                    signature="u",
                    body=[self._icon._notification_id],
                )
            )
            self._icon._notification_id = 0

    async def _notify(self, body: str, summary: str) -> None:
        try:
            peer = (NOTIFICATIONS, NOTIFICATIONS_PATH, NOTIFICATIONS)
            capabilities = await self._call(*peer, "GetCapabilities")
            body = "\n".join(_clean(line) for line in body.split("\n")[:TOOLTIP_LINES])
            if "body-markup" in (capabilities or [[]])[0]:
                body = html.escape(body, quote=False)
            arguments = [self._icon.name, self._icon._notification_id, "", _clean(summary), body, [], {}, -1]
            reply = await self._call(*peer, "Notify", "susssasa{sv}i", arguments)
            self._icon._notification_id = reply[0] if reply else 0
        finally:
            self._notifying -= 1

    async def _keep_registered(self) -> None:
        name = f"org.kde.StatusNotifierItem-{os.getpid()}-{self._icon._number}"
        owned = await self._call(BUS, BUS_PATH, BUS, "RequestName", "su", [name, 4])  # 4: do not queue
        if not owned or owned[0] not in (1, 4):
            name = self._bus.unique_name or ""  # a sandbox may refuse names; hosts take this one as well
        owner = f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{WATCHER}'"
        for rule in (owner, f"type='signal',interface='{WATCHER}'"):
            await self._call(BUS, BUS_PATH, BUS, "AddMatch", "s", [rule])
        pause = RETRY_FIRST
        while True:
            self._news.clear()
            settled = await self._register(name)
            pause = RETRY_FIRST if settled else min(2 * pause, RETRY_LAST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if settled else pause):
                    await self._news.wait()

    async def _register(self, name: str) -> bool:
        """Give the watcher our name, unless it has it.  False: it refused, and should be asked again."""
        if not self._icon._shown and not self._registered:
            return True
        if not self._registered:
            watchers = self._watchers
            try:
                await self._ask(WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem", "s", [name])
            except DBusError as error:
                self._icon._tell(hosted=False)
                if error.type in (ErrorType.SERVICE_UNKNOWN.value, ErrorType.NAME_HAS_NO_OWNER.value):
                    return True  # nobody is there: we hear of it when somebody comes
                logger.log(
                    logging.DEBUG if self._is_refused else logging.WARNING,
                    "the tray watcher did not take the icon: %s",
                    error,
                )
                self._is_refused = True
                return False
            self._is_refused = False
            # Its answer and the news that it is gone may have come in one breath.
            self._registered = watchers == self._watchers
        hosts = await self._call(
            WATCHER, WATCHER_PATH, PROPERTIES, "Get", "ss", [WATCHER, "IsStatusNotifierHostRegistered"]
        )
        # A watcher that does not know the property is believed to show what it took.
        self._icon._tell(hosted=self._registered and bool(hosts[0].value if hosts else True))
        return True

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == BUS and message.member == "NameOwnerChanged" and message.body[:1] == [WATCHER]:
            self._registered = False
            self._watchers += 1
            self._news.set()
        elif message.interface == WATCHER and str(message.member).startswith("StatusNotifierHost"):
            self._news.set()

    async def _ask(self, peer: str, path: str, interface: str, member: str, signature: str, body: list[object]) -> list:  # type: ignore[type-arg]
        """The body of a peer's answer.

        Raises:
            DBusError: it answered with an error, or not at all within `CALL_TIMEOUT`.
        """
        message = Message(
            destination=peer,
            path=path,
            interface=interface,
            member=member,
            flags=MessageFlag.NO_AUTOSTART,
            signature=signature,
            body=body,
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                reply = await self._bus.call(message)
        except TimeoutError as error:
            raise DBusError(ErrorType.NO_REPLY, f"{peer} does not answer") from error
        except (OSError, EOFError) as error:
            raise DBusError(ErrorType.DISCONNECTED, "the bus is gone") from error
        if reply is None:
            raise DBusError(ErrorType.DISCONNECTED, "the bus is gone")
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name or ErrorType.FAILED, str(reply.body[0] if reply.body else ""))
        return reply.body

    async def _call(
        self, peer: str, path: str, interface: str, member: str, signature: str = "", body: list[object] | None = None
    ) -> list | None:  # type: ignore[type-arg]
        """The body of a peer's answer, or None; why there is none is in the log."""
        try:
            return await self._ask(peer, path, interface, member, signature, body or [])
        except DBusError as error:
            logger.debug("%s.%s: %s", interface, member, error)
            return None


class _Item(ServiceInterface):
    """org.kde.StatusNotifierItem: the properties are read by hosts, the methods are clicks."""

    def __init__(self, icon: Icon) -> None:
        super().__init__(ITEM)
        self._icon = icon

    @dbus_property(PropertyAccess.READ, "Category")
    def category(self) -> DBusStr:
        return "ApplicationStatus"

    @dbus_property(PropertyAccess.READ, "Id")
    def item_id(self) -> DBusStr:
        return _clean(self._icon.name)

    @dbus_property(PropertyAccess.READ, "Title")
    def title(self) -> DBusStr:
        return self._icon._face.title

    @dbus_property(PropertyAccess.READ, "Status")
    def status(self) -> DBusStr:
        return self._icon._face.status

    @dbus_property(PropertyAccess.READ, "WindowId")
    def window_id(self) -> DBusInt32:
        return 0

    @dbus_property(PropertyAccess.READ, "IconName")
    def icon_name(self) -> DBusStr:
        return ""

    @dbus_property(PropertyAccess.READ, "IconThemePath")
    def icon_theme_path(self) -> DBusStr:
        return ""

    @dbus_property(PropertyAccess.READ, "IconPixmap")
    def icon_pixmap(self) -> Pixmaps:
        return self._icon._face.pixmaps

    @dbus_property(PropertyAccess.READ, "IconAccessibleDesc")
    def icon_accessible_desc(self) -> DBusStr:
        """Ayatana's addition, which GNOME's extension reads out."""
        return self._icon._face.title

    @dbus_property(PropertyAccess.READ, "AttentionAccessibleDesc")
    def attention_accessible_desc(self) -> DBusStr:
        return self._icon._face.title

    @dbus_property(PropertyAccess.READ, "OverlayIconName")
    def overlay_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(PropertyAccess.READ, "OverlayIconPixmap")
    def overlay_icon_pixmap(self) -> Pixmaps:
        return []

    @dbus_property(PropertyAccess.READ, "AttentionIconName")
    def attention_icon_name(self) -> DBusStr:
        return ""

    @dbus_property(PropertyAccess.READ, "AttentionIconPixmap")
    def attention_icon_pixmap(self) -> Pixmaps:
        """The usual picture: a host that finds none here may show nothing at all."""
        return self._icon._face.pixmaps if self._icon._face.needs_attention else []

    @dbus_property(PropertyAccess.READ, "AttentionMovieName")
    def attention_movie_name(self) -> DBusStr:
        return ""

    @dbus_property(PropertyAccess.READ, "ToolTip")
    def tool_tip(self) -> ToolTip:
        return ["", [], self._icon._face.title, self._icon._face.text]

    @dbus_property(PropertyAccess.READ, "ItemIsMenu")
    def item_is_menu(self) -> DBusBool:
        """Without a default item a left click opens the menu."""
        return self._icon._face.is_menu

    @dbus_property(PropertyAccess.READ, "Menu")
    def menu(self) -> DBusObjectPath:
        return MENU_PATH

    @dbus_method("Activate")
    def activate(self, x: DBusInt32, y: DBusInt32) -> None:
        if (item := self._icon._tree.default) is None:
            # Hosts that ignore ItemIsMenu open the menu when they get an error.
            raise DBusError(ErrorType.NOT_SUPPORTED, "there is only a menu")
        self._icon._act(item)

    @dbus_method("SecondaryActivate")
    def secondary_activate(self, x: DBusInt32, y: DBusInt32) -> None:
        """A middle click: pystray has no meaning for it, who uses this backend may."""
        if (secondary := self._icon._secondary) is not None:
            self._icon._act(lambda _: secondary())

    @dbus_method("ProvideXdgActivationToken")
    def provide_xdg_activation_token(self, token: DBusStr) -> None:
        """KDE gives it just before it tells of a click."""
        self._icon._token = token

    @dbus_method("ContextMenu")
    def context_menu(self, x: DBusInt32, y: DBusInt32) -> None:
        """A wish that we show a menu ourselves: hosts draw the one that `Menu` names."""

    @dbus_method("Scroll")
    def scroll(self, delta: DBusInt32, orientation: DBusStr) -> None:
        """The wheel: pystray has no meaning for it."""

    @dbus_signal("NewTitle")
    def new_title(self) -> None: ...

    @dbus_signal("NewIcon")
    def new_icon(self) -> None: ...

    @dbus_signal("NewAttentionIcon")
    def new_attention_icon(self) -> None: ...

    @dbus_signal("NewToolTip")
    def new_tool_tip(self) -> None: ...

    @dbus_signal("NewStatus")
    def new_status(self, status: str) -> DBusStr:
        return status


class _Menu(ServiceInterface):
    """com.canonical.dbusmenu: hosts read the tree, draw it, and say what happened to its items."""

    def __init__(self, icon: Icon) -> None:
        super().__init__(MENU)
        self._icon = icon

    @dbus_property(PropertyAccess.READ, "Version")
    def version(self) -> DBusUInt32:
        return 3

    @dbus_property(PropertyAccess.READ, "TextDirection")
    def text_direction(self) -> DBusStr:
        return "ltr"

    @dbus_property(PropertyAccess.READ, "Status")
    def status(self) -> DBusStr:
        return "notice" if self._icon._face.needs_attention else "normal"

    @dbus_property(PropertyAccess.READ, "IconThemePath")
    def icon_theme_path(self) -> Texts:
        return []

    @dbus_method("GetLayout")
    def get_layout(
        self, parent_id: DBusInt32, recursion_depth: DBusInt32, property_names: Texts
    ) -> Annotated[list[object], DBusSignature("u(ia{sv}av)")]:
        tree = self._icon._tree
        return [tree.revision, tree.node(parent_id).layout(recursion_depth, property_names)]

    @dbus_method("GetGroupProperties")
    def get_group_properties(self, ids: Ids, property_names: Texts) -> ItemProperties:
        nodes = self._icon._tree.nodes
        return [[i, nodes[i].chosen(property_names)] for i in ids or nodes if i in nodes]

    @dbus_method("GetProperty")
    def get_property(self, item_id: DBusInt32, name: DBusStr) -> DBusVariant:
        try:
            return self._icon._tree.node(item_id).chosen([name])[name]
        except KeyError as error:
            raise DBusError(ErrorType.INVALID_ARGS, f"item {item_id} has the default for {name}") from error

    @dbus_method("Event")
    def event(self, item_id: DBusInt32, event_id: DBusStr, data: DBusVariant, timestamp: DBusUInt32) -> None:
        self._happened(item_id, event_id)

    @dbus_method("EventGroup")
    def event_group(self, events: Annotated[list[tuple[int, str, Variant, int]], DBusSignature("a(isvu)")]) -> Ids:
        unknown = []
        for item_id, event_id, _, _ in events:
            try:
                self._happened(item_id, event_id)
            except DBusError:
                unknown.append(item_id)
        if unknown and len(unknown) == len(events):
            raise DBusError(ErrorType.INVALID_ARGS, "the menu has none of these items")
        return unknown

    @dbus_method("AboutToShow")
    def about_to_show(self, item_id: DBusInt32) -> DBusBool:
        self._icon._tree.node(item_id)
        before = self._icon._tree.revision
        self._icon._shows_soon()
        return self._icon._tree.revision != before

    @dbus_method("AboutToShowGroup")
    def about_to_show_group(self, ids: Ids) -> Annotated[list[list[int]], DBusSignature("aiai")]:
        before = self._icon._tree.revision
        self._icon._shows_soon()
        nodes = self._icon._tree.nodes
        known = [i for i in ids if i in nodes]
        return [known if self._icon._tree.revision != before else [], [i for i in ids if i not in nodes]]

    def _happened(self, item_id: int, event_id: str) -> None:
        node = self._icon._tree.node(item_id)
        if event_id == "clicked" and node.item is not None and node.enabled and not node.children:
            self._icon._act(node.item)

    @dbus_signal("LayoutUpdated")
    def layout_updated(self, revision: int, parent: int) -> Annotated[list[int], DBusSignature("ui")]:
        return [revision, parent]

    @dbus_signal("ItemsPropertiesUpdated")
    def items_properties_updated(
        self, updated: Sequence[object], removed: Sequence[object]
    ) -> Annotated[list[Sequence[object]], DBusSignature("a(ia{sv})a(ias)")]:
        return [updated, removed]

    @dbus_signal("ItemActivationRequested")
    def item_activation_requested(self, item_id: int, timestamp: int) -> Annotated[list[int], DBusSignature("iu")]:
        return [item_id, timestamp]


@dataclass(frozen=True, slots=True)
class _Row:
    """What one menu item should look like now."""

    properties: Properties
    item: _base.MenuItem | None = None
    children: tuple["_Row", ...] = ()
    default: bool = False

    @property
    def kind(self) -> tuple[object, bool]:
        """What a row cannot change into another of without being another item."""
        return self.properties.get("type"), bool(self.children)

    @property
    def looks(self) -> tuple[object, object]:
        return self.kind, self.properties.get("label")


@dataclass(slots=True)
class _Node:
    """One item as hosts know it."""

    id: int
    row: _Row
    children: list["_Node"] = field(default_factory=list)
    leaves: float | None = None
    """When it may be removed; until then it is hidden."""

    @property
    def properties(self) -> Properties:
        return self.row.properties

    @property
    def item(self) -> _base.MenuItem | None:
        return self.row.item

    @property
    def enabled(self) -> bool:
        return "enabled" not in self.properties

    def chosen(self, names: Sequence[str]) -> dict[str, Variant]:
        """The properties called `names`, or all, as the bus carries them."""
        return {
            name: Variant(SIGNATURES[name], value)
            for name, value in self.properties.items()
            if not names or name in names
        }

    def layout(self, depth: int, names: list[str]) -> list[object]:
        """(ia{sv}av): this item and `depth` levels below it; all of them if it is negative."""
        below = [Variant("(ia{sv}av)", child.layout(depth - 1, names)) for child in self.children] if depth else []
        return [self.id, self.chosen(names), below]

    def walk(self) -> Iterator["_Node"]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class _Changes:
    """What hosts have to be told of an update."""

    parents: list[int] = field(default_factory=list)
    """Items whose children are not the same as before, or in another order; none of them is below another."""
    updated: list[list[int | dict[str, Variant]]] = field(default_factory=list)
    removed: list[list[int | list[str]]] = field(default_factory=list)
    """Properties that are at their defaults again."""


class _Tree:
    """The menu with its ids.  An item keeps its id as long as it is there, and no id is ever used twice.

    GNOME's AppIndicator extension (42) puts new rows where the layout has them before it takes those away that are
    gone, and moves none: a row that is added in one update with a removal above it is one place off from then on.  So
    a removed row is hidden first, and goes when all hosts have read that, with an update that adds nothing.
    """

    def __init__(self) -> None:
        self._root = _Node(0, _Row({"children-display": "submenu"}))
        self._ids = itertools.count(1)
        self.nodes = {0: self._root}
        self.revision = 1
        self.default: _base.MenuItem | None = None
        """What a left click on the icon does."""

    @property
    def has_leaving(self) -> bool:
        """Whether a removed row is still there, so that a later update with the same rows has something to do."""
        return any(node.leaves is not None for node in self.nodes.values())

    def node(self, item_id: int) -> _Node:
        try:
            return self.nodes[item_id]
        except KeyError as error:
            raise DBusError(ErrorType.INVALID_ARGS, f"the menu has no item {item_id}") from error

    def update(self, rows: tuple[_Row, ...], now: float) -> _Changes:
        """Become a menu of `rows`.  `now` is in seconds and never runs backwards."""
        changes = _Changes()
        self._merge(self._root, rows, now, changes)
        self.nodes = {node.id: node for node in self._root.walk()}
        self.default = next((n.item for n in self._root.children if n.row.default and n.enabled), None)
        self.revision += bool(changes.parents)
        return changes

    def _merge(self, parent: _Node, rows: tuple[_Row, ...], now: float, changes: _Changes) -> None:
        children = []
        below = len(changes.parents)
        known = [node for node in parent.children if node.leaves is None]
        found = _matched(known, rows)
        for row, node in zip(rows, found, strict=True):
            if node is None:
                node = self._grown(row)
            else:
                self._alter(node, row, now, changes)
            children.append(node)
        children = self._with_leaving(parent.children, children, None in found, now, changes)
        if [node.id for node in children] != [node.id for node in parent.children]:
            # Whoever reads this item's children anew has read what is below them, too.
            changes.parents[below:] = [parent.id]
        parent.children = children

    def _with_leaving(
        self, before: list[_Node], after: list[_Node], has_new: bool, now: float, changes: _Changes
    ) -> list[_Node]:
        """The rows after the update, and among them, where they were, those that are to go and cannot go yet."""
        stays = {node.id for node in after}
        place = {node.id: index for index, node in enumerate(before)}
        leaving = [node for node in before if node.id not in stays]
        for node in leaving:
            if node.leaves is None:
                node.leaves = now + LEAVING
                node.row = replace(node.row, properties={**node.properties, "visible": False}, default=False)
                for below in node.walk():
                    below.row = replace(below.row, item=None)
                changes.updated.append([node.id, node.chosen(["visible"])])
        leaving = [node for node in leaving if has_new or (node.leaves or now) > now][-LEAVING_LIMIT:]
        found: list[_Node] = []
        for node in after:
            while leaving and place[leaving[0].id] < place.get(node.id, 0):
                found.append(leaving.pop(0))
            found.append(node)
        return found + leaving

    def _alter(self, node: _Node, row: _Row, now: float, changes: _Changes) -> None:
        old, node.row = node.properties, row
        if new := [name for name, value in row.properties.items() if old.get(name) != value]:
            changes.updated.append([node.id, node.chosen(new)])
        if gone := [name for name in old if name not in row.properties]:
            changes.removed.append([node.id, gone])
        self._merge(node, row.children, now, changes)

    def _grown(self, row: _Row) -> _Node:
        node = _Node(next(self._ids), row)
        node.children = [self._grown(child) for child in row.children]
        return node


def _matched(nodes: list[_Node], rows: tuple[_Row, ...]) -> list[_Node | None]:
    """For each row the node that stands for it already: one that looks the same, else one of its kind in its place."""
    if [node.row.kind for node in nodes] == [row.kind for row in rows]:
        # Nothing but texts and ticks is new.  Some hosts close an open menu when its layout changes.
        return list(nodes)
    found: list[_Node | None] = [None] * len(rows)
    looks = SequenceMatcher(None, [node.row.looks for node in nodes], [row.looks for row in rows], autojunk=False)
    for tag, start, end, first, last in looks.get_opcodes():
        if tag == "equal":
            found[first:last] = nodes[start:end]
        elif tag == "replace":
            left = nodes[start:end]
            for place in range(first, last):
                same = next((i for i, node in enumerate(left) if node.row.kind == rows[place].kind), None)
                if same is not None:
                    found[place] = left[same]
                    left = left[same + 1 :]
    return found


def _rows(menu: _base.Menu | None, depth: int = 0) -> tuple[_Row, ...]:
    if menu is None or depth >= DEPTH_LIMIT:
        return ()
    return tuple(_row(item, depth) for item in itertools.islice(menu, ROWS_LIMIT))


def _row(item: _base.MenuItem, depth: int) -> _Row:
    if item is _base.Menu.SEPARATOR:
        return _Row({"type": "separator"})
    # One underscore marks the access key, two are one.
    properties: Properties = {"label": _clean(item.text).replace("_", "__")}
    if not item.enabled:
        properties["enabled"] = False
    if item.checked is not None:
        properties["toggle-type"] = "radio" if item.radio else "checkmark"
        properties["toggle-state"] = int(item.checked)
    if icon := getattr(item, "icon", None):
        properties["icon-data"] = icon
    if children := _rows(item.submenu, depth + 1):
        properties["children-display"] = "submenu"
    return _Row(properties, item, children, bool(item.default))


def _clean(text: object) -> str:
    """Text as one line that the bus carries: a NUL or half a surrogate pair would cost us the connection."""
    line = "".join(c if c.isprintable() or ord(c) > 0x9F else " " for c in str(text)[:TEXT_LIMIT])
    return line.encode(errors="replace").decode()


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _pixmaps(picture: Picture) -> list[list[int | bytes]]:
    """ARGB32 in network byte order, smallest first."""
    if isinstance(picture, Image.Image):
        # Halving is what LANCZOS does best; a picture is not blown up beyond its own size.
        sizes = [size for size in SIZES if size <= max(picture.size)] or [SIZES[0]]
        pictures = [picture.resize((size, size), Image.Resampling.LANCZOS) for size in sizes]
    else:
        pictures = sorted(picture or (), key=lambda image: image.size)
    found: list[list[int | bytes]] = []
    for image in pictures:
        red, green, blue, alpha = image.convert("RGBA").split()
        found.append([image.width, image.height, Image.merge("RGBA", (alpha, red, green, blue)).tobytes()])
    return found


class _Bus(MessageBus):
    """A connection that a full socket does not end, and on which what cannot be sent is no news.

    That the bus is gone is noticed elsewhere.
    """

    async def connect(self) -> "_Bus":
        await super().connect()
        assert self._writer is not None
        assert self._sock is not None
        self._writer.sock = _Patient(self._sock)  # type: ignore[assignment]
        return self

    def send(self, msg: Message) -> "asyncio.Future[None]":  # type: ignore[override]
        if not self.connected and msg.message_type is not MessageType.METHOD_CALL:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            return future
        future = super().send(msg)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._writer is not None and len(self._writer.messages) > BACKLOG_LIMIT:
            logger.warning("the session bus does not read; a new connection will tell it the latest")
            self.disconnect()
        return future


class _Patient:
    """A socket that takes nothing while it is full, nor when nobody is at its other end.

    dbus-fast (5.2) takes the first for the end of the connection, but a menu and its pictures are tens of kilobytes,
    and a bus that is busy for a moment is no rare thing.  Over the second it trips, as it goes on to write to what it
    has just closed, and leaves errors that nobody fetches.  Reading, which comes next, ends it in good order.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return 0


async def _connect() -> MessageBus:
    try:
        async with asyncio.timeout(CALL_TIMEOUT):
            return await _Bus(_address()).connect()
    except TimeoutError as error:
        raise BusUnavailable(f"it does not answer within {CALL_TIMEOUT:g} s") from error
    except (OSError, EOFError, AuthError, InvalidAddressError) as error:
        raise BusUnavailable(str(error) or type(error).__name__) from error


def _address() -> str:
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""), "bus")
    if runtime.is_absolute() and runtime.is_socket():
        return f"unix:path={quote(str(runtime))}"
    raise BusUnavailable("DBUS_SESSION_BUS_ADDRESS is not set")


async def _reconnect() -> MessageBus:
    for attempt in itertools.count():
        with contextlib.suppress(BusUnavailable):
            return await _connect()
        await asyncio.sleep(min(RETRY_FIRST * 2 ** min(attempt, 16), RETRY_LAST))
    raise AssertionError("a count does not end")
