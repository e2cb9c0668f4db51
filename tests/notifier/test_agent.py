"""The agent with real streams on loopback and a desktop that records what it is shown."""

import asyncio
import contextlib
import math
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier.agent import Agent
from notifier.config import Config, Stream
from notifier.desktop import Desktop, Listener
from notifier.entry import State
from notifier.errors import BubbleFailed, ConfigurationBroken, LinkFailed, NotifierError, StreamFailed
from notifier.notification import Action, Notification, Withdrawal
from notifier.rule import Rule
from notifier.source import ReadyState
from notifier.status import Command, Status, Verb
from notifier.store import Store
from notifier.stream import Tls
from notifier.surroundings import News
from tests.notifier.loopback import OK, Act, Script, loopback

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass
class RecordingDesktop:
    """Shows nothing, remembers everything."""

    hears = True

    listener: Listener
    shown: list[Notification] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
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

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        self.withdrawn.append(withdrawal)

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
    histories: list[str | None] = field(default_factory=list)
    """Streams of which the history was shown."""
    link_bug: Exception | None = None
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

    async def wait_for(self, holds: Callable[[Status], bool]) -> None:
        while not (self.statuses and holds(self.statuses[-1])):
            self.changed.clear()
            await self.changed.wait()

    async def wait_until_shown(self, count: int) -> None:
        """The history is written on this loop, so looking at each turn of it misses nothing."""
        while sum(row.state is State.SHOWN for row in self.store.history(limit=1_000)) < count:
            await asyncio.sleep(0.01)

    @property
    def recorded(self) -> list[str]:
        """What the events in the history said, sorted."""
        return sorted(row.notification.body for row in self.store.history(limit=10_000))

    async def wait_for_detail(self, name: str, part: str) -> None:
        while not any(part in stream.detail for stream in self.statuses[-1].streams if stream.name == name):
            self.changed.clear()
            await self.changed.wait()

    async def wait_for_status(self, notification_title: str) -> None:
        while True:
            self.changed.clear()
            recent = self.statuses[-1].recent if self.statuses else ()
            if recent and recent[0].title == notification_title:
                return
            await self.changed.wait()


@contextlib.asynccontextmanager
async def running(
    *urls: str,
    stay: bool = True,
    history: Path | None = None,
    news: asyncio.Queue[News] | None = None,
    answers: asyncio.Event | None = None,
) -> AsyncIterator[Running]:
    streams = tuple(Stream(url=url, name=f"s{n}", longest_delay=0.1) for n, url in enumerate(urls))

    def update(status: Status) -> None:
        made.statuses.append(status)
        made.changed.set()

    async def open_desktop(listener: Listener) -> Desktop:
        made.desktop.listener = listener
        if answers is not None:
            await answers.wait()
        return made.desktop

    async def open_link(link: str, token: str) -> None:
        if made.link_bug is not None:
            raise made.link_bug
        made.links.append(link)
        made.changed.set()

    async def watch(tell: Callable[[News], None]) -> None:
        while news is not None:
            tell(await news.get())
        await asyncio.Event().wait()

    told: list[str] = []
    store = Store(history, clock=time.time, tell=told.append)

    async def edit(command: Command, status: Status) -> None:
        raise NotifierError("no editor")

    async def show_history(command: Command, status: Status) -> None:
        made.histories.append(command.stream)

    agent = Agent(
        Config(streams=streams),
        store,
        open_desktop,
        open_link,
        update,
        errands={Verb.EDIT: edit, Verb.HISTORY: show_history},
        stay=stay,
        watch=watch,
    )
    made = Running(agent, RecordingDesktop(agent), store)
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


