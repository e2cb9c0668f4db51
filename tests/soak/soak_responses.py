"""Responses that no server should give, over real sockets: none may end the process, leak a task or leak a socket.

Each case is a script made from its seed.  However it ends, the stream either fails with a sentence, or is asked for
again and then told to end (204).
"""

import asyncio
import gc
import gzip
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import brotli
from pydantic import SecretStr

from notifier.client import Follower
from notifier.errors import StreamFailed
from notifier.preset import Handshake
from notifier.preset import Request as Step
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.stream import Stream
from notifier.transport import Transport
from tests.notifier.loopback import OK, Act, Loopback, Script, chunked, loopback

AT_ONCE = 16
"""Cases that run beside each other; most of their time goes by in idle timeouts."""
DEADLINE = 60.0
"""Seconds for a case; it takes a fraction of one, unless something hangs."""
GOODBYE = [b"HTTP/1.1 204 No Content\r\n\r\n"]

STATUS_LINES = [
    *[b"HTTP/1.1 200 OK"] * 20,
    *[b"HTTP/1.1 %d Odd" % status for status in (100, 101, 103, 201, 206, 301, 302, 303, 304, 307, 308, 400, 401)],
    *[b"HTTP/1.1 %d Odd" % status for status in (403, 404, 407, 410, 429, 500, 503, 511, 599, 999)],
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 -20 OK",
    b"HTTP/9.9 200 OK",
    b"HTTP/2 200",
    b"ICY 200 OK",
    b"http/1.1 200 OK",
    b"HTTP/1.1  200  OK",
    b"HTTP/1.1 200 \xff\xfe\x00",
    b"",
]
HEADERS = [
    *[b"Content-Type: text/event-stream"] * 12,
    b'Content-Type: TEXT/Event-Stream; charset="',
    b"Content-Type: text/event-stream; x*0*=%ff; =; ;;",
    b"Content-Type: text/html",
    b"Content-Type: \x00",
    b"Content-Type:",
    b"Content-Type: text/event-stream, text/html",
    b"Location: /again",
    b"Location: //",
    b"Location: http://[/",
    b"Location: http://127.0.0.1:1/",
    b"Location: http://127.0.0.1:99999/",
    b"Location: http://user:pass@127.0.0.1:PORT/",
    b"Location: http://\xe4\xf6.\xff/",
    b"Location: http://" + b"a" * 70 + b".example/",
    b"Location: javascript:alert(1)",
    b"Location: \t\r\n ",
    b"Location: http+unix://%2Fnonexistent/x",
    b"Retry-After: 99999999999999999999999",
    b"Retry-After: Mon, 01 Jan 0001 00:00:00 +99999999999999999",
    b"Retry-After: \xff",
    b"Set-Cookie: a=b; Path=/; Max-Age=999999999999999999999",
    b"Set-Cookie: \x00=\xff;;;=",
    b"Connection: close",
    b"Connection: keep-alive, upgrade",
    b"Upgrade: websocket",
    b"Keep-Alive: timeout=-1",
    b"Trailer: X",
    b"X-Long: " + b"x" * 9_000,
    b"X-Folded: a\r\n b\r\n\tc",
    b"No colon at all",
    b": no name",
    b"Bad Name: x",
    b"\xff\xfe: \xfd",
    *[b"X-%d: many" % n for n in range(5)],
]
FRAGMENTS = [
    b"data: x\n\n",
    b"data: x\r\r",
    b"id: 7\ndata: y\r\n\r\n",
    b"id: a\x00b\n\n",
    b"id: \xc3\xa4\x07\ndata\n\n",
    b"retry: 0\n\n",
    b"retry: 99999999999999999999\n\n",
    b"event: \xff\xfe\ndata: \x00\n\n",
    b": comment\n\n",
    b"\xef\xbb\xbf",
    b"data: " + b"z" * 3_000,
    b"\n" * 50,
    b"no newline",
    b"\xff" * 10,
    b"data: w\n\n" * 700,
]


def make_body(random: Random) -> bytes:
    return b"".join(random.choices(FRAGMENTS, k=random.randrange(6)))


def pack(body: bytes, random: Random) -> tuple[list[bytes], bytes]:
    """Header lines of an encoding, and the body in it, perhaps in another."""
    packers = [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"br", brotli.compress),
        (b"zstd", bytes),
        (b"identity", bytes),
        (b"x-unknown", bytes),
    ]
    if random.random() < 0.7:
        return [], body
    name, packer = random.choice(packers)
    packed = packer(body) if random.random() < 0.8 else body
    if random.random() < 0.3:
        packed = packed[: random.randrange(len(packed) + 1)] + random.randbytes(random.randrange(20))
    return [b"Content-Encoding: " + name], packed


def frame(body: bytes, random: Random) -> tuple[list[bytes], bytes]:
    """Header lines of a framing, and the body in it, perhaps broken."""
    match random.randrange(6):
        case 0 | 1:
            cut = random.randrange(len(body) + 1)
            parts = [part for part in (body[:cut], body[cut:]) if part]
            ends = [
                b"",
                b"0\r\n\r\n",
                b"0\r\nX: trailer\r\n\r\n",
                b"zz\r\n",
                b"-1\r\n",
                b"ffffffffffffffffff\r\n",
                b"5\r\nab",
            ]
            return [b"Transfer-Encoding: chunked"], chunked(*parts) + random.choice(ends)
        case 2:
            lengths = [len(body), len(body) + 1, max(0, len(body) - 1), 0, 10**18]
            return [b"Content-Length: %d" % random.choice(lengths)], body
        case 3:
            odd = [b"-1", b"1, 2", b"0x10", b"", b"9" * 40]
            return [b"Content-Length: " + random.choice(odd)], body
        case 4:
            return [b"Transfer-Encoding: " + random.choice([b"gzip, chunked", b"chunked, chunked", b"what"])], body
        case _:
            return [], body


