"""A tray host that forgives nothing: it asserts every rule of StatusNotifierItem and dbusmenu that it can see.

It owns the watcher's name on a private bus, takes one item, and keeps a copy of its menu up to date from signals alone,
as a panel does; :meth:`Host.check` compares the copy with the whole.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, MessageType, PropertyAccess, RequestNameReply, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from tests.desktop.rig import eventually

ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"

ITEM_SIGNATURES = {
    "Category": "s", "Id": "s", "Title": "s", "Status": "s", "WindowId": "i", "IconName": "s", "IconThemePath": "s",
    "IconPixmap": "a(iiay)", "OverlayIconName": "s", "OverlayIconPixmap": "a(iiay)", "AttentionIconName": "s",
    "AttentionIconPixmap": "a(iiay)", "AttentionMovieName": "s", "ToolTip": "(sa(iiay)ss)", "ItemIsMenu": "b",
    "Menu": "o",
}  # fmt: skip
ROW_DEFAULTS = {
    "type": Variant("s", "standard"),
    "label": Variant("s", ""),
    "enabled": Variant("b", value=True),
    "visible": Variant("b", value=True),
    "toggle-type": Variant("s", ""),
    "toggle-state": Variant("i", -1),
    "children-display": Variant("s", ""),
}
SIGNAL_SIGNATURES = {
    "NewTitle": "", "NewIcon": "", "NewToolTip": "", "NewStatus": "s",
    "LayoutUpdated": "ui", "ItemsPropertiesUpdated": "a(ia{sv})a(ias)",
}  # fmt: skip


class Watcher(ServiceInterface):
    def __init__(self, *, has_host: bool = True) -> None:
        super().__init__(WATCHER)
        self.has_host = has_host
        self.items: list[str] = []

    @dbus_method("RegisterStatusNotifierItem")
    def register_item(self, service: DBusStr) -> None:
        self.items.append(service)

    @dbus_property(PropertyAccess.READ, "IsStatusNotifierHostRegistered")
    def host_registered(self) -> DBusBool:
        return self.has_host

    @dbus_property(PropertyAccess.READ, "ProtocolVersion")
    def protocol_version(self) -> DBusInt32:
        return 0


@dataclass
class Row:
    """One item of the copied menu."""

    id: int
    properties: dict[str, Variant]
    children: list["Row"] = field(default_factory=list)

    @property
    def label(self) -> str:
        return str(self.properties["label"].value) if "label" in self.properties else "----"

    def find(self, item_id: int) -> "Row | None":
        if self.id == item_id:
            return self
        return next((found for child in self.children if (found := child.find(item_id))), None)


class Host:
    """See the module; `async with host(address)` makes one."""

    def __init__(self, bus: MessageBus, watcher: Watcher) -> None:
        self.bus, self.watcher = bus, watcher
        self.signals: list[str] = []
        """Signals of the item since the last look at them."""
        self.root = Row(0, {})
        self.revision = 0
        self.faults: list[AssertionError] = []
        """Rules that a signal broke; `host` raises them at its end."""
        self._to_read: list[int] = []
        self._menu_signals = 0

    @property
    def item(self) -> str:
        return self.watcher.items[-1]

    async def take_item(self, times: int = 1) -> None:
        """Wait until an item has registered that often, then read it all."""
        await eventually("the item registered", lambda: len(self.watcher.items) >= times)
        self.root = await self._still_layout(0)

    async def properties(self) -> dict[str, Any]:
        """All properties of the item, each of the type that the specification gives it."""
        (found,) = await self.call("org.freedesktop.DBus.Properties", "GetAll", "s", [ITEM], path=ITEM_PATH)
        assert {name: value.signature for name, value in found.items()} == ITEM_SIGNATURES
        assert found["Category"].value in ("ApplicationStatus", "Communications", "SystemServices", "Hardware")
        assert found["Status"].value in ("Passive", "Active", "NeedsAttention")
        for width, height, data in found["IconPixmap"].value:
            assert len(data) == width * height * 4
        return {name: value.value for name, value in found.items()}

    async def layout(self, parent: int = 0, depth: int = -1, names: tuple[str, ...] = ()) -> Row:
        revision, root = await self.call(MENU, "GetLayout", "iias", [parent, depth, list(names)])
        assert revision >= self.revision
        self.revision = revision
        row = parsed(root)
        assert row.id == parent
        ids = [r.id for r in walk(row)]
        assert len(set(ids)) == len(ids)
        return row

    async def event(self, item_id: int, event_id: str = "clicked") -> None:
        await self.call(MENU, "Event", "isvu", [item_id, event_id, Variant("s", ""), 0])

    async def click(self, label: str) -> None:
        """Click the row with this label."""
        (row,) = [row for row in walk(self.root) if row.label == label]
        await self.event(row.id)

    async def shows(self, *labels: str) -> None:
        """Wait until the copy of the menu has these rows at its top level; "----" is a separator."""
        await self.sees(f"the menu was {labels}", lambda: tuple(row.label for row in self.root.children) == labels)

    async def sees(self, what: str, condition: Callable[[], object]) -> None:
        """Wait for something about the copy of the menu, which follows signals only."""
        while not condition():
            await eventually(what, lambda: self._to_read or condition())
            await self._read()

    async def check(self) -> None:
        """The copy made from signals is the whole menu."""
        await self._read()
        whole = await self._still_layout(0)
        assert self.root == whole

    async def call(
        self, interface: str, member: str, signature: str = "", body: list[Any] | None = None, path: str = ""
    ) -> list[Any]:
        if not path:
            path = "/StatusNotifierItem/Menu" if interface == MENU else ITEM_PATH
        reply = await self.bus.call(
            Message(
                destination=self.item,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body or [],
            )
        )
        assert reply is not None
        if reply.message_type is MessageType.ERROR:
            raise Refused(reply.error_name, *reply.body)
        return list(reply.body)

    def heard(self, message: Message) -> None:
        """Take a signal; dbus-fast would swallow what is raised here."""
        if message.message_type is MessageType.SIGNAL and message.interface in (ITEM, MENU):
            try:
                self._follow(message)
            except AssertionError as fault:
                self.faults.append(fault)

    def _follow(self, message: Message) -> None:
        assert message.member is not None
        assert message.signature == SIGNAL_SIGNATURES[message.member]
        self.signals.append(message.member)
        self._menu_signals += message.interface == MENU
        if message.member == "LayoutUpdated":
            revision, parent = message.body
            assert revision > self.revision
            self._to_read.append(parent)
        elif message.member == "ItemsPropertiesUpdated":
            for item_id, properties in message.body[0]:
                if row := self.root.find(item_id):
                    row.properties.update(properties)
            for item_id, names in message.body[1]:
                if row := self.root.find(item_id):
                    assert set(names) <= set(row.properties), "only what was there can go"
                    for name in names:
                        del row.properties[name]

    async def _still_layout(self, parent: int) -> Row:
        """A layout that no signal overtook on its way to us."""
        while True:
            heard = self._menu_signals
            row = await self.layout(parent)
            if heard == self._menu_signals:
                return row

    async def _read(self) -> None:
        while self._to_read:
            parent = self._to_read.pop(0)
            row = self.root.find(parent)
            assert row is not None
            new = await self._still_layout(parent)
            row.properties, row.children = new.properties, new.children


class Refused(Exception):
    """The item answered with an error."""


@asynccontextmanager
async def host(address: str, *, has_host: bool = True) -> AsyncIterator[Host]:
    """A host on the bus at `address`."""
    bus = await MessageBus(address).connect()
    try:
        watcher = Watcher(has_host=has_host)
        found = Host(bus, watcher)
        bus.add_message_handler(found.heard)
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=["type='signal',path_namespace='/StatusNotifierItem'"],
            )
        )
        bus.export(WATCHER_PATH, watcher)
        assert await bus.request_name(WATCHER) is RequestNameReply.PRIMARY_OWNER
        yield found
        if found.faults:
            raise found.faults[0]
    finally:
        bus.disconnect()
        with suppress(EOFError, OSError):  # the bus may have been killed
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


def parsed(layout: list[Any]) -> Row:
    item_id, properties, children = layout
    for name, value in properties.items():
        assert name in ROW_DEFAULTS, f"{name} is not a property of the specification"
        assert value.signature == ROW_DEFAULTS[name].signature
        assert value != ROW_DEFAULTS[name], f"{name} has its default, which is not sent"
    if properties.get("type") == Variant("s", "separator"):
        assert len(properties) == 1
    assert all(child.signature == "(ia{sv}av)" for child in children)
    if children:
        assert properties.get("children-display", Variant("s", "submenu")).value == "submenu"
    return Row(item_id, properties, [parsed(child.value) for child in children])


def walk(row: Row) -> list[Row]:
    return [row, *(found for child in row.children for found in walk(child))]
