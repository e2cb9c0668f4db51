"""notifier.store on real files: what is recorded is there once, with its last event ID, whatever ends the process."""

import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import notifier.retention
import notifier.store
import notifier.waiting
from notifier.entry import Counts, Entry, Mark, State
from notifier.notification import Notification, Urgency
from notifier.store import Store
from tests.notifier.stores import Opener, entry, finish, start, unshown

SOURCE = "https://ci.example/events"
LONE_SURROGATE = "\ud800"  # JSON can write it, UTF-8 cannot

# Records events 1, 2, 3 … in chunks and says after each how far it came, until it is killed.
RECORDER = """
import random, sys, time
from pathlib import Path
from notifier.store import Store
from tests.notifier.stores import entry, unshown
store = Store(Path(sys.argv[1]), clock=time.time, tell=lambda sentence: print("told", sentence, flush=True))
mark = store.resume("ci", "here")
last = int(mark.last_event_id or 0) if mark else 0
while True:
    chunk = range(last + 1, last + 1 + random.randint(1, 5))
    last = chunk[-1] + random.randint(0, 2)   # the ones after the chunk are events that nobody wants
    store.record("ci", [entry(str(n), event_id=str(n)) for n in chunk], str(last))
    print(chunk[-1], flush=True)
"""

# Records 500 events of one stream, one by one, beside another process that does the same.
NEIGHBOUR = """
import sys, time
from pathlib import Path
from notifier.store import Store
from tests.notifier.stores import entry, unshown
sys.stdin.readline()
store = Store(Path(sys.argv[1]), clock=time.time, tell=lambda sentence: print("told", sentence))
store.resume(sys.argv[2], "here")
for n in range(1, int(sys.argv[3]) + 1):
    [row] = store.record(sys.argv[2], [entry(f"{sys.argv[2]} {n}", dedupe_key=str(n))], str(n))
    store.shown([row])
store.close()
"""


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def store(opener: Opener, tmp_path: Path) -> Iterator[Store]:
    with closing(opener(tmp_path / "history.db")) as store:
        store.resume("ci", SOURCE)
        yield store
    assert opener.told == []


def titles(store: Store, limit: int = 1_000_000) -> list[str]:
    return [row.notification.title for row in store.history(limit=limit)]


def test_what_is_recorded_is_there_after_a_restart(opener: Opener, tmp_path: Path) -> None:
    notification = Notification(
        stream="ci", title="Böse", body="a\nb", urgency=Urgency.CRITICAL, link="https://x.example/1", key="job"
    )
    first = opener(tmp_path / "history.db")
    assert first.resume("ci", SOURCE) is None
    rows = first.record("ci", [Entry(notification=notification, event_type="build", event_id="7")], "7")
    first.close()
    with closing(opener(tmp_path / "history.db")) as second:
        [row] = second.history()
        assert (row.notification, row.event_type, row.event_id) == (notification, "build", "7")
        assert (row.received, row.state, [row.id]) == (opener.clock.now, State.RECORDED, rows)
        assert second.resume("ci", SOURCE) == Mark(opener.clock.now, "7", opener.clock.now)


def test_a_stream_that_never_had_an_event_was_followed_all_the_same(opener: Opener, tmp_path: Path) -> None:
    since = opener.clock.now
    with closing(opener(tmp_path / "history.db")) as store:
        assert store.resume("ci", SOURCE) is None
    opener.clock.now += 60
    with closing(opener(tmp_path / "history.db")) as store:
        assert store.resume("ci", SOURCE) == Mark(since)


def test_a_name_that_points_elsewhere_gets_neither_the_old_last_event_id_nor_the_old_keys(
    opener: Opener, tmp_path: Path
) -> None:
    with closing(opener(tmp_path / "history.db")) as store:
        store.resume("ci", SOURCE)
        assert store.record("ci", [entry(dedupe_key="1")], "7") != [None]
    with closing(opener(tmp_path / "history.db")) as store:
        assert store.resume("ci", "https://elsewhere.example/") is None
        assert store.mark("ci").last_event_id == ""
        assert store.record("ci", [entry(dedupe_key="1")], "8") != [None]
        assert store.resume("ci", SOURCE) is None
        assert len(store.history()) == 2


def test_the_source_of_a_stream_is_not_written_down(opener: Opener, tmp_path: Path) -> None:
    with closing(opener(tmp_path / "history.db")) as store:
        store.resume("ci", "https://ci.example/?token=s3cret")
    assert all(b"s3cret" not in file.read_bytes() for file in tmp_path.iterdir())


