"""What is shown, and when, however many notifications come."""

import re
import tracemalloc
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.flood import Gate
from notifier.lane import CROWD, PLACES, Bubble, Budget
from notifier.notification import CRITICAL_DIGEST_KEY, DIGEST_KEY, SUMMARY_KEY, Notification, Urgency


def named(title: str, stream: str = "ci", urgency: Urgency = Urgency.NORMAL) -> Notification:
    return Notification(stream=stream, title=title, urgency=urgency)


def numbered(count: int, stream: str = "ci", urgency: Urgency = Urgency.NORMAL) -> list[Notification]:
    return [named(f"n{number}", stream, urgency) for number in range(1, count + 1)]


def titles(bubbles: list[Bubble]) -> list[str]:
    return [bubble.notification.title for bubble in bubbles]


def wait_out(gate: Gate, now: float) -> tuple[float, list[Notification]]:
    """Do as the shell does: sleep for as long as the gate says, then release."""
    wait = gate.next_release(now)
    assert wait is not None
    return now + wait, [bubble.notification for bubble in gate.release(now + wait)]


def opened(gate: Gate, now: float) -> list[Bubble]:
    """What comes out when nothing is shut any more."""
    gate.shut(now, ())
    return gate.release(now)


def test_a_digest_of_plain_texts_names_their_words() -> None:
    gate = Gate()
    gate.shut(0, {("ci", False)})
    for body in ("Backup done", "Disk checked\nno errors", "", "Certificates renewed"):
        gate.offer(0, Notification(stream="ci", title="ci", body=body))
    [bubble] = opened(gate, 1)
    assert bubble.notification.body == "Certificates renewed\nci\nDisk checked"


ALL = {(stream, urgent) for stream in ("ci", "home", "ops", "s" * 500) for urgent in (False, True)}
CALM = {(stream, urgent) for stream, urgent in ALL if not urgent}


def test_a_calm_stream_is_shown_as_it_comes() -> None:
    gate = Gate()
    shown = [gate.offer(now, notification) for now, notification in zip(range(0, 1000, 3), numbered(300), strict=False)]
    assert titles([bubble for one in shown for bubble in one]) == [f"n{n}" for n in range(1, 301)]
    assert gate.next_release(1000) is None


def test_a_flood_is_some_bubbles_and_one_digest_that_counts_up_in_place() -> None:
    gate = Gate()
    shown = [n for notification in numbered(40) for n in gate.offer(0, notification)]
    assert titles(shown) == ["n1", "n2", "n3", "n4"]

    now, [digest] = wait_out(gate, 0)
    assert (now, digest.title, digest.body) == (1, "36 more from ci", "n40\nn39\nn38")

    assert gate.offer(1.5, named("late")) == []
    now, [counted_up] = wait_out(gate, 1.5)
    assert (now, counted_up.title, counted_up.body) == (2.5, "37 more from ci", "late")
    assert counted_up.key == digest.key == DIGEST_KEY


def test_after_the_flood_notifications_come_by_themselves_again() -> None:
    gate = Gate()
    for notification in numbered(40):
        gate.offer(0, notification)
    wait_out(gate, 0)
    assert titles(gate.offer(20, named("calm"))) == ["calm"]
    assert gate.next_release(20) is None


def test_one_too_many_is_shown_as_itself_and_becomes_the_digest_when_more_come() -> None:
    gate = Gate()
    for notification in numbered(5):
        gate.offer(0, notification)
    _, [last] = wait_out(gate, 0)
    assert (last.title, last.key) == ("n5", DIGEST_KEY)
    gate.offer(2, named("n6"))
    _, [digest] = wait_out(gate, 2)
    assert (digest.title, digest.key) == ("2 more from ci", DIGEST_KEY)


def test_a_flood_of_one_stream_leaves_the_others_alone() -> None:
    gate = Gate()
    for notification in numbered(10_000):
        gate.offer(0, notification)
    assert titles(gate.offer(0, named("door", "home"))) == ["door"]


