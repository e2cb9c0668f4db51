"""What pydantic and TOML say about a configuration in, what a person would want to hear out.  Pure.

A complaint names the setting and what to write instead.  It quotes a value only of a setting that has no room for a
secret: a name, a length of time, an expression.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from notifier.language import _
from notifier.lines import Path

CLOSE = 0.6
"""How alike two names are that may be meant for each other; 1 is the same."""
MEANT = {
    "token": "bearer",
    "authorization": "bearer",
    "auth": "bearer or basic",
    "password": "basic = { user, password }",
    "username": "basic = { user, password }",
    "user": "basic = { user, password }",
    "header": "headers",
    "params": "query",
    "timeout": "idle_timeout",
    "retry": "longest_delay",
    "backoff": "longest_delay",
    "title": "name",
    "uri": "url",
    "address": "url",
    "endpoint": "url",
    "ssl": "tls",
    "insecure": "tls = { verify = false }",
    "verify_ssl": "tls = { verify = false }",
    "cafile": "ca",
    "cacert": "ca",
    "ca_file": "ca",
    "cert": "certificate",
    "client_cert": "certificate",
    "pin": "fingerprint",
    "sni": "server_name",
    "http_proxy": "proxy",
    "https_proxy": "proxy",
    "quiet": "quiet_hours",
    "do_not_disturb": "quiet_hours",
    "dnd": "quiet_hours",
    "min_urgency": "minimum_urgency",
    "rate_limit": "flood",
    "throttle": "flood",
    "start": "from",
    "begin": "from",
    "end": "to",
    "until": "to",
    "weekdays": "days",
    "timezone": "time_zone",
    "tz": "time_zone",
    "limit": "burst",
    "count": "burst",
    "interval": "window",
    "per": "window",
}
"""What other programs call our settings."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake."""

    path: Path
    """Where it stands; the last part may be a key that is missing."""
    sentence: str
    """Without a full stop."""


class Mistakes(ValueError):
    """More than one setting is wrong, or another than the one being looked at.

    Args:
        mistakes: The setting, below the one being looked at, and what is wrong with it.
    """

    def __init__(self, mistakes: Iterable[tuple[str, str]]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(f"{name} {problem}" for name, problem in self.mistakes))


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Each mistake that pydantic found in a table of `model`; paths start at that table."""
    return [
        problem
        for line in error.errors(include_input=False, include_url=False)
        for problem in _problems(line["loc"], line["type"], line.get("ctx", {}), line["msg"], model)
    ]


def problem_of_toml(error: tomllib.TOMLDecodeError) -> tuple[int | None, str]:
    """The line that is no TOML, if one is named, and what to do about it."""
    message, _at, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    return int(found[1]) if found else None, _toml_sentence(message)


def settings_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of a table, by the names that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def unknown(key: str, known: Iterable[str], elsewhere: dict[str, str] | None = None) -> str:
    """What to say about a key that means nothing here.

    Args:
        key: The key.
        known: The keys that mean something here.
        elsewhere: Keys that mean something in another table, and that table.
    """
    known = list(known)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")
    if plain in known:
        return _("is not a setting; did you mean {meant}?", meant=plain)
    if elsewhere and plain in elsewhere:
        return _("is not a setting here; it belongs in {place}", place=elsewhere[plain])
    meant = MEANT.get(plain)
    if meant and re.split(r"\W", meant)[0] in known:
        return _("is not a setting; did you mean {meant}?", meant=meant)
    if near := difflib.get_close_matches(plain, known, n=1, cutoff=CLOSE):
        return _("is not a setting; did you mean {meant}?", meant=near[0])
    return _("is not a setting; known here: {known}", known=", ".join(sorted(known)))


def no_such(setting: str, name: str, known: Iterable[str]) -> str:
    """What to say about a name that is none of the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=CLOSE)
    hint = _("did you mean {meant}?", meant=near[0]) if near else _("there are {known}", known=", ".join(known))
    return _("{setting} {name!r} is not known; {hint}", setting=setting, name=name, hint=hint)


def tell(file: str, line: int | None, sentence: str) -> str:
    """A complaint as compilers write them, so that editors find the place."""
    return f"{file}:{line}: {sentence}" if line else f"{file}: {sentence}"


