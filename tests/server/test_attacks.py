"""What a stranger may try, tried: each is refused with a clear answer, and the server goes on."""

import asyncio
import json
import logging
import zlib
from pathlib import Path

import pytest

from server import auth
from server.limit import Limits
from server.site import BATCH_LIMIT, MESSAGE_LIMIT
from server.tokens import Tokens
from server.web import serve
from tests.server.browser import PATIENCE, Chromium
from tests.server.client import Answer, publish, request, subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "Content-Type: application/json\r\n"
NDJSON = "Content-Type: application/x-ndjson\r\n"
LINE_ENDS = ["\n", "\r", "\r\n", "\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
"""Everything that some reader takes for the end of a line, or of a text."""
FORGED = "data: forged"


async def only_arrives(url: str, *, attacks: list[Answer], statuses: set[int]) -> None:
    """Every attack was refused with a sentence, and the log holds nothing of them."""
    for answer in attacks:
        assert answer.status in statuses, answer
        assert len(answer.json["error"]) > 10 if answer.headers["content-type"].startswith("application/json") else True
    await publish(url, "good")
    async with subscribe(url, "/events?since=all") as stream:
        await stream.until("good\n\n")
        assert [event.data for event in stream.events] == ["good"]


# ---- forged fields


@pytest.mark.parametrize("field", ["topic", "type", "title", "urgency", "link", "key"])
async def test_no_line_end_in_a_field_can_forge_another(field: str) -> None:
    start = {"topic": "ci", "urgency": "low", "link": "https://ci.example/"}.get(field, "x")
    async with serve() as url:
        attacks = []
        for end in LINE_ENDS:
            value = f"{start}{end}{FORGED}"
            attacks.append(await publish(url, {field: value, "body": "x"}))
            attacks.append(await publish(url, json.dumps({field: value, "body": "x"}), headers=NDJSON))
            quoted = "".join(f"%{byte:02x}" for byte in value.encode())
            attacks.append(await publish(url, "x", path=f"/events?{field}={quoted}"))
        assert {answer.json["field"] for answer in attacks} == {field}
        await only_arrives(url, attacks=attacks, statuses={422})


@pytest.mark.parametrize("end", ["\r", "\n", "\x00"])
@pytest.mark.parametrize("header", ["Topic", "Title", "Link", "Key", "Idempotency-Key", "Last-Event-ID", "X"])
async def test_no_line_end_in_a_header_reaches_anything(header: str, end: str) -> None:
    async with serve() as url:
        answer = await publish(url, "x", headers=f"{header}: a{end}b: c\r\n")
        await only_arrives(url, attacks=[answer], statuses={400})


@pytest.mark.parametrize("end", LINE_ENDS)
async def test_line_ends_in_text_stay_text(end: str) -> None:
    text = f"one{end}{end}event: forged{end}id: 9{end}retry: 1{end}: x{end}{end}{FORGED}{end}{end}"
    async with serve() as url, subscribe(url) as stream:
        assert (await publish(url, {"data": text})).status == 201
        assert (await publish(url, {"title": "t", "body": text})).status == 201
        await publish(url, text.encode(), headers="Content-Type: text/plain\r\n")
        await publish(url, "end")
        await stream.until("data: end\n\n")
        assert [event.type for event in stream.events] == ["message"] * 4
        assert stream.body.decode().count("retry:") == text.count("retry:") * 3 + 1
        for line in stream.body.decode().split("\n"):
            assert line.startswith(("data: ", "id: ", "retry: 2000")) or line == ""


@pytest.mark.parametrize("value", ["a%0aid: 9", "%00", "a%0d%0a%0d%0adata: forged"])
async def test_an_id_that_is_sent_back_forges_nothing(value: str) -> None:
    path = f"/events?last_event_id={value.replace(' ', '%20')}"
    async with serve() as url, subscribe(url, path, last_event_id="") as stream:
        await stream.until("}\n\n")
        [reset] = stream.events
        assert reset.type == "reset"
        assert "forged" not in stream.body.decode()


# ---- oversized


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    ("body", "headers", "statuses"),
    [
        ("x" * (MESSAGE_LIMIT + 1), "", {413}),
        ('{"data": "' + "x" * MESSAGE_LIMIT + '"}', JSON, {413}),
        ("x" * (BATCH_LIMIT + 1), NDJSON, {413}),
        ('{"data": ' + NESTED, JSON, {400}),
        ('{"data": ' + NESTED + "]" * 100_000 + "}", JSON, {400, 422}),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, JSON, {400, 422}),
        ('{"data": ' + "9" * 100_000 + "}", JSON, {400}),
        ('{"data": 1e999}', JSON, {422}),
        ('{"data": -1e999}', JSON, {422}),
        ('{"data": NaN}', JSON, {400}),
        ('{"data": "\\ud800"}', JSON, {422}),
        ('{"title": "' + "x" * 1_001 + '"}', JSON, {422}),
        ('{"data": 1, "key": "' + "x" * 129 + '"}', JSON, {422}),
        ('{"data": 1, "topic": "' + "x" * 129 + '"}', JSON, {422}),
        ('{"data": 1, "link": "https://x/' + "x" * 2_048 + '"}', JSON, {422}),
        ('{"' + "x" * 200_000 + '": 1}', JSON, {422}),
        ('{"data":1}\n' * 1_001, NDJSON, {400}),
        ('{"data": "' + "x" * BATCH_LIMIT + '"}', NDJSON, {413}),
        ("x", f"Idempotency-Key: {'k' * 129}\r\n", {422}),
        (zlib.compress(b"x" * 50_000_000), "Content-Encoding: deflate\r\n", {415}),
        (b"\x1f\x8b", "Content-Encoding: gzip\r\n", {415}),
        ("x", "Content-Encoding: rot13\r\n", {415}),
    ],
    ids=range(22),
)
async def test_an_oversized_body_is_refused(body: str | bytes, headers: str, statuses: set[int]) -> None:
    async with serve() as url:
        answer = await publish(url, body, headers=headers)
        assert len(answer.body) < 1_000
        await only_arrives(url, attacks=[answer], statuses=statuses)


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes() -> None:
    async with serve() as url:
        raw = b"POST /events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999\r\n\r\n"
        await only_arrives(url, attacks=[await request(url, raw)], statuses={413})


