"""What whoever runs the server sees: health, metrics, the access log, a socket file, several workers."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import Counter

from server.crew import Crew
from server.workers import keep
from tests.needs import needs
from tests.server.client import Answer, publish, request, subscribe
from tests.server.process import a_full_disk, redis_url, run, spawn, start_redis, started, stop


async def get(url: str, path: str, headers: str = "") -> Answer:
    return await request(url, f"GET {path} HTTP/1.1\r\nHost: {{host}}\r\n{headers}\r\n".encode())


async def series(url: str, name: str) -> dict[str, float]:
    """What `/metrics` has of this name, by its labels."""
    text = (await get(url, "/metrics")).body.decode()
    return {labels: float(value) for labels, value in re.findall(rf"^{name}{{(.*)}} (.*)$", text, re.MULTILINE)}


async def test_metrics_count_what_was_published_delivered_and_refused() -> None:
    async with started() as server, subscribe(server.url) as stream:
        await publish(server.url, "one")
        await stream.until("data: one")
        await get(server.url, "/nothing")
        lines = (await get(server.url, "/metrics")).body.decode().splitlines()
    assert 'sse_messages_total{topic="default"} 1.0' in lines
    assert "sse_deliveries_total 1.0" in lines
    assert "sse_subscribers 1.0" in lines
    assert "sse_published_bytes_total 3.0" in lines
    [delivered] = [line for line in lines if line.startswith("sse_delivered_bytes_total ")]
    assert len("data: one") < float(delivered.split()[1]) < 100
    assert 'sse_refused_total{status="404"} 1.0' in lines
    assert "sse_log_append_seconds_count 1.0" in lines


async def test_metrics_count_what_is_repeated_or_refused_under_its_name_once() -> None:
    async with started() as server:
        for text, status in (("paid", 201), ("paid", 201), ("paid twice", 422)):
            assert (await publish(server.url, text, headers="Idempotency-Key: order 7\r\n")).status == status
        lines = (await get(server.url, "/metrics")).body.decode().splitlines()
    assert 'sse_messages_total{topic="default"} 1.0' in lines
    assert "sse_published_bytes_total 4.0" in lines
    assert "sse_log_append_seconds_count 1.0" in lines
    assert 'sse_refused_total{status="422"} 1.0' in lines


def test_each_series_of_several_workers_is_labelled_with_its_own() -> None:
    one, two = Crew(1, 2), Crew(2, 2)
    for crew, count in ((one, 3), (two, 4)):
        Counter("sse_messages", "Messages.", ["topic"], registry=crew.registry).labels("ci").inc(count)
    assert 'worker="2"' not in one.page().decode()
    one.hear(b'{"2": %b}\n' % two.report().encode())
    lines = one.page().decode().splitlines()
    assert [line for line in lines if line.startswith("sse_messages_total")] == [
        'sse_messages_total{topic="ci",worker="1"} 3.0',
        'sse_messages_total{topic="ci",worker="2"} 4.0',
    ]
    assert lines.count("# TYPE sse_messages_total counter") == 1
    one.hear(b"{}\n")  # the other one is gone
    assert 'worker="2"' not in one.page().decode()


async def test_topics_of_strangers_do_not_make_series_without_end() -> None:
    async with started() as server:
        body = "\n".join(json.dumps({"topic": f"t{n}", "body": "x"}) for n in range(80))
        assert (await publish(server.url, body, headers="Content-Type: application/x-ndjson\r\n")).status == 201
        lines = (await get(server.url, "/metrics")).body.decode().splitlines()
    topics = [line for line in lines if line.startswith("sse_messages_total")]
    assert len(topics) == 51
    assert 'sse_messages_total{topic="other"} 30.0' in topics


async def test_it_is_not_ready_while_nothing_can_be_stored(tmp_path: Path) -> None:
    redis = await start_redis(tmp_path)
    try:
        async with started("--log", redis_url(tmp_path)) as server:
            answer = await get(server.url, "/health")
            assert (answer.status, json.loads(answer.body)["ready"]) == (200, True)
            await stop(redis)
            async with asyncio.timeout(20):
                while (answer := await get(server.url, "/health")).status == 200:
                    await asyncio.sleep(0.05)
            told = json.loads(answer.body)
            assert (answer.status, told["live"], told["ready"]) == (503, True, False)
            assert told["error"]
            assert (await get(server.url, "/health/live")).status == 200
    finally:
        await stop(redis)


async def test_a_stream_whose_client_left_is_in_the_access_log_too(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    async with started("--access-log", str(log)) as server:
        async with subscribe(server.url):
            pass
        async with asyncio.timeout(10):
            while "/events" not in log.read_text():
                await asyncio.sleep(0.01)
    [line] = log.read_text().splitlines()
    told = json.loads(line)
    assert {"method": "GET", "path": "/events", "status": 200}.items() <= told.items()
    assert "bytes" not in told, "nobody counts them"


async def test_the_access_log_has_a_line_for_each_request_and_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    async with started("--access-log", str(log)) as server:
        await get(server.url, "/events?last_event_id=secret&since=never", "Authorization: Bearer secret\r\n")
        await publish(server.url, "secret")
        async with asyncio.timeout(5):
            while log.read_text().count("\n") < 2:
                await asyncio.sleep(0.01)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/events", 400),
        ("POST", "/events", 201),
    ]
    assert all(line["bytes"] > 0 for line in lines)
    assert "secret" not in log.read_text()


async def test_the_access_log_goes_on_in_a_new_file_when_its_own_was_renamed(tmp_path: Path) -> None:
    log, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    async with started("--access-log", str(log)) as server:
        await _asked_for(server.url, "/first", log)
        log.rename(rotated)
        await _asked_for(server.url, "/second", log)
        log.unlink()
        await _asked_for(server.url, "/third", log)
    assert [json.loads(line)["path"] for line in rotated.read_text().splitlines()] == ["/first"]
    assert [json.loads(line)["path"] for line in log.read_text().splitlines()] == ["/third"]


async def test_an_access_log_that_cannot_be_made_anew_is_told_once_and_hinders_no_request(tmp_path: Path) -> None:
    log, away = tmp_path / "logs" / "access.log", tmp_path / "away"
    log.parent.mkdir()
    async with started("--access-log", str(log)) as server:
        log.parent.rename(away)
        for _ in range(3):
            assert (await get(server.url, "/health")).status == 200
        log.parent.mkdir()
        await _asked_for(server.url, "/back", log)
        server.child.send_signal(signal.SIGTERM)
        code, _, errors = await server.end()
    assert (code, errors.count("\n")) == (0, 1)
    assert f"the access log {log} cannot be written: No such file or directory" in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_an_access_log_on_a_full_disk_is_told_once_and_hinders_no_request() -> None:
    async with started("--access-log", "/dev/full") as server:
        for _ in range(3):
            assert (await get(server.url, "/health")).status == 200
        server.child.send_signal(signal.SIGTERM)
        code, _, errors = await server.end()
    assert (code, errors.count("\n")) == (0, 1)
    assert "the access log /dev/full cannot be written: No space left on device" in errors


async def test_a_socket_file_is_served_guarded_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "events.sock"
    async with started("--unix", str(path), "--unix-mode", "660") as server:
        assert server.url == "http+unix://" + str(path).replace("/", "%2F")
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        assert (await reader.readline()).split()[1] == b"201"
        writer.close()
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /events?since=all HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(5):
            await reader.readuntil(b"data: hi\n")
        writer.close()
        code, _, errors = await run("--unix", str(path))
        assert (code, errors) == (
            1,
            f"sse-server: {path} is taken: another server answers there; choose another with --unix\n",
        )
        server.child.send_signal(signal.SIGTERM)
        assert (await server.end())[0] == 0
    assert not path.exists()


async def test_a_socket_file_has_a_log_of_its_own_that_no_port_and_no_other_file_shares(tmp_path: Path) -> None:
    home = {"XDG_STATE_HOME": str(tmp_path)}
    (tmp_path / "a folder").mkdir()
    for path, others in (("Köln 1.sock", 0), ("a folder/Köln 1.sock", 1), ("a folder/../Köln 1.sock", 1)):
        child = await spawn("--unix", str(tmp_path / path), environ=home)
        assert child.stdout is not None
        async with asyncio.timeout(20):
            assert b"Serving" in await child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert (await child.communicate())[1] == b""
        assert len(list((tmp_path / "sse-server").glob("events-K-ln-1-????????.db"))) == 1 + others
    assert not list((tmp_path / "sse-server").glob("*8080*"))


async def test_a_socket_file_that_a_dead_server_left_is_taken_over_and_another_file_is_not(tmp_path: Path) -> None:
    path, file = tmp_path / "events.sock", tmp_path / "file"
    async with started("--unix", str(path)) as server:
        server.child.kill()
        await server.end()
    assert path.is_socket()
    async with started("--unix", str(path)):
        pass
    file.write_text("mine")
    code, _, errors = await run("--unix", str(file))
    assert (code, file.read_text()) == (1, "mine")
    assert "no socket" in errors


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--workers", "2"], "several workers need one log"),
        (["--workers", "2", "--log", "redis://localhost", "--port", "0"], "several workers need a port"),
        (["--workers", "2", "--log", "redis://localhost", "--port", "9", "--demo", "hello"], "a demo needs one worker"),
        (["--workers", "3", "--log", "redis://127.0.0.1:1", "--port", "9"], "Redis cannot be used"),
        (["--unix", "x", "--unix-mode", "rw"], "--unix-mode is written as chmod has it"),
        (["--access-log", "/dev/null/log"], "cannot be written"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(arguments: list[str], reason: str) -> None:
    code, _, errors = await run(*arguments)
    assert code == 1
    assert reason in errors
    assert errors.count("\n") == 1


async def test_two_workers_share_a_port_and_a_log_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    redis = await start_redis(tmp_path)
    child = await spawn("--port", str(port), "--log", redis_url(tmp_path), "--workers", "2")
    try:
        assert child.stdout is not None
        async with asyncio.timeout(20):
            assert f"http://127.0.0.1:{port}/" in (await child.stdout.readline()).decode()
        url = f"http://127.0.0.1:{port}"
        workers = _children(child.pid)
        assert len(workers) == 2
        statuses = [json.loads((await get(url, "/status.json")).body) for _ in range(20)]
        assert {(each["worker"], each["workers"]) for each in statuses} == {(1, 2), (2, 2)}
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(subscribe(url)) for _ in range(8)]
            ids = [(await publish(url, f"{n}")).json["id"] for n in range(20)]
            for stream in streams:
                await stream.until(ids[-1])
                assert [event.id for event in stream.events if event.data] == ids
        # The same publishing again, at whichever worker, is the same message.
        again = {(await publish(url, "paid", headers="Idempotency-Key: order 7\r\n")).json["id"] for _ in range(8)}
        assert len(again) == 1
        ids += again
        # Whichever worker is asked, it tells what all of them counted, though not at once.
        every = {'worker="1"': len(ids), 'worker="2"': len(ids)}
        right = 0
        async with asyncio.timeout(20):
            while right < 10:
                await asyncio.sleep(0.02)
                events, published = await series(url, "sse_events_total"), await series(url, "sse_messages_total")
                right = right + 1 if events == every and sum(published.values()) == len(ids) else 0
        os.kill(workers[0], signal.SIGKILL)
        async with asyncio.timeout(15):
            while len(now := _children(child.pid)) < 2 or workers[0] in now:
                await asyncio.sleep(0.05)
        # A client that lost its worker goes on at the other one: no gap and no repeat.
        async with subscribe(url, last_event_id=ids[4]) as stream:
            await stream.until(ids[-1])
            assert [event.id for event in stream.events] == ids[5:]
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await child.wait() == 0
        assert not any(Path(f"/proc/{worker}").exists() for worker in now)
    finally:
        await stop(child)
        await stop(redis)


async def test_a_second_deployment_with_workers_on_the_same_port_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    redis = await start_redis(tmp_path)
    command = ("--port", str(port), "--log", redis_url(tmp_path), "--workers", "2")
    child = await spawn(*command)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(20):
            assert b"Serving" in await child.stdout.readline()
        refused = await run(*command)
        child.send_signal(signal.SIGTERM)
        assert (await child.communicate())[1] == b""
    finally:
        await stop(child)
        await stop(redis)
    sentence = f"port {port} of 127.0.0.1 is taken; stop the program that has it, or choose another with --port"
    assert refused == (1, "", f"sse-server: {sentence}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_workers_end_where_what_is_printed_for_them_cannot_be_written(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    redis = await start_redis(tmp_path)
    try:
        with a_full_disk() as full:
            code, _, errors = await run(
                "--port", str(port), "--log", redis_url(tmp_path), "--workers", "2", stdout=full
            )
    finally:
        await stop(redis)
    assert (code, errors) == (1, "sse-server: the output cannot be written: No space left on device\n")


HANGS_ONCE = """
import itertools, pathlib, sys, time
print("serving", flush=True)
been_here = pathlib.Path(sys.argv[1])
for beat in itertools.count():
    if not been_here.exists():
        break
    if beat == 60:  # twice the silence
        been_here.with_name("stayed").touch()
    print("alive", flush=True)
    time.sleep(0.05)