def test_a_flood_of_chatter_leaves_critical_notifications_alone() -> None:
    gate = Gate()
    for notification in numbered(100):
        gate.offer(0, notification)
    critical = numbered(10, urgency=Urgency.CRITICAL)
    assert titles([n for notification in critical for n in gate.offer(0, notification)]) == ["n1", "n2", "n3", "n4"]
    _, released = wait_out(gate, 0)
    assert {(n.title, n.key, n.urgency) for n in released} == {
        ("96 more from ci", DIGEST_KEY, Urgency.NORMAL),
        ("6 more from ci", CRITICAL_DIGEST_KEY, Urgency.CRITICAL),
    }


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, ["n1"]),
        (3, ["n1", "n2", "n3"]),
        (4, ["4 notifications from ci while it was quiet"]),
        (12, ["12 notifications from ci while it was quiet"]),
    ],
)
def test_what_came_while_shut_is_shown_on_opening(count: int, expected: list[str]) -> None:
    gate = Gate()
    gate.shut(0, ALL)
    assert [gate.offer(1, notification) for notification in numbered(count)] == [[]] * count
    assert gate.next_release(1) is None
    assert gate.release(100) == []
    assert titles(opened(gate, 100)) == expected
    assert gate.next_release(100) is None


def test_the_digest_of_a_pause_names_the_latest_first() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for notification in numbered(12):
        gate.offer(0, notification)
    [digest] = opened(gate, 60)
    assert digest.notification.body == "n12\nn11\nn10"


def test_of_several_streams_one_summary_tells_how_many_came_on_each() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for stream, count in (("ci", 5), ("home", 1), ("ops", 7)):
        for notification in numbered(count, stream):
            gate.offer(0, notification)
    assert gate.held(ALL) == 13
    [bubble] = opened(gate, 60)
    summary = bubble.notification
    assert (summary.title, summary.key) == ("13 notifications while it was quiet", SUMMARY_KEY)
    assert summary.body == "ops: 7\nci: 5\nhome: 1"
    assert set(bubble.stands_for) == {("ci", False), ("home", False), ("ops", False)}
    assert (gate.held(ALL), gate.next_release(60)) == (0, None)


def test_a_few_of_several_streams_are_shown_as_themselves() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for stream in ("ci", "home", "ops"):
        gate.offer(0, named(f"one of {stream}", stream))
    assert titles(opened(gate, 60)) == ["one of ci", "one of home", "one of ops"]


def test_critical_notifications_that_were_held_are_in_no_summary() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for stream in ("ci", "home"):
        for notification in numbered(5, stream):
            gate.offer(0, notification)
    gate.offer(0, named("fire", "home", Urgency.CRITICAL))
    assert titles(opened(gate, 60)) == ["10 notifications while it was quiet", "fire"]


def test_a_summary_of_very_many_streams_counts_those_that_it_does_not_name() -> None:
    gate = Gate()
    lanes = {(f"s{n}", False) for n in range(1_000)}
    gate.shut(0, lanes)
    for stream, _urgent in lanes:
        gate.offer(0, named("n", stream))
    [bubble] = opened(gate, 60)
    assert bubble.notification.title == "1000 notifications while it was quiet"
    assert bubble.notification.body.endswith("\nand 980 more streams")
    assert len(bubble.stands_for) == 1_000


def test_of_streams_that_come_back_within_a_moment_one_summary_tells_what_was_missed() -> None:
    gate = Gate()
    for n, stream in enumerate(("ci", "home", "ops")):
        gate.catch_up((stream, False), 2 + n / 10, waiting=numbered(3, stream), count=4)
    assert gate.release(2.1) == []
    now, [summary] = wait_out(gate, 2.1)
    assert now == pytest.approx(2.2)
    assert summary.title == "12 notifications meanwhile"


def test_a_stream_that_comes_back_much_later_keeps_no_other_waiting() -> None:
    gate = Gate()
    gate.catch_up(("ci", False), 2, waiting=numbered(3), count=4)
    gate.catch_up(("home", False), 3.1, waiting=numbered(3, "home"), count=4)
    now, [digest] = wait_out(gate, 0)
    assert (now, digest.title) == (2, "4 notifications from ci meanwhile")


def test_what_was_read_meanwhile_is_in_no_summary() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for notification in numbered(12):
        gate.offer(0, notification)
    gate.catch_up(("ci", False), 0, count=0)
    assert opened(gate, 60) == []


def test_critical_notifications_may_pass_a_shut_gate() -> None:
    gate = Gate()
    gate.shut(0, CALM)
    assert gate.offer(0, named("chatter")) == []
    assert titles(gate.offer(0, named("fire", urgency=Urgency.CRITICAL))) == ["fire"]
    assert titles(opened(gate, 1)) == ["chatter"]


def test_a_flood_that_was_held_when_the_gate_was_shut_comes_out_with_the_rest() -> None:
    gate = Gate()
    for notification in numbered(10):
        gate.offer(0, notification)
    gate.shut(0, ALL)
    gate.offer(0.5, named("paused"))
    assert titles(opened(gate, 60)) == ["7 notifications from ci while it was quiet"]


