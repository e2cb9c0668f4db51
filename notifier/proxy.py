"""A URL in, the proxy on the way to it out.  Pure: the environment is an argument.

Follows what curl, wget and Python agree on: ``http_proxy``, ``https_proxy`` and ``all_proxy`` by the scheme of the
address, and ``no_proxy`` for hosts that are reached straight.  Lower case goes before upper case.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from notifier.environment import Environment, environment
from notifier.language import _
from notifier.secret import Secret, read

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}
"""Kinds of proxy, and the port each has where none is said."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: Secret | None = field(default=None, repr=False)

    @property
    def is_socks(self) -> bool:
        """Whether it takes connections (RFC 1928) rather than requests (RFC 9110)."""
        return self.scheme.startswith("socks")

    def __str__(self) -> str:
        """For a person: no credentials."""
        return f"{self.scheme}://{bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy for which address."""

    http: Proxy | None = None
    https: Proxy | None = None
    straight: tuple[str, ...] = ()
    """Hosts that are reached without one: names, `.domains`, addresses, networks, `*`; each perhaps with a port."""
    loopback: bool = False
    """Whether this very machine is reached through it too."""

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy on the way to `url`, an absolute URL; None if there is none."""
        parts = urlsplit(url)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            return None
        port = parts.port or PORTS[parts.scheme]
        if is_loopback(host) and not self.loopback:
            return None
        if any(_matches(entry, host, port) for entry in self.straight):
            return None
        return self.https if parts.scheme == "https" else self.http


def from_environment(around: Environment) -> Proxies:
    """What the variables ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` say.

    Raises:
        ValueError: one of them is no proxy's address, in words that follow the setting's name.
    """
    variables = around.variables

    def named(*names: str) -> Proxy | None:
        for name in (spelling for each in names for spelling in (each, each.upper())):
            if address := variables.get(name, "").strip():
                try:
                    return read_proxy(address if "://" in address else f"http://{address}", None)
                except ValueError as error:
                    raise ValueError(_("is the environment's, and {name} {error}", name=name, error=error)) from None
        return None

    exceptions = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    straight = tuple(entry for entry in exceptions.lower().replace(",", " ").split() if entry)
    return Proxies(named("http_proxy", "all_proxy"), named("https_proxy", "all_proxy"), straight)


def read_proxy(value: object, around: Environment | None) -> Proxy:
    """What a configuration says of one proxy: a URL, or a table with `url`, `user` and `password`.

    Raises:
        ValueError: it is none, in words that follow the setting's name.
    """
    table: Mapping[object, object] = value if isinstance(value, dict) else {"url": value}
    if strange := [str(key) for key in table if key not in ("url", "user", "password")]:
        raise ValueError(_("has url, user and password, but not {strange!r}", strange=strange[0]))
    url, user, password = (table.get(key) for key in ("url", "user", "password"))
    if not isinstance(url, str) or not isinstance(user, str | None):
        raise ValueError(_('is "environment", "none", a URL in quotes, or { url = "…", user = "…", password = … }'))
    fill = around.fill if around else str
    url = fill(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # The error's own text may quote a part of the password.
        raise ValueError(_("is no URL of a proxy")) from None
    if parts.scheme not in PORTS or not parts.hostname:
        hint = _("; did you mean http://{url} ?", url=url) if "://" not in url and "@" not in url else ""
        raise ValueError(
            _('is "environment", "none" or a URL with {schemes}{hint}', schemes=", ".join(PORTS), hint=hint)
        )
    if parts.username and (user or password):
        raise ValueError(_("has credentials in its URL and beside it; keep one of them"))
    if password is None and parts.password is not None:
        password = unquote(parts.password)
        around = None
    return Proxy(
        parts.scheme,
        parts.hostname,
        port or PORTS[parts.scheme],
        fill(user or "") or unquote(parts.username or ""),
        None if password is None else read(password, around),
    )


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this very machine (RFC 6761 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """A host as URLs have it: IPv6 addresses in brackets (RFC 3986 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, its_port = _split(entry)
    if its_port not in (None, str(port)):
        return False
    name = name.removeprefix("*").removeprefix(".")
    return bool(name) and (host == name or (host.endswith(f".{name}") and not _is_address(host)))


def _split(entry: str) -> tuple[str, str | None]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":") or None
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and ":" not in name else (entry, None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _read(value: object, info: ValidationInfo) -> Proxies:
    around = environment(info)
    match value:
        case Proxies():
            return value
        case "environment":
            return from_environment(around or Environment())
        case "none":
            return Proxies()
    proxy = read_proxy(value, around)
    return Proxies(proxy, proxy, loopback=True)


ProxyRule = Annotated[
    Proxies,
    PlainValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["environment", "none"]},
                {"type": "string", "pattern": "^(" + "|".join(PORTS) + ")://"},
                {
                    "type": "object",
                    "properties": {"url": {"type": "string"}, "user": {"type": "string"}, "password": {}},
                    "required": ["url"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""What a configuration says of proxies."""
