"""Connection policy, as tables; time and chance are arguments."""

import contextlib
from email.utils import formatdate
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import backoff, exchange
from notifier import source as policy
from notifier.config import Stream
from notifier.errors import StreamFailed, StreamLost
from notifier.exchange import Response
from notifier.resume import ID_LIMIT
from notifier.source import ReadyState, Source

STREAM = "text/event-stream"
URL = "https://example.org/a/events"


def make(
    last_event_id: str = "", *, longest_delay: float = 60.0, event_limit: int = 16 << 20, url: str = URL
) -> Source:
    stream = Stream(
        url=url,
        name="ci",
        longest_delay=longest_delay,
        event_limit=event_limit,
    )
    return Source(stream, last_event_id)


def opened(source: Source, now: float = 0.0) -> Source:
    source.connect()
    assert source.respond(Response(200, STREAM), now, 0.0) is None
    return source


def test_a_request_asks_for_exactly_an_event_stream_and_says_who_asks() -> None:
    headers = make().connect().headers
    assert headers["Accept"] == "text/event-stream"
    assert headers["User-Agent"].startswith("sse-notifier/")
    assert "Last-Event-ID" not in headers


@pytest.mark.parametrize(
    ("last_event_id", "sent"),
    [("", None), ("7", "7"), ("a b", "a b"), ("안녕", "안녕"), ("x\ty", None), ("x\x7fy", None), ("x\ny", None)],
)
def test_a_last_event_id_is_sent_unless_it_could_break_the_header(last_event_id: str, sent: str | None) -> None:
    assert make(last_event_id).connect().headers.get("Last-Event-ID") == sent


def test_an_address_is_in_no_repr() -> None:
    source = make(url=URL + "?auth=s3cret")
    assert source.connect().url.endswith("s3cret")
    assert "s3cret" not in repr(source.connect()) + repr(source) + repr(source.stream)


@pytest.mark.parametrize(
    ("response", "state"),
    [(Response(200, STREAM), ReadyState.OPEN), (Response(204), ReadyState.CLOSED)],
)
def test_answers_that_are_taken(response: Response, state: ReadyState) -> None:
    source = make()
    source.connect()
    assert source.respond(response, 0.0, 0.0) is None
    assert source.ready_state is state


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_answers_that_may_change_are_asked_for_again(status: int) -> None:
    source = make()
    source.connect()
    with pytest.raises(StreamLost, match=str(status)):
        source.respond(Response(status, "text/html"), 0.0, 0.0)
    assert source.lose(0.0, 0.5) > 0
    assert source.ready_state is ReadyState.CONNECTING


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (Response(200, "text/html"), "a web page .text/html., not an event stream; check the address"),
        (Response(200, "application/json"), "JSON"),
        (Response(200, "application/x-ndjson"), "answered with application/x-ndjson, not"),
        (Response(200, ""), "something without a type"),
        (Response(200, "text/\x1b[31mred" + "x" * 999), "answered with text/.31mredx{47}, not"),
        (Response(200, STREAM, "x-gzip"), "packs the stream in a way we cannot read .x-gzip"),
        (Response(401), "give a token with --header"),
        (Response(403), "check the token's rights"),
        (Response(404), "404 Not Found: there is nothing at this address"),
        (Response(407), "proxy wants credentials"),
        (Response(410), "gone for good"),
        (Response(418), "418"),
        (Response(304), "304"),
        (Response(206, STREAM), "206"),
        (Response(302), "without saying where"),
        (Response(302, location="ftp://example.org/"), "no web address"),
        (Response(302, location="http://[broken/"), "no web address"),
        (Response(302, location="https://example.org:port/"), "no web address"),
    ],
)
def test_answers_that_will_not_change_fail_the_stream_with_advice(response: Response, sentence: str) -> None:
    source = make()
    source.connect()
    with pytest.raises(StreamFailed, match=sentence):
        source.respond(response, 0.0, 0.0)
    assert source.ready_state is ReadyState.CLOSED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url", "is_home"),
    [
        ("other", "https://example.org/a/other", True),
        ("/other", "https://example.org/other", True),
        ("https://example.org:443/x", "https://example.org:443/x", True),
        ("https://example.com/x", "https://example.com/x", False),
        ("https://example.org:8443/x", "https://example.org:8443/x", False),
        ("http://example.org/x", "http://example.org/x", False),
        ("//example.com/x", "https://example.com/x", False),
    ],
)
def test_redirects_are_followed_and_only_the_own_origin_is_home(
    status: int, location: str, url: str, is_home: bool
) -> None:
    source = make("7")
    source.connect()
    request = source.respond(Response(status, location=location), 0.0, 0.0)
    assert request is not None
    assert request.url == url
    assert request.headers["Accept"] == STREAM
    assert request.headers["Last-Event-ID"] == "7"
    assert request.is_home == is_home