async def test_of_500_streams_those_in_trouble_never_touch_the_others() -> None:
    all_in_trouble = asyncio.Event()
    troubles: list[Script] = [
        [NOT_FOUND],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"],
        [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"],
        [OK, b"data: half an ev", Act.RESET],
        [b"not even HTTP\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Act.HANG],
    ]
    scripts: list[Script] = [
        troubles[n // 10 % len(troubles)]
        if n % 10 == 0
        else [OK, b"data: before %d\n\n" % n, all_in_trouble, b"data: after %d\n\n" % n, Act.HANG]
        for n in range(500)
    ]
    good = [n for n in range(500) if n % 10]
    wanted = sorted([f"before {n}" for n in good] + [f"after {n}" for n in good])
    # Whoever comes once more after its trouble gets a stream without events.
    async with loopback(*scripts, [OK, Act.HANG]) as server, running(*[server.url] * 500) as app:
        await server.wait_for_connections(500)
        failed = sum(script in troubles[:4] for script in scripts)
        while sum(stream.ready_state is ReadyState.CLOSED for stream in app.statuses[-1].streams) < failed:
            app.changed.clear()
            await app.changed.wait()
        all_in_trouble.set()
        while app.recorded != wanted:
            await asyncio.sleep(0.2)


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
        while not app.statuses[-1].recent:
            app.changed.clear()
            await app.changed.wait()
        await asyncio.sleep(0)
        app.desktop.broken = None
        more.set()
        await app.wait_for_bubbles(1)


async def test_a_bug_in_a_desktop_costs_its_bubble_and_no_stream(caplog: pytest.LogCaptureFixture) -> None:
    async with loopback(events("a", "b")) as server, running(server.url) as app:
        app.desktop.broken = LookupError("a bug")
        while len(app.recorded) < 2 or "a bubble was not shown" not in caplog.text:
            await asyncio.sleep(0.01)
        assert app.task is not None
        assert not app.task.done()


async def test_a_bug_ends_the_program_loudly() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.link_bug = LookupError("a bug")
        app.agent.activate(Notification(stream="s", title="a", link="https://example.org/"))
        assert app.task is not None
        with pytest.raises(BaseExceptionGroup) as caught:
            await app.task
        assert caught.group_contains(LookupError, match="a bug")


async def test_while_paused_nothing_is_shown_and_on_resume_everything_is() -> None:
    more = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b", "c")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.SNOOZE, until=math.inf))
        more.set()
        await app.wait_for_status("c")
        assert app.titles == ["a"]
        assert app.statuses[-1].snoozed_until == math.inf
        app.agent.obey(Command(Verb.RESUME))
        await app.wait_for_bubbles(3)
        assert app.titles == ["a", "b", "c"]
        assert app.statuses[-1].snoozed_until is None


async def test_a_flood_becomes_a_few_bubbles_that_account_for_all_of_it() -> None:
    async with loopback(events(*(f"n{n}" for n in range(1_000)))) as server, running(server.url) as app:
        await app.wait_for_status("n999")
        await app.wait_for_bubbles(5)
        assert len(app.desktop.shown) < 10
        digest = app.desktop.shown[-1].title + app.desktop.shown[-1].body
        assert "996" in digest


async def test_what_came_before_a_refusal_is_told() -> None:
    script: Script = [
        OK,
        b'event: notification-count\ndata: {"Count": 3}\n\nevent: close\ndata: unauthorized\n\n',
        Act.HANG,
    ]
    async with loopback(script) as server, running(server.url + "/user/events") as app:
        await app.wait_for_bubbles(1)
        await app.wait_for_state("s0", ReadyState.CLOSED)


async def test_reconnect_on_an_open_stream_does_not_ask_again_after_its_end() -> None:
    gone = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with loopback(events("a"), [gone]) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.RECONNECT))
        await app.wait_for_state("s0", ReadyState.CLOSED)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(server.heads) == 2


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
        app.desktop.listener.activate(app.desktop.shown[0])
        app.agent.obey(Command(Verb.OPEN))
        while len(app.links) < 2:
            app.changed.clear()
            await app.changed.wait()
        assert app.links == ["https://example.org/a"] * 2


async def test_a_link_that_no_browser_opens_is_told_in_a_bubble() -> None:
    script: Script = [OK, b'data: {"title": "a", "url": "https://example.org/a"}\n\n', Act.HANG]
    async with loopback(script) as server, running(server.url) as app:
        app.link_bug = LinkFailed("No browser opened the link: install one")
        await app.wait_for_bubbles(1)
        app.desktop.listener.activate(app.desktop.shown[0])
        await app.wait_for_bubbles(2)
        assert "No browser opened the link" in app.titles[1]


async def test_what_is_asked_for_before_the_desktop_answers_is_done() -> None:
    answers = asyncio.Event()
    async with loopback(events("a")) as server, running(server.url, answers=answers) as app:
        await asyncio.sleep(0)  # it has begun
        app.agent.obey(Command(Verb.HISTORY, stream="s0"))
        while not app.histories:
            await asyncio.sleep(0)
        assert app.histories == ["s0"]
        answers.set()
        await app.wait_until_shown(1)


async def test_what_has_no_link_is_opened_in_the_history() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_until_shown(1)
        app.agent.obey(Command(Verb.OPEN))
        await app.wait_for(lambda status: status.unread == 0)
        while not app.histories:
            await asyncio.sleep(0)
        assert (app.histories, app.links) == (["s0"], [])


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
        app.desktop.listener.activate(app.desktop.shown[0])
        assert [row.state for row in app.store.history()] == [State.READ]


async def test_the_status_tells_what_is_recent_and_unread_and_marking_as_read_counts_at_once() -> None:
    async with loopback(events("a", "b", "c")) as server, running(server.url) as app:
        await app.wait_until_shown(3)
        await app.wait_for(lambda status: status.unread == 3)
        status = app.statuses[-1]
        assert [notification.title for notification in status.recent] == ["c", "b", "a"]
        assert status.streams[0].unread == 3
        app.agent.obey(Command(Verb.READ, row=status.recent[1].row))
        await app.wait_for(lambda status: status.unread == 2)
        app.agent.obey(Command(Verb.OPEN))
        await app.wait_for(lambda status: status.unread == 1)
        assert [row.state for row in app.store.history()] == [State.SHOWN, State.READ, State.READ]
        app.agent.obey(Command(Verb.READ))
        await app.wait_for(lambda status: status.unread == 0)


async def test_recent_and_unread_notifications_are_known_again_after_a_restart(tmp_path: Path) -> None:
    async with loopback(events(*(f"n{n}" for n in range(30))), [OK, Act.HANG]) as server:
        async with running(server.url, history=tmp_path / "history.db") as app:
            await app.wait_until_shown(30)
        async with running(server.url, history=tmp_path / "history.db") as app:
            await app.wait_for(lambda status: status.unread == 30)
            assert [notification.title for notification in app.statuses[0].recent] == [
                f"n{n}" for n in range(29, 19, -1)
            ]


async def test_a_stream_can_be_reconnected_by_itself_and_its_site_opened() -> None:
    async with (
        loopback(events("a"), [OK, Act.HANG]) as one,
        loopback(events("b")) as two,
        running(one.url, two.url) as app,
    ):
        await app.wait_for_bubbles(2)
        app.agent.obey(Command(Verb.RECONNECT, stream="s0"))
        await one.wait_for_connections(2)
        assert len(two.heads) == 1
        site = app.statuses[-1].streams[1].site
        assert site is not None
        assert two.url.startswith(site)
        app.agent.obey(Command(Verb.OPEN_SITE, stream="s1"))
        while not app.links:
            await asyncio.sleep(0)
        assert app.links == [site]


async def test_what_the_agent_cannot_do_itself_is_an_errand_and_its_failure_is_told() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.EDIT))
        await app.wait_for_bubbles(2)
        assert app.titles[1] == "no editor"


