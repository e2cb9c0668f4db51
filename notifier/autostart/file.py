"""A file that starts the program at login because it is there."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from notifier.errors import AutostartFailed
from notifier.language import _

LIMIT = 1 << 16
"""Bytes; a larger file is not ours."""


class FileEntry:
    """One such file.

    Args:
        path: Where it belongs.
        text: Makes what stands in it; may raise AutostartFailed.
        is_off: Whether a text that stands there starts nothing all the same.
        link: A symbolic link to it that it needs to be heeded.
        beside: Other files that are written and removed with it, and what makes their content.
    """

    def __init__(
        self,
        path: Path,
        text: Callable[[], str],
        *,
        is_off: Callable[[str], bool] = lambda _: False,
        link: Path | None = None,
        beside: Mapping[Path, Callable[[], bytes]] | None = None,
    ) -> None:
        self._path, self._text = path, text
        self._is_off, self._link, self._beside = is_off, link, beside or {}

    @property
    def text(self) -> str:
        return self._text()

    @property
    def place(self) -> str:
        return str(self._path)

    def read(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                text = file.read(LIMIT).decode(errors="replace")
            is_heeded = self._link is None or self._link.is_symlink()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise AutostartFailed(_("{path} cannot be read ({why})", path=self._path, why=error.strerror)) from error
        return None if self._is_off(text) or not is_heeded else text

    def write(self) -> None:
        try:
            contents = {path: make() for path, make in self._beside.items()} | {self._path: self.text.encode()}
            for path, content in contents.items():
                _put(path, content)
            if self._link is not None:
                self._link.parent.mkdir(parents=True, exist_ok=True)
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(self._path)
        except OSError as error:
            raise AutostartFailed(
                _("{path} cannot be written ({why})", path=error.filename or self._path, why=error.strerror)
            ) from error

    def remove(self) -> None:
        try:
            for path in (self._link, self._path, *self._beside):
                if path is not None:
                    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                        path.unlink()
        except OSError as error:
            raise AutostartFailed(
                _("{path} cannot be removed ({why})", path=error.filename or self._path, why=error.strerror)
            ) from error


def _put(path: Path, content: bytes) -> None:
    """All of it or nothing: a desktop may read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
