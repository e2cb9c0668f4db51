"""A stranger's text in, text that every desktop can draw and no reader is fooled by out.

It interprets nothing: HTML tags and entities, Markdown and template syntax stay the letters they are.

What goes: escape sequences of terminals (ECMA-48), control characters, lone surrogates, and what Unicode
calls default-ignorable (UAX #44): overrides and isolates of direction (UAX #9), zero-width characters, tags.
What stays of those: joiners between letters or emoji (they change how Persian, Hindi and families look),
one variation selector after a character, and the tags of a flag (UTS #51).
"""

import re

from notifier.notification import LINK_LIMIT, is_web_link

ELLIPSIS = "…"
_SLACK = 4
"""How many times its limit a text may have before it is cleaned: invisible characters are not counted in vain."""

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9b-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_BLANK = re.compile("[^\\S\n]|[\x1c-\x1f\u2800\u3164\u115f\u1160\uffa0]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_BROKEN = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,6}\U000e007f")
_EMOJI = "\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff"
_SCRIPTS = "\u0590-\u1fff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
_JOINED = re.compile(f"(?<=[{_SCRIPTS}])[\u200c\u200d](?=[{_SCRIPTS}])|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SELECTORS = re.compile("([\ufe00-\ufe0f])[\ufe00-\ufe0f]+")
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILE = re.compile(f"({_MARK}{{4}}){_MARK}+")
_GLUE = re.compile(f"{_MARK}|[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]+$")

_LATIN = re.compile("[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027]*")
"""No control, no mark, nothing invisible: letters of Europe, and the punctuation that goes with them."""
_RUN = re.compile(r"[ \n]+")
_SPACES = re.compile("  +")
_SPACES_AROUND_LINE_END = re.compile(" *\n *")
_BLANK_LINES = re.compile("\n{3,}")

_URL = re.compile(r"\bhttps?://[^\s<>\"'`|\\^{}]+", re.IGNORECASE)
_AFTER_URL = ".,;:!?…*_~'\""


def line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters; whitespace at the ends is gone, inside it is single spaces."""
    if len(text) > limit or not _is_tidy(text):
        text = _RUN.sub(" ", _drawable(text, limit))
    return shorten(text.strip(), limit)


def lines(text: str, limit: int) -> str:
    """`text` as lines separated by LF, at most `limit` characters and never more than one blank line in a row."""
    if len(text) > limit or not _is_tidy(text):
        tidy = _SPACES_AROUND_LINE_END.sub("\n", _SPACES.sub(" ", _drawable(text, limit)))
        text = _BLANK_LINES.sub("\n\n", tidy)
    return shorten(text.strip(), limit)


def shorten(text: str, limit: int) -> str:
    """The start of `text` with an ellipsis where it was cut: between characters as a reader sees them (UAX #29)."""
    if len(text) <= limit:
        return text
    end = limit - len(ELLIPSIS)
    while end > 0 and limit - end < 32 and (_GLUE.match(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    if "\U0001f1e6" <= text[end] <= "\U0001f1ff" and (flags := _REGIONAL.search(text[:end])):
        end -= len(flags[0]) % 2
    return text[:end].rstrip() + ELLIPSIS


def link(text: str) -> str | None:
    """`text` if it is an http or https URL that leads where it seems to lead, else None.

    A user name before the host (``https://bank.example@evil.example``) and a backslash, which browsers and
    parsers read differently, are the two known ways to seem to lead elsewhere.
    """
    text = text.strip()
    if not is_web_link(text) or any(sign in text for sign in '\\<>"`'):
        return None
    authority = re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]
    port = authority.rpartition("]")[2].partition(":")[2]
    if "@" in authority or (port and not (port.isascii() and port.isdigit() and int(port[:6]) < 65_536)):
        return None
    return text


def only_link_in(text: str) -> str | None:
    """The one web link that stands in `text`; None if there is none, or if a reader could not know which is meant."""
    start = text[: 4 * LINK_LIMIT]
    whole = len(text) + 1 if len(text) <= len(start) else len(start)
    found = {_without_what_follows(match[0]) for match in _URL.finditer(start) if match.end() < whole}
    return link(found.pop()) if len(found) == 1 else None


def _is_tidy(text: str) -> bool:
    """Most text is."""
    return ((text.isascii() and text.isprintable()) or bool(_LATIN.fullmatch(text))) and "  " not in text


def _drawable(text: str, limit: int) -> str:
    """Only characters that can be drawn, spaces and LF."""
    text = text.lstrip()[: limit * _SLACK + 100]
    text = _ESCAPE_SEQUENCE.sub("", text)
    text = _BLANK.sub(" ", _LINE_END.sub("\n", text))
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    text = _BROKEN.sub("\ufffd", text)
    kept = sorted(at for pattern in (_FLAG, _JOINED) for match in pattern.finditer(text) for at in range(*match.span()))
    if kept:
        spared = set(kept)
        text = "".join(c for at, c in enumerate(text) if at in spared or not _INVISIBLE.match(c))
    else:
        text = _INVISIBLE.sub("", text)
    return _PILE.sub(r"\1", _SELECTORS.sub(r"\1", text))


def _without_what_follows(url: str) -> str:
    """A sentence's punctuation after a URL, and the bracket that was opened before it, are not part of it."""
    while url:
        last = url[-1]
        opened = {")": "(", "]": "["}.get(last)
        if last in _AFTER_URL or (opened and url.count(last) > url.count(opened)):
            url = url[:-1]
        else:
            break
    return url