been_here.touch()
time.sleep(600)
"""


async def test_a_worker_that_hangs_is_replaced_by_one_that_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script, been_here = tmp_path / "worker.py", tmp_path / "been here"
    script.write_text(HANGS_ONCE)
    served: list[str] = []
    command = [sys.executable, str(script), str(been_here)]
    keeping = asyncio.create_task(keep(1, command, served.append, silence=1.5))
    async with asyncio.timeout(60):
        while "started again" not in caplog.text:
            await asyncio.sleep(0.01)
        while not (workers := _children(os.getpid(), script)):
            await asyncio.sleep(0.01)
        while not (tmp_path / "stayed").exists():
            await asyncio.sleep(0.01)
    assert caplog.text.count("worker 1 does not answer") == 1
    assert (served, _children(os.getpid(), script)) == (["serving\n"], workers)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert not _children(os.getpid(), script)


async def test_a_socket_file_that_another_server_put_there_meanwhile_is_left(tmp_path: Path) -> None:
    path = tmp_path / "events.sock"
    async with started("--unix", str(path)) as first:
        path.unlink()
        async with started("--unix", str(path)):
            first.child.send_signal(signal.SIGTERM)
            assert (await first.end())[0] == 0
            _, writer = await asyncio.open_unix_connection(str(path))
            writer.close()


async def test_a_stop_with_a_thousand_streams_of_which_some_are_stuck_takes_about_a_second() -> None:
    async with started("--log", "memory") as server, AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(subscribe(server.url, "/events?topic=default")) for _ in range(1_000)
        ]
        host, port = server.url.removeprefix("http://").split(":")
        stuck = []
        for _ in range(5):
            each = socket.socket()
            stack.callback(each.close)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.connect((host, int(port)))
            each.sendall(b"GET /events?topic=big HTTP/1.1\r\nHost: localhost\r\n\r\n")
            stuck.append(each)
        for number in range(3):
            await publish(server.url, f"{number} " + "x" * 200_000, path="/events?topic=big")
        began = asyncio.get_running_loop().time()
        server.child.send_signal(signal.SIGTERM)
        ends = await asyncio.gather(*(stream.end() for stream in streams))
        assert all(end.rstrip().endswith("retry: 2000") for end in ends)
        assert (await server.end())[0] == 0
        # A second is what the documentation promises; this machine may be busy with other tests.
        assert asyncio.get_running_loop().time() - began < 8


async def test_the_unit_of_the_documentation_is_one_that_systemd_takes(tmp_path: Path) -> None:
    [analyze] = needs("systemd", "systemd-analyze")
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    [text] = [block.partition("\n```")[0] for block in page.split("```ini\n")[1:] if "sse-server.service" in block]
    program = str(Path(sys.executable).with_name("sse-server"))
    unit = tmp_path / "sse-server.service"
    unit.write_text(text.replace("/usr/local/bin/sse-server", program))
    child = await asyncio.create_subprocess_exec(
        analyze, "verify", "--man=no", str(unit), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await child.communicate()
    assert (child.returncode, out.decode()) == (0, "")


async def _asked_for(url: str, path: str, log: Path) -> None:
    """Ask for this path, and return when the log has it."""
    await get(url, path)
    async with asyncio.timeout(10):
        while not log.exists() or f'"{path}"' not in log.read_text():
            await asyncio.sleep(0.01)


def _children(process: int, script: Path | None = None) -> list[int]:
    """Of this process; of those that run this script, if one is named."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    found = [int(word) for word in text.split()]
    if script is None:
        return found
    return [each for each in found if str(script).encode() in Path(f"/proc/{each}/cmdline").read_bytes()]