async def test_a_body_of_endless_chunks_is_cut_off() -> None:
    async with serve() as url:
        head = b"POST /events HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        await only_arrives(url, attacks=[await request(url, head + chunks * 40)], statuses={413})


@pytest.mark.parametrize(
    "query",
    [
        "&".join(["topic=a"] * 21),
        "&".join(["type=a"] * 21),
        "topic=" + "a" * 129,
        "topic=" + "a" * 9_000,
        "since=" + "9" * 5_000,
        "since=99999999999999999999d",
        "since=9999-99-99T99:99:99Z",
        "&".join(f"x{n}=1" for n in range(1_000)),
    ],
    ids=range(8),
)
async def test_an_oversized_subscription_is_refused(query: str) -> None:
    async with serve() as url:
        answer = await request(url, f"GET /events?{query} HTTP/1.1\r\nHost: {{host}}\r\n\r\n".encode())
        await only_arrives(url, attacks=[answer], statuses={400})


async def test_patterns_made_to_be_slow_are_not() -> None:
    async with serve() as url, asyncio.timeout(8):
        pattern = "*a" * 60 + "b"
        async with subscribe(url, f"/events?topic={pattern}&topic=default") as stream:
            for _ in range(20):
                await publish(url, "x", path="/events?topic=" + "a" * 128)
            await publish(url, "end")
            await stream.until("end\n\n")


async def test_a_last_event_id_as_long_as_a_header_may_be_gets_a_reset() -> None:
    async with serve() as url, subscribe(url, last_event_id="9" * 8_000) as stream:
        await stream.until("}\n\n")
        assert [event.type for event in stream.events] == ["reset"]
        assert len(stream.body) < 1_000


# ---- heads that two readers would understand in two ways


