"""A name or a JSON value in, words that a person reads with pleasure out.

It does not choose what is important; it leaves out what is for machines as long as anything else is left.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from notifier import plaintext, vocabulary
from notifier.payload import Json

PAIRS_LIMIT = 8
"""Fields that are spelled out."""
ELEMENTS_LIMIT = 5
"""Elements of a list that are spelled out."""
VALUE_LIMIT = 120
"""Characters of one value."""
_BETWEEN = " · "


def sentence(identifier: str) -> str:
    """An identifier as the beginning of a sentence: ``build_failed`` is "Build failed", "Nightly run" is itself."""
    if not identifier.strip("_-"):
        return ""
    if not all((part or "x").isalnum() and part.isascii() for part in identifier.replace("-", "_").split("_")):
        return identifier
    parts = [identifier]
    if "_" in identifier or "-" in identifier:
        shouted = identifier.isupper()
        parts = [part.lower() if shouted else part for part in identifier.replace("-", "_").split("_")]
    elif identifier[:3].islower():
        parts = list(vocabulary.words(identifier))
    words = " ".join(part for part in parts if part)
    return words[:1].upper() + words[1:]


def label(name: str) -> str:
    """The name of a field in words: ``jobName`` is "job name"."""
    return " ".join(vocabulary.words(name)) or plaintext.line(name, vocabulary.NAME_LIMIT)


def spell_out(value: Json, besides: Collection[str] = (), *, need: bool = True) -> str:
    """`value` on one line: "status: failed · job: build 12".  Fields named in `besides` are left out.

    What is for machines is told only in `need`: where there is nothing else.
    """
    if isinstance(value, Mapping):
        pairs = list(_pairs(value, besides, noise=False)) or (list(_pairs(value, besides, noise=True)) if need else [])
        return _BETWEEN.join(f"{name}: {text}" for name, text in pairs[:PAIRS_LIMIT])
    return _short(value)


def _pairs(value: Mapping[str, Json], besides: Collection[str], *, noise: bool) -> Iterator[tuple[str, str]]:
    for prefix, name, field in _flattened(value, besides):
        if name in besides or (not noise and vocabulary.is_noise(name)):
            continue
        text = _short(field)
        if text and (noise or not text.startswith(("http://", "https://"))):
            yield prefix + label(name), text


def _flattened(
    value: Mapping[str, Json], besides: Collection[str], wrappers: int = 3
) -> Iterator[tuple[str, str, Json]]:
    """What is not an object, here and one level down; what only wraps is no level."""
    for name, field in islice(value.items(), 8 * PAIRS_LIMIT):
        if not isinstance(field, Mapping):
            yield "", name, field
        elif vocabulary.bare(name) in vocabulary.WRAPPERS:
            if wrappers:
                yield from _flattened(field, besides, wrappers - 1)
        elif name not in besides:
            for inner, deeper in islice(field.items(), PAIRS_LIMIT):
                if not isinstance(deeper, Mapping):
                    yield label(name) + " ", inner, deeper


def _short(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case str():
            return plaintext.line(value, VALUE_LIMIT)
        case Mapping():
            return spell_out(value)
        case Sequence():
            if not all(element is None or isinstance(element, str | int | float) for element in value[:ELEMENTS_LIMIT]):
                return str(len(value))
            texts = [_short(element) for element in value[:ELEMENTS_LIMIT]]
            more = [plaintext.ELLIPSIS] if len(value) > ELEMENTS_LIMIT else []
            return ", ".join([text for text in texts if text] + more)
        case _:
            return str(value)
