"""notifier.history beside a process that writes: what a person who looks back finds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.entry import Entry
from notifier.errors import StoreError
from notifier.history import read_history
from notifier.notification import Action, Notification, Urgency
from notifier.store import Store
from tests.notifier.stores import VICTIM, Opener, entry, finish, start

READER = """
import sys
from pathlib import Path
from notifier.history import read_history
print(*(row.notification.title for row in read_history(Path(sys.argv[1]), limit=3)))
"""


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def store(opener: Opener, path: Path) -> Iterator[Store]:
    with closing(opener(path)) as store:
        store.resume("ci", "here")
        store.resume("chat", "here")
        yield store


def found(path: Path, **query: object) -> list[str]:
    return [row.notification.title for row in read_history(path, **query)]  # type: ignore[arg-type]


def test_the_newest_rows_come_oldest_first(store: Store, path: Path) -> None:
    store.record("ci", [entry(str(n)) for n in range(10)], "")
    assert found(path, limit=3) == ["7", "8", "9"]
    assert found(path, limit=0) == found(path, limit=-1) == []


def test_stream_and_time_narrow_it_down(opener: Opener, store: Store, path: Path) -> None:
    store.record("ci", [entry("early")], "")
    opener.clock.now += 10
    store.record("ci", [entry("late")], "")
    store.record("chat", [entry("hello")], "")
    assert found(path, stream="ci") == ["early", "late"]
    assert found(path, since=opener.clock.now) == ["late", "hello"]
    assert found(path, since=opener.clock.now, stream="ci", search="LATE") == ["late"]
    assert found(path, stream="c%") == []


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("100%", ["100% done"]),
        ("%", ["100% done"]),
        ("_", ["snake_case"]),
        ("\\", ["back\\slash"]),
        ("'", ["it's"]),
        ("STRASSE", ["Straße"]),
        ("überlauf", ["ÜBERLAUF"]),
        ("in the body", ["snake_case"]),
        ("x.example/42", ["it's"]),
        ("\ud800" * 2, []),
        ("", ["100% done", "snake_case", "back\\slash", "it's", "Straße", "ÜBERLAUF"]),
    ],
)
def test_a_search_is_a_piece_of_text_and_nothing_else(
    store: Store, path: Path, search: str, expected: list[str]
) -> None:
    store.record(
        "ci",
        [
            entry("100% done"),
            entry("snake_case", body="found in\nthe body? No: In The Body"),
            entry("back\\slash"),
            entry("it's", link="https://x.example/42"),
            entry("Straße"),
            entry("ÜBERLAUF"),
        ],
        "",
    )
    assert found(path, search=search) == expected
    assert [row.notification.title for row in store.history(search=search)] == expected


def test_another_process_reads_while_this_one_writes(store: Store, path: Path) -> None:
    for n in range(5):
        store.record("ci", [entry(f"a{n}"), entry(f"b{n}")], str(n))
        assert finish(start(READER, path)).split()[-1] == f"b{n}"


def test_what_a_killed_process_recorded_is_found_without_starting_it_again(path: Path) -> None:
    with start(VICTIM, path) as victim:
        assert victim.wait() == -9
    assert found(path) == ["last words"]


def test_looking_back_before_anything_happened_finds_nothing_and_makes_nothing(path: Path) -> None:
    assert read_history(path) == []
    assert not path.exists()
    path.touch()
    assert read_history(path) == []


@pytest.mark.parametrize("content", [b"not a database " * 100, b"SQLite format 3\0" + b"\1" * 5_000])
def test_a_damaged_file_is_said_to_be_and_left_where_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be read because it is damaged"):
        read_history(path)
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_said_in_one_sentence(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be read because it is a folder"):
        read_history(path)


FULL = Notification(
    stream="ci",
    title="Deployed",
    body="to production",
    urgency=Urgency.LOW,
    link="https://ci.example/9",
    key="deploy",
    icon="https://ci.example/icon.png",
    image="https://ci.example/graph.png",
    time=1_750_000_000.5,
    group="deploys",
    sound="complete",
    actions=(Action("Undo", "https://ci.example/9/undo"), Action("로그", "https://ci.example/9/log")),
    progress=40,
    transient=True,
    resident=True,
)


def test_what_is_told_after_a_crash_looks_the_same(opener: Opener, store: Store, path: Path) -> None:
    store.record("ci", [Entry(notification=FULL, event_type="message"), entry("plain")], "")
    with closing(opener(path)) as after:
        assert [row.notification for row in after.history()] == [FULL, entry("plain").notification]


@pytest.mark.parametrize(
    "damage", ["nonsense", "[]", '{"actions": [["x"]]}', '{"progress": "much"}', '{"icon": "/etc"}']
)
def test_a_row_with_fields_that_cannot_be_is_left_out(store: Store, path: Path, damage: str) -> None:
    store.record("ci", [Entry(notification=FULL, event_type="message"), entry("plain")], "")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE history SET more = ? WHERE title = 'Deployed'", (damage,))
    assert found(path) == ["plain"]


@pytest.mark.parametrize("received", [1e300, -1e300, float("inf"), "soon"])
def test_a_row_from_a_time_that_no_calendar_has_is_left_out(store: Store, path: Path, received: object) -> None:
    store.record("ci", [entry("impossible"), entry("plain")], "")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE history SET received = ? WHERE title = 'impossible'", (received,))
    assert found(path) == ["plain"]


def test_a_field_of_a_newer_version_does_not_hide_the_others(store: Store, path: Path) -> None:
    store.record("ci", [Entry(notification=FULL, event_type="message")], "")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("""UPDATE history SET more = '{"progress": 7, "smell": "roses"}'""")
    assert [row.notification.progress for row in read_history(path)] == [7]
