"""docs/server.md: what it tells people to type works."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
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


@pytest.mark.skipif(sys.platform != "linux", reason="it is another one elsewhere")
def test_the_usual_file_of_tokens_is_where_the_page_has_it(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    command = [sys.executable, "-m", "server", "token", "add", "laptop"]
    subprocess.run(command, env={**environ, "HOME": str(tmp_path)}, check=True, capture_output=True)
    [named] = re.findall(r"on Linux `~/(.config/\S+)`", PAGE)
    assert (tmp_path / named).exists()


def test_the_page_names_every_field() -> None:
    table = PAGE[PAGE.index("| field |") : PAGE.index("* With a JSON content type")]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(Message.__dataclass_fields__)
