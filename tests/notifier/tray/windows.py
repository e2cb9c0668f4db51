"""A stand-in for the functions of Windows that pystray calls; its own backend for Windows runs on it, unchanged."""

import ctypes
import queue
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import wintypes
from types import ModuleType
from typing import Any

import pytest

from notifier.tray.tray import bus_backend
from tests.desktop.rig import until

WM_NOTIFY, WM_RBUTTONUP = 0x0400 + 11, 0x0205
MODULES = ("pystray._util.win32", "pystray._win32")


class Windows:
    """One window, its messages, its menus, and a person with a mouse."""

    def __init__(self) -> None:
        self.tips: list[str] = []
        """What the icon said when a mouse was above it."""
        self.menus: dict[int, dict[str, tuple[int, int | None]]] = {}
        """Menus that were not destroyed: of each row the number, and the menu below it."""
        self.tracked: int | None = None
        """The menu on the screen."""
        self.broken = False
        """Whether a menu on the screen was destroyed."""
        self._handles = iter(range(100, 10_000))
        self._messages: queue.SimpleQueue[tuple[int, int, int, int] | None] = queue.SimpleQueue()
        self._does: queue.SimpleQueue[Callable[[], str | None]] = queue.SimpleQueue()
        self._answer: Any = None
        self._window = 0

    def right_click(self) -> None:
        """Have the menu opened, and wait until it is on the screen."""
        self._messages.put((self._window, WM_NOTIFY, 0, WM_RBUTTONUP))
        until("the menu was on the screen", lambda: self.tracked is not None)

    def right_click_beside_the_open_menu(self) -> None:
        """Which the loop of the open menu passes on."""

        def pass_on() -> None:
            self._answer(self._window, WM_NOTIFY, 0, WM_RBUTTONUP)

        self._does.put(pass_on)

    def rows(self) -> list[str]:
        """What the menu on the screen says."""
        assert self.tracked is not None
        return list(self.menus[self.tracked])

    def choose(self, label: str) -> None:
        """Click this row of the open menu, or, with no label, beside it."""
        self._does.put(lambda: label)
        until("the menu was gone", lambda: self.tracked is None)

    # What follows are the functions of user32, kernel32 and shell32, by the names that they have there.

    def RegisterClassExW(self, kind: Any) -> int:  # noqa: N802
        self._answer = kind.lpfnWndProc
        return 1

    def RegisterWindowMessageW(self, name: str) -> int:  # noqa: N802
        return 0xC000

    def CreateWindowExW(self, *_: object) -> int:  # noqa: N802
        window = next(self._handles)
        self._window = self._window or window
        return window

    def PeekMessageW(self, *_: object) -> int:  # noqa: N802
        return 0

    def GetMessageW(self, message: Any, *_: object) -> int:  # noqa: N802
        came = self._messages.get()
        if came is None:
            return 0
        message._obj.hWnd, message._obj.message, message._obj.wParam, message._obj.lParam = came
        return 1

    def DispatchMessageW(self, message: Any) -> int:  # noqa: N802
        it = message._obj
        return int(self._answer(it.hWnd, it.message, it.wParam, it.lParam))

    def PostMessageW(self, *message: int) -> int:  # noqa: N802
        self._messages.put(message)  # type: ignore[arg-type]
        return 1

    def PostQuitMessage(self, _: int) -> None:  # noqa: N802
        self._messages.put(None)

    def Shell_NotifyIconW(self, _: int, data: Any) -> int:  # noqa: N802
        if data.uFlags & 4:  # NIF_TIP
            self.tips.append(data.szTip)
        return 1

    def CreatePopupMenu(self) -> int:  # noqa: N802
        handle = next(self._handles)
        self.menus[handle] = {}
        return handle

    def InsertMenuItemW(self, menu: int, place: int, by_place: bool, item: Any) -> int:  # noqa: N802
        it = item._obj
        self.menus[menu][it.dwTypeData or f"---- {place}"] = (it.wID, it.hSubMenu)
        return 1

    def DestroyMenu(self, menu: int) -> int:  # noqa: N802
        self.broken = self.broken or menu == self.tracked
        for _number, below in self.menus.pop(menu).values():
            if below is not None:
                self.DestroyMenu(below)
        return 1

    def TrackPopupMenuEx(self, menu: int, *_: object) -> int:  # noqa: N802
        if self.tracked is not None:
            return 0  # only one at a time
        rows, self.tracked = self.menus[menu], menu
        try:
            while (label := self._does.get()()) is None:
                pass
            return rows[label][0] if label else 0
        finally:
            self.tracked = None


class Function:
    """A function of a library; types can be declared for it."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


@contextmanager
def windows(patch: pytest.MonkeyPatch) -> Iterator[Windows]:
    """Have `import pystray` give its backend for Windows, on a stand-in."""
    bus_backend()  # loads pystray without a backend of its own
    import pystray
    import pystray._util

    system = Windows()

    class Library:
        def __init__(self, name: str) -> None:
            self.name = name

        def __getattr__(self, name: str) -> Function:
            return Function(getattr(system, name, lambda *_: 1))

    patch.setattr(ctypes, "WinDLL", Library, raising=False)
    patch.setattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE, raising=False)
    patch.setattr(ctypes, "HRESULT", wintypes.LONG, raising=False)
    for name in MODULES:
        sys.modules.pop(name, None)
    from pystray import _win32

    module = ModuleType("pystray")
    module.Icon, module.Menu, module.MenuItem = _win32.Icon, pystray.Menu, pystray.MenuItem  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "pystray", module)
    try:
        yield system
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)
        del pystray._util.win32, pystray._win32
