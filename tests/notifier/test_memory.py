"""What rules remember outlives the program: a restart neither repeats a problem nor misses its end."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from notifier.entry import Entry
from notifier.line import Line
from notifier.memory import Memory
from notifier.notification import Notification
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.rule import Rule
from notifier.sse import Event
from notifier.store import Store
from notifier.stream import Stream
from tests.notifier.stores import Opener

PRESETS = {GENERIC.name: GENERIC} | known()
HOT: Mapping[str, object] = {
    "problem": "data.n > 30",
    "clear": "data.n < 28",
    "for": "5m",
    "key": "{{ data.room }}",
    "title": "Hot",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


class Run:
    """One run of the program; its clock that never runs backwards begins at 0 in each."""

    def __init__(self, opener: Opener, path: Path, *rules: Mapping[str, object], preset: str = "esphome") -> None:
        self.clock, self.began, self.store = opener.clock, opener.clock.now, opener(path)
        self.store.resume("s", "here")
        stream = Stream(
            url="https://x.example/", name="s", preset=preset, rules=tuple(Rule.model_validate(rule) for rule in rules)
        )
        self.line = Line(stream, PRESETS, None)
        self.line.recall(self.store.learned("s"), 0.0, self.clock.now)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    @property
    def now(self) -> float:
        return self.clock.now - self.began

    def hear(self, data: str, event_type: str = "message") -> list[str]:
        decided, place = self.line.decide([Event(event_type, data, "")], "", self.now)
        entries = [each for each in decided if isinstance(each, Entry)]
        self.store.learn("s", self.line.learned(self.now, self.clock.now))
        self.store.record("s", entries, place)
        return [f"{entry.notification.title} {entry.notification.body}".strip() for entry in entries]

    def due(self) -> list[str]:
        entries = self.line.due(self.now)
        self.store.learn("s", self.line.learned(self.now, self.clock.now))
        return [entry.notification.title for entry in entries]


def test_a_snapshot_after_a_restart_is_no_change_and_what_changed_meanwhile_is(opener: Opener, path: Path) -> None:
    door, lamp = '{"id": "binary-door", "state": "OFF"}', '{"id": "light-lamp", "state": "OFF"}'
    with Run(opener, path) as first:
        assert first.hear(door, "state") == first.hear(lamp, "state") == []
    with Run(opener, path) as second:
        assert second.hear(door, "state") == []
        assert second.hear(lamp.replace("OFF", "ON"), "state") == ["Lamp OFF → ON"]


def test_a_problem_is_told_once_and_its_end_is_told_in_another_run(opener: Opener, path: Path) -> None:
    rule = {**HOT, "for": 0}
    with Run(opener, path, rule, preset="generic") as first:
        assert first.hear('{"room": "a", "n": 31}') == ["Hot room: a · n: 31"]
    with Run(opener, path, rule, preset="generic") as second:
        assert second.hear('{"room": "a", "n": 31}') == []
        assert second.hear('{"room": "a", "n": 20}') == ["Recovered: Hot"]
    with Run(opener, path, rule, preset="generic") as third:
        assert third.hear('{"room": "a", "n": 20}') == []


def test_the_time_that_a_problem_must_last_goes_on(opener: Opener, path: Path) -> None:
    with Run(opener, path, HOT, preset="generic") as first:
        assert first.hear('{"room": "a", "n": 31}') == []
    opener.clock.now += 200
    with Run(opener, path, HOT, preset="generic") as second:
        assert second.due() == []
        opener.clock.now += 99
        assert second.due() == []
        opener.clock.now += 2
        assert second.due() == ["Hot"]
    with Run(opener, path, HOT, preset="generic") as third:
        assert third.due() == []
        assert third.hear('{"room": "a", "n": 1}') == ["Recovered: Hot"]


def test_while_the_program_was_away_nobody_was_silent(opener: Opener, path: Path) -> None:
    rule = {"silence": "10m", "key": "{{ data.host }}"}
    with Run(opener, path, rule, {"drop": True}, preset="generic") as first:
        first.hear('{"host": "db1"}')
    opener.clock.now += 86_400
    with Run(opener, path, rule, {"drop": True}, preset="generic") as second:
        assert second.due() == []
        opener.clock.now += 601
        assert second.due() == ["Nothing heard from db1"]
    with Run(opener, path, rule, {"drop": True}, preset="generic") as third:
        assert third.hear('{"host": "db1"}') == ["Heard again: Nothing heard from db1"]


def test_previous_is_the_one_of_the_other_run(opener: Opener, path: Path) -> None:
    rule = {"when": "previous and data.n > previous.n", "title": "{{ data.n - previous.n }} more", "body": ""}
    with Run(opener, path, rule, {"drop": True}, preset="generic") as first:
        first.hear('{"n": 3}')
    with Run(opener, path, rule, {"drop": True}, preset="generic") as second:
        assert second.hear('{"n": 5}') == ["2 more"]


def test_a_rule_that_says_something_else_remembers_nothing(opener: Opener, path: Path) -> None:
    with Run(opener, path, {**HOT, "for": 0}, preset="generic") as first:
        first.hear('{"room": "a", "n": 31}')
    with Run(opener, path, {**HOT, "for": 0, "title": "Too hot"}, preset="generic") as second:
        assert second.hear('{"room": "a", "n": 31}') == ["Too hot room: a · n: 31"]


def test_another_server_means_another_memory(opener: Opener, path: Path) -> None:
    with Run(opener, path, {**HOT, "for": 0}, preset="generic") as first:
        first.hear('{"room": "a", "n": 31}')
        first.store.resume("s", "elsewhere")
        assert first.store.learned("s") == {}


def test_what_was_not_written_down_before_the_server_changed_is_forgotten_too(opener: Opener, path: Path) -> None:
    with closing(opener(path)) as store:
        store.resume("s", "here")
        store.learn("s", {("rule", "key"): "learned here"})
        store.resume("s", "elsewhere")
        assert store.learned("s") == {}


def test_a_kind_that_is_found_out_later_remembers_too(opener: Opener, path: Path) -> None:
    ping, door = '{"title": "node", "ota": true}', '{"id": "binary-door", "state": "OFF"}'
    with Run(opener, path, preset="auto") as first:
        first.hear(ping, "ping")
        assert first.hear(door, "state") == []
    with Run(opener, path, preset="auto") as second:
        second.hear(ping, "ping")
        assert second.hear(door.replace("OFF", "ON"), "state") == ["Door OFF → ON"]


@pytest.mark.parametrize("text", ["", "[]", "null", '{"state": "ODD"}', '{"since": "x"}', '{"trouble": "{}"}'])
def test_what_is_damaged_is_forgotten(opener: Opener, path: Path, text: str) -> None:
    rule = {**HOT, "for": 0}
    with Run(opener, path, rule, preset="generic") as first:
        first.hear('{"room": "a", "n": 31}')
        [place] = first.store.learned("s") or [("", "")]
        first.store.learn("s", {place: text})
    with Run(opener, path, rule, preset="generic") as second:
        assert second.hear('{"room": "a", "n": 31}') == ["Hot room: a · n: 31"]


def test_a_clock_that_was_set_back_lets_no_time_be_over() -> None:
    read = Memory()
    read.read('{"state": "WAITING", "since": 5000.0}', offset=1_000.0, now=10.0)
    assert read.condition.since == 10.0


def test_a_large_previous_is_not_kept() -> None:
    memory = Memory(previous="x" * 10_000, trouble=Notification(stream="s", title="t"))
    other = Memory()
    other.read(memory.write(0.0), 0.0, 0.0)
    assert (other.previous, other.trouble) == (None, memory.trouble)


@pytest.fixture
def opener() -> Opener:
    return Opener()


def test_memory_on_disk_is_bounded(opener: Opener, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.remembered.KEEP_ROWS", 10)
    with closing(opener(path)) as store:
        assert isinstance(store, Store)
        store.resume("s", "here")
        for n in range(30):
            store.learn("s", {("rule", str(n)): "{}"})
            store.tend()
            opener.clock.now += 1
        assert [key for _, key in store.learned("s")] == [str(n) for n in range(20, 30)]


def test_what_was_learned_a_moment_ago_is_there_for_a_line_that_is_made_anew() -> None:
    with closing(Store(None, clock=lambda: 1.7e9, tell=lambda _: None)) as store:
        store.resume("s", "here")
        store.learn("s", {("rule", "door"): "{}"})
        assert store.learned("s") == {("rule", "door"): "{}"}