def test_opening_again_and_again_does_not_open_the_budget() -> None:
    gate = Gate(Budget(burst=3, window=10))
    shown = 0
    for now in range(9):
        gate.shut(0, ALL)
        gate.offer(now, named(f"n{now}"))
        shown += sum(bubble.notification.key != DIGEST_KEY for bubble in opened(gate, now))
    assert shown <= 3


def test_opening_the_gate_does_not_hurry_a_digest() -> None:
    gate = Gate()
    for notification in numbered(10):
        gate.offer(0, notification)
    wait_out(gate, 0)
    gate.shut(0, ALL)
    gate.offer(1.1, named("paused"))
    assert opened(gate, 1.2) == []
    now, [digest] = wait_out(gate, 1.2)
    assert (now, digest.title) == (2, "7 notifications from ci while it was quiet")


def test_a_window_full_of_what_was_held_stays_full() -> None:
    gate = Gate(Budget(burst=4))
    gate.shut(0, ALL)
    for notification in numbered(3):
        gate.offer(0, notification)
    assert titles(opened(gate, 20)) == ["n1", "n2", "n3"]
    gate.offer(20.1, named("fourth"))
    _, [fourth] = wait_out(gate, 20.1)
    assert fourth.title == "fourth"
    assert gate.offer(25, named("fifth")) == []
    now, [digest] = wait_out(gate, 25)
    assert (now, digest.title, digest.key) == (26, "2 more from ci", DIGEST_KEY)


def test_a_long_name_of_a_stream_fits_a_digest() -> None:
    gate = Gate()
    gate.shut(0, ALL)
    for notification in numbered(9, "s" * 500):
        gate.offer(0, notification)
    assert titles(opened(gate, 1))[0].startswith("9 notifications from sss")


def grouped(title: str, group: str | None, urgency: Urgency = Urgency.NORMAL) -> Notification:
    return Notification(stream="ci", title=title, group=group, urgency=urgency)


def test_a_flood_of_one_group_leaves_the_others_alone() -> None:
    gate = Gate()
    for n in range(100):
        gate.offer(0, grouped(f"n{n}", "nightly"))
    assert titles(gate.offer(0.1, grouped("release", "main"))) == ["release"]
    assert titles(gate.offer(0.2, grouped("of no group", None))) == ["of no group"]
    _, [digest] = wait_out(gate, 0.2)
    assert digest.title == "96 more from ci"
    assert titles(gate.offer(2, grouped("another", "main"))) == ["another"], "the digest is of the other group"


def test_very_many_groups_open_a_bounded_number_of_bubbles_and_take_a_bounded_memory() -> None:
    gate = Gate()
    shown = 0
    tracemalloc.start()
    for n in range(20_000):
        now = n / 2_000
        shown += len(gate.offer(now, grouped("n", f"group {n}"))) + len(gate.release(now))
        if n == 1_000:
            before, _peak = tracemalloc.get_traced_memory()
    after, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert shown < 30
    assert gate.held(ALL) + shown > 1_000
    assert after - before < 100_000, "bytes"


def test_only_the_first_bubble_of_a_window_has_a_sound_and_counting_up_never_has() -> None:
    gate = Gate()
    shown = [bubble for n in range(40) for bubble in gate.offer(n / 100, grouped(f"n{n}", None))]
    assert [bubble.notification.sound for bubble in shown] == [None, "none", "none", "none"]
    now, [digest] = wait_out(gate, 0.4)
    assert digest.sound == "none"
    for _ in range(15):
        gate.offer(now, grouped("n", None))
        now, [digest] = wait_out(gate, now)
        assert digest.sound == "none"


def test_a_sound_that_was_asked_for_and_an_alarm_are_heard() -> None:
    gate = Gate()
    bell = Notification(stream="ci", title="ring", sound="bell")
    fire = grouped("fire", None, Urgency.CRITICAL)
    shown = [gate.offer(now, n)[0].notification for now, n in enumerate((grouped("n", None), bell, fire))]
    assert [notification.sound for notification in shown] == [None, "bell", None]
    assert gate.offer(20, grouped("n", None))[0].notification.sound is None


def keyed(title: str, key: str = "download") -> Notification:
    return Notification(stream="ci", title=title, key=key)


