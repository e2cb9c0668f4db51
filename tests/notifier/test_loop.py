"""The bridge between threads."""

import asyncio
import threading

import pytest

from notifier.loop import LoopThread


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
