"""A name in, an endless play of messages out: (seconds to wait, what to publish).  Pure; `web` plays it.

`bytes` in a play are no message: they go to the subscribers as they are, to show what a client must bear.
"""

from collections.abc import Callable, Iterator
from itertools import count, cycle
from random import Random
from typing import TypeAlias

from server.wire import Message

Step: TypeAlias = "tuple[float, Message | bytes]"


def hello(_: Random) -> Iterator[Step]:
    """The classic first example, once a second."""
    while True:
        yield 1.0, Message(data="Hello, world!")


def clock(_: Random) -> Iterator[Step]:
    """A count of the seconds since it started, as an event of type "tick"."""
    for second in count(1):
        minutes, seconds = divmod(second, 60)
        yield 1.0, Message(type="tick", data=f"{minutes:02}:{seconds:02} since the clock started")


def build(chance: Random) -> Iterator[Step]:
    """A day in the life of a CI: builds that start, pass and fail, with urgency and links."""
    branches = cycle(("main", "fix-login", "faster-search", "release-2.4"))
    for number, branch in zip(count(412), branches, strict=False):
        link = f"https://ci.example/builds/{number}"
        name = f"Build {number} of {branch}"

        def told(title: str, body: str, urgency: str = "normal", *, at: str = name, to: str = link) -> Message:
            return Message(topic="ci", title=f"{at} {title}", body=body, urgency=urgency, link=to, key=at)

        yield chance.uniform(1, 2), told("started", "3 jobs are waiting for a runner", "low")
        if number % 3 == 1:
            failed = chance.randint(1, 4)
            tests = "1 test" if failed == 1 else f"{failed} tests"
            yield chance.uniform(2, 4), told("failed", f"{tests} failed in test_checkout.py", "critical")
        else:
            yield chance.uniform(2, 4), told("passed", f"214 tests in {chance.randint(41, 64)} s")
            if branch == "main":
                yield 1.0, Message(topic="ci", title="Deployed", body=f"{name} is live", link=link)


def flood(_: Random) -> Iterator[Step]:
    """A hundred messages at once, then ten quiet seconds; a person must not drown in them."""
    for wave in count(1):
        yield 10.0 if wave > 1 else 1.0, Message(title=f"Wave {wave}", body="A flood begins", urgency="low")
        for number in range(1, 100):
            yield 0.0, Message(title=f"Flood {wave}.{number}", body="One of a hundred at once", urgency="low")


def broken(_: Random) -> Iterator[Step]:
    """Bytes that no honest server sends.  A good client shows eight texts a round and never stops."""
    while True:
        yield 1.0, b"data: invalid UTF-8: \xff\xfe \xc3\x28 \xed\xa0\x80 end\n\n"
        yield 1.0, b"data: line ends\rdata: of all three\r\ndata: kinds\n\r\n"
        yield 1.0, b"data: control characters \x00\x01\x07\x1b[31m\x7f\xc2\x85 end\n\n"
        yield 1.0, b'data: <b>markup</b> <img src=x onerror=alert(1)> <a href="javascript:alert(1)">link</a> &amp;\n\n'
        yield 1.0, b"data: " + b"a huge line " * 20_000 + b"\n\n"
        yield 1.0, b"id: no\x00good\nretry: soon\nnonsense\n: a comment\nDATA: ignored\n:\n\n"
        yield 1.0, b"\xef\xbb\xbfdata: ignored, its field has a byte order mark\n\ndata\ndata\n\n"
        yield 1.0, b'data: {"title": "JSON that stops in the middle, "body\n\n'
        yield 1.0, Message(data="an honest message, to show that the stream still lives")


Play: TypeAlias = Callable[[Random], Iterator[Step]]
PLAYS: dict[str, Play] = {play.__name__: play for play in (hello, clock, build, flood, broken)}
