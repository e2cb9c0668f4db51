"""Streams in, events out: each case cut at every byte, and against a parser that is too simple to be wrong."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.sse import LIMIT, RECONNECTION_TIME_LIMIT, Event, EventStreamParser, EventTooLarge


@dataclass
class Outcome:
    """All that can be observed of a parser."""

    events: list[Event] = field(default_factory=list)
    last_event_id: str = ""
    reconnection_time: int | None = None


def naive(stream: bytes, last_event_id: str = "") -> Outcome:
    """Read the bytes that have come so far as the specification says it: a character at a time, without haste."""
    outcome = Outcome(last_event_id=last_event_id)
    data, event_type, own_id = "", "", None
    line, previous = "", ""
    text = stream.decode("utf-8", "replace")
    if text[:1] == "\ufeff":
        text = text[1:]
    for character in text:
        after_cr, previous = previous == "\r", character
        if character == "\n" and after_cr:
            continue
        if character not in "\r\n":
            line += character
            continue
        name, value, colon = "", "", False
        for c in line:
            if c == ":" and not colon:
                colon = True
            elif colon:
                value += c
            else:
                name += c
        if value[:1] == " ":
            value = value[1:]
        if line == "":
            if own_id is not None:
                outcome.last_event_id = own_id
            if data != "":
                outcome.events.append(Event(event_type or "message", data[:-1], outcome.last_event_id, own_id))
            data, event_type, own_id = "", "", None
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            event_type = value
        elif name == "id" and "\0" not in value:
            own_id = value
        elif name == "retry" and value != "" and all("0" <= c <= "9" for c in value):
            outcome.reconnection_time = min(int(value), RECONNECTION_TIME_LIMIT)
        line = ""
    return outcome


def parse(chunks: Iterable[bytes], last_event_id: str = "", limit: int = LIMIT) -> Outcome:
    parser = EventStreamParser(last_event_id, limit=limit)
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return Outcome(events, parser.last_event_id, parser.reconnection_time)


def cut(stream: bytes, size: int) -> Iterator[bytes]:
    return (stream[start : start + size] for start in range(0, len(stream), size))


def random_cuts(stream: bytes, chance: random.Random) -> Iterator[bytes]:
    borders = sorted(chance.choices(range(len(stream) + 1), k=chance.randrange(6)))
    return (stream[start:end] for start, end in zip([0, *borders], [*borders, len(stream)], strict=True))


def message(data: str, *, type: str = "message", id: str | None = None, inherited: str = "") -> Event:  # noqa: A002
    return Event(type, data, inherited if id is None else id, id)


A, B = message("a"), message("b")

# Written with LF; every case is also run with CR and with CRLF in its place.
LF_CASES: dict[str, tuple[bytes, Outcome]] = {
    "nothing": (b"", Outcome()),
    "one event": (b"data: a\n\n", Outcome([A])),
    "two events": (b"data: a\n\ndata: b\n\n", Outcome([A, B])),
    "no blank line, no event": (b"data: a\n\ndata: b\n", Outcome([A])),
    "no line ending, no line": (b"data: a\n\ndata: b", Outcome([A])),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\ndata: b\n\n\n", Outcome([A, B])),
    "lines of data are joined by LF": (b"data: a\ndata: b\ndata\ndata:c\n\n", Outcome([message("a\nb\n\nc")])),
    "a data line with no value is data": (b"data\n\n", Outcome([message("")])),
    "a data line with an empty value is data": (b"data:\n\n", Outcome([message("")])),
    "a data line with a space alone is data": (b"data: \n\n", Outcome([message("")])),
    "two empty data lines are one LF": (b"data\ndata\n\n", Outcome([message("\n")])),
    "data that was never ended is dropped": (b"data\n\ndata\ndata\n\ndata:", Outcome([message(""), message("\n")])),
    "one leading space goes, no more": (
        b"data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: a \n\n",
        Outcome([A, A, message(" a"), message("\ta"), message("a ")]),
    ),
    "colons in the value stay": (b"data: a: b::\n\n", Outcome([message("a: b::")])),
    "comments are nothing": (b": hi\n:\n::\n:data: x\ndata: a\n: hi\n\n: hi\n\n", Outcome([A])),
    "a comment inside a block does not end it": (b"data: a\n: hi\ndata: b\n\n", Outcome([message("a\nb")])),
    "unknown fields are nothing": (b"x: 1\nx\nDATA: x\ndata : x\n data: x\nda: x\ndatax: x\n\n", Outcome()),
    "a field name is everything before the colon": (b"data\0: x\ndata: a\n\0data: x\n\n", Outcome([A])),
    "a type": (b"event: tick\ndata: a\n\n", Outcome([message("a", type="tick")])),
    "a type after the data": (b"data: a\nevent:tick\n\n", Outcome([message("a", type="tick")])),
    "the last type counts": (b"event: x\nevent: y\nevent: z\ndata: a\n\n", Outcome([message("a", type="z")])),
    "an empty type is message": (b"event: x\nevent\ndata: a\n\nevent:\ndata: b\n\n", Outcome([A, B])),
    "a type is for one event": (b"event: x\ndata: a\n\ndata: b\n\n", Outcome([message("a", type="x"), B])),
    "a type without data is dropped": (b"event: x\n\ndata: a\n\n", Outcome([A])),
    "an id": (b"id: 1\ndata: a\n\n", Outcome([message("a", id="1")], "1")),
    "an id after the data": (b"data: a\nid:1\n\n", Outcome([message("a", id="1")], "1")),
    "an id is inherited": (
        b"id: 1\ndata: a\n\ndata: a\n\nevent: x\ndata: a\n\n",
        Outcome([message("a", id="1"), message("a", inherited="1"), message("a", inherited="1", type="x")], "1"),
    ),
    "an id is inherited by a run of events": (
        b"id: 1\n\ndata: a\n\ndata: a\n\n",
        Outcome([message("a", inherited="1")] * 2, "1"),
    ),
    "an id without data is committed": (b"id: 1\n\n", Outcome([], "1")),
    "an id without a blank line is not": (b"id: 1\ndata: a\n\nid: 2\n", Outcome([message("a", id="1")], "1")),
    "an empty id resets": (
        b"id: 1\ndata: a\n\nid\ndata: a\n\ndata: b\n\n",
        Outcome([message("a", id="1"), message("a", id=""), B]),
    ),
    "an id of a space resets": (b"id: 1\n\nid: \ndata: a\n\n", Outcome([message("a", id="")])),
    "an empty id without data resets": (b"id: 1\n\nid:\n\n", Outcome()),
    "the last id counts": (b"id: 1\nid: 2\nid: 3\ndata: a\n\n", Outcome([message("a", id="3")], "3")),
    "an id with NUL is nothing": (
        b"id: 1\ndata: a\n\nid: 2\0\ndata: a\n\nid: \0\n\n",
        Outcome([message("a", id="1"), message("a", inherited="1")], "1"),
    ),
    "an id with NUL leaves the one before it": (b"id: 1\nid: 2\0\ndata: a\n\n", Outcome([message("a", id="1")], "1")),
    "an id keeps its second space": (b"id:  1 \ndata: a\n\n", Outcome([message("a", id=" 1 ")], " 1 ")),
    "NUL elsewhere is text": (b"event: \0\ndata: \0\n\n", Outcome([message("\0", type="\0")])),
    "id, type and data": (
        b"id: 1\nevent: x\ndata: a\n\nevent: y\nid: 2\ndata: b\n\n",
        Outcome([message("a", id="1", type="x"), message("b", id="2", type="y")], "2"),
    ),
    "id and type around the data": (
        b"id: 1\ndata: a\nevent: x\n\nevent: y\ndata: b\nid: 2\n\ndata: a\nevent: z\nid: 3\n\n",
        Outcome([message("a", id="1", type="x"), message("b", id="2", type="y"), message("a", id="3", type="z")], "3"),
    ),
    "what comes after the data counts": (
        b"id: 1\nevent: x\ndata: a\nid: 2\nevent: y\n\nid: 3\nevent: x\ndata: b\nid\nevent\n\n",
        Outcome([message("a", id="2", type="y"), message("b", id="")]),
    ),
    "the usual block after a line of its own": (
        b": hi\nid: 1\nevent: x\ndata: a\n\ndata: a\nid: 2\ndata: b\n\nevent: z\n:\ndata: a\n\n",
        Outcome([message("a", id="1", type="x"), message("a\nb", id="2"), message("a", inherited="2", type="z")], "2"),
    ),
    "a reconnection time": (b"retry: 1500\n\n", Outcome([], "", 1500)),
    "a reconnection time needs no blank line": (b"retry:1500\n", Outcome([], "", 1500)),
    "a reconnection time needs its line ending": (b"retry: 1500\nretry: 20", Outcome([], "", 1500)),
    "the last reconnection time counts": (b"retry: 1\nretry: 2\n\nretry: 3\n\n", Outcome([], "", 3)),
    "leading zeros": (b"retry: 000000000000000000000000000250\n", Outcome([], "", 250)),
    "no wait at all": (b"retry: 0\n", Outcome([], "", 0)),
    "many zeros": (b"retry: 0000000000000000000000\n", Outcome([], "", 0)),
    "only digits are a reconnection time": (
        b"retry: 7\nretry\nretry:\nretry: \nretry: -1\nretry: +1\nretry: 1.5\nretry: 1_0\nretry:  1\nretry: 1 \n"
        b"retry: 0x1\nretry: 1e3\nretry: 1s\n" + "retry: \u0661\nretry: \xb2\nretry: \uff11\n\n".encode(),
        Outcome([], "", 7),
    ),
    "the largest reconnection time": (b"retry: %d\n" % RECONNECTION_TIME_LIMIT, Outcome([], "", 2_147_483_647)),
    "a larger one": (b"retry: %d\n" % (RECONNECTION_TIME_LIMIT + 1), Outcome([], "", 2_147_483_647)),
    "a thirteen digit one": (b"retry: 1000000000000\n", Outcome([], "", 2_147_483_647)),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", Outcome([A])),
    "a byte order mark before a blank line": (b"\xef\xbb\xbf\ndata: a\n\n", Outcome([A])),
    "only the first byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", Outcome([B])),
    "no byte order mark later": (b"data: a\n\n\xef\xbb\xbfdata: a\n\ndata: b\n\n", Outcome([A, B])),
    "a byte order mark in a value": (b"data: \xef\xbb\xbfa\n\n", Outcome([message("\ufeffa")])),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", Outcome([B])),
    "characters of 1 to 4 bytes": ("data: aé€😀\n\n".encode(), Outcome([message("aé€😀")])),
    "characters everywhere": (
        "id: é\nevent: €\ndata: 😀\n\n".encode(),
        Outcome([message("😀", id="é", type="€")], "é"),
    ),
    "what is not UTF-8": (
        b"id: \xff\nevent: \xc3\ndata: \xe2\x82\ndata: \xf0\x9f\x98x\ndata: \xed\xa0\x80\ndata: \xc0\xaf\n\n",
        Outcome([message("\ufffd\n\ufffdx\n\ufffd\ufffd\ufffd\n\ufffd\ufffd", id="\ufffd", type="\ufffd")], "\ufffd"),
    ),
    "only CR and LF end a line": (
        "data: 1\v2\f3\x1c4\x1d5\x1e6\x857\u20288\u20299\n\n".encode(),
        Outcome([message("1\v2\f3\x1c4\x1d5\x1e6\x857\u20288\u20299")]),
    ),
    "a raw 0x85 byte ends no line": (b"data: 1\x852\n\n", Outcome([message("1\ufffd2")])),
}

MIXED_CASES: dict[str, tuple[bytes, Outcome]] = {
    "each block another line ending": (b"data: a\r\rdata: b\n\ndata: a\r\n\r\n", Outcome([A, B, A])),
    "LF CR is two line endings": (b"data: a\n\rdata: b\n\n", Outcome([A, B])),
    "CR LF LF is two line endings": (b"data: a\r\n\ndata: b\n\r\n", Outcome([A, B])),
    "CR CR LF is two line endings": (b"data: a\r\r\ndata: b\r\r\n", Outcome([A, B])),
    "each line another line ending": (b"data: a\rdata: b\ndata: c\r\n\r", Outcome([message("a\nb\nc")])),
    "a stream of line endings": (b"\r\n\r\r\n\n\r\n\r\n\r", Outcome()),
    "a CR alone finishes an event": (b"data: a\n\r", Outcome([A])),
    "a byte order mark before CR LF": (b"\xef\xbb\xbf\r\n\xef\xbb\xbfdata: a\r\n\r\ndata: b\r\r", Outcome([B])),
}

CASES = {
    **{f"{name}, LF": case for name, case in LF_CASES.items()},
    **{f"{name}, CR": (stream.replace(b"\n", b"\r"), outcome) for name, (stream, outcome) in LF_CASES.items()},
    **{f"{name}, CRLF": (stream.replace(b"\n", b"\r\n"), outcome) for name, (stream, outcome) in LF_CASES.items()},
    **MIXED_CASES,
}
each_case = pytest.mark.parametrize(("stream", "outcome"), CASES.values(), ids=CASES)


@each_case
def test_a_stream_means_what_the_specification_says(stream: bytes, outcome: Outcome) -> None:
    assert parse([stream]) == outcome
    assert naive(stream) == outcome


@each_case
def test_a_stream_means_the_same_wherever_it_is_cut(stream: bytes, outcome: Outcome) -> None:
    for border in range(len(stream) + 1):
        assert parse([stream[:border], stream[border:]]) == outcome
    for size in range(1, 9):
        assert parse(cut(stream, size)) == outcome
    chance = random.Random(stream)
    for _ in range(20):
        assert parse(random_cuts(stream, chance)) == outcome


@each_case
def test_an_event_is_out_as_soon_as_its_last_byte_is_in(stream: bytes, outcome: Outcome) -> None:
    parser, so_far = EventStreamParser(), Outcome()
    for end in range(1, len(stream) + 1):
        so_far.events += parser.feed(stream[end - 1 : end])
        so_far.last_event_id, so_far.reconnection_time = parser.last_event_id, parser.reconnection_time
        assert so_far == naive(stream[:end])


def test_a_run_of_streams_is_one_stream() -> None:
    # Each case ended by a blank line leaves no trace, so all of them in a row exercise every change of pace.
    whole = b"\n\n".join(stream for stream, _ in LF_CASES.values()) + b"\n\n"
    expected = naive(whole)
    assert len(expected.events) > 60
    for size in (1, 2, 3, 7, 64, 1000, len(whole)):
        assert parse(cut(whole, size)) == expected


def test_events_inherit_the_id_that_the_connection_was_resumed_from() -> None:
    assert parse([b"data: a\n\n"], "41") == Outcome([message("a", inherited="41")], "41")
    assert parse([b"data: a\n\ndata: a\n\n"], "41") == Outcome([message("a", inherited="41")] * 2, "41")
    assert parse([b":\n\nevent: x\ndata: a\n\n"], "41") == Outcome([message("a", type="x", inherited="41")], "41")
    assert parse([b"id\ndata: a\n\n"], "41") == Outcome([message("a", id="")])
    assert parse([], "41") == Outcome([], "41")


def test_an_id_without_data_still_moves_the_last_event_id() -> None:
    parser = EventStreamParser("41")
    assert parser.feed(b"id: 42\n") == []
    assert parser.last_event_id == "41"
    assert parser.feed(b"\n") == []
    assert parser.last_event_id == "42"


def test_the_lf_of_a_cr_may_come_much_later_or_never() -> None:
    parser = EventStreamParser()
    assert parser.feed(b"data: a\r\r") == [A]
    assert parser.feed(b"") == []
    assert parser.feed(b"\n") == []
    assert parser.feed(b"data: b\n\r") == [B]
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\r") == [A]


def test_an_endless_number_neither_raises_nor_is_believed() -> None:
    assert parse([b"retry: " + b"9" * 1_000_000 + b"\n"]).reconnection_time == RECONNECTION_TIME_LIMIT


def test_an_event_cannot_be_changed() -> None:
    for event in parse([b"data: a\n\n", b"data: a\n\ndata: b\n\n", b"id: 1\ndata: a\n\n"]).events:
        assert type(event) is Event
        with pytest.raises(AttributeError):
            event.data = "x"  # type: ignore[misc]


# The limit


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize(
    "endless",
    [b"data: " + b"x" * 3000, b"data: x\n" * 400, b"data\n" * 600, b": " + b"x" * 3000, b"x" * 3000, b"\0" * 3000],
    ids=["line", "data lines", "empty data lines", "comment", "field name", "nothing"],
)
def test_an_endless_event_ends_the_stream_near_the_limit(endless: bytes, size: int) -> None:
    parser = EventStreamParser(limit=1000)
    taken = 0
    for chunk in cut(endless, size):
        try:
            assert parser.feed(chunk) == []
        except EventTooLarge:
            break
        taken += len(chunk)
    assert 1000 < taken <= 1000 + size


def test_no_event_before_one_too_large_is_lost() -> None:
    parser = EventStreamParser(limit=1000)
    assert parser.feed(b"id: 1\ndata: a\n\ndata: a\n\ndata: " + b"x" * 1000) == [
        message("a", id="1"),
        message("a", inherited="1"),
    ]
    for chunk in (b"x", b"", b"\n\ndata: b\n\n"):
        with pytest.raises(EventTooLarge):
            parser.feed(chunk)
    assert parser.last_event_id == "1"


def test_an_event_just_within_the_limit_arrives() -> None:
    value = "é" * 497
    assert parse(cut(f"data:{value}\n\n".encode(), 1), limit=1000).events == [message(value)]
    with pytest.raises(EventTooLarge):
        parse(cut(f"data:{value}é\n\n".encode(), 1), limit=1000)


def test_the_limit_is_for_one_event_and_not_for_the_stream() -> None:
    block = b"id: 1\nevent: x\ndata: aaaaaaaa\ndata: bbbbbbbb\n\n"
    assert len(parse(cut(block * 1000, 7), limit=60).events) == 1000
    assert len(parse(cut(block * 1000, 4000), limit=60).events) == 1000


def test_lines_that_hold_nothing_may_come_for_ever() -> None:
    assert parse(cut(b": keep-alive\n" * 1000, 7), limit=60) == Outcome()
    assert parse(cut(b"retry: 1\nevent: x\nid: 1\nfoo\n" * 1000, 7), limit=60) == Outcome([], "", 1)


@pytest.mark.parametrize("size", [1024, 65536, 1 << 30])
def test_an_event_of_ten_mebibytes_passes_the_default_limit(size: int) -> None:
    data = "é" * (5 << 20)
    assert parse(cut(f"data: {data}\n\n".encode(), size)) == Outcome([message(data)])


# Strangers

TOKENS = [
    b"data: ", b"data:", b"data", b"event: ", b"event", b"id: ", b"id:", b"id", b"retry: ", b"retry:", b": ", b":",
    b" ", b"a", b"1", b"0", b"9" * 13, b"\0", b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"\n\r",
    "é".encode(), "😀".encode(), "\u2028".encode(), "\x85".encode(), b"\x85", b"\xff", b"\xe2\x82", b"\xef\xbb\xbf",
    b"\v", b"\f", b"\x1c", b"data: a\n\n", b"data: b\n\ndata: c\n\n", b"id: 1\ndata: a\n\n", b"event: x\ndata: a\n\n",
    b"id: 2\nevent: y\ndata: b\n\n", b"event: z\nid: 3\ndata: c\n\n", b"data: a\nid: 4\n\n",
    b"data: a\nevent: w\nid: 5\n\n", b"data: a\ndata: b\n\n", b"data: a\r\n\r\n",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    stream=st.lists(st.sampled_from(TOKENS) | st.binary(max_size=3), max_size=40).map(b"".join),
    borders=st.lists(st.integers(0, 120), max_size=6).map(sorted),
    last_event_id=st.sampled_from(["", "41"]),
)
def test_it_agrees_with_a_naive_parser_after_every_chunk(stream: bytes, borders: list[int], last_event_id: str) -> None:
    parser, events, start = EventStreamParser(last_event_id), [], 0
    for end in (*borders, len(stream)):
        events += parser.feed(stream[start:end])
        start = max(start, end)
        assert Outcome(events, parser.last_event_id, parser.reconnection_time) == naive(stream[:start], last_event_id)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_raise(seed: int) -> None:
    chance = random.Random(seed)
    for length in (10, 100, 1000, 10_000):
        for stream in (chance.randbytes(length), b"".join(chance.choices(TOKENS, k=length // 4))):
            expected = naive(stream)
            assert parse([stream]) == expected
            assert parse(random_cuts(stream, chance)) == expected


HOSTILE = {
    "one line": b"data: " + b"x" * (1 << 24),
    "one field name": b"x" * (1 << 24),
    "one line of characters of three bytes": b"data: " + "€".encode() * (1 << 22),
    "one line of what is not UTF-8": b"data: " + b"\xe2" * (1 << 23),
    "one line of spaces": b"id:" + b" " * (1 << 24),
    "one line of colons": b":" * (1 << 24),
    "ids with NUL at their end": (b"id: " + b"x" * 4000 + b"\0\n") * 2000,
    "lines of data": b"data: x\n" * (1 << 18),
    "blocks that are usual but for the blank line": b"id: 1\nevent: x\ndata: x\n" * (1 << 16),
    "events that are no events": b"event: x\n" * (1 << 18),
    "a run of events broken at its end": b"data: x\n\n" * (1 << 17) + b"x",
    "line endings": b"\n" * (1 << 20),
    "carriage returns": b"\r" * (1 << 20),
    "carriage returns and line feeds": b"\n\r" * (1 << 19),
}


@pytest.mark.parametrize("size", [64, 65536])
@pytest.mark.parametrize("stream", HOSTILE.values(), ids=HOSTILE)
def test_work_grows_with_the_bytes_and_not_faster(stream: bytes, size: int) -> None:
    # Quadratic work on any of these would take minutes; the time limit of the test run is the assertion.
    parser = EventStreamParser(limit=1 << 26)
    for chunk in cut(stream, size):
        parser.feed(chunk)
    parser.feed(b"\n\n")
    assert parser.feed(b"data: end\n\n") == [message("end", inherited=parser.last_event_id)]
