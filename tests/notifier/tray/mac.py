"""Stand-ins for what the tray needs on macOS: AppKit, its main loop, and pystray's icon with its habits."""

import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

ACCESSORY = 1


class MainLoop:
    """What is called after now is called here, on the main thread."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self.policy: int | None = None

    def setActivationPolicy_(self, policy: int) -> None:  # noqa: N802
        self.policy = policy

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            call()


LOOP = MainLoop()


class Icon:
    """As pystray._darwin.Icon: it begins to draw, then has the system's Ctrl-C end the process, then runs the loop."""

    def __init__(self, name: str) -> None:
        self._icon_image = SimpleNamespace(setTemplate_=lambda is_outline: None)
        self.menu: Any = None
        self.icon: Any = None
        self.visible = False
        self.title = ""

    def run(self, setup: Callable[["Icon"], None]) -> None:
        drawing = threading.Thread(target=setup, args=(self,))
        drawing.start()
        self._end_on_interrupt()
        LOOP.run()
        self._end_on_interrupt()
        drawing.join()

    def stop(self) -> None:
        LOOP.calls.put(None)

    @staticmethod
    def _end_on_interrupt() -> None:
        """Past Python, as PyObjCTools.MachSignals does."""
        library = ctypes.CDLL(None)
        library.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
        library.signal(signal.SIGINT, ctypes.cast(library._exit, ctypes.c_void_p))


def install() -> None:
    """Have the imports of the tray find the stand-ins."""
    os.environ["PYSTRAY_BACKEND"] = "dummy"
    import pystray

    def module(name: str, **members: object) -> None:
        made = sys.modules[name] = ModuleType(name)
        made.__dict__.update(members)

    module("pystray", Icon=Icon, Menu=pystray.Menu, MenuItem=pystray.MenuItem)
    module("PyObjCTools", AppHelper=SimpleNamespace(callAfter=LOOP.calls.put))
    module(
        "AppKit",
        NSApplication=SimpleNamespace(sharedApplication=lambda: LOOP),
        NSApplicationActivationPolicyAccessory=ACCESSORY,
    )
