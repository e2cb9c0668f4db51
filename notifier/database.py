"""Work in, transactions out: one SQLite file that is opened, migrated, moved aside or left as it needs to be.

Knows nothing of what is stored.  Whatever happens to the file, :class:`Database` goes on: a damaged file is
kept under another name and a new one begun; while nothing can be written it goes on in memory.  The facts
about the file are from https://sqlite.org/wal.html and /howtocorrupt.html; what its errors mean, `ailment` says.
"""

import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from notifier.ailment import DATABASE_ERRORS, FAILURES, Unusable, ailment, is_locked, reason
from notifier.errors import Ailment, StoreError
from notifier.language import _
from notifier.schema import APPLICATION_ID, COLUMNS, MIGRATIONS, Step

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process that is writing to the same file."""
MEMORY_LIMIT = 64 * 2**20
"""Bytes of a file that is taken along into memory; a larger one stays behind."""
WAL_LIMIT = 4 * 2**20
"""Bytes of write-ahead log that stay on disk between checkpoints."""

T = TypeVar("T")


class Database:
    """One file, for one event loop; other processes may have it open too.

    A process that is killed loses nothing that `run` returned for.  A power cut may lose the last
    transactions, but each is there as a whole or not at all (WAL with synchronous=NORMAL).

    Args:
        path: The file; its folder is made if it is missing.  None keeps everything in memory.
        clock: Seconds since 1970, for the name of a file that is moved aside.
        tell: Gets a sentence for the person whenever the file is not, or no longer, what it should be.
        begin: Writes what this process knows into a database that may not know it; may run more than once.
        migrations: The steps to the newest version.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Callable[[], float],
        tell: Callable[[str], None],
        begin: Callable[[sqlite3.Connection], None],
        migrations: Sequence[Step] = MIGRATIONS,
    ) -> None:
        self._path, self._clock, self._tell, self._begin = path, clock, tell, begin
        self._migrations = migrations
        self._file_id: tuple[int, int] | None = None
        self._stranded: sqlite3.Connection | None = None
        self._stranded_version = 0
        self.in_memory = path is None
        """Whether nothing of this will be there after the program has ended."""
        self._db = self._open_memory(None) if path is None else self._open(path)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, its changes committed.

        If the database fails, `work` runs again on the next one, so it must change nothing but the database.

        Raises:
            StoreError: not even memory takes it.
        """
        tries = 3  # the file, a new file in its place, memory
        while True:
            tries -= 1
            try:
                with _transaction(self._db):
                    return work(self._db)
            except sqlite3.ProgrammingError:
                raise  # our mistake, not the file's
            except DATABASE_ERRORS as error:
                if self._path is None or self.in_memory or not tries:
                    raise StoreError(_("The history takes nothing more; start the program again")) from error
                self._recover(self._path, error)

    def mend(self) -> None:
        """Go back to the file if it can be used again; begin a new one if somebody deleted it.

        Worth a call a minute.  Copies up to `MEMORY_LIMIT` bytes after a time in memory.  What is in memory stays
        there if another process has written to the file meanwhile, or if the file was never opened.
        """
        if self._stranded is not None:
            self._go_home(self._stranded)
        elif self._path is not None and not self.in_memory and self._is_gone(self._path):
            self._db.close()
            self._db = self._open(self._path)

    def _is_gone(self, path: Path) -> bool:
        try:
            return _file_id(path) != self._file_id
        except OSError:  # nobody can say, and the file that is open takes all the same
            return False

    def close(self) -> None:
        """Let go of the file.  What was committed stays."""
        for db in (self._db, self._stranded):
            if db is not None:
                _close(db)

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            return self._open_file(path)
        except FAILURES as error:
            why = reason(error)
            return self._replace_file(path, error) if why is None else self._leave_file(path, why, None)

    def _open_file(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # SQLite gives its -wal and -shm the mode of the file
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        db = _connect(path, "rw")
        try:
            _check(db, len(self._migrations))
            if _size(db) == 0:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            with suppress(sqlite3.OperationalError):  # while another process does the same
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
            with _transaction(db):
                self._prepare(db)
        except BaseException:
            _close(db)
            raise
        self._file_id = _file_id(path)
        return db

    def _open_memory(self, source: sqlite3.Connection | None) -> sqlite3.Connection:
        db = _connect(None)
        try:
            if source is not None and _size(source) <= MEMORY_LIMIT:
                _check(source, len(self._migrations))
                source.backup(db)
            with _transaction(db):
                self._prepare(db)
        except FAILURES:
            db.close()
            if source is None:
                raise
            return self._open_memory(None)
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        _migrate(db, self._migrations)
        for table, columns in COLUMNS.items():
            db.execute(f"SELECT {columns} FROM {table} LIMIT 0")  # noqa: S608
        self._begin(db)

    def _recover(self, path: Path, error: Exception) -> None:
        if why := reason(error):
            logger.debug("The history cannot be written: %s", error)
            self._db = self._leave_file(path, why, self._db)
        else:
            _close(self._db)
            self._db = self._replace_file(path, error)

    def _replace_file(self, path: Path, error: Exception) -> sqlite3.Connection:
        """A new file in place of a damaged one, or memory if there is no moving it."""
        logger.debug("The history is damaged: %s", error)
        try:
            aside = self._put_aside(path)
            db = self._open_file(path)
        except FAILURES as second:
            return self._leave_file(path, reason(second) or _("it is damaged"), None)
        if aside is not None:
            self._tell(
                _(
                    "The history {path} was damaged, so it is now {name} and a new one was begun",
                    path=path,
                    name=aside.name,
                )
            )
        return db

    def _put_aside(self, path: Path) -> Path | None:
        """Where the damaged file is now; None if it is no longer there."""
        if self._file_id not in (None, _file_id(path)):
            return None
        time = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        names = (path.with_name(f"{path.name}.corrupt-{time}{n}") for n in ("", *(f"-{n}" for n in range(2, 100))))
        aside = next((name for name in names if not name.exists()), None)
        if aside is None:
            raise Unusable(_("it is damaged again and again"))
        with _held_alone(path):
            for suffix in ("-wal", "-shm", ""):  # a log that stays behind would be replayed into the new file
                with suppress(FileNotFoundError):
                    Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
        return aside

    def _leave_file(self, path: Path, reason: str, file: sqlite3.Connection | None) -> sqlite3.Connection:
        """A database in memory, with what the file holds as far as it can be read."""
        self.in_memory = True
        try:
            if file is not None:
                self._stranded, self._stranded_version = file, _data_version(file)
                db = self._open_memory(file)
            else:
                with closing(_connect_to_read(path)) as readable:
                    db = self._open_memory(readable)
        except FAILURES:
            db = self._open_memory(None)
        self._tell(
            _(
                "The history {path} cannot be used because {reason}; for now it is kept in memory only",
                path=path,
                reason=reason,
            )
        )
        return db

    def _go_home(self, file: sqlite3.Connection) -> None:
        try:
            if _data_version(file) != self._stranded_version:
                return
            self._db.backup(file)
        except DATABASE_ERRORS as error:
            logger.debug("The history still cannot be written: %s", error)
            return
        self._db.close()
        self._db, self._stranded, self.in_memory = file, None, False
        self._tell(_("The history is kept in {path} again", path=self._path))


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file at the newest version, for reading while another process writes.  Changes nothing on disk.

    Raises:
        StoreError: it is missing, damaged, newer than this program or may not be read.
    """
    try:
        with closing(_connect_to_read(path)) as db:
            _check(db, len(MIGRATIONS))
            if _version(db) == len(MIGRATIONS):
                yield db
                return
            with closing(_connect(None)) as copy:
                db.backup(copy)
                with _transaction(copy):
                    _migrate(copy, MIGRATIONS)
                yield copy
    except FAILURES as error:
        why = reason(error) or _("it is damaged; the next start of the program will move it aside")
        sentence = _("The history {path} cannot be read because {reason}", path=path, reason=why)
        raise StoreError(sentence, ailment(error)) from error


