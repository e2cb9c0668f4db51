"""notifier.history beside a process that writes: what a person who looks back finds."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import StoreError
from notifier.history import read_history
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
