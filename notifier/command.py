"""Notifications for which a rule names a program in, programs run out.  It shows nothing and records nothing.

No shell reads anything.  At most `AT_ONCE` programs run at a time and `WAITING_LIMIT` wait; each has `TIME_LIMIT`
seconds and a process group of its own, which is ended with it and when this program ends.  A program that fails is told
in the log in one sentence, with the last line that it wrote, and never with its arguments, which hold what strangers
wrote.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Mapping

from notifier import plaintext
from notifier.language import _, ngettext
from notifier.notification import Notification

logger = logging.getLogger(__name__)

AT_ONCE = 4
"""Programs that run at a time."""
WAITING_LIMIT = 100
"""Notifications that wait for their program.  What comes while there are so many runs none, and that is logged."""
TIME_LIMIT = 60.0
"""Seconds after which a program is ended."""
GRACE = 2.0
"""Seconds between being asked to end and being ended."""
OUTPUT_LIMIT = 64 << 10
"""Bytes of what a program writes that are kept, its last ones; it may write more."""
SHOWN_LIMIT = 200
"""Characters of it in the log."""
_SECRET = re.compile("TOKEN|SECRET|PASSW|API_?KEY|AUTH|CREDENTIAL|COOKIE", re.IGNORECASE)
"""Names of variables whose values are never logged."""
_CHUNK = 4_096


class Commands:
    """Runs the programs that the person's rules name."""

    def __init__(self, environ: Mapping[str, str], *, time_limit: float = TIME_LIMIT) -> None:
        """Nothing runs before `run`.

        Args:
            environ: What programs inherit, beside the fields of their notification.
            time_limit: See `TIME_LIMIT`.
        """
        self._environ = environ
        self._time_limit = time_limit
        self._waiting: deque[Notification] = deque()
        self._something = asyncio.Event()
        self._left_out = 0
        self._ended: deque[asyncio.subprocess.Process] = deque()
        """Programs that have ended, but not all that they started: their pipes are held until our end."""

    def offer(self, notification: Notification) -> None:
        """Run its program, now or soon; nothing, if it has none."""
        if not notification.command:
            return
        if len(self._waiting) >= WAITING_LIMIT:
            if not self._left_out:
                logger.warning(
                    "%s",
                    _(
                        "{name}: {count} commands wait already; more are left out",
                        name=notification.stream,
                        count=WAITING_LIMIT,
                    ),
                )
            self._left_out += 1
            return
        self._waiting.append(notification)
        self._something.set()

    async def run(self) -> None:
        """Run programs until cancelled; those that run then are ended."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(AT_ONCE):
                    group.create_task(self._work(), name=f"commands {number}")
        finally:
            while self._ended:
                _let_go(self._ended.popleft())

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                if self._left_out:
                    logger.warning(
                        "%s",
                        ngettext(
                            "{count} command was left out",
                            "{count} commands were left out",
                            self._left_out,
                            count=self._left_out,
                        ),
                    )
                    self._left_out = 0
                self._something.clear()
                await self._something.wait()
            await self._execute(self._waiting.popleft())

    async def _execute(self, notification: Notification) -> None:
        program = notification.command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *notification.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**self._environ, **variables(notification)},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else _("an argument that no program can take")
            logger.warning(
                "%s",
                _(
                    "{name}: the command {program} cannot be started ({why})",
                    name=notification.stream,
                    program=program,
                    why=why,
                ),
            )
            return
        output = _Tail()
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(output.read(process.stdout), name="output of a command")
            try:
                async with asyncio.timeout(self._time_limit):
                    status = await process.wait()
                if status != 0:
                    # What it left behind may hold its output open, and may go on.
                    await asyncio.wait([reading], timeout=0.1)
                    said = self._shown(output.text)
                    logger.warning(
                        "%s",
                        _(
                            "{name}: the command {program} failed (status {status}){said}",
                            name=notification.stream,
                            program=program,
                            status=status,
                            said=said,
                        ),
                    )
            except TimeoutError:
                logger.warning(
                    "%s",
                    _(
                        "{name}: the command {program} took over {seconds:g} s and was ended{said}",
                        name=notification.stream,
                        program=program,
                        seconds=self._time_limit,
                        said=self._shown(output.text),
                    ),
                )
            finally:
                if not reading.done():
                    self._ended.append(process)
                    if len(self._ended) > WAITING_LIMIT:
                        _let_go(self._ended.popleft())
                reading.cancel()
                if process.returncode is None:
                    await _end(process)

    def _shown(self, output: str) -> str:
        """The last line of what a program wrote, without the secrets that it may have inherited."""
        for name, value in self._environ.items():
            if _SECRET.search(name) and len(value) >= 4:
                output = output.replace(value, "…")
        last = plaintext.line(output.strip().rpartition("\n")[2], SHOWN_LIMIT)
        return f": {last}" if last else ""


class _Tail:
    """The last bytes that a program wrote."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque(maxlen=OUTPUT_LIMIT // _CHUNK)

    @property
    def text(self) -> str:
        return b"".join(self._chunks).decode(errors="replace")

    async def read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None, "it has a pipe"
        while chunk := await stream.read(_CHUNK):
            self._chunks.append(chunk)


def _let_go(process: asyncio.subprocess.Process) -> None:
    """Close its pipe, which would outlive the loop; nothing public does."""
    process._transport.close()  # type: ignore[attr-defined]


def variables(notification: Notification) -> dict[str, str]:
    """The fields of a notification as environment variables; what it has not is empty."""
    fields = {
        "STREAM": notification.stream,
        "TITLE": notification.title,
        "BODY": notification.body,
        "URGENCY": notification.urgency.name.lower(),
        "LINK": notification.link,
        "KEY": notification.key,
        "GROUP": notification.group,
        "ICON": notification.icon,
        "IMAGE": notification.image,
        "TIME": notification.time,
        "PROGRESS": notification.progress,
    }
    return {f"SSE_{name}": "" if value is None else str(value) for name, value in fields.items()}


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program and all that it started."""
    _signal(process, is_last=False)
    try:
        async with asyncio.timeout(GRACE):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        _signal(process, is_last=True)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, *, is_last: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL if is_last else signal.SIGTERM)
