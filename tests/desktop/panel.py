"""Eyes and a hand for the tray in a real panel: where the icon is, what state it shows, its menu and its rows."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from notifier.tray.face import IconState
from notifier.tray.icon import BADGE, COLOURS
from notifier.tray.menu import Entry, Row
from tests.desktop.rig import DEADLINE, WATCHER, Rig, Window, until
from tests.needs import needs

CORNER = 100, 30, 900, 570
"""Width, height, left and top in pixels of the corner of the screen where the panel has its tray."""
NEAR = 8
"""Difference of one colour channel that the panel's scaling may make."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What a panel's menus look like; pixels."""

    window: str
    """Part of the name of their windows."""
    own_width: int
    """Of the panel's own menu, at most; ours is wider."""
    row: int
    line: int
    """A separator."""
    edge: int


XFCE = Looks("wrapper-2.0", own_width=170, row=25, line=1, edge=4)
LXQT = Looks("lxqt-panel", own_width=100, row=25, line=2, edge=0)


def icon_places(rig: Rig, state: IconState | None = None) -> list[tuple[int, int]]:
    """Where on the screen pixels of an icon's colour are: of this state's, or of any."""
    return places(rig, [COLOURS[s] for s in IconState if state in (None, s)])


def has_badge(rig: Rig) -> bool:
    """Whether the icon counts something."""
    return len(places(rig, [BADGE])) > 10


def places(rig: Rig, wanted: list[str]) -> list[tuple[int, int]]:
    """Where on the screen pixels of one of these colours are."""
    colours = [bytes.fromhex(colour[1:]) for colour in wanted]
    width, height, left, top = CORNER
    needs("imagemagick", "import")
    file = rig.home / "corner.png"
    rig.run("import", "-window", "root", "-crop", f"{width}x{height}+{left}+{top}", "+repage", str(file))
    with Image.open(file) as corner:
        pixels = corner.convert("RGB").tobytes()
    near = [
        any(max(map(abs, map(int.__sub__, pixels[i : i + 3], colour))) < NEAR for colour in colours)
        for i in range(0, len(pixels), 3)
    ]
    return [(left + i % width, top + i // width) for i, hit in enumerate(near) if hit]


def shows(rig: Rig, state: IconState, deadline: float = DEADLINE) -> tuple[int, int]:
    """Wait for the icon of `state`; its middle."""
    until(f"the icon was {state.value}", lambda: len(icon_places(rig, state)) > 20, deadline)
    places = icon_places(rig, state)
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


def open_menu(
    rig: Rig,
    at: tuple[int, int],
    button: int = 3,
    panel: Looks = XFCE,
    entries: tuple[Entry, ...] | None = None,
) -> Window:
    """Click on the icon and wait for the menu; a panel that is still busy with the icon may not hear of a click.

    Args:
        entries: Wait for a menu with room for exactly these; one that is open does not grow.
    """
    for _ in range(10):
        rig.click(*at, button=button)
        try:
            until("a menu was open", lambda: popups(rig, panel), 3.0)
        except AssertionError:
            continue
        if (found := menus(rig, panel)) and (entries is None or found[0].height == height_of(entries, panel)):
            return found[0]
        # The panel has shown the icon before it has fetched our menu, or all of it.
        until("that menu was closed", lambda: _left(rig, lambda: popups(rig, panel)))
    raise AssertionError("the panel never opened our menu")


def menu_labels(rig: Rig) -> list[str]:
    """What our rows say, those of submenus too, as the program tells the panel on the bus."""
    call = ("dbus-send", "--session", "--print-reply")
    told = rig.run(
        *call, f"--dest={WATCHER}", "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties.Get",
        f"string:{WATCHER}", "string:RegisteredStatusNotifierItems",
    )  # fmt: skip
    (item,) = re.findall(r'string "([^"/]+)', told)
    layout = rig.run(
        *call, f"--dest={item}", "/StatusNotifierItem/Menu", "com.canonical.dbusmenu.GetLayout",
        "int32:0", "int32:-1", "array:string:label,visible",
    )  # fmt: skip
    hidden = r'\s+\)\s+dict entry\(\s+string "visible"'
    return re.findall(rf'string "label"\s+variant\s+string "(.*)"(?!{hidden})', layout)


def close_menu(rig: Rig) -> None:
    """Leave the menu without choosing."""
    until("the menu was closed", lambda: _left(rig, lambda: menus(rig)))


def _left(rig: Rig, still: Callable[[], object]) -> bool:
    """Press Escape, again each time: a menu that is seen may not have the keyboard yet."""
    rig.run("xdotool", "key", "Escape")
    return not still()


def menus(rig: Rig, panel: Looks = XFCE) -> list[Window]:
    """Our menus that are open."""
    return [window for window in popups(rig, panel) if window.width > panel.own_width]


def popups(rig: Rig, panel: Looks = XFCE) -> list[Window]:
    """All menus that are open, the panel's own too."""
    return [window for window in rig.windows(panel.window) if window.width > 100 and window.height > 90]


def place(window: Window, entries: tuple[Entry, ...], label: str, panel: Looks = XFCE) -> tuple[int, int]:
    """Where to click in an open menu of `entries`, as it is shown."""
    index = next(i for i, entry in enumerate(entries) if isinstance(entry, Row) and entry.label == label)
    below = sum(panel.row if isinstance(entry, Row) else panel.line for entry in entries[index + 1 :])
    return window.x + 60, window.y + window.height - panel.edge - below - panel.row // 2


def height_of(entries: tuple[Entry, ...], panel: Looks = XFCE) -> int:
    """Pixels of a menu's window."""
    return 2 * panel.edge + sum(panel.row if isinstance(entry, Row) else panel.line for entry in entries)


def click_row(rig: Rig, window: Window, entries: tuple[Entry, ...], *path: str, panel: Looks = XFCE) -> None:
    """Click a row of an open menu; with more labels, through its submenus."""
    for label in path[:-1]:
        before = {menu.id for menu in popups(rig, panel)}

        def opened(before: set[str] = before) -> list[Window]:
            return [menu for menu in popups(rig, panel) if menu.id not in before]

        rig.click(*place(window, entries, label, panel))
        until("the submenu was open", opened)
        (window,) = opened()
        (row,) = [entry for entry in entries if isinstance(entry, Row) and entry.label == label]
        entries = row.submenu
    rig.click(*place(window, entries, path[-1], panel))
