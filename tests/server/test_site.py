"""server.site behind tokens, TLS and limits: what strangers get."""

import asyncio
import json
import logging
import os
import socket
import ssl
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from server import access, site
from server.crew import Crew
from server.eventlog.memory import MemoryLog
from server.hub import Hub
from server.limit import Limits
from server.tokens import Tokens
from server.web import serve
from server.wire import Message
from tests.needs import needs
from tests.server.client import publish, request, subscribe


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.json")


async def test_without_a_token_there_is_nothing_but_health_and_a_page_that_asks_for_one(tokens: Tokens) -> None:
    token = tokens.add("laptop", ("*",), ("*",))
    async with serve(tokens=tokens) as url:
        for path in ("/", "/page/page.js", "/health"):
            assert (await request(url, f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n".encode())).status == 200
        for path in ("/events", "/status.json", "/nothing", "/page"):
            answer = await request(url, f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n".encode())
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert "a token is needed" in answer.json["error"]
        assert (await publish(url, "x")).status == 401
        assert (await publish(url, "x", headers="Authorization: Bearer wrong\r\n")).status == 401
        bearer = f"Authorization: Bearer {token}\r\n"
        async with subscribe(url, headers=bearer) as stream:
            assert (await publish(url, "hello", headers=bearer)).status == 201
            await stream.until("hello\n\n")


async def test_a_token_gives_no_more_than_its_topics(tokens: Tokens) -> None:
    everything = f"Authorization: Bearer {tokens.add('all', ('*',), ('*',))}\r\n"
    ci = f"Authorization: Bearer {tokens.add('ci', ('ci/*',), ('ci/*', 'ops'))}\r\n"
    async with serve(tokens=tokens) as url, subscribe(url, headers=ci) as stream:
        refused = await publish(url, "x", path="/events?topic=ops", headers=ci)
        assert (refused.status, refused.json["field"]) == (403, "topic")
        batch = '{"topic": "ci/a", "data": "no"}\n{"data": "no"}'
        refused = await publish(url, batch, headers=ci + "Content-Type: application/x-ndjson\r\n")
        assert refused.status == 403
        for pattern in ("*", "c*", "default"):
            async with subscribe(url, f"/events?topic={pattern}", headers=ci, last_event_id="x") as other:
                assert other.status == 403
        async with subscribe(url, "/events?topic=ci/m*", headers=ci) as narrow:
            for topic in ("default", "ops", "ci/main", "ci/x"):
                await publish(url, f"to {topic}", path=f"/events?topic={topic}", headers=everything)
            await stream.until("to ci/x\n\n")
            assert [event.data for event in stream.events] == ["to ops", "to ci/main", "to ci/x"]
            await narrow.until("to ci/main\n\n")
            assert [event.data for event in narrow.events] == ["to ci/main"]


async def test_a_token_that_may_only_publish_reads_nothing(tokens: Tokens) -> None:
    bearer = f"Authorization: Bearer {tokens.add('ci', ('*',), ())}\r\n"
    async with serve(tokens=tokens) as url:
        assert (await publish(url, "secret", headers=bearer)).status == 201
        for path in ("/events", "/events?since=all", "/events?topic=*", "/events?topic=default"):
            async with subscribe(url, path, headers=bearer, last_event_id="x") as stream:
                assert stream.status == 403


async def test_a_server_behind_a_proxy_answers_to_the_proxy_s_name_and_its_own_page_may_publish() -> None:
    async with serve(hosts={"events.example"}) as url:
        head = "POST /events HTTP/1.1\r\nHost: events.example\r\nContent-Length: 1\r\nOrigin: https://{}\r\n\r\nx"
        assert (await request(url, head.format("events.example").encode())).status == 201
        assert (await request(url, head.format("evil.example").encode())).status == 403
        assert (await request(url, head.replace("Host: events", "Host: evil").format("x").encode())).status == 421


async def test_a_page_of_another_origin_may_do_what_its_name_allows() -> None:
    async with serve(origins={"https://status.example"}) as url, subscribe(url) as stream:
        for sender, allowed in (("https://status.example", True), ("https://evil.example", False), ("null", False)):
            ask = f"OPTIONS /events HTTP/1.1\r\nHost: {{host}}\r\nOrigin: {sender}\r\n\r\n"
            preflight = await request(url, ask.encode())
            assert preflight.status == 204
            assert preflight.headers.get("access-control-allow-origin") == (sender if allowed else None)
            assert preflight.headers["vary"] == "Origin"
            answer = await publish(url, sender, headers=f"Origin: {sender}\r\n")
            assert answer.status == (201 if allowed else 403)
            assert answer.headers.get("access-control-allow-origin") == (sender if allowed else None)
            async with subscribe(url, headers=f"Origin: {sender}\r\n") as other:
                assert other.headers.get("access-control-allow-origin") == (sender if allowed else None)
        await publish(url, "end")
        await stream.until("end\n\n")
        assert [event.data for event in stream.events] == ["https://status.example", "end"]


async def test_without_a_list_no_other_origin_is_told_anything() -> None:
    async with serve() as url, subscribe(url, headers="Origin: https://status.example\r\n") as stream:
        assert not [name for name in stream.headers if name.startswith("access-control")]


async def test_a_token_that_is_revoked_counts_no_more_and_no_token_is_no_open_door(tokens: Tokens) -> None:
    bearer = f"Authorization: Bearer {tokens.add('laptop', ('*',), ('*',))}\r\n"
    async with serve(tokens=tokens) as url:
        assert (await publish(url, "x", headers=bearer)).status == 201
        tokens.revoke("laptop")
        assert (await publish(url, "x", headers=bearer)).status == 401
        async with serve(tokens=Tokens(tokens.path)) as another:
            assert (await publish(another, "x")).status == 401, "as after a restart"
        tokens.path.unlink()
        assert (await publish(url, "x", headers=bearer)).status == 401
        tokens.path.write_text("nonsense")
        assert (await publish(url, "x", headers=bearer)).status == 503


async def test_too_many_streams_are_told_to_come_later_and_a_place_that_is_left_is_free() -> None:
    async with serve(limits=Limits(subscribers=2)) as url:
        async with subscribe(url), subscribe(url), subscribe(url, last_event_id="x") as third:
            assert third.status == 503
            assert int(third.headers["retry-after"]) > 0
        async with asyncio.timeout(8):
            while True:
                async with subscribe(url, last_event_id="x") as again:
                    if again.status == 200:
                        break


async def test_who_publishes_too_often_is_told_when_to_come_back() -> None:
    async with serve(limits=Limits(publishes_per_second=0.2)) as url:
        assert [(await publish(url, "x")).status for _ in range(3)] == [201, 201, 429]
        answer = await publish(url, "x")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert "too often" in answer.json["error"]


async def test_an_address_that_has_all_its_streams_is_told_so() -> None:
    async with (
        serve(limits=Limits(subscribers_each=1)) as url,
        subscribe(url),
        subscribe(url, last_event_id="x") as second,
    ):
        assert second.status == 429
        assert int(second.headers["retry-after"]) > 0


async def test_bodies_that_come_at_once_have_a_bound_together_and_leave_their_room() -> None:
    async with serve(limits=Limits(memory=4 * 150_000)) as url:
        head = b"POST /events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100001\r\n\r\n"
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(head.replace(b"{host}", b"localhost") + b"x" * 100_000)
        async with asyncio.timeout(8):
            while (refused := await publish(url, "x" * 100_000)).status == 201:
                await asyncio.sleep(0)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert "too much is being published" in refused.json["error"]
        writer.write(b"x")
        assert b"201" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert (await publish(url, "x" * 100_000)).status == 201


async def test_each_message_of_a_batch_counts() -> None:
    batch = "\n".join(['{"body": "x"}'] * 12)
    async with serve(limits=Limits(publishes_per_second=1.0)) as url:
        assert (await publish(url, batch, headers="Content-Type: application/x-ndjson\r\n")).status == 201
        answer = await publish(url, "x")
        assert (answer.status, answer.headers["retry-after"]) == (429, "3")


async def test_a_request_that_never_ends_is_cut_off_and_a_stream_that_began_is_not() -> None:
    async with serve(limits=Limits(head=0.05, body=0.05)) as url, subscribe(url) as stream:
        slow = await request(url, b"POST /events HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nx")
        assert slow.status == 408
        host, port = url.removeprefix("http://").split(":")
        for beginning in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(beginning)
            async with asyncio.timeout(8):
                assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        await publish(url, "still here")
        await stream.until("still here\n\n")


async def test_tls_carries_the_same_events(tmp_path: Path) -> None:
    [openssl] = needs("openssl", "openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    about = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    command = [openssl, "req", *about.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(cert, key)
    client_side = ssl.create_default_context(cafile=cert)
    async with serve(host="localhost", tls=server_side) as url:
        assert url.startswith("https://localhost:")
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("localhost", port, ssl=client_side)
        head = f"POST /events HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 6\r\n\r\nsecret"
        writer.write(head.encode())
        async with asyncio.timeout(8):
            assert b"201 Created" in await reader.readuntil(b"\r\n\r\n")
            assert json.loads(await reader.readline())["id"]
            writer.write(f"GET /events?since=all HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert b"data: secret\n\n" in await reader.readuntil(b"data: secret\n\n")
        writer.close()
        await writer.wait_closed()


async def test_the_kernel_ends_a_stream_whose_peer_takes_nothing() -> None:
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        pytest.skip("only Linux has TCP_USER_TIMEOUT")

    class Transport(asyncio.Transport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return connection if name == "socket" else default

    with socket.socket() as connection:
        site._cut_off_when_silent(Transport())
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


async def test_a_key_of_one_publisher_swallows_no_message_of_another(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    one, other = (f"Authorization: Bearer {tokens.add(name, ('*',), ())}\r\n" for name in ("ci", "ops"))
    async with serve(tokens=tokens) as url:
        key = "Idempotency-Key: backup-1\r\n"
        first = await publish(url, "noise", headers=one + key)
        assert (await publish(url, "backup failed", headers=other + key)).json != first.json
        assert (await publish(url, "noise", headers=one + key)).json == first.json


async def test_the_first_token_counts_at_once_and_the_last_leaves_the_door_shut(tokens: Tokens) -> None:
    async with serve(tokens=tokens) as url:
        assert (await publish(url, "anybody")).status == 201
        bearer = f"Authorization: Bearer {tokens.add('ci', ('*',), ())}\r\n"
        assert (await publish(url, "nobody")).status == 401
        assert (await publish(url, "somebody", headers=bearer)).status == 201
        tokens.revoke("ci")
        assert (await publish(url, "somebody", headers=bearer)).status == 401
        assert (await publish(url, "nobody")).status == 401


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file to somebody else")
def test_root_leaves_a_services_tokens_to_the_service(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.add("first", ("*",), ("*",))
    os.chown(tokens.path, 65_534, 65_534)
    tokens.add("second", ("*",), ("*",))
    found = tokens.path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65_534, 65_534, 0o600)


def test_tokens_that_are_made_at_once_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    with ThreadPoolExecutor(8) as pool:
        for made in [pool.submit(Tokens(path).add, f"t{number}", ("*",), ("*",)) for number in range(8)]:
            made.result()
    assert len(Tokens(path).grants()) == 8


async def test_the_end_of_streams_costs_nothing_for_a_connection_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub(MemoryLog())
    the_site = site.Site(hub, loopback=True, hosts=(), origins=(), tokens=None, limits=Limits(), crew=Crew())
    runner = web.AppRunner(
        the_site.application(), handler_cancellation=True, access_log_class=access.AccessLogger, shutdown_timeout=1.0
    )
    caplog.set_level(logging.INFO, "server.access")
    await hub.open()
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        await web.SockSite(runner, listener).start()
        client.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, listener.getsockname())
        await loop.sock_sendall(client, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"id: " not in received:
            received += await loop.sock_recv(client, 65_536)
        # The client resets the connection, and the server does not know it yet.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        hub.end_streams()
        await runner.cleanup()
        await hub.close()
    assert [(record.name, record.levelname) for record in caplog.records] == [("server.access", "INFO")]
    assert json.loads(caplog.text[caplog.text.index("{") :])["path"] == "/events"


async def test_a_subscriber_that_does_not_read_falls_behind_once_under_tls_too() -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    hub = Hub(MemoryLog())
    the_site = site.Site(hub, loopback=True, hosts=(), origins=(), tokens=None, limits=Limits(), crew=Crew())
    runner = web.AppRunner(the_site.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await hub.open()
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener, ssl_context=server_side).start()
        port = listener.getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=client_side, limit=1_024)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(20):
            await reader.readuntil(b"id: ")
            while not hub.demotions:
                await hub.publish([Message(data="x" * 10_000)])
                await asyncio.sleep(0)
            for _ in range(100):
                await hub.publish([Message(data="x" * 1_000)])
                for _ in range(10):  # turns of the loop, in which it might have caught up
                    await asyncio.sleep(0)
        writer.transport.abort()
        await runner.cleanup()
        await hub.close()
    assert hub.demotions == 1
