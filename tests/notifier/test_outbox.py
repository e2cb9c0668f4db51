"""Between the history and the desktop, with a real history and a desktop that records."""

import asyncio
import contextlib
import logging
import math
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from notifier.desktop import BubbleUnanswered
from notifier.entry import Entry, State
from notifier.errors import BubbleFailed
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.outbox import READY, Outbox
from notifier.quiet import EVERYTHING
from notifier.store import Store
from notifier.stream import Stream


@dataclass
class Desk:
    """A desktop that shows, fails or hangs as it is told."""

    hears = True

    shown: list[Notification] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    fails: bool = False
    fails_once_for: str = ""
    """A title."""
    breaks_for: str = ""
    """A title."""
    hung: asyncio.Event | None = None
    unanswered: asyncio.Future[bool] | None = None
    """Set while what is asked gets no answer in time, to what will become of it."""

    name = "a desk"

    async def show(self, notification: Notification) -> None:
        if self.hung is not None:
            await self.hung.wait()
        if self.unanswered is not None:
            raise BubbleUnanswered("No answer from a desk within 2 s", self.unanswered)
        if self.fails or notification.title == self.fails_once_for:
            self.fails_once_for = ""
            raise BubbleFailed("the notification daemon did not answer within 2 s")
        if notification.title == self.breaks_for:
            raise ZeroDivisionError
        self.shown.append(notification)

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        if self.fails or self.unanswered is not None:
            raise BubbleFailed("No answer from a desk within 2 s")
        if withdrawal.key == self.breaks_for:
            raise ZeroDivisionError
        self.withdrawn.append(withdrawal)

    async def close(self) -> None:
        pass

    @property
    def titles(self) -> list[str]:
        return [notification.title for notification in self.shown]


BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"}


def at(moment: str) -> float:
    """Of the 25th of November 2026; what is before 07:00 is of the next day."""
    day = 26 if moment < "07:30" else 25
    return datetime.fromisoformat(f"2026-11-{day}T{moment}").replace(tzinfo=BERLIN).timestamp()


@dataclass
class Clock:
    """The clock on the wall, set by the test."""

    now: float

    def __call__(self) -> float:
        return self.now


