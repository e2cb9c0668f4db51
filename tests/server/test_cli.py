"""sse-server, as a shell sees it."""

import asyncio
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from random import Random

import pytest
import trustme

from notifier import __version__
from server.cli import main
from server.demo import PLAYS
from server.remote import Remote, RemoteError, RemoteLost
from server.web import serve
from server.wire import TITLE_LIMIT
from tests.interrupt import ends_at_once
from tests.needs import needs
from tests.server.client import publish, request, subscribe
from tests.server.process import a_full_disk, a_pipe_that_nobody_reads, run, spawn, started

ONLY_LINUX_HAS_FULL_DISKS = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
METRICS = b"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"


class Certificate:
    """One for these names, in files, and the options that make a server show it."""

    def __init__(self, directory: Path, *names: str) -> None:
        authority = trustme.CA()
        self.authority, chain = str(directory / "authority.pem"), str(directory / "chain.pem")
        authority.cert_pem.write_to_path(self.authority)
        authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(chain)
        self.arguments = ["--tls-cert", chain]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_in_a_shell_serves_and_ends_cleanly(number: signal.Signals) -> None:
    async with started() as server, subscribe(server.url) as stream:
        assert (await publish(server.url, "Backup done")).status == 201
        await stream.until("Backup done\n\n")
        server.child.send_signal(number)
        await stream.end()
        code, out, err = await server.end()
        assert (code, err) == (0, "")
        assert f"curl -d 'Backup done' {server.url}/events" in out
        assert f"sse-notifier run {server.url}/events" in out


@pytest.mark.parametrize("module", ["server.cli", "server.web", "server.eventlog.redis"])
def test_ctrl_c_during_an_import_simply_ends_us(module: str, tmp_path: Path) -> None:
    arguments = ("--port", "0", "--log", "redis://127.0.0.1:1")
    assert ends_at_once("server", module, *arguments, home=str(tmp_path))


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)])
async def test_a_second_signal_does_not_cut_the_end_short(numbers: list[signal.Signals], tmp_path: Path) -> None:
    path, log = tmp_path / "events.sock", tmp_path / "events.db"
    async with started("--unix", str(path), "--log", str(log)) as server:
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")  # never the rest
        reader, readers_writer = await asyncio.open_unix_connection(str(path))
        readers_writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        server.child.send_signal(numbers[0])
        while True:  # the stream is told first, and what else is to be closed takes longer
            if not await reader.read(1000):
                break
        with suppress(ProcessLookupError):
            server.child.send_signal(numbers[1])
        code, _, err = await server.end()
        writer.close()
        readers_writer.close()
    assert (code, err) == (0, "")
    assert not path.exists()
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.endswith(("-wal", "-shm"))) == []


async def test_a_stranger_s_nonsense_is_not_the_person_s_trouble() -> None:
    async with started() as server:
        for raw in (b"nonsense\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nX : 1\r\n\r\n"):
            assert (await request(server.url, raw)).status == 400
        server.child.send_signal(signal.SIGTERM)
        code, _, err = await server.end()
    assert (code, err) == (0, "")


async def test_a_demo_plays_in_a_shell() -> None:
    async with started("--demo", "hello") as server, subscribe(server.url) as stream:
        await stream.until("data: Hello, world!\n\n")


async def test_a_port_that_is_taken_is_one_sentence_that_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, err = await run("--port", port)
    assert (code, out) == (1, "")
    assert err == (
        f"sse-server: port {port} of 127.0.0.1 is taken; stop the program that has it, or choose another with --port\n"
    )


