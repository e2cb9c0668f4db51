"""Two real panels killed and restarted, again and again, under one tray: the icon is there, and its menu acts."""

import os
from pathlib import Path

from notifier.status import Verb
from notifier.tray.face import IconState
from notifier.tray.menu import menu
from tests.desktop.panel import LXQT, XFCE, click_row, open_menu, shows
from tests.desktop.rig import Rig, until
from tests.desktop.trayapp import CONNECTED, OFFLINE, PAUSED, SOME_OFFLINE, TrayApp

RESTARTS = 20
GROWTH = 4_096
"""KiB that the tray may have grown by."""
SHOWN = {
    IconState.CONNECTED: CONNECTED,
    IconState.PAUSED: PAUSED,
    IconState.DEGRADED: SOME_OFFLINE,
    IconState.OFFLINE: OFFLINE,
}


def main() -> None:
    """Raises where an icon or a click was lost."""
    with Rig() as rig:
        rig.bus.start()
        app = TrayApp(rig)
        try:
            for looks, panel in ((XFCE, rig.panel), (LXQT, rig.other_panel)):
                begun = 0
                for turn in range(RESTARTS):
                    state, status = list(SHOWN.items())[turn % len(SHOWN)]
                    app.says(status)
                    panel.start()
                    clicks = _clicks(app)
                    window = open_menu(rig, shows(rig, state), panel=looks)
                    click_row(rig, window, menu(status), "Reconnect now", panel=looks)
                    until("the menu acted", lambda clicks=clicks: _clicks(app) > clicks)  # type: ignore[misc]
                    panel.kill()
                    begun = begun or _memory(app)
                grown = _memory(app) - begun
                print(f"{looks.window}: {RESTARTS} restarts, {_memory(app) // 1024} MiB, {grown:+} KiB since the first")
                assert grown < GROWTH
            assert _threads(app) <= 4
            assert app.errors() == ""
            print(f"{_threads(app)} threads, {_clicks(app)} clicks, no complaint")
        finally:
            app.kill()


def _clicks(app: TrayApp) -> int:
    return sum(command.verb is Verb.RECONNECT for command in app.asked())


def _memory(app: TrayApp) -> int:
    """KiB that are resident (proc(5))."""
    lines = Path(f"/proc/{app.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _threads(app: TrayApp) -> int:
    return len(os.listdir(f"/proc/{app.process.pid}/task"))  # noqa: PTH208
