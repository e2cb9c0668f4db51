"""The pystray backend, from the other end of the bus."""

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from notifier.tray.tray import bus_backend
from tests.desktop.rig import Rig, eventually
from tests.notifier.tray.host import ITEM, MENU, WATCHER, WATCHER_PATH, Refused, Row, another_host, host, shown, walk

sni = bus_backend()
from pystray import Menu, MenuItem  # noqa: E402

Background = Callable[[Callable[[], None]], threading.Thread]
RED = Image.new("RGBA", (48, 48), (255, 1, 2, 128))
BLUE = Image.new("RGBA", (48, 48), (0, 0, 255, 255))


@pytest.fixture
def make_icon(bus: Rig, background: Background) -> Iterator[Callable[..., Any]]:
    """Icons that run beside the test and are stopped after it."""
    icons: list[Any] = []

    def make(*items: object, menu: object = None, **options: object) -> Any:
        icon = sni.Icon("an-icon", RED, "A title", menu or (Menu(*items) if items else None), **options)
        icons.append(icon)
        background(icon.run)
        return icon

    yield make
    for icon in icons:
        icon.stop()


def address(bus: Rig) -> str:
    return bus.environ["DBUS_SESSION_BUS_ADDRESS"]


def labels(row: Row) -> list[str]:
    return [r.label for r in shown(row)[1:]]


async def test_an_item_registers_with_every_property_of_its_type(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Quit", None))
        await panel.take_item()
        assert panel.item.startswith("org.kde.StatusNotifierItem-")
        properties = await panel.properties()
        assert (properties["Id"], properties["Title"], properties["Status"]) == ("an-icon", "A title", "Active")
        assert properties["Menu"] == "/StatusNotifierItem/Menu"
        assert properties["ToolTip"] == ("", [], "A title", "")
        assert [pixmap[0] for pixmap in properties["IconPixmap"]] == [16, 22, 24, 32, 48]
        assert properties["IconPixmap"][-1][2][:4] == bytes((128, 255, 1, 2)), "ARGB in network byte order"


async def test_what_is_exported_is_what_the_specifications_have(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Quit", None))
        await panel.take_item()
        await panel.introspect()
        assert (await panel.menu_properties())["Status"] == "normal"
        for interface in (ITEM, MENU):
            with pytest.raises(Refused):
                await panel.call(interface, "NoSuchMethod")


async def test_an_icon_that_asks_for_attention_says_so_and_has_a_picture_for_it(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    async with host(address(bus)) as panel:
        icon = make_icon(MenuItem("Quit", None))
        await panel.take_item()
        await eventually("it was shown", lambda: icon.visible)
        assert (await panel.properties())["AttentionIconPixmap"] == []
        panel.signals.clear()
        icon.attention = True
        await eventually("it was told", lambda: len(panel.signals) >= 2)
        assert panel.signals == ["NewAttentionIcon", "NewStatus"]
        asking = await panel.properties()
        assert asking["Status"] == "NeedsAttention"
        assert asking["AttentionIconPixmap"] == asking["IconPixmap"]
        assert (await panel.menu_properties())["Status"] == "notice"
        panel.signals.clear()
        icon.icon = BLUE
        await eventually("it was told", lambda: len(panel.signals) >= 2)
        assert panel.signals == ["NewIcon", "NewAttentionIcon"]
        icon.attention = False
        await eventually("it was told", lambda: "NewStatus" in panel.signals)
        assert (await panel.properties())["Status"] == "Active"
        icon.attention = True
        icon.visible = False
        await eventually("it was told", lambda: panel.signals.count("NewStatus") > 1)
        assert (await panel.properties())["Status"] == "Passive", "what is hidden asks for nothing"


async def test_an_item_may_have_a_picture(bus: Rig, make_icon: Callable[..., Any]) -> None:
    pictures = [RED.resize((16, 16)), BLUE.resize((16, 16))]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(sni.MenuItem("a", None, icon=p) for p in pictures)))
        await panel.take_item()
        red, blue = (bytes(row.properties["icon-data"].value) for row in panel.root.children)
        assert red.startswith(b"\x89PNG")
        assert red != blue
        panel.signals.clear()
        pictures.reverse()
        icon.update_menu()
        await panel.sees("it was told", lambda: panel.signals)
        assert panel.signals == ["ItemsPropertiesUpdated"]
        assert bytes(panel.root.children[0].properties["icon-data"].value) == blue
        await panel.check()


async def test_submenus_that_change_are_told_each_for_itself(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rows = {"x": ["x1"], "y": ["y1"], "z": ["z1"]}

    def menu() -> tuple[Any, ...]:
        return tuple(MenuItem(name, Menu(*(MenuItem(row, None) for row in inner))) for name, inner in rows.items())

    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(menu))
        await panel.take_item()
        x, y, z = panel.root.children
        told: list[int] = []
        panel.bus.add_message_handler(lambda m: told.append(m.body[1]) if m.member == "LayoutUpdated" else None)
        rows["x"].append("x2")
        rows["z"] = ["z0", "z1"]
        icon.update_menu()
        await panel.sees("it was told", lambda: len(x.children) == len(z.children) == 2)
        assert told == [x.id, z.id], "what is below y, and the top, may stay as they are"
        assert [row.label for row in y.children] == ["y1"]
        await panel.check()


async def test_a_change_below_a_changed_submenu_is_not_told_once_more(bus: Rig, make_icon: Callable[..., Any]) -> None:
    outer, inner = ["o1"], ["i1"]

    def below() -> Iterator[Any]:
        yield MenuItem("inner", Menu(*(MenuItem(row, None) for row in inner)))
        yield from (MenuItem(row, None) for row in outer)

    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: (MenuItem("outer", Menu(*below())), MenuItem("last", None))))
        await panel.take_item()
        top = panel.root.children[0]
        told: list[int] = []
        panel.bus.add_message_handler(lambda m: told.append(m.body[1]) if m.member == "LayoutUpdated" else None)
        outer.append("o2")
        inner.append("i2")
        icon.update_menu()
        await panel.sees("it was told", lambda: len(top.children) == 3)
        assert told == [top.id]
        assert labels(top) == ["inner", "i1", "i2", "o1", "o2"]
        await panel.check()


