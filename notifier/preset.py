"""A preset's TOML in, what is known about a kind of stream out.

A preset is data: it says how to recognise a kind of stream, how to keep up with it, and what its events mean.
It does nothing itself.
"""

import re
import tomllib
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from notifier.complaint import problem_of_toml, problems_of, tell
from notifier.duration import Seconds
from notifier.errors import ConfigurationBroken
from notifier.language import _
from notifier.lines import line_of, lines_of
from notifier.rule import PROVEN, ExpressionText, Rule, TemplateText

OURS = {"answer", "client_id", "data"}
"""Names in the templates of a handshake that are taken."""
NOT_FOR_PRESETS = {
    "authorization", "connection", "content-length", "cookie", "host", "proxy-authorization", "transfer-encoding",
}  # fmt: skip
"""Headers, lower case: credentials are for the configuration to give, the others are the client's."""


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


def _checked_header(name: str) -> str:
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]{0,60}", name) or name.lower() in NOT_FOR_PRESETS:
        raise ValueError(_("{name} is no header that a preset may set", name=name))
    return name


Pattern = Annotated[str, AfterValidator(_checked_pattern)]
HeaderName = Annotated[str, AfterValidator(_checked_header)]
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
    """One request of a handshake.

    In its templates stand ``client_id`` and what earlier requests kept; in those after the first event also ``data``,
    that event's.
    """

    method: Literal["GET", "POST"] = "GET"
    path: Annotated[TemplateText, Field(pattern="^/")]
    """Below the URL's scheme, host and, where the handshake names `listen`, what stands before that."""
    headers: dict[HeaderName, TemplateText] = {}
    """One that comes out empty is not sent."""
    body: TemplateText | None = None
    """JSON."""
    form: dict[str, TemplateText] = {}
    """Sent as a web page's form, in the place of a body."""
    keep: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,40}$")] | None = None
    """Under which name the answer's JSON stands in later templates."""
    expect: ExpressionText | None = None
    """What must be true of ``answer``, its JSON, or else the handshake is done anew."""
    optional: bool = False
    """404 is no mistake: there is nothing to ask for here."""

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if self.form and self.body is not None:
            raise ValueError(_("has a body and a form; keep one of them"))
        if self.keep in OURS:
            raise ValueError(_("keep is to be another name than {names}", names=", ".join(sorted(OURS))))
        return self


class Handshake(_Model):
    """What to ask before the stream is asked for and after its first event.  Cookies are kept for all of it."""

    listen: Annotated[str, Field(pattern=r"^(/[^?#{]*/)?$")] = ""
    """The path below which streams are, each with its client's ID as its last part.  What stands before it in the URL
    belongs to all requests; where the URL has no ID, or ends before `listen`, the rest is made up."""
    before: Annotated[tuple[Request, ...], Field(max_length=10)] = ()
    after: Annotated[tuple[Request, ...], Field(max_length=10)] = ()


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
    """Seconds after opening in which the server repeats what was: it is remembered, and only a problem that began or
    ended meanwhile is told."""
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


def parse(text: str, origin: str, *, proven: bool = False) -> Preset:
    """The preset in a TOML file; `origin` is the file's name for the person.

    Args:
        proven: its templates are known to be right, and need not be compiled to see.

    Raises:
        ConfigurationBroken: it is no preset; with every mistake and its line.
    """
    try:
        return Preset.model_validate(tomllib.loads(text), context=PROVEN if proven else None)
    except tomllib.TOMLDecodeError as error:
        line, sentence = problem_of_toml(error)
        raise ConfigurationBroken(origin, [tell(origin, line or text.rstrip().count("\n") + 1, sentence)]) from error
    except ValidationError as error:
        lines = lines_of(text)
        found = sorted({(line_of(lines, p.path), p.sentence) for p in problems_of(error, Preset)})
        raise ConfigurationBroken(origin, [tell(origin, line, sentence) for line, sentence in found]) from error
