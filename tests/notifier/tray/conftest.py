"""A private bus, and icons that are gone when the test ends."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.desktop.rig import Rig, until


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A session bus with nobody on it; `bus.bus` kills and restarts it at the same address."""
    with Rig() as rig:
        rig.bus.start()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", rig.environ["DBUS_SESSION_BUS_ADDRESS"])
        monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
        yield rig


@pytest.fixture
def background() -> Iterator[Callable[[Callable[[], None]], threading.Thread]]:
    """Run something that blocks, such as an icon, beside the test; at the end no thread is left."""
    before = set(threading.enumerate())
    threads: list[threading.Thread] = []
    errors: list[BaseException] = []

    def start(call: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(8)
    until("no thread was left", lambda: set(threading.enumerate()) <= before)
    assert not errors
