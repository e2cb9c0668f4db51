"""notifier.command with real programs: what they are given, what is logged, and what ends them."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from notifier.command import WAITING_LIMIT, Commands
from notifier.notification import Notification
from notifier.rule import Rule
from notifier.rules import Rules
from notifier.sse import Event

needs_groups = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
WRITE = "import os, sys; open(sys.argv[1], 'a').write(repr(sys.argv[2:]) + os.environ['SSE_TITLE'] + chr(10))"


def told(*command: str, title: str = "Disk full") -> Notification:
    return Notification(stream="ci", title=title, command=command)


@asynccontextmanager
async def running(commands: Commands) -> AsyncIterator[None]:
    task = asyncio.ensure_future(commands.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(path: Path, lines: int = 1) -> list[str]:
    while not path.exists() or len(path.read_text().splitlines()) < lines:
        await asyncio.sleep(0.02)
    return path.read_text().splitlines()


async def logged(caplog: pytest.LogCaptureFixture) -> str:
    while not caplog.messages:
        await asyncio.sleep(0.02)
    return caplog.messages[0]


HOSTILE = "$(touch pwned); `id` \" ' \\ --help\n* %PATH% {{ 7 * 7 }}"


async def test_each_argument_stays_one_whatever_it_holds(tmp_path: Path) -> None:
    out = tmp_path / "out"
    commands = Commands(os.environ)
    async with running(commands):
        commands.offer(told(sys.executable, "-c", WRITE, str(out), "--", HOSTILE))
        assert await until(out) == [repr(["--", HOSTILE]) + "Disk full"]


async def test_without_a_command_nothing_runs_and_nothing_waits(tmp_path: Path) -> None:
    out = tmp_path / "out"
    commands = Commands(os.environ)
    commands.offer(told())
    async with running(commands):
        commands.offer(told(sys.executable, "-c", WRITE, str(out)))
        assert await until(out) == ["[]Disk full"]


async def test_a_failure_is_one_sentence_without_arguments_and_secrets(caplog: pytest.LogCaptureFixture) -> None:
    commands = Commands({**os.environ, "PHONE_TOKEN": "s3cr3t"})
    program = "import os, sys; print('first'); print('no such phone, token', os.environ['PHONE_TOKEN']); sys.exit(3)"
    async with running(commands):
        commands.offer(told(sys.executable, "-c", program, "argument"))
        message = await logged(caplog)
    assert message == f"ci: the command {sys.executable} failed (status 3): no such phone, token …"


@pytest.mark.parametrize("command", [("/nowhere/prog",), (sys.executable, "-c", "a\0b")])
async def test_what_cannot_be_started_is_told(command: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    commands = Commands(os.environ)
    async with running(commands):
        commands.offer(told(*command))
        assert "cannot be started" in await logged(caplog)


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}" + chr(10))
time.sleep(60)
"""


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@needs_groups
async def test_at_its_time_a_program_ends_with_all_it_started(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "out"
    commands = Commands(os.environ, time_limit=3.0)
    async with running(commands):
        commands.offer(told(sys.executable, "-c", PARENT, str(out)))
        pids = [int(pid) for pid in (await until(out))[0].split()]
        assert "took over 3 s and was ended" in await logged(caplog)
        while any(lives(pid) for pid in pids):
            await asyncio.sleep(0.02)


@needs_groups
async def test_at_our_end_a_program_ends_with_all_it_started(tmp_path: Path) -> None:
    out = tmp_path / "out"
    commands = Commands(os.environ)
    async with running(commands):
        commands.offer(told(sys.executable, "-c", PARENT, str(out)))
        pids = [int(pid) for pid in (await until(out))[0].split()]
    while any(lives(pid) for pid in pids):
        await asyncio.sleep(0.02)


@needs_groups
async def test_what_a_program_leaves_behind_on_purpose_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    commands = Commands(os.environ)
    async with running(commands):
        program = f"sleep 1 && echo later >>{out} & exit 1"
        commands.offer(told("/bin/sh", "-c", program))
        await logged(caplog)
        assert await until(out) == ["later"]


async def test_what_a_program_leaves_behind_does_not_trouble_our_end(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from tests.notifier.test_command import Commands, told\n"
        "async def main():\n"
        "    commands = Commands(os.environ)\n"
        "    task = asyncio.create_task(commands.run())\n"
        "    commands.offer(told('/bin/sh', '-c', 'sleep 5 & touch ' + sys.argv[1]))\n"
        "    while not os.path.exists(sys.argv[1]):\n"
        "        await asyncio.sleep(0.01)\n"
        "    await asyncio.sleep(0.2)\n"
        "    task.cancel()\n"
        "    await asyncio.gather(task, return_exceptions=True)\n"
        "asyncio.run(main())\n"
    )
    arguments = [sys.executable, "-W", "default", "-c", code, str(tmp_path / "ran")]
    process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_endless_output_is_read_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    commands = Commands(os.environ)
    async with running(commands):
        commands.offer(told(sys.executable, "-c", "print('x' * 9_000_000); print('the end'); exit(1)"))
        assert (await logged(caplog)).endswith("(status 1): the end")


async def test_more_than_can_wait_is_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    commands = Commands({})
    with caplog.at_level(logging.WARNING):
        for _ in range(WAITING_LIMIT + 50):
            commands.offer(told("true"))
    assert len(caplog.messages) == 1


def made(**rule: object) -> tuple[str, ...]:
    rules = Rules("ci", rules=[Rule.model_validate(rule)])
    [decision] = rules.decide(Event("message", '{"title": "-rf {{ 7 * 7 }}", "n": 3}', ""), 0.0)
    assert isinstance(decision, Notification)
    return decision.command


def test_arguments_are_templates_over_the_event_and_the_notification() -> None:
    command = ["notify-phone", "--", "{{ title }} {{ data.n }}", "{{ urgency }}{{ key }}", "plain"]
    assert made(command=command, urgency="critical") == (
        *("notify-phone", "--", "-rf {{ 7 * 7 }} 3", "critical", "plain"),
    )


def test_a_recovery_runs_the_command_too() -> None:
    rules = Rules("ci", rules=[Rule.model_validate({"problem": "data.n > 3", "command": ["prog", "{{ title }}"]})])
    decided = [rules.decide(Event("message", f'{{"title": "hot", "n": {n}}}', ""), 0.0)[0] for n in (5, 1)]
    assert [d.command for d in decided if isinstance(d, Notification)] == [
        ("prog", "hot"),
        ("prog", "Recovered: hot"),
    ]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"command": ["{{ data.program }}"]}, "only its arguments are templates"),
        ({"command": []}, "a program and its arguments"),
        ({"command": [""]}, "a program and its arguments"),
        ({"command": "rm -rf /"}, "tuple"),
        ({"command": ["x", "{{"]}, "no template"),
        ({"command": ["x"], "drop": True}, "runs no command"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(rule: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rule.model_validate(rule)
