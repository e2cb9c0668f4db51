"""Clocks and system services in, news for every stream out: watched by one task, for as long as it runs.

It decides nothing (:mod:`~notifier.surroundings` does), starts no service, and where there is none it says nothing.

On Linux: logind's PrepareForSleep (org.freedesktop.login1), NetworkManager's properties and, in a sandbox that hides
it, org.freedesktop.portal.NetworkMonitor.  A signal, which anybody may have sent, is only a reason to ask the service.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from notifier.surroundings import LOOK_EVERY, Network, News, Surroundings

if TYPE_CHECKING:
    from dbus_fast import Message, Variant
    from dbus_fast.aio import MessageBus

logger = logging.getLogger(__name__)

DEADLINE: Final = 5.0
"""Seconds for an answer of a service."""
BUS_AGAIN: Final = 60.0
"""Seconds until a bus that is not there, or that went away, is tried again."""
SYSTEM_BUS: Final = "unix:path=/run/dbus/system_bus_socket"

BUS: Final = "org.freedesktop.DBus"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
LOGIND: Final = "org.freedesktop.login1"
HINTS: Final = {"PropertiesChanged", "NameOwnerChanged", "changed"}


@dataclass(frozen=True, slots=True)
class Service:
    """Who knows of the network, how to ask, and what the answer means."""

    name: str
    path: str
    question: tuple[str, str, tuple[str, ...]]
    """Interface, method and its arguments, all strings; the answer is one a{sv}."""
    signal: str
    """Interface of the signal that is a reason to ask again."""
    understand: Callable[[Mapping[str, object]], Network | None]


def system_bus(environ: Mapping[str, str]) -> str:
    """The address of the system bus."""
    return environ.get("DBUS_SYSTEM_BUS_ADDRESS") or SYSTEM_BUS


class Lookout:
    """Watches the machine that we run on."""

    def __init__(
        self, system_bus: str, session_bus: str | None, *, clocks: Callable[[], tuple[float, float]] | None = None
    ) -> None:
        """Watch nothing yet.

        Args:
            system_bus: Its address; nothing may listen there.
            session_bus: Its address, if there is one.
            clocks: Seconds of the clock that timers run on, and of one that goes on while the machine sleeps.
        """
        self._clocks = clocks or _clocks
        self._system_bus, self._session_bus = system_bus, session_bus
        self._surroundings = Surroundings(*self._clocks())
        self._networks: dict[str, Network | None] = {}

    async def run(self, tell: Callable[[News], None]) -> None:
        """Watch, for ever; `tell` is called on the event loop."""

        def say(news: News | None) -> None:
            if news is not None:
                logger.info("%s", news.name.lower())
                tell(news)

        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_clocks(say), name="clocks")
            if sys.platform.startswith("linux"):
                group.create_task(self._watch_bus(self._system_bus, NETWORK_MANAGER, say), name="system bus")
                if self._session_bus is not None:
                    group.create_task(self._watch_bus(self._session_bus, PORTAL, say), name="network portal")

    async def _watch_clocks(self, say: Callable[[News | None], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            say(self._surroundings.look(*self._clocks()))

    async def _watch_bus(self, address: str, service: Service, say: Callable[[News | None], None]) -> None:
        from dbus_fast.errors import DBusFastError

        while True:
            try:
                await self._follow_bus(address, service, say)
            except (OSError, EOFError, TimeoutError, DBusFastError) as error:
                logger.debug("%s: the bus is not there (%r)", service.name, error)
            self._hear(service, None, say)
            await asyncio.sleep(BUS_AGAIN)

    async def _follow_bus(self, address: str, service: Service, say: Callable[[News | None], None]) -> None:
        from dbus_fast.aio import MessageBus

        hint = asyncio.Event()

        def receive(message: "Message") -> None:
            if message.member == "PrepareForSleep" and message.body == [False]:
                say(self._surroundings.woke(*self._clocks()))
            elif message.member in HINTS:
                hint.set()

        bus = await MessageBus(address).connect()
        try:
            bus.add_message_handler(receive)
            for rule in _rules(service):
                await _call(bus, BUS, "/org/freedesktop/DBus", BUS, "AddMatch", rule)
            while bus.connected:
                hint.clear()
                self._hear(service, await _ask(bus, service), say)
                await _first(hint.wait(), bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
        finally:
            if bus.connected:
                bus.disconnect()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _hear(self, service: Service, network: Network | None, say: Callable[[News | None], None]) -> None:
        self._networks[service.name] = network
        known = [self._networks.get(name) for name in (NETWORK_MANAGER.name, PORTAL.name)]
        say(self._surroundings.hear(next((one for one in known if one is not None), None)))


def _clocks() -> tuple[float, float]:
    passing = time.time()
    if sys.platform == "linux":
        passing = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic(), passing


def _rules(service: Service) -> tuple[str, ...]:
    return (
        f"type='signal',sender='{LOGIND}',interface='{LOGIND}.Manager',member='PrepareForSleep'",
        f"type='signal',sender='{service.name}',interface='{service.signal}',path='{service.path}'",
        f"type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{service.name}'",
    )


async def _ask(bus: "MessageBus", service: Service) -> Network | None:
    interface, method, arguments = service.question
    try:
        body = await _call(bus, service.name, service.path, interface, method, *arguments)
    except TimeoutError:
        return None
    values: dict[str, Variant] = body[0] if body and isinstance(body[0], dict) else {}
    return service.understand({name: value.value for name, value in values.items()})


async def _call(
    bus: "MessageBus", name: str, path: str, interface: str, method: str, *arguments: str
) -> list[object] | None:
    """What was answered; None if there is nobody, or an error."""
    from dbus_fast import Message, MessageFlag, MessageType

    question = Message(
        name,
        path,
        interface,
        method,
        flags=MessageFlag.NO_AUTOSTART,
        signature="s" * len(arguments),
        body=list(arguments),
    )
    async with asyncio.timeout(DEADLINE):
        answer = await bus.call(question)
    return answer.body if answer is not None and answer.message_type is MessageType.METHOD_RETURN else None


async def _first(*waiting: Coroutine[object, object, object]) -> None:
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _understand_network_manager(properties: Mapping[str, object]) -> Network | None:
    """Its NMState and NMConnectivityState, and which connection is the primary one."""
    state, primary, connectivity = (properties.get(name) for name in ("State", "PrimaryConnection", "Connectivity"))
    if not isinstance(state, int) or state == NM_UNKNOWN:
        return None
    portal = " behind a portal" if connectivity == PORTAL_IN_THE_WAY else ""
    return Network(state not in NM_DOWN, f"{primary}{portal}")


def _understand_portal(status: Mapping[str, object]) -> Network | None:
    available = status.get("available")
    if not isinstance(available, bool):
        return None
    return Network(available, "portal" if status.get("connectivity") == CAPTIVE else "")


NM_UNKNOWN: Final = 0
NM_DOWN: Final = {10, 20, 30, 40}
"""Asleep, disconnected, disconnecting, connecting.  Who is connected, if only to the local network, may reach us."""
PORTAL_IN_THE_WAY: Final = 2
CAPTIVE: Final = 3

NETWORK_MANAGER: Final = Service(
    "org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager",
    (PROPERTIES, "GetAll", ("org.freedesktop.NetworkManager",)),
    PROPERTIES,
    _understand_network_manager,
)
PORTAL: Final = Service(
    "org.freedesktop.portal.Desktop",
    "/org/freedesktop/portal/desktop",
    ("org.freedesktop.portal.NetworkMonitor", "GetStatus", ()),
    "org.freedesktop.portal.NetworkMonitor",
    _understand_portal,
)
