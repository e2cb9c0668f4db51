"""The examples of docs/rules.md do what they say."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from notifier import presets
from notifier.rule import Rule
from notifier.rules import Rules
from tests.notifier.test_cli import command
from tests.telling import tell

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```\s+```sse\n(.*?)```\s+```text\n(.*?)```", PAGE, re.DOTALL)
TRIED = {kind: re.search(rf"```\w+ {kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("old", "new", "recording", "tried")}
"""The example of `rules try`: two configurations, a recording, and what is said of them."""


@pytest.mark.parametrize(("toml", "stream", "told"), EXAMPLES)
def test_an_example_is_told_as_the_page_says(toml: str, stream: str, told: str) -> None:
    streams = tomllib.loads(toml)["streams"]
    settings = streams[0] if isinstance(streams, list) else streams
    url = urlsplit(settings.get("url", "https://host.example/events"))
    rules = Rules(
        settings.get("name", "example"),
        presets.bundled(settings.get("preset", "generic")),
        [Rule.model_validate(rule) for rule in settings["rules"]],
        base=f"{url.scheme}://{url.netloc}",
    )
    assert tell((stream + "\n").encode(), rules) == told.strip()


def test_every_block_of_the_page_is_part_of_an_example() -> None:
    assert len(re.findall(r"^```\w", PAGE, re.MULTILINE)) == 3 * len(EXAMPLES) + len(TRIED)


async def test_the_example_of_rules_try_says_what_the_page_says(tmp_path: Path) -> None:
    text = {kind: found[1] for kind, found in TRIED.items() if found}
    for kind in ("old", "new", "recording"):
        (tmp_path / kind).write_text(text[kind])
    new, old = str(tmp_path / "new"), str(tmp_path / "old")
    arguments = ("rules", "try", str(tmp_path / "recording"), "--config", new, "--against", old)
    async with command(tmp_path, *arguments, TZ="UTC") as tool:
        assert await tool.result() == (0, text["tried"], "")


def test_every_preset_is_named_on_the_page() -> None:
    titles = {title for name in presets.names() for title in presets.bundled(name).title.split(" or ")}
    assert not {title for title in titles if title not in " ".join(PAGE.split())}
