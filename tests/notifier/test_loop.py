"""The bridge between threads."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from notifier.loop import LoopThread, hearing


async def forever() -> None:
    await asyncio.Event().wait()


def test_leaving_the_block_cancels_and_waits_for_the_clean_up() -> None:
    done = []

    async def main() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            done.append("clean")

    before = set(threading.enumerate())
    with LoopThread(main, on_exit=lambda: done.append("exit")):
        pass
    assert done == ["clean", "exit"]
    assert set(threading.enumerate()) <= before


def test_what_is_stopped_before_it_starts_never_begins() -> None:
    done = []

    async def main() -> None:
        done.append("begun")

    loop = LoopThread(main, on_exit=lambda: done.append("exit"))
    loop.stop()
    with loop:
        loop.wait()
    assert done == ["exit"]


def test_a_posted_call_happens_on_the_loop_thread() -> None:
    seen: list[tuple[str, int]] = []
    called = threading.Event()

    def note(value: int) -> None:
        seen.append((threading.current_thread().name, value))
        called.set()

    with LoopThread(forever, on_exit=lambda: None) as loop:
        loop.post(note, 7)
        assert called.wait(5)
    assert seen == [("agent", 7)]


def test_when_main_ends_by_itself_the_main_thread_is_told() -> None:
    ended = threading.Event()

    async def main() -> None:
        await asyncio.sleep(0)

    with LoopThread(main, on_exit=ended.set) as loop:
        assert ended.wait(5)
        loop.post(print)


def test_what_main_raises_is_raised_in_the_main_thread() -> None:
    ended = threading.Event()

    async def main() -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"), LoopThread(main, on_exit=ended.set):
        ended.wait(5)


def test_an_error_of_the_main_thread_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), LoopThread(forever, on_exit=lambda: None):
        _ = 1 // 0


def test_a_call_before_the_beginning_is_dropped() -> None:
    LoopThread(forever, on_exit=lambda: None).post(print)


@pytest.fixture
def usr1() -> Iterator[signal.Signals]:
    """A signal that means nothing afterwards."""
    before = signal.getsignal(signal.SIGUSR1)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_is_heard_on_another_thread_for_as_long_as_the_block_lasts(usr1: signal.Signals) -> None:
    heard: list[str] = []
    came = threading.Event()

    def hear() -> None:
        heard.append(threading.current_thread().name)
        came.set()

    before = set(threading.enumerate())
    with hearing({usr1: hear}):
        os.kill(os.getpid(), usr1)
        assert came.wait(5)
    os.kill(os.getpid(), usr1)
    assert heard == ["signals"]
    assert set(threading.enumerate()) <= before
    assert signal.set_wakeup_fd(-1) == -1


def test_an_error_in_the_block_leaves_nothing_behind(usr1: signal.Signals) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), hearing({usr1: print}):
        _ = 1 // 0
    assert set(threading.enumerate()) <= before
    assert signal.set_wakeup_fd(-1) == -1


PROGRAM = """
import asyncio, ctypes, os, signal
from notifier.loop import LoopThread, hearing

async def main():
    print("begun", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        print("cleaned up", flush=True)

ended, end = os.pipe()
loop = LoopThread(main, on_exit=lambda: os.write(end, b"."))
signals = {signal.SIGINT: loop.stop, signal.SIGTERM: loop.stop, signal.SIGHUP: lambda: print("asked", flush=True)}
with hearing(signals), loop:
    # As the main loop of Windows does: no Python here until it is over, and signals come on other threads.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    ctypes.CDLL(None).read(ended, ctypes.create_string_buffer(1), 1)
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_though_the_main_thread_runs_no_python(number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGHUP)
        assert program.stdout.readline() == "asked\n"
        program.send_signal(number)
        out, errors = program.communicate(timeout=8)
    assert (program.returncode, out, errors) == (0, "cleaned up\nended\n", "")
