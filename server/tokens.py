"""A file of tokens in, grants out, and the other way.  What a grant allows is `auth`'s matter.

The file is looked at again whenever it changed, so a token that is added or revoked counts from the next request on.
"""

import logging
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock

from server import auth
from server.auth import Grant, InvalidTokens

logger = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that one who changes the file waits for another."""


class Tokens:
    """The tokens of one server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._grants: tuple[Grant, ...] = ()
        self.are_needed = False
        """Whether there was ever a token: then nobody gets in without one, not even after the last was revoked, which
        leaves the file behind."""

    def grants(self) -> tuple[Grant, ...]:
        """What there is now; none where there is no file.

        Raises:
            InvalidTokens: the file is not one of tokens, or cannot be read.
        """
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._grants = auth.load(self.path.read_text(encoding="utf-8"))
                self._stamp = stamp
                self.are_needed = True
        except FileNotFoundError:
            self._stamp, self._grants = None, ()
        except (OSError, UnicodeError, InvalidTokens) as error:
            raise InvalidTokens(f"the tokens in {self.path} cannot be read: {error}") from error
        return self._grants

    def add(self, name: str, publish: tuple[str, ...], subscribe: tuple[str, ...]) -> str:
        """Make a token and keep its hash; returns the token, which nobody can show again.

        Raises:
            InvalidTokens: the name is taken or cannot be, or the file cannot be read or written.
        """
        with self._alone():
            grants = self.grants()
            if any(each.name == name for each in grants):
                raise InvalidTokens(f"there is a token of the name {name}; revoke it first, or choose another name")
            token = secrets.token_urlsafe(32)
            self._write((*grants, Grant(name, auth.digest(token), publish, subscribe)))
        return token

    def revoke(self, name: str) -> None:
        """Let go of a token.

        Raises:
            InvalidTokens: there is none of the name, or the file cannot be read or written.
        """
        with self._alone():
            grants = self.grants()
            left = tuple(each for each in grants if each.name != name)
            if left == grants:
                raise InvalidTokens(f"there is no token of the name {name}")
            self._write(left)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile."""
        lock = FileLock(f"{self.path}.lock", timeout=PATIENCE)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire()
        except OSError as error:
            raise InvalidTokens(f"the tokens in {self.path} cannot be changed: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def _write(self, grants: tuple[Grant, ...]) -> None:
        """All of the file or none of it, for its owner only."""
        try:
            with NamedTemporaryFile("w", dir=self.path.parent, encoding="utf-8", delete=False) as new:
                new.write(auth.dump(grants))
                new.flush()
                os.fsync(new.fileno())
            if sys.platform != "win32" and self.path.exists():
                # Root may look after the tokens of a service that runs as somebody else.
                old = self.path.stat()
                with suppress(PermissionError):
                    os.chown(new.name, old.st_uid, old.st_gid)
                Path(new.name).chmod(stat.S_IMODE(old.st_mode))
            Path(new.name).replace(self.path)
        except OSError as error:
            raise InvalidTokens(f"the tokens in {self.path} cannot be written: {error}") from error
