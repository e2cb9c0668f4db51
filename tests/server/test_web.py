"""server.web: what peers see on the wire."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from server.crew import Crew
from server.eventlog.memory import MemoryLog
from server.site import MESSAGE_LIMIT
from server.web import claimed, serve
from tests.server.client import PATIENCE, Stream, publish, request, subscribe


async def test_a_published_text_arrives_with_the_id_that_its_publisher_was_told() -> None:
    async with serve() as url, subscribe(url) as stream:
        answer = await publish(url, "Backup done")
        assert answer.status == 201
        assert answer.headers["content-type"].startswith("application/json")
        await stream.until("Backup done\n\n")
        assert stream.events == [("message", "Backup done", answer.json["id"])]


async def test_published_fields_arrive_as_json_under_their_type() -> None:
    async with serve() as url, subscribe(url) as stream:
        await publish(url, {"type": "build", "title": "Failed", "urgency": "critical", "link": "https://ci.example/7"})
        await stream.until("ci.example/7")
        await stream.until("}\n\n")
        [event] = stream.events
        assert event.type == "build"
        assert json.loads(event.data) == {"title": "Failed", "urgency": "critical", "link": "https://ci.example/7"}


async def test_headers_and_parameters_add_fields_to_text() -> None:
    async with serve() as url, subscribe(url) as stream:
        await publish(url, "disk full", path="/events?topic=ops", headers="Title: Köln\r\nUrgency: critical\r\n")
        await stream.until("}\n\n")
        fields = json.loads(stream.events[0].data)
        assert fields == {"title": "Köln", "body": "disk full", "urgency": "critical", "topic": "ops"}


async def test_text_of_many_lines_arrives_whole() -> None:
    async with serve() as url, subscribe(url) as stream:
        await publish(url, "one\r\ntwo\rthree\n\nid: forged\nevent: forged\n")
        await stream.until("event: forged\n\n")
        [event] = stream.events
        assert (event.type, event.data) == ("message", "one\ntwo\nthree\n\nid: forged\nevent: forged")


async def test_a_stream_begins_with_what_a_client_needs_and_asks_nobody_to_store_it() -> None:
    async with serve() as url, subscribe(url) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert "content-encoding" not in stream.headers
        lines = stream.body.decode().split("\n")
        assert lines[0] == "retry: 2000"
        assert lines[1].startswith("id: ")
        assert lines[2:] == ["", ""]
        assert stream.events == []


async def test_a_stream_is_never_compressed() -> None:
    async with serve() as url, subscribe(url, headers="Accept-Encoding: gzip, deflate, br\r\n") as stream:
        assert "content-encoding" not in stream.headers


async def test_each_event_is_one_chunk() -> None:
    async with serve() as url, subscribe(url) as stream:
        seen = len(stream.chunks)
        for text in ("first", "second"):
            await publish(url, text)
        await stream.until("second\n\n")
        assert [chunk.decode().split("data: ")[1] for chunk in stream.chunks[seen:]] == ["first\n\n", "second\n\n"]


async def test_http_1_0_gets_the_same_events_without_chunks() -> None:
    async with serve() as url, subscribe(url, version="1.0") as stream:
        assert "transfer-encoding" not in stream.headers
        answer = await publish(url, "old but gold")
        body = await stream.until("old but gold\n\n")
        assert body.endswith(f"id: {answer.json['id']}\ndata: old but gold\n\n")


async def test_a_client_without_an_id_gets_only_what_is_new() -> None:
    async with serve() as url:
        await publish(url, "before")
        async with subscribe(url) as stream:
            await publish(url, "after")
            await stream.until("after\n\n")
            assert [event.data for event in stream.events] == ["after"]


async def test_a_client_that_lost_its_connection_gets_exactly_what_it_missed() -> None:
    async with serve() as url:
        async with subscribe(url) as stream:
            await publish(url, "seen")
            await stream.until("seen\n\n")
            last = stream.events[-1].id
        for text in ("missed 1", "missed 2"):
            await publish(url, text)
        async with subscribe(url, last_event_id=last) as stream:
            await stream.until("missed 2\n\n")
            await publish(url, "new")
            await stream.until("new\n\n")
            assert [event.data for event in stream.events] == ["missed 1", "missed 2", "new"]


async def test_a_client_that_lost_its_connection_before_the_first_event_misses_nothing() -> None:
    async with serve() as url:
        async with subscribe(url) as stream:
            mark = stream.body.decode().split("id: ")[1].split("\n")[0]
        await publish(url, "meanwhile")
        async with subscribe(url, last_event_id=mark) as stream:
            await stream.until("meanwhile\n\n")
            assert [event.data for event in stream.events] == ["meanwhile"]


async def test_after_a_restart_a_client_is_told_so_and_gets_all_since() -> None:
    async with serve() as url:
        last = (await publish(url, "in the old life")).json["id"]
    async with serve() as url:
        for text in ("new 1", "new 2"):
            await publish(url, text)
        async with subscribe(url, last_event_id=last) as stream:
            await stream.until("new 2\n\n")
            reset, *events = stream.events
            assert reset.type == "reset"
            fields = json.loads(reset.data)
            assert fields["reason"] == "unknown"
            assert fields["title"]
            assert fields["body"]
            assert [event.data for event in events] == ["new 1", "new 2"]


async def test_after_a_restart_into_an_empty_log_a_client_is_told_once() -> None:
    async with serve() as url:
        last = (await publish(url, "in the old life")).json["id"]
    async with serve() as url:
        async with subscribe(url, last_event_id=last) as stream:
            await stream.until("}\n\n")
            [reset] = stream.events
        async with subscribe(url, last_event_id=reset.id) as stream:
            await publish(url, "hello again")
            await stream.until("hello again\n\n")
            assert [event.type for event in stream.events] == ["message"]


async def test_an_id_that_is_too_old_gets_a_reset_and_all_that_is_left() -> None:
    async with serve(log=MemoryLog(records=3)) as url:
        ids = [(await publish(url, f"m{number}")).json["id"] for number in range(1, 7)]
        async with subscribe(url, last_event_id=ids[0]) as stream:
            await stream.until("m6\n\n")
            reset, *events = stream.events
            assert json.loads(reset.data)["reason"] == "expired"
            assert [event.data for event in events] == ["m4", "m5", "m6"]
        async with subscribe(url, last_event_id=ids[2]) as stream:
            await stream.until("m6\n\n")
            assert [event.data for event in stream.events] == ["m4", "m5", "m6"]


@pytest.mark.parametrize("hostile", ["x", ":", "1:1:1", "\u00e9", "a" * 4_000, "' OR 1=1"], ids=ascii)
async def test_a_strange_id_gets_a_reset_and_nothing_else_happens(hostile: str) -> None:
    async with serve() as url:
        await publish(url, "here")
        async with subscribe(url, last_event_id=hostile) as stream:
            await stream.until("here\n\n")
            assert [event.type for event in stream.events] == ["reset", "message"]


async def test_an_envelope_makes_every_type_a_message() -> None:
    async with serve() as url, subscribe(url, "/events?envelope=json") as stream:
        answer = await publish(url, {"type": "build", "topic": "ci", "data": "not json"})
        await stream.until("}\n\n")
        [event] = stream.events
        assert event.type == "message"
        envelope = json.loads(event.data)
        assert envelope.pop("time") > 1_700_000_000
        assert envelope == {"type": "build", "topic": "ci", "id": answer.json["id"], "data": "not json"}


async def test_a_subscriber_gets_the_topics_and_types_it_asked_for_live_and_replayed() -> None:
    async with serve() as url:
        async with subscribe(url, "/events?topic=ci/*&topic=ops&type=message") as stream:
            start = stream.body.decode().split("id: ")[1].split("\n")[0]
            for topic in ("ci/main", "ci", "ops", "ops2", "default"):
                await publish(url, f"to {topic}", path=f"/events?topic={topic}")
            await publish(url, "of another type", path="/events?topic=ops&type=other")
            await publish(url, "end", path="/events?topic=ops")
            await stream.until("end\n\n")
            assert [event.data for event in stream.events] == ["to ci/main", "to ops", "end"]
        path = "/events?topic=ci/*&topic=ops&type=message"
        async with subscribe(url, path, last_event_id=start) as stream:
            await stream.until("end\n\n")
            assert [event.data for event in stream.events] == ["to ci/main", "to ops", "end"]


async def test_a_browser_s_header_goes_before_the_id_in_its_url_and_both_before_since() -> None:
    async with serve() as url:
        ids = [(await publish(url, f"m{number}")).json["id"] for number in (1, 2, 3)]
        for path, last_event_id, expected in (
            (f"/events?last_event_id={ids[0]}", None, ["m2", "m3"]),
            (f"/events?last_event_id={ids[0]}", ids[1], ["m3"]),
            (f"/events?since=all&last_event_id={ids[1]}", None, ["m3"]),
            ("/events?since=all", ids[1], ["m3"]),
            ("/events?since=all", None, ["m1", "m2", "m3"]),
            ("/events?since=1h", None, ["m1", "m2", "m3"]),
            ("/events?since=2001-01-01T00:00:00Z", None, ["m1", "m2", "m3"]),
        ):
            async with subscribe(url, path, last_event_id=last_event_id) as stream:
                await stream.until("m3\n\n")
                assert [event.data for event in stream.events] == expected
        async with subscribe(url, "/events?since=2999-01-01T00:00:00Z") as stream:
            await publish(url, "m4")
            await stream.until("m4\n\n")
            assert [event.data for event in stream.events] == ["m4"]


NDJSON = "Content-Type: application/x-ndjson\r\n"


async def test_a_batch_is_published_whole_and_in_its_order() -> None:
    async with serve() as url, subscribe(url) as stream:
        answer = await publish(url, '{"data": "one"}\n\n{"data": "two"}\r\n{"title": "three"}', headers=NDJSON)
        assert answer.status == 201
        await stream.until("three")
        await stream.until("}\n\n")
        assert [event.data for event in stream.events] == ["one", "two", '{"title":"three"}']
        assert [event.id for event in stream.events] == json.loads(answer.body)["ids"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"data": "one"}\n{"titel": "x"}', 422, "line 2: titel: no such field"),
        ('{"data": "one"}\n{"data"', 400, "line 2: the body is not JSON"),
        ("\n\n", 400, "empty"),
        ('{"data":1}\n' * 1_001, 400, "line 1001: a batch has at most 1000 messages"),
        ('{"data":"' + "x" * 1_100_000 + '"}', 413, "1048576"),
    ],
    ids=range(5),
)
async def test_a_batch_with_one_wrong_line_is_refused_whole(body: str, status: int, words: str) -> None:
    async with serve() as url, subscribe(url) as stream:
        answer = await publish(url, body, headers=NDJSON)
        assert answer.status == status
        assert words in answer.json["error"]
        await publish(url, "good")
        await stream.until("good\n\n")
        assert [event.data for event in stream.events] == ["good"]


async def test_who_asks_for_what_is_rare_moves_on_with_all_that_is_not_for_it() -> None:
    async with serve() as url:
        ids: list[str] = []
        for _ in range(2):
            ids += (await publish(url, '{"data":1}\n' * 1_000, headers=NDJSON)).json["ids"]
        async with subscribe(url, "/events?topic=rare", last_event_id=ids[0]) as stream:
            await stream.until(f"id: {ids[-1]}\n\n")
            assert stream.events == []


async def test_a_publisher_that_repeats_itself_under_one_key_is_heard_once() -> None:
    async with serve() as url, subscribe(url) as stream:
        first = await publish(url, "paid", headers='Idempotency-Key: "order 7"\r\n')
        again = await publish(url, "paid", headers="Idempotency-Key: order 7\r\n")
        other = await publish(url, "paid", headers='Idempotency-Key: "order 8"\r\n')
        assert [answer.status for answer in (first, again, other)] == [201, 201, 201]
        assert first.json == again.json != other.json
        assert (await publish(url, "x", headers='Idempotency-Key: ""\r\n')).status == 422
        unlike = await publish(url, "paid twice", headers='Idempotency-Key: "order 7"\r\n')
        assert (unlike.status, unlike.json["field"]) == (422, "Idempotency-Key")
        assert "another message was published under this name" in unlike.json["error"]
        await publish(url, "end")
        await stream.until("end\n\n")
        assert [event.data for event in stream.events] == ["paid", "paid", "end"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        ({"titel": "x"}, "", 422, "titel: no such field; did you mean title?"),
        ({"title": 1}, "", 422, "title: text"),
        ({"body": "x", "link": "javascript:alert(1)"}, "", 422, "link: "),
        ({"body": "x", "type": "a\nid: 1"}, "", 422, "type: "),
        ("", "", 422, "empty"),
        ("x", "Urgency: loud\r\n", 422, "urgency: one of low, normal, critical"),
        ("{", "Content-Type: application/json\r\n", 400, "not JSON"),
        ("[1]", "Content-Type: application/json\r\n", 400, "no object"),
        (b"\xff", "", 400, "not UTF-8"),
        ("x", "Content-Type: multipart/form-data; boundary=b\r\n", 415, "UTF-8"),
        ("x", "Content-Type: text/plain; charset=latin-1\r\n", 415, "UTF-8"),
        ("x" * (MESSAGE_LIMIT + 1), "", 413, str(MESSAGE_LIMIT)),
        ("x", "Origin: https://evil.example\r\n", 403, "origin"),
        ("x", "Origin: null\r\n", 403, "origin"),
    ],
)
async def test_a_refused_message_is_answered_with_a_sentence_and_reaches_nobody(
    body: str | bytes | dict[str, object], headers: str, status: int, words: str
) -> None:
    async with serve() as url, subscribe(url) as stream:
        answer = await publish(url, body, headers=headers)
        assert answer.status == status
        assert words in answer.json["error"]
        await publish(url, "good")
        await stream.until("good\n\n")
        assert [event.data for event in stream.events] == ["good"]


async def test_a_message_of_the_size_that_is_allowed_arrives_whole() -> None:
    async with serve() as url, subscribe(url) as stream:
        assert (await publish(url, "x" * MESSAGE_LIMIT)).status == 201
        await stream.until("x\n\n")
        assert stream.events[0].data == "x" * MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /events HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", 421),
        (b"POST /events HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1\r\n\r\nx", 421),
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n", 200),
        (b"GET /events?since=soon HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        (b"GET /events?topic=a%20b HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        (b"GET /events?nonsense=1 HTTP/1.1\r\nHost: {host}\r\n\r\n", 400),
        (b"GET /page/..%2fweb.py HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        (b"GET /page/../web.py HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        (b"GET /page/%2e%2e/web.py HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        (b"GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n", 404),
        (b"PUT /events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n", 405),
    ],
)
async def test_requests_that_are_not_for_this_server_are_answered_so(raw: bytes, status: int) -> None:
    async with serve() as url:
        answer = await request(url, raw)
        assert answer.status == status
        if status in (400, 421):
            assert answer.json["error"]


@pytest.mark.parametrize(
    "path", ["/", "/page/page.js", "/page/none", "/openapi.json", "/status.json", "/health", "/health/live", "/metrics"]
)
async def test_head_is_answered_as_get_is_but_for_the_body(path: str) -> None:
    async with serve() as url:
        ask = f"{path} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"
        whole = await request(url, b"GET " + ask.encode())
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"HEAD " + ask.replace("{host}", parts.netloc).encode())
        async with asyncio.timeout(PATIENCE):
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        status, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        assert (int(status.split()[1]), body) == (whole.status, "")
        assert headers | {"date": ""} == whole.headers | {"date": ""}


async def test_head_opens_no_stream() -> None:
    async with serve() as url:
        head = await request(url, b"HEAD /events HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert (head.status, head.headers["allow"]) == (405, "GET,OPTIONS,POST")
        status = await request(url, b"GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert json.loads(status.body)["subscribers"] == 0


async def test_the_page_lets_no_foreign_script_run_and_nobody_frame_it() -> None:
    async with serve() as url:
        for path, kind in (
            ("/", "text/html"),
            ("/page/page.js", "text/javascript"),
            ("/page/page.css", "text/css"),
            ("/page/icon.svg", "image/svg+xml"),
        ):
            answer = await request(url, f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n".encode())
            assert answer.status == 200
            assert answer.headers["content-type"].startswith(kind)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_browser_that_has_the_page_is_not_given_it_again() -> None:
    async with serve() as url:
        ask = "GET /page/page.css HTTP/1.1\r\nHost: {{host}}\r\nIf-None-Match: {}\r\n\r\n"
        first = await request(url, ask.format('"other"').encode())
        assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
        for known in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
            again = await request(url, ask.format(known).encode())
            assert (again.status, again.body) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]


async def test_the_status_counts_subscribers_events_and_deliveries() -> None:
    ask = b"GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n"
    async with serve() as url:
        async with subscribe(url) as one, subscribe(url) as two, subscribe(url, "/events?topic=ci") as three:
            for _ in range(5):
                await publish(url, "x")
            await publish(url, "end", path="/events?topic=ci")
            for stream in (one, two, three):
                await stream.until("end\n\n")
            status = json.loads((await request(url, ask)).body)
            assert status.pop("started") > 1_700_000_000
            assert status == {"worker": 1, "workers": 1, "subscribers": 3, "events": 6, "deliveries": 6 + 6 + 1}
        async with subscribe(url, "/events?since=all") as late:
            await late.until("end\n\n")
            assert json.loads((await request(url, ask)).body)["deliveries"] == 13 + 6


async def test_the_status_says_whose_counts_it_has() -> None:
    for worker, workers in ((1, 1), (3, 4)):
        async with serve(crew=Crew(worker, workers)) as url:
            told = json.loads((await request(url, b"GET /status.json HTTP/1.1\r\nHost: {host}\r\n\r\n")).body)
            assert (told["worker"], told["workers"]) == (worker, workers)


async def test_a_stop_ends_every_stream_as_http_says() -> None:
    async with serve() as url:
        streams = [subscribe(url, version=version) for version in ("1.1", "1.1", "1.0")]
        opened: list[Stream] = [await stream.__aenter__() for stream in streams]
        await publish(url, "last words")
    for stream, managed in zip(opened, streams, strict=True):
        assert (await stream.end()).endswith("data: last words\n\nretry: 2000\n")
        await managed.__aexit__(None, None, None)


async def test_a_stop_does_not_wait_for_a_reader_that_is_stuck() -> None:
    async with serve() as url:
        stuck = subscribe(url)
        await stuck.__aenter__()
        for _ in range(40):
            await publish(url, "x" * MESSAGE_LIMIT)
    await stuck.__aexit__(None, None, None)


async def test_a_hello_demo_says_hello() -> None:
    async with serve(demo="hello") as url, subscribe(url) as stream:
        await stream.until("data: Hello, world!\n\n")


async def test_a_broken_demo_sends_raw_bytes() -> None:
    async with serve(demo="broken") as url, subscribe(url) as stream:
        async with asyncio.timeout(8):
            while b"\xff" not in stream.body:
                await stream.more()


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    async with serve() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with serve(port=port):
                pytest.fail("two servers on one port")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_a_claimed_address_is_for_servers_that_share_it_and_for_no_second_claim(host: str) -> None:
    async with serve(host=host) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with claimed(host, port):
                pytest.fail("a port that is taken was claimed")
    for _ in range(2):
        async with claimed(host, port):
            for is_anybody_there in (False, True):
                async with AsyncExitStack() as stack:
                    for _ in range(2 if is_anybody_there else 0):
                        await stack.enter_async_context(serve(host=host, port=port, crew=Crew(1, 2)))
                    for other in (claimed(host, port), serve(host=host, port=port)):
                        with pytest.raises(OSError, match="in use"):
                            await stack.enter_async_context(other)
                    for _ in range(10 if is_anybody_there else 0):
                        assert (await publish(url, "x")).status == 201


async def test_a_claim_is_not_shared_with_who_began_to_make_one_at_the_same_time() -> None:
    async with serve() as url:
        port = int(url.rpartition(":")[2])
    with socket.socket() as early:
        early.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        early.bind(("127.0.0.1", port))
        async with claimed("127.0.0.1", port):
            with pytest.raises(OSError, match="in use"):
                early.listen()


async def test_a_name_with_several_addresses_is_one_server_on_one_port() -> None:
    async with serve(host="localhost") as url:
        assert url.startswith("http://localhost:")
        assert (await request(url, b"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).status == 200
        by_address = url.replace("localhost", "127.0.0.1")
        assert (await request(by_address, b"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).status == 200


async def test_an_ipv6_address_is_written_as_urls_have_it() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    async with serve(host="::1") as url:
        assert url.startswith("http://[::1]:")
        assert (await request(url, b"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).status == 200
