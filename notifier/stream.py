"""What one stream is, and how to reach it: every setting, its default, unit and range.  Pure.

A stream that contradicts itself does not construct.  No secret, and no address, shows in a repr.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from notifier.complaint import Mistakes
from notifier.duration import seconds
from notifier.environment import environment
from notifier.errors import UsageError
from notifier.hours import QuietHours
from notifier.language import _
from notifier.proxy import ProxyRule, is_loopback
from notifier.resume import HOW
from notifier.rule import Rule
from notifier.secret import Secret, why_unsendable
from notifier.template import Template

FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name: an RFC 9110 token; a cookie's name is one too (RFC 6265 4.1.1)."""
OURS = {"accept", "accept-encoding", "cache-control", "connection", "last-event-id", "host", "transfer-encoding"}
"""Headers that the client sends itself, lower case."""
HARMLESS = {"user-agent", "accept-language", "referer", "origin", "from", "priority", "x-requested-with"}
"""Headers that open nothing, lower case; any other may be a credential."""
UNIX = "http+unix"
"""Scheme of a stream on a Unix socket: ``http+unix://%2Frun%2Fbuild.sock/events``."""
QUIET = ("minimum_urgency", "flood", "quiet_hours", "keep_events")
"""Settings on which neither the connection nor what becomes of an event depends."""
FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def _fill(text: str, info: ValidationInfo) -> str:
    around = environment(info)
    return around.fill(text) if around else text


def _locate(text: str, info: ValidationInfo) -> str:
    around = environment(info)
    return around.path(text) if around else text


def _is_a_way_to_resume(how: str) -> str:
    if not HOW.fullmatch(how):
        raise ValueError(_('is "auto", "last-event-id", "none" or "query:NAME=TEMPLATE"'))
    if how.startswith("query:"):
        try:
            Template(how.partition("=")[2])
        except UsageError as error:
            raise ValueError(str(error)) from error
    return how


Text = Annotated[str, Field(min_length=1), AfterValidator(_fill)]
FilePath = Annotated[str, Field(min_length=1), AfterValidator(_locate)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
WholeNumber = Annotated[int, Field(strict=True)]
Window = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=1, le=3_600, json_schema_extra={"unit": "seconds"}),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 1, "maximum": 3_600}, {"type": "string"}]}),
]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


class Basic(Settings):
    """A name and a password (RFC 7617)."""

    user: Annotated[Text, Field(repr=False)]
    """The user's name; no colon in it."""
    password: Annotated[Secret, Field(repr=False)]
    """The user's password."""

    @field_validator("user")
    @classmethod
    def _has_no_colon(cls, user: str) -> str:
        if ":" in user or why_unsendable(user):
            raise ValueError(_("holds a colon or a control character, which basic authentication cannot send"))
        return user


class Tls(Settings):
    """How to know an https server, and how to be known by it.  Paths are relative to the configuration file."""

    ca: FilePath | None = None
    """File of certificates (PEM) that may sign the server's, beside those that this machine trusts."""
    certificate: FilePath | None = None
    """File with the client certificate (PEM) and, unless `key` names another file, its key."""
    key: FilePath | None = None
    """File with the key (PEM) of the client certificate."""
    key_password: Annotated[Secret | None, Field(repr=False)] = None
    """Opens the key."""
    fingerprint: str | None = None
    """SHA-256 of the one certificate to believe, in hex, with or without colons.  Without `ca` it takes the place of
    any signature, name and date."""
    server_name: Text | None = None
    """Name to ask the server for, and to find in its certificate, instead of the one in the URL."""
    verify: StrictBool = True
    """false believes any certificate: whoever sits on the way can read and change everything."""

    @field_validator("fingerprint")
    @classmethod
    def _is_sha256(cls, fingerprint: str | None) -> str | None:
        plain = (fingerprint or "").lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
        if fingerprint is not None and not FINGERPRINT.fullmatch(plain):
            raise ValueError(
                _("is the SHA-256 of a certificate, 64 hex digits; these are {count} characters", count=len(plain))
            )
        return plain or None

    @model_validator(mode="after")
    def _is_of_a_piece(self) -> Self:
        mistakes: list[tuple[str, str]] = []
        if self.certificate is None:
            mistakes += [
                (name, _("needs tls.certificate, the certificate that it belongs to"))
                for name in ("key", "key_password")
                if getattr(self, name) is not None
            ]
        if not self.verify and (self.ca or self.fingerprint):
            mistakes.append(
                ("verify", _("= false believes any certificate; take it away, or take ca and fingerprint away"))
            )
        if mistakes:
            raise Mistakes(mistakes)
        return self


