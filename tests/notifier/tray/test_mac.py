"""The tray on macOS, with stand-ins for the system and for pystray."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, signal
from notifier.loop import LoopThread, hearing
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.tray import Tray
from tests.notifier.tray import mac

async def main():
    tray.update(Status((StreamStatus("ci", ReadyState.OPEN),)))
    while not (made and made[0].visible):
        await asyncio.sleep(0.01)
    print(made[0].title, mac.LOOP.policy == mac.ACCESSORY, flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaned up", flush=True)

class Icon(mac.Icon):
    def __init__(self, name):
        super().__init__(name)
        made.append(self)

made = []
mac.Icon = Icon
mac.install()
tray = Tray(print, platform="darwin")
loop = LoopThread(main, on_exit=tray.stop)
with hearing({signal.SIGINT: loop.stop, signal.SIGTERM: loop.stop}):
    with loop:
        tray.run()
    signal.raise_signal(signal.SIGINT)  # impatient
    print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order_and_there_is_no_icon_in_the_dock(number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "sse-notifier: connected True\n"
        program.send_signal(number)
        out, errors = program.communicate(timeout=8)
    assert (program.returncode, out, errors) == (0, "cleaned up\nended\n", "")
