"""A tray host that forgives nothing: it asserts every rule of StatusNotifierItem and dbusmenu that it can see.

It owns the watcher's name on a private bus, takes one item, and keeps a copy of its menu up to date from signals alone,
as a panel does; :meth:`Host.check` compares the copy with the whole.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Annotated, Any

from dbus_fast import DBusError, ErrorType, Message, MessageType, PropertyAccess, RequestNameReply, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr
from dbus_fast.introspection import Node
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property
from PIL import Image

from tests.desktop.rig import eventually

ITEM, ITEM_PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
MENU, MENU_PATH = "com.canonical.dbusmenu", "/StatusNotifierItem/Menu"
PROPERTIES = "org.freedesktop.DBus.Properties"
WATCHER, WATCHER_PATH = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"

ITEM_SIGNATURES = {
    "Category": "s", "Id": "s", "Title": "s", "Status": "s", "WindowId": "i", "IconName": "s", "IconThemePath": "s",
    "IconPixmap": "a(iiay)", "OverlayIconName": "s", "OverlayIconPixmap": "a(iiay)", "AttentionIconName": "s",
    "AttentionIconPixmap": "a(iiay)", "AttentionMovieName": "s", "ToolTip": "(sa(iiay)ss)", "ItemIsMenu": "b",
    "Menu": "o",
    "IconAccessibleDesc": "s", "AttentionAccessibleDesc": "s",  # Ayatana's
}  # fmt: skip
ROW_DEFAULTS = {
    "type": Variant("s", "standard"),
    "label": Variant("s", ""),
    "enabled": Variant("b", value=True),
    "visible": Variant("b", value=True),
    "icon-name": Variant("s", ""),
    "icon-data": Variant("ay", b""),
    "shortcut": Variant("aas", []),
    "toggle-type": Variant("s", ""),
    "toggle-state": Variant("i", -1),
    "children-display": Variant("s", ""),
    "disposition": Variant("s", "normal"),
}
ROW_VALUES: dict[str, set[str | int]] = {
    "type": {"standard", "separator"},
    "toggle-type": {"checkmark", "radio"},
    "toggle-state": {0, 1},
    "children-display": {"submenu"},
    "disposition": {"normal", "informative", "warning", "alert"},
}
STATUSES = {"Passive", "Active", "NeedsAttention"}
MENU_PROPERTIES = {"Version": "u", "TextDirection": "s", "Status": "s", "IconThemePath": "as"}
METHODS = {
    ITEM: {
        "Activate": ("ii", ""), "SecondaryActivate": ("ii", ""), "ContextMenu": ("ii", ""), "Scroll": ("is", ""),
        "ProvideXdgActivationToken": ("s", ""),
    },
    MENU: {
        "GetLayout": ("iias", "u(ia{sv}av)"), "GetGroupProperties": ("aias", "a(ia{sv})"), "GetProperty": ("is", "v"),
        "Event": ("isvu", ""), "EventGroup": ("a(isvu)", "ai"), "AboutToShow": ("i", "b"),
        "AboutToShowGroup": ("ai", "aiai"),
    },
    PROPERTIES: {"Get": ("ss", "v"), "GetAll": ("s", "a{sv}"), "Set": ("ssv", "")},
}  # fmt: skip
"""What each method takes and gives."""
SIGNALS = {
    ITEM: {"NewTitle": "", "NewIcon": "", "NewAttentionIcon": "", "NewToolTip": "", "NewStatus": "s"},
    MENU: {
        "LayoutUpdated": "ui", "ItemsPropertiesUpdated": "a(ia{sv})a(ias)", "ItemActivationRequested": "iu",
    },
    PROPERTIES: {"PropertiesChanged": "sa{sv}as"},
}  # fmt: skip


class Watcher(ServiceInterface):
    def __init__(self, *, has_host: bool = True) -> None:
        super().__init__(WATCHER)
        self.has_host = has_host
        self.items: list[str] = []
        self.refusals = 0
        """How often it will not take an item."""

    @dbus_method("RegisterStatusNotifierItem")
    def register_item(self, service: DBusStr) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DBusError(ErrorType.FAILED, "not now")
        self.items.append(service)

    @dbus_method("RegisterStatusNotifierHost")
    def register_host(self, service: DBusStr) -> None:
        raise AssertionError("an item is no host")

    @dbus_property(PropertyAccess.READ, "RegisteredStatusNotifierItems")
    def registered(self) -> Annotated[list[str], DBusSignature("as")]:
        return self.items

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

    @property
    def shown(self) -> list["Row"]:
        """Its children but for hidden ones."""
        return [child for child in self.children if "visible" not in child.properties]

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
        self._to_read: list[tuple[int, int]] = []
        """Revisions and items whose children are out of date in the copy."""
        self._read_at: dict[int, int] = {}
        """By item, the revision at which all below it was read."""
        self._kinds: dict[int, str] = {}
        """What each item that ever was is; an id is never used for another."""
        self._gone: set[int] = set()
        self._menu_signals = 0

    @property
    def item(self) -> str:
        return self.watcher.items[-1]

    async def take_item(self, times: int = 1) -> None:
        """Wait until an item has registered that often, then read it all."""
        await eventually("the item registered", lambda: len(self.watcher.items) >= times)
        self.root = await self._still_layout(0)
        self._remember()

    async def properties(self) -> dict[str, Any]:
        """All properties of the item, each of the type that the specification gives it."""
        (found,) = await self.call(PROPERTIES, "GetAll", "s", [ITEM], path=ITEM_PATH)
        assert {name: value.signature for name, value in found.items()} == ITEM_SIGNATURES
        values = {name: value.value for name, value in found.items()}
        assert values["Category"] in ("ApplicationStatus", "Communications", "SystemServices", "Hardware")
        assert values["Status"] in STATUSES
        assert values["Id"]
        assert values["Menu"] == MENU_PATH
        for name in ("IconPixmap", "OverlayIconPixmap", "AttentionIconPixmap"):
            sizes = [(width, height) for width, height, _ in values[name]]
            assert sizes == sorted(set(sizes)), "each size once, the smallest first"
            for width, height, data in values[name]:
                assert len(data) == width * height * 4
        assert values["IconPixmap"] or values["IconName"], "there is something to see"
        if values["Status"] == "NeedsAttention":
            assert values["AttentionIconPixmap"] or values["AttentionIconName"], "there is something to see"
        return values

    async def menu_properties(self) -> dict[str, Any]:
        (found,) = await self.call(PROPERTIES, "GetAll", "s", [MENU], path=MENU_PATH)
        assert {name: value.signature for name, value in found.items()} == MENU_PROPERTIES
        values = {name: value.value for name, value in found.items()}
        assert values["Version"] == 3
        assert values["TextDirection"] in ("ltr", "rtl")
        assert values["Status"] in ("normal", "notice")
        return values

    async def introspect(self) -> None:
        """What is exported is what the specifications have, and says so."""
        for interface, path, properties in (
            (ITEM, ITEM_PATH, ITEM_SIGNATURES), (MENU, MENU_PATH, MENU_PROPERTIES),
        ):  # fmt: skip
            (text,) = await self.call("org.freedesktop.DBus.Introspectable", "Introspect", path=path)
            found = next(i for i in Node.parse(text).interfaces if i.name == interface)
            assert {m.name: _signatures(m) for m in found.methods} == METHODS[interface]
            assert {s.name: s.signature for s in found.signals} == SIGNALS[interface]
            assert {p.name: p.signature for p in found.properties} == properties
            assert {p.access for p in found.properties} == {PropertyAccess.READ}
            for name in properties:
                await self.call(PROPERTIES, "Get", "ss", [interface, name], path=path)
                with suppress(Refused):
                    value = Variant("s", "x")
                    await self.call(PROPERTIES, "Set", "ssv", [interface, name, value], path=path)
                    raise AssertionError(f"{name} can be written")

    async def layout(self, parent: int = 0, depth: int = -1, names: tuple[str, ...] = ()) -> Row:
        revision, root = await self.call(MENU, "GetLayout", "iias", [parent, depth, list(names)])
        assert revision >= self.revision
        self.revision = revision
        row = parsed(root, depth, names)
        assert row.id == parent
        ids = [r.id for r in walk(row)]
        assert len(set(ids)) == len(ids)
        assert min(ids[1:], default=1) > 0
        return row

    async def event(self, item_id: int, event_id: str = "clicked") -> None:
        await self.call(MENU, "Event", "isvu", [item_id, event_id, Variant("s", ""), 0])

    async def click(self, label: str) -> None:
        """Click the row with this label."""
        (row,) = [row for row in shown(self.root) if row.label == label]
        await self.event(row.id)

    def labels(self) -> list[str]:
        """The rows at the top level of the copy; "----" is a separator."""
        return [row.label for row in self.root.shown]

    async def shows(self, *labels: str) -> None:
        """Wait until the copy of the menu has these rows at its top level; "----" is a separator."""
        await self.sees(f"the menu was {labels}", lambda: tuple(self.labels()) == labels)

    async def sees(self, what: str, condition: Callable[[], object]) -> None:
        """Wait for something about the copy of the menu, which follows signals only."""
        while not condition():
            await eventually(what, lambda: self._to_read or condition())
            await self._read()

    async def check(self) -> None:
        """The copy made from signals is the whole menu, and each way to ask for it gives the same answer."""
        # A row that was hidden goes a second later, which may be just now.
        await self.sees("what was hidden was gone", lambda: walk(self.root) == shown(self.root))
        await self._read()
        whole = await self._still_layout(0)
        assert self.root == whole
        rows = {row.id: row.properties for row in walk(whole)}
        (group,) = await self.call(MENU, "GetGroupProperties", "aias", [[], []])
        assert dict(group) == rows
        for item_id, properties in rows.items():
            for name in ROW_DEFAULTS:
                try:
                    (value,) = await self.call(MENU, "GetProperty", "is", [item_id, name])
                except Refused:
                    assert name not in properties
                else:
                    assert value == properties[name]

    async def call(
        self, interface: str, member: str, signature: str = "", body: list[Any] | None = None, path: str = ""
    ) -> list[Any]:
        """What the item answers; only what the specification lets it."""
        if not path:
            path = MENU_PATH if interface == MENU else ITEM_PATH
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
        if interface in METHODS:
            assert (signature, reply.signature) == METHODS[interface][member]
        return list(reply.body)

    def heard(self, message: Message) -> None:
        """Take a signal; dbus-fast would swallow what is raised here."""
        if message.message_type is MessageType.SIGNAL and message.interface in SIGNALS:
            try:
                self._follow(message)
            except AssertionError as fault:
                self.faults.append(fault)

    def _follow(self, message: Message) -> None:
        assert message.interface is not None
        assert message.member is not None
        assert message.signature == SIGNALS[message.interface][message.member]
        if message.interface == PROPERTIES:
            interface, changed, invalidated = message.body
            assert (interface, invalidated) == (MENU, []), "StatusNotifierItem has signals of its own"
            assert {name: value.signature for name, value in changed.items()}.items() <= MENU_PROPERTIES.items()
            return
        assert message.path == {ITEM: ITEM_PATH, MENU: MENU_PATH}[message.interface]
        self.signals.append(message.member)
        self._menu_signals += message.interface == MENU
        match message.member:
            case "NewStatus":
                assert message.body[0] in STATUSES
            case "LayoutUpdated":
                revision, parent = message.body
                assert revision > self.revision
                self._to_read.append((revision, parent))
            case "ItemsPropertiesUpdated":
                self._alter(*message.body)

    def _alter(self, updated: list[Any], removed: list[Any]) -> None:
        assert updated or removed, "a signal tells something"
        for changes in (updated, removed):
            ids = [item_id for item_id, _ in changes]
            assert len(set(ids)) == len(ids), "an item is told once"
            assert all(change for _, change in changes)
        for item_id, properties in updated:
            assert item_id not in self._gone
            known(properties)
            if row := self.root.find(item_id):
                for name, value in properties.items():
                    assert row.properties.get(name) != value, "only what is different is told"
                row.properties.update(properties)
        for item_id, names in removed:
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
                self._read_at.update(dict.fromkeys([r.id for r in walk(row)], self.revision))
                return row

    async def _read(self) -> None:
        while self._to_read:
            revision, parent = self._to_read.pop(0)
            if self._read_at.get(parent, 0) >= revision:
                continue
            row = self.root.find(parent)
            assert row is not None, "the item is in the copy"
            new = await self._still_layout(parent)
            assert [r.id for r in row.children] != [r.id for r in new.children] or self._to_read, "children changed"
            row.properties, row.children = new.properties, new.children
            self._remember()

    def _remember(self) -> None:
        there = {row.id: str(row.properties.get("type", ROW_DEFAULTS["type"]).value) for row in walk(self.root)}
        assert not there.keys() & self._gone, "an id that is gone never comes back"
        for item_id, kind in there.items():
            assert self._kinds.setdefault(item_id, kind) == kind, "an item stays what it is"
        self._gone = self._kinds.keys() - there.keys()


class Refused(Exception):
    """The item answered with an error."""


@asynccontextmanager
async def host(address: str, *, has_host: bool = True) -> AsyncIterator[Host]:
    """A host on the bus at `address`, which is the watcher too."""
    watcher = Watcher(has_host=has_host)
    async with another_host(address, watcher) as found:
        found.bus.export(WATCHER_PATH, watcher)
        assert await found.bus.request_name(WATCHER) is RequestNameReply.PRIMARY_OWNER
        yield found


@asynccontextmanager
async def another_host(address: str, watcher: Watcher) -> AsyncIterator[Host]:
    """A host beside the one that is the watcher."""
    bus = await MessageBus(address).connect()
    try:
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
        yield found
        if found.faults:
            raise found.faults[0]
    finally:
        bus.disconnect()
        with suppress(EOFError, OSError):  # the bus may have been killed
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


def parsed(layout: list[Any], depth: int = -1, names: tuple[str, ...] = ()) -> Row:
    """The row that a layout of so many levels, with these properties only, tells."""
    item_id, properties, children = layout
    known(properties)
    assert not names or properties.keys() <= set(names)
    if properties.get("type") == Variant("s", "separator"):
        assert properties.keys() <= {"type", "visible"}
        assert not children
    if not names:
        assert ("toggle-type" in properties) == ("toggle-state" in properties)
        if depth:
            # The root is a menu even while there is nothing in it.
            assert ("children-display" in properties) == bool(children) or item_id == 0
    assert depth or not children
    assert all(child.signature == "(ia{sv}av)" for child in children)
    return Row(item_id, properties, [parsed(child.value, depth - 1, names) for child in children])


def known(properties: dict[str, Variant]) -> None:
    """Assert that these are properties of a row, of their types, not at their defaults, and with values that exist."""
    for name, value in properties.items():
        assert name in ROW_DEFAULTS, f"{name} is not a property of the specification"
        assert value.signature == ROW_DEFAULTS[name].signature
        assert value != ROW_DEFAULTS[name], f"{name} has its default, which is not sent"
        assert value.value in ROW_VALUES.get(name, (value.value,))
    if "label" in properties:
        label = properties["label"].value
        assert label.replace("__", "").count("_") <= 1, "one access key at most"
        assert label.isprintable() or not set(label) & {"\n", "\r", "\t", "\0"}
    if "icon-data" in properties:
        with Image.open(BytesIO(properties["icon-data"].value), formats=["PNG"]) as picture:
            assert max(picture.size) <= 32


def _signatures(method: Any) -> tuple[str, str]:
    return "".join(arg.signature for arg in method.in_args), "".join(arg.signature for arg in method.out_args)


def walk(row: Row) -> list[Row]:
    return [row, *(found for child in row.children for found in walk(child))]


def shown(row: Row) -> list[Row]:
    """It and what is below it, but for hidden rows and what is below them."""
    return [row, *(found for child in row.shown for found in shown(child))]