async def test_a_bubble_that_the_person_closed_is_read() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_until_shown(1)
        app.desktop.listener.dismiss(app.desktop.shown[0])
        assert [row.state for row in app.store.history()] == [State.READ]
        app.desktop.listener.dismiss(Notification(stream="s0", title="3 more", body="a digest stands for many"))


async def test_a_button_opens_its_link_and_marks_the_notification_as_read() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_until_shown(1)
        app.desktop.listener.choose(app.desktop.shown[0], Action("Approve", "https://ci.example/approve"))
        while not app.links:
            app.changed.clear()
            await app.changed.wait()
        assert app.links == ["https://ci.example/approve"]
        assert [row.state for row in app.store.history()] == [State.READ]


async def test_a_picture_is_fetched_as_the_stream_of_the_notification_allows() -> None:
    async with loopback([OK, Act.HANG]) as server, running(server.url) as app:
        await app.wait_for_state("s0", ReadyState.OPEN)
        icon = server.url.replace("/events", "/icon.png")
        await app.desktop.listener.illustrate(Notification(stream="s0", title="t", icon=icon))
        assert [head.split(" ")[1] for head in server.heads] == ["/events", "/icon.png"]
        await app.desktop.listener.illustrate(Notification(stream="strange", title="t", icon=f"{icon}2"))
        assert len(server.heads) == 2


