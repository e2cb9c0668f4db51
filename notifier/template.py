"""A template or an expression from the configuration, and values from an event in; text or a value out.

The templates are the person's, the values are a stranger's: a value is never a template, and no value can
make a template reach a Python object, run long or grow large.  Values are JSON and nothing else; text has
harmless methods only, and a value that is missing is empty, false, and smaller than nothing.

Jinja's language (https://jinja.palletsprojects.com/en/stable/templates/) without macros, imports, recursion
and nested loops.
"""

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice

import jinja2
from jinja2 import ChainableUndefined, TemplateError, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment

from notifier import markup, payload, wording
from notifier.errors import UsageError

SOURCE_LIMIT = 10_000
"""Characters of a template."""
SIZE_LIMIT = 20_000
"""Characters of rendered text; what comes after them is cut off."""
PIECES_LIMIT = 1_000
"""Pieces of rendered text: literal text, values, one round of a loop."""
PRODUCT_LIMIT = 1_000_000
"""Characters or elements that an operation on two values may make."""
NUMBER_LIMIT = 10**18
CACHE_LIMIT = 1_000
"""Templates that are kept compiled: a reload of the configuration compiles only what is new."""


class RenderFailed(Exception):
    """A template met values it cannot work with.  The message is for the person who wrote the template."""


class _Missing(ChainableUndefined):
    """What is not there: comparing it is false, not an error, as most events lack most fields."""

    __slots__ = ()

    def __lt__(self, other: object) -> bool:  # type: ignore[override]
        return False

    __le__ = __gt__ = __ge__ = __lt__  # type: ignore[assignment]


class _Method:
    """A method of a value, which can be called but is not there: text has no ``title`` only because ``str`` has."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *args: object) -> object:
        return self._call(*args)

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""


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
            raise UsageError(f"{source!r} is no expression: {error}") from error

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
            raise UsageError(f"{source!r} is no template: {error}") from error

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
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=True), names


@lru_cache(maxsize=CACHE_LIMIT)
def _compiled_template(source: str) -> tuple[jinja2.Template, frozenset[str]]:
    _refuse_what_may_run_long(_short(source))
    return _ENVIRONMENT.from_string(source), _names(source)


def _start_of(pieces: Iterable[str]) -> Iterable[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece[:SIZE_LIMIT]
        if size > SIZE_LIMIT:
            break


def _short(source: str) -> str:
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(f"it has more than {SOURCE_LIMIT} characters")
    return source


def _reason(error: Exception) -> str:
    """A value must not fill the log."""
    return f"{type(error).__name__}: {error}"[:200]


def _names(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(source)))


_REFUSED: tuple[type[nodes.Node], ...] = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
)


def _refuse_what_may_run_long(source: str) -> None:
    tree = _ENVIRONMENT.parse(source)
    for found in tree.find_all(_REFUSED):
        raise TemplateError(f"{type(found).__name__.lower()} is not available here")
    for loop in tree.find_all(nodes.For):
        if loop.recursive or any(inner.find(nodes.For) or isinstance(inner, nodes.For) for inner in loop.body):
            raise TemplateError("a loop within a loop is not available here")


_TEXT_METHODS = (
    "lower upper title capitalize swapcase casefold strip lstrip rstrip split rsplit splitlines partition rpartition"
    " startswith endswith find rfind count index removeprefix removesuffix isdigit isnumeric isdecimal isalpha isalnum"
    " isupper islower isspace replace"
)
_METHODS_OF_TEXT = frozenset(_TEXT_METHODS.split())
_MAPPING_METHODS = frozenset(("items", "keys", "values", "get"))


class _Environment(SandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**", "%"))

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            if attribute in _MAPPING_METHODS:
                return _Method(getattr(obj, attribute))
        elif isinstance(obj, str):
            if attribute in _METHODS_OF_TEXT:
                return _Method(_replace_in(obj) if attribute == "replace" else getattr(obj, attribute))
        elif isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        elif isinstance(obj, Undefined):
            return obj
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, dict | list | tuple | str):
            try:
                element: object = operator.getitem(obj, argument)  # type: ignore[call-overload,misc,unused-ignore]
                return element
            except (TypeError, LookupError):
                pass
        return self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Context, sign: str, left: object, right: object) -> object:
        if sign == "%":
            _only_numbers(left, right)
        elif sign == "**":
            _only_numbers(left, right)
            if abs(right) > 64 or abs(left) > NUMBER_LIMIT:  # type: ignore[arg-type]
                raise SecurityError("the power is too large")
        elif sign == "*" and _size(left) * _size(right) > PRODUCT_LIMIT:
            raise SecurityError("the product is too large")
        return super().call_binop(context, sign, left, right)


def _only_numbers(*values: object) -> None:
    if not all(isinstance(value, int | float) for value in values):
        raise TypeError("only numbers can be calculated with")


def _size(value: object) -> int:
    """Elements that `value` has, or makes when it multiplies."""
    if isinstance(value, str | list | tuple):
        return len(value)
    return 1 if not isinstance(value, int) or abs(value) <= NUMBER_LIMIT else NUMBER_LIMIT


def _replace_in(text: str) -> Callable[[str, str], str]:
    return lambda old, new: _replace(text, old, new)


def _replace(text: object, old: str, new: str) -> str:
    text = str(text)
    if text.count(old) * len(new) + len(text) > PRODUCT_LIMIT:
        raise SecurityError("the text would be too large")
    return text.replace(old, new)


def _join(values: Iterable[object], between: str = "") -> str:
    texts = [str(value) for value in values]
    if sum(map(len, texts)) + len(texts) * len(between) > PRODUCT_LIMIT:
        raise SecurityError("the text would be too large")
    return between.join(texts)


def _round(value: object, digits: int = 0) -> object:
    number = round(float(value), max(-9, min(9, digits)))  # type: ignore[arg-type]
    return int(number) if digits <= 0 else number


def _from_json(text: object) -> payload.Json:
    """The JSON in a string; a string without is itself."""
    return payload.read(text) if isinstance(text, str) else None


def _shown(value: object) -> object:
    """Values are shown as JSON has them, and null is shown as nothing."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, bool | list | dict) else value


def _spell_out(value: payload.Json, besides: Iterable[str] = ()) -> str:
    return "" if isinstance(value, Undefined) else wording.spell_out(value, frozenset(besides))


def _environment() -> _Environment:
    environment = _Environment(undefined=_Missing, autoescape=False, cache_size=0, finalize=_shown)
    environment.globals.clear()
    kept = (
        "abs capitalize count d default dictsort first float int items last length list lower map max min reject"
        " rejectattr reverse select selectattr sort string sum title trim unique upper urlencode wordcount"
    )
    environment.filters = {name: environment.filters[name] for name in kept.split()}
    environment.filters |= {
        "from_json": _from_json,
        "join": _join,
        "label": lambda name: wording.label(str(name)),
        "replace": _replace,
        "round": _round,
        "sentence": lambda text: wording.sentence(str(text)),
        "spell_out": _spell_out,
        "strip_html": lambda text: markup.strip_html(str(text)),
        "strip_markdown": lambda text: markup.strip_markdown(str(text)),
        "to_json": lambda value: json.dumps(value, ensure_ascii=False, default=str),
    }
    return environment


_ENVIRONMENT = _environment()
