"""An error of SQLite or of the system in, what ails the file out: the place that it is in, or the file itself.

The facts are from https://sqlite.org/rescode.html.
"""

import errno
import sqlite3
from typing import NamedTuple

from notifier.errors import Ailment
from notifier.language import N_, _


class Case(NamedTuple):
    """One of them."""

    ailment: Ailment
    reason: str
    """For a person, after "because"."""


LOCKED = Case(Ailment.LOCKED, N_("another program keeps it locked"))
CLOSED = Case(Ailment.CLOSED, N_("permission denied"))
PLACES = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_PERM: CLOSED,
    sqlite3.SQLITE_AUTH: CLOSED,
    sqlite3.SQLITE_READONLY: Case(Ailment.CLOSED, N_("it is read-only")),
    sqlite3.SQLITE_CANTOPEN: Case(Ailment.CLOSED, N_("it cannot be opened")),
    sqlite3.SQLITE_IOERR: Case(Ailment.DISK, N_("the disk fails or is full")),
    sqlite3.SQLITE_FULL: Case(Ailment.DISK, N_("the disk is full")),
    sqlite3.SQLITE_NOMEM: Case(Ailment.DISK, N_("there is too little memory")),
}
"""Errors of the place that the file is in; after any other one the file itself is damaged."""
DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second is what sqlite3 raises if the text of its own error quotes garbage from a damaged file."""


class Unusable(Exception):
    """A file that may be in good order is not for us."""

    def __init__(self, reason: str, ailment: Ailment = Ailment.FOREIGN) -> None:
        super().__init__(reason)
        self.ailment = ailment


FAILURES = (OSError, *DATABASE_ERRORS, Unusable)
"""Whatever opening a file can end with."""


def reason(error: Exception) -> str | None:
    """What is wrong with the place, for a person; None if it is the file itself."""
    if isinstance(error, OSError):
        return (error.strerror or _("it cannot be opened")).lower()
    if isinstance(error, Unusable):
        return str(error)
    case = _case(error)
    return None if case is None else _(case.reason)


def ailment(error: Exception) -> Ailment:
    """What to tell a person to do something about."""
    if isinstance(error, OSError):
        return Ailment.DISK if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT) else Ailment.CLOSED
    if isinstance(error, Unusable):
        return error.ailment
    case = _case(error)
    return Ailment.DAMAGED if case is None else case.ailment


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another program keeps the file."""
    return ailment(error) is Ailment.LOCKED


def _case(error: Exception) -> Case | None:
    return PLACES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
