"""What servers, proxies and networks do to a connection, as real bytes from a loopback server."""

import asyncio
import contextlib
import gzip
import logging
import ssl
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from email.utils import formatdate
from pathlib import Path
from time import time

import brotli
import pytest
import trustme
from backports import zstd

from notifier import client
from notifier.client import Follower
from notifier.errors import StreamFailed
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.stream import Stream, Tls
from notifier.transport import Transport
from tests.notifier.loopback import OK, Act, Script, chunked, loopback
from tests.notifier.test_client import CHUNKED, following

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"


def packed(encoding: str) -> bytes:
    return OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n" % encoding.encode())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certified(authority: trustme.CA) -> ssl.SSLContext:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    return serving


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("end", [[Act.RESET], [Act.CLOSE], [b"zz\r\n"]], ids=["reset", "closed", "broken chunk"])
async def test_events_that_came_before_the_end_are_delivered_even_when_we_were_busy(
    end: list[bytes | Act], tls: bool, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp alone drops what it has buffered as soon as the connection is in error."""
    monkeypatch.setattr(client, "LOOK", 0.2)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trust = Tls(ca=str(tmp_path / "ca.pem")) if tls else Tls()
    busy, gone = asyncio.Event(), asyncio.Event()
    events: list[str] = []
    complete = asyncio.Event()

    async def deliver(some: Sequence[Event], _: str) -> None:
        events.extend(event.data for event in some)
        if not busy.is_set():
            busy.set()
            await gone.wait()
        if "c" in events:
            complete.set()

    last = chunked(b"data: b\n\n", b"data: c\n\n")
    async with (
        loopback(
            [CHUNKED, chunked(b"data: a\n\n"), busy, last, *end],
            [OK, Act.HANG],
            tls=certified(authority) if tls else None,
        ) as server,
        asyncio.TaskGroup() as group,
    ):
        stream = Stream(url=server.url, name="ci", longest_delay=0.1, idle_timeout=3_600, tls=trust)
        task = group.create_task(Follower(Source(stream), Transport(stream), deliver, lambda _: None).follow())
        await busy.wait()
        if end != [b"zz\r\n"]:
            await server.wait_until_said(1)
        for _ in range(20):
            await asyncio.sleep(0.005)
        gone.set()
        await complete.wait()
        await server.wait_for_connections(2)
        task.cancel()
    assert events == ["a", "b", "c"]


async def test_a_broken_chunk_is_noticed_long_before_the_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiohttp closes the connection then, and never wakes who reads from it."""
    monkeypatch.setattr(client, "LOOK", 0.2)
    broken = asyncio.Event()
    async with (
        loopback(
            [CHUNKED, chunked(b"data: a\n\n"), broken, b"zz\r\n", Act.HANG], [OK, b"data: b\n\n", Act.HANG]
        ) as server,
        following(server.url, idle_timeout=3_600) as stream,
    ):
        await stream.wait_for_events(1)
        broken.set()
        await stream.wait_for_events(2)


@pytest.mark.parametrize("script", [[Act.RESET], [], [b"HTTP/1.1 200"]], ids=["reset", "closed", "cut in the head"])
async def test_a_server_that_drops_every_connection_is_asked_once_for_each_wait(script: Script) -> None:
    """aiohttp alone would ask twice."""
    async with loopback(script) as server, following(server.url) as stream:
        await server.wait_for_connections(6)
        assert len(server.heads) <= len(stream.reasons) + 1
        assert stream.source.failures == len(stream.reasons)
        assert set(stream.reasons) == {"the connection was cut"}


async def test_a_planned_close_tells_nobody_of_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "notifier")
    page = b'retry: 10\nevent: open\ndata: "hello"\n\nevent: close\ndata: "byebye"\n\n'
    async with loopback([OK, page]) as server, following(server.url) as stream:
        await stream.wait_for_events(20)
        assert set(stream.reasons) == {""}
        assert stream.source.failures == 0
        assert not stream.source.is_outage
    assert [record.getMessage() for record in caplog.records] == ["ci: connected"]