def test_a_way_back_over_a_stranger_is_not_home() -> None:
    source = make()
    source.connect()
    source.respond(Response(302, location="https://example.com/"), 0.0, 0.0)
    request = source.respond(Response(302, location="https://example.org/"), 0.0, 0.0)
    assert request is not None
    assert not request.is_home
    request = source.respond(Response(302, location="/further"), 0.0, 0.0)
    assert request is not None
    assert not request.is_home


@pytest.mark.parametrize(
    ("location", "url", "is_home"),
    [
        ("other", "http+unix://%2Frun%2Fx.sock/a/other", True),
        ("/other?x=1", "http+unix://%2Frun%2Fx.sock/other?x=1", True),
        ("http://localhost/other", "http+unix://%2Frun%2Fx.sock/other", True),
        ("http://example.org/x", "http://example.org/x", False),
    ],
)
def test_a_server_on_a_unix_socket_redirects_to_itself(location: str, url: str, is_home: bool) -> None:
    source = make(url="http+unix://%2Frun%2Fx.sock/a/events")
    source.connect()
    request = source.respond(Response(302, location=location), 0.0, 0.0)
    assert request is not None
    assert (request.url, request.is_home) == (url, is_home)


@pytest.mark.parametrize("start", [URL, "http+unix://%2Frun%2Fx.sock/a"])
def test_nobody_leads_us_to_a_unix_socket(start: str) -> None:
    source = make(url=start)
    source.connect()
    with pytest.raises(StreamFailed, match="no web address"):
        source.respond(Response(302, location="http+unix://%2Frun%2Fdocker.sock/x"), 0.0, 0.0)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://u:p@example.org/x", "https://example.org/x"),
        ("//u@example.org:8443/x@y", "https://example.org:8443/x@y"),
        ("https://u:p@[::1]:1/", "https://[::1]:1/"),
    ],
)
def test_a_redirect_cannot_log_us_in(location: str, url: str) -> None:
    source = make()
    source.connect()
    request = source.respond(Response(302, location=location), 0.0, 0.0)
    assert request is not None
    assert request.url == url


def test_redirects_in_a_circle_fail_the_stream() -> None:
    source = make()
    source.connect()
    for _ in range(policy.REDIRECTS):
        source.respond(Response(302, location="events"), 0.0, 0.0)
    with pytest.raises(StreamFailed, match="more than 10 times"):
        source.respond(Response(302, location="events"), 0.0, 0.0)


def test_each_attempt_begins_at_the_address_that_was_given() -> None:
    source = make()
    source.connect()
    source.respond(Response(301, location="https://example.com/"), 0.0, 0.0)
    assert source.connect().url == "https://example.org/a/events"


def test_backoff_grows_to_its_ceiling_and_is_jittered_over_all_of_it() -> None:
    source = make(longest_delay=60.0)
    ceilings = []
    for attempt in range(12):
        source.connect()
        ceilings.append(source.lose(float(attempt), 0.999_999))
    assert [round(delay) for delay in ceilings] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
    source.connect()
    assert source.lose(99.0, 0.0) == backoff.SHORTEST_DELAY


def test_backoff_starts_again_after_an_event() -> None:
    source = make()
    for _ in range(6):
        source.connect()
        source.lose(0.0, 0.5)
    opened(source)
    source.receive(b"data: x\n\n")
    assert source.lose(0.1, 0.5) <= 1.0


def test_backoff_starts_again_after_a_long_quiet_connection() -> None:
    source = make()
    for _ in range(6):
        source.connect()
        source.lose(0.0, 0.5)
    opened(source, 100.0)
    source.receive(b": still here\n\n")
    assert source.lose(130.0, 0.5) <= 1.0
    assert not source.is_outage


def test_accepting_and_hanging_up_is_no_success() -> None:
    source = make()
    delays = []
    for attempt in range(7):
        opened(source, float(attempt))
        delays.append(source.lose(attempt + 0.1, 0.999_999))
    assert [round(delay) for delay in delays] == [1, 2, 4, 8, 16, 32, 60]
    assert source.is_outage


