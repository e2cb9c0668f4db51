"""A command in, its exit status out, within a bounded time.  No shell, no console, and none of its output."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final

NO_CONSOLE: Final = 0x08000000 if sys.platform == "win32" else 0
"""CREATE_NO_WINDOW of the Windows API."""


async def run(
    command: Sequence[str], environ: Mapping[str, str], *, deadline: float, data: bytes | None = None
) -> int | None:
    """Run a program in a session of its own, and wait until it has ended.  What it has started may outlive it.

    Args:
        command: The program and its arguments.
        environ: All that it inherits.
        deadline: Seconds; after that, or when we are cancelled, it is killed.
        data: Its standard input; nothing if None.

    Returns:
        Its exit status; None if it took too long.

    Raises:
        OSError: it cannot be started.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL if data is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        creationflags=NO_CONSOLE,
    )
    try:
        async with asyncio.timeout(deadline):
            await child.communicate(data)
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode
