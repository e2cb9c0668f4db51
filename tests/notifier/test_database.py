"""notifier.database as a Store lives on it: damaged, full, locked, foreign, older and newer files."""

import random
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.database import Database
from notifier.errors import StoreError
from notifier.history import read_history
from notifier.schema import MIGRATIONS, Step
from notifier.store import Store
from tests.notifier.stores import VICTIM, Opener, entry, finish, start, unshown

VERSION_1 = """
    CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, event_type TEXT NOT NULL, event_id TEXT,
        received REAL NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, urgency INTEGER NOT NULL, link TEXT,
        key TEXT, state INTEGER NOT NULL
    );
    CREATE INDEX history_unread ON history (stream, state) WHERE state < 3;
    CREATE TABLE streams (
        stream TEXT PRIMARY KEY, source BLOB NOT NULL, since REAL NOT NULL, last_event_id TEXT NOT NULL,
        last_event REAL
    ) WITHOUT ROWID;
    CREATE TABLE seen (key BLOB NOT NULL UNIQUE, expires REAL NOT NULL);
    CREATE INDEX seen_by_expiry ON seen (expires);
    INSERT INTO history VALUES (5, 'ci', 'message', '9', 1.5e9, 'From version 1', '', 1, NULL, NULL, 0);
    INSERT INTO streams VALUES ('ci', x'00', 1.4e9, '9', 1.5e9);
    PRAGMA user_version = 1;
    PRAGMA application_id = 1397966190;
"""

# Opens the file and keeps it open until its stdin ends.
HOLDER = """
import sys, time
from pathlib import Path
from notifier.store import Store
store = Store(Path(sys.argv[1]), clock=time.time, tell=print)
print("open", flush=True)
sys.stdin.read()
"""

# Records until files may grow no more, then 50 rows more, then lets them grow again.
FILLER = """
import resource, sys
from pathlib import Path
from tests.notifier.stores import VICTIM, Opener, entry, unshown
opener = Opener()
store = opener(Path(sys.argv[1]))
store.resume("ci", "here")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
n, rows = 0, []
while not store.in_memory or n % 50:
    n += 1
    rows += store.record("ci", [entry(str(n), body="x" * 1_000, dedupe_key=str(n))], str(n))
assert rows == list(range(1, n + 1)), rows
assert [row.notification.title for row in store.history(limit=1_000_000)] == [str(i) for i in range(1, n + 1)]
assert store.record("ci", [entry(dedupe_key="1")], str(n)) == [None]
assert store.mark("ci").last_event_id == str(n)
opener.clock.now += 61
store.tend()
assert store.in_memory
if sys.argv[2] == "more room":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    opener.clock.now += 61
    store.tend()
    assert not store.in_memory
    n += 1
    store.record("ci", [entry(str(n))], str(n))
store.close()
print(n, *opener.told, sep="\\n")
"""

# Opens a file that only others may write.
GUEST = """
import os, sys
from pathlib import Path
from tests.notifier.stores import VICTIM, Opener, entry, unshown
opener = Opener()
if os.getuid() == 0:
    os.setuid(65534)
store = opener(Path(sys.argv[1]))
assert store.in_memory
assert store.resume("ci", "here").last_event_id == "1"
store.record("ci", [entry("2")], "2")
print([row.notification.title for row in store.history()], *opener.told, sep="\\n")
store.close()
"""


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def path(opener: Opener, tmp_path: Path) -> Path:
    """A history of 500 rows."""
    path = tmp_path / "history.db"
    fill(opener, path, 500)
    return path


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are for one user only."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def fill(opener: Opener, path: Path, rows: int) -> None:
    with closing(opener(path)) as store:
        store.resume("ci", "here")
        store.record("ci", [entry(f"old {n}", body="x" * 500, dedupe_key=str(n)) for n in range(rows)], str(rows))


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def works(store: Store) -> bool:
    store.resume("ci", "here")
    [row] = store.record("ci", [entry("new")], "new")
    return row is not None and store.history(limit=1)[0].notification.title == "new"