def test_a_server_that_is_back_after_ten_minutes_is_reconnected_to_within_the_ceiling() -> None:
    source, clock, chance = make(longest_delay=60.0), 0.0, Random(7)
    opened(source)
    source.receive(b"data: x\n\n")
    delays = []
    while clock < 600.0:
        delays.append(source.lose(clock, chance.random()))
        clock += delays[-1]
        source.connect()
    assert clock < 600.0 + 60.0 + 1.0
    assert source.respond(Response(200, STREAM), clock, clock) is None
    assert not source.is_outage
    assert len(delays) < 60
    assert len(set(delays)) == len(delays)
    assert max(delays) <= 60.0


def test_backoff_intervals_grow_up_to_their_ceiling_and_no_two_are_alike() -> None:
    """The means of a hundred streams that lose one server: what the server sees when it comes back."""
    chance = Random(7)
    rows = []
    for _ in range(100):
        source = make(longest_delay=60.0)
        source.connect()
        rows.append([source.lose(0.0, chance.random()) for _ in range(10)])
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    assert all(before < after for before, after in pairwise(means[:7]))
    assert all(25.0 < mean < 35.0 for mean in means[6:])
    assert len({delay for row in rows for delay in row if delay > backoff.SHORTEST_DELAY}) > 950


@pytest.mark.parametrize(
    ("page", "lived", "delay"),
    [
        (b'retry: 1000\nevent: open\ndata: "hello"\n\nid: 1\ndata: {}\n\nretry: 10\nevent: close\n\n', 6.0, 0.06),
        (b"", 30.0, 1.0),
        (b"id:7\nretry:3000\ndata:x\n\n", 30.0, 4.0),
        (b":ok\n\nevent: message\ndata: {}\n\n", 900.0, 1.0),
    ],
    ids=["Horizon", "Tomcat without an event", "Spring with a retry", "Wikimedia"],
)
def test_a_day_of_planned_closes_is_never_an_outage_and_never_slows_down(
    page: bytes, lived: float, delay: float
) -> None:
    source, now, chance, outages, waits = make(), 0.0, Random(7), 0, []
    while now < 86_400.0:
        opened(source, now)
        source.receive(page)
        now += lived
        waits.append(source.lose(now, chance.random()))
        now += waits[-1]
        outages += source.is_outage
        source.connect()
        outages += source.is_outage
    assert outages == 0
    assert max(waits) <= delay


@pytest.mark.parametrize(
    ("been_open", "answers", "may_recover"),
    [
        (False, [Response(200, "text/html")], True),
        (False, [Response(302, location="https://login.example.net/"), Response(404)], True),
        (False, [Response(302, location="ftp://example.net/")], True),
        (False, [Response(401)], False),
        (False, [Response(404)], False),
        (False, [Response(407)], False),
        (True, [Response(401)], True),
        (True, [Response(403)], True),
        (True, [Response(404)], True),
        (True, [Response(407)], True),
        (True, [Response(410)], False),
        (True, [Response(204)], False),
        (True, [Response(302, location="/x"), Response(204)], False),
        (False, [Response(200, STREAM, "compress")], False),
    ],
)
def test_what_another_network_might_answer_better_is_known(
    been_open: bool, answers: list[Response], may_recover: bool
) -> None:
    source = make()
    if been_open:
        opened(source)
    source.connect()
    with contextlib.suppress(StreamFailed):
        for answer in answers:
            source.respond(answer, 0.0, 0.0)
    assert source.ready_state is ReadyState.CLOSED
    assert source.may_recover == may_recover


def test_an_event_that_was_too_large_is_no_fault_of_the_network() -> None:
    source = make(event_limit=1_024)
    source.connect()
    source.respond(Response(302, location="/x"), 0.0, 0.0)
    source.respond(Response(200, STREAM), 0.0, 0.0)
    source.receive(b"data: " + b"x" * 2_000)
    with pytest.raises(StreamFailed):
        source.receive(b"")
    assert not source.may_recover


def test_one_event_and_hanging_up_at_once_may_not_make_us_spin() -> None:
    source, now, connections = make(), 0.0, 0
    while now < 600.0:
        opened(source, now)
        source.receive(b"retry: 0\ndata: hello\n\n")
        now += 0.001 + source.lose(now, 0.5)
        connections += 1
    assert connections < 600 / backoff.QUICK_RETURN_EVERY + 2 * backoff.QUICK_RETURNS


def test_a_planned_close_is_no_outage() -> None:
    """Horizon closes each page with `retry: 10`, Tomcat each stream after 30 s."""
    source, now = make(), 0.0
    for _ in range(100):
        opened(source, now)
        source.receive(b'retry: 10\nevent: close\ndata: "byebye"\n\n')
        delay = source.lose(now + 30.0, 0.9)
        assert delay < 0.2
        assert (source.is_outage, source.is_soon_back) == (False, True)
        now += 30.0 + delay


