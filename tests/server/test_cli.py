"""sse-server, as a shell sees it."""

import signal
import socket

import pytest

from notifier import __version__
from server.cli import main
from tests.server.client import publish, subscribe
from tests.server.process import run, started

pytestmark = pytest.mark.timeout(60)


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


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 300, "x..y"])
async def test_a_host_that_is_not_here_is_one_sentence(host: str) -> None:
    code, out, err = await run("--host", host, "--port", "0")
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
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_argument_is_named_and_the_exit_code_is_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sse-server {__version__}\n"


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("--host", "--port", "--demo", "--verbose", "--version"):
        assert option in shown
