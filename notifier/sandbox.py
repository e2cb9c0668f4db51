"""Jinja, confined: an environment in which no value can reach a Python object, run long or grow large.

Templates are the person's, values are a stranger's.  Values are JSON and nothing else; text has harmless methods
only; products, powers, joins and replacements are bounded; and a value that is missing is empty, false, and
smaller than nothing.  It compiles and renders nothing itself; `template` does.
"""

import json
import operator
from collections.abc import Callable, Iterable

from jinja2 import ChainableUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment

from notifier import markup, payload, wording
from notifier.language import _

PRODUCT_LIMIT = 1_000_000
"""Characters or elements that an operation on two values may make."""
REPLACEMENT_LIMIT = 1_000
"""Characters that `replace` puts in the place of others."""
NUMBER_LIMIT = 10**18
"""Numbers that are multiplied; a larger one could grow without end."""


class _Missing(ChainableUndefined):
    """What is not there: comparing it is false, not an error, as most events lack most fields."""

    __slots__ = ()

    def __lt__(self, other: object) -> bool:  # type: ignore[override]
        return False

    __le__ = __gt__ = __ge__ = __eq__ = __lt__  # type: ignore[assignment]

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = ChainableUndefined.__hash__


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


_REFUSED: tuple[type[nodes.Node], ...] = (
    nodes.Macro,
    nodes.CallBlock,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
    nodes.AssignBlock,
    nodes.FilterBlock,
)


_LIST_FILTERS = (
    "batch dictsort groupby items join list map max min pprint reject rejectattr reverse select selectattr slice sort"
    " string sum tojson unique urlize wordcount wordwrap xmlattr"
)
_WHOLE = frozenset(_LIST_FILTERS.split())
"""Filters that take time in proportion to all that they are applied to."""


def refuse_what_may_run_long(source: str) -> None:
    """Nothing, for a template that takes time in proportion to its values.

    Raises:
        TemplateError: it may take longer.
    """
    tree = ENVIRONMENT.parse(source)
    for found in tree.find_all(_REFUSED):
        raise TemplateError(_("{name} is not available here", name=type(found).__name__.lower()))
    for loop in tree.find_all(nodes.For):
        if loop.recursive or any(inner.find(nodes.For) or isinstance(inner, nodes.For) for inner in loop.body):
            raise TemplateError(_("a loop within a loop is not available here"))
        own = {name.name for name in _with(loop.target).find_all(nodes.Name)}
        for repeated in (*loop.body, *([loop.test] if loop.test is not None else [])):
            for found in _with(repeated).find_all(nodes.Filter):
                if found.name in _WHOLE and (subject := _subject(found)) is not None and subject not in own:
                    raise TemplateError(
                        _(
                            "{filter} would go through all of {name} once for each turn of the loop; "
                            "do it before the loop: {example}",
                            filter=found.name,
                            name=subject,
                            example="{% set found = … %}",
                        )
                    )


def _with(node: nodes.Node) -> nodes.Node:
    """A tree in which `node` itself is found, too."""
    return nodes.Output([node])


def _subject(node: nodes.Node | None) -> str | None:
    """The name of what a filter is applied to, whatever was taken out of it before; None if it has none."""
    while isinstance(node, nodes.Filter | nodes.Getattr | nodes.Getitem | nodes.Call):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else None


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
                raise SecurityError(_("the power is too large"))
        elif sign == "*" and _is_too_large(left, right):
            raise SecurityError(_("the product is too large"))
        return super().call_binop(context, sign, left, right)


def _only_numbers(*values: object) -> None:
    if not all(isinstance(value, int | float) for value in values):
        raise TypeError(_("only numbers can be calculated with"))


def _is_too_large(left: object, right: object) -> bool:
    """Whether a product would be: of two numbers, or of text and a number.  Of a list every one is."""
    if isinstance(left, str | list | tuple):
        left, right = right, left
    if isinstance(right, list | tuple):
        return True
    if not isinstance(left, int | float):
        return False
    if isinstance(right, str):
        return len(right) * left > PRODUCT_LIMIT
    return max(abs(left), abs(right) if isinstance(right, int | float) else 0) > NUMBER_LIMIT


def _replace_in(text: str) -> Callable[[str, str], str]:
    return lambda old, new: _replace(text, old, new)


def _replace(text: object, old: str, new: str) -> str:
    text = str(text)
    if len(new) > REPLACEMENT_LIMIT or text.count(old) * len(new) + len(text) > PRODUCT_LIMIT:
        raise SecurityError(_("the text would be too large"))
    return text.replace(old, new)


def _join(values: Iterable[object], between: str = "") -> str:
    texts: list[str] = []
    size = 0
    for value in values:
        texts.append(str(value))
        size += len(texts[-1]) + len(between)
        if size > PRODUCT_LIMIT:
            raise SecurityError(_("the text would be too large"))
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


ENVIRONMENT = _environment()