async def test_leaving_a_connection_on_purpose_is_told_at_once() -> None:
    async with (
        loopback([OK, b"data: a\n\n", Act.HANG], [Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(1)
        stream.follower.reconnect()
        await server.wait_for_connections(2)
        assert (stream.reasons[-1], stream.states[-1]) == ("", ReadyState.CONNECTING)


@pytest.mark.parametrize("error", [OSError("the disk is full"), TimeoutError("a lock"), LookupError("a bug")])
async def test_an_error_of_ours_is_not_taken_for_one_of_the_network(error: Exception) -> None:
    async def deliver(_: Sequence[Event], __: str) -> None:
        raise error

    async with loopback([OK, b"data: a\n\n", Act.HANG]) as server:
        stream = Stream(url=server.url, name="ci")
        with pytest.raises(type(error)):
            await Follower(Source(stream), Transport(stream), deliver, lambda _: None).follow()
        await server.wait_until_left_alone()


def deflate_raw(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", deflate_raw),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
    ],
)
async def test_a_stream_is_unpacked_although_we_did_not_ask_for_packing(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async with (
        loopback([packed(encoding), pack(b"data: a\n\ndata: b\n\n")], [OK, Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(2)
        assert stream.data == ["a", "b"]
        assert "Accept-Encoding: identity\r\n" in server.heads[0]


async def test_a_packed_event_is_there_as_soon_as_its_packer_was_flushed() -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: a\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    seen = asyncio.Event()
    second = packer.compress(b"data: b\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    async with (
        loopback([packed("gzip"), first, seen, second, Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(1)
        seen.set()
        await stream.wait_for_events(2)


@pytest.mark.parametrize("encoding", ["x-gzip", "compress", "gzip, br", "aes128gcm", "ident\u00eety"])
async def test_a_packing_that_nobody_here_can_undo_fails_the_stream(encoding: str) -> None:
    head = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n" % encoding.encode("latin-1"))
    async with loopback([head, b"\x1f\x9d\x90", Act.HANG]) as server, following(server.url) as stream:
        with pytest.raises(StreamFailed, match="packs the stream in a way we cannot read"):
            await stream.ended()


async def test_garbage_instead_of_packed_bytes_is_an_outage_that_is_tried_again() -> None:
    async with (
        loopback([packed("gzip"), b"data: this is not gzip\n\n", Act.HANG], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_reason("what came cannot be unpacked")
        await stream.wait_for_events(1)


WITHOUT_DECODERS = """
import asyncio, sys
sys.modules.update(dict.fromkeys(["brotli", "brotlicffi", "backports.zstd", "compression.zstd"]))
from tests.notifier.loopback import Act, loopback
from tests.notifier.test_client import following

async def main():
    head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nContent-Encoding: ENCODING\\r\\n\\r\\n"
    async with loopback([head, Act.HANG]) as server, following(server.url) as stream:
        await stream.wait_for_reason(
            "it cannot be unpacked here (br and zstd need the packages Brotli and backports.zstd beside sse-notifier)"
        )

asyncio.run(asyncio.wait_for(main(), 30))
"""


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_a_decoder_that_is_not_installed_is_named(encoding: str) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_DECODERS.replace("ENCODING", encoding)], check=True, timeout=50)


@pytest.mark.parametrize("pack", [gzip.compress, brotli.compress, zstd.compress])
async def test_a_bomb_fails_its_stream_and_needs_no_memory(pack: Callable[[bytes], bytes]) -> None:
    encoding = {gzip.compress: "gzip", brotli.compress: "br", zstd.compress: "zstd"}[pack]
    bomb = pack(b"data: " + b"x" * (64 << 20))
    async with (
        loopback([packed(encoding), bomb, Act.HANG]) as server,
        following(server.url, event_limit=1 << 20) as stream,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(StreamFailed, match="larger than 1,048,576 bytes"):
                await stream.ended()
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()
        assert not stream.events


async def test_http_1_0_is_read_until_the_connection_ends() -> None:
    old = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\ndata: a\n\n"
    async with (
        loopback([old], [old.replace(b" a", b" b"), Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(2)
        assert stream.data == ["a", "b"]
        assert "Last-Event-ID: 1\r\n" in server.heads[1]


async def test_a_body_with_a_length_is_read_to_its_end_and_asked_for_again() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n"
    async with (
        loopback([head, b"data: a\n\n"], [head, b"data: b\n\n", Act.HANG], [OK, Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(2)
        assert stream.data == ["a", "b"]


async def test_a_slow_drip_is_life() -> None:
    ticks = [asyncio.Event() for _ in range(12)]
    script: list[bytes | Act | asyncio.Event] = [OK]
    for tick, byte in zip(ticks, b"data: slow\n\n", strict=True):
        script += [tick, bytes([byte])]
    async with (
        loopback([*script, Act.HANG]) as server,
        following(server.url, idle_timeout=2.0) as stream,
    ):
        await stream.wait_for_reason("")
        for tick in ticks:
            heard = stream.source.last_heard
            tick.set()
            while stream.source.last_heard == heard:
                await asyncio.sleep(0.01)
        await stream.wait_for_events(1)
        assert len(server.heads) == 1


async def test_an_event_of_10_mib_arrives_whole() -> None:
    data = b"x" * (10 << 20)
    async with loopback([OK, b"data: " + data + b"\n\n", Act.HANG]) as server, following(server.url) as stream:
        await stream.wait_for_events(1)
        assert stream.data == [data.decode()]


async def test_a_burst_of_100_000_events_in_one_go_arrives_whole_and_in_order() -> None:
    burst = b"".join(b"id: %d\ndata: event %d\n\n" % (n, n) for n in range(100_000))
    async with loopback([CHUNKED, chunked(burst)], [OK, Act.HANG]) as server, following(server.url) as stream:
        await server.wait_for_connections(2)
        assert stream.data == [f"event {n}" for n in range(100_000)]
        assert "Last-Event-ID: 99999\r\n" in server.heads[1]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x" * 1_000),
        (b"HTTP/1.1 200 OK\r\n", b"X-Another: header\r\n" * 50),
        (b"HTTP/1.1 200 ", b"OK" * 500),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n1;", b"x" * 1_000),
    ],
    ids=["header", "headers", "status line", "chunk extension"],
)
async def test_a_head_without_end_is_left_and_tried_again(head: bytes, piece: bytes) -> None:
    async with (
        loopback([head, *[piece] * 1_000, Act.HANG], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url, idle_timeout=1.0, connect_timeout=5.0) as stream,
    ):
        await stream.wait_for_events(1)


async def test_early_hints_without_end_are_left_after_the_connect_timeout() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    async with (
        loopback([hint * 100, Act.HANG], [hint, OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url, connect_timeout=0.5) as stream,
    ):
        await stream.wait_for_events(1)
        assert "no answer within 0.5 s" in stream.reasons


async def test_a_line_without_end_fails_its_stream() -> None:
    async with (
        loopback([OK, b"data: ", *[b"x" * 65_536] * 64, Act.HANG]) as server,
        following(server.url, event_limit=1 << 20) as stream,
    ):
        with pytest.raises(StreamFailed, match="one event is larger"):
            await stream.ended()
        await server.wait_until_left_alone()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_with_what_was_asked_for(status: int) -> None:
    moved = b"HTTP/1.1 %d Moved\r\nLocation: /new?a=b#part\r\nContent-Length: 0\r\n\r\n" % status
    async with (
        loopback([OK, b"id: 7\ndata: a\n\n"], [moved], [OK, b"data: b\n\n", Act.HANG]) as server,
        following(server.url, headers={"Authorization": "Bearer s3cret"}) as stream,
    ):
        await stream.wait_for_events(2)
        assert server.heads[2].startswith("GET /new?a=b HTTP/1.1\r\n")
        for line in ("Accept: text/event-stream", "Last-Event-ID: 7", "Authorization: Bearer s3cret"):
            assert f"{line}\r\n" in server.heads[2]


async def test_redirects_in_a_circle_end() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /events\r\nContent-Length: 0\r\n\r\n"
    async with loopback([moved]) as server, following(server.url) as stream:
        with pytest.raises(StreamFailed, match="more than 10 times"):
            await stream.ended()
        assert len(server.heads) == 11


async def test_a_redirect_cannot_say_who_we_are() -> None:
    """aiohttp raises a ValueError over a login in the URL beside one in the headers."""
    async with loopback([Act.HANG]) as server:
        server.scripts[:] = [
            [b"HTTP/1.1 302 Found\r\nLocation: http://u:p@127.0.0.1:%d/new\r\n\r\n" % server.port],
            [OK, b"data: a\n\n", Act.HANG],
        ]
        async with following(server.url, headers={"Authorization": "Bearer s3cret"}) as stream:
            await stream.wait_for_events(1)
            assert "Authorization: Bearer s3cret\r\n" in server.heads[1]


@pytest.mark.parametrize("location", [b"http://\xe4\xf6.\xff/", b"http://" + b"a" * 70 + b".example/", b"//\xff"])
async def test_a_redirect_to_a_host_that_cannot_be_is_no_bug_of_ours(location: bytes) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location
    async with loopback([moved]) as server, following(server.url) as stream:
        with pytest.raises(StreamFailed, match="no URL that can be asked for"):
            await stream.ended()


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_waited_for(form: str) -> None:
    value = "1" if form == "seconds" else formatdate(time() + 2, usegmt=True)
    busy = BUSY + b"Retry-After: %b\r\n\r\n" % value.encode()
    async with (
        loopback([busy], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_reason("503")
        clock = asyncio.get_running_loop().time
        asked = clock()
        await stream.wait_for_events(1)
        assert clock() - asked > 0.5


async def test_the_last_sign_of_life_is_known() -> None:
    before = time()
    go_on = asyncio.Event()
    async with (
        loopback([OK, go_on, b": keep-alive\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        never = stream.source.last_heard
        await stream.wait_for_reason("")
        opened = stream.source.last_heard
        go_on.set()
        while (heard := stream.source.last_heard) == opened:
            await asyncio.sleep(0.01)
    assert never is None
    assert opened is not None
    assert heard is not None
    assert before <= opened < heard <= time()


async def test_a_half_open_connection_is_noticed_within_the_idle_timeout() -> None:
    """Between us and the server is a proxy that stops to forward, in both directions, and says nothing."""
    async with (
        loopback([OK, b"data: a\n\n", Act.HANG]) as server,
        stalling_proxy(server.port) as proxy,
        following(f"http://127.0.0.1:{proxy.port}/events", idle_timeout=0.5) as stream,
    ):
        await stream.wait_for_events(1)
        proxy.stalled = True
        await proxy.wait_for_connections(2)
        assert stream.source.ready_state is not ReadyState.OPEN
        proxy.stalled = False
        await stream.wait_for_events(2)


class StallingProxy:
    """Forwards bytes between two sockets until it is told to stall; then it keeps both open."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = 0
        self.stalled = False
        self.connections = 0
        self.changed = asyncio.Condition()
        self.tasks: set[asyncio.Task[None]] = set()

    async def wait_for_connections(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.connections >= count)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.join(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self.changed:
            self.connections += 1
            self.changed.notify_all()
        there, here = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.forward(reader, here))
                group.create_task(self.forward(there, writer))
        finally:
            here.close()
            writer.close()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            while self.stalled:
                await asyncio.sleep(0.01)
            writer.write(piece)
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def stalling_proxy(upstream: int) -> AsyncIterator[StallingProxy]:
    proxy = StallingProxy(upstream)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(proxy.tasks):
            task.cancel()
        await asyncio.gather(*proxy.tasks, return_exceptions=True)
