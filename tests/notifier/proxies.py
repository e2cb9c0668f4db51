"""Real proxies on loopback, one process each: tinyproxy (HTTP) and microsocks (SOCKS 5)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.needs import needs


@contextlib.asynccontextmanager
async def tinyproxy(directory: Path, user: str = "", password: str = "", *, port: int = 0) -> AsyncIterator[str]:
    """Its host and port; with a user it lets nobody else through."""
    (program,) = needs("tinyproxy-bin", "tinyproxy")
    port = port or free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", f'LogFile "{directory / "log"}"', "MaxClients 20"]
    if user:
        lines.append(f"BasicAuth {user} {password}")
    file = directory / "tinyproxy.conf"
    file.write_text("\n".join([*lines, ""]))
    async with running([program, "-d", "-c", str(file)], port) as address:
        yield address


@contextlib.asynccontextmanager
async def microsocks(user: str = "", password: str = "") -> AsyncIterator[str]:
    """Its host and port; with a user it lets nobody else through."""
    (program,) = needs("microsocks")
    port = free_port()
    credentials = ["-u", user, "-P", password] if user else []
    async with running([program, "-i", "127.0.0.1", "-p", str(port), *credentials], port) as address:
        yield address


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def running(command: Sequence[str], port: int) -> AsyncIterator[str]:
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=nothing, stdout=nothing, stderr=nothing)
    try:
        while process.returncode is None:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            await asyncio.sleep(0.02)
        assert process.returncode is None, f"{command[0]} ended"
        yield f"127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
