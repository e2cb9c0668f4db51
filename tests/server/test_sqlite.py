"""server.eventlog.sqlite: what was answered is there, whatever happens to the process."""

import asyncio
import resource
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from server.eventlog import ONCE_LIMIT, LogUnavailable, NameTaken
from server.eventlog.logfile import GAP
from server.eventlog.sqlite import WAITING_LIMIT, SQLiteLog
from server.wire import Message
from tests.server.client import publish, request, subscribe
from tests.server.process import started
from tests.server.test_eventlog import data, everything, messages, never, opened


async def test_a_log_that_is_opened_again_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with opened(SQLiteLog(path)):
        pass
    log = SQLiteLog(path)
    async with opened(log):
        ids = [*await log.append(messages(1, 3))]
    log = SQLiteLog(path)
    async with opened(log) as delivered:
        assert delivered == []
        assert data(await everything(log, -1)) == ["m1", "m2", "m3"]
        assert [log.position_of(id_) for id_ in ids] == [1, 2, 3]
        [new] = await log.append(messages(4, 4))
        assert log.position_of(new) == 4


async def test_a_position_is_never_used_twice_even_when_every_record_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    now = 1_000.0
    log = SQLiteLog(path, age=10, clock=lambda: now)
    async with opened(log):
        [last] = await log.append(messages(1, 1))
        now += 100
        await log.append([Message(data="m2")])
        now += 100
        await log.append([Message(data="m3")])
        page = await log.read(-1, log.head)
        assert data(page.records) == ["m3"]
        assert page.floor == 2
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM record")
    log = SQLiteLog(path)
    async with opened(log):
        assert (await log.read(-1, log.head)).floor == 3
        assert log.position_of(last) == 1
        [new] = await log.append(messages(4, 4))
        assert log.position_of(new) == 4


@pytest.mark.parametrize(("closed", "rebooted", "gap"), [(True, True, 0), (False, False, 0), (False, True, GAP)])
async def test_ids_that_a_power_cut_may_have_taken_are_not_given_to_others(
    tmp_path: Path, closed: bool, rebooted: bool, gap: int
) -> None:
    path, boot = tmp_path / "events.db", tmp_path / "boot_id"
    boot.write_text("one\n")
    log = SQLiteLog(path, boot=boot)
    async with opened(log):
        await log.append(messages(1, 10))
    if not closed:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE log SET boot = 'one'")  # what the file says while it is open
    if rebooted:
        boot.write_text("two\n")
    for life in range(2):
        log = SQLiteLog(path, boot=boot)
        async with opened(log):
            [id_] = await log.append(messages(1, 1))
            assert log.position_of(id_) == 11 + gap + life


async def test_a_new_file_is_a_new_epoch(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    log = SQLiteLog(path)
    async with opened(log):
        [old] = await log.append(messages(1, 1))
    for file in tmp_path.iterdir():
        file.unlink()
    log = SQLiteLog(path)
    async with opened(log):
        await log.append(messages(1, 5))
        assert log.position_of(old) is None


async def test_two_servers_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with opened(SQLiteLog(path)):
        with pytest.raises(LogUnavailable, match=r"in use by another sse-server.*--log"):
            async with opened(SQLiteLog(path)):
                pytest.fail("two writers")
    async with opened(SQLiteLog(path)):
        pass


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough to be taken for one " * 20])
async def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "precious.txt"
    path.write_bytes(content)
    with pytest.raises(LogUnavailable, match="not a database"):
        async with opened(SQLiteLog(path)):
            pytest.fail("it opened")
    assert path.read_bytes() == content


async def test_a_log_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(LogUnavailable, match="newer"):
        async with opened(SQLiteLog(path)):
            pytest.fail("it opened")


async def test_an_append_whose_publisher_left_is_told_as_stored_too(tmp_path: Path) -> None:
    log = SQLiteLog(tmp_path / "events.db")
    told: list[str] = []
    async with opened(log):
        leaving = asyncio.create_task(_append(log, told))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        await _append(log, told)
    assert told == ["stored"]


async def test_whoever_waits_for_a_place_is_answered_when_the_log_is_closed(tmp_path: Path) -> None:
    log = SQLiteLog(tmp_path / "events.db")
    async with opened(log):
        appends = [asyncio.create_task(log.append(messages(1, 1))) for _ in range(WAITING_LIMIT + 500)]
        await asyncio.sleep(0)
    async with asyncio.timeout(8):
        answers = await asyncio.gather(*appends, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, LogUnavailable)]
    assert len(refused) == 500
    async with opened(again := SQLiteLog(log.path)):
        assert again.head == WAITING_LIMIT


