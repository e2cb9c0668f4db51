"""A stream's settings in, the `[[streams]]` block that says them out, and which variables its secrets come from.  Pure.

No secret is written in clear: what may open something becomes ``${VARIABLE}``.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from notifier.opaque import is_opaque
from notifier.stream import HARMLESS, Stream

SECRET = re.compile(r"token|auth|secret|passw|pwd|api_?key|^key$|^sig|jwt|access", re.IGNORECASE)
"""Names of parameters of a query that hold what opens something."""
BARE = re.compile(r"[A-Za-z0-9_-]+")
BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


@dataclass(slots=True)
class Block:
    """A part of a configuration file."""

    lines: list[str] = field(default_factory=lambda: ["[[streams]]"])
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    """What its variables must be, by their names."""

    @property
    def text(self) -> str:
        """TOML, with a line feed at its end."""
        return "\n".join([*self.lines, ""])


def has_secret(url: str) -> bool:
    """Whether `url` holds what looks like a secret."""
    parts = urlsplit(url)
    return any(map(is_opaque, parts.path.split("/"))) or any(_is_secret(*pair) for pair in parse_qsl(parts.query))


def block(stream: Stream, name: str, *, preset: str = "", fingerprint: str = "") -> Block:
    """What to write into the configuration file.

    Args:
        stream: Its settings, with secrets as text.
        name: What the person calls it.
        preset: Its kind, if that is known.
        fingerprint: SHA-256 of the one certificate to believe, if others are not to be.
    """
    made = Block()
    stem = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "STREAM"
    stem = f"SSE_{stem}" if stem[0].isdigit() else stem

    def secret(what: str, value: str) -> str:
        variable = f"{stem}_{re.sub(r'[^A-Z0-9]+', '_', what.upper()).strip('_')}"
        made.variables[variable] = value
        return f'"${{{variable}}}"'

    url, tokens = _part(stream.url)
    places = [part for part in urlsplit(url).path.split("/") if is_opaque(part)]
    url = _quoted(url)
    for number, part in enumerate(dict.fromkeys(places), 1):
        url = url.replace(f"/{part}", "/" + secret("path" if number == 1 else f"path {number}", part)[1:-1])
    made.lines += [f"url = {url}", f"name = {_text(name)}"]
    if preset:
        made.lines.append(f"preset = {_text(preset)}")
    if stream.basic is not None and isinstance(stream.basic.password, SecretStr):
        password = secret("password", stream.basic.password.get_secret_value())
        made.lines.append(f"basic = {{ user = {_quoted(stream.basic.user)}, password = {password} }}")
    headers: list[tuple[str, str]] = []
    for header, value in stream.headers.items():
        assert isinstance(value, SecretStr), "headers of a command line are text"
        plain = value.get_secret_value()
        if header.lower() == "authorization" and (token := BEARER.fullmatch(plain)):
            made.lines.append(f"bearer = {secret('token', token[1])}")
        elif header.lower() in HARMLESS:
            headers.append((header, _quoted(plain)))
        else:
            headers.append((header, secret(header, plain)))
    if headers:
        made.lines.append(_table("headers", headers))
    if tokens:
        made.lines.append(_table("query", [(key, secret(key, value)) for key, value in tokens]))
    if stream.allow_plain_credentials:
        made.lines.append("allow_plain_credentials = true")
    if fingerprint:
        made.lines.append(f'tls = {{ fingerprint = "{fingerprint}" }}')
    return made


def _part(url: str) -> tuple[str, list[tuple[str, str]]]:
    """The URL without the secrets of its query, and these."""
    parts = urlsplit(url)
    tokens = [pair for pair in parse_qsl(parts.query) if _is_secret(*pair)]
    if not tokens:
        return url, []
    names = {name for name, _value in tokens}
    kept = [pair for pair in parts.query.split("&") if pair and not names & {name for name, _ in parse_qsl(pair)}]
    return parts._replace(query="&".join(kept)).geturl(), tokens


def _is_secret(name: str, value: str) -> bool:
    """Of a parameter of a query."""
    return SECRET.search(name) is not None or is_opaque(value)


def _table(name: str, pairs: Sequence[tuple[str, str]]) -> str:
    inner = ", ".join(f"{key if BARE.fullmatch(key) else _text(key)} = {value}" for key, value in pairs)
    return f"{name} = {{ {inner} }}"


def _quoted(text: str) -> str:
    """Text in which nothing is a variable."""
    return _text(text.replace("${", "$${"))


def _text(text: str) -> str:
    """A basic string of TOML; JSON's escapes are among its own."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
