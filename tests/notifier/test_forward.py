"""notifier.forward through Apprise's own json:// to a receiver on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email import message_from_bytes

import pytest
from aiohttp import web
from pydantic import SecretStr

from notifier.forward import PATIENCE, WAITING_LIMIT, Forwarder
from notifier.notification import Notification, Urgency

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TOLD = Notification(stream="ci", title="Disk full", body="db1", urgency=Urgency.CRITICAL, link="https://x.example/1")


@contextlib.asynccontextmanager
async def receiving(*, status: int = 200) -> AsyncIterator[tuple[str, asyncio.Queue[dict[str, str]]]]:
    received: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        received.put_nowait(await request.json())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"json://127.0.0.1:{runner.addresses[0][1]}/s3cret", received
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running(*, patience: float = PATIENCE) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(patience=patience)
    task = asyncio.create_task(forwarder.run())
    try:
        yield forwarder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_notification_arrives_with_its_words() -> None:
    async with receiving() as (url, received), running() as forwarder:
        forwarder.offer(TOLD, [SecretStr(url)])
        got = await received.get()
    assert (got["title"], got["message"], got["type"]) == ("Disk full", "db1\nhttps://x.example/1", "failure")


async def mailbox(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mail: asyncio.Queue[bytes]) -> None:
    """As much of RFC 5321 as one mail takes."""
    mails: list[bytes] = []
    writer.write(b"220 x\r\n")
    while line := await reader.readline():
        match line[:4].upper():
            case b"DATA":
                writer.write(b"354 go on\r\n")
                mails.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            case b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            case _:
                writer.write(b"250 x\r\n")
    writer.close()
    await writer.wait_closed()
    for each in mails:
        mail.put_nowait(each)


async def test_a_stranger_s_text_is_no_markup_of_a_mail() -> None:
    mail: asyncio.Queue[bytes] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: mailbox(r, w, mail), "127.0.0.1", 0)
    told = Notification(stream="ci", title="<b>x</b>", body='<a href="https://evil.example/">Sign in</a>')
    async with server, running() as forwarder:
        port = server.sockets[0].getsockname()[1]
        forwarder.offer(told, [SecretStr(f"mailto://127.0.0.1:{port}?from=a@a.example&to=b@a.example&mode=insecure")])
        sent = await mail.get()
    parts = [part.get_content_type() for part in message_from_bytes(sent).walk()]
    assert parts == ["text/plain"]


async def test_a_service_that_refuses_is_told_once_and_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    async with receiving(status=500) as (url, received), running() as forwarder:
        for _ in range(3):
            forwarder.offer(TOLD, [SecretStr(url)])
        for _ in range(3):
            await received.get()
        while not caplog.messages:
            await asyncio.sleep(0.02)
    assert caplog.messages == ["ci: a notification was not forwarded: one of the services did not take it"]


async def test_a_service_that_hangs_holds_up_neither_the_next_nor_the_end(caplog: pytest.LogCaptureFixture) -> None:
    called, left, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await left.wait()
        writer.close()
        await writer.wait_closed()
        gone.set()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"json://127.0.0.1:{silent.sockets[0].getsockname()[1]}/s3cret?rto=60"
    async with silent, receiving() as (good, received), running(patience=2.0) as forwarder:
        forwarder.offer(TOLD, [SecretStr(url)])
        await called.wait()
        forwarder.offer(TOLD, [SecretStr(good)])
        await received.get()
        left.set()
        await gone.wait()
    assert caplog.messages == ["ci: a notification was not forwarded: no answer of a service within 2 s"]


async def test_what_waits_is_bounded() -> None:
    forwarder = Forwarder()
    for _ in range(2 * WAITING_LIMIT):
        forwarder.offer(TOLD, [SecretStr("json://127.0.0.1:1/")])
    assert len(forwarder._waiting) == WAITING_LIMIT