def test_what_takes_the_place_of_its_bubble_opens_none_and_the_newest_of_a_step_is_shown() -> None:
    gate = Gate()
    shown = titles(gate.offer(0, keyed("0 %")))
    now = 0.0
    for percent in range(1, 101):
        now = percent / 4
        shown += titles(gate.offer(now, keyed(f"{percent} %"))) + titles(gate.release(now))
    assert shown == ["0 %", *(f"{percent} %" for percent in range(4, 101, 4))]
    assert titles(gate.offer(now, named("n1"))) == ["n1"], "the window is free"
    assert gate.next_release(now) is None


def test_progress_makes_no_sound_but_its_end_may() -> None:
    gate = Gate()
    download = Notification(stream="ci", title="30 %", key="download", progress=30)
    assert gate.offer(0, download)[0].notification.sound == "none"
    assert gate.offer(20, replace(download, progress=90))[0].notification.sound == "none"
    assert gate.offer(40, replace(download, title="done", progress=None))[0].notification.sound is None


def test_an_update_is_never_late_and_the_last_one_never_lost() -> None:
    gate = Gate()
    gate.offer(0, keyed("0 %"))
    gate.offer(0.5, keyed("50 %"))
    assert gate.offer(0.9, keyed("100 %")) == []
    now, [last] = wait_out(gate, 0.9)
    assert (now, last.title, last.key) == (1, "100 %", "download")
    assert gate.next_release(now) is None


def test_a_flood_of_keys_is_a_flood() -> None:
    gate = Gate()
    shown = 0
    for n in range(10_000):
        shown += len(gate.offer(n / 1_000, keyed("n", f"key {n}"))) + len(gate.release(n / 1_000))
    assert shown < 20


def test_bubbles_with_a_place_are_few() -> None:
    gate = Gate(Budget(burst=100))
    for n in range(50):
        gate.offer(0, keyed("first", f"key {n}"))
    for n in range(50):
        gate.offer(1, keyed("second", f"key {n}"))
    for n in range(50):
        gate.offer(1.1, keyed("third", f"key {n}"))
    _, released = wait_out(gate, 1.1)
    assert len(released) <= PLACES + 1


def test_after_its_bubble_was_taken_back_a_key_opens_another() -> None:
    gate = Gate(Budget(burst=3))
    shown = 0
    for n in range(20):
        shown += len(gate.offer(n / 10, keyed(f"n{n}")))
        gate.withdraw("ci", "download")
    assert shown == 2


def test_an_update_that_waits_when_its_lane_is_shut_is_held() -> None:
    gate = Gate()
    gate.offer(0, keyed("0 %"))
    gate.offer(0.5, keyed("50 %"))
    gate.shut(0.6, ALL)
    gate.offer(0.7, keyed("100 %"))
    assert (gate.held(ALL), gate.next_release(0.7)) == (2, None)
    assert titles(opened(gate, 60)) == ["50 %", "100 %"]


def test_a_stream_may_have_a_budget_of_its_own_and_get_another() -> None:
    gate = Gate()
    gate.allow("ci", Budget(burst=2, window=60))
    assert titles([bubble for n in numbered(9) for bubble in gate.offer(0, n)]) == ["n1"]
    assert titles([bubble for n in numbered(9, "home") for bubble in gate.offer(0, n)]) == ["n1", "n2", "n3", "n4"]
    gate.allow("ci", Budget(burst=4, window=60))
    assert titles([bubble for n in numbered(9) for bubble in gate.offer(1, n)]) == ["n1", "n2", "n3"]


@pytest.mark.parametrize(("burst", "window", "step"), [(1, 10, 1), (5, 0, 1), (5, 10, 0), (5, 10, 11)])
def test_a_budget_that_makes_no_sense_does_not_construct(burst: int, window: float, step: float) -> None:
    with pytest.raises(ValueError, match="a budget has"):
        Budget(burst=burst, window=window, step=step)


