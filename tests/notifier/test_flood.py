"""What is shown, and when, however many notifications come."""

import re
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.flood import CRITICAL_DIGEST_KEY, DIGEST_KEY, Budget, Gate
from notifier.notification import Notification, Urgency


def named(title: str, stream: str = "ci", urgency: Urgency = Urgency.NORMAL) -> Notification:
    return Notification(stream=stream, title=title, urgency=urgency)


def numbered(count: int, stream: str = "ci", urgency: Urgency = Urgency.NORMAL) -> list[Notification]:
    return [named(f"n{number}", stream, urgency) for number in range(1, count + 1)]


def titles(notifications: list[Notification]) -> list[str]:
    return [notification.title for notification in notifications]


def wait_out(gate: Gate, now: float) -> tuple[float, list[Notification]]:
    """Do as the shell does: sleep for as long as the gate says, then release."""
    wait = gate.next_release(now)
    assert wait is not None
    return now + wait, gate.release(now + wait)


def test_a_calm_stream_is_shown_as_it_comes() -> None:
    gate = Gate()
    shown = [gate.offer(now, notification) for now, notification in zip(range(0, 1000, 3), numbered(300), strict=False)]
    assert titles([notification for one in shown for notification in one]) == titles(numbered(300))
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
    gate = Gate(critical=Budget(burst=3))
    for notification in numbered(100):
        gate.offer(0, notification)
    critical = numbered(10, urgency=Urgency.CRITICAL)
    assert titles([n for notification in critical for n in gate.offer(0, notification)]) == ["n1", "n2"]
    _, released = wait_out(gate, 0)
    assert {(n.title, n.key, n.urgency) for n in released} == {
        ("96 more from ci", DIGEST_KEY, Urgency.NORMAL),
        ("8 more from ci", CRITICAL_DIGEST_KEY, Urgency.CRITICAL),
    }


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, ["n1"]),
        (3, ["n1", "n2", "n3"]),
        (4, ["4 notifications from ci while paused"]),
        (12, ["12 notifications from ci while paused"]),
    ],
)
def test_what_came_while_shut_is_shown_on_opening(count: int, expected: list[str]) -> None:
    gate = Gate()
    gate.shut()
    assert [gate.offer(1, notification) for notification in numbered(count)] == [[]] * count
    assert gate.next_release(1) is None
    assert gate.release(100) == []
    assert titles(gate.open(100)) == expected
    assert gate.next_release(100) is None


def test_the_digest_of_a_pause_names_the_latest_first() -> None:
    gate = Gate()
    gate.shut()
    for notification in numbered(12):
        gate.offer(0, notification)
    [digest] = gate.open(60)
    assert digest.body == "n12\nn11\nn10"


def test_each_stream_has_its_own_digest_of_a_pause() -> None:
    gate = Gate()
    gate.shut()
    for stream, count in (("ci", 5), ("home", 1), ("ops", 7)):
        for notification in numbered(count, stream):
            gate.offer(0, notification)
    assert titles(gate.open(60)) == [
        "5 notifications from ci while paused",
        "n1",
        "7 notifications from ops while paused",
    ]


def test_critical_notifications_may_pass_a_shut_gate() -> None:
    gate = Gate()
    gate.shut(critical_passes=True)
    assert gate.offer(0, named("chatter")) == []
    assert titles(gate.offer(0, named("fire", urgency=Urgency.CRITICAL))) == ["fire"]
    assert titles(gate.open(1)) == ["chatter"]


def test_a_flood_that_was_held_when_the_gate_was_shut_comes_out_with_the_rest() -> None:
    gate = Gate()
    for notification in numbered(10):
        gate.offer(0, notification)
    gate.shut()
    gate.offer(0.5, named("paused"))
    assert titles(gate.open(60)) == ["7 notifications from ci while paused"]


def test_opening_again_and_again_does_not_open_the_budget() -> None:
    gate = Gate(Budget(burst=3, window=10))
    shown = 0
    for now in range(9):
        gate.shut()
        gate.offer(now, named(f"n{now}"))
        shown += sum(n.key != DIGEST_KEY for n in gate.open(now))
    assert shown <= 3