POST = b"POST /events HTTP/1.1\r\nHost: {host}\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
TWO_WAYS = {
    "a length and chunks": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX",
    "the same length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 9\r\n\r\nx",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\nx",
    "a signed length": POST + b"Content-Length: +1\r\n\r\nx",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\nx",
    "a length with a line": POST + b"Content-Length: 1_0\r\n\r\nxxxxxxxxxx",
    "a length over 64 bits": POST + b"Content-Length: 99999999999999999999999999\r\n\r\nx",
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "two headers of codings": CHUNKED[:-2] + b"Transfer-Encoding: identity\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"/1.1", b"/1.0") + b"1\r\nx\r\n0\r\n\r\n",
    "a folded header": POST + b"X: a\r\n b\r\nContent-Length: 1\r\n\r\nx",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "LF alone": b"POST /events HTTP/1.1\nHost: {host}\nContent-Length: 1\n\nx",
    "LF alone in a header": POST + b"X: a\nContent-Length: 1\r\n\r\nx",
    "CR alone in a header": POST + b"X: a\rContent-Length: 1\r\n\r\nx",
    "NUL in a name": POST + b"X\x00: a\r\nContent-Length: 1\r\n\r\nx",
    "LF in a chunk extension": CHUNKED + b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "LF alone after a chunk's size": CHUNKED + b"1\nx\n0\n\n",
    "a negative chunk": CHUNKED + b"-1\r\nx\r\n0\r\n\r\n",
    "a chunk of 0x1": CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n",
    "a chunk over 64 bits": CHUNKED + b"ffffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nxyz0\r\n\r\n",
    "a thousand trailers": CHUNKED + b"1\r\nx\r\n0\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
    "no host": b"POST /events HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    "two hosts": POST + b"Host: evil.example\r\nContent-Length: 1\r\n\r\nx",
    "a space in the target": b"POST /events x HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1\r\n\r\nx",
    "another version": b"POST /events HTTP/9.9\r\nHost: {host}\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a long target": b"POST /events?topic=" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a long header": POST + b"X: " + b"a" * 9_000 + b"\r\n\r\n",
    "too many headers": POST + b"X: y\r\n" * 200 + b"\r\n",
    "a long method": b"A" * 9_000 + b" /events HTTP/1.1\r\nHost: {host}\r\n\r\n",
}


@pytest.mark.parametrize("name", TWO_WAYS)
async def test_a_request_that_can_be_read_in_two_ways_is_read_in_none(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = TWO_WAYS[name]
    async with serve() as url:
        answers, is_closed = await everything(url, raw)
        assert answers.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
        assert is_closed, "what follows on this connection might be a part of the first request"
        assert b"Traceback" not in answers
        assert answers.partition(b"\r\n\r\n")[2].strip(), "it says why"
        assert caplog.messages == [], "and nobody can fill a log with it"
        await only_arrives(url, attacks=[], statuses=set())


async def everything(url: str, raw: bytes) -> tuple[bytes, bool]:
    """All that comes back, and whether the server ended the connection."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw.replace(b"{host}", f"{host}:{port}".encode()))
    try:
        async with asyncio.timeout(5):
            return await reader.read(), True
    except TimeoutError:
        return b"", False
    finally:
        writer.transport.abort()


async def test_chunk_extensions_and_bodies_of_a_get_are_read_over() -> None:
    async with serve() as url, subscribe(url) as stream:
        for extension in (b";a=b", b";" + b"a" * 60_000):
            raw = CHUNKED + b"1" + extension + b"\r\nx\r\n0\r\n\r\n"
            assert (await request(url, raw)).status == 201
        hidden = b"POST /events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nsmuggled!"
        host = url.removeprefix("http://").encode()
        length = len(hidden.replace(b"{host}", host))
        raw = b"GET /health HTTP/1.1\r\nHost: {host}\r\nContent-Length: %d\r\n\r\n" % length
        assert (await request(url, raw + hidden)).status == 200
        await publish(url, "end")
        await stream.until("end\n\n")
        assert [event.data for event in stream.events] == ["x", "x", "end"]


async def test_a_head_that_cannot_be_read_leaves_no_token_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve() as url:
        raw = POST + b"Authorization: Bearer s3cret\x01\r\n\r\n"
        assert (await request(url, raw)).status == 400
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/page/../site.py",
        "/page/..%2fsite.py",
        "/page/%2e%2e/site.py",
        "/page/%252e%252e%252fsite.py",
        "/page/..\\site.py",
        "/page/%5c..%5csite.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/index.html%00.js",
        "/page/%ff%fe",
        "/page/",
        "/page",
        "/page/.",
        "/page/page.js/",
        "/PAGE/page.js",
        "//evil.example/",
        "/events/",
        "/events;x",
        "/%zz",
        "/health/..",
        "/.git/config",
    ],
)
async def test_no_path_leads_to_another_file(path: str) -> None:
    async with serve() as url:
        for query in ("", "?/page/page.js"):
            answer = await request(url, f"GET {path}{query} HTTP/1.1\r\nHost: {{host}}\r\n\r\n".encode())
            assert answer.status == 404
            assert answer.json == {"error": "there is nothing here; the page is at / and the events are at /events"}


# ---- slow senders


async def test_heads_and_bodies_that_trickle_in_are_cut_off_and_hold_up_nobody() -> None:
    async with serve(limits=Limits(head=1.0, body=1.0)) as url, subscribe(url) as stream:
        bodies = [b"Content-Length: 9000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"]
        slow = [asyncio.create_task(trickle(url, POST, b"X: y\r\n")) for _ in range(20)]
        slow += [asyncio.create_task(trickle(url, POST + bodies[n % 2], b"1\r\nx\r\n")) for n in range(20)]
        await publish(url, "meanwhile")
        await stream.until("meanwhile\n\n")
        answers = await asyncio.gather(*slow)
        assert all(answer == b"" for answer in answers[:20]), "a head that never ends has asked for no answer"
        for answer in answers[20:]:
            assert b" 408 " in answer.splitlines()[0]
            assert b"did not come within" in answer


async def trickle(url: str, start: bytes, drop: bytes) -> bytes:
    """Send a drop every now and then until the server ends it; what it said."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(start.replace(b"{host}", f"{host}:{port}".encode()))
    answer = b""
    try:
        async with asyncio.timeout(20):
            while True:
                writer.write(drop)
                try:
                    more = await asyncio.wait_for(reader.read(65536), 0.05)
                except TimeoutError:
                    continue
                answer += more
                if not more or b"}\n" in answer:
                    return answer
    except ConnectionError:
        return answer
    finally:
        writer.transport.abort()


# ---- tokens


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer null\r\n",
        "Authorization: Bearer *\r\n",
        "Authorization: Bearer {digest}\r\n",
        "Authorization: Bearer {start}\r\n",
        "Authorization: Bearer {token}x\r\n",
        "Authorization: Bearer {token},{token}\r\n",
        "Authorization: Digest {token}\r\n",
        "Authorization: {token}\r\n",
        "Authorization: Basic OjA=\r\n",
        "Cookie: token={token}\r\n",
        "X-Forwarded-User: admin\r\n",
        "X-Original-URL: /health\r\n",
        "X-HTTP-Method-Override: OPTIONS\r\n",
    ],
)
async def test_nothing_but_a_token_opens(header: str, tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    token = tokens.add("laptop", ("*",), ("*",))
    header = header.format(token=token, start=token[:-1], digest=auth.digest(token))
    async with serve(tokens=tokens) as url:
        for path in ("/events", f"/events?token={token}", f"/events?access_token={token}", "/status.json"):
            assert (await publish(url, "x", path=path, headers=header)).status == 401
            get = f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\n{header}\r\n"
            answer = await request(url, get.encode())
            assert answer.status == 401
            assert "a token is needed" in answer.json["error"]


# ---- other people's pages


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
@pytest.mark.parametrize(
    "sender",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: ",
        "Origin: file://",
        "Origin: http://{host}.evil.example",
        "Origin: http://evil.example/{host}",
        "Origin: http://{host}@evil.example",
        "Origin: http://localhost:1",
        "Origin: http://{host}\r\nOrigin: https://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors",
    ],
)
async def test_a_page_of_another_origin_publishes_nothing(sender: str, kind: str) -> None:
    async with serve() as url:
        sender = sender.replace("{host}", url.removeprefix("http://"))
        answer = await publish(url, '{"data": 1}', headers=f"{sender}\r\nContent-Type: {kind}\r\n")
        assert not [name for name in answer.headers if name.startswith("access-control")]
        await only_arrives(url, attacks=[answer], statuses={400, 403})


