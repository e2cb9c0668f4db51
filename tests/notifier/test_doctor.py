"""What is seen of files that are missing, closed, locked, damaged, from another version, or on a drive that is away."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from notifier import database, doctor
from notifier.autostart import choose
from notifier.checkup import Access, Configuration, History
from notifier.config import Config
from notifier.configfile import ConfigFile
from notifier.desktop.desk import Desk
from notifier.doctor import look_at_machine
from notifier.errors import Ailment
from notifier.store import Store

NOBODY = 65534


async def seen(config: Path, history: Path) -> tuple[Configuration, History, Config]:
    environ = {"HOME": str(config.parent)}
    machine, found = await look_at_machine(ConfigFile(config, environ), history, choose(environ, ["x"]), environ)
    assert machine.desk.x11 == Desk().x11
    return machine.configuration, machine.history, found


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """One that is in order, with nothing in it."""
    path = tmp_path / "history.db"
    Store(path, clock=lambda: 1_800_000_000.0, tell=print).close()
    return path


@pytest.fixture
def public(history: Path) -> Iterator[Path]:
    """A folder that everybody may look into, with such a history."""
    folder = Path(tempfile.mkdtemp())
    shutil.copy(history, folder / "history.db")
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@asynccontextmanager
async def as_nobody(folder: Path) -> AsyncIterator[None]:
    """Without the right to write there, which root has everywhere."""
    await asyncio.to_thread(int)  # threads are imported at their first use, from where nobody may read perhaps
    folder.chmod(0o555)
    user = os.geteuid()
    os.seteuid(NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


async def test_a_history_that_is_damaged_is_told_apart(tmp_path: Path, history: Path) -> None:
    history.write_bytes(b"no database at all" * 100)
    _, found, _ = await seen(tmp_path / "config.toml", history)
    assert (found.access, found.ailment) == (Access.CLOSED, Ailment.DAMAGED)


async def test_a_history_that_another_program_keeps_locked_is_told_apart(
    tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    with closing(sqlite3.connect(history, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        _, found, _ = await seen(tmp_path / "config.toml", history)
    assert (found.access, found.ailment) == (Access.CLOSED, Ailment.LOCKED)


async def test_a_history_of_a_newer_version_is_told_apart(tmp_path: Path, history: Path) -> None:
    with closing(sqlite3.connect(history)) as newer:
        newer.execute("PRAGMA user_version = 1000")
    _, found, _ = await seen(tmp_path / "config.toml", history)
    assert (found.access, found.ailment) == (Access.CLOSED, Ailment.NEWER)


async def test_a_history_of_another_program_is_told_apart(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE x (y)")
    _, found, _ = await seen(tmp_path / "config.toml", tmp_path / "other.db")
    assert (found.access, found.ailment) == (Access.CLOSED, Ailment.FOREIGN)


async def test_files_that_may_not_be_read_do_not_count_as_missing(public: Path) -> None:
    for name in ("config.toml", "history.db"):
        (public / name).touch()
        (public / name).chmod(0)
    async with as_nobody(public):
        configuration, found, config = await seen(public / "config.toml", public / "history.db")
    assert (configuration.access, config.streams) == (Access.CLOSED, ())
    assert "cannot be read (Permission denied)" in configuration.problem
    assert (found.access, found.ailment) == (Access.CLOSED, Ailment.CLOSED)


async def test_a_folder_that_may_not_be_entered_does_not_count_as_empty(public: Path) -> None:
    (public / "within").mkdir(mode=0)
    async with as_nobody(public):
        configuration, found, _ = await seen(public / "within" / "config.toml", public / "within" / "history.db")
    assert (configuration.access, found.access, found.ailment) == (Access.CLOSED, Access.CLOSED, Ailment.CLOSED)


async def test_a_history_that_can_only_be_read_is_told(public: Path) -> None:
    (public / "history.db").chmod(0o444)
    async with as_nobody(public):
        _, found, _ = await seen(public / "config.toml", public / "history.db")
    assert (found.access, found.ailment, found.is_writable) == (Access.READ, None, False)


async def test_a_drive_that_is_away_keeps_nobody(
    tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To open a pipe that nobody writes to takes as long as to open a file on such a drive."""
    monkeypatch.setattr(doctor, "PATIENCE", 0.2)
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    configuration, found, config = await seen(pipe, history)
    os.close(os.open(pipe, os.O_WRONLY))  # lets the thread end
    assert (configuration.access, config.streams) == (Access.SLOW, ())
    assert found.access is Access.READ


async def test_of_a_configuration_with_mistakes_the_streams_in_order_are_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[streams]]\nurl = "https://ci.example/"\nname = "ci"\n\n[[streams]]\nurl = "nonsense"\n')
    configuration, _, found = await seen(config, tmp_path / "history.db")
    assert [stream.name for stream in found.streams] == ["ci"]
    assert (configuration.streams, len(configuration.mistakes)) == (1, 1)
    assert "config.toml:6" in configuration.mistakes[0]


async def test_a_link_to_nowhere_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to("nowhere")
    configuration, found, _ = await seen(tmp_path / "config.toml", tmp_path / "history.db")
    assert (configuration.access, found.access) == (Access.CLOSED, Access.MISSING)