async def test_a_server_on_a_port_of_its_own_remembers_what_was_published(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    home = {"XDG_STATE_HOME": str(tmp_path)}
    async with started("--port", port, environ=home) as server:
        seen = (await publish(server.url, "seen")).json["id"]
        assert (await publish(server.url, "missed")).status == 201
        server.child.send_signal(signal.SIGTERM)
        assert (await server.end())[0] == 0
    async with started("--port", port, environ=home) as server, subscribe(server.url, last_event_id=seen) as stream:
        await stream.until("missed\n\n")
        assert [event.data for event in stream.events] == ["missed"]
    assert (tmp_path / "sse-server" / f"events-{port}.db").exists()


async def test_publish_and_tail_speak_with_a_running_server() -> None:
    async with started() as server:
        url = f"{server.url}/events"
        code, first, err = await run("publish", "--url", url, "--topic", "ci", "--title", "Köln", "a text")
        assert (code, err) == (0, "")
        code, _, err = await run("publish", "--url", url, "--type", "log", "-", stdin="a\x1b[31m\nb\n")
        assert (code, err) == (0, "")
        tail = await spawn("tail", "--since", "all", environ={"SSE_SERVER_URL": url})
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            lines = [(await tail.stdout.readline()).decode() for _ in range(2)]
        assert lines == ['ci message: {"title":"Köln","body":"a text","topic":"ci"}\n', "default log: a\\x1b[31m\\nb\n"]
        tail.send_signal(signal.SIGINT)
        await tail.communicate()
        assert tail.returncode == 0

        tail = await spawn("tail", "--url", url, "--since", "all", "--topic", "c*", "--json")
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            event = json.loads(await tail.stdout.readline())
        assert event["id"] == first.strip()
        tail.kill()
        await tail.communicate()


@pytest.mark.parametrize("path", ["", "/", "/?topic=ci", "/events?topic=ci", "?topic=ci"])
async def test_the_address_that_a_server_prints_is_enough_to_speak_with_it(path: str) -> None:
    async with serve() as url:
        environ = {"SSE_SERVER_URL": url + path}
        code, _, err = await run("publish", "hello", environ=environ)
        assert (code, err) == (0, "")
        tail = await spawn("tail", "--since", "all", environ=environ)
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            assert await tail.stdout.readline() == (b"ci" if "ci" in path else b"default") + b" message: hello\n"
        tail.kill()
        await tail.communicate()


async def test_a_token_that_cannot_be_one_is_not_told(tmp_path: Path) -> None:
    for command in ("publish", "tail"):
        code, out, err = await run(command, "--token", "s3cret\nb", *(["x"] if command == "publish" else []))
        assert (code, out) == (1, "")
        assert "the token is none of those" in err
        assert "s3cret" not in err


async def test_every_field_may_be_as_long_as_the_server_takes_it() -> None:
    title, link = TITLE_LIMIT * "字", f"https://a.example/{'%E5%AD%97' * 200}"
    async with started() as server:
        url = f"{server.url}/events"
        published = await run(
            "publish", "--url", url, "--title", title, "--link", link, "--key", 128 * "k", "one\ntwo\n"
        )
        assert (published[0], published[2]) == (0, "")
        tail = await spawn("tail", "--since", "all", "--json", "--url", url)
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            event = json.loads(await tail.stdout.readline())
        assert json.loads(event["data"]) == {
            "title": title,
            "link": link,
            "key": 128 * "k",
            "body": "one\ntwo",
        }
        tail.kill()
        await tail.communicate()


async def test_a_message_is_published_once_under_its_name_and_as_soon_as_the_server_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/events"
    publishing = await spawn("publish", "--url", url, "--retry-for", "30", "--idempotency-key", "order 7", "paid")
    assert publishing.stderr is not None
    assert "trying again" in (await publishing.stderr.readline()).decode()
    server = await spawn("--port", str(port), "--log", "memory")
    out, _ = await publishing.communicate()
    assert publishing.returncode == 0
    again = await run("publish", "--url", url, "--idempotency-key", "order 7", "paid")
    assert again == (0, out.decode(), "")
    assert (await run("publish", "--url", url, "--idempotency-key", "schön", "paid"))[0] == 1
    server.kill()
    await server.communicate()


async def test_tail_misses_nothing_of_a_server_that_restarts_before_the_first_event(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = ["--port", port, "--log", str(tmp_path / "events.db")]
    async with started(*arguments) as server:
        tail = await spawn("tail", "--url", f"{server.url}/events")
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            while b"sse_subscribers_live 1.0" not in (await request(server.url, METRICS)).body:
                await asyncio.sleep(0.01)
        server.child.send_signal(signal.SIGTERM)
        await server.end()
    async with started(*arguments) as server:
        assert (await publish(server.url, "meanwhile")).status == 201
        async with asyncio.timeout(20):
            assert await tail.stdout.readline() == b"default message: meanwhile\n"
    tail.kill()
    await tail.communicate()


@pytest.mark.parametrize(
    ("environ", "printed"), [({"PYTHONIOENCODING": "ascii"}, b"gr\\xfcn\n"), ({"PYTHONIOENCODING": "utf-8"}, None)]
)
async def test_tail_prints_what_a_terminal_does_not_know_in_another_way(
    environ: dict[str, str], printed: bytes | None
) -> None:
    async with serve() as url:
        await publish(url, "grün")
        tail = await spawn("tail", "--url", f"{url}/events", "--since", "all", environ=environ)
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            assert await tail.stdout.readline() == b"default message: " + (printed or "grün\n".encode())
        tail.kill()
        await tail.communicate()


@ONLY_LINUX_HAS_FULL_DISKS
async def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    tokens = ["--tokens", str(tmp_path / "tokens.json")]
    assert (await run("token", "add", "laptop", *tokens))[0] == 0
    async with serve() as url:
        await publish(url, "hello")
        at = ["--url", f"{url}/events"]
        for arguments in (
            ["--help"],
            ["--version"],
            ["--port", "0"],
            ["token", "list", *tokens],
            ["publish", *at, "x"],
            ["tail", *at, "--since", "all"],
        ):
            with a_full_disk() as full:
                assert await run(*arguments, stdout=full) == (
                    1,
                    "",
                    "sse-server: the output cannot be written: No space left on device\n",
                )


async def test_whoever_has_read_enough_is_told_nothing() -> None:
    async with serve() as url:
        await publish(url, "hello")
        at = ["--url", f"{url}/events"]
        for arguments in (["--help"], ["publish", *at, "x"], ["tail", *at, "--since", "all"]):
            with a_pipe_that_nobody_reads() as unread:
                assert await run(*arguments, stdout=unread) == (0, "", "")


async def test_a_server_whose_output_nobody_reads_serves() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with a_pipe_that_nobody_reads() as unread:
        server = await spawn("--port", port, "--log", "memory", stdout=unread)
    url = f"http://127.0.0.1:{port}/events"
    assert (await run("publish", "--url", url, "--retry-for", "15", "hello"))[0] == 0
    server.send_signal(signal.SIGTERM)
    assert (await server.communicate())[1] == b""
    assert server.returncode == 0


@ONLY_LINUX_HAS_FULL_DISKS
async def test_a_token_that_nobody_could_see_is_taken_back(tmp_path: Path) -> None:
    tokens = ["--tokens", str(tmp_path / "tokens.json")]
    for output, why in ((a_full_disk, "No space left on device"), (a_pipe_that_nobody_reads, "Broken pipe")):
        with output() as lost:
            code, _, err = await run("token", "add", "laptop", *tokens, stdout=lost)
        assert (code, err) == (
            1,
            f"sse-server: the output cannot be written: {why}; "
            "the token was taken back, so add it again once it can be printed\n",
        )
        assert await run("token", "list", *tokens) == (0, "", "")


async def test_names_of_tokens_are_listed_where_the_terminal_does_not_know_their_letters(tmp_path: Path) -> None:
    tokens = ["--tokens", str(tmp_path / "tokens.json")]
    assert (await run("token", "add", "Köln", *tokens))[0] == 0
    code, out, err = await run("token", "list", *tokens, environ={"PYTHONIOENCODING": "ascii"})
    assert (code, out, err) == (0, "K\\xf6ln\tpublish *\tsubscribe *\n", "")


async def test_tail_goes_on_where_it_was_when_the_server_comes_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = ["--port", port, "--log", str(tmp_path / "events.db")]
    async with started(*arguments) as server:
        assert (await publish(server.url, "before")).status == 201
        tail = await spawn("tail", "--url", f"{server.url}/events", "--since", "all")
        assert tail.stdout is not None
        async with asyncio.timeout(20):
            assert await tail.stdout.readline() == b"default message: before\n"
    async with started(*arguments) as server:
        assert (await publish(server.url, "meanwhile")).status == 201
        async with asyncio.timeout(20):
            assert await tail.stdout.readline() == b"default message: meanwhile\n"
    tail.send_signal(signal.SIGINT)
    _, err = await tail.communicate()
    assert "trying again" in err.decode()
    assert "Traceback" not in err.decode()


async def test_tail_goes_on_after_bad_bytes_and_a_cut_event_and_ends_when_it_is_told_to() -> None:
    bad = b"".join(step for _, step in islice(PLAYS["broken"](Random()), 8) if isinstance(step, bytes))
    head = b"HTTP/1.1 200 OK\r\nServer: sse-server\r\nContent-Type: text/event-stream\r\n"
    begin = head + b"Transfer-Encoding: chunked\r\n\r\n"
    honest = b'id: e:%d\ndata: {"type": "message", "topic": "ci", "data": "honest %d"}\n\n'
    answers = [
        begin + chunk(honest % (1, 1)) + chunk(bad) + chunk((honest % (2, 2))[:-20]),
        begin + chunk(honest % (2, 2)) + b"0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ]
    async with asyncio.timeout(30), answering(answers) as (url, asked):
        code, out, err = await run("tail", "--url", url, "--json")
    events = [json.loads(line) for line in out.split("\n")[:-1]]
    texts = [str(event["data"]) for event in events]
    assert texts[0] == "honest 1"
    assert texts[1] == "invalid UTF-8: \ufffd\ufffd \ufffd( \ufffd\ufffd\ufffd end"
    assert texts[2] == "line ends\nof all three\nkinds"
    assert texts[-2:] == ['{"title": "JSON that stops in the middle, "body', "honest 2"]
    assert [each.partition("Last-Event-Id: ")[2].partition("\r\n")[0] for each in asked] == ["", "e:1", "e:2"]
    assert code == 1
    assert [line.rpartition(" ")[2] for line in err.splitlines()] == ["again)", "again)", "Found"]


async def test_tail_ends_where_events_are_not_those_of_an_sse_server() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    for data in (b"no JSON", b'{"title": "JSON"}', b"5"):
        async with answering([head + chunk(b"data: " + data + b"\n\n")]) as (url, _):
            code, out, err = await run("tail", "--url", url)
        assert (code, out) == (1, "")
        assert "did not answer as an sse-server does" in err


async def test_what_may_be_asked_again_is_told_from_what_may_not() -> None:
    statuses = [307, 400, 401, 404, 408, 413, 422, 425, 429, 500, 502, 503, 504, 507]
    answers = [b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % status for status in statuses]
    async with answering(answers) as (url, _):
        remote = Remote(url)
        again = []
        for status in statuses:
            with pytest.raises(RemoteError, match=f"refused: {status} Said") as refused:
                await asyncio.to_thread(remote.publish, "hello", {}, once="order 7")
            if isinstance(refused.value, RemoteLost):
                again.append(status)
    assert again == [408, 425, 429, 500, 502, 503, 504, 507]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@asynccontextmanager
async def answering(answers: list[bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that gives one of these to each connection and closes it; its URL, and what it was asked."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answers[len(asked) - 1])
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events", asked


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["publish", "--url", "{url}", "--urgency", "loud", "x"], "refused: urgency: one of low, normal, critical"),
        (["publish", "--url", "{url}", ""], "refused: body: the message is empty"),
        (["publish", "--url", "localhost:8080", "x"], "begins with http:// or https://"),
        (["publish", "--url", "http://localhost:99999", "x"], "the URL of a server cannot be read: Port out of range"),
        (
            ["publish", "--url", "http://{nobody}/events", "x"],
            " cannot be reached: Connection refused; is it running? start one with: sse-server\n",
        ),
        (["publish", "--url", "http://no-such-host.invalid", "x"], "no-such-host.invalid cannot be reached: "),
        (["publish", "--url", "https://{place}", "x"], "does it speak http:// only?"),
        (["tail", "--url", "{url}", "--since", "soon"], "refused: since: all, a duration"),
        (["tail", "--url", "{base}/health"], "sends no events there"),
    ],
)
async def test_what_a_server_refuses_is_one_sentence(arguments: list[str], words: str) -> None:
    async with started() as server:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            places = {
                "url": f"{server.url}/events",
                "base": server.url,
                "place": server.url.removeprefix("http://"),
                "nobody": f"127.0.0.1:{deaf.getsockname()[1]}",
            }
            code, out, err = await run(*(argument.format(**places) for argument in arguments))
    assert (code, out) == (1, "")
    assert err.startswith("sse-server: ")
    assert err.count("\n") == 1
    assert words in err
    assert not re.search(r"Errno|_ssl\.c", err)


async def test_a_log_that_another_server_has_is_one_sentence(tmp_path: Path) -> None:
    path = str(tmp_path / "events.db")
    async with started("--log", path):
        code, out, err = await run("--port", "0", "--log", path)
    assert (code, out) == (1, "")
    assert err == (
        f"sse-server: the event log {path} is in use by another sse-server; "
        "stop that one, or choose another log with --log\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 300, "x..y"])
async def test_a_host_that_is_not_here_is_one_sentence(host: str) -> None:
    code, out, err = await run("--host", host, "--port", "0", "--without-token", "--without-tls")
    assert (code, out) == (1, "")
    assert err.startswith("sse-server: ")
    assert err.count("\n") == 1
    assert "--host" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--demo", "nonsense"], "hello, clock, build, flood, broken"),
        (["--port", "99999"], "65535"),
        (["--port", "http"], "integer"),
        (["--nonsense"], "--nonsense"),
        (["nonsense"], "(sse-server --help tells more)"),
        (["publish", "--nonsense"], "(sse-server publish --help tells more)"),
        (["tail", "--since"], "(sse-server tail --help tells more)"),
        (["token", "nonsense"], "(sse-server token --help tells more)"),
        (["token", "add"], "(sse-server token add --help tells more)"),
        (["--tls-key", "key.pem"], "'--tls-key': a key alone makes no TLS; give its certificate with --tls-cert"),
        (["--log", "http://foo"], "'--log': a log is a file, memory, or redis://HOST"),
        (
            ["--allow-host", "http://foo.example/"],
            "http://foo.example/ is no host; write its name alone, without scheme",
        ),
        (["--allow-host", "foo.example:8443"], "foo.example:8443 is no host; write its name alone"),
        (["--allow-origin", "status.example"], "status.example is no origin; write scheme and host"),
        (["--allow-origin", "https://status.example/page"], "alone, such as https://status.example"),
    ],
)
def test_a_wrong_argument_is_named_and_the_exit_code_is_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


def test_the_command_line_does_not_wait_for_what_only_serving_needs() -> None:
    question = "import sys, server.cli; sys.exit(bool({'aiohttp', 'redis'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", question], check=False).returncode == 0


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sse-server {__version__}\n"