def test_filtered_events_move_the_last_event_id_without_a_write_until_the_store_is_tended(
    opener: Opener, store: Store, tmp_path: Path
) -> None:
    def on_disk() -> str:
        with closing(sqlite3.connect(tmp_path / "history.db")) as db:
            return str(db.execute("SELECT last_event_id FROM streams").fetchone()[0])

    for n in range(100):
        assert store.record("ci", [], str(n)) == []
    assert (store.mark("ci").last_event_id, on_disk()) == ("99", "0")
    store.tend()
    assert on_disk() == "99"
    store.record("ci", [], "100")
    assert store.resume("ci", SOURCE) == Mark(opener.clock.now, "100", opener.clock.now)
    store.record("ci", [entry()], "101")
    assert on_disk() == "101"


def test_the_first_last_event_id_is_on_disk_at_once_because_nothing_is_sent_again_without_one(
    opener: Opener, tmp_path: Path
) -> None:
    with closing(opener(tmp_path / "history.db")) as store:
        store.resume("ci", SOURCE)
        assert store.record("ci", [], "") == []
        assert store.record("ci", [], "where the log stands") == []
        with closing(opener(tmp_path / "history.db")) as after_a_kill:
            mark = after_a_kill.resume("ci", SOURCE)
        assert mark is not None
        assert mark.last_event_id == "where the log stands"


def test_a_repeated_key_is_recorded_once_but_moves_the_last_event_id(opener: Opener, store: Store) -> None:
    first, again, other, none = store.record(
        "ci", [entry("1", dedupe_key="a"), entry("2", dedupe_key="a"), entry("3", dedupe_key="b"), entry("4")], "4"
    )
    assert again is None
    assert None not in (first, other, none)
    opener.clock.now += 59.9
    assert store.record("ci", [entry("5", dedupe_key="a")], "5") == [None]
    assert store.mark("ci").last_event_id == "5"
    opener.clock.now += 0.1
    assert store.record("ci", [entry("6", dedupe_key="a")], "6") != [None]
    assert titles(store) == ["1", "3", "4", "6"]


def test_the_same_key_on_two_streams_is_two_keys(store: Store) -> None:
    store.resume("c", SOURCE)
    assert store.record("ci", [entry(dedupe_key="x")], "") != [None]
    assert store.record("c", [entry(dedupe_key="ix")], "") != [None]
    assert store.record("c", [entry(dedupe_key="x")], "") != [None]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.sampled_from(["a", "b", "c", LONE_SURROGATE, ""]), st.floats(0.1, 100)),
        max_size=40,
    )
)
def test_a_key_is_seen_for_its_lifetime_and_not_longer(events: list[tuple[float, str, float]]) -> None:
    opener, expires = Opener(), dict[str, float]()
    with closing(opener(None)) as store:
        store.resume("ci", SOURCE)
        for gap, key, lifetime in events:
            opener.clock.now += gap
            now = opener.clock.now
            expected = expires.get(key, now) <= now
            if expected:
                expires[key] = now + lifetime
            [row] = store.record("ci", [entry(dedupe_key=key, lifetime=lifetime)], "")
            assert (row is not None) == expected
            store.tend()


def test_what_was_not_shown_is_told_in_order_with_a_count(store: Store) -> None:
    store.resume("chat", SOURCE)
    entries = [entry("1"), entry("2"), replace(entry("3"), state=State.HELD)]
    one, two, three = (row or 0 for row in store.record("ci", entries, "3"))
    (four,) = (row or 0 for row in store.record("chat", [entry("4")], "1"))
    store.shown([two])
    assert [row.notification.title for row in unshown(store)] == ["1", "3", "4"]
    assert [(row.id, row.state) for row in unshown(store, "ci")] == [(one, State.RECORDED), (three, State.HELD)]
    assert [row.id for row in store.waiting("ci", critical=False, newest=1)[1]] == [three]
    assert store.counts() == {"ci": Counts(unshown=2, unread=3), "chat": Counts(unshown=1, unread=1)}
    store.read([one, two, three, four])
    assert (unshown(store), store.counts()) == ([], {})


def test_very_much_is_read_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier.waiting, "MOST", 10)
    store.record("ci", [entry(str(n)) for n in range(25)], "25")
    assert [store.read_together(store.newest) for _ in range(3)] == [True, True, False]
    assert store.counts() == {}


