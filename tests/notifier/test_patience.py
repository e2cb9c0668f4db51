"""Blocking calls with a limit: what they return, what they raise, and that one that hangs keeps nobody."""

import threading
import time

import pytest

from notifier.patience import within


async def test_what_a_call_returns_comes_back() -> None:
    assert await within(8, lambda: 42) == 42


async def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await within(8, lambda: 1 // 0)


async def test_a_call_that_hangs_is_left_behind() -> None:
    release, ended = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait(8)
        ended.set()

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await within(0.05, hang)
    assert time.monotonic() - began < 4
    release.set()
    assert ended.wait(8)