@dataclass
class Office:
    """An outbox at work."""

    store: Store
    outbox: Outbox
    desk: Desk
    clock: Clock

    def post(
        self, title: str, *, stream: str = "ci", urgency: Urgency = Urgency.NORMAL, key: str | None = None
    ) -> None:
        notification = Notification(stream=stream, title=title, urgency=urgency, key=key)
        entries = self.outbox.marked([Entry(notification=notification, event_type="message")])
        [row] = self.store.record(stream, entries, "")
        self.outbox.offer(replace(notification, row=row))

    def pass_to(self, moment: str) -> None:
        """The wall clock shows `moment`, of a Wednesday in November."""
        self.clock.now = at(moment)
        self.outbox.look()

    @property
    def states(self) -> dict[str, State]:
        return {row.notification.title: row.state for row in self.store.history(limit=10_000)}

    def snoozed_until(self) -> float | None:
        return self.outbox.silence.snoozed_until

    async def turns(self) -> None:
        """Let the outbox do what it can do now."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def until_shown(self, count: int) -> None:
        while sum(row.state is State.SHOWN for row in self.store.history(limit=10_000)) < count:
            await asyncio.sleep(0.01)


def followed(name: str, **settings: object) -> Stream:
    return Stream.model_validate({"url": "https://localhost/", "name": name} | settings)


@contextlib.asynccontextmanager
async def office(
    *streams: Stream, retry: float = 60.0, history: Path | None = None, moment: str = "12:00"
) -> AsyncIterator[Office]:
    clock = Clock(at(moment))
    with contextlib.closing(Store(history, clock=clock, tell=lambda sentence: None)) as store:
        streams = streams or (followed("ci"), followed("home"))
        outbox = Outbox(store, clock=clock, retry=retry, catch_up=0.05)
        outbox.follow(streams)
        for stream in streams:
            if store.resume(stream.name, "here") is not None:
                outbox.resume(stream.name)
        made = Office(store, outbox, Desk(), clock)
        task = asyncio.create_task(made.outbox.run(made.desk))
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_what_is_offered_is_shown_and_noted_as_shown() -> None:
    async with office() as here:
        here.post("a")
        here.post("b", stream="home")
        await here.until_shown(2)
        assert here.desk.titles == ["a", "b"]


async def test_what_could_not_be_shown_comes_out_later_in_one_summary() -> None:
    async with office(retry=0.1) as here:
        here.desk.fails = True
        for n in range(4):
            here.post(f"n{n}")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        here.desk.fails = False
        await here.until_shown(4)
        assert here.desk.titles in (["4 notifications from ci meanwhile"], ["n3", "3 notifications from ci meanwhile"])


async def test_a_single_bubble_that_failed_comes_out_as_itself() -> None:
    async with office(retry=0.1) as here:
        here.desk.fails = True
        here.post("a")
        await asyncio.sleep(0)
        here.desk.fails = False
        await here.until_shown(1)
        assert here.desk.titles == ["a"]


async def test_a_summary_after_a_bubble_that_failed_counts_it_too() -> None:
    async with office() as here:
        here.desk.fails_once_for = "n1"
        for n in range(12):
            here.post(f"n{n}")
        await here.until_shown(12)
        assert here.desk.titles == ["n0", "n2", "10 notifications from ci meanwhile"]


async def test_while_the_desktop_hangs_only_a_bounded_number_is_kept_and_none_is_lost() -> None:
    async with office(retry=0.1) as here:
        here.desk.hung = asyncio.Event()
        for n in range(3 * READY):
            here.store.resume(f"s{n}", "here")
            here.post(f"n{n}", stream=f"s{n}")
        await asyncio.sleep(0)
        here.desk.hung.set()
        here.desk.hung = None
        await here.until_shown(3 * READY)
        shown = [title for title in here.desk.titles if title.startswith("n")]
        assert READY <= len(shown) <= READY + 1
        assert here.desk.titles[-1] == f"{3 * READY - len(shown)} notifications meanwhile"


async def test_what_could_not_be_shown_comes_as_soon_as_something_else_was() -> None:
    async with office() as here:
        here.desk.fails_once_for = "alarm"
        here.post("alarm", urgency=Urgency.CRITICAL)
        here.post("chatter")
        await here.turns()
        assert here.desk.titles == ["chatter", "alarm"]


async def test_a_bubble_that_could_not_be_taken_back_is_taken_back_later() -> None:
    async with office(retry=0.05) as here:
        here.post("a", key="a")
        here.post("b", key="b")
        await here.until_shown(2)
        here.desk.fails = True
        here.outbox.withdraw(gone := Withdrawal(stream="ci", key="a"))
        here.outbox.withdraw(Withdrawal(stream="ci", key="b"))
        await here.turns()
        here.desk.fails = False
        here.post("b is back", key="b")
        while not here.desk.withdrawn:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(here.outbox.idle.wait(), 5)
        assert here.desk.withdrawn == [gone]
        assert here.desk.titles == ["a", "b", "b is back"]


async def test_what_was_taken_back_while_the_desktop_was_slow_goes_when_it_was_shown_after_all() -> None:
    async with office() as here:
        here.post("a", key="a")
        here.desk.unanswered = slow = asyncio.get_running_loop().create_future()
        await here.turns()
        here.outbox.withdraw(gone := Withdrawal(stream="ci", key="a"))
        await here.turns()
        here.desk.unanswered = None
        slow.set_result(True)
        await here.turns()
        assert (here.desk.titles, here.desk.withdrawn) == ([], [gone])


async def test_a_bug_in_taking_back_costs_that_one_only(caplog: pytest.LogCaptureFixture) -> None:
    async with office() as here:
        here.desk.breaks_for = "a"
        here.outbox.withdraw(Withdrawal(stream="ci", key="a"))
        here.outbox.withdraw(gone := Withdrawal(stream="ci", key="b"))
        await here.turns()
        assert here.desk.withdrawn == [gone]
        assert "ZeroDivisionError" in caplog.text


def ours(title: str, key: str) -> Notification:
    return Notification(stream="sse-notifier", title=title, key=key)


async def test_what_the_program_says_of_itself_comes_in_its_order_and_the_last_word_counts() -> None:
    async with office() as here:
        here.desk.hung = asyncio.Event()
        here.post("first")
        await here.turns()
        for title, key in (("broken", "configuration"), ("no browser", "link"), ("mended", "configuration")):
            here.outbox.tell(ours(title, key))
        here.post("last")
        here.desk.hung.set()
        await here.until_shown(2)
        assert here.desk.titles == ["first", "no browser", "mended", "last"]


@pytest.mark.parametrize("shown", [None, True, False], ids=["refused", "shown after all", "not shown"])
async def test_what_the_program_says_of_itself_is_told_when_the_desktop_can(shown: bool | None) -> None:
    async with office(retry=0.01) as here:
        here.desk.fails = shown is None
        slow = asyncio.get_running_loop().create_future()
        here.desk.unanswered = None if shown is None else slow
        here.outbox.tell(ours("broken", "configuration"))
        await here.turns()
        here.desk.fails, here.desk.unanswered = False, None
        slow.set_result(shown)
        here.post("next")
        await here.until_shown(1)
        await asyncio.wait_for(here.outbox.idle.wait(), 5)
        await here.turns()
        assert sorted(here.desk.titles) == (["next"] if shown else ["broken", "next"])


async def test_what_the_desktop_is_showing_when_the_stream_comes_back_is_not_told_again() -> None:
    async with office(retry=0.01) as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for n in range(6):
            here.post(f"n{n}")
        here.desk.hung = asyncio.Event()
        here.outbox.silence_until(EVERYTHING, None)
        await here.turns()
        here.outbox.resume("ci")
        here.desk.hung.set()
        await here.until_shown(6)
        here.post("next")
        await here.until_shown(7)
        assert here.desk.titles == ["6 notifications from ci while it was quiet", "next"]


async def test_a_row_that_cannot_be_read_waits_for_ever_and_stops_nothing(tmp_path: Path) -> None:
    async with office(history=tmp_path / "history.db") as here:
        here.desk.fails = True
        here.post("damaged")
        await here.turns()
    with contextlib.closing(sqlite3.connect(tmp_path / "history.db")) as database, database:
        assert database.execute("UPDATE history SET more = '{'").rowcount == 1
    async with office(history=tmp_path / "history.db") as here:
        here.post("whole", stream="home")
        while "whole" not in here.desk.titles:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("titles", [("a",), ("a", "b")], ids=["itself", "a summary"])
async def test_what_a_slow_desktop_showed_after_all_is_not_told_again(titles: Sequence[str]) -> None:
    async with office(retry=0.05) as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for title in titles:
            here.post(title)
        here.desk.unanswered = slow = asyncio.get_running_loop().create_future()
        here.outbox.silence_until(EVERYTHING, None)
        await here.turns()
        here.desk.unanswered = None
        slow.set_result(True)
        here.post("c", stream="home")
        await here.until_shown(len(titles) + 1)
        await asyncio.wait_for(here.outbox.idle.wait(), 5)
        assert here.desk.titles == ["c"]


async def test_what_a_slow_desktop_showed_is_not_counted_in_the_summary_that_is_held_already() -> None:
    async with office(retry=0.05) as here:
        here.post("a")
        here.desk.unanswered = slow = asyncio.get_running_loop().create_future()
        await here.turns()
        here.desk.unanswered = None
        here.outbox.silence_until(EVERYTHING, math.inf)
        here.post("b")
        while here.outbox.held < 2:  # until the retry has come, which waits for the end of the silence
            await asyncio.sleep(0.01)
        slow.set_result(True)
        await here.turns()
        assert here.outbox.held == 1
        here.outbox.silence_until(EVERYTHING, None)
        await here.until_shown(2)
        assert here.desk.titles == ["b"]


@pytest.mark.parametrize("shown", [False, None], ids=["refused", "gone"])
async def test_what_a_slow_desktop_did_not_show_after_all_comes_at_the_retry(shown: bool | None) -> None:
    async with office(retry=0.05) as here:
        here.post("a")
        here.desk.unanswered = slow = asyncio.get_running_loop().create_future()
        await here.turns()
        here.desk.unanswered = None
        slow.cancel() if shown is None else slow.set_result(shown)
        await here.until_shown(1)
        assert here.desk.titles == ["a"]


async def test_a_daemon_that_never_comes_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async with office(retry=0.01) as here:
        here.desk.fails = True
        here.post("a")
        caplog.set_level(logging.DEBUG, "notifier.outbox")
        while len(caplog.records) < 3:
            await asyncio.sleep(0.01)
        assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
        here.desk.fails = False
        await here.until_shown(1)
        caplog.clear()
        here.desk.fails = True
        here.post("b")
        while not caplog.records:
            await asyncio.sleep(0.01)
        assert caplog.records[0].levelno == logging.WARNING, "it is said again when the next one is not shown"


async def test_a_critical_bubble_that_failed_is_not_hidden_in_the_summary_of_the_others() -> None:
    async with office(retry=0.1) as here:
        here.desk.fails = True
        for n in range(4):
            here.post(f"n{n}")
        here.post("alarm", urgency=Urgency.CRITICAL)
        for _ in range(8):
            await asyncio.sleep(0)
        here.desk.fails = False
        await here.until_shown(5)
        assert "alarm" in here.desk.titles


async def test_on_resume_what_waits_and_what_comes_is_told_together() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for n in range(10):
            here.post(f"n{n}")
        here.outbox.silence_until(EVERYTHING, None)
        here.outbox.resume("ci")
        for n in range(10, 15):
            here.post(f"n{n}")
        await here.until_shown(15)
        assert len(here.desk.shown) <= 3


async def test_while_paused_nothing_is_shown() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        here.post("a")
        await asyncio.sleep(0)
        assert here.desk.shown == []
        here.outbox.silence_until(EVERYTHING, None)
        await here.until_shown(1)


async def test_what_is_withdrawn_goes_after_what_was_offered_before_it() -> None:
    async with office() as here:
        here.post("a")
        here.outbox.withdraw(Withdrawal(stream="ci", key="build"))
        while not here.desk.withdrawn:
            await asyncio.sleep(0)
        assert (here.desk.titles, here.desk.withdrawn) == (["a"], [Withdrawal(stream="ci", key="build")])


async def test_what_is_told_anew_is_not_taken_back_by_what_came_before_it() -> None:
    async with office() as here:
        here.post("open", key="door")
        await here.until_shown(1)
        here.desk.hung = asyncio.Event()
        here.post("something else")
        await here.turns()
        here.outbox.withdraw(Withdrawal(stream="ci", key="door"))
        here.post("open again", key="door")
        here.outbox.withdraw(Withdrawal(stream="ci", key="window"))
        here.desk.hung.set()
        while not here.desk.withdrawn:
            await asyncio.sleep(0)
        assert here.desk.titles == ["open", "something else", "open again"]
        assert here.desk.withdrawn == [Withdrawal(stream="ci", key="window")]
        assert here.states["open again"] is State.SHOWN


async def test_a_withdrawal_leaves_what_was_recorded_after_it_to_be_offered_once() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        here.post("open", key="door")
        first = here.store.newest
        again = Notification(stream="ci", title="open again", key="door")
        entries = here.outbox.marked([Entry(notification=again, event_type="message")])
        [row] = here.store.record("ci", entries, "")
        here.outbox.withdraw(Withdrawal(stream="ci", key="door"), first)
        here.outbox.offer(replace(again, row=row))
        assert here.outbox.held == 1
        assert here.states == {"open": State.SILENT, "open again": State.HELD}


async def test_a_bug_of_a_desktop_costs_one_bubble(caplog: pytest.LogCaptureFixture) -> None:
    async with office() as here:
        here.desk.breaks_for = "a"
        here.post("a")
        here.post("b")
        await here.until_shown(1)
        assert here.desk.titles == ["b"]
        assert here.states["a"] is State.RECORDED
        assert "a bubble was not shown" in caplog.text


async def test_pausing_holds_also_what_was_let_out_already() -> None:
    async with office() as here:
        here.desk.hung = asyncio.Event()
        for n in range(4):
            here.post(f"n{n}")
        await asyncio.sleep(0)
        here.outbox.silence_until(EVERYTHING, math.inf)
        here.desk.hung.set()
        here.desk.hung = None
        await here.until_shown(1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert here.desk.titles == ["n0"]
        here.outbox.silence_until(EVERYTHING, None)
        await here.until_shown(4)


async def test_a_bubble_on_its_way_is_not_told_again_when_its_stream_comes_back() -> None:
    async with office() as here:
        here.desk.hung = asyncio.Event()
        here.post("only one")
        await asyncio.sleep(0)
        here.outbox.resume("ci")
        here.desk.hung.set()
        here.desk.hung = None
        here.post("another", stream="home")
        await here.until_shown(2)
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert here.desk.titles == ["only one", "another"]


async def test_quiet_hours_hold_and_one_summary_tells_of_all_streams_when_they_end() -> None:
    async with office(followed("ci", quiet_hours=[NIGHTS]), followed("home", quiet_hours=[NIGHTS])) as here:
        here.post("before")
        await here.until_shown(1)
        here.pass_to("22:00")
        for n in range(5):
            here.post(f"n{n}")
            here.post(f"m{n}", stream="home")
        here.post("fire", urgency=Urgency.CRITICAL)
        await here.until_shown(2)
        assert here.desk.titles == ["before", "fire"]
        assert here.outbox.held == 10
        assert {here.states[f"n{n}"] for n in range(5)} == {State.HELD}
        assert here.outbox.silence.quiet_until == {"ci": at("07:00"), "home": at("07:00")}
        here.pass_to("06:59")
        await here.turns()
        assert len(here.desk.titles) == 2
        here.pass_to("07:00")
        await here.until_shown(12)
        assert here.desk.titles[2:] == ["10 notifications while it was quiet"]
        assert here.desk.shown[2].body == "home: 5\nci: 5"
        assert here.outbox.held == 0


async def test_quiet_hours_that_hold_critical_ones_too_let_them_out_at_their_end_beside_the_summary() -> None:
    async with office(followed("ci", quiet_hours=[NIGHTS | {"critical": "hold"}]), moment="23:00") as here:
        for n in range(5):
            here.post(f"n{n}")
        here.post("fire", urgency=Urgency.CRITICAL)
        await here.turns()
        assert here.desk.titles == []
        here.pass_to("07:00")
        await here.until_shown(6)
        assert sorted(here.desk.titles) == ["5 notifications from ci while it was quiet", "fire"]


async def test_after_a_restart_within_quiet_hours_nothing_pops_up_and_the_summary_still_comes(tmp_path: Path) -> None:
    streams = followed("ci", quiet_hours=[NIGHTS]), followed("home", quiet_hours=[NIGHTS])
    async with office(*streams, history=tmp_path / "history.db", moment="23:00") as here:
        for n in range(4):
            here.post(f"n{n}")
    async with office(*streams, history=tmp_path / "history.db", moment="23:30") as here:
        here.post("m", stream="home")
        await asyncio.sleep(0.1)
        assert (here.desk.titles, here.outbox.held) == ([], 5)
        here.pass_to("07:00")
        await here.until_shown(5)
        assert here.desk.titles == ["5 notifications while it was quiet"]


async def test_a_snooze_ends_by_itself_and_survives_a_restart(tmp_path: Path) -> None:
    async with office(history=tmp_path / "history.db") as here:
        here.outbox.silence_until(EVERYTHING, at("13:00"))
        here.post("a", urgency=Urgency.CRITICAL)
        here.post("b")
    async with office(history=tmp_path / "history.db", moment="12:30") as here:
        await here.turns()
        assert here.desk.titles == []
        assert here.snoozed_until() == at("13:00")
        here.pass_to("13:00")
        await here.until_shown(2)
        assert here.snoozed_until() is None
        assert sorted(here.desk.titles) == ["a", "b"]


async def test_a_snooze_ends_at_its_moment_although_nobody_looks() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, here.clock.now + 0.05)
        here.post("a")
        await here.turns()
        here.clock.now += 0.05
        await here.until_shown(1)


async def test_a_muted_stream_is_silent_in_the_next_run_too_and_the_others_are_not(tmp_path: Path) -> None:
    async with office(history=tmp_path / "history.db") as here:
        here.outbox.silence_until("ci", math.inf)
    async with office(history=tmp_path / "history.db") as here:
        here.post("a")
        here.post("b", stream="home")
        await here.until_shown(1)
        assert here.desk.titles == ["b"]
        assert here.outbox.silence.muted == {"ci"}
        assert here.outbox.held == 0
        here.outbox.silence_until("ci", None)
        await here.until_shown(2)
        assert here.desk.titles == ["b", "a"]


async def test_other_quiet_hours_count_at_once() -> None:
    async with office(followed("ci"), moment="23:00") as here:
        here.outbox.follow([followed("ci", quiet_hours=[NIGHTS])])
        here.post("a")
        await here.turns()
        assert here.desk.titles == []
        here.outbox.follow([followed("ci", quiet_hours=[])])
        await here.until_shown(1)


async def test_a_clock_that_is_set_ends_quiet_hours() -> None:
    async with office(followed("ci", quiet_hours=[NIGHTS]), moment="23:00") as here:
        here.post("a")
        await here.turns()
        here.pass_to("12:00")
        await here.until_shown(1)


async def test_what_the_person_has_read_is_told_in_no_summary() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for n in range(6):
            here.post(f"n{n}")
        row = here.store.history()[0]
        here.store.read([row.id])
        here.outbox.forget_read(row.notification)
        assert here.outbox.held == 5
        here.store.read_together(here.store.newest)
        here.outbox.forget_read(None)
        assert here.outbox.held == 0
        here.outbox.silence_until(EVERYTHING, None)
        await here.turns()
        assert here.desk.titles == []


async def test_a_summary_that_could_not_be_shown_comes_later() -> None:
    async with office(retry=0.05) as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for n in range(4):
            here.post(f"n{n}")
            here.post(f"m{n}", stream="home")
        here.desk.fails_once_for = "8 notifications while it was quiet"
        here.outbox.silence_until(EVERYTHING, None)
        await here.until_shown(8)
        assert here.desk.titles == ["8 notifications meanwhile"]


async def test_what_is_held_of_a_stream_that_is_followed_no_longer_stays_in_the_history() -> None:
    async with office(followed("ci"), followed("home")) as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        here.post("a")
        here.outbox.follow([followed("home")])
        here.outbox.silence_until(EVERYTHING, None)
        await here.turns()
        assert here.desk.titles == []
        here.outbox.follow([followed("ci"), followed("home")])
        here.outbox.resume("ci")
        await here.until_shown(1)


async def test_what_another_took_the_place_of_before_it_was_shown_waits_no_longer() -> None:
    async with office() as here:
        for percent in range(0, 101, 10):
            here.post(f"{percent} %", key="download")
        here.post("something else")
        await here.until_shown(12)
        assert here.desk.titles == ["0 %", "something else", "100 %"]


async def test_what_is_taken_back_while_it_is_held_is_told_in_no_summary() -> None:
    async with office() as here:
        here.outbox.silence_until(EVERYTHING, math.inf)
        for n in range(5):
            here.post(f"n{n}")
        here.post("the door is open", key="door")
        here.outbox.withdraw(Withdrawal(stream="ci", key="door"))
        assert here.outbox.held == 5
        assert here.states["the door is open"] is State.SILENT
        here.outbox.silence_until(EVERYTHING, None)
        await here.until_shown(5)
        assert here.desk.titles == ["5 notifications from ci while it was quiet"]


async def test_what_was_said_anew_in_a_silence_with_another_urgency_is_told_as_it_is_now() -> None:
    async with office() as here:
        for others in (0, 9):
            here.desk.shown.clear()
            here.outbox.silence_until(EVERYTHING, math.inf)
            here.post(f"backup done {others}")
            here.post(f"the room is hot {others}", key="room", urgency=Urgency.CRITICAL)
            for n in range(others):
                here.post(f"n{n}")
            here.post(f"the room is cool {others}", key="room")
            assert here.states[f"the room is hot {others}"] is State.SILENT
            here.outbox.silence_until(EVERYTHING, None)
            await here.until_shown(2 if not others else 1 + 11)
            assert not any("hot" in title for title in here.desk.titles)
            if not others:
                assert here.desk.titles == ["backup done 0", "the room is cool 0"]


async def test_what_is_taken_back_in_a_flood_before_it_was_shown_is_not_shown() -> None:
    async with office(followed("ci", flood={"burst": 2, "window": 1})) as here:
        here.post("the first")
        here.post("printer on fire", key="printer")
        here.outbox.withdraw(Withdrawal(stream="ci", key="printer"))
        assert here.states["printer on fire"] is State.SILENT
        here.post("door open", key="door")
        await here.until_shown(2)
        assert [(told.title, told.key) for told in here.desk.shown] == [("the first", None), ("door open", "door")]


async def test_what_is_taken_back_is_unread_no_longer() -> None:
    async with office() as here:
        here.post("the door is open", key="door")
        await here.until_shown(1)
        here.outbox.withdraw(Withdrawal(stream="ci", key="door"))
        assert here.states["the door is open"] is State.READ