def _connect(path: Path | None, mode: str = "memory") -> sqlite3.Connection:
    if path is not None and path.is_dir():
        raise Unusable(_("it is a folder"))
    place = ":memory:" if path is None else f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(place, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT)
    db.text_factory = lambda text: text.decode(errors="replace")  # a flipped bit is no reason to lose the row
    return db


def _connect_to_read(path: Path) -> sqlite3.Connection:
    db = _connect(path, "ro")
    try:
        db.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        _close(db)
        if is_locked(error):
            raise  # what another program is writing is not to be read half
        # Even to read, a file in WAL mode needs a -shm beside it; where none can be made, take the file as it lies.
        db = _connect(path, "ro&immutable=1")
    return db


def _close(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        db.close()


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors have rolled back already
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def _check(db: sqlite3.Connection, newest: int) -> None:
    # One snapshot: another process may be making the file right now, between any two of these questions.
    db.execute("BEGIN")
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        is_empty = db.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        version = _version(db)
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    if application != APPLICATION_ID and not is_empty:
        raise Unusable(_("another program made it"))
    if version > newest:
        raise Unusable(_("a newer version of this program made it"), Ailment.NEWER)
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _migrate(db: sqlite3.Connection, migrations: Sequence[Step]) -> None:
    version = _version(db)
    if version == len(migrations):
        return
    for step in migrations[version:]:
        for statement in step:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(migrations)}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _data_version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _size(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA page_count").fetchone()[0]) * int(db.execute("PRAGMA page_size").fetchone()[0])


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


@contextmanager
def _held_alone(path: Path) -> Iterator[None]:
    """Nobody else has the file open meanwhile: to rename it under another process would damage the new one.

    Every process holds SQLite's shared lock (510 bytes from 2**30 + 2) as long as it has a file in WAL mode open.
    Windows does not rename an open file at all.
    """
    if sys.platform == "win32":
        yield
    else:
        with path.open("r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 2**30 + 2)
            except (BlockingIOError, PermissionError):
                raise Unusable(_("it is damaged while another program uses it")) from None
            yield