async def test_who_uses_it_hears_before_the_menu_is_shown_and_of_a_middle_click(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    rows, middle = ["a"], threading.Event()
    async with host(address(bus)) as panel:
        make_icon(
            menu=Menu(lambda: tuple(MenuItem(row, None) for row in rows)),
            sni_about_to_show=lambda: rows.append("b"),
            sni_secondary=middle.set,
        )
        await panel.take_item()
        assert await panel.call(MENU, "AboutToShow", "i", [0]) == [True]
        await panel.shows("a", "b")
        await panel.call(ITEM, "SecondaryActivate", "ii", [1, 2])
        await eventually("the middle click was heard", middle.is_set)


async def test_the_menu_is_the_one_of_pystray(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        make_icon(
            MenuItem("snake_case & more", None, enabled=False),
            MenuItem("Hidden", None, visible=False),
            Menu.SEPARATOR,
            MenuItem("On", None, checked=lambda _: True),
            MenuItem("Off", None, checked=lambda _: False, radio=True),
            MenuItem("More", Menu(MenuItem("Inner", None))),
        )
        await panel.take_item()
        assert labels(panel.root) == ["snake__case & more", "----", "On", "Off", "More", "Inner"]
        first, _, on, off, more, _ = walk(panel.root)[1:]
        assert first.properties["enabled"].value is False
        assert (on.properties["toggle-type"].value, on.properties["toggle-state"].value) == ("checkmark", 1)
        assert (off.properties["toggle-type"].value, off.properties["toggle-state"].value) == ("radio", 0)
        assert more.properties["children-display"].value == "submenu"


async def test_a_layout_is_as_deep_and_as_detailed_as_asked(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        make_icon(
            MenuItem("More", Menu(MenuItem("Inner", Menu(MenuItem("Core", None))))), MenuItem("No", None, enabled=False)
        )
        await panel.take_item()
        assert labels(await panel.layout(depth=0)) == []
        assert labels(await panel.layout(depth=1)) == ["More", "No"]
        assert labels(await panel.layout(depth=2)) == ["More", "Inner", "No"]
        more = panel.root.children[0]
        assert labels(await panel.layout(more.id)) == ["Inner", "Core"]
        only = await panel.layout(names=("enabled",))
        assert [set(row.properties) for row in walk(only)] == [set(), set(), set(), set(), {"enabled"}]
        (group,) = await panel.call(MENU, "GetGroupProperties", "aias", [[more.id, 999], ["label"]])
        assert group == [(more.id, {"label": Variant("s", "More")})]
        (every,) = await panel.call(MENU, "GetGroupProperties", "aias", [[], []])
        assert {i for i, _ in every} == {row.id for row in walk(panel.root)}
        with pytest.raises(Refused, match="no item 999"):
            await panel.layout(999)


async def test_a_click_runs_the_action_and_only_a_click_on_what_is_enabled(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    clicked: list[str] = []
    async with host(address(bus)) as panel:
        make_icon(
            MenuItem("Go", lambda: clicked.append("go")),
            MenuItem("No", lambda: clicked.append("no"), enabled=False),
            MenuItem("More", Menu(MenuItem("Inner", lambda: clicked.append("inner")))),
        )
        await panel.take_item()
        await panel.click("No")
        await panel.event(panel.root.children[0].id, "hovered")
        await panel.event(0, "opened")
        await panel.click("Inner")
        await eventually("the click acted", lambda: clicked == ["inner"])
        go = panel.root.children[0].id
        (unknown,) = await panel.call(
            MENU, "EventGroup", "a(isvu)", [[[i, "clicked", Variant("s", ""), 0] for i in (go, 999)]]
        )
        assert unknown == [999]
        await eventually("the click acted", lambda: clicked == ["inner", "go"])
        with pytest.raises(Refused):
            await panel.event(999)
        with pytest.raises(Refused):
            await panel.call(MENU, "EventGroup", "a(isvu)", [[[999, "clicked", Variant("s", ""), 0]]])


async def test_ids_stay_when_the_menu_changes_and_only_what_changed_is_told(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    rows = [MenuItem("a", None), Menu.SEPARATOR, MenuItem("b", None), MenuItem("c", None)]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(rows)))
        await panel.take_item()
        a, line, b, c = (row.id for row in panel.root.children)
        panel.signals.clear()

        rows[0] = MenuItem("a is new", None, enabled=False)
        icon.update_menu()
        await panel.shows("a is new", "----", "b", "c")
        assert panel.signals == ["ItemsPropertiesUpdated"], "an item that reads otherwise is the same item"
        rows[0] = MenuItem("a is new", None)
        icon.update_menu()
        await panel.sees("the default was told", lambda: "enabled" not in panel.root.children[0].properties)
        assert panel.signals == ["ItemsPropertiesUpdated"] * 2

        panel.signals.clear()
        rows.insert(1, MenuItem("x", None))
        icon.update_menu()
        await panel.shows("a is new", "x", "----", "b", "c")
        assert panel.signals == ["LayoutUpdated"]
        ids = [row.id for row in panel.root.children]
        assert [ids[0], *ids[2:]] == [a, line, b, c]
        assert ids[1] not in (a, line, b, c)

        panel.signals.clear()
        icon.update_menu()
        icon.icon = BLUE
        await eventually("something was told", lambda: panel.signals)
        assert panel.signals == ["NewIcon"], "a menu that is as before is not told"
        await panel.check()


async def test_rows_that_move_up_one_place_are_told_as_texts(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rows, clicked = ["one", "two", "three"], list[str]()

    def menu() -> tuple[Any, ...]:
        return tuple(MenuItem(row, lambda _, item: clicked.append(item.text)) for row in rows)

    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(menu))
        await panel.take_item()
        ids = [row.id for row in panel.root.children]
        panel.signals.clear()
        rows[:] = ["zero", "one", "two"]
        icon.update_menu()
        await panel.shows("zero", "one", "two")
        assert panel.signals == ["ItemsPropertiesUpdated"], "an open menu stays open"
        assert [row.id for row in panel.root.children] == ids
        await panel.click("one")
        await eventually("it acted as it reads", lambda: clicked == ["one"])
        await panel.check()


async def test_a_click_on_a_row_that_was_just_removed_does_nothing(bus: Rig, make_icon: Callable[..., Any]) -> None:
    clicked: list[str] = []
    rows = [MenuItem("a", lambda: clicked.append("a")), MenuItem("b", Menu(MenuItem("c", lambda: clicked.append("c"))))]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(rows)))
        await panel.take_item()
        a, b = panel.root.children
        rows.clear()
        icon.update_menu()
        await panel.shows()
        for gone in (a.id, b.children[0].id):
            await panel.event(gone)
        rows.append(MenuItem("d", lambda: clicked.append("d")))
        icon.update_menu()
        await panel.shows("d")
        await panel.click("d")
        await eventually("the click acted", lambda: clicked)
        assert clicked == ["d"]


async def test_a_removed_id_never_comes_back(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rows = [MenuItem("a", None), MenuItem("b", None)]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(rows)))
        await panel.take_item()
        gone = panel.root.children[1].id
        del rows[1]
        icon.update_menu()
        await panel.shows("a")
        await panel.sees("it was gone, and not only hidden", lambda: len(panel.root.children) == 1)
        rows.append(MenuItem("b", None))
        icon.update_menu()
        await panel.shows("a", "b")
        assert panel.root.children[1].id != gone
        with pytest.raises(Refused):
            await panel.event(gone)


