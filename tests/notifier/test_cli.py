"""The command line as a person meets it: real processes, real sockets, no screen and no bus."""

import asyncio
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from notifier import __version__
from tests.interrupt import ends_at_once
from tests.notifier.loopback import OK, Act, Script, loopback


@dataclass
class Command:
    """A running `sse-notifier`."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def complaint(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.readline()).decode().rstrip("\n")

    async def end(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        return await self.result()

    async def result(self) -> tuple[int, str, str]:
        out, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), errors.decode()


@contextlib.asynccontextmanager
async def command(tmp_path: Path, *arguments: str, **more: str) -> AsyncIterator[Command]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", **more}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notifier",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_version_is_told(tmp_path: Path) -> None:
    async with command(tmp_path, "--version") as version:
        assert await version.result() == (0, f"sse-notifier {__version__}\n", "")


@pytest.mark.parametrize("name", ["", "record", "probe", "run", "rules try"])
async def test_help_is_whole_in_every_language_at_80_columns(tmp_path: Path, name: str) -> None:
    for language in ("en_US.UTF-8", "ko_KR.UTF-8"):
        async with command(tmp_path, *name.split(), "--help", COLUMNS="80", LANG=language) as tool:
            code, out, _ = await tool.result()
        assert code == 0
        assert "…" not in out


@pytest.mark.parametrize("arguments", [[], ["--help"]])
async def test_help_names_every_command(tmp_path: Path, arguments: list[str]) -> None:
    async with command(tmp_path, *arguments) as tool:
        code, out, errors = await tool.result()
    assert (code, errors) == (0, "")
    assert all(word in out for word in ("run", "demo", "watch", "history", "config"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["watch", "localhost:8080/events"], "did you mean http://localhost:8080/events ?"),
        (["run", "ftp://example.org/x"], "is no http:// or https:// URL"),
        (["watch", "http://a/", "--header", "Authorization Bearer x"], "written 'Name: value'"),
        (["watch"], "Missing argument"),
        (["watch", "http://a/", "--colour"], "No such option: --colour"),
        (["wacth", "http://a/"], "No such command 'wacth'"),
        (["run"], "/.config/sse-notifier/config.toml yet; write one to begin with: sse-notifier config init"),
        (["run", "--config", "nowhere.toml"], "nowhere.toml yet; write one"),
        (["run", "--config", "x.toml", "http://a/"], "follow either URLs or a configuration"),
        (["run", "--header", "A: b"], "are for URLs; the configuration has its own"),
        (["run", "http://a.example/", "--header", "X-Key: s3cret"], "--allow-plain-credentials"),
        (["config", "check"], "/.config/sse-notifier/config.toml yet; write one"),
        (["config"], "Missing command"),
    ],
)
async def test_a_wrong_question_is_answered_in_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    async with command(tmp_path, *arguments) as tool:
        code, out, errors = await tool.result()
    assert (code, out) == (2, "")
    assert sentence in errors
    assert errors.startswith("sse-notifier: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("name", ["watch", "run"])
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found: there is nothing at this address"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "give a token with --header"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "answered with a web page (text/html), not"),
    ],
)
async def test_a_stream_that_will_never_work_ends_the_command(
    tmp_path: Path, name: str, answer: bytes, sentence: str
) -> None:
    async with loopback([answer]) as server, command(tmp_path, name, server.url) as tool:
        code, _, errors = await tool.result()
    assert code == 1
    last = errors.splitlines()[-1]
    assert last.startswith(f"sse-notifier: 127.0.0.1:{server.port}: ")
    assert sentence in last
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_watch_keeps_trying_and_says_so_until_it_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    async with loopback() as gone:
        url = gone.url
    async with command(tmp_path, "watch", url) as tool:
        complaint = await tool.complaint()
        assert "(connection refused); is the server running?; trying again" in complaint
        assert await tool.end(number) == (0, "", "")


async def test_watch_prints_each_event_at_once(tmp_path: Path) -> None:
    stream: Script = [OK, b"data: Hello, world!\n\nevent: job\ndata: one\ndata: \x1b[31mtwo\x07\n\n", Act.HANG]
    async with loopback(stream) as server, command(tmp_path, "watch", server.url) as tool:
        assert [await tool.line() for _ in range(4)] == ["message: Hello, world!", "job:", "one", "two"]


async def test_watch_json_is_one_object_per_line_for_the_next_program(tmp_path: Path) -> None:
    stream: Script = [OK, 'id: 7\nevent: job\ndata: 안녕 \x1b[31m\ndata: "x"\n\ndata: y\n\n'.encode(), Act.HANG]
    async with loopback(stream) as server, command(tmp_path, "watch", "--json", server.url) as tool:
        lines = [await tool.line() for _ in range(2)]
    assert [json.loads(line) for line in lines] == [
        {"type": "job", "data": '안녕 \x1b[31m\n"x"', "last_event_id": "7", "id": "7"},
        {"type": "message", "data": "y", "last_event_id": "7", "id": None},
    ]
    assert all(line.isascii() and line.isprintable() for line in lines)


async def test_watch_ends_when_nobody_reads_it_any_more(tmp_path: Path) -> None:
    more = asyncio.Event()
    stream: Script = [OK, b"data: a\n\n", more, b"data: b\n\n", Act.HANG]
    async with loopback(stream) as server, command(tmp_path, "watch", server.url) as tool:
        assert await tool.line() == "message: a"
        assert tool.process.stdout is not None
        tool.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        more.set()
        assert await tool.process.wait() == 0
        assert tool.process.stderr is not None
        assert await tool.process.stderr.read() == f"sse-notifier: 127.0.0.1:{server.port}: connected\n".encode()


async def test_204_ends_watch_without_an_error(tmp_path: Path) -> None:
    async with loopback([b"HTTP/1.1 204 No Content\r\n\r\n"]) as server, command(tmp_path, "watch", server.url) as tool:
        code, out, errors = await tool.result()
    assert (code, out) == (0, "")
    assert "closed the stream for good" in errors


async def test_without_a_desktop_run_says_what_is_missing_and_shows_in_the_terminal(tmp_path: Path) -> None:
    stream: Script = [OK, b'data: {"title": "Build failed", "message": "main is red"}\n\n', Act.HANG]
    async with loopback(stream) as server, command(tmp_path, "run", server.url) as tool:
        shown = await tool.line() + await tool.line()
        assert "Build failed" in shown
        assert "main is red" in shown
        code, _, errors = await tool.end(signal.SIGTERM)
    assert code == 0
    missing, connected = errors.splitlines()
    assert "There is no session bus, so neither bubbles nor a tray icon: start this in a desktop session" in missing
    assert connected.endswith("connected")


async def test_the_demo_shows_its_own_events_and_ends_at_once(tmp_path: Path) -> None:
    async with command(tmp_path, "demo", "--no-tray") as tool:
        lines = [await tool.line() for _ in range(5)]
        assert "The demo server is at http://127.0.0.1:" in lines[0]
        code, _, _ = await tool.end(signal.SIGINT)
    assert code == 0


@pytest.mark.parametrize("name", ["watch", "history", "doctor", "config schema", "--help"])
async def test_output_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    async with loopback([OK, b"data: a\n\n", Act.HANG]) as server:
        async with command(tmp_path, "run", server.url) as tool:
            await tool.line()
            await tool.end(signal.SIGTERM)
        arguments = [name, server.url] if name == "watch" else name.split()
        with Path("/dev/full").open("wb") as full:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "notifier", *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=full, stderr=asyncio.subprocess.PIPE,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            )  # fmt: skip
            _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1] == ("sse-notifier: the output cannot be written: No space left on device")


async def test_who_reads_no_more_ends_it_without_a_word(tmp_path: Path) -> None:
    more = asyncio.Event()
    async with loopback([OK, b"data: one\n\n", more, b"data: two\n\n", Act.HANG]) as server:
        reading, writing = os.pipe()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier", "run", server.url,
            stdin=asyncio.subprocess.DEVNULL, stdout=writing, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )  # fmt: skip
        os.close(writing)
        assert await asyncio.to_thread(os.read, reading, 1_000)
        os.close(reading)
        more.set()
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors.decode()


async def test_a_missing_standard_error_ends_nothing(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", 'exec "$0" -m notifier history --json 2>&-', sys.executable,
        stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"")


async def test_a_full_disk_keeps_nobody_from_starting(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    async with loopback([OK, b"data: one\n\n", Act.HANG]) as server:
        config.write_text(f'[[streams]]\nurl = "{server.url}"\nname = "ci"\n')
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", 'ulimit -f 0; exec "$0" -m notifier run --config "$1"', sys.executable, str(config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )  # fmt: skip
        tool = Command(process)
        assert "ci" in await tool.line()
        code, _, errors = await tool.end(signal.SIGTERM)
    assert (code, "Traceback" in errors) == (0, False)


async def test_a_letter_that_the_terminal_does_not_know_is_spelled_out(tmp_path: Path) -> None:
    async with (
        loopback([OK, "data: snow ☃\n\n".encode(), Act.HANG]) as server,
        command(tmp_path, "watch", server.url, PYTHONIOENCODING="latin-1") as tool,
    ):
        assert await tool.line() == "message: snow \\u2603"


async def test_nohup_is_obeyed(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with loopback([OK, b"data: a\n\n", Act.HANG]) as server, command(tmp_path, "watch", server.url) as tool:
            await tool.line()
            tool.process.send_signal(signal.SIGHUP)
            code, _, _ = await tool.end(signal.SIGTERM)
            assert code == 0
            assert len(server.heads) == 1
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_ctrl_c_is_quiet_from_our_first_line_on(tmp_path: Path) -> None:
    # What Python itself does before our first line is not ours to answer for.
    begin = "import notifier.__main__ as main; print('begun', flush=True); main.script()"
    for delay in (0.05, 0.2, 0.4, 0.8):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", begin, "demo", "--no-tray",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )  # fmt: skip
        tool = Command(process)
        assert await tool.line() == "begun"
        await asyncio.sleep(delay)
        code, _, errors = await tool.end(signal.SIGINT)
        assert code in (0, 128 + signal.SIGINT, -signal.SIGINT)
        assert "Traceback" not in errors


@pytest.mark.parametrize("module", ["notifier.cli", "notifier.config", "notifier.tray.tray"])
def test_ctrl_c_during_an_import_simply_ends_us(module: str, tmp_path: Path) -> None:
    assert ends_at_once("notifier", module, "demo", "--no-tray", home=str(tmp_path))


async def test_ctrl_c_ends_a_trial(tmp_path: Path) -> None:
    async with command(tmp_path, "test", "--backend", "terminal", "--wait", "100") as tool:
        await tool.line()
        code, _, errors = await tool.end(signal.SIGINT)
        assert (code, errors) == (0, "")


async def test_history_tells_what_was_shown(tmp_path: Path) -> None:
    script: Script = [
        OK,
        b'data: {"title": "Build failed", "message": "main is red", "url": "https://ci.example/1"}\n\ndata: other\n\n',
        Act.HANG,
    ]
    async with loopback(script) as server, command(tmp_path, "run", server.url) as tool:
        for _ in range(5):
            await tool.line()
        await tool.end(signal.SIGTERM)
    async with command(tmp_path, "history", "--search", "RED", "--since", "1h") as tool:
        code, out, errors = await tool.result()
    assert (code, errors) == (0, "")
    assert [line.split(" ", 1)[-1].strip() for line in out.splitlines()] == [
        f"127.0.0.1:{server.port}",
        "• Build failed",
        "main is red",
        "https://ci.example/1",
    ]
    async with command(tmp_path, "history", "--json", "--stream", f"127.0.0.1:{server.port}") as tool:
        code, out, errors = await tool.result()
    assert [(row["title"], row["state"]) for row in map(json.loads, out.splitlines())] == [
        ("Build failed", "shown"),
        (f"127.0.0.1:{server.port}", "shown"),
    ]
    async with command(tmp_path, "history", "--stream", "nobody") as tool:
        code, out, errors = await tool.result()
    assert (code, out) == (0, "")
    assert "sse-notifier history shows all" in errors
    async with command(tmp_path, "history", "--since", "yesterday") as tool:
        code, out, errors = await tool.result()
    assert (code, out) == (2, "")
    assert "'yesterday' is no moment" in errors


async def test_what_was_missed_while_it_did_not_run_comes_with_the_next_start(tmp_path: Path) -> None:
    first: Script = [OK, b"id: 1\ndata: one\n\n", Act.HANG]
    async with loopback(first, [OK, b"id: 2\ndata: two\n\n", Act.HANG]) as server:
        async with command(tmp_path, "run", server.url) as tool:
            assert "one" in await tool.line() + await tool.line()
            await tool.end(signal.SIGTERM)
        async with command(tmp_path, "run", server.url) as tool:
            assert "two" in await tool.line() + await tool.line()
        assert "Last-Event-ID: 1\r\n" in server.heads[1]


async def test_a_header_reaches_the_server_and_nothing_else(tmp_path: Path) -> None:
    stream: Script = [OK, b"data: a\n\n", Act.HANG]
    async with loopback(stream) as server:
        url = server.url + "?auth=s3cret"
        async with command(tmp_path, "watch", "-v", "-H", "Authorization: Bearer s3cret", url) as tool:
            await tool.line()
            _, out, errors = await tool.end(signal.SIGTERM)
        assert "Authorization: Bearer s3cret\r\n" in server.heads[0]
    assert "s3cret" not in out + errors


# The configuration file.


async def told(tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    async with command(tmp_path, *arguments) as tool:
        return await tool.result()


def configured(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


async def test_a_file_is_written_found_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / ".config" / "sse-notifier" / "config.toml"
    assert await told(tmp_path, "config", "path") == (0, f"{path}\n", "")
    assert await told(tmp_path, "config", "init") == (
        0,
        f"{path} is written.\n"
        "Look at a stream and add it: sse-notifier probe URL --save NAME\n"
        "Then follow it: sse-notifier run\n",
        "",
    )
    assert await told(tmp_path, "config", "check") == (
        0,
        f"{path} is in order: 0 streams\nLook at a stream and add it: sse-notifier probe URL --save NAME\n",
        "",
    )
    code, _, errors = await told(tmp_path, "run")
    assert (code, errors) == (
        2,
        f"sse-notifier: {path} names no stream yet; add one: sse-notifier probe URL --save NAME\n",
    )
    code, _, errors = await told(tmp_path, "config", "init")
    assert (code, errors) == (2, f"sse-notifier: {path} is there already, and stays as it is\n")


@pytest.mark.parametrize("arguments", [["config", "check"], ["run"]])
async def test_every_mistake_of_a_file_is_told_and_no_secret(tmp_path: Path, arguments: list[str]) -> None:
    path = configured(tmp_path, '[[streams]]\nurl = "http://ann:s3cret@far.example/"\ntoken = "s3cret"\nname = 3\n')
    code, out, errors = await told(tmp_path, *arguments, "--config", str(path))
    assert (code, out) == (2, "")
    first, *problems = errors.splitlines()
    assert first == f"sse-notifier: {path} has 3 mistakes:"
    assert [problem.split(" ")[:2] for problem in problems] == [
        ["config.toml:2:", "url"],
        ["config.toml:3:", "token"],
        ["config.toml:4:", "name"],
    ]
    assert "s3cret" not in errors


async def test_the_schema_is_one(tmp_path: Path) -> None:
    code, out, errors = await told(tmp_path, "config", "schema")
    assert (code, errors) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


async def test_a_save_is_followed_at_once_and_a_broken_one_is_told_in_a_bubble(tmp_path: Path) -> None:
    one: Script = [OK, b"data: hello from one\n\n", Act.HANG]
    two: Script = [OK, b"data: hello from two\n\n", Act.HANG]
    async with loopback(one) as first, loopback(two) as second:
        text = f'[[streams]]\nurl = "{first.url}"\nname = "one"\n'
        path = configured(tmp_path, text)
        async with command(tmp_path, "run", "--config", str(path)) as tool:
            await shows(tool, "hello from one")
            path.write_text(text + "colour = 3\n")
            await shows(tool, "A mistake in the configuration")
            await shows(tool, "config.toml:4: colour is not a setting")
            path.write_text(text + f'[[streams]]\nurl = "{second.url}"\nname = "two"\n')
            await shows(tool, "The configuration is in order again")
            await shows(tool, "hello from two")
            assert (await tool.end(signal.SIGTERM))[0] == 0
        assert len(first.heads) == 1


async def test_without_a_terminal_sighup_has_the_file_read_again_and_ends_nothing(tmp_path: Path) -> None:
    one: Script = [OK, b"data: hello from one\n\n", Act.HANG]
    two: Script = [OK, b"data: hello from two\n\n", Act.HANG]
    async with loopback(one) as first, loopback(two) as second:
        text = f'[[streams]]\nurl = "{first.url}"\nname = "one"\n'
        path = configured(tmp_path, text)
        async with command(tmp_path, "run", "--config", str(path)) as tool:
            await shows(tool, "hello from one")
            path.write_text(text + f'[[streams]]\nurl = "{second.url}"\nname = "two"\n')
            for _ in range(3):
                tool.process.send_signal(signal.SIGHUP)
            await shows(tool, "hello from two")
            assert (await tool.end(signal.SIGTERM))[0] == 0
        assert len(first.heads) == 1


async def shows(tool: Command, text: str) -> None:
    while text not in (line := await tool.line()):
        assert tool.process.returncode is None
        assert line or not tool.process.stdout.at_eof()  # type: ignore[union-attr]


async def test_a_second_program_with_the_same_file_is_sent_away_until_the_first_has_ended(tmp_path: Path) -> None:
    async with loopback([OK, b"data: hello\n\n", Act.HANG]) as server:
        path = configured(tmp_path, f'[[streams]]\nurl = "{server.url}"')
        async with command(tmp_path, "run", "--config", str(path)) as tool:
            await shows(tool, "hello")
            code, _, errors = await told(tmp_path, "run", "--config", str(path))
            assert code == 1
            assert errors == f"sse-notifier: sse-notifier is running already with {path} (process {tool.process.pid})\n"
            await tool.end(signal.SIGKILL)
        async with command(tmp_path, "run", "--config", str(path)) as tool:
            await server.wait_for_connections(2)
            assert (await tool.end(signal.SIGTERM))[0] == 0


async def test_no_secret_of_a_file_is_told_by_a_program_that_tells_each_step(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret")
    away = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n"
    async with loopback([away], [Act.RESET], [OK, b"data: hello\n\n", Act.HANG]) as server:
        url = server.url.replace("://", "://ann:s3cret@")
        query = 'query = { token = "s3cret", other = { file = "token" } }\ncookies = { a = "s3cret" }'
        path = configured(tmp_path, f'[[streams]]\nurl = "{url}?key=s3cret"\nname = "ci"\n{query}')
        async with command(tmp_path, "run", "--verbose", "--config", str(path)) as tool:
            await shows(tool, "hello")
            path.write_text("[[streams]]\nbearer = s3cret")
            await shows(tool, "A mistake in the configuration")
            _, out, errors = await tool.end(signal.SIGTERM)
    assert all("s3cret" in head for head in server.heads)
    assert "503" in errors
    assert "s3cret" not in out + errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_on_a_terminal_a_sentence_is_broken_between_words(tmp_path: Path) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "40"}
    line = [sys.executable, "-m", "notifier", "replay", "nowhere.jsonl"]
    subprocess.run(line, env=environ, cwd=tmp_path, stderr=theirs, stdin=subprocess.DEVNULL, check=False)
    os.close(theirs)
    with os.fdopen(ours, "rb") as terminal:
        said = terminal.read1(4096).decode()
    assert said.split("\r\n") == [
        "sse-notifier: nowhere.jsonl cannot be",
        "read (No such file or directory)",
        "",
    ]