def configured(**streams: str) -> Config:
    return Config(streams=tuple(Stream(url=url, name=name, longest_delay=0.1) for name, url in streams.items()))


async def test_a_new_configuration_is_followed_and_what_it_does_not_change_notices_nothing() -> None:
    async with (
        loopback(events("a")) as kept,
        loopback([OK, b"id: 7\ndata: b\n\n", Act.HANG], events("b again")) as changed,
        loopback(events("c")) as removed,
        loopback(events("d")) as new,
        running(kept.url, changed.url, removed.url) as app,
    ):
        await app.wait_for_bubbles(3)
        streams = {
            "s1": Stream(url=changed.url, name="s1", longest_delay=0.1, idle_timeout=3.0),
            "new": Stream(url=new.url, name="new", longest_delay=0.1),
            "s0": Stream(url=kept.url, name="s0", longest_delay=0.1),
        }
        app.agent.reconfigure(Config(streams=tuple(streams.values())))
        await removed.wait_until_left_alone()
        await app.wait_for_state("new", ReadyState.OPEN)
        await changed.wait_for_connections(2)
        assert "Last-Event-ID: 7" in changed.heads[1]
        assert len(kept.heads) == 1
        assert kept.open == 1
        assert [stream.name for stream in app.statuses[-1].streams] == ["s1", "new", "s0"]


async def test_a_stream_may_change_its_address_and_come_back_after_it_was_removed() -> None:
    async with loopback(events("a")) as one, loopback(events("b")) as two, running(one.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.reconfigure(configured(s0=two.url))
        await two.wait_for_connections(1)
        await one.wait_until_left_alone()
        app.agent.reconfigure(configured())
        await two.wait_until_left_alone()
        app.agent.reconfigure(configured(s0=one.url))
        await one.wait_for_connections(2)
        await app.wait_for_state("s0", ReadyState.OPEN)


async def test_a_failed_stream_is_tried_again_once_its_settings_change() -> None:
    async with loopback([NOT_FOUND]) as wrong, loopback(events("a")) as right, running(wrong.url) as app:
        await app.wait_for_state("s0", ReadyState.CLOSED)
        app.agent.reconfigure(configured(s0=right.url))
        await app.wait_for_bubbles(1)
        assert app.titles == ["a"]


async def test_a_broken_configuration_is_told_in_a_bubble_and_the_next_good_one_too() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.SNOOZE, until=math.inf))
        problems = ["config.toml:1: colour\x1b is not a setting", "config.toml:2: " + "x" * 5_000]
        app.agent.refuse(ConfigurationBroken("/home/ann/config.toml", problems))
        await app.wait_for_bubbles(2)
        bubble = app.desktop.shown[1]
        assert bubble.title == "2 mistakes in the configuration"
        assert bubble.body.startswith("config.toml:1: colour")
        assert bubble.body.endswith("Until it is mended, all goes on as before.")
        app.agent.reconfigure(configured(s0=server.url))
        await app.wait_for_bubbles(3)
        assert app.desktop.shown[2].title == "The configuration is in order again"
        assert app.desktop.shown[2].key == bubble.key


async def test_what_the_program_says_of_itself_is_in_no_history() -> None:
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_until_shown(1)
        app.agent.refuse(ConfigurationBroken("config.toml", ["config.toml:1: x"]))
        await app.wait_for_bubbles(2)
        assert [row.notification.title for row in app.store.history()] == ["a"]


async def test_a_stream_whose_certificate_is_not_checked_says_so_in_its_status() -> None:
    streams = (
        Stream(url="https://127.0.0.1:1/", name="open", tls=Tls(verify=False)),
        Stream(url="https://127.0.0.1:1/", name="usual"),
    )
    async with loopback(events("a")) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.reconfigure(Config(streams=streams))
        await app.wait_for_state("usual", ReadyState.CONNECTING)
        assert [stream.caution for stream in app.statuses[-1].streams] == ["its certificate is not checked", ""]


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


async def test_waking_up_makes_new_connections_at_once() -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    async with loopback(events("a"), events("b")) as server, running(server.url, news=news) as app:
        await app.wait_for_bubbles(1)
        news.put_nowait(News.WOKE)
        await app.wait_for_bubbles(2)


