"""The agent with real streams on loopback and a desktop that records what it is shown."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Activated, Desktop
from notifier.errors import BubbleFailed, StreamFailed
from notifier.history import State
from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, Verb
from notifier.store import Store
from tests.notifier.loopback import OK, Act, Script, loopback

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass
class RecordingDesktop:
    """Shows nothing, remembers everything."""

    activated: Activated
    shown: list[Notification] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    hung: bool = False
    broken: Exception | None = None
    closed: bool = False

    name = "a recording"

    async def show(self, notification: Notification) -> None:
        if self.hung:
            await asyncio.Event().wait()
        if self.broken is not None:
            raise self.broken
        async with self.changed:
            self.shown.append(notification)
            self.changed.notify_all()

    async def close(self) -> None:
        self.closed = True


@dataclass
class Running:
    """An agent at work."""

    agent: Agent
    desktop: RecordingDesktop
    store: Store
    statuses: list[Status] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def titles(self) -> list[str]:
        return [notification.title for notification in self.desktop.shown]

    async def wait_for_bubbles(self, count: int) -> None:
        async with self.desktop.changed:
            await self.desktop.changed.wait_for(lambda: len(self.desktop.shown) >= count)

    async def wait_for_state(self, name: str, state: ReadyState, *, outage: bool | None = None) -> None:
        while True:
            self.changed.clear()
            streams = {stream.name: stream for stream in self.statuses[-1].streams} if self.statuses else {}
            found = streams.get(name)
            if found and found.ready_state is state and outage in (None, found.is_outage):
                return
            await self.changed.wait()

    async def wait_until_shown(self, count: int) -> None:
        """The history is written on this loop, so looking at each turn of it misses nothing."""
        while sum(row.state is State.SHOWN for row in self.store.history(limit=1_000)) < count:
            await asyncio.sleep(0.01)

    async def wait_for_status(self, notification_title: str) -> None:
        while True:
            self.changed.clear()
            last = self.statuses[-1].last_notification if self.statuses else None
            if last is not None and last.title == notification_title:
                return
            await self.changed.wait()


@contextlib.asynccontextmanager
async def running(*urls: str, stay: bool = True, history: Path | None = None) -> AsyncIterator[Running]:
    streams = tuple(Stream(url=url, name=f"s{n}", longest_delay=0.1) for n, url in enumerate(urls))

    def update(status: Status) -> None:
        made.statuses.append(status)
        made.changed.set()

    async def open_desktop(activated: Activated) -> Desktop:
        made.desktop.activated = activated
        return made.desktop

    async def open_link(link: str) -> None:
        made.links.append(link)
        made.changed.set()

    told: list[str] = []
    store = Store(history, clock=time.time, tell=told.append)
    agent = Agent(Config(streams=streams), store, open_desktop, open_link, update, stay=stay)
    made = Running(agent, RecordingDesktop(agent.activate), store)
    made.task = asyncio.create_task(agent.run())
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)
        assert made.desktop.closed
        store.close()
        assert told == []


def events(*titles: str) -> Script:
    return [OK, *(b'data: {"title": "%b"}\n\n' % title.encode() for title in titles), Act.HANG]


async def test_events_of_several_streams_become_bubbles_with_the_name_of_their_stream() -> None:
    async with (
        loopback(events("a")) as one,
        loopback(events("b")) as two,
        running(one.url, two.url) as app,
    ):
        await app.wait_for_bubbles(2)
        assert {(n.stream, n.title) for n in app.desktop.shown} == {("s0", "a"), ("s1", "b")}


async def test_keep_alives_are_not_shown() -> None:
    script: Script = [OK, b"event: ping\ndata: x\n\ndata: ping\n\n: comment\n\n", *events("a")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        assert app.titles == ["a"]


async def test_one_failing_stream_does_not_touch_the_others() -> None:
    async with (
        loopback([NOT_FOUND]) as gone,
        loopback(events("a")) as fine,
        running(gone.url, fine.url) as app,
    ):
        await app.wait_for_bubbles(1)
        await app.wait_for_state("s0", ReadyState.CLOSED)
        await app.wait_for_state("s1", ReadyState.OPEN)
        assert "404" in app.statuses[-1].streams[0].detail


async def test_a_desktop_application_stays_when_every_stream_has_failed() -> None:
    async with loopback([NOT_FOUND], events("a")) as server, running(server.url) as app:
        await app.wait_for_state("s0", ReadyState.CLOSED, outage=True)
        app.agent.obey(Command(Verb.RECONNECT))
        await app.wait_for_bubbles(1)


async def test_a_command_that_was_just_typed_ends_with_the_reason() -> None:
    async with loopback([NOT_FOUND]) as server, running(server.url, stay=False) as app:
        assert app.task is not None
        with pytest.raises(StreamFailed, match="s0: the server answered 404"):
            await app.task


async def test_a_hung_desktop_does_not_stop_the_streams() -> None:
    async with loopback(events(*(f"n{n}" for n in range(500)))) as server, running(server.url) as app:
        app.desktop.hung = True
        await app.wait_for_status("n499")
        assert app.desktop.shown == []


async def test_a_bubble_that_failed_is_not_the_end() -> None:
    more = asyncio.Event()
    script: Script = [OK, b"data: a\n\n", more, b"data: b\n\n", Act.HANG]
    async with loopback(script) as server, running(server.url) as app:
        app.desktop.broken = BubbleFailed("the notification daemon did not answer within 2 s")
        await app.wait_for_state("s0", ReadyState.OPEN)
        while app.statuses[-1].last_notification is None:
            app.changed.clear()
            await app.changed.wait()
        await asyncio.sleep(0)
        app.desktop.broken = None
        more.set()
        await app.wait_for_bubbles(1)


async def test_a_bug_ends_the_program_loudly() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        app.desktop.broken = LookupError("a bug")
        assert app.task is not None
        with pytest.raises(BaseExceptionGroup) as caught:
            await app.task
        assert caught.group_contains(LookupError, match="a bug")


async def test_while_paused_nothing_is_shown_and_on_resume_everything_is() -> None:
    more = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b", "c")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.PAUSE))
        more.set()
        await app.wait_for_status("c")
        assert app.titles == ["a"]
        assert app.statuses[-1].paused
        app.agent.obey(Command(Verb.RESUME))
        await app.wait_for_bubbles(3)
        assert app.titles == ["a", "b", "c"]
        assert not app.statuses[-1].paused


async def test_a_flood_becomes_a_few_bubbles_that_account_for_all_of_it() -> None:
    async with loopback(events(*(f"n{n}" for n in range(1_000)))) as server, running(server.url) as app:
        await app.wait_for_status("n999")
        await app.wait_for_bubbles(5)
        assert len(app.desktop.shown) < 10
        digest = app.desktop.shown[-1].title + app.desktop.shown[-1].body
        assert "996" in digest


async def test_reconnect_makes_new_connections() -> None:
    async with loopback(events("a"), events("b")) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.RECONNECT))
        await app.wait_for_bubbles(2)
        assert app.titles == ["a", "b"]


async def test_a_lost_server_is_offline_and_its_return_is_seen() -> None:
    async with loopback(events("a")) as server:
        port = server.port
        app_context = running(server.url)
        app = await app_context.__aenter__()
        await app.wait_for_state("s0", ReadyState.OPEN)
    await app.wait_for_state("s0", ReadyState.CONNECTING, outage=True)
    assert "connection refused" in app.statuses[-1].streams[0].detail
    async with loopback(events("b"), port=port):
        await app.wait_for_state("s0", ReadyState.OPEN, outage=False)
        await app_context.__aexit__(None, None, None)


async def test_a_clicked_bubble_and_the_menu_open_the_link() -> None:
    script: Script = [OK, b'data: {"title": "a", "url": "https://example.org/a"}\n\n', Act.HANG]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.desktop.activated(app.desktop.shown[0])
        app.agent.obey(Command(Verb.OPEN))
        while len(app.links) < 2:
            app.changed.clear()
            await app.changed.wait()
        assert app.links == ["https://example.org/a"] * 2


async def test_what_was_recorded_but_not_shown_is_shown_after_a_restart(tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    async with loopback(events("a", "b"), [OK, Act.HANG]) as server:
        async with running(server.url, history=history) as app:
            app.desktop.hung = True
            await app.wait_for_status("b")
        async with running(server.url, history=history) as app:
            await app.wait_for_bubbles(2)
            assert app.titles == ["a", "b"]
            await app.wait_until_shown(2)
        async with running(server.url, history=history) as app:
            await app.wait_for_state("s0", ReadyState.OPEN)
            assert app.titles == []


async def test_a_restart_resumes_after_the_last_recorded_event_and_sums_up_what_was_missed(tmp_path: Path) -> None:
    history = tmp_path / "history.db"
    missed = [b'id: %d\ndata: {"title": "n%d"}\n\n' % (n, n) for n in range(2, 42)]
    async with loopback([OK, b'id: 1\ndata: {"title": "n1"}\n\n', Act.HANG], [OK, *missed, Act.HANG]) as server:
        async with running(server.url, history=history) as app:
            await app.wait_for_bubbles(1)
        async with running(server.url, history=history) as app:
            await app.wait_for_bubbles(1)
            assert "Last-Event-ID: 1\r\n" in server.heads[1]
            assert app.titles == ["40 notifications from s0 meanwhile"]
            await app.wait_until_shown(41)


async def test_a_digest_marks_what_it_stands_for_as_shown() -> None:
    async with loopback(events(*(f"n{n}" for n in range(300)))) as server, running(server.url) as app:
        await app.wait_until_shown(300)


async def test_a_click_marks_the_notification_as_read() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_until_shown(1)
        app.desktop.activated(app.desktop.shown[0])
        assert [row.state for row in app.store.history()] == [State.READ]


async def test_the_age_of_the_last_sign_of_life_is_told_when_asked_for_and_costs_no_status_otherwise() -> None:
    more = asyncio.Event()
    async with loopback([OK, more, b": keep-alive\n\n", Act.HANG]) as server, running(server.url) as app:
        await app.wait_for_state("s0", ReadyState.OPEN)
        told, asked = len(app.statuses), 0
        opened = app.statuses[-1].streams[0].last_heard
        assert opened is not None
        more.set()
        while (app.statuses[-1].streams[0].last_heard or 0) <= opened:
            app.agent.obey(Command(Verb.LOOK))
            asked += 1
            await asyncio.sleep(0.01)
        assert len(app.statuses) == told + asked
