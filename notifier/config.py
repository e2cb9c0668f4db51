"""Settings in, a checked :class:`Config` out.  No I/O, and no environment but the one it is given.

What a person wrote wrong becomes one :class:`~notifier.errors.UsageError` that names every mistake at once.
"""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator

from notifier.appearance import Appearance
from notifier.complaint import Problem, no_such, problem_of_toml, problems_of, tell, unknown
from notifier.environment import Environment
from notifier.errors import ConfigurationBroken, UsageError
from notifier.language import _
from notifier.lines import Path, line_of, lines_of
from notifier.preset import Preset
from notifier.proxy import from_environment
from notifier.secret import Secret
from notifier.stream import UNIX, Settings, Stream

__all__ = ["Config", "Stream", "from_arguments", "name_of", "parse", "salvage", "schema"]

PLAIN_SEGMENTS = {"", "events", "event", "sse", "stream", "eventstream", "api", "v1", "v2", ".well-known"}
"""Path segments that say "a stream" and not which one."""
JOINED = ("headers", "cookies", "query")
"""Tables of `[defaults]` that a stream adds to; any other setting of a stream takes the default's place."""
OF_ONE_STREAM = ("url", "name")
"""Settings that cannot have a default."""
TABLES = ("defaults", "streams", "tray")
LIKE_STREAMS = ("stream", "streams", "feed", "feeds", "source", "sources")
LIKE_DEFAULTS = ("default", "defaults", "global", "settings", "sse-notifier")
LIKE_TRAY = ("icon", "style", "appearance", "theme", "tray_icon", "systray")
STREAMS_LIMIT = 1_000
"""More are a mistake of whatever wrote the file."""


