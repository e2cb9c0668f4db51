"""Servers of their own processes: `sse-server` as a shell starts it, and a Redis for it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.needs import needs
from tests.server.client import PATIENCE

HOMELESS = {"XDG_STATE_HOME": "/dev/null/nowhere", "XDG_CONFIG_HOME": "/nonexistent"}
"""A test that wants a log or tokens of its own names them; the person's are never touched."""


class Server:
    """A child that serves."""

    def __init__(self, child: asyncio.subprocess.Process, url: str) -> None:
        self.child, self.url = child, url

    async def end(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error, once it ended."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.child.communicate()
        assert self.child.returncode is not None
        return self.child.returncode, out.decode(), err.decode()


async def spawn(
    *arguments: str, environ: dict[str, str] | None = None, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "server", *arguments]
    return await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=stdout, stderr=pipe, env={**os.environ, **HOMELESS, **(environ or {})}
    )


@asynccontextmanager
async def started(*arguments: str, environ: dict[str, str] | None = None) -> AsyncIterator[Server]:
    """A server on a free port; the first line that it prints ends with its URL."""
    child = await spawn("--port", "0", *arguments, environ=environ)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = (await child.stdout.readline()).decode()
        yield Server(child, line.split()[-1].rstrip("/"))
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def run(
    *arguments: str, stdin: str = "", environ: dict[str, str] | None = None, stdout: int = asyncio.subprocess.PIPE
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    child = await spawn(*arguments, environ=environ, stdout=stdout)
    async with asyncio.timeout(20):
        out, err = await child.communicate(stdin.encode())
    assert child.returncode is not None
    return child.returncode, (out or b"").decode(), err.decode()


@contextmanager
def a_full_disk() -> Iterator[int]:
    """A standard output that nothing can be written to."""
    with Path("/dev/full").open("wb") as full:
        yield full.fileno()


@contextmanager
def a_pipe_that_nobody_reads() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def redis_url(directory: Path) -> str:
    """Where `start_redis` makes a Redis listen."""
    return f"unix://{directory}/redis.sock"


async def start_redis(directory: Path, *, durable: bool = False) -> asyncio.subprocess.Process:
    """A Redis that listens in this directory alone; a durable one keeps what it acknowledged."""
    [program] = needs("redis-server", "redis-server")
    keep = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
    child = await asyncio.create_subprocess_exec(
        *[
            program,
            "--port",
            "0",
            "--unixsocket",
            f"{directory}/redis.sock",
            "--dir",
            str(directory),
            "--save",
            "",
            *keep,
        ],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout is not None
    async with asyncio.timeout(20):
        while line := await child.stdout.readline():
            if b"ready to accept connections" in line.lower():
                return child
    raise AssertionError("redis-server did not start")


async def stop(child: asyncio.subprocess.Process) -> None:
    """Kill it, and wait until it is gone."""
    if child.returncode is None:
        child.kill()
    await child.communicate()
