"""A stream in, a file with its bytes and when they came out.  It looks into nothing that it writes."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from notifier.client import Follower
from notifier.errors import NotifierError, UsageError
from notifier.language import _
from notifier.preset import Handshake
from notifier.recording import Arrived, Head, Lost, Opened, Step, harmless, head_of, line_of, read
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.stream import Stream
from notifier.transport import Transport

SIZE_LIMIT = 64 << 20
"""Bytes of a recording, unless another limit is given."""
PRIVATE = 0o600


class Recorder:
    """One recording in the making; use it as a context.

    Args:
        path: Of the file; it is readable for its owner only.
        url: What is recorded.
        size_limit: Bytes; a line that would pass it is not begun.
        force: Whether to write over a file that is there.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """

    def __init__(self, path: Path, url: str, *, size_limit: int = SIZE_LIMIT, force: bool = False) -> None:
        self.events = self.size = 0
        self.is_full = False
        self._limit = size_limit
        self._path = path
        self._began = time.monotonic()
        self._file = _create(path, force=force)
        self._write(head_of(url, datetime.now(UTC).isoformat(timespec="seconds")))
        self._size_of_head = self.size

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is not None and self.size == self._size_of_head:
            # Nothing was recorded; what is left would only be in the way of the next attempt.
            self._path.unlink(missing_ok=True)

    async def follow(
        self,
        stream: Stream,
        seconds: float,
        told: Callable[["Recorder"], None],
        *,
        handshake: Handshake | None = None,
    ) -> None:
        """Record what a stream sends.

        Args:
            stream: Its settings.
            seconds: For so long, or until the file is full.
            told: Called after each change.
            handshake: What its server wants to be asked first.
        """
        source = Source(stream)
        source.handshake = handshake
        end: asyncio.Timeout

        def write(step: Step) -> None:
            self._write(step)
            if self.is_full:
                end.reschedule(0.0)
            told(self)

        def heard(chunk: bytes) -> None:
            write(Arrived(self._clock(), chunk))

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            self.events += len(events)
            told(self)

        def changed(reason: str) -> None:
            if source.ready_state is ReadyState.OPEN:
                write(Opened(self._clock(), harmless(source.response_headers)))
            elif source.has_been_open:
                write(Lost(self._clock(), reason))

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds) as end:
                await Follower(source, Transport(stream), deliver, changed, heard=heard).follow()

    def _write(self, each: Head | Step) -> None:
        line = line_of(each)
        size = len(line.encode())
        if self.is_full or self.size + size > self._limit:
            self.is_full = True
            return
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise NotifierError(_("{path} cannot be written ({why})", path=self._path, why=error.strerror)) from error
        self.size += size

    def _clock(self) -> float:
        return time.monotonic() - self._began


def load(path: Path) -> tuple[Head, list[Step]]:
    """A recording from its file.

    Raises:
        UsageError: it is none, or cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            return read(file, str(path))
    except OSError as error:
        raise UsageError(_("{path} cannot be read ({why})", path=path, why=error.strerror)) from error
    except UnicodeDecodeError:
        raise UsageError(_("{name} is no recording; make one: sse-notifier record URL {name}", name=path)) from None


def _create(path: Path, *, force: bool) -> TextIO:
    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, PRIVATE)

    try:
        if force:
            # Not over the old file: it may be a link, and others may be allowed to read it.
            path.unlink(missing_ok=True)
        return open(path, "x", encoding="utf-8", newline="\n", opener=opener)
    except FileExistsError:
        raise UsageError(_("{path} is there already; write over it with --force", path=path)) from None
    except OSError as error:
        raise UsageError(_("{path} cannot be written ({why})", path=path, why=error.strerror)) from error
