"""A number and a command in, so many processes of it kept running, until the task is cancelled.

Each worker is a server of its own that listens on the same port (SO_REUSEPORT, socket(7)); what makes them one server
is the log that they share.  A worker ends when its standard input does, so none outlives the one who keeps them.  Now
and then it says what it counted, which shows that its loop turns, and hears what the others said last.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

logger = logging.getLogger(__name__)

START = 20.0
"""Seconds in which a worker must be serving."""
BEAT = 2.0
"""Seconds between lines in which a worker says what it counted."""
SILENCE = 15.0
"""Seconds without one after which it counts as hung, and another takes its place."""
END = 5.0
"""Seconds in which it must have ended, once it was asked to."""
REPORT_LIMIT = 1024 * 1024
"""Bytes of such a line; the bounds of `metrics` keep it far below."""
SHORTEST, LONGEST = 0.5, 30.0
"""Seconds before a worker that ended is started again; twice as long each time that it did not live so long."""


class WorkerFailed(Exception):
    """A worker never served; it has said why itself."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker ended with {code} before it served")
        self.code = code


async def keep(count: int, command: Sequence[str], serving: Callable[[str], None], *, silence: float = SILENCE) -> None:
    """Run so many workers, for ever.

    Args:
        count: How many.
        command: Starts one, with its number from 1 on behind; its first line of output says that it serves.
        serving: Told once, with that line, when all of them serve.
        silence: Seconds without a line after which a worker counts as hung.

    Raises:
        WorkerFailed: one ended before it had ever served.
    """
    left = count
    reports: dict[int, object] = {}

    def served(line: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            serving(line)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(_keep_one(number, command, served, reports, silence), name=f"worker {number}")
    except BaseExceptionGroup as errors:
        failed, others = errors.split(WorkerFailed)
        if failed is None or others is not None:
            raise
        raise failed.exceptions[0] from None


async def _keep_one(
    number: int, command: Sequence[str], served: Callable[[str], None], reports: dict[int, object], silence: float
) -> None:
    wait, is_first = SHORTEST, True
    while True:
        began = asyncio.get_running_loop().time()
        process = await asyncio.create_subprocess_exec(
            *command,
            str(number),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=REPORT_LIMIT,
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            async with asyncio.timeout(START):
                line = await process.stdout.readline()
            if line and is_first:
                is_first = False
                served(line.decode())
            while line:
                async with asyncio.timeout(silence):
                    line = await process.stdout.readline()
                    with suppress(ValueError, ConnectionError):  # the rest of its greeting; or it is gone
                        reports[number] = json.loads(line)
                        others = {other: report for other, report in reports.items() if other != number}
                        process.stdin.write(json.dumps(others).encode() + b"\n")
                        await process.stdin.drain()
            code = await process.wait()
        except TimeoutError:
            logger.error("worker %d does not answer; it is ended", number)
            code = 1
        finally:
            reports.pop(number, None)
            await _end(process)
        if is_first:
            raise WorkerFailed(code)
        lived = asyncio.get_running_loop().time() - began
        wait = SHORTEST if lived > LONGEST else min(LONGEST, wait * 2)
        logger.warning("worker %d ended with %d; it is started again in %.1f s", number, code, wait)
        await asyncio.sleep(wait)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(END):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def until_left_alone(say: Callable[[], None], hear: Callable[[bytes], None]) -> None:
    """Return when whoever started this worker is gone.

    Args:
        say: Called now and then; it prints a line of JSON, which the other workers hear.
        hear: Told what they said last: a line with a JSON object, by their numbers.
    """
    reader = asyncio.StreamReader(limit=REPORT_LIMIT * 64)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while not reader.at_eof():
        say()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT):
                while line := await reader.readline():
                    hear(line)
