"""A preset's TOML in, what is known about a kind of stream out.

A preset is data: it says how to recognise a kind of stream, how to keep up with it, and what its events mean.
It does nothing itself.
"""

import re
import tomllib
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from notifier.complaint import problem_of_toml, problems_of, tell
from notifier.duration import Seconds
from notifier.errors import ConfigurationBroken
from notifier.language import _
from notifier.lines import line_of, lines_of
from notifier.rule import ExpressionText, Rule, TemplateText


def _checked_pattern(source: str) -> str:
    try:
        re.compile(source)
    except re.error as error:
        raise ValueError(_("{source!r} is no regular expression: {error}", source=source, error=error)) from error
    return source


def _checked_path(source: str) -> str:
    if not re.fullmatch(r"(\[\]|[^.\[\]]+)(\.[^.\[\]]+|\[\])*", source):
        raise ValueError(_("{source!r} is no path; write names and [] such as [].data[]", source=source))
    return source


Pattern = Annotated[str, AfterValidator(_checked_pattern)]
Path = Annotated[str, AfterValidator(_checked_path)]
"""Names separated by dots, and ``[]`` for every element of a list."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Signs(_Model):
    """What such a stream is recognised by.  Any one of them is enough; the earlier ones are surer."""

    headers: dict[str, Pattern] = {}
    """Response headers and what stands in them."""
    url: tuple[Pattern, ...] = ()
    """Found in the URL without its query."""
    data: ExpressionText | None = None
    """True for one of the first events; in it stand ``event`` and ``data``."""


class Refusal(_Model):
    """An event by which the server says never to come back, though it answered 200."""

    when: ExpressionText
    say: str
    """What the person can do, in one sentence."""


class Request(_Model):
    """One request of a handshake.  ``{{ client_id }}`` is a random name, the same in all of them and in the URL."""

    method: Literal["GET", "POST"] = "GET"
    path: TemplateText
    """Below the URL's scheme and host."""
    body: TemplateText | None = None
    """JSON; in it also stands ``data``, the first event's."""


class Handshake(_Model):
    """What to ask before the stream is opened and after its first event.  Cookies are kept for all of it."""

    before: tuple[Request, ...] = ()
    after: tuple[Request, ...] = ()


class Preset(_Model):
    """What is known about a kind of stream."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    title: str
    """Its name for persons."""
    signs: Signs = Signs()
    resume: Annotated[str, Field(pattern=r"^(auto|last-event-id|none|query:[A-Za-z_]+=.+)$")] = "auto"
    """How to go on after a break: ``query:since={{ data.time }}`` asks with a value of the last event."""
    idle: Seconds | None = None
    """Seconds without a byte after which such a stream is dead; None if it sends no signs of life."""
    closes: bool = False
    """The server ends the response regularly; that is no outage."""
    settle: Seconds = 0.0
    """Seconds after opening in which the server repeats what was: it is remembered, not told."""
    handshake: Handshake | None = None
    refusals: tuple[Refusal, ...] = ()
    echo: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] | None = None
    """Response header that repeats the last event ID that was asked for; another one in it means a gap."""
    gap: ExpressionText | None = None
    """Events by which the server says that others are missing."""

    alive: ExpressionText | None = None
    """Which events are signs of life; if it is not set, those with the usual words."""
    nested_json: tuple[Path, ...] = ()
    """Where a string holds JSON."""
    explode: Path | None = None
    """Where the list is of which every element is an event of its own."""
    identity: TemplateText | None = None
    """Events of one identity are one event, sent again."""
    lifetime: Seconds = 86_400.0
    """Seconds for which an identity is remembered."""
    rules: tuple[Rule, ...] = ()
    otherwise: Literal["tell", "drop"] = "tell"
    """What becomes of events that no rule is for."""

    @field_validator("rules")
    @classmethod
    def _run_nothing(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        # Presets are handed around; what a machine runs stands in its own configuration.
        if any(rule.command for rule in rules):
            raise ValueError(_("a preset runs no command; the rules of the configuration may"))
        return rules


GENERIC = Preset(name="generic", title="Server-Sent Events")
"""A stream about which nothing is known."""


def parse(text: str, origin: str) -> Preset:
    """The preset in a TOML file; `origin` is the file's name for the person.

    Raises:
        ConfigurationBroken: it is no preset; with every mistake and its line.
    """
    try:
        return Preset.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line, sentence = problem_of_toml(error)
        raise ConfigurationBroken(origin, [tell(origin, line or text.rstrip().count("\n") + 1, sentence)]) from error
    except ValidationError as error:
        lines = lines_of(text)
        found = sorted({(line_of(lines, p.path), p.sentence) for p in problems_of(error, Preset)})
        raise ConfigurationBroken(origin, [tell(origin, line, sentence) for line, sentence in found]) from error