class Witness:
    """Sees one lane as a person does, and counts."""

    def __init__(self) -> None:
        self.offered = self.told = self.in_digest = 0
        self.opened: dict[str | None, list[float]] = defaultdict(list)
        """When bubbles opened, by group."""
        self.digests: list[float] = []
        self.counted: list[float] = []

    @property
    def untold(self) -> int:
        return self.offered - self.told

    def see(self, now: float, notification: Notification) -> None:
        if notification.key is None:
            self.told += 1
            self.opened[notification.group].append(now)
            return
        match = re.match(r"(\d+) (?:more|notifications) from", notification.title)
        count = int(match[1]) if match else 1
        if self.in_digest and count == self.in_digest + self.untold:
            assert now - self.counted[-1] >= 1 - 1e-9, "a digest counts once per step"
        else:
            assert count == self.untold, "a new digest counts what was not told yet"
            self.digests.append(now)
        self.counted.append(now)
        self.in_digest = count
        self.told = self.offered

    def sum_up(self, count: int) -> None:
        assert count == self.untold, "a summary counts what was not told yet"
        self.told = self.offered

    def check(self, burst: int, window: float) -> None:
        assert self.told == self.offered
        together = sorted(moment for moments in self.opened.values() for moment in moments)
        limits = [(self.digests, 1), (together, CROWD * (burst - 1))]
        for moments, limit in [*limits, *((each, burst - 1) for each in self.opened.values())]:
            for first, last in zip(moments, moments[limit:], strict=False):
                assert last - first >= window - 1e-9


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.001, 0.3, 1.0, 2.5, 9.0, 11.0]),
        st.sampled_from(["offer", "offer", "offer", "offer", "flood", "shut", "open", "away"]),
        st.sampled_from(["ci", "home"]),
        st.sampled_from(Urgency),
        st.sampled_from([None, "a", "b", "c", "d", "e"]),
    ),
    max_size=60,
)


@given(steps=STEPS, burst=st.integers(2, 6), window=st.sampled_from([1.0, 4.0, 10.0]))
def test_no_window_has_more_bubbles_than_the_budget_and_the_counts_add_up(
    steps: list[tuple[float, str, str, Urgency, str | None]], burst: int, window: float
) -> None:
    gate = Gate(Budget(burst=burst, window=window))
    lanes: dict[tuple[str, bool], Witness] = defaultdict(Witness)
    now = 0.0

    def see(bubbles: list[Bubble]) -> None:
        for bubble in bubbles:
            notification = bubble.notification
            if notification.key != SUMMARY_KEY:
                lanes[notification.stream, notification.urgency is Urgency.CRITICAL].see(now, notification)
                continue
            counts = dict(line.split(": ") for line in notification.body.splitlines())
            for stream, urgent in bubble.stands_for:
                lanes[stream, urgent].sum_up(int(counts[stream]))

    def sleep(seconds: float) -> None:
        nonlocal now
        end = now + seconds
        while (wait := gate.next_release(now)) is not None and now + wait <= end:
            now += wait
            released = gate.release(now)
            assert released, "the gate said that something is due"
            see(released)
        now = end

    for pause, action, stream, urgency, group in steps:
        sleep(pause)
        if action == "shut":
            gate.shut(now, ALL if urgency is Urgency.CRITICAL else CALM)
        elif action == "open":
            see(opened(gate, now))
        elif action == "away":
            gate.catch_up((stream, urgency is Urgency.CRITICAL), now + 2)
        else:
            for _ in range(20 if action == "flood" else 1):
                lanes[stream, urgency is Urgency.CRITICAL].offered += 1
                see(gate.offer(now, Notification(stream=stream, title="n", urgency=urgency, group=group)))
    see(opened(gate, now))
    sleep(1000)

    assert gate.next_release(now) is None
    for lane in lanes.values():
        lane.check(burst, window)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.4, 1.0, 3.0]), st.sampled_from(["a", "b", None])),
        min_size=1,
        max_size=40,
    )
)
def test_the_last_of_each_key_is_seen_a_step_after_the_one_before(steps: list[tuple[float, str | None]]) -> None:
    gate = Gate(Budget(burst=50))
    now = 0.0
    seen: dict[str | None, str] = {}
    seen_at: dict[str | None, float] = defaultdict(lambda: -1.0)
    last: dict[str | None, tuple[float, str]] = {}

    def see(bubbles: list[Bubble]) -> None:
        for bubble in bubbles:
            key, (came, title) = bubble.notification.key, last[bubble.notification.key]
            assert bubble.notification.title == title, "the newest"
            assert now == pytest.approx(max(came, seen_at[key] + 1) if key else came), "neither early nor late"
            seen[key], seen_at[key] = title, now

    for number, (pause, key) in enumerate(steps):
        end = now + pause
        while (wait := gate.next_release(now)) is not None and now + wait <= end:
            now += wait
            see(gate.release(now))
        now = end
        last[key] = now, f"n{number}"
        see(gate.offer(now, Notification(stream="ci", title=f"n{number}", key=key)))
    while (wait := gate.next_release(now)) is not None:
        now += wait
        see(gate.release(now))
    assert seen == {key: title for key, (_came, title) in last.items()}