def test_opening_the_gate_does_not_hurry_a_digest() -> None:
    gate = Gate()
    for notification in numbered(10):
        gate.offer(0, notification)
    wait_out(gate, 0)
    gate.shut()
    gate.offer(1.1, named("paused"))
    assert gate.open(1.2) == []
    now, [digest] = wait_out(gate, 1.2)
    assert (now, digest.title) == (2, "7 notifications from ci while paused")


def test_a_window_full_of_what_was_held_stays_full() -> None:
    gate = Gate(Budget(burst=4))
    gate.shut()
    for notification in numbered(3):
        gate.offer(0, notification)
    assert titles(gate.open(20)) == ["n1", "n2", "n3"]
    gate.offer(20.1, named("fourth"))
    assert titles(wait_out(gate, 20.1)[1]) == ["fourth"]
    assert gate.offer(25, named("fifth")) == []
    now, [fifth] = wait_out(gate, 25)
    assert (now, fifth.title) == (30, "fifth")


def test_a_long_name_of_a_stream_fits_a_digest() -> None:
    gate = Gate()
    gate.shut()
    for notification in numbered(9, "s" * 500):
        gate.offer(0, notification)
    assert titles(gate.open(1))[0].startswith("9 notifications from sss")


@pytest.mark.parametrize(("burst", "window", "step"), [(1, 10, 1), (5, 0, 1), (5, 10, 0), (5, 10, 11)])
def test_a_budget_that_makes_no_sense_does_not_construct(burst: int, window: float, step: float) -> None:
    with pytest.raises(ValueError, match="a budget has"):
        Budget(burst=burst, window=window, step=step)


class Witness:
    """Sees one lane as a person does, and counts."""

    def __init__(self) -> None:
        self.offered = self.told = self.in_digest = 0
        self.opened: list[float] = []
        self.counted: list[float] = []

    def see(self, now: float, notification: Notification) -> None:
        if notification.key is None:
            self.told += 1
            self.opened.append(now)
            return
        match = re.match(r"(\d+) (?:more|notifications) from", notification.title)
        count = int(match[1]) if match else 1
        untold = self.offered - self.told
        if self.in_digest and count == self.in_digest + untold:
            assert now - self.counted[-1] >= 1 - 1e-9, "a digest counts once per step"
        else:
            assert count == untold, "a new digest counts what was not told yet"
            self.opened.append(now)
        self.counted.append(now)
        self.in_digest = count
        self.told += untold


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.001, 0.3, 1.0, 2.5, 9.0, 11.0]),
        st.sampled_from(["offer", "offer", "offer", "offer", "flood", "shut", "open"]),
        st.sampled_from(["ci", "home"]),
        st.sampled_from(Urgency),
    ),
    max_size=60,
)


@given(steps=STEPS, burst=st.integers(2, 6), window=st.sampled_from([1.0, 4.0, 10.0]))
def test_no_window_has_more_bubbles_than_the_budget_and_the_counts_add_up(
    steps: list[tuple[float, str, str, Urgency]], burst: int, window: float
) -> None:
    gate = Gate(Budget(burst=burst, window=window))
    lanes: dict[tuple[str, bool], Witness] = defaultdict(Witness)
    now = 0.0

    def see(notifications: list[Notification]) -> None:
        for notification in notifications:
            lanes[notification.stream, notification.urgency is Urgency.CRITICAL].see(now, notification)

    def sleep(seconds: float) -> None:
        nonlocal now
        end = now + seconds
        while (wait := gate.next_release(now)) is not None and now + wait <= end:
            now += wait
            released = gate.release(now)
            assert released, "the gate said that something is due"
            see(released)
        now = end

    for pause, action, stream, urgency in steps:
        sleep(pause)
        if action == "shut":
            gate.shut()
        elif action == "open":
            see(gate.open(now))
        else:
            for _ in range(20 if action == "flood" else 1):
                lanes[stream, urgency is Urgency.CRITICAL].offered += 1
                see(gate.offer(now, named("n", stream, urgency)))
    see(gate.open(now))
    sleep(1000)

    assert gate.next_release(now) is None
    for lane in lanes.values():
        assert lane.told == lane.offered
        for first, last in zip(lane.opened, lane.opened[burst:], strict=False):
            assert last - first >= window - 1e-9
