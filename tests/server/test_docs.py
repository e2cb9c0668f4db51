"""docs/server.md: what it tells people to type works."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest

from server.cli import main
from server.web import serve
from server.wire import Message
from tests.needs import needs
from tests.server.client import subscribe

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (curl .*127\.0\.0\.1.*)$", PAGE, re.MULTILINE)
PUBLISHED = [command for command in COMMANDS if "-N" not in command]


@pytest.mark.parametrize("command", PUBLISHED)
async def test_a_curl_line_publishes(command: str) -> None:
    needs("curl", "curl")
    async with serve() as url, subscribe(url) as stream:
        words = shlex.split(command.replace("http://127.0.0.1:8080", url))
        curl = await asyncio.create_subprocess_exec(
            words[0], "-sS", "--fail", *words[1:], stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await curl.communicate()
        assert curl.returncode == 0
        assert answer.startswith(b'{"id": ')
        async with asyncio.timeout(8):
            while not stream.events:
                await stream.more()


def test_there_are_curl_lines() -> None:
    assert len(PUBLISHED) == 4


def test_every_option_that_the_page_names_exists_and_the_other_way(capsys: pytest.CaptureFixture[str]) -> None:
    helps = ""
    for command in ([], ["publish"], ["tail"], ["token", "add"]):
        assert main([*command, "--help"]) == 0
        helps += capsys.readouterr().out
    ours = re.sub(r"--unix-socket|--cacert|enable --now", "", PAGE)  # those of curl and systemctl
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    assert named - set(re.findall(r"--[a-z][a-z-]+", helps)) == set()
    assert main(["--help"]) == 0
    offered = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    assert offered - named - {"--help", "--version", "--verbose", "--tokens"} == set()


def test_the_page_names_every_field() -> None:
    table = PAGE[PAGE.index("| field |") : PAGE.index("* With a JSON content type")]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(Message.__dataclass_fields__)
