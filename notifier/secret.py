"""What a person wrote for a secret in, where to get it out.  Pure: nothing is fetched here.

A secret is text, or says which file, command or keyring has it.  None of these shows in a repr or an error: a path or
a command's arguments may tell more than their writer thinks.
"""

import difflib
import re
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import PlainValidator, SecretStr, ValidationInfo, WithJsonSchema

from notifier.environment import Environment, environment
from notifier.language import _

UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What no header and no URL can carry."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """The content of a file, without the line ending at its end."""

    path: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FromCommand:
    """What a command writes to its standard output, without the line ending at its end.  No shell reads it."""

    command: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FromKeyring:
    """What the desktop's keyring has for a user of a service."""

    service: str
    user: str = field(repr=False)


def why_unsendable(secret: str) -> str:
    """Why no request can carry it; empty if one can."""
    if not secret:
        return _("is empty")
    return _("holds a line break or a control character") if UNSENDABLE.search(secret) else ""


def read(value: object, around: Environment | None) -> SecretStr | FromFile | FromCommand | FromKeyring:
    """What a configuration says of a secret.

    Args:
        value: Text or a table, as TOML has it.
        around: Where `${NAME}` is looked up; None leaves it as it is.

    Raises:
        ValueError: it is none, in words that follow the setting's name.
    """
    if isinstance(value, SecretStr | FromFile | FromCommand | FromKeyring):
        return value
    if isinstance(value, str):
        text = around.fill(value) if around else value
        if problem := why_unsendable(text):
            raise ValueError(problem)
        return SecretStr(text)
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(_('is text in quotes, or one of { file = "…" }, { command = ["…"] }, { keyring = "…" }'))
    ((kind, place),) = value.items()
    match kind, place:
        case "file", str() if place:
            return FromFile(around.path(place) if around else place)
        case "file", _:
            raise ValueError(_("file is the path of a file, in quotes"))
        case "command", [str(), *_] if place[0] and all(isinstance(word, str) for word in place):
            return FromCommand(tuple(around.fill(word) if around else word for word in place))
        case "command", _:
            raise ValueError(_('command is a program and its arguments, such as ["pass", "show", "ci"]'))
        case "keyring", str() if all(place.rpartition("/")):
            service, _slash, user = place.rpartition("/")
            return FromKeyring(service, user)
        case "keyring", _:
            raise ValueError(_('keyring is written "service/user"'))
    near = difflib.get_close_matches(str(kind), ["file", "command", "keyring"], n=1, cutoff=0.5)
    hint = _("; did you mean {meant}?", meant=near[0]) if near else ""
    raise ValueError(_("comes from a file, a command or a keyring, not from {kind!r}{hint}", kind=kind, hint=hint))


def _read(value: object, info: ValidationInfo) -> SecretStr | FromFile | FromCommand | FromKeyring:
    return read(value, environment(info))


Secret = Annotated[
    SecretStr | FromFile | FromCommand | FromKeyring,
    PlainValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "description": "The secret; ${NAME} is taken from the environment."},
                *(
                    {
                        "type": "object",
                        "properties": {kind: schema | {"description": meaning}},
                        "required": [kind],
                        "additionalProperties": False,
                    }
                    for kind, schema, meaning in (
                        ("file", {"type": "string"}, "The file that holds the secret."),
                        (
                            "command",
                            {"type": "array", "items": {"type": "string"}, "minItems": 1},
                            "The program, and its arguments, that prints the secret.",
                        ),
                        ("keyring", {"type": "string", "pattern": "^.+/[^/]+$"}, "service/user in the keyring."),
                    )
                ),
            ]
        }
    ),
]
"""A secret of the configuration: the text itself, or where to get it for each connection."""