class Config(Settings):
    """All that the program was told."""

    streams: Annotated[tuple[Stream, ...], Field(max_length=STREAMS_LIMIT)] = ()
    """The streams to follow; each has a name of its own."""
    tray: Appearance = Appearance()
    """How the tray icon is to look."""
    presets: tuple[Preset, ...] = ()
    """The person's own, from the directory `presets` beside the file."""

    @field_validator("streams")
    @classmethod
    def _have_names_of_their_own(cls, streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
        names = [stream.name for stream in streams]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(_("two streams are called {names}", names=", ".join(sorted(twice))))
        return streams


def from_arguments(
    urls: Iterable[str],
    headers: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    *,
    allow_plain_credentials: bool = False,
) -> Config:
    """The configuration that a command line describes.

    Args:
        urls: One stream each.
        headers: ``Name: value``, sent to every stream.
        environ: The environment; it names proxies, and nothing else is taken from it.
        allow_plain_credentials: Whether headers may go over http:// to other machines.

    Raises:
        UsageError: with a sentence that names the argument, and never a header's value.
    """
    pairs: dict[str, Secret] = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise UsageError(_("a header is written 'Name: value', such as --header 'Authorization: Bearer TOKEN'"))
        pairs[name.strip()] = SecretStr(value.strip())
    # The shell has put its variables into the arguments already; the context only tells of proxies.
    proxies = from_environment(Environment(environ or {}))
    urls = list(urls)
    # Names, and with them the places in the streams, must not depend on the order of the arguments.
    shared = {name for name, count in Counter(map(name_of, urls)).items() if count > 1}
    streams: list[Stream] = []
    for url in urls:
        name = name_of(url, taken=shared | {stream.name for stream in streams})
        try:
            stream = Stream(
                url=url,
                name=name,
                headers=dict(pairs),
                proxy=proxies,
                allow_plain_credentials=allow_plain_credentials,
            )
        except ValidationError as error:
            raise UsageError(_sentence(url, error)) from None
        streams.append(stream)
    return Config(streams=tuple(streams))


def name_of(url: str, taken: Iterable[str] = ()) -> str:
    """A short name for a stream that was given no name: its host, and its topic where the path tells one."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or url).removeprefix("www.")
        if parts.scheme == UNIX:
            host = PurePath(unquote(parts.netloc)).name
        port = f":{parts.port}" if parts.scheme != UNIX and parts.port else ""
    except ValueError:
        return _("a stream")
    segments = [segment for segment in parts.path.split("/") if segment.lower() not in PLAIN_SEGMENTS]
    plain = "/".join([host + port, *segments[-1:]])[:56]
    whole = (host + port + parts.path)[:56]
    taken = set(taken)
    numbered = (f"{whole} {n}" for n in range(2, 2 * STREAMS_LIMIT))
    return next(name for name in [plain, whole, *numbered] if name not in taken)


def parse(
    text: str, environ: Mapping[str, str], path: str = "config.toml", *, presets: Collection[str] | None = None
) -> Config:
    """The configuration that a file describes.

    Args:
        text: TOML.
        environ: The environment, for `${NAME}`, `~` and proxies.
        path: Of the file: relative paths in it start at its directory, and complaints begin with its name.
        presets: Names of the kinds of streams that are known; None takes any name for one.

    Raises:
        ConfigurationBroken: with every mistake that was found, each with its line.
    """
    config, mistakes = salvage(text, environ, path, presets=presets)
    if mistakes:
        raise ConfigurationBroken(path, mistakes)
    return config


def salvage(
    text: str, environ: Mapping[str, str], path: str = "config.toml", *, presets: Collection[str] | None = None
) -> tuple[Config, list[str]]:
    """What of a file is in order, and a line for each mistake; the arguments are those of `parse`.

    It is there to be looked at, and not to be followed: a stream that is left out would be missed by nobody.
    """
    file = PurePath(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, sentence = problem_of_toml(error)
        last = text.rstrip().count("\n") + 1
        return Config(), [tell(file.name, line or last, sentence)]
    except RecursionError:
        return Config(), [tell(file.name, None, _("its brackets are nested too deeply"))]
    reading = _Reading(document, Environment(environ, str(file.parent)), presets)
    streams, tray = reading.streams(), reading.tray()
    mistakes = []
    if reading.problems:
        lines = lines_of(text)
        found = sorted({(line_of(lines, problem.path), problem.sentence) for problem in reading.problems})
        mistakes = [tell(file.name, line, sentence) for line, sentence in found]
    # Of two that have one name the first; that is a mistake already.
    named = {stream.name: stream for stream in reversed(streams)}
    return Config(streams=tuple(reversed(named.values())), tray=tray), mistakes


def schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    stream = Stream.model_json_schema()
    definitions = stream.pop("$defs")
    stream["required"] = ["url"]
    properties = {name: field for name, field in stream["properties"].items() if name not in OF_ONE_STREAM}
    defaults = stream | {"properties": properties, "required": [], "description": "For every stream."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of sse-notifier",
        "type": "object",
        "properties": {
            "defaults": defaults | {"title": "Defaults"},
            "streams": {"type": "array", "items": stream, "maxItems": STREAMS_LIMIT},
            "tray": Appearance.model_json_schema() | {"title": "Tray"},
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


class _Tables(Settings):
    """The tables that are there once, and by themselves."""

    tray: Appearance


class _Reading:
    """One document being read, and what is wrong with it."""

    def __init__(self, document: dict[str, Any], around: Environment, presets: Collection[str] | None) -> None:
        self.problems: list[Problem] = []
        self._around = around
        self._presets = presets
        self._document = document
        self._defaults: dict[str, Any] = {}

    def streams(self) -> list[Stream]:
        for key in self._document.keys() - set(TABLES):
            self._complain((key,), f"{key} {_unknown_at_top(key)}")
        self._read_defaults(self._document.get("defaults", {}))
        tables = self._document.get("streams", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self._complain(("streams",), _("streams is written [[streams]], in double brackets, once for each stream"))
            return []
        if len(tables) > STREAMS_LIMIT:
            self._complain(
                ("streams",),
                _("there are {count:,} streams; {limit:,} is the limit", count=len(tables), limit=STREAMS_LIMIT),
            )
            return []
        found: list[Stream] = []
        names: dict[str, int] = {}
        for index, table in enumerate(tables):
            stream = self._read_stream(index, table, names)
            if stream is not None:
                found.append(stream)
        return found

    def tray(self) -> Appearance:
        table = {"tray": self._document.get("tray", {})}
        try:
            return _Tables.model_validate(table, context=self._around).tray
        except ValidationError as error:
            self.problems += problems_of(error, _Tables)
            return Appearance()

    def _read_defaults(self, table: object) -> None:
        if not isinstance(table, dict):
            self._complain(("defaults",), _("defaults is a table: [defaults]"))
            return
        for key in OF_ONE_STREAM:
            if key in table:
                self._complain(("defaults", key), _("{key} belongs to one stream; it has no default", key=key))
        self._defaults = {key: value for key, value in table.items() if key not in OF_ONE_STREAM}
        ___, problems = self._validated({"url": "https://localhost/", "name": "defaults"} | self._defaults)
        for problem in problems:
            self._complain(("defaults", *problem.path), problem.sentence)

    def _read_stream(self, index: int, table: dict[str, Any], names: dict[str, int]) -> Stream | None:
        here: Path = ("streams", index)
        fields = self._with_defaults(table)
        url, name = fields.get("url"), fields.get("name")
        if "name" not in fields:
            # One without a URL is refused for that; nobody gave it a name that could be wrong, too.
            name = fields["name"] = name_of(url if isinstance(url, str) and url else "https://localhost/", taken=names)
        elif isinstance(name, str) and name in names:
            self._complain(
                (*here, "name"), _("name is {name!r} a second time; each stream has a name of its own", name=name)
            )
        if isinstance(name, str):
            names[name] = index
        stream, problems = self._validated(fields)
        if problems:
            # Settings that are wrong in themselves hide those that contradict each other; look once more without them.
            wrong = {problem.path[0] for problem in problems if problem.path}
            if "url" not in wrong:
                others = {key: value for key, value in fields.items() if key not in wrong}
                problems += self._validated({"name": "one of these"} | others)[1]
        for problem in problems:
            origin = ("defaults",) if self._is_inherited(table, problem.path) else here
            self._complain((*origin, *problem.path), problem.sentence)
        return stream

    def _validated(self, fields: dict[str, Any]) -> tuple[Stream | None, list[Problem]]:
        try:
            stream = Stream.model_validate(fields, context=self._around)
        except ValidationError as error:
            return None, problems_of(error, Stream)
        if self._presets is not None and stream.preset not in ("auto", *self._presets):
            return None, [Problem(("preset",), no_such("preset", stream.preset, self._presets))]
        return stream, []

    def _with_defaults(self, table: dict[str, Any]) -> dict[str, Any]:
        defaults = dict(self._defaults)
        if _says_who(table):
            defaults.pop("bearer", None)
            defaults.pop("basic", None)
            if isinstance(headers := defaults.get("headers"), dict):
                defaults["headers"] = {n: v for n, v in headers.items() if n.lower() != "authorization"}
        fields = defaults | table
        for key in JOINED:
            own, inherited = table.get(key), defaults.get(key)
            if isinstance(own, dict) and isinstance(inherited, dict):
                lower = {name.lower() for name in own}
                fields[key] = {n: v for n, v in inherited.items() if n.lower() not in lower} | own
        return fields

    def _is_inherited(self, table: dict[str, Any], path: Path) -> bool:
        if not path or path[0] not in self._defaults:
            return False
        if path[0] not in table:
            return True
        own = table[str(path[0])]
        return path[0] in JOINED and len(path) > 1 and isinstance(own, dict) and path[1] not in own

    def _complain(self, path: Path, sentence: str) -> None:
        self.problems.append(Problem(path, sentence))


def _says_who(table: dict[str, Any]) -> bool:
    headers, url = table.get("headers"), table.get("url")
    return (
        "bearer" in table
        or "basic" in table
        or (isinstance(headers, dict) and "authorization" in {name.lower() for name in headers})
        or (isinstance(url, str) and "@" in url.partition("://")[2].partition("/")[0])
    )


def _unknown_at_top(key: str) -> str:
    settings = dict.fromkeys(Stream.model_fields, _("a stream, below [[streams]], or in [defaults]"))
    for table, names in (("[[streams]]", LIKE_STREAMS), ("[defaults]", LIKE_DEFAULTS), ("[tray]", LIKE_TRAY)):
        if key.lower() in names:
            return _("is not a table here; did you mean {table}?", table=table)
    return unknown(key, TABLES, settings)


def _sentence(url: str, error: ValidationError) -> str:
    first = problems_of(error, Stream)[0]
    if first.path[:1] == ("headers",):
        return first.sentence.removeprefix("headers.")
    problem = first.sentence.removeprefix("url ")
    if first.path[:1] != ("url",):
        return problem
    shown = url.split("?")[0]
    if "@" in shown:
        return _("the address {problem}", problem=problem)
    host = shown.partition("/")[0].partition(":")[0]
    # At home and on a development machine it is rarely TLS, elsewhere nearly always.
    is_near = "." not in host or host.replace(".", "").isdigit() or host.endswith((".local", ".lan", ".home"))
    scheme = "http" if is_near else "https"
    hint = "" if "://" in url else _("; did you mean {scheme}://{shown} ?", scheme=scheme, shown=shown)
    return f"{shown} {problem}{hint}"