def test_the_command_of_tokens_alone_shows_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert all(command in captured.out for command in ("Usage: sse-server token", "add", "list", "revoke"))


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("--host", "--port", "--demo", "--log", "--durability", "--verbose", "--version"):
        assert option in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "make a token with sse-server token add, or say --without-token"),
        (["--host", "::", "--without-tls"], "--without-token"),
        (["--host", "example.org", "--without-tls"], "--without-token"),
        (["--host", "0.0.0.0", "--without-token"], "give --tls-cert, or say --without-tls"),
        (["--tokens", "/no/such/place"], "there are no tokens in /no/such/place"),
        (["--tokens", "/dev/null/x"], "cannot be read"),
        (["--tls-cert", "/dev/null/nowhere"], "cannot be used for TLS"),
    ],
)
async def test_a_door_is_not_opened_to_the_network_by_accident(arguments: list[str], words: str) -> None:
    code, out, err = await run("--port", "0", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("sse-server: ")
    assert err.count("\n") == 1
    assert words in err


async def test_a_certificate_and_a_key_that_cannot_be_used_are_told_apart(tmp_path: Path) -> None:
    one, other, text = tmp_path / "one.pem", tmp_path / "other.pem", tmp_path / "text"
    authority = trustme.CA()
    for path in (one, other):
        certificate = authority.issue_cert("events.example")
        certificate.cert_chain_pems[0].write_to_path(str(path))
        certificate.private_key_pem.write_to_path(f"{path}.key")
    text.write_text("hello")
    for arguments, sentence in (
        (["--tls-cert", str(text)], f"{text} is no certificate in PEM form; name another with --tls-cert"),
        (["--tls-cert", str(one)], f"{one} has no private key in PEM form; name the file that has it with --tls-key"),
        (
            ["--tls-cert", str(one), "--tls-key", str(text)],
            f"{text} has no private key in PEM form; name the file that has it with --tls-key",
        ),
        (
            ["--tls-cert", str(one), "--tls-key", f"{other}.key"],
            f"{other}.key has the private key of another certificate than {one}; name its own with --tls-key",
        ),
    ):
        assert await run("--port", "0", *arguments) == (1, "", f"sse-server: {sentence}\n")


async def test_a_certificate_that_is_not_trusted_is_told_in_words_and_an_authority_can_be_named(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path, "localhost")
    async with started(*certificate.arguments, "--host", "localhost") as server:
        code, out, err = await run("publish", "--url", server.url, "hello")
        assert (code, out) == (1, "")
        assert err.startswith(f"sse-server: the certificate of {server.url.removeprefix('https://')} is not trusted: ")
        assert err.endswith(
            "; if an authority of your own signed it, name its file in the environment variable SSL_CERT_FILE\n"
        )
        trusting = {"SSL_CERT_FILE": certificate.authority}
        assert (await run("publish", "--url", server.url, "hello", environ=trusting))[0] == 0
        elsewhere = server.url.replace("localhost", "127.0.0.1")
        err = (await run("publish", "--url", elsewhere, "hello", environ=trusting))[2]
        assert err.endswith("is not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'\n")


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
async def test_the_curl_line_that_a_server_prints_works_with_a_token_and_tls(host: str, tmp_path: Path) -> None:
    needs("curl", "curl")
    certificate, tokens = Certificate(tmp_path, "events.example", "localhost"), str(tmp_path / "tokens.json")
    token = (await run("token", "add", "laptop", "--tokens", tokens))[1].strip()
    async with started("--host", host, "--tokens", tokens, *certificate.arguments) as server:
        assert server.url.startswith("https://localhost:")
        assert server.child.stdout is not None
        line = (await server.child.stdout.readline()).decode().strip()
        assert "-H 'Authorization: Bearer TOKEN'" in line
        words = shlex.split(line.removeprefix("publish").replace("TOKEN", token))
        curl = await asyncio.create_subprocess_exec(
            words[0], "-sS", "--cacert", certificate.authority, *words[1:], stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await curl.communicate()
        assert answer.startswith(b'{"id": ')
        notify = (await server.child.stdout.readline()).decode().strip()
        assert notify.endswith(f"sse-notifier run -H 'Authorization: Bearer TOKEN' {server.url}/events")


@pytest.mark.parametrize(
    "piece", [b"x" * 65_536, b"x" * 65_536 + b"\ndata: ", b"\ndata:" * 8_192], ids=["a line", "lines", "empty lines"]
)
async def test_tail_reads_no_event_without_an_end(piece: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nServer: sse-server\r\n\r\ndata: ")
        with suppress(ConnectionError):
            for _ in range(1_000):
                writer.write(piece)
                await writer.drain()
        writer.close()

    endless = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with endless:
        port = endless.sockets[0].getsockname()[1]
        code, _, err = await run("tail", "--url", f"http://127.0.0.1:{port}/events")
    sentence = f"sse-server: 127.0.0.1:{port} sent an event of more than 16 MiB; is it an sse-server?\n"
    assert (code, err) == (1, sentence)


async def test_a_server_whose_last_token_was_revoked_says_that_nobody_gets_in(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    await run("token", "add", "ci", environ=environ)
    await run("token", "revoke", "ci", environ=environ)
    async with started(environ=environ) as server:
        assert (await publish(server.url, "x")).status == 401
        server.child.terminate()
        _, _, err = await server.end()
    assert "was revoked, so nobody gets in: make one with sse-server token add, or remove the file" in err


async def test_no_character_of_a_stranger_acts_on_the_terminal_of_tail() -> None:
    hostile = "a\x1b[31m\x9b31m\u202eb\U000e0041 \ud55c\uae00"
    async with serve() as url:
        await publish(url, hostile)
        for options in ((), ("--json",)):
            tail = await spawn("tail", "--url", url, "--since", "all", *options)
            assert tail.stdout is not None
            async with asyncio.timeout(20):
                line = (await tail.stdout.readline()).decode().removesuffix("\n")
            tail.kill()
            await tail.communicate()
            assert line.isprintable()
            assert "\ud55c\uae00" in line
        assert json.loads(line)["data"] == hostile


async def test_a_door_that_was_asked_for_by_name_is_open() -> None:
    async with started("--host", "0.0.0.0", "--without-token", "--without-tls") as server:
        assert (await publish(server.url, "hello")).status == 201


async def test_tokens_are_added_used_listed_and_revoked_while_the_server_runs(tmp_path: Path) -> None:
    tokens = ["--tokens", str(tmp_path / "deep" / "tokens.json")]
    code, out, err = await run("token", "add", "laptop", *tokens)
    assert (code, err) == (0, "")
    laptop = out.strip()
    code, out, err = await run("token", "add", "ci", "--publish", "ci/*", *tokens)
    ci = out.strip()
    assert laptop not in Path(tokens[1]).read_text()
    assert Path(tokens[1]).stat().st_mode & 0o777 == 0o600
    async with started(*tokens) as server:
        url = ["--url", f"{server.url}/events"]
        code, _, err = await run("publish", *url, "x")
        assert (code, err.count("\n")) == (1, 1)
        assert "a token is needed" in err
        assert (await run("publish", *url, "--token", laptop, "x"))[0] == 0
        assert (await run("publish", *url, "--token", ci, "--topic", "ci/main", "x"))[0] == 0
        code, _, err = await run("publish", *url, "--token", ci, "--topic", "ops", "x")
        assert "does not let you publish to ops" in err
        assert (await run("token", "list", *tokens))[1] == "laptop\tpublish *\tsubscribe *\nci\tpublish ci/*\n"
        assert (await run("token", "revoke", "laptop", *tokens))[0] == 0
        code, _, err = await run("publish", *url, "--token", laptop, "x")
        assert "a token is needed" in err
    code, _, err = await run("token", "revoke", "laptop", *tokens)
    assert (code, err) == (1, "sse-server: there is no token of the name laptop\n")
    code, _, err = await run("token", "add", "ci", *tokens)
    assert (code, err) == (1, "sse-server: there is a token of the name ci; revoke it first, or choose another name\n")
