"""What the program costs while nothing happens: from start to a visible icon, memory and wake-ups with ten streams.

On a real bus, X server and panel.  python -m tests.bench.bench_cost
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from Xlib.display import Display
from Xlib.X import ZPixmap

from tests.desktop.child import Child, Server
from tests.desktop.panel import CORNER
from tests.desktop.rig import Rig, until

ROUNDS = 9
STREAMS = 10
SETTLE = 8.0
"""Seconds after the start before memory is read and wake-ups are counted."""
WATCH = 30.0
"""Seconds for which wake-ups are counted."""


def main() -> None:
    with Rig() as rig:
        rig.daemon.start()
        rig.panel.start()
        server = Server(rig)
        try:
            imports = statistics.median(_version(rig) for _ in range(ROUNDS))
            print(f"sse-notifier --version: {imports:.2f} s")
            appeared = sorted(_icon(rig, server.base) for _ in range(ROUNDS))
            print(f"from start to a visible icon: {statistics.median(appeared):.2f} s (worst {appeared[-1]:.2f} s)")
            memory, waking, processor = _quiet(rig, server.base)
            print(f"resident with {STREAMS} streams: {memory:.1f} MiB ({memory * 1.048576:.1f} MB)")
            print(f"wake-ups while idle: {waking:.2f} a second; {processor:.2f} % of a core")
        finally:
            server.kill()


def _version(rig: Rig) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "notifier", "--version"], env=rig.environ, check=True, capture_output=True)
    return time.perf_counter() - start


def _icon(rig: Rig, base: str) -> float:
    display = Display(rig.environ["DISPLAY"])
    try:
        before = _corner(display)
        start = time.perf_counter()
        app = Child(rig, "notifier", "run", f"{base}/events")
        try:
            until("the icon was there", lambda: _corner(display) != before)
            return time.perf_counter() - start
        finally:
            app.process.terminate()
            app.process.wait(10)
            until("the icon was gone", lambda: _corner(display) == before)
    finally:
        display.close()


def _corner(display: Display) -> bytes:
    width, height, left, top = CORNER
    image = display.screen().root.get_image(left, top, width, height, ZPixmap, 0xFFFFFFFF)
    return bytes(image.data)


def _quiet(rig: Rig, base: str) -> tuple[float, float, float]:
    file = rig.home / "ten.toml"
    file.write_text("".join(f'[[streams]]\nurl = "{base}/events?topic=t{n}"\nname = "t{n}"\n' for n in range(STREAMS)))
    app = Child(rig, "notifier", "run", "--config", str(file))
    try:
        time.sleep(SETTLE)
        memory = _resident(app.process.pid)
        before, used = _switches(app.process.pid), _used(app.process.pid)
        time.sleep(WATCH)
        switches, seconds = _switches(app.process.pid) - before, _used(app.process.pid) - used
        return memory, switches / WATCH, 100 * seconds / WATCH
    finally:
        app.process.terminate()
        app.process.wait(10)


def _resident(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _switches(process: int) -> int:
    """How often its threads gave up the processor by themselves, which is how often they were woken."""
    tasks = Path(f"/proc/{process}/task").glob("*/status")
    return sum(int(task.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for task in tasks)


def _used(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