@pytest.mark.parametrize(
    ("retry", "floor", "ceiling"),
    [
        (b"retry: 0\n\n", 0.05, 0.11),
        (b"retry: 10\n\n", 0.05, 0.11),
        (b"retry: 3000\n\n", 3.0, 4.1),
        (b"retry: 99999999\n\n", 300.0, 301.1),
        (b"retry: soon\n\n", 0.05, 1.1),
    ],
)
def test_a_reconnection_time_is_obeyed_within_reason(retry: bytes, floor: float, ceiling: float) -> None:
    for chance in (0.0, 0.5, 0.999):
        source = opened(make())
        source.receive(retry)
        assert floor <= source.lose(30.0, chance) <= ceiling


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("5", 5.0),
        (" 120 ", 120.0),
        ("999999999", 3_600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.05),
        (formatdate(NOW + 1e6, usegmt=True), 3_600.0),
        ("tomorrow", 0.05),
        ("", 0.05),
        ("-5", 0.05),
        ("٣", 0.05),
        ("9" * 5_000, 0.05),
    ],
)
def test_retry_after_is_obeyed_as_seconds_and_as_a_date(retry_after: str, seconds: float) -> None:
    source = make()
    source.connect()
    with pytest.raises(StreamLost):
        source.respond(Response(503, retry_after=retry_after), 0.0, NOW)
    assert source.lose(0.0, 0.0) == pytest.approx(seconds)


def test_an_event_over_the_limit_fails_the_stream_and_keeps_what_came_before() -> None:
    source = opened(make(event_limit=1_024))
    assert [event.data for event in source.receive(b"data: first\n\ndata: " + b"x" * 2_000)] == ["first"]
    with pytest.raises(StreamFailed, match="1,024 bytes"):
        source.receive(b"")
    assert source.ready_state is ReadyState.CLOSED


def test_the_stream_resumes_after_the_last_event_in_safe_hands() -> None:
    source = opened(make("0"))
    first, second = source.receive(b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n")
    assert source.connect().headers["Last-Event-ID"] == "0"
    opened(source)
    first, second = source.receive(b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\n\n")
    assert (first.last_event_id, second.last_event_id, source.latest_event_id) == ("1", "2", "3")
    source.delivered(source.latest_event_id)
    assert source.connect().headers["Last-Event-ID"] == "3"


def test_events_inherit_the_id_that_was_resumed_from() -> None:
    (event,) = opened(make("41")).receive(b"data: x\n\n")
    assert (event.last_event_id, event.id) == ("41", None)


def test_half_an_event_is_not_carried_into_the_next_connection() -> None:
    source = opened(make())
    source.receive(b"data: half")
    source.lose(1.0, 0.0)
    assert opened(source).receive(b"data: whole\n\n")[0].data == "whole"


def test_it_is_an_outage_once_an_attempt_was_in_vain_and_until_one_is_answered() -> None:
    source = make()
    seen = []
    for step in (
        source.connect,
        lambda: source.lose(0.0, 0.5),
        source.connect,
        lambda: opened(source),
        lambda: source.lose(60.0, 0.5),
    ):
        step()
        seen.append(source.is_outage)
    assert seen == [False, True, True, False, False]


def test_asking_for_haste_starts_the_backoff_again() -> None:
    source = make()
    for _ in range(6):
        source.connect()
        source.lose(0.0, 0.5)
    source.hurry()
    assert source.lose(0.0, 0.999) <= 1.0


def test_haste_alone_does_not_end_an_outage() -> None:
    source = make()
    source.connect()
    source.lose(0.0, 0.5)
    source.hurry()
    source.connect()
    assert source.is_outage


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,30} [A-Z][a-z]{2} [0-9]{1,30} [0-9:+ -]{1,30}"))
def test_no_retry_after_breaks_us(retry_after: str) -> None:
    source = make()
    source.connect()
    with pytest.raises(StreamLost):
        source.respond(Response(503, retry_after=retry_after), 0.0, NOW)
    assert backoff.SHORTEST_DELAY <= source.lose(0.0, 0.0) <= exchange.LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    "retry_after",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 0001 00:00:00 -2359",
        "Mon, 31 Feb 2024 99:99:99 GMT",
        ",",
        " ",
    ],
)
def test_a_date_that_is_none_is_no_retry_after(retry_after: str) -> None:
    source = make()
    source.connect()
    with pytest.raises(StreamLost):
        source.respond(Response(503, retry_after=retry_after), 0.0, NOW)
    assert source.lose(0.0, 0.0) == backoff.SHORTEST_DELAY