async def test_icon_title_and_visibility_change_from_any_thread(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        icon = make_icon()
        await panel.take_item()
        await eventually("it was shown", lambda: icon.visible)
        before = await panel.properties()
        assert before["ItemIsMenu"] is True

        def change() -> None:
            icon.icon = (BLUE.resize((22, 22)), BLUE.resize((16, 16)))
            icon.title = "First & last\n<b>not bold</b>\nNUL\x00"
            icon.visible = False

        await asyncio.to_thread(change)
        await eventually(
            "all was told", lambda: {"NewIcon", "NewTitle", "NewToolTip", "NewStatus"} <= set(panel.signals)
        )
        after = await panel.properties()
        assert after["Title"] == "First & last"
        assert after["ToolTip"][2:] == ("First & last", "&lt;b&gt;not bold&lt;/b&gt;\nNUL ")
        assert after["Status"] == "Passive"
        assert [pixmap[0] for pixmap in after["IconPixmap"]] == [16, 22]


async def test_a_left_click_does_the_default_and_without_one_the_menu_opens(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    clicked: list[str] = []
    rows = [MenuItem("a", lambda: clicked.append("a"))]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(rows)))
        await panel.take_item()
        assert (await panel.properties())["ItemIsMenu"] is True
        with pytest.raises(Refused):
            await panel.call(ITEM, "Activate", "ii", [1, 2])
        rows.append(MenuItem("b", lambda: clicked.append("b"), default=True))
        icon.update_menu()
        await eventually("hosts read it again", lambda: "NewToolTip" in panel.signals)
        assert (await panel.properties())["ItemIsMenu"] is False
        await panel.call(ITEM, "Activate", "ii", [1, 2])
        await eventually("the default acted", lambda: clicked == ["b"])
        for member, signature, body in (
            ("SecondaryActivate", "ii", [1, 2]), ("ContextMenu", "ii", [1, 2]), ("Scroll", "is", [1, "vertical"]),
        ):  # fmt: skip
            await panel.call(ITEM, member, signature, body)
        assert clicked == ["b"]


