"""Eyes and a hand for the tray in a real panel: where the icon is, what state it shows, its menu and its rows."""

from PIL import Image

from notifier.tray.face import IconState
from notifier.tray.icon import COLOURS
from notifier.tray.menu import Entry, Row
from tests.desktop.rig import Rig, Window, until
from tests.needs import needs

CORNER = 100, 30, 900, 570
"""Width, height, left and top in pixels of the corner of the screen where the panel has its tray."""
NEAR = 8
"""Difference of one colour channel that the panel's scaling may make."""
PANEL_MENU_WIDTH = 170
"""Pixels; the panel's own menu is narrower, ours is wider."""
ROW, LINE, EDGE = 25, 1, 4
"""Pixels that a row, a separator and the frame of the panel's menu are high."""


def icon_places(rig: Rig, state: IconState | None = None) -> list[tuple[int, int]]:
    """Where on the screen pixels of an icon's colour are: of this state's, or of any."""
    colours = [bytes.fromhex(COLOURS[s][1:]) for s in IconState if state in (None, s)]
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


def shows(rig: Rig, state: IconState, deadline: float = 8.0) -> tuple[int, int]:
    """Wait for the icon of `state`; its middle."""
    until(f"the icon was {state.value}", lambda: len(icon_places(rig, state)) > 20, deadline)
    places = icon_places(rig, state)
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


def open_menu(rig: Rig, at: tuple[int, int], button: int = 3) -> Window:
    """Click on the icon and wait for the menu; a panel that is still busy with the icon may not hear of a click."""
    for _ in range(10):
        rig.click(*at, button=button)
        try:
            until("a menu was open", lambda: popups(rig), 3.0)
        except AssertionError:
            continue
        if found := menus(rig):
            return found[0]
        # The panel has shown the icon before it has fetched our menu, and opens one of its own meanwhile.
        rig.run("xdotool", "key", "Escape")
        until("the panel's own menu was closed", lambda: not popups(rig))
    raise AssertionError("the panel never opened our menu")


def close_menu(rig: Rig) -> None:
    """Leave the menu without choosing."""
    rig.run("xdotool", "key", "Escape")
    until("the menu was closed", lambda: not menus(rig))


def menus(rig: Rig) -> list[Window]:
    """Our menus that are open."""
    return [window for window in popups(rig) if window.width > PANEL_MENU_WIDTH]


def popups(rig: Rig) -> list[Window]:
    """All menus that are open, the panel's own too."""
    return [window for window in rig.windows("wrapper-2.0") if window.width > 100 and window.height > 100]


def place(window: Window, entries: tuple[Entry, ...], label: str) -> tuple[int, int]:
    """Where to click in an open menu of `entries`, of which only what is below the row must be as it is shown."""
    index = next(i for i, entry in enumerate(entries) if isinstance(entry, Row) and entry.label == label)
    below = sum(ROW if isinstance(entry, Row) else LINE for entry in entries[index + 1 :])
    return window.x + 60, window.y + window.height - EDGE - below - ROW // 2


def click_row(rig: Rig, window: Window, entries: tuple[Entry, ...], *path: str) -> None:
    """Click a row of an open menu; with more labels, through its submenus."""
    for label in path[:-1]:
        before = {menu.id for menu in popups(rig)}
        rig.click(*place(window, entries, label))
        until("the submenu was open", lambda before=before: [w for w in popups(rig) if w.id not in before])  # type: ignore[misc]
        (window,) = [w for w in popups(rig) if w.id not in before]
        (row,) = [entry for entry in entries if isinstance(entry, Row) and entry.label == label]
        entries = row.submenu
    rig.click(*place(window, entries, path[-1]))
