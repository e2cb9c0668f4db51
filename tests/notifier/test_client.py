"""The reader against real sockets on loopback."""

import asyncio
import contextlib
import gzip
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from notifier.client import Follower
from notifier.config import Stream
from notifier.errors import StreamFailed
from notifier.resume import ID_LIMIT
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.transport import Transport
from tests.notifier.loopback import OK, Act, chunked, loopback

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Following:
    """A follower at work, and what it did."""

    follower: Follower
    source: Source
    events: list[Event] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    states: list[ReadyState] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    """Deliveries that were begun."""
    task: asyncio.Task[None] | None = None

    @property
    def data(self) -> list[str]:
        return [event.data for event in self.events]

    async def wait_for_events(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.events) >= count)

    async def wait_for_reason(self, part: str) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: any(part in reason for reason in self.reasons))

    async def ended(self) -> None:
        assert self.task is not None
        await self.task


@contextlib.asynccontextmanager
async def following(
    url: str,
    *,
    headers: dict[str, str] | None = None,
    idle_timeout: float = 60.0,
    connect_timeout: float = 5.0,
    longest_delay: float = 0.1,
    event_limit: int = 16 << 20,
    blocked: bool = False,
) -> AsyncIterator[Following]:
    stream = Stream(
        url=url,
        name="ci",
        headers={name: SecretStr(value) for name, value in (headers or {}).items()},
        idle_timeout=idle_timeout,
        connect_timeout=connect_timeout,
        longest_delay=longest_delay,
        event_limit=event_limit,
    )
    source = Source(stream)
    tasks: set[asyncio.Future[None]] = set()

    async def note() -> None:
        async with made.changed:
            made.changed.notify_all()

    async def deliver(events: Sequence[Event], _: str) -> None:
        made.waiting += 1
        await made.gate.wait()
        made.events += events
        await note()

    def changed(reason: str) -> None:
        made.reasons.append(reason)
        made.states.append(source.ready_state)
        task = asyncio.ensure_future(note())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    made = Following(Follower(source, Transport(stream), deliver, changed), source)
    if not blocked:
        made.gate.set()
    made.task = asyncio.create_task(made.follower.follow())
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, *tasks, return_exceptions=True)


async def test_events_are_delivered_in_order_across_connections_and_resumed_by_id() -> None:
    async with (
        loopback(
            [CHUNKED, chunked(b"id: 1\nda", b"ta: a\n\nid: 2\ndata: b\n\n")],
            [OK, b"retry: 0\nid: 3\ndata: c\n\ndata: half"],
            [OK, b"data: d\n\n", Act.HANG],
        ) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(4)
        assert stream.data == ["a", "b", "c", "d"]
        resumed = [head.partition("Last-Event-ID: ")[2].partition("\r\n")[0] for head in server.heads]
        assert resumed == ["", "2", "3"]
        assert stream.source.ready_state is ReadyState.OPEN


@pytest.mark.parametrize(
    "end",
    [
        [Act.RESET],
        [Act.CLOSE],
        [b"5\r\nda"],
        [b"zz\r\n"],
    ],
    ids=["reset", "closed", "truncated chunk", "broken chunk"],
)
async def test_a_connection_cut_in_the_middle_of_an_event_is_made_again_without_the_half(
    end: list[bytes | Act],
) -> None:
    go_on = asyncio.Event()
    async with (
        loopback(
            [CHUNKED, chunked(b"id: 1\ndata: a\n\n", b"data: ha"), go_on, *end],
            [OK, b"data: b\n\n", Act.HANG],
        ) as server,
        following(server.url, idle_timeout=0.5) as stream,
    ):
        await stream.wait_for_events(1)
        go_on.set()
        await stream.wait_for_events(2)
        assert stream.data == ["a", "b"]
        assert "Last-Event-ID: 1\r\n" in server.heads[1]


async def test_a_silent_connection_is_taken_for_dead(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "notifier.client")
    async with (
        loopback([OK, b"data: a\n\n", Act.HANG], [OK, b"data: b\n\n", Act.HANG]) as server,
        following(server.url, idle_timeout=0.3) as stream,
    ):
        await stream.wait_for_events(2)
        assert "not one byte for 0.3 s" in caplog.text


async def test_a_server_that_accepts_and_says_nothing_is_left_after_the_connect_timeout() -> None:
    async with (
        loopback([Act.HANG], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url, connect_timeout=0.3) as stream,
    ):
        await stream.wait_for_events(1)
        assert "no answer within 0.3 s" in stream.reasons


async def test_headers_that_drip_for_ever_are_left_after_the_connect_timeout() -> None:
    async with (
        loopback([b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x", Act.HANG], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url, connect_timeout=0.3) as stream,
    ):
        await stream.wait_for_events(1)


async def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    async with loopback() as gone:
        port = gone.port
    async with following(f"http://127.0.0.1:{port}/events") as stream:
        await stream.wait_for_reason(f"nothing listens on 127.0.0.1:{port} (connection refused)")
        assert stream.source.is_outage
        async with loopback([OK, b"data: a\n\n", Act.HANG], port=port):
            await stream.wait_for_events(1)
            assert not stream.source.is_outage


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "give a token"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "a web page"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "something without a type"),
    ],
)
async def test_an_answer_that_will_not_change_ends_the_stream_after_one_connection(
    answer: bytes, sentence: str
) -> None:
    async with loopback([answer]) as server, following(server.url) as stream:
        with pytest.raises(StreamFailed, match=sentence):
            await stream.ended()
        assert stream.source.ready_state is ReadyState.CLOSED
        await server.wait_until_left_alone()
        assert len(server.heads) == 1


