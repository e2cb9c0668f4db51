"""Real services with the real names and signals, on a private bus that plays the system bus."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from notifier import lookout
from notifier.lookout import Lookout, system_bus
from notifier.surroundings import News
from tests.desktop.rig import Rig, eventually

MANAGER = "org.freedesktop.NetworkManager"
MANAGER_PATH = "/org/freedesktop/NetworkManager"
PORTAL = "org.freedesktop.portal.Desktop"
PORTAL_PATH = "/org/freedesktop/portal/desktop"
MONITOR = "org.freedesktop.portal.NetworkMonitor"
CONNECTED, DISCONNECTED, ASLEEP, CONNECTING, UNKNOWN = 70, 20, 10, 40, 0


@dataclass
class Service:
    """A service that answers with its properties and tells when they changed."""

    bus: MessageBus
    name: str
    path: str
    properties: dict[str, Variant] = field(default_factory=dict)
    asked: int = 0
    is_hung: bool = False

    def answer(self, message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL or message.member not in ("GetAll", "GetStatus"):
            return False
        self.asked += 1
        return True if self.is_hung else Message.new_method_return(message, "a{sv}", [self.properties])

    async def wait_until_asked(self, count: int) -> None:
        await eventually(f"{self.name} was asked {count} times", lambda: self.asked >= count)

    async def manage(self, state: int, primary: str = "/wifi", connectivity: int = 4) -> None:
        """Be a NetworkManager in this NMState."""
        self.properties = {
            "State": Variant("u", state),
            "PrimaryConnection": Variant("o", primary),
            "Connectivity": Variant("u", connectivity),
        }
        body: list[object] = [MANAGER, self.properties, []]
        await self.signal("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", body)

    async def monitor(self, available: bool, connectivity: int = 4) -> None:
        """Be a portal."""
        self.properties = {
            "available": Variant("b", available),
            "metered": Variant("b", False),  # noqa: FBT003
            "connectivity": Variant("u", connectivity),
        }
        await self.signal(MONITOR, "changed", "", [])

    async def signal(self, interface: str, member: str, signature: str, body: list[object]) -> None:
        await self.bus.send(Message.new_signal(self.path, interface, member, signature, body))


@contextlib.asynccontextmanager
async def service(rig: Rig, name: str, path: str) -> AsyncIterator[Service]:
    bus = await MessageBus(rig.environ["DBUS_SESSION_BUS_ADDRESS"]).connect()
    made = Service(bus, name, path)
    bus.add_message_handler(made.answer)
    await bus.request_name(name)
    try:
        yield made
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


@dataclass
class Watching:
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None


@contextlib.asynccontextmanager
async def watching(system: str, session: str | None = None) -> AsyncIterator[Watching]:
    made = Watching()
    made.task = asyncio.create_task(Lookout(system, session).run(made.news.put_nowait))
    try:
        yield made
        assert not made.task.done()
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


@pytest.fixture
def address(rig: Rig) -> str:
    return rig.environ["DBUS_SESSION_BUS_ADDRESS"]


NOWHERE = "unix:path=/nonexistent/bus"


async def test_waking_up_is_told_when_logind_says_so(rig: Rig, address: str) -> None:
    async with (
        service(rig, "org.freedesktop.login1", "/org/freedesktop/login1") as logind,
        service(rig, MANAGER, MANAGER_PATH) as manager,
        watching(address) as watch,
    ):
        await manager.wait_until_asked(1)
        for going_to_sleep in (True, False):
            await logind.signal("org.freedesktop.login1.Manager", "PrepareForSleep", "b", [going_to_sleep])
        assert await watch.news.get() is News.WOKE
        assert watch.news.empty()


async def test_networkmanager_is_heard_going_and_coming(rig: Rig, address: str) -> None:
    async with service(rig, MANAGER, MANAGER_PATH) as manager:
        await manager.manage(CONNECTED)
        async with watching(address) as watch:
            await manager.wait_until_asked(1)
            for state in (ASLEEP, DISCONNECTED, CONNECTING):
                await manager.manage(state)
            assert await watch.news.get() is News.OFFLINE
            await manager.manage(CONNECTED)
            assert await watch.news.get() is News.ONLINE
            await manager.manage(CONNECTED, primary="/cable")
            assert await watch.news.get() is News.ONLINE
            await manager.manage(CONNECTED, primary="/cable", connectivity=2)
            assert await watch.news.get() is News.ONLINE
            assert watch.news.empty()


async def test_a_networkmanager_that_comes_later_is_heard_and_one_that_goes_holds_nothing_back(
    rig: Rig, address: str
) -> None:
    async with watching(address) as watch:
        async with service(rig, MANAGER, MANAGER_PATH) as manager:
            await manager.wait_until_asked(1)
            await manager.manage(CONNECTED)
            await manager.wait_until_asked(2)
            await manager.manage(DISCONNECTED)
            assert await watch.news.get() is News.OFFLINE
        assert await watch.news.get() is News.ONLINE


async def test_a_networkmanager_that_does_not_know_or_does_not_answer_holds_nothing_back(
    rig: Rig, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with service(rig, MANAGER, MANAGER_PATH) as manager:
        await manager.manage(CONNECTED)
        async with watching(address) as watch:
            await manager.wait_until_asked(1)
            for mend in ("unknown", "hung"):
                await manager.manage(DISCONNECTED)
                assert await watch.news.get() is News.OFFLINE
                if mend == "hung":
                    monkeypatch.setattr(lookout, "DEADLINE", 0.3)
                    manager.is_hung = True
                await manager.manage(UNKNOWN)
                assert await watch.news.get() is News.ONLINE


async def test_a_signal_of_a_stranger_is_only_a_reason_to_ask(rig: Rig, address: str) -> None:
    async with service(rig, MANAGER, MANAGER_PATH) as manager, service(rig, "org.example", MANAGER_PATH) as stranger:
        await manager.manage(CONNECTED)
        async with watching(address) as watch:
            await manager.wait_until_asked(1)
            await stranger.manage(DISCONNECTED)
            await manager.manage(CONNECTED)
            await manager.wait_until_asked(2)
            await manager.manage(DISCONNECTED)
            assert await watch.news.get() is News.OFFLINE
            assert watch.news.empty()


async def test_in_a_sandbox_the_portal_is_heard(rig: Rig, address: str) -> None:
    async with service(rig, PORTAL, PORTAL_PATH) as portal:
        await portal.monitor(available=True)
        async with watching(NOWHERE, address) as watch:
            await portal.wait_until_asked(1)
            await portal.monitor(available=False, connectivity=1)
            assert await watch.news.get() is News.OFFLINE
            await portal.monitor(available=True, connectivity=3)
            assert await watch.news.get() is News.ONLINE
            await portal.monitor(available=True)
            assert await watch.news.get() is News.ONLINE


async def test_without_any_service_it_is_quiet(rig: Rig, address: str) -> None:
    async with watching(NOWHERE, NOWHERE) as nowhere, watching(address, address) as nobody:
        await asyncio.sleep(0.1)
        assert nowhere.news.empty()
        assert nobody.news.empty()


async def test_a_bus_that_went_away_is_joined_again(own_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "BUS_AGAIN", 0.1)
    own_rig.bus.start()
    async with watching(own_rig.environ["DBUS_SESSION_BUS_ADDRESS"]) as watch:
        async with service(own_rig, MANAGER, MANAGER_PATH) as manager:
            await manager.wait_until_asked(1)
            await manager.manage(CONNECTED)
            await manager.wait_until_asked(2)
            await manager.manage(DISCONNECTED)
            assert await watch.news.get() is News.OFFLINE
        assert await watch.news.get() is News.ONLINE
        own_rig.bus.kill()
        await asyncio.sleep(0)
        own_rig.bus.start()
        async with service(own_rig, MANAGER, MANAGER_PATH) as manager:
            await manager.manage(CONNECTED)
            await manager.wait_until_asked(1)
            await manager.manage(DISCONNECTED)
            assert await watch.news.get() is News.OFFLINE


async def test_the_clocks_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.05)
    slept = 0.0
    news: asyncio.Queue[News] = asyncio.Queue()
    watch = Lookout(NOWHERE, None, clocks=lambda: (time.monotonic(), time.monotonic() + slept))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run(news.put_nowait))
        slept = 3_600.0
        assert await news.get() is News.WOKE
        task.cancel()


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "unix:path=/run/dbus/system_bus_socket"),
        ({"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x"}, "unix:path=/x"),
    ],
)
def test_the_system_bus_is_where_the_environment_says(environ: dict[str, str], address: str) -> None:
    assert system_bus(environ) == address
