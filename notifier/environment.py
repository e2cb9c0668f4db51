"""Text of a person with ``${NAME}`` or ``~`` in it in, the text that is meant out.  Pure.

It knows the variables that it was given, and nothing of the process it runs in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from pydantic import ValidationInfo

from notifier.language import _

PLACE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


@dataclass(frozen=True, slots=True)
class Environment:
    """What a configuration is read in."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: str = ""
    """Of the configuration file; relative paths start there."""

    def fill(self, text: str) -> str:
        """Put each variable in its place; ``$${`` stands for a plain ``${``.

        Raises:
            ValueError: a variable is not set, or a ``${`` is not closed.
        """
        return PLACE.sub(self._value, text)

    def path(self, text: str) -> str:
        """Fill, put the home directory for ``~``, and start a relative path at the configuration file.

        Raises:
            ValueError: like `fill`; or there is no home directory.
        """
        path = PurePath(self.fill(text))
        if path.parts[:1] == ("~",):
            home = self.variables.get("HOME") or self.variables.get("USERPROFILE")
            if not home:
                raise ValueError(_("begins with ~, but the environment tells no home directory"))
            return str(PurePath(home, *path.parts[1:]))
        return str(PurePath(self.directory, path))

    def _value(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match["name"] is None:
            raise ValueError(_("holds a ${ that is not closed; write ${NAME}, or $${ for a plain ${"))
        try:
            return self.variables[match["name"]]
        except KeyError:
            raise ValueError(_("needs ${name}, which is not set in the environment", name=match[0][1:])) from None


def environment(info: ValidationInfo) -> Environment | None:
    """What this validation was given as its context; None for settings that did not come from a file."""
    return info.context if isinstance(info.context, Environment) else None
