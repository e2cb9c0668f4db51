"""A template or an expression from the configuration, and values from an event in; text or a value out.

The templates are the person's, the values are a stranger's: a value is never a template, and no value can
make a template reach a Python object, run long or grow large.  Values are JSON and nothing else; text has
harmless methods only, and a value that is missing is empty, false, and smaller than nothing.

Jinja's language (https://jinja.palletsprojects.com/en/stable/templates/) without macros, imports, recursion
and nested loops.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice

import jinja2
from jinja2 import TemplateError, meta
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError

from notifier.errors import UsageError
from notifier.language import _
from notifier.sandbox import ENVIRONMENT, refuse_what_may_run_long

SOURCE_LIMIT = 10_000
"""Characters of a template."""
SIZE_LIMIT = 20_000
"""Characters of rendered text; what comes after them is cut off."""
PIECES_LIMIT = 1_000
"""Pieces of rendered text: literal text, values, one round of a loop."""
CACHE_LIMIT = 1_000
"""Templates that are kept compiled: a reload of the configuration compiles only what is new."""


_SAYS_NO_VALUE = (SecurityError, TypeError, ArithmeticError)


class RenderFailed(Exception):
    """A template met values it cannot work with.

    The message is for the person who wrote the template, and for the log: it holds none of the values.
    """


class Expression:
    """One Jinja expression, such as ``data.status == "failed"``.

    Raises:
        UsageError: it is no expression.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            self._template, self.names = _compiled_expression(source)
        except (TemplateError, RecursionError) as error:
            if "got '='" in str(error):
                raise UsageError(_('{source!r} is no expression; write "==" to compare', source=source)) from error
            why = str(error).replace("'end of print statement'", "the end")
            raise UsageError(_("{source!r} is no expression: {error}", source=source, error=why)) from error

    def value(self, values: Mapping[str, object]) -> object:
        """What it is for these values.

        Raises:
            RenderFailed: it cannot be worked out for them.
        """
        try:
            return self._template(values)
        except Exception as error:  # filters and operators raise what they like on a stranger's values
            raise RenderFailed(f"{self.source!r}: {_reason(error)}") from error

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it is true for these values.

        Raises:
            RenderFailed: it cannot be worked out for them.
        """
        return bool(self.value(values))


class Template:
    """A text with ``{{ … }}`` in it.

    Raises:
        UsageError: it is no template.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        try:
            self._template, self.names = _compiled_template(source)
        except (TemplateError, RecursionError) as error:
            raise UsageError(_("{source!r} is no template: {error}", source=source, error=error)) from error

    def render(self, values: Mapping[str, object]) -> str:
        """The text for these values.

        Raises:
            RenderFailed: it cannot be made of them.
        """
        try:
            context = self._template.new_context(dict(values))
            return "".join(_start_of(islice(self._template.root_render_func(context), PIECES_LIMIT)))
        except Exception as error:
            raise RenderFailed(f"{self.source!r}: {_reason(error)}") from error


@lru_cache(maxsize=CACHE_LIMIT)
def _compiled_expression(source: str) -> tuple[TemplateExpression, frozenset[str]]:
    names = _names("{{ " + _short(source) + " }}")
    return ENVIRONMENT.compile_expression(source, undefined_to_none=True), names


@lru_cache(maxsize=CACHE_LIMIT)
def _compiled_template(source: str) -> tuple[jinja2.Template, frozenset[str]]:
    refuse_what_may_run_long(_short(source))
    return ENVIRONMENT.from_string(source), _names(source)


def _start_of(pieces: Iterable[str]) -> Iterable[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece[:SIZE_LIMIT]
        if size > SIZE_LIMIT:
            break


def _short(source: str) -> str:
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(_("it has more than {limit} characters", limit=SOURCE_LIMIT))
    return source


def _reason(error: Exception) -> str:
    """What happened, in the error's own words only if it is of a kind that quotes no value."""
    kind = type(error).__name__
    return f"{kind}: {error}"[:200] if isinstance(error, _SAYS_NO_VALUE) else kind


def _names(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(ENVIRONMENT.parse(source)))