def _problems(
    path: Path, kind: str, context: dict[str, Any], message: str, model: type[BaseModel]
) -> Iterator[Problem]:
    if isinstance(mistakes := context.get("error"), Mistakes):
        for name, problem in mistakes.mistakes:
            yield Problem((*path, name), f"{_dotted((*path, name))} {problem}")
        return
    shown = _dotted(path)
    field = _field(model, path)
    match kind:
        case "missing":
            words = _("is missing") + (f": {_first_sentence(field)}" if field and field.description else "")
        case "extra_forbidden":
            parent = _model(model, path[:-1])
            words = unknown(str(path[-1]), settings_of(parent) if parent else (), _elsewhere(model, path[:-1]))
        case "value_error":
            words = str(context["error"])
        case "greater_than_equal":
            words = _("must be at least {limit}{unit}", limit=_number(context["ge"]), unit=_unit(field))
        case "less_than_equal":
            words = _("must be at most {limit}{unit}", limit=_number(context["le"]), unit=_unit(field))
        case "finite_number":
            words = _("must be a number{unit}, not inf or nan", unit=_of_unit(field))
        case "float_type":
            words = _("must be a number{unit}, without quotes", unit=_of_unit(field))
        case "int_type":
            words = _("must be a whole number{unit}, without quotes", unit=_of_unit(field))
        case "string_type":
            words = _("must be text in quotes")
        case "string_too_short":
            words = _("is empty")
        case "string_too_long":
            words = _("is longer than {limit} characters", limit=context["max_length"])
        case "bool_type":
            words = _("must be true or false, without quotes")
        case "tuple_type" | "list_type" if _model(model, path) is None:
            words = _('is a list: {name} = ["…"]', name=path[-1])
        case "tuple_type" | "list_type":
            words = _("is written [[streams.{shown}]], in double brackets, once for each", shown=shown)
        case "literal_error":
            words = _("must be {choices}", choices=context["expected"])
        case "dict_type":
            words = _('is a table: {path} = {{ NAME = "value" }}', path=path[-1])
        case "model_type" | "model_attributes_type":
            inner = _model(model, path)
            settings = " = …, ".join(list(settings_of(inner))[:2] if inner else ())
            words = _("is a table: {shown} = {{ {settings} = … }}", shown=shown.rpartition(".")[2], settings=settings)
        case _:
            words = message.removeprefix("Value error, ")
    yield Problem(path, f"{shown} {words}" if shown else words)


def _dotted(path: Path) -> str:
    # Which element of an array it is, the line tells.
    return ".".join(part for part in path if isinstance(part, str))


def _model(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, str):
            found = _model_in(settings_of(found).get(part) if found else None)
    return found


def _model_in(field: FieldInfo | None) -> type[BaseModel] | None:
    candidates = (field.annotation, *getattr(field.annotation, "__args__", ())) if field else ()
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _field(model: type[BaseModel], path: Path) -> FieldInfo | None:
    parent = _model(model, path[:-1]) if path else None
    return settings_of(parent).get(str(path[-1])) if parent else None


def _elsewhere(model: type[BaseModel], here: Path) -> dict[str, str]:
    """Settings of the tables beside this one."""
    tables: dict[str, str] = {}
    for name, field in model.model_fields.items():
        inner = _model_in(field)
        if inner is not None and here != (name,):
            is_many = getattr(field.annotation, "__origin__", None) is tuple
            place = f"[[streams.{name}]]" if is_many else f"{name} = {{ %s = … }}"
            tables |= {setting: place.replace("%s", setting) for setting in settings_of(inner) if setting != "user"}
    if here:
        tables |= dict.fromkeys(settings_of(model), _("the stream itself, above this table"))
    return tables


def _first_sentence(field: FieldInfo) -> str:
    text = " ".join((field.description or "").split())
    text = text.split(". ")[0].rstrip(".")
    return text[:1].lower() + text[1:]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _unit(field: FieldInfo | None) -> str:
    extra = field.json_schema_extra if field else None
    return f" {extra['unit']}" if isinstance(extra, dict) and "unit" in extra else ""


def _of_unit(field: FieldInfo | None) -> str:
    return f" of{unit}" if (unit := _unit(field)) else ""


def _toml_sentence(message: str) -> str:
    match message:
        case "Invalid value":
            return _('the value is not TOML; text needs quotes: name = "value", and true and false are lower case')
        case "Cannot overwrite a value":
            return _("the same key stands here a second time")
        case "Expected '=' after a key in a key/value pair":
            return _('a setting is written NAME = "value"; the = is missing, or the name holds a space without quotes')
        case "Expected newline or end of document after a statement":
            return _('something follows the value; one setting to a line, and a quote inside text is written \\"')
        case "Invalid statement":
            return _('a line is a [table], a NAME = "value" or a # comment, and this is none of them')
        case "Unescaped '\\' in a string" | "Invalid hex value":
            return _("a \\ in \"text\" begins an escape; write paths in single quotes: 'C:\\certificates\\ca.pem'")
        case "Unclosed array":
            return _("a [ is not closed by a ]; there may be a comma missing")
        case "Unclosed inline table":
            return _("a { is not closed by a }; there may be a comma missing")
        case "Unterminated string" | 'Expected "\'"' | "Expected '\"'":
            return _("text is not closed by its quote")
        case "Expected ']' at the end of a table declaration":
            return _("a table is written [defaults] or [streams.headers]; the ] is missing")
        case "Expected ']]' at the end of an array declaration":
            return _("a stream begins with [[streams]]; a ] is missing")
    if message.startswith(("Illegal character", "Found invalid character")):
        return _("text is not closed by its quote on this line, or holds a control character")
    if message.startswith(("Cannot declare", "Cannot redefine")) or "mutate" in message:
        return _("the same table stands here a second time; each stream begins with [[streams]], in double brackets")
    return _("this is not TOML: {problem}", problem=message[:1].lower() + message[1:])
