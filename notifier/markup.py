"""Text with HTML or Markdown in it in, the words a reader would see out.

It is for streams that are known to send such markup.  It is no sanitiser: what comes out is still a
stranger's text, and where the markup is broken some of it stays.
"""

import html
import re

LIMIT = 20_000
"""Characters that are looked at; the rest is cut off."""

_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>[^<]*(?:</\1\s*>)?|<!--[^<>]*-->", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6]|tr|blockquote)\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")

_FENCE = re.compile(r"^ {0,3}(?:```|~~~).*\n?", re.MULTILINE)
_LINE_START = re.compile(r"^ {0,3}(?:#{1,6} +|> ?)", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^()\s]{0,2000}\)")
_CODE = re.compile(r"`([^`\n]{1,500})`")
_STRONG = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*\n]{1,500})(?<=[^\s*])\1(?![\w*])")
_UNDERLINED = re.compile(r"(?<![\w_])(_{1,3})(?=[^\s_])([^_\n]{1,500})(?<=[^\s_])\1(?![\w_])")
_STRUCK = re.compile(r"~~([^~\n]{1,500})~~")


def strip_html(text: str) -> str:
    """The text between the tags, with line ends where paragraphs end, and entities as characters."""
    text = _HIDDEN.sub("", text[:LIMIT])
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).strip()


def strip_markdown(text: str) -> str:
    """The text without emphasis, headings, quotes, code marks and the targets of links."""
    text = _LINE_START.sub("", _FENCE.sub("", text[:LIMIT]))
    text = _CODE.sub(r"\1", _LINK.sub(r"\1", text))
    for pattern in (_STRONG, _UNDERLINED):
        text = pattern.sub(r"\2", text)
    return _STRUCK.sub(r"\1", text).strip()