def test_a_state_never_moves_back(store: Store) -> None:
    rows = [row or 0 for row in store.record("ci", [entry()], "1")]
    seen = []
    for step in (store.shown, store.read, store.shown):
        step(rows)
        seen.append(store.history()[0].state)
    assert seen == [State.SHOWN, State.READ, State.READ]


def test_what_is_for_the_history_only_waits_for_nobody(store: Store) -> None:
    [row] = store.record("ci", [replace(entry("quiet"), state=State.SILENT)], "1")
    assert (unshown(store), store.counts(), store.recent(10), store.newest_unread()) == ([], {}, [], None)
    store.read([row or 0])
    assert [row.state for row in store.history()] == [State.SILENT]


def test_what_shall_be_silent_is_known_to_the_next_run_and_to_a_file_that_comes_back(tmp_path: Path) -> None:
    opener, path = Opener(), tmp_path / "history.db"
    with closing(opener(path)) as store:
        store.silence("", 1_000.5)
        store.silence("ci", math.inf)
        store.silence("chat", math.inf)
        store.silence("chat", None)
    with closing(opener(path)) as store:
        assert store.silences() == {"": 1_000.5, "ci": math.inf}


def test_a_person_reads_one_or_all_of_what_was_shown_or_everything(store: Store) -> None:
    store.resume("chat", SOURCE)
    one, two = (row or 0 for row in store.record("ci", [entry("1"), entry("2")], "2"))
    (three,) = (row or 0 for row in store.record("chat", [entry("3")], "1"))
    store.shown([one, three])
    assert [notification.title for notification in store.recent(2)] == ["3", "2"]
    assert not store.read_together(store.newest, stream="ci", shown_only=True)
    assert store.counts() == {"ci": Counts(unshown=1, unread=1), "chat": Counts(unread=1)}
    assert not store.read_together(store.newest, shown_only=True)
    assert (newest := store.newest_unread()) is not None
    assert newest == store.find(two)
    assert not store.read_together(one)
    assert store.counts() == {"ci": Counts(unshown=1, unread=1)}
    assert not store.read_together(store.newest)
    assert (store.counts(), store.newest_unread(), store.find(99)) == ({}, None, None)


def test_one_summary_settles_what_waited_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier.waiting, "MOST", 10)
    rows = [row or 0 for row in store.record("ci", [entry(str(n)) for n in range(25)], "25")]
    calls = 1
    while store.shown_together("ci", rows[21], critical=False):
        calls += 1
    assert (calls, [row.notification.title for row in unshown(store)]) == (3, ["22", "23", "24"])


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a\0b", "\ufffd", "🦊" * 3_000, "'; DROP TABLE history; --", "\u202e", LONE_SURROGATE, "x" * 10_000],
)
def test_any_text_from_a_stranger_can_be_recorded(store: Store, text: str) -> None:
    odd = entry(event_type=text, event_id=text, key=text, dedupe_key=text)
    assert store.record("ci", [odd], text) != [None]
    assert store.record("ci", [odd], text) == [None]
    [row] = store.history()
    kept = (row.event_type, row.event_id, row.notification.key)
    if len(text) <= 1_024 and text != LONE_SURROGATE:
        assert (*kept, store.mark("ci").last_event_id) == (text,) * 4
    else:
        assert len(set(kept)) == 1
        assert len(kept[0]) <= 1_024


def test_long_keys_that_differ_at_the_end_stay_different(store: Store) -> None:
    store.record("ci", [entry(key="x" * 5_000 + "1"), entry(key="x" * 5_000 + "2")], "")
    one, two = (row.notification.key for row in store.history())
    assert one != two


@pytest.mark.parametrize("unsendable", ["x" * 8_193, LONE_SURROGATE])
def test_a_last_event_id_that_no_header_takes_leaves_the_older_one(store: Store, unsendable: str) -> None:
    store.record("ci", [entry("1")], "7")
    store.record("ci", [entry("2")], unsendable)
    assert (store.mark("ci").last_event_id, titles(store)) == ("7", ["1", "2"])


def test_the_oldest_rows_make_room(opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier.store, "FORGET_ROWS", 10)
    with closing(opener(tmp_path / "history.db", keep_rows=20)) as store:
        store.resume("ci", SOURCE)
        for n in range(100):
            store.record("ci", [entry(str(n))], str(n))
            assert len(titles(store)) <= 20 + 5
        store.tend()
        assert titles(store) == [str(n) for n in range(80, 100)]


def test_a_flood_that_nobody_could_show_is_logged_once(opener: Opener, caplog: pytest.LogCaptureFixture) -> None:
    with closing(opener(None, keep_rows=10)) as store:
        store.resume("ci", SOURCE)
        for _ in range(3):
            store.record("ci", [entry()] * 20, "")
            store.tend()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "10 notifications left the history before they could be shown"
    ]