async def test_our_own_page_and_programs_publish() -> None:
    async with serve() as url:
        for sender in ("", f"Origin: {url}\r\nSec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n"):
            assert (await publish(url, "x", headers=sender)).status == 201


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io:8080",
        "localhost@evil.example",
        "evil.example:localhost",
        "evil.example#localhost",
        "[::1].evil.example",
        "[::ffff:10.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "127.1",
        "10.0.0.1",
        "",
    ],
)
async def test_a_name_that_was_rebound_to_this_machine_gets_nothing(host: str) -> None:
    async with serve() as url:
        for path in ("/", "/events", "/status.json", "/health", "/openapi.json", "/nothing"):
            answer = await request(url, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert answer.status == 421
            assert "Host" in answer.json["error"]
        absolute = f"GET http://{host or 'evil.example'}/events HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
        assert (await request(url, absolute.encode())).status in (400, 421)
        raw = f"POST /events HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: 1\r\n\r\nx"
        await only_arrives(url, attacks=[await request(url, raw.encode())], statuses={421})


async def test_only_named_origins_are_told_anything_by_cors() -> None:
    async with serve(origins={"https://status.example"}) as url:
        for sender in (
            "https://evil.example",
            "null",
            "https://status.example.evil.example",
            "https://STATUS.example",
            "http://status.example",
            "https://status.example:444",
            "https://status.example/",
            "*",
        ):
            for method in ("OPTIONS", "POST"):
                head = f"{method} /events HTTP/1.1\r\nHost: {{host}}\r\nOrigin: {sender}\r\n"
                answer = await request(url, f"{head}Content-Length: 1\r\n\r\nx".encode())
                assert answer.status == (204 if method == "OPTIONS" else 403)
                assert "access-control-allow-origin" not in answer.headers
                assert "access-control-allow-credentials" not in answer.headers
                assert answer.headers["vary"] == "Origin"


FORGERIES = """async ([url]) => {
    document.body.innerHTML = `
        <iframe name="sink"></iframe><img src="${url}/events?data=image"><img src="${url}/events">
        <form action="${url}/events" method="post" enctype="text/plain" target="sink">
            <input name="x" value="form"></form>
        <form action="${url}/events" method="post" target="sink"><input name="data" value="form"></form>
        <form action="${url}/events" method="post" enctype="multipart/form-data" target="sink">
            <input name="data" value="form"></form>`;
    for (const form of document.forms) form.submit();
    const types = ["text/plain", "application/x-www-form-urlencoded", "application/json"];
    for (const type of types) {
        for (const mode of ["no-cors", "cors"]) {
            const headers = {"Content-Type": type};
            try { await fetch(`${url}/events`, {method: "POST", mode, headers, body: "fetched"}); } catch {}
        }
    }
    navigator.sendBeacon(`${url}/events`, "beacon");
    await new Promise((resolve) => setTimeout(resolve, 300));
}"""


async def test_a_browser_on_another_page_publishes_nothing_and_frames_nothing(chromium: Chromium) -> None:
    async with serve() as url, serve() as stranger, chromium.browsing() as page:
        for visitor in (stranger, stranger.replace("127.0.0.1", "localhost")):
            await page.goto(f"{visitor}/health")
            await page.evaluate(FORGERIES, [url])
            await page.evaluate(
                """([url]) => { document.body.innerHTML = `<iframe src="${url}/"></iframe>`; }""", [url]
            )
            frame = page.frames[-1]
            await page.locator("iframe").wait_for(timeout=PATIENCE)
            assert await frame.locator("#publish").count() == 0
        await only_arrives(url, attacks=[], statuses=set())
