"""A configuration file's place in; its configuration, each new one after a save, and a lock for one program, out.

It owns the file system's side of it and decides nothing: `config` says what the text means.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from filelock import FileLock, Timeout

from notifier.config import Config, salvage
from notifier.errors import AlreadyRunning, ConfigurationBroken, ConfigurationMissing, UsageError
from notifier.language import _
from notifier.preset import GENERIC
from notifier.presetfile import PresetFiles
from notifier.presets import names

logger = logging.getLogger(__name__)

LIMIT = 1 << 20
"""Bytes of a configuration file."""
INTERVAL = 4.0
"""Seconds between two looks at the file."""
SETTLING = 0.1
"""Seconds that a text must stay as it is to be taken for all of it."""
PRIVATE = 0o600
"""Others may not read what may hold secrets."""


class ConfigFile:
    """One configuration file, which may not be there yet."""

    def __init__(self, path: Path, environ: Mapping[str, str], *, interval: float = INTERVAL, option: str = "") -> None:
        """Nothing is read yet.

        Args:
            path: Of the file.
            environ: The environment that its `${NAME}` and proxies come from.
            interval: Seconds between two looks at it.
            option: By which a command is told of it; empty for the usual file.
        """
        self._interval = interval
        self.option = option
        self._again = asyncio.Event()
        self.path = path.absolute()
        self._environ = environ
        self._presets = PresetFiles(self.path)

    def read(self) -> Config:
        """What it says now.

        Raises:
            ConfigurationBroken: with all of its mistakes.
            ConfigurationMissing: it is not there.
            UsageError: it cannot be read.
        """
        return self._parse(self._data())

    def read_to_follow(self) -> Config:
        """What it says now, if there is something to follow.

        Raises:
            ConfigurationBroken, ConfigurationMissing: as `read` does.
            UsageError: it cannot be read, or names no stream.
        """
        config = self.read()
        if not config.streams:
            raise UsageError(
                _(
                    "{path} names no stream yet; add one: sse-notifier probe URL --save NAME{there}",
                    path=self.path,
                    there=self.option,
                )
            )
        return config

    def salvage(self) -> tuple[Config, Sequence[str]]:
        """What of it is in order, and a line for each mistake; see `config.salvage`.

        Raises:
            ConfigurationMissing: it is not there.
            UsageError: it cannot be read.
        """
        return self._salvage(self._data())

    def create(self) -> None:
        """Write a commented file to begin with.

        Raises:
            UsageError: there is one already, which is left alone; or it cannot be written.
        """
        starter = files("notifier").joinpath("starter.toml").read_text("utf-8")
        try:
            if os.path.lexists(self.path):
                raise UsageError(_("{path} is there already, and stays as it is", path=self.path))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "x", encoding="utf-8", opener=_private) as file:
                file.write(starter)
        except OSError as error:
            raise UsageError(_("{path} cannot be written ({why})", path=self.path, why=error.strerror)) from error

    def add(self, block: str, name: str, variables: Mapping[str, str]) -> None:
        """Put a stream at the end of the file; all that is there stays as it is.  The file is made if it is missing.

        Args:
            block: The stream, from ``[[streams]]`` on.
            name: What it is called.
            variables: What the variables in it are, should the environment not have them yet.

        Raises:
            ConfigurationBroken: the file has mistakes; it is left alone.
            UsageError: a stream of that name is there, or it cannot be written.
        """
        if not os.path.lexists(self.path):
            self.create()
        data = self._data()
        if any(stream.name == name for stream in self._parse(data, variables).streams):
            raise UsageError(
                _("{path} has a stream {name} already; choose another name, or edit it", path=self.path, name=name)
            )
        ending = b"\r\n" if b"\r\n" in data else b"\n"
        gap = b"" if not data else ending if data.endswith(b"\n") else 2 * ending
        added = data + gap + block.encode().replace(b"\n", ending)
        self._parse(added, variables)
        self._write(added)

    def look_again(self) -> None:
        """Have `follow` read it now.  On its event loop only."""
        self._again.set()

    async def follow(
        self, current: Config, taken: Callable[[Config], None], refused: Callable[[ConfigurationBroken], None]
    ) -> None:
        """Look for what was saved, for ever.

        Args:
            current: What was read last.
            taken: Called with each configuration that differs from the one before.
            refused: Called once for each text that is no configuration; the one before stays.
        """
        seen: object = None
        is_refused = False

        async def look() -> None:
            nonlocal current, seen, is_refused
            try:
                data, texts = self._data(), self._presets.texts()
                if (data, texts) == seen:
                    return
                while (data, texts) != seen:
                    # Half a file may be a configuration too, and one that follows nothing.
                    seen = data, texts
                    await asyncio.sleep(SETTLING)
                    data, texts = self._data(), self._presets.texts()
                config = self._parse(data)
            except ConfigurationBroken as error:
                is_refused = True
                refused(error)
            except UsageError as error:
                # An editor that puts a new file in the place of the old one may have got half of the way.
                seen = None
                logger.debug("%s", error)
            else:
                if config != current or is_refused:
                    logger.info("%s", _("{path} was read again", path=self.path))
                    current, is_refused = config, False
                    taken(config)
                else:
                    logger.debug("%s says the same as before", self.path)

        while True:
            self._again.clear()
            await look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._again.wait()

    @contextlib.contextmanager
    def locked(self, directory: Path) -> Iterator[None]:
        """Hold the file for this process alone; it is let go whenever, and however, the process ends.

        Args:
            directory: For the lock, which is no part of the configuration.

        Raises:
            AlreadyRunning: another process holds it.
        """
        name = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]
        holder = directory / f"{name}.pid"
        lock = FileLock(directory / f"{name}.lock")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise AlreadyRunning(
                _("sse-notifier is running already with {path}{holder}", path=self.path, holder=_process(holder))
            ) from None
        except OSError as error:
            logger.warning(
                "%s",
                _(
                    "two programs may follow {path}: no lock in {folder} ({why})",
                    path=self.path,
                    folder=directory,
                    why=error.strerror,
                ),
            )
            yield
            return
        try:
            with contextlib.suppress(OSError):  # a full disk; the number is only for the other's message
                holder.write_text(str(os.getpid()))
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def _data(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return file.read(LIMIT + 1)
        except FileNotFoundError:
            raise ConfigurationMissing(
                _(
                    "there is no {path} yet; write one to begin with: sse-notifier config init{there}",
                    path=self.path,
                    there=self.option,
                )
            ) from None
        except OSError as error:
            raise UsageError(_("{path} cannot be read ({why})", path=self.path, why=error.strerror)) from error

    def _write(self, data: bytes) -> None:
        """All of it or nothing, whatever happens meanwhile; who may read it stays as it is."""
        place = self.path.resolve()
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            with open(draft, "xb", opener=_private) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(place, draft)
            draft.replace(place)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise UsageError(_("{path} cannot be written ({why})", path=self.path, why=error.strerror)) from error

    def _parse(self, data: bytes, variables: Mapping[str, str] | None = None) -> Config:
        config, mistakes = self._salvage(data, variables)
        if mistakes:
            raise ConfigurationBroken(str(self.path), mistakes)
        return config

    def _salvage(self, data: bytes, variables: Mapping[str, str] | None = None) -> tuple[Config, Sequence[str]]:
        name = self.path.name
        if len(data) > LIMIT:
            return Config(), [_("{name}: is larger than {limit:,} bytes", name=name, limit=LIMIT)]
        try:
            # Windows' editors begin UTF-8 files with a byte order mark.
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            return Config(), [
                _("{name}:{line}: this is not UTF-8; have the editor save it as UTF-8", name=name, line=line)
            ]
        environ = {**(variables or {}), **self._environ}
        own, problems = self._presets.read()
        known = (GENERIC.name, *names(), *(preset.name for preset in own))
        config, mistakes = salvage(text, environ, str(self.path), presets=known)
        return config.model_copy(update={"presets": tuple(own)}), [*mistakes, *problems]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


def _process(holder: Path) -> str:
    try:
        return _(" (process {number})", number=int(holder.read_text()))
    except (OSError, ValueError):
        return ""