def test_the_file_and_its_folder_are_for_their_owner_only(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "sse-notifier" / "history.db"
    with closing(opener(path)) as store:
        assert works(store)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"history.db": 0o600, "history.db-wal": 0o600, "history.db-shm": 0o600}


def test_a_path_may_hold_what_means_something_in_a_uri(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "a b#c?d%41" / "history.db"
    with closing(opener(path)) as store:
        assert works(store)
    assert (path.exists(), len(read_history(path))) == (True, 1)


@pytest.mark.parametrize(
    ("offset", "data", "size"),
    [
        pytest.param(0, b"not a database at all", None, id="header"),
        pytest.param(0, b"\0" * 100, None, id="zeros for a header"),
        pytest.param(0, b"", 100, id="only the header is left"),
        pytest.param(0, b"", 40_960, id="second half is missing"),
        pytest.param(0, b"", 7, id="a few bytes are left"),
        pytest.param(8_192, random.Random(1).randbytes(100_000), None, id="garbage in the middle"),
        pytest.param(4_096, b"\0" * 8_192, None, id="zeros in the middle"),
        pytest.param(100, b"\xff" * 900, None, id="garbage for a schema"),
    ],
)
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    opener: Opener, path: Path, offset: int, data: bytes, size: int | None
) -> None:
    overwrite(path, offset, data)
    if size is not None:
        with path.open("r+b") as file:
            file.truncate(size)
    damaged = path.read_bytes()
    with closing(opener(path)) as store:
        assert works(store)
        assert not store.in_memory
    aside = path.with_name("history.db.corrupt-20250615T150640Z")
    assert aside.read_bytes() == damaged
    assert opener.told == [f"The history {path} was damaged, so it is now {aside.name} and a new one was begun"]
    assert [row.notification.title for row in read_history(path)] == ["new"]


@pytest.mark.parametrize("header", [b"", b"not a database at all"])
def test_the_log_of_a_damaged_file_is_not_replayed_into_the_new_one(opener: Opener, path: Path, header: bytes) -> None:
    with start(VICTIM, path) as victim:
        assert victim.wait() == -9
    assert path.with_name("history.db-wal").stat().st_size > 0
    overwrite(path, 4_096, random.Random(4).randbytes(path.stat().st_size - 4_096))
    overwrite(path, 0, header)
    with closing(opener(path)) as store:
        assert works(store)
    assert [row.notification.title for row in read_history(path)] == ["new"]
    assert len(opener.told) == 1


