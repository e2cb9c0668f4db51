"""Events that the history keeps: in and out again, how much of them, and what they cost to lose."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from notifier import keeper, kept, store
from notifier.history import read_history
from notifier.kept import EVENT_LIMIT, ROW, Kept, Kind, read_kept
from notifier.sse import Event
from notifier.store import Store
from tests.notifier.stores import Opener, entry


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(opener: Opener, path: Path) -> Iterator[Store]:
    with closing(opener(path)) as history:
        history.resume("ci", "here")
        yield history


def event(data: str, event_id: str | None = None, event_type: str = "message") -> Event:
    return Event(event_type, data, event_id or "", event_id)


def data(path: Path) -> list[str | None]:
    return [row.data for row in read_kept(path, "ci") if row.kind is Kind.EVENT]


def test_a_notification_knows_the_event_that_it_is_of(history: Store, path: Path) -> None:
    entries = [replace(entry(title), cause=cause) for title, cause in (("a", 1), ("b", 1), ("c", 2))]
    history.record("ci", entries, "3", [event("nothing"), event("two", "2", "x"), event("one", "3")])
    rows = {row.row: row for row in read_kept(path, "ci")}
    assert [(row.type, row.event_id, row.data) for row in rows.values()] == [
        ("message", None, "nothing"),
        ("x", "2", "two"),
        ("message", "3", "one"),
    ]
    assert [(row.notification.title, rows[row.event or 0].data) for row in read_history(path)] == [
        ("a", "two"),
        ("b", "two"),
        ("c", "one"),
    ]


def test_an_event_that_is_not_told_waits_for_the_next_write(history: Store, path: Path) -> None:
    history.record("ci", [], "", [event("first")])
    assert data(path) == []
    history.record("ci", [replace(entry(), cause=0)], "", [event("second")])
    assert data(path) == ["first", "second"]
    history.record("ci", [], "", [event("third")])
    history.tend()
    assert data(path) == ["first", "second", "third"]


def test_an_event_that_was_told_before_is_not_kept_again(history: Store, path: Path) -> None:
    for _ in range(3):
        history.record("ci", [replace(entry(dedupe_key="a"), cause=0)], "", [event("again")])
    assert data(path) == ["again"]


@pytest.mark.parametrize(
    "text", ["", "x", "\0\1", "é" * 100, '{"a": 1}' * 500, "x" * EVENT_LIMIT, os.urandom(900).hex()]
)
def test_data_comes_out_as_it_went_in(history: Store, path: Path, text: str) -> None:
    history.record("ci", [replace(entry(), cause=0)], "", [event(text)])
    assert data(path) == [text]


def test_what_is_too_large_has_a_row_without_its_data(history: Store, path: Path) -> None:
    history.record("ci", [replace(entry(), cause=0)], "", [event("x" * (EVENT_LIMIT + 1), "7")])
    history.record("ci", [replace(entry(), cause=0)], "", [event("é" * (EVENT_LIMIT // 2 + 1))])
    assert data(path) == [None, None]
    assert read_history(path)[0].event == read_kept(path, "ci")[0].row


def test_a_stream_of_which_nothing_is_told_is_kept_slowly(
    history: Store, path: Path, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "UNTOLD_BURST", 2 * (ROW + 100))
    monkeypatch.setattr(keeper, "UNTOLD_RATE", 1.0)
    history.record("ci", [], "", [event("x" * 50)] * 5)
    history.record("ci", [replace(entry(), cause=0)], "", [event("told all the same")])
    opener.clock.now += 1_000
    history.record("ci", [], "", [event("later")])
    history.tend()
    rows = [(row.kind, row.data) for row in read_kept(path, "ci")]
    assert rows == [
        (Kind.EVENT, "x" * 50),
        (Kind.EVENT, "x" * 50),
        (Kind.TOO_FAST, "3"),
        (Kind.EVENT, "told all the same"),
        (Kind.EVENT, "later"),
    ]


def test_the_oldest_make_room_by_age_number_and_size(
    opener: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "KEEP_BYTES", 10 * (ROW + len("message") + 2))
    with closing(opener(path, keep_seconds=100.0)) as history:
        history.resume("ci", "here")
        for n in range(30):
            history.record("ci", [], "", [event(str(n % 10))])
        history.tend()
        assert data(path) == [str(n % 10) for n in range(20, 30)]
        opener.clock.now += 101
        history.record("ci", [], "", [event("new")])
        history.tend()
        assert data(path) == ["new"]
        opener.clock.now += 101
        history.tend()
        assert data(path) == []
        history.record("ci", [], "", [event("newer")])
        history.tend()
        assert [row.row for row in read_kept(path, "ci")] == [32]
    monkeypatch.setattr(store, "KEEP_BYTES", 1 << 20)
    with closing(opener(path, keep_rows=3)) as history:
        history.resume("ci", "here")
        history.record("ci", [], "", [event(str(n)) for n in range(9)])
        history.tend()
        history.tend()
        assert data(path) == ["6", "7", "8"]


def test_marks_say_when_it_was_followed_opened_and_ended(opener: Opener, path: Path) -> None:
    with closing(opener(path)) as history:
        history.resume("ci", "here")
        history.follow("ci")
        history.opened("ci", {"server": "nginx", "set-cookie": "secret"})
        history.record("ci", [], "", [event("x")])
    assert [(row.kind, row.data) for row in read_kept(path, "ci")] == [
        (Kind.BEGAN, ""),
        (Kind.OPENED, '{"server": "nginx"}'),
        (Kind.EVENT, "x"),
        (Kind.ENDED, ""),
    ]


def test_bits_that_flipped_are_one_event_that_is_lost(history: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        kept.write(db, [Kept("ci", 1.0, Kind.EVENT, text) for text in ("a", "b" * 900, "c", "d", "e")])
        db.execute("UPDATE events SET data = x'01ffff' WHERE id = 2")
        db.execute("UPDATE events SET kind = 99 WHERE id = 3")
        db.execute("UPDATE events SET data = 'text' WHERE id = 4")
        db.execute("UPDATE events SET received = 1e300 WHERE id = 5")
    assert data(path) == ["a", None, None]


def test_where_there_is_no_history_nothing_is_kept(tmp_path: Path) -> None:
    assert read_kept(tmp_path / "none.db", "ci") == []