async def test_waking_up_ends_the_wait_for_the_next_attempt() -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 3000\r\nContent-Length: 0\r\n\r\n"
    async with loopback([busy], events("a")) as server, running(server.url, news=news) as app:
        await app.wait_for_state("s0", ReadyState.CONNECTING, outage=True)
        news.put_nowait(News.WOKE)
        await app.wait_for_bubbles(1)


LOGIN_PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "again"),
    [(LOGIN_PAGE, True), (NOT_FOUND, False)],
    ids=["a login page", "not found, and it never was"],
)
async def test_what_a_captive_portal_may_have_answered_is_asked_again_after_waking_up(
    answer: bytes, again: bool
) -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    async with (
        loopback([answer], events("a")) as server,
        loopback(events("b"), events("c")) as witness,
        running(server.url, witness.url, news=news) as app,
    ):
        await app.wait_for_state("s0", ReadyState.CLOSED)
        await app.wait_for_state("s1", ReadyState.OPEN)
        news.put_nowait(News.WOKE)
        await witness.wait_for_connections(2)
        await app.wait_for_bubbles(3 if again else 2)
        assert ("a" in app.titles) == again


async def test_streams_of_this_machine_do_not_care_about_the_network() -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    more = asyncio.Event()
    script = [*events("a")[:-1], more, *events("b")[1:]]
    async with loopback(script) as server, running(server.url, news=news) as app:
        await app.wait_for_bubbles(1)
        for item in (News.OFFLINE, News.ONLINE):
            told = len(app.statuses)
            news.put_nowait(item)
            while len(app.statuses) == told:
                await asyncio.sleep(0)
        more.set()
        await app.wait_for_bubbles(2)
        assert len(server.heads) == 1


async def test_without_a_network_nothing_is_tried_and_with_it_at_once() -> None:
    """`.invalid` never resolves (RFC 6761), so each attempt is one failure of the source."""
    news: asyncio.Queue[News] = asyncio.Queue()
    async with loopback([OK]) as here, running("http://stream.invalid/events", here.url, news=news) as app:
        await app.wait_for_state("s0", ReadyState.CONNECTING, outage=True)
        news.put_nowait(News.OFFLINE)
        await app.wait_for_detail("s0", "this computer has no network")
        held = len(app.statuses)
        await here.wait_for_connections(len(here.heads) + 10)
        assert {status.streams[0].detail for status in app.statuses[held:]} == {"this computer has no network"}
        news.put_nowait(News.ONLINE)
        await app.wait_for_detail("s0", "the host stream.invalid is not known")


ALWAYS = {"from": "00:00", "to": "00:00"}


def with_settings(url: str, **settings: object) -> Config:
    fields = {"url": url, "name": "s0", "longest_delay": 0.1} | settings
    return Config(streams=(Stream.model_validate(fields),))


async def test_other_quiet_settings_count_at_once_and_the_connection_notices_nothing() -> None:
    more = asyncio.Event()
    again = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b")[1:-1], again, *events("c")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.reconfigure(with_settings(server.url, quiet_hours=[ALWAYS]))
        more.set()
        await app.wait_for_status("b")
        await app.wait_for(lambda status: status.quiet_until == math.inf and status.held == 1)
        assert app.titles == ["a"]
        assert [row.state for row in app.store.history()][-1] is State.HELD
        app.agent.reconfigure(with_settings(server.url))
        await app.wait_for_bubbles(2)
        again.set()
        await app.wait_for_bubbles(3)
        assert app.titles == ["a", "b", "c"]
        assert len(server.heads) == 1


async def test_what_is_less_urgent_than_wanted_is_in_the_history_only() -> None:
    more = asyncio.Event()
    low = b'data: {"title": "low", "priority": 1}\n\n'
    script: Script = [OK, *events("a")[1:-1], more, low, *events("b")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.reconfigure(with_settings(server.url, minimum_urgency="normal"))
        more.set()
        await app.wait_for_bubbles(2)
        await app.wait_for(lambda status: status.unread == 2)
        assert app.titles == ["a", "b"]
        assert [notification.title for notification in app.statuses[-1].recent] == ["b", "a"]
        assert {row.notification.title: row.state for row in app.store.history()}["low"] is State.SILENT


async def test_a_muted_stream_is_shown_when_it_is_unmuted_and_counts_for_itself_only() -> None:
    more = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.MUTE, stream="s0"))
        more.set()
        await app.wait_for(lambda status: status.streams[0].unread == 2)
        assert app.titles == ["a"]
        assert (app.statuses[-1].streams[0].muted, app.statuses[-1].unread) == (True, 0)
        app.agent.obey(Command(Verb.UNMUTE, stream="s0"))
        await app.wait_for_bubbles(2)
        await app.wait_for(lambda status: status.unread == 2 and not status.streams[0].muted)