class Broken(sqlite3.Connection):
    """A connection whose disk is gone in the middle of a transaction."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql in ("COMMIT", "ROLLBACK"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)


class OnBrokenDisk(SQLiteLog):
    """A log whose writer has such a connection."""

    def _connect(self) -> sqlite3.Connection:
        if threading.current_thread() is threading.main_thread():
            return super()._connect()
        return sqlite3.connect(self.path, isolation_level=None, factory=Broken)


async def test_a_transaction_that_cannot_even_be_taken_back_is_told_and_kills_no_writer(tmp_path: Path) -> None:
    async with opened(log := OnBrokenDisk(tmp_path / "events.db")):
        for _ in range(2):
            with pytest.raises(LogUnavailable, match="cannot be written"):
                await log.append(messages(1, 1))


async def test_a_file_that_is_damaged_meanwhile_is_one_sentence_for_each_who_reads(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with opened(log := SQLiteLog(path)):
        await log.append(messages(1, 1))
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("DROP TABLE record")
        for attempt in (log.read(-1, 1), log.position_before(0.0)):
            with pytest.raises(LogUnavailable, match=r"events\.db cannot be read: no such table"):
                await attempt


async def _append(log: SQLiteLog, told: list[str]) -> None:
    await log.append(messages(1, 1), once="order 7", stored=lambda: told.append("stored"))


async def test_a_log_of_the_first_format_goes_on_and_its_names_stay_known(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with opened(SQLiteLog(path)) as _:
        pass
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "ALTER TABLE once DROP COLUMN fingerprint; PRAGMA user_version = 1;"
            "INSERT INTO record VALUES (1, 1e10, 'default', 'message', 'old'); UPDATE log SET count = 1, size = 3;"
            "INSERT INTO once VALUES ('order 7', 1, 1, 1e10);"
        )
    log = SQLiteLog(path, clock=lambda: 1e10)
    async with opened(log):
        assert await log.append([Message(data="old")], once="order 7") == [log.id_at(1)]
        assert await log.append([Message(data="new")], once="order 8") == [log.id_at(2)]
        with pytest.raises(NameTaken):
            await log.append([Message(data="other")], once="order 8")


async def test_a_power_cut_that_took_the_first_records_leaves_a_gap_too(tmp_path: Path) -> None:
    path, boot = tmp_path / "events.db", tmp_path / "boot_id"
    boot.write_text("one\n")
    log = SQLiteLog(path, boot=boot)
    async with opened(log):
        given = [*await log.append(messages(1, 2))]
    with closing(sqlite3.connect(path)) as database:
        # The records were not on the disk yet, nor what SQLite writes of them.
        database.executescript(
            "DELETE FROM record; UPDATE log SET count = 0, size = 0, boot = 'one';"
            "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'record';"
        )
    boot.write_text("two\n")
    log = SQLiteLog(path, boot=boot)
    async with opened(log):
        assert log.head == GAP
        assert not {*given} & {*await log.append(messages(3, 4))}


async def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "contacts.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE contacts (name TEXT)")
    with pytest.raises(LogUnavailable, match="another program"):
        async with opened(SQLiteLog(path)):
            pytest.fail("it opened")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("contacts",)]


async def test_only_so_many_names_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    async with opened(SQLiteLog(path)):
        pass
    with closing(sqlite3.connect(path)) as database:
        names = ((f"order {number}", time.time()) for number in range(ONCE_LIMIT + 10))
        database.executemany("INSERT INTO once VALUES (?, 1, 1, ?, '')", names)
        database.commit()
    log = SQLiteLog(path)
    async with opened(log):
        await log.append([Message(data="each start trims")])
    with closing(sqlite3.connect(path)) as database:
        known = database.execute("SELECT count(*), min(name != 'order 9') FROM once").fetchone()
    assert known == (ONCE_LIMIT, 1)


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "events.db"
    async with opened(SQLiteLog(path)) as _:
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_killed_server_loses_nothing_that_it_answered_with_201(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    chance = Random(6)
    answered: dict[str, str] = {}

    async def publisher(url: str, name: str) -> None:
        for number in range(1_000_000):
            text = f"{name}.{number}"
            answer = await publish(url, text)
            assert answer.status == 201
            answered[answer.json["id"]] = text

    for life in range(3):
        async with started("--log", path) as server:
            goal = len(answered) + chance.randint(50, 200)
            publishers = [asyncio.create_task(publisher(server.url, f"{life}.{number}")) for number in range(8)]
            async with asyncio.timeout(30):
                while len(answered) < goal:
                    await asyncio.sleep(0.001)
            server.child.kill()
            outcome = await asyncio.gather(*publishers, return_exceptions=True)
            assert all(isinstance(each, OSError | EOFError) for each in outcome), outcome

    async with started("--log", path) as server:
        last = (await publish(server.url, "after all")).json["id"]
        async with subscribe(server.url, last_event_id="unknown") as stream:
            await stream.until("after all\n\n")
            reset, *events = stream.events
            assert reset.type == "reset"
            assert events[-1].id == last
            rows = [int(event.id.partition(":")[2]) for event in events]
            assert rows == list(range(1, len(rows) + 1))
            kept = {event.id: event.data for event in events}
            assert answered.items() <= kept.items()


async def test_a_publishing_of_one_name_is_one_even_if_the_server_died_in_between(tmp_path: Path) -> None:
    once = "Idempotency-Key: order 7\r\n"
    arguments = ("--log", str(tmp_path / "events.db"))
    async with started(*arguments) as server:
        first = await publish(server.url, "paid", headers=once)
        server.child.kill()
        await server.end()
    async with started(*arguments) as server:
        again = await publish(server.url, "paid", headers=once)
        assert (again.status, again.json) == (201, first.json)
        assert (await publish(server.url, "paid")).json != first.json


async def test_a_full_disk_is_answered_with_a_sentence_and_the_stream_goes_on(tmp_path: Path) -> None:
    async with started("--log", str(tmp_path / "events.db")) as server, subscribe(server.url) as stream:
        assert (await publish(server.url, "before")).status == 201
        limits = resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE, (200_000, limits[1]))
        answer = await publish(server.url, "x" * 250_000)
        assert answer.status == 503
        assert "the event log cannot be written" in answer.json["error"]
        resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        assert (await request(server.url, b"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).status == 503
        resource.prlimit(server.child.pid, resource.RLIMIT_FSIZE, limits)
        assert (await publish(server.url, "after")).status == 201
        await stream.until("after\n\n")
        assert [event.data for event in stream.events] == ["before", "after"]
        assert [int(event.id.partition(":")[2]) for event in stream.events] == [1, 2]


def test_appends_of_one_moment_share_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    async def publish_at_once() -> int:
        log = SQLiteLog(path)
        turns: list[int] = []
        await log.open(lambda records: turns.append(len(records)), never)
        await asyncio.gather(*(log.append([message]) for message in messages(1, 500)))
        await log.close()
        assert sum(turns) == 500
        return len(turns)

    assert asyncio.run(publish_at_once()) < 250


async def test_data_with_a_nul_leaves_as_much_room_as_it_took(tmp_path: Path) -> None:
    log = SQLiteLog(tmp_path / "events.db", size=1_000)
    async with opened(log):
        await log.append([Message(data="\0" + "x" * 900)])
        await log.append([Message(data="\0" + "y" * 900)])
        await log.append(messages(1, 5))
        assert data(await everything(log, -1))[-5:] == ["m1", "m2", "m3", "m4", "m5"]
