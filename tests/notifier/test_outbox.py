"""Between the history and the desktop, with a real history and a desktop that records."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from notifier.errors import BubbleFailed
from notifier.history import State
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.outbox import READY, Outbox
from notifier.store import Entry, Store


@dataclass
class Desk:
    """A desktop that shows, fails or hangs as it is told."""

    shown: list[Notification] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    fails: bool = False
    fails_once_for: str = ""
    """A title."""
    hung: asyncio.Event | None = None

    name = "a desk"

    async def show(self, notification: Notification) -> None:
        if self.hung is not None:
            await self.hung.wait()
        if self.fails or notification.title == self.fails_once_for:
            self.fails_once_for = ""
            raise BubbleFailed("the notification daemon did not answer within 2 s")
        self.shown.append(notification)

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        self.withdrawn.append(withdrawal)

    async def close(self) -> None:
        pass

    @property
    def titles(self) -> list[str]:
        return [notification.title for notification in self.shown]


@dataclass
class Office:
    """An outbox at work."""

    store: Store
    outbox: Outbox
    desk: Desk

    def post(self, title: str, *, stream: str = "ci", urgency: Urgency = Urgency.NORMAL) -> None:
        notification = Notification(stream=stream, title=title, urgency=urgency)
        [row] = self.store.record(stream, [Entry(notification=notification, event_type="message")], "")
        self.outbox.offer(replace(notification, row=row))

    async def until_shown(self, count: int) -> None:
        while sum(row.state is State.SHOWN for row in self.store.history(limit=10_000)) < count:
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def office(*, retry: float = 60.0) -> AsyncIterator[Office]:
    with contextlib.closing(Store(None, clock=time.time, tell=lambda sentence: None)) as store:
        for stream in ("ci", "home"):
            store.resume(stream, "here")
        made = Office(store, Outbox(store, retry=retry, catch_up=0.05), Desk())
        task = asyncio.create_task(made.outbox.run(made.desk))
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_what_is_offered_is_shown_and_noted_as_shown() -> None:
    async with office() as at:
        at.post("a")
        at.post("b", stream="home")
        await at.until_shown(2)
        assert at.desk.titles == ["a", "b"]


async def test_what_could_not_be_shown_comes_out_later_in_one_summary() -> None:
    async with office(retry=0.1) as at:
        at.desk.fails = True
        for n in range(4):
            at.post(f"n{n}")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        at.desk.fails = False
        await at.until_shown(4)
        assert at.desk.titles in (["4 notifications from ci meanwhile"], ["n3", "3 notifications from ci meanwhile"])


async def test_a_single_bubble_that_failed_comes_out_as_itself() -> None:
    async with office(retry=0.1) as at:
        at.desk.fails = True
        at.post("a")
        await asyncio.sleep(0)
        at.desk.fails = False
        await at.until_shown(1)
        assert at.desk.titles == ["a"]


async def test_a_summary_after_a_bubble_that_failed_counts_it_too() -> None:
    async with office() as at:
        at.desk.fails_once_for = "n1"
        for n in range(12):
            at.post(f"n{n}")
        await at.until_shown(12)
        assert at.desk.titles == ["n0", "n2", "n3", "9 notifications from ci meanwhile"]


async def test_while_the_desktop_hangs_only_a_bounded_number_is_kept_and_none_is_lost() -> None:
    async with office(retry=0.1) as at:
        at.desk.hung = asyncio.Event()
        for n in range(3 * READY):
            at.store.resume(f"s{n}", "here")
            at.post(f"n{n}", stream=f"s{n}")
        await asyncio.sleep(0)
        at.desk.hung.set()
        at.desk.hung = None
        await at.until_shown(3 * READY)
        assert sorted(at.desk.titles) == sorted(f"n{n}" for n in range(3 * READY))


async def test_a_critical_bubble_that_failed_is_not_hidden_in_the_summary_of_the_others() -> None:
    async with office(retry=0.1) as at:
        at.desk.fails = True
        for n in range(4):
            at.post(f"n{n}")
        at.post("alarm", urgency=Urgency.CRITICAL)
        for _ in range(8):
            await asyncio.sleep(0)
        at.desk.fails = False
        await at.until_shown(5)
        assert "alarm" in at.desk.titles


async def test_on_resume_what_waits_and_what_comes_is_told_together() -> None:
    async with office() as at:
        at.outbox.pause()
        for n in range(10):
            at.post(f"n{n}")
        at.outbox.unpause()
        at.outbox.resume("ci")
        for n in range(10, 15):
            at.post(f"n{n}")
        await at.until_shown(15)
        assert len(at.desk.shown) <= 3


async def test_while_paused_nothing_is_shown() -> None:
    async with office() as at:
        at.outbox.pause()
        at.post("a")
        await asyncio.sleep(0)
        assert at.desk.shown == []
        at.outbox.unpause()
        await at.until_shown(1)


async def test_what_is_withdrawn_goes_after_what_was_offered_before_it() -> None:
    async with office() as at:
        at.post("a")
        at.outbox.withdraw(Withdrawal(stream="ci", key="build"))
        while not at.desk.withdrawn:
            await asyncio.sleep(0)
        assert (at.desk.titles, at.desk.withdrawn) == (["a"], [Withdrawal(stream="ci", key="build")])


async def test_pausing_holds_also_what_was_let_out_already() -> None:
    async with office() as at:
        at.desk.hung = asyncio.Event()
        for n in range(4):
            at.post(f"n{n}")
        await asyncio.sleep(0)
        at.outbox.pause()
        at.desk.hung.set()
        at.desk.hung = None
        await at.until_shown(1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert at.desk.titles == ["n0"]
        at.outbox.unpause()
        await at.until_shown(4)


async def test_a_bubble_on_its_way_is_not_told_again_when_its_stream_comes_back() -> None:
    async with office() as at:
        at.desk.hung = asyncio.Event()
        at.post("only one")
        await asyncio.sleep(0)
        at.outbox.resume("ci")
        at.desk.hung.set()
        at.desk.hung = None
        at.post("another", stream="home")
        await at.until_shown(2)
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert at.desk.titles == ["only one", "another"]