class Flood(Settings):
    """How many bubbles a stream may open before the rest is counted in one."""

    burst: Annotated[WholeNumber, Field(ge=2, le=100)] = 5
    """Bubbles in `window`; the last is the one that counts."""
    window: Window = 10.0
    """Seconds, or a text such as `"1m"`."""


class Stream(Settings):
    """One stream to follow."""

    url: Annotated[str, Field(repr=False)]
    """The address of the event stream.  http, https, or http+unix://%2Fpath%2Fof.sock/path for a Unix socket; a user
    and password in it become `basic`."""
    name: Annotated[str, Field(min_length=1, max_length=60)]
    """What a person calls it: in the menu, in bubbles, in the log.  Without one it is the host, and the topic."""
    headers: dict[str, Secret] = {}
    """Sent with each request to the address's own origin, and never to another."""
    bearer: Secret | None = None
    """Token, sent as `Authorization: Bearer …` (RFC 6750)."""
    basic: Basic | None = None
    """User and password, sent as `Authorization: Basic …`."""
    cookies: dict[str, Secret] = {}
    """Sent as one Cookie header."""
    query: dict[str, Secret] = {}
    """Added to the query string, for servers that want a token there."""
    allow_plain_credentials: StrictBool = False
    """Whether headers, tokens, cookies and passwords may go over http://, where everybody on the way reads them.
    This machine's own addresses need no permission."""
    proxy: Annotated[ProxyRule, Field(validate_default=True)] = "environment"  # type: ignore[assignment]
    """`"environment"` obeys http_proxy, https_proxy, all_proxy and no_proxy; `"none"` goes straight; or a URL, or
    { url, user, password }."""
    tls: Tls = Tls()
    """How to know an https server, and how to be known by it."""
    idle_timeout: Annotated[Number, Field(ge=0.1, le=86_400, json_schema_extra={"unit": "seconds"})] = 120.0
    """Without one byte for so long, comments included, the connection is taken for dead. A known kind of stream has
    a time of its own, unless one is given here."""
    connect_timeout: Annotated[Number, Field(ge=0.1, le=600, json_schema_extra={"unit": "seconds"})] = 30.0
    """From the first packet to the end of the response's headers."""
    longest_delay: Annotated[Number, Field(ge=0.1, le=3_600, json_schema_extra={"unit": "seconds"})] = 60.0
    """Ceiling of the backoff between two attempts."""
    preset: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")] = "auto"
    """What kind of stream it is: `"auto"` finds out, `"generic"` knows nothing, or the name of a preset."""
    resume: Annotated[str, AfterValidator(_is_a_way_to_resume)] = "auto"
    """How to go on after a break: `"last-event-id"`, `"none"`, or `"query:NAME=TEMPLATE"`, such as
    `"query:since={{ data.time }}"`; `"auto"` does what the kind of stream needs."""
    rules: tuple[Rule, ...] = ()
    """What becomes of its events; the first that fits.  They come before those of the preset."""
    forward: tuple[Secret, ...] = ()
    """Apprise URLs to which each new notification is sent too, such as `"${APPRISE_URL}"`; needs the extra
    `apprise`."""
    pictures: Literal["public", "any", "none"] = "public"
    """Whether icons and images that events name are fetched: `"public"` from the internet and the stream's own server,
    `"any"` from private addresses too, `"none"` not at all."""
    minimum_urgency: Literal["low", "normal", "critical"] = "low"
    """What is less urgent than this is in the history only: no bubble, no summary, not counted as unread."""
    flood: Flood = Flood()
    """How many bubbles it may open before the rest is counted in one; see Quiet below."""
    quiet_hours: tuple[QuietHours, ...] = ()
    """When its bubbles are held back for one summary; see Quiet below."""
    keep_events: StrictBool = True
    """Whether the history keeps the events themselves too, for `sse-notifier rules try history`."""
    event_limit: Annotated[WholeNumber, Field(ge=1_024, le=1 << 30, json_schema_extra={"unit": "bytes"})] = 16 << 20
    """A larger event fails the stream."""

    @property
    def has_credentials(self) -> bool:
        """Whether a request of its own carries anything that may open something."""
        headers = {name.lower() for name in self.headers} - HARMLESS
        return bool(headers or self.bearer or self.basic or self.cookies or self.query)

    @model_validator(mode="before")
    @classmethod
    def _part_credentials_from_url(cls, fields: object, info: ValidationInfo) -> object:
        if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
            return fields
        try:
            url = _fill(fields["url"], info)
            parts = urlsplit(url)
        except ValueError:
            return fields
        userinfo, at, host = parts.netloc.rpartition("@")
        if not at:
            return fields
        url = parts._replace(netloc=host).geturl()
        # It is filled once more with all other addresses.
        fields = {**fields, "url": url.replace("${", "$${") if environment(info) else url}
        if "basic" in fields:
            raise Mistakes([("basic", _("is given, and the url has a user and password too; keep one of them"))])
        user, _colon, password = userinfo.partition(":")
        return fields | {"basic": {"user": unquote(user), "password": SecretStr(unquote(password))}}

    @field_validator("url")
    @classmethod
    def _is_web_url(cls, url: str, info: ValidationInfo) -> str:
        url = _fill(url, info)
        if not url.isprintable() or " " in url:
            raise ValueError(_("holds a space or a control character; write it as %20"))
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises ValueError when it is not a number
        except ValueError:
            # The error's own text may quote a part of a password.
            raise ValueError(_("is no URL; its port or its [address] is not one")) from None
        if parts.scheme == UNIX:
            if not unquote(parts.netloc).startswith("/"):
                raise ValueError(
                    _("names no socket; write {scheme}://%2Frun%2Fbuild.sock/events, with %2F for each /", scheme=UNIX)
                )
        elif parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(_("is no http:// or https:// URL"))
        return url

    @field_validator("name")
    @classmethod
    def _is_printable(cls, name: str) -> str:
        if not name.isprintable() or not name.strip():
            raise ValueError(_("holds a line break or a control character, or nothing at all"))
        return name

    @field_validator("headers")
    @classmethod
    def _are_sendable(cls, headers: dict[str, Secret]) -> dict[str, Secret]:
        mistakes: list[tuple[str, str]] = []
        for name, value in headers.items():
            if not FIELD_NAME.fullmatch(name):
                mistakes.append((name, _("is no header name")))
            elif name.lower() in OURS:
                mistakes.append((name, _("is set by sse-notifier itself")))
            elif isinstance(value, SecretStr) and (problem := why_unsendable(value.get_secret_value())):
                mistakes.append((name, problem))
        if mistakes:
            raise Mistakes(mistakes)
        return headers

    @field_validator("cookies")
    @classmethod
    def _have_names(cls, cookies: dict[str, Secret]) -> dict[str, Secret]:
        if strange := [name for name in cookies if not FIELD_NAME.fullmatch(name)]:
            raise Mistakes([(name, _("is no cookie name")) for name in strange])
        return cookies

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if mistakes := list(self._contradictions()):
            raise Mistakes(mistakes)
        return self

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        parts = urlsplit(self.url)
        named = {name.lower() for name in self.headers}
        ways = [way for way, given in (("bearer", self.bearer), ("basic", self.basic)) if given]
        if "authorization" in named:
            ways.append(_("the header Authorization"))
        if len(ways) > 1:
            yield ways[0], _("is given, and {ways} too; keep one of them", ways=" and ".join(ways[1:]))
        if self.cookies and "cookie" in named:
            yield "cookies", _("is given, and a header Cookie too; keep one of them")
        if parts.scheme != "https" and self.tls != Tls():
            yield "tls", _("is for https:// addresses, and this one is {scheme}://", scheme=parts.scheme)
        proxy = self.proxy.proxy_for(self.url)
        if proxy and proxy.scheme == "https" and self.tls != Tls():
            yield "tls", _("does not go together with an https:// proxy; use an http:// or socks5:// one")
        host = parts.hostname or ""
        exposed = parts.scheme == "http" and self.has_credentials and not is_loopback(host)
        if exposed and not self.allow_plain_credentials:
            yield (
                "url",
                _(
                    "would send credentials to {host} unencrypted; use https://, or say "
                    "allow_plain_credentials = true (--allow-plain-credentials) if the way there is safe",
                    host=host,
                ),
            )