async def test_a_menu_is_read_again_before_it_is_shown(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rows = [MenuItem("a", None)]
    async with host(address(bus)) as panel:
        make_icon(menu=Menu(lambda: tuple(rows)))
        await panel.take_item()
        assert await panel.call(MENU, "AboutToShow", "i", [0]) == [False]
        rows.append(MenuItem("b", None))
        assert await panel.call(MENU, "AboutToShow", "i", [0]) == [True]
        await panel.shows("a", "b")
        rows.append(MenuItem("c", None))
        assert await panel.call(MENU, "AboutToShowGroup", "ai", [[0, 999]]) == [[0], [999]]


async def test_a_failing_action_is_logged_and_the_next_one_runs(
    bus: Rig, make_icon: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Fail", lambda: 1 / 0), MenuItem("Go", done.set))
        await panel.take_item()
        with caplog.at_level(logging.ERROR):
            await panel.click("Fail")
            await eventually("it was logged", lambda: "a menu callback failed" in caplog.text)
        await panel.click("Go")
        await eventually("the next one ran", done.is_set)


async def test_a_hanging_action_blocks_neither_the_menu_nor_the_other_actions(
    bus: Rig, make_icon: Callable[..., Any]
) -> None:
    release, done = threading.Event(), threading.Event()
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Hang", lambda: release.wait(60) and None), MenuItem("Go", done.set))
        await panel.take_item()
        for _ in range(sni.CALLBACKS_LIMIT - 1):
            await panel.click("Hang")
        await panel.click("Go")
        await eventually("the other one ran", done.is_set)
        for _ in range(5):
            await panel.click("Hang")  # beyond the limit, dropped
        assert threading.active_count() < 2 * sni.CALLBACKS_LIMIT
        assert labels(await panel.layout()) == ["Hang", "Go"]
        release.set()


async def test_a_menu_that_cannot_be_read_leaves_the_last_one(
    bus: Rig, make_icon: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    broken = False

    def text(_: object) -> str:
        if broken:
            raise LookupError
        return "fine"

    async with host(address(bus)) as panel:
        icon = make_icon(MenuItem(text, None))
        await panel.take_item()
        broken = True
        icon.update_menu()
        await eventually("it was logged", lambda: "the menu could not be read" in caplog.text)
        assert labels(await panel.layout()) == ["fine"]


async def test_it_registers_again_when_the_watcher_restarts(bus: Rig, make_icon: Callable[..., Any]) -> None:
    heard: list[bool] = []
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Quit", None), sni_host_changed=heard.append)
        await panel.take_item()
        await eventually("it was told", lambda: heard == [True])
    await eventually("the loss was told", lambda: heard == [True, False])
    for _ in range(3):
        async with host(address(bus)) as panel:
            await panel.take_item()
            assert labels(panel.root) == ["Quit"]
            assert (await panel.properties())["Status"] == "Active"
            assert len(panel.watcher.items) == 1, "once is enough"
            await eventually("it was told", lambda: heard[-1])
        await eventually("the loss was told", lambda: not heard[-1])


async def test_without_a_watcher_it_says_so_once_and_waits(bus: Rig, make_icon: Callable[..., Any]) -> None:
    heard: list[bool] = []
    make_icon(MenuItem("Quit", None), sni_host_changed=heard.append)
    await eventually("it was told", lambda: heard == [False])
    async with host(address(bus)) as panel:
        await panel.take_item()
        await eventually("it was told", lambda: heard == [False, True])


async def test_a_watcher_without_a_host_shows_nothing_until_one_comes(bus: Rig, make_icon: Callable[..., Any]) -> None:
    heard: list[bool] = []
    async with host(address(bus), has_host=False) as panel:
        make_icon(sni_host_changed=heard.append)
        await panel.take_item()
        await eventually("it was told", lambda: heard == [False])
        panel.watcher.has_host = True
        await panel.bus.send(signal(WATCHER_PATH, WATCHER, "StatusNotifierHostRegistered"))
        await eventually("it was told", lambda: heard == [False, True])
        panel.watcher.has_host = False
        await panel.bus.send(signal(WATCHER_PATH, WATCHER, "StatusNotifierHostUnregistered"))
        await eventually("it was told", lambda: heard == [False, True, False])
        assert len(panel.watcher.items) == 1


async def test_several_hosts_show_the_same(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rows, clicked = ["a"], list[str]()
    async with host(address(bus)) as panel, another_host(address(bus), panel.watcher) as other:
        icon = make_icon(menu=Menu(lambda: tuple(MenuItem(row, lambda: clicked.append("x")) for row in rows)))
        for each in (panel, other):
            await each.take_item()
        rows.append("b")
        icon.update_menu()
        for each in (panel, other):
            await each.shows("a", "b")
            await each.check()
            await each.click("b")
        await eventually("both clicks acted", lambda: clicked == ["x", "x"])


async def test_a_watcher_that_does_not_take_it_is_asked_again(
    bus: Rig, make_icon: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with host(address(bus)) as panel:
        panel.watcher.refusals = 2
        make_icon(MenuItem("Quit", None))
        await panel.take_item()
        assert labels(panel.root) == ["Quit"]
    assert caplog.text.count("did not take the icon") == 1


async def test_it_comes_back_with_the_bus(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        icon = make_icon(MenuItem("Quit", None))
        await panel.take_item()
        first = panel.root.children[0].id
        await asyncio.to_thread(bus.bus.kill)
        icon.title = "Said while there was no bus"
        await asyncio.to_thread(bus.bus.start)
    async with host(address(bus)) as panel:
        await panel.take_item()
        assert (await panel.properties())["Title"] == "Said while there was no bus"
        assert panel.root.children[0].id == first


async def test_a_runtime_directory_with_a_space_is_no_obstacle(
    bus: Rig, make_icon: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "run time").symlink_to(bus.environ["XDG_RUNTIME_DIR"])
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run time"))
    async with host(address(bus)) as panel:
        make_icon(MenuItem("Quit", None))
        await panel.take_item()


async def test_what_is_said_to_a_bus_that_has_just_died_leaves_no_error_behind(
    bus: Rig, make_icon: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The icon speaks before it has read that nobody listens any more."""
    started = threading.Event()

    def kill_and_speak() -> None:
        bus.bus.kill()
        icon.title = "Said to nobody"
        started.set()

    async with host(address(bus)) as panel:
        icon = make_icon(MenuItem("Quit", None))
        await panel.take_item()
        icon._post(kill_and_speak)
        await asyncio.to_thread(started.wait, 8)
    await asyncio.to_thread(bus.bus.start)
    async with host(address(bus)) as panel:
        await panel.take_item()
        assert (await panel.properties())["Title"] == "Said to nobody"
    gc.collect()
    assert [
        record.message for record in caplog.records if record.name == "asyncio" and "took" not in record.message
    ] == []


async def test_a_bus_that_is_too_busy_to_read_costs_nothing(bus: Rig, make_icon: Callable[..., Any]) -> None:
    labels_now = ["first"]
    async with host(address(bus)) as panel:
        icon = make_icon(menu=Menu(lambda: tuple(MenuItem(f"{n} {labels_now[-1]}", None) for n in range(60))))
        await panel.take_item()
        turns = [threading.Event() for _ in range(12)]
        bus.bus.freeze()
        for n, turn in enumerate(turns):
            # More than the socket takes: hundreds of kilobytes of properties in all.
            labels_now.append(f"{n} " + "x" * 400)
            icon.update_menu()
            icon._post(turn.set)
            await asyncio.to_thread(turn.wait, 8)
        bus.bus.thaw()
        await panel.sees("the last was told", lambda: panel.labels()[-1] == f"59 {labels_now[-1]}")
        await panel.check()
        assert len(panel.watcher.items) == 1, "the connection was kept"


async def test_what_waits_for_a_bus_that_does_not_read_is_bounded(
    bus: Rig, make_icon: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with host(address(bus)) as panel:
        number = 0
        icon = make_icon(MenuItem(lambda _: f"{number} " + "x" * 400, None))
        await panel.take_item()
        bus.bus.freeze()
        while "does not read" not in caplog.text:
            number += 1
            icon.title = f"Title {number}"
            icon.update_menu()
            turn = threading.Event()
            icon._post(turn.set)
            await asyncio.to_thread(turn.wait, 8)
        bus.bus.thaw()
        await panel.take_item(times=2)
        assert (await panel.properties())["Title"] == f"Title {number}"
        assert number <= sni.BACKLOG_LIMIT


async def test_it_stops_while_the_bus_is_away(bus: Rig, make_icon: Callable[..., Any], background: Background) -> None:
    heard: list[bool] = []
    icon = make_icon(sni_host_changed=heard.append)
    await eventually("it runs", lambda: heard)
    await asyncio.to_thread(bus.bus.kill)
    await asyncio.to_thread(icon.stop)


async def test_it_stops_while_a_bus_that_hangs_lets_it_wait(
    bus: Rig, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sni, "CALL_TIMEOUT", 100.0)
    icon = sni.Icon("an-icon", RED)
    bus.bus.freeze()
    try:
        thread = background(icon.run)
        await eventually("it connects", lambda: icon._task is not None)
        await asyncio.to_thread(icon.stop)
        await asyncio.to_thread(thread.join, 30)
        assert not thread.is_alive()
    finally:
        bus.bus.thaw()


@pytest.mark.parametrize("name", ["unix:path=/nowhere/bus", "nonsense", "unix:abstract=no-bus-here", ""])
def test_without_a_bus_it_fails_before_a_thread_is_started(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", name)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    threads = threading.enumerate()
    with pytest.raises(sni.BusUnavailable):
        sni.Icon("an-icon", RED).run()
    assert threading.enumerate() == threads


async def test_a_title_that_the_bus_cannot_carry_is_cut_and_cleaned(bus: Rig, make_icon: Callable[..., Any]) -> None:
    async with host(address(bus)) as panel:
        make_icon(MenuItem("\x00\ud800\n" + "x" * 10_000, None))
        await panel.take_item()
        (label,) = labels(panel.root)
        assert label.startswith(" ? xxx")
        assert len(label) == sni.TEXT_LIMIT


async def test_a_notification_goes_to_the_daemon(bus: Rig, make_icon: Callable[..., Any]) -> None:
    rule = "type='method_call',interface='org.freedesktop.Notifications'"
    async with host(address(bus)) as panel, bus.monitor(rule) as seen:
        icon = make_icon()
        await panel.take_item()
        icon.notify("A body", "A title")
        await eventually("it was sent", lambda: [m.member for m in seen] == ["GetCapabilities", "Notify"])
        assert seen[1].body[3:5] == ["A title", "A body"]
        assert labels(await panel.layout()) == [], "without a daemon the icon goes on"


menus = st.recursive(
    st.sampled_from("abc"),
    lambda inner: st.lists(inner, min_size=1, max_size=5).map(tuple),
    max_leaves=12,
)


def rows_of(menu: Any) -> tuple[Any, ...]:
    """A tuple is a submenu, "c" a separator, "b" disabled."""
    rows: list[Any] = []
    for entry in menu if isinstance(menu, tuple) else (menu,):
        if isinstance(entry, tuple):
            rows.append(MenuItem(f"menu {len(entry)}", Menu(*rows_of(entry))))
        else:
            rows.append(Menu.SEPARATOR if entry == "c" else MenuItem(entry, None, enabled=entry != "b"))
    return tuple(rows)


@given(st.lists(menus, min_size=2, max_size=5))
def test_a_host_that_moves_nothing_shows_the_menu_all_the_same(history: list[Any]) -> None:
    """GNOME's extension: new rows are put where the layout has them, rows that are gone go last, and none is moved."""
    tree = sni._Tree()
    drawn: dict[int, list[int]] = {0: []}
    now = 0.0
    for menu in history:
        for _ in range(2):  # what is to go is hidden first, and gone when nothing is new
            now += sni.LEAVING
            tree.update(sni._rows(Menu(*rows_of(menu))), now)
            for node in tree.nodes.values():
                layout = [child.id for child in node.children]
                row = drawn.setdefault(node.id, [])
                for place, item_id in enumerate(layout):
                    if item_id not in row:
                        row.insert(place, item_id)
                row[:] = [item_id for item_id in row if item_id in layout]
                assert row == layout
        assert not tree.has_leaving


@given(st.lists(menus, min_size=2, max_size=5))
def test_a_copy_that_follows_the_changes_is_always_the_menu(history: list[Any]) -> None:
    tree = sni._Tree()
    copy = Row(0, {})
    ever: dict[int, object] = {}
    for now, menu in enumerate(history):
        changes = tree.update(sni._rows(Menu(*rows_of(menu))), now)
        for item_id, properties in changes.updated:
            row = copy.find(item_id)
            assert row is not None
            row.properties.update(properties)
        for item_id, names in changes.removed:
            row = copy.find(item_id)
            assert row is not None
            for name in names:
                del row.properties[name]
        for parent in changes.parents:
            row = copy.find(parent)
            if row is None:
                continue  # moved below a parent that was told first
            new = as_row(tree.nodes[parent].layout(-1, []))
            row.properties, row.children = new.properties, new.children
        whole = as_row(tree.nodes[0].layout(-1, []))
        copy.properties = whole.properties
        assert copy == whole
        for row in walk(whole):
            assert ever.setdefault(row.id, row.properties.get("type")) == row.properties.get("type")


def as_row(layout: list[Any]) -> Row:
    return Row(layout[0], dict(layout[1]), [as_row(child.value) for child in layout[2]])


def signal(path: str, interface: str, member: str) -> Any:
    from dbus_fast import Message

    return Message.new_signal(path, interface, member)