def test_each_call_forgets_a_bounded_number_of_rows(opener: Opener, tmp_path: Path) -> None:
    with closing(opener(tmp_path / "history.db", keep_seconds=3_600.0)) as store:
        store.resume("ci", SOURCE)
        store.record("ci", [entry("old")] * 2_500, "1")
        opener.clock.now += 3_601
        store.record("ci", [entry("new")], "2")
        left: list[int] = []
        while len(left) < 4:
            store.tend()
            left.append(len(titles(store)))
        assert left == [1_501, 501, 1, 1]
        assert titles(store) == ["new"]


def test_the_file_shrinks_when_the_history_does(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(opener(path, keep_seconds=3_600.0)) as store:
        store.resume("ci", SOURCE)
        for _ in range(10):
            store.record("ci", [entry(body="x" * 2_000)] * 200, "1")
    full = path.stat().st_size
    opener.clock.now += 3_601
    with closing(opener(path, keep_seconds=3_600.0)) as store:
        for _ in range(40):
            store.tend()
        assert store.history() == []
    assert path.stat().st_size < full / 8


def test_expired_keys_leave_and_the_soonest_to_expire_make_room(
    opener: Opener, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> int:
        with closing(sqlite3.connect(tmp_path / "history.db")) as db:
            return int(db.execute("SELECT COUNT(*) FROM seen").fetchone()[0])

    store.record("ci", [entry(dedupe_key=f"short {n}", lifetime=1) for n in range(100)], "")
    store.record("ci", [entry(dedupe_key=f"long {n}", lifetime=100) for n in range(100)], "")
    opener.clock.now += 1
    store.tend()
    assert keys() == 100
    store.record("ci", [entry(dedupe_key=f"medium {n}", lifetime=10) for n in range(100)], "")
    monkeypatch.setattr(notifier.retention, "KEEP_KEYS", 120)
    store.tend()
    assert keys() == 120
    assert store.record("ci", [entry(dedupe_key="long 0")], "") == [None]


def test_row_ids_are_never_used_twice(opener: Opener, tmp_path: Path) -> None:
    with closing(opener(tmp_path / "history.db", keep_seconds=1.0)) as store:
        store.resume("ci", SOURCE)
        rows = store.record("ci", [entry()] * 3, "")
        opener.clock.now += 2
        store.tend()
        assert store.history() == []
        assert min(row or 0 for row in store.record("ci", [entry()], "")) > max(row or 0 for row in rows)


def test_a_store_without_a_path_keeps_everything_in_memory(opener: Opener) -> None:
    with closing(opener(None)) as store:
        store.resume("ci", SOURCE)
        store.record("ci", [entry()], "1")
        assert (store.in_memory, len(store.history()), opener.told) == (True, 1, [])


def test_a_process_killed_at_any_point_has_recorded_each_acknowledged_event_once(
    opener: Opener, tmp_path: Path
) -> None:
    path, chance = tmp_path / "history.db", random.Random()
    for _ in range(8):
        acknowledged = 0
        with start(RECORDER, path) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 200)):
                acknowledged = int(process.stdout.readline())
            process.kill()
            acknowledged = max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])
        with closing(opener(path)) as store:
            mark = store.resume("ci", "here")
            assert mark is not None
            recorded = [int(title) for title in titles(store)]
            assert recorded == sorted(set(recorded))
            assert recorded[-1] >= acknowledged
            # The events up to two behind the last row were not wanted; none between the rows got lost otherwise.
            assert 0 <= int(mark.last_event_id) - recorded[-1] <= 2
            assert all(0 < after - before <= 3 for before, after in pairwise(recorded))
    assert opener.told == []


def test_processes_that_begin_and_write_the_same_file_at_once_lose_nothing(opener: Opener, tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / str(attempt) / "history.db"
        names = ["red", "green", "blue"]
        neighbours = [start(NEIGHBOUR, path, name, 150) for name in names]
        for process in neighbours:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [finish(process) for process in neighbours] == [""] * 3
        with closing(opener(path)) as store:
            for name in names:
                rows = store.history(stream=name, limit=1_000)
                assert [row.notification.title for row in rows] == [f"{name} {n}" for n in range(1, 151)]
                mark = store.resume(name, "here")
                assert mark is not None
                assert mark.last_event_id == "150"
            assert unshown(store) == []
    assert opener.told == []