@given(location=st.text(max_size=80) | st.from_regex(r"(https?:)?//[^/]{0,30}/?.{0,30}"))
def test_no_location_breaks_us(location: str) -> None:
    source = make()
    source.connect()
    with contextlib.suppress(StreamFailed):
        request = source.respond(Response(302, location=location), 0.0, 0.0)
        assert request is not None
        assert request.url.startswith(("http://", "https://"))


@given(
    lives=st.lists(
        st.tuples(
            st.sampled_from(["refused", "hung up", "event", "long"]),
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 10**12),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_wait_is_within_bounds(lives: list[tuple[str, float, int]]) -> None:
    source, now = make(), 0.0
    for what, chance, retry in lives:
        source.connect()
        if what != "refused":
            opened(source, now)
        if what == "event":
            source.receive(b"retry: %d\ndata: x\n\n" % retry)
        now += 30.0 if what == "long" else 0.01
        delay = source.lose(now, chance)
        assert backoff.SHORTEST_DELAY <= delay <= backoff.LONGEST_RETRY + 60.0
        now += delay


def test_every_wait_is_another_one() -> None:
    source = make()
    delays = []
    for chance in (0.1, 0.35, 0.2, 0.7, 0.55):
        source.connect()
        delays.append(source.lose(0.0, chance))
    assert all(a != b for a, b in pairwise(delays))


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("https://example.org/events", True),
        ("http://192.168.1.2/events", True),
        ("http://localhost.example.org/", True),
        ("http://localhost:8080/events", False),
        ("http://app.localhost/events", False),
        ("http://127.0.0.1/events", False),
        ("http://127.9.9.9/events", False),
        ("http://[::1]:8080/events", False),
        ("http+unix://%2Frun%2Fa.sock/events", False),
    ],
)
def test_only_streams_of_other_machines_wait_for_the_network(url: str, held: bool) -> None:
    source = Source(Stream(url=url, name="ci"))
    source.hold(0.0)
    assert source.is_held == held
    assert source.release() == held
    assert not source.is_held


def test_a_stream_that_was_heard_without_the_network_needs_no_new_connection_with_it() -> None:
    source = opened(make())
    source.hold(100.0)
    source.last_heard = 115.0
    assert not source.release()
    source.hold(200.0)
    assert source.release()


def test_a_network_that_is_another_now_needs_a_new_connection() -> None:
    assert opened(make()).release()


def test_a_stream_without_a_network_is_offline_and_not_soon_back() -> None:
    source = opened(make())
    source.lose(60.0, 0.5)
    assert (source.is_outage, source.is_soon_back) == (False, True)
    source.hold(0.0)
    assert (source.is_outage, source.is_soon_back) == (True, False)


def test_a_reconnection_time_lasts_until_another_comes() -> None:
    source = make()
    waits = []
    for body in (b"retry: 30000\n\n", None, None):
        if body is not None:
            opened(source).receive(body)
        else:
            source.connect()
        waits.append(source.lose(0.0, 0.0))
    assert waits == [30.0, 30.0, 30.0]
    opened(source).receive(b"retry: 5000\n\n")
    assert source.lose(0.0, 0.0) == 5.0


def test_an_id_that_no_header_takes_leaves_the_older_one() -> None:
    source = make("7")
    source.delivered("x" * (ID_LIMIT + 1))
    assert source.connect().headers["Last-Event-ID"] == "7"
    source.delivered("x" * ID_LIMIT)
    assert source.connect().headers["Last-Event-ID"] == "x" * ID_LIMIT


def test_an_id_that_no_header_takes_is_new_once() -> None:
    source = opened(make("7"))
    found = [source.has_new_id]
    source.receive(b"id: " + b"x" * (ID_LIMIT + 1) + b"\ndata: a\n\n")
    found.append(source.has_new_id)
    source.delivered(source.latest_event_id)
    source.receive(b":\n")
    found.append(source.has_new_id)
    source.connect()
    assert [*found, source.has_new_id] == [False, True, False, False]


def test_what_came_before_a_sleep_or_was_under_way_is_no_sign_of_a_network() -> None:
    source = opened(make())
    source.hold(100.0)
    source.last_heard = 101.0
    assert source.release()
    source.hold(200.0)
    source.last_heard = 210.0
    assert not source.woke(20_000.0)
    assert source.release()
    assert source.woke(30_000.0)