async def test_204_ends_the_stream_quietly() -> None:
    async with loopback([b"HTTP/1.1 204 No Content\r\n\r\n"]) as server, following(server.url) as stream:
        await stream.ended()
        assert stream.source.ready_state is ReadyState.CLOSED


async def test_503_is_asked_again() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    async with (
        loopback([busy], [busy], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(1)
        assert "the server answered 503 Service Unavailable" in stream.reasons


async def test_secrets_do_not_follow_a_redirect_to_another_origin() -> None:
    async with loopback([OK, b"data: a\n\n", Act.HANG]) as there:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {there.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with (
            loopback([moved]) as here,
            following(here.url, headers={"Authorization": "Bearer s3cret", "Cookie": "a=s3cret"}) as stream,
        ):
            await stream.wait_for_events(1)
            assert "Bearer s3cret" in here.heads[0]
            assert "s3cret" not in there.heads[0]
            assert "Accept: text/event-stream\r\n" in there.heads[0]


async def test_a_compressed_stream_is_read_although_we_did_not_ask_for_one() -> None:
    head = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    async with (
        loopback([head, gzip.compress(b"data: a\n\n")], [OK, Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(1)
        assert "Accept-Encoding: identity\r\n" in server.heads[0]


async def test_an_event_over_the_limit_fails_the_stream_after_the_events_before_it() -> None:
    async with (
        loopback([OK, b"data: a\n\ndata: " + b"x" * 5_000, b"x" * 5_000, Act.HANG]) as server,
        following(server.url, event_limit=4_096) as stream,
    ):
        with pytest.raises(StreamFailed, match="4,096 bytes"):
            await stream.ended()
        assert stream.data == ["a"]
        await server.wait_until_left_alone()


async def test_reconnect_leaves_the_connection_at_once() -> None:
    async with (
        loopback([OK, b"data: a\n\n", Act.HANG], [OK, b"data: b\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_events(1)
        stream.follower.reconnect()
        await stream.wait_for_events(2)
        assert stream.data == ["a", "b"]


async def test_reconnect_ends_the_wait_for_the_next_attempt() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 3000\r\n\r\n"
    async with (
        loopback([busy], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url) as stream,
    ):
        await stream.wait_for_reason("503")
        stream.follower.reconnect()
        await stream.wait_for_events(1)


async def test_an_event_whose_delivery_was_cut_short_comes_again() -> None:
    async with loopback([OK, b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", Act.HANG]) as server:
        async with following(server.url, blocked=True) as stream:
            await stream.wait_for_reason("")
            while not stream.source.latest_event_id:
                await asyncio.sleep(0)
        assert (stream.data, stream.source.last_event_id) == ([], "")


async def test_after_an_id_that_no_header_takes_a_sign_of_life_is_no_delivery() -> None:
    go_on = asyncio.Event()
    long = b"id: " + b"x" * (ID_LIMIT + 1) + b"\ndata: a\n\n"
    async with loopback([OK, long, go_on, b":\n", Act.HANG]) as server, following(server.url) as stream:
        await stream.wait_for_events(1)
        heard = stream.source.last_heard
        go_on.set()
        while stream.source.last_heard == heard:
            await asyncio.sleep(0)
        assert stream.waiting == 1


async def test_reconnect_delivers_first_what_has_arrived() -> None:
    async with (
        loopback([OK, b"data: a\n\ndata: b\n\n", Act.HANG], [OK, b"data: c\n\n", Act.HANG]) as server,
        following(server.url, blocked=True) as stream,
    ):
        await stream.wait_for_reason("")
        while stream.waiting == 0:
            await asyncio.sleep(0)
        stream.follower.reconnect()
        stream.gate.set()
        await stream.wait_for_events(3)
        assert stream.data == ["a", "b", "c"]


@pytest.mark.parametrize("bug", [OSError("disk full"), TimeoutError("too slow")])
async def test_an_error_of_ours_is_not_taken_for_trouble_of_the_network(bug: Exception) -> None:
    async def deliver(_: Sequence[Event], __: str) -> None:
        raise bug

    async with loopback([OK, b"data: a\n\n", Act.HANG]) as server:
        source = Source(Stream(url=server.url, name="ci"))
        with pytest.raises(type(bug), match=str(bug)):
            await Follower(source, Transport(source.stream), deliver, lambda _: None).follow()


async def test_reconnect_after_the_end_does_nothing() -> None:
    async with loopback([b"HTTP/1.1 204 No Content\r\n\r\n"]) as server, following(server.url) as stream:
        stream.follower.reconnect()
        await stream.ended()
        stream.follower.reconnect()
        assert len(server.heads) == 1


async def test_cancelling_leaves_no_connection() -> None:
    async with loopback([OK, b"data: a\n\n", Act.HANG]) as server:
        async with following(server.url) as stream:
            await stream.wait_for_events(1)
        await server.wait_until_left_alone()


async def test_a_long_burst_lets_others_have_their_turn() -> None:
    burst = b"data: x\n\n" * 5_000
    async with loopback([OK, burst, Act.HANG]) as server, following(server.url) as stream:
        turns = 0
        while len(stream.events) < 5_000:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 8


@pytest.mark.parametrize(
    ("scheme", "script", "sentence"),
    [
        ("http", [b"SSH-2.0-OpenSSH_9.2\r\n"], "not proper HTTP"),
        ("http", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"], "not proper HTTP"),
        ("http", [], "the connection was cut"),
        ("https", [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not speak TLS as we do"),
    ],
)
async def test_what_went_wrong_is_said_in_words(scheme: str, script: list[bytes | Act], sentence: str) -> None:
    async with loopback(script) as server, following(server.url.replace("http", scheme)) as stream:
        await stream.wait_for_reason(sentence)


async def test_an_unknown_host_is_named() -> None:
    async with following("http://stream.invalid/events") as stream:
        await stream.wait_for_reason("the host stream.invalid is not known")


async def test_a_reason_is_logged_once_and_never_with_the_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "notifier.client")
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    async with (
        loopback([busy], [busy], [busy], [OK, b"data: a\n\n", Act.HANG]) as server,
        following(server.url + "?auth=s3cret") as stream,
    ):
        await stream.wait_for_events(1)
    assert [record.getMessage() for record in caplog.records] == [
        "ci: the server answered 503 Service Unavailable; trying again",
        "ci: connected",
    ]
    assert "s3cret" not in caplog.text


async def test_what_came_while_we_were_kept_from_looking_is_not_silence() -> None:
    """A stalled event loop sees bytes and timeouts at once; neither may cost the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/events"
        listener.settimeout(0)
        async with following(url, idle_timeout=0.5) as stream:
            loop = asyncio.get_running_loop()
            peer, _ = await loop.sock_accept(listener)
            with peer:
                await loop.sock_recv(peer, 65_536)
                await loop.sock_sendall(peer, OK + b"data: a\n\n")
                await stream.wait_for_events(1)
                peer.sendall(b"data: b\n\n")
                time.sleep(1.0)
                await stream.wait_for_events(2)
            assert stream.data == ["a", "b"]