def test_a_file_that_lacks_a_table_is_damaged(opener: Opener, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE seen")
    with closing(opener(path)) as store:
        assert works(store)
    assert "was damaged" in opener.told[0]


def test_damaged_files_of_the_same_second_are_all_kept(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for n in range(3):
        path.write_text(f"damaged {n} " * 100)
        opener(path).close()
    assert {file.read_text()[:9] for file in tmp_path.glob("*.corrupt-*")} == {"damaged 0", "damaged 1", "damaged 2"}


def test_damage_that_shows_later_costs_the_history_but_no_new_event(opener: Opener, path: Path) -> None:
    fill(opener, path, 5_000)
    with closing(opener(path)) as store:
        store.resume("ci", "here")
        [before] = store.record("ci", [entry("before")], "1")
        overwrite(path, 4_096, random.Random(2).randbytes(path.stat().st_size - 4_096))
        store.record("ci", [], "2")
        assert store.history(search="nowhere") == []
        [after] = store.record("ci", [entry("after")], "3")
        assert before is not None
        assert after is not None
        assert after > before
        store.shown([before])
        assert [row.notification.title for row in unshown(store)] == ["after"]
        assert not store.in_memory
    assert len(opener.told) == 1
    assert "was damaged" in opener.told[0]
    with closing(opener(path)) as store:
        mark = store.resume("ci", "here")
        assert mark is not None
        assert mark.last_event_id == "3"


def test_bits_that_flip_anywhere_never_reach_the_caller_as_an_error(opener: Opener, path: Path, tmp_path: Path) -> None:
    chance, good = random.Random(3), path.read_bytes()
    for attempt in range(60):
        broken = tmp_path / str(attempt) / "history.db"
        broken.parent.mkdir()
        broken.write_bytes(good)
        for _ in range(chance.randint(1, 20)):
            overwrite(broken, chance.randrange(len(good)), chance.randbytes(chance.randint(1, 4)))
        with closing(opener(broken)) as store:
            store.waiting("ci", critical=False, newest=1_000)
            store.history(search="zzz")
            store.counts()
            assert works(store)
            store.shown_together("ci", 1_000_000, critical=False)
            store.tend()


def test_a_damaged_file_that_another_process_has_open_stays_where_it_is(opener: Opener, path: Path) -> None:
    with start(HOLDER, path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        overwrite(path, 0, b"not a database at all")
        with closing(opener(path)) as store:
            assert works(store)
            assert store.in_memory
        assert opener.told == [
            f"The history {path} cannot be used because it is damaged while another program uses it; "
            "for now it is kept in memory only"
        ]
        assert not list(path.parent.glob("*.corrupt-*"))
        holder.kill()


def test_a_folder_that_cannot_be_looked_at_leaves_the_open_file_as_it_is(opener: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with closing(opener(folder / "history.db")) as store:
        store.resume("ci", "here")
        store.record("ci", [entry("1")], "1")
        folder.rename(tmp_path / "away")
        folder.write_text("a file")
        opener.clock.now += 61
        store.tend()
        store.record("ci", [entry("2")], "2")
        assert [row.notification.title for row in store.history()] == ["1", "2"]
        assert not store.in_memory


def test_a_file_that_was_deleted_is_begun_again(opener: Opener, path: Path) -> None:
    with closing(opener(path)) as store:
        store.resume("ci", "here")
        [before] = store.record("ci", [entry("before")], "1")
        for file in path.parent.iterdir():
            file.unlink()
        opener.clock.now += 61
        store.tend()
        [after] = store.record("ci", [entry("after")], "2")
        assert (after or 0) > (before or 0)
        assert [row.notification.title for row in read_history(path)] == ["after"]


@pytest.mark.parametrize("kind", ["a file for a folder", "a folder for the file"])
def test_where_no_file_can_be_the_history_is_kept_in_memory(opener: Opener, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "place" / "history.db"
    if kind == "a file for a folder":
        path.parent.write_text("")
        reason = "file exists"
    else:
        path.mkdir(parents=True)
        reason = "it is a folder"
    with closing(opener(path)) as store:
        assert works(store)
        assert store.in_memory
    assert opener.told == [
        f"The history {path} cannot be used because {reason}; for now it is kept in memory only",
    ]


def test_a_file_that_may_only_be_read_still_says_where_to_resume(opener: Opener, open_to_all: Path) -> None:
    path = open_to_all / "history.db"
    with closing(opener(path)) as store:
        store.resume("ci", "here")
        store.record("ci", [entry("1")], "1")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    titles, *told = finish(start(GUEST, path)).splitlines()
    assert titles == "['1', '2']"
    assert told == [f"The history {path} cannot be used because it is read-only; for now it is kept in memory only"]


@pytest.mark.parametrize("then", ["no more room", "more room"])
def test_a_full_disk_loses_no_event_while_the_program_runs(opener: Opener, tmp_path: Path, then: str) -> None:
    path = tmp_path / "history.db"
    last, *told = finish(start(FILLER, path, then)).splitlines()
    full = f"The history {path} cannot be used because the disk fails or is full; for now it is kept in memory only"
    with closing(opener(path)) as store:
        mark = store.resume("ci", "here")
        titles = [row.notification.title for row in store.history(limit=1_000_000)]
    assert mark is not None
    assert titles == [str(n) for n in range(1, int(mark.last_event_id) + 1)]
    if then == "more room":
        assert told == [full, f"The history is kept in {path} again"]
        assert mark.last_event_id == last
    else:
        assert told == [full]
        assert 0 < int(mark.last_event_id) < int(last)


def test_another_program_that_keeps_the_file_locked_does_not_stop_the_events(
    opener: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.database.BUSY_TIMEOUT", 0.1)
    with closing(opener(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert works(store)
        other.execute("ROLLBACK")
        opener.clock.now += 61
        store.tend()
        assert works(store)
    reason = "another program keeps it locked"
    assert opener.told == [
        f"The history {path} cannot be used because {reason}; for now it is kept in memory only",
        f"The history is kept in {path} again",
    ]
    assert len(read_history(path, limit=1_000)) == 502


def test_what_is_in_memory_gets_into_the_file_at_the_end(
    opener: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.database.BUSY_TIMEOUT", 0.1)
    with closing(opener(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert works(store)
        other.execute("ROLLBACK")  # a moment before the end, too early for another look
    assert len(read_history(path, limit=1_000)) == 501


def test_what_another_process_wrote_meanwhile_is_not_overwritten(
    opener: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.database.BUSY_TIMEOUT", 0.1)
    with closing(opener(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE history SET title = 'other'")
        assert works(store)
        other.execute("COMMIT")
        opener.clock.now += 61
        store.tend()
        assert store.in_memory
    assert {row.notification.title for row in read_history(path, limit=1_000)} == {"other"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("PRAGMA user_version = 99; PRAGMA application_id = 1397966190;", "a newer version of this program made it"),
        ("CREATE TABLE cookies (name);", "another program made it"),
    ],
)
def test_a_file_that_is_not_ours_to_change_is_left_alone(
    opener: Opener, tmp_path: Path, script: str, reason: str
) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    before = path.read_bytes()
    with closing(opener(path)) as store:
        assert works(store)
        assert store.in_memory
    assert opener.told == [f"The history {path} cannot be used because {reason}; for now it is kept in memory only"]
    with pytest.raises(StoreError, match=reason):
        read_history(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("steps", [MIGRATIONS, (*MIGRATIONS, ["ALTER TABLE history ADD COLUMN colour TEXT"])])
def test_a_file_of_version_1_keeps_all_it_had(opener: Opener, tmp_path: Path, steps: tuple[Step, ...]) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    with closing(opener(path, migrations=steps)) as store:
        [row] = unshown(store)
        assert (row.id, row.notification.title, row.event_id) == (5, "From version 1", "9")
        assert works(store)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert db.execute("SELECT stream FROM streams").fetchall() == [("ci",)]
    assert opener.told == []


def test_a_step_that_fails_halfway_changes_nothing(opener: Opener, path: Path) -> None:
    broken = (*MIGRATIONS, ["ALTER TABLE history ADD COLUMN colour TEXT", "ALTER TABLE nothing ADD COLUMN x"])
    before = read_history(path)
    with pytest.raises(sqlite3.OperationalError):  # ours, and no file's: loud
        opener(path, migrations=broken)
    [aside] = path.parent.glob("*.corrupt-*")
    assert read_history(aside) == before


def test_a_new_file_is_at_the_newest_version(opener: Opener, tmp_path: Path) -> None:
    opener(tmp_path / "history.db").close()
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize("place", ["memory", "file"])
def test_what_no_database_takes_is_one_error_of_ours_with_its_cause(opener: Opener, tmp_path: Path, place: str) -> None:
    path = None if place == "memory" else tmp_path / "history.db"
    database = Database(path, clock=opener.clock, tell=opener.told.append, begin=lambda _: None)
    with closing(database), pytest.raises(StoreError) as caught:
        database.run(lambda db: db.execute("SELECT * FROM nowhere"))
    assert isinstance(caught.value.__cause__, sqlite3.Error)
