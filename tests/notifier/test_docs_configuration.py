"""docs/configuration.md: its tables are those of the models, and its examples are configurations."""

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from notifier import config
from notifier.appearance import Appearance
from notifier.complaint import settings_of
from notifier.errors import ConfigurationBroken
from notifier.hours import QuietHours
from notifier.stream import Basic, Flood, Stream, Tls

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ANSWERS = re.findall(r"^```toml\n((?:(?!```).*\n)*)```\n\n```text\n((?:(?!```).*\n)*)```$", PAGE, re.MULTILINE)
BROKEN = {text for text, _ in ANSWERS}
FOUND = {"name": "from `url`"}
"""Settings that are needed, but by the program only."""
ENVIRON = {"HOME": "/home/ann", "CI_TOKEN": "s3cret", "NTFY_TOPIC": "ops"}


def table(model: type[BaseModel]) -> str:
    """The settings of a model as the page has them."""
    rows = [
        f"| `{name}` | {FOUND.get(name) or value(field)} | {meaning(field)} |"
        for name, field in settings_of(model).items()
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def value(field: FieldInfo) -> str:
    default = field.default
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = f" {extra['unit']}" if "unit" in extra else ""
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, Flood):
        return f"`{{ burst = {default.burst}, window = {default.window:g} }}`"
    if default in (None, {}, ()) or isinstance(default, BaseModel):
        return "none"
    if isinstance(default, int | float) and not isinstance(default, bool):
        return f"{default:,g}{unit}" if isinstance(default, float) else f"{default:,}{unit}"
    return f"`{json.dumps(default)}`"


def meaning(field: FieldInfo) -> str:
    bounds = {type(bound).__name__.lower(): bound for bound in field.metadata}
    words = " ".join((field.description or "").split())
    if "ge" in bounds:
        words += f" {bounds['ge'].ge:,} to {bounds['le'].le:,}."
    if "maxlen" in bounds:
        words += f" At most {bounds['maxlen'].max_length} characters."
    return words.replace("|", "\\|")


@pytest.mark.parametrize("model", [Stream, Tls, Basic, Flood, QuietHours, Appearance])
def test_the_page_has_each_setting_with_its_default_unit_and_range(model: type[BaseModel]) -> None:
    assert table(model) in PAGE


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 8
    assert len(ANSWERS) > 0


@pytest.mark.parametrize("text", [text for text in EXAMPLES if text not in BROKEN])
def test_an_example_is_a_configuration_and_what_the_schema_says_too(text: str) -> None:
    assert config.parse(text, ENVIRON, "/home/ann/.config/sse-notifier/config.toml").streams
    jsonschema.validate(tomllib.loads(text), config.schema())


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
def test_a_broken_example_is_answered_as_the_page_says(text: str, answer: str) -> None:
    with pytest.raises(ConfigurationBroken) as caught:
        config.parse(text, ENVIRON)
    assert str(caught.value) == answer.strip()


def test_the_schema_refuses_what_is_no_setting() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"streams": [{"url": "https://a/", "idle_timout": 3}]}, config.schema())


def test_the_schema_explains_every_setting() -> None:
    stream = config.schema()["properties"]["streams"]["items"]
    assert stream["properties"].keys() == Stream.model_fields.keys()
    for name, field in stream["properties"].items():
        assert field.get("description"), name