def spoil(text: bytes, random: Random) -> bytes:
    """A few bytes changed, put in, or taken out."""
    spoiled = bytearray(text)
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(spoiled) + 1)
        match random.randrange(3):
            case 0:
                spoiled[at : at + 1] = random.randbytes(1)
            case 1:
                spoiled[at:at] = random.choice([b"\r\n", b"\n", b"\x00", b":", random.randbytes(3)])
            case _:
                del spoiled[at : at + random.randrange(8)]
    return bytes(spoiled)


OPEN: Script = [OK, b"data: {}\n\n", Act.HANG]
HANDSHAKE = Handshake(
    before=(Step(path="/hello", keep="hello"),),
    after=(Step(method="POST", path="/more", body="{{ hello|to_json }}", expect="answer != 'no'"),),
)


def make_script(seed: int, port: int) -> list[bytes | Act]:
    """One connection of a server that is broken in a way of its own."""
    random = Random(seed)
    encoding, body = pack(make_body(random), random)
    framing, body = frame(body, random)
    # Most are odd in one place only, or the first oddity would hide the rest.
    odd = random.choices(HEADERS, k=random.choice([0, 0, 0, 1, 3]))
    lines = [*HEADERS[: random.random() < 0.9], *odd, *encoding, *framing]
    random.shuffle(lines)
    head = b"\r\n".join([random.choice(STATUS_LINES), *lines, b"", b""]).replace(b"PORT", b"%d" % port)
    text = head + body
    if random.random() < 0.25:
        text = spoil(text, random)
    cuts = sorted(random.randrange(len(text) + 1) for _ in range(random.randrange(4)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return [*pieces, random.choice([Act.CLOSE, Act.RESET, Act.HANG])]


async def survive(seed: int, server: Loopback) -> str:
    """Follow the stream of this seed to its end, and say what that was."""
    server.heads.clear()
    odd = make_script(seed, server.port)
    # Every third one is a step of a handshake: before the stream, or while it is open.
    server.scripts[:] = [GOODBYE, OPEN, odd, GOODBYE] if seed % 6 == 5 else [odd, GOODBYE]
    stream = Stream(
        url=server.url,
        name=f"seed {seed}",
        headers={"Authorization": SecretStr("Bearer s3cret")},
        idle_timeout=0.3,
        connect_timeout=0.3,
        longest_delay=0.1,
        event_limit=2_048,
    )
    source = Source(stream)
    source.handshake = HANDSHAKE if seed % 3 == 2 else None
    reasons: list[str] = []

    async def deliver(_: Sequence[Event], __: str) -> None:
        if seed % 2:
            await asyncio.sleep(0)

    hurried = False

    def changed(reason: str) -> None:
        nonlocal hurried
        reasons.append(reason)
        # Hurrying is a change, too, and must not be hurried again.
        hurried = source.ready_state is ReadyState.CONNECTING and not hurried
        if hurried:
            asyncio.get_running_loop().call_soon(follower.reconnect)

    follower = Follower(source, Transport(stream), deliver, changed)
    try:
        async with asyncio.timeout(DEADLINE):
            await follower.follow()
    except StreamFailed as error:
        reasons.append(str(error))
    finally:
        await server.wait_until_left_alone()
    assert source.ready_state is ReadyState.CLOSED
    assert all(reason.isprintable() and "s3cret" not in reason for reason in reasons), reasons
    return next((reason for reason in reasons if reason), "")


async def survive_all(seeds: range) -> Counter[str]:
    """Follow every one; how often what was said of them.

    Raises:
        AssertionError: something was left behind, or the event loop had to complain.
    """
    complaints: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    said: Counter[str] = Counter()
    waiting = iter(seeds)

    async def work() -> None:
        async with loopback(GOODBYE) as server:
            for seed in waiting:
                try:
                    said[await survive(seed, server)] += 1
                except BaseException as error:
                    error.add_note(f"seed {seed}")
                    raise

    tasks, sockets = asyncio.all_tasks(), open_sockets()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
    for _ in range(100):
        gc.collect()
        if asyncio.all_tasks() == tasks and open_sockets() <= sockets:
            break
        await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == tasks, "a task was left behind"
    assert open_sockets() <= sockets, "a socket was left behind"
    assert not complaints, complaints
    return said


def open_sockets() -> int:
    """How many this process has; none where the system does not tell."""
    links = Path("/proc/self/fd")
    if not sys.platform.startswith("linux"):
        return 0
    count = 0
    for link in links.iterdir():
        try:
            count += str(link.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return count


def main() -> None:
    said = asyncio.run(survive_all(range(10_000)))
    print(f"responses: {said.total():,} odd ones survived, no task and no socket left; what was said of them:")
    for reason, count in said.most_common():
        print(f"{count:7,}  {reason or '(nothing)'}"[:150])