async def test_a_click_on_a_summary_opens_the_history_and_marks_what_it_told_of_as_read() -> None:
    more = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b", "c", "d", "e")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.SNOOZE, until=math.inf))
        more.set()
        await app.wait_for_status("e")
        app.agent.obey(Command(Verb.RESUME))
        await app.wait_until_shown(5)
        assert app.titles == ["a", "4 notifications from s0 while it was quiet"]
        app.desktop.listener.activate(app.desktop.shown[1])
        await app.wait_for(lambda status: status.unread == 0)
        while not app.histories:
            await asyncio.sleep(0)
        assert app.histories == ["s0"]


async def test_marking_all_as_read_ends_the_wait_for_a_summary() -> None:
    more = asyncio.Event()
    script: Script = [OK, *events("a")[1:-1], more, *events("b", "c", "d", "e")[1:]]
    async with loopback(script) as server, running(server.url) as app:
        await app.wait_for_bubbles(1)
        app.agent.obey(Command(Verb.SNOOZE, until=math.inf))
        more.set()
        await app.wait_for(lambda status: status.held == 4)
        app.agent.obey(Command(Verb.READ))
        await app.wait_for(lambda status: status.held == 0 and status.unread == 0)
        app.agent.obey(Command(Verb.RESUME))
        await app.wait_for(lambda status: status.snoozed_until is None)
        assert app.titles == ["a"]


async def test_a_snooze_and_a_muted_stream_are_remembered(tmp_path: Path) -> None:
    async with loopback(events("a"), [OK, Act.HANG]) as server:
        async with running(server.url, history=tmp_path / "history.db") as app:
            app.agent.obey(Command(Verb.SNOOZE, until=4e9))
            app.agent.obey(Command(Verb.MUTE, stream="s0"))
            await app.wait_for_status("a")
        async with running(server.url, history=tmp_path / "history.db") as app:
            await app.wait_for(lambda status: status.snoozed_until == 4e9 and status.streams[0].muted)
            await app.wait_for_state("s0", ReadyState.OPEN)
            assert app.titles == []


async def test_a_command_runs_once_for_each_new_notification_and_not_for_one_told_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    rule = Rule(identity="{{ data.id }}", command=(sys.executable, "-c", write, str(out), "{{ title }}"))
    told = [b'data: {"id": %d, "title": "%b"}\n\n' % (n, title) for n, title in ((1, b"a"), (1, b"again"), (2, b"b"))]
    async with loopback([OK, Act.HANG], [OK, *told, Act.HANG]) as server, running(server.url) as app:
        await app.wait_for_state("s0", ReadyState.OPEN)
        app.agent.reconfigure(Config(streams=(Stream(url=server.url, name="ci", rules=(rule,)),)))
        while not out.exists() or len(out.read_text().splitlines()) < 2:
            await asyncio.sleep(0.02)
        await app.wait_for_bubbles(2)
    assert sorted(out.read_text().splitlines()) == ["a", "b"]


async def test_what_is_told_anew_in_the_same_piece_as_its_withdrawal_stays() -> None:
    def ntfy(number: int, kind: str, text: str = "") -> bytes:
        fields = f'"id":"{number}","time":1700000000,"event":"{kind}","topic":"ops","sequence_id":"door"'
        return f'data: {{{fields},"message":"{text}"}}\n\n'.encode()

    events = ntfy(1, "message", "open") + ntfy(2, "message_delete") + ntfy(3, "message", "open again")
    async with loopback([OK, events, Act.HANG]) as server, running(f"{server.url}/ops/sse") as here:
        await here.wait_for_bubbles(2)
        await here.wait_until_shown(1)
        assert [notification.body for notification in here.desktop.shown] == ["open", "open again"]
        assert here.desktop.withdrawn == []
        states = {row.notification.body: row.state for row in here.store.history()}
        assert states == {"open": State.SILENT, "open again": State.SHOWN}
