"""The examples of docs/rules.md do what they say."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from notifier import presets
from notifier.rule import Rule
from notifier.rules import Rules
from tests.telling import tell

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```\s+```sse\n(.*?)```\s+```text\n(.*?)```", PAGE, re.DOTALL)


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
    assert len(re.findall(r"^```\w", PAGE, re.MULTILINE)) == 3 * len(EXAMPLES)


def test_every_preset_is_named_on_the_page() -> None:
    titles = {title for name in presets.names() for title in presets.bundled(name).title.split(" or ")}
    assert not {title for title in titles if title not in " ".join(PAGE.split())}
