"""A name in, the answer that carries this file of the live page out.  The files lie in `static`.

The page needs no token: it holds nothing that is not public, and asks for a token by itself.
"""

from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from aiohttp import hdrs, web

KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
"""Media types by the end of a name; nothing else is served."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class _File(NamedTuple):
    body: bytes
    kind: str
    tag: str
    """What a browser shows to learn whether its copy is still good (RFC 9110 8.8.3)."""


class Page:
    """The files, read once."""

    def __init__(self) -> None:
        self._files = {
            each.name: _read(each.read_bytes(), kind)
            for each in (files("server") / "static").iterdir()
            if (kind := KINDS.get("." + each.name.rpartition(".")[2]))
        }

    def answer(self, request: web.Request, name: str) -> web.Response | None:
        """The file, or that the browser's copy is good; None if there is none.  The names are a table's, no path."""
        file = self._files.get(name)
        if file is None:
            return None
        headers = {**HEADERS, hdrs.ETAG: f'"{file.tag}"'}
        if any(each.value in (file.tag, "*") for each in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, content_type=file.kind, charset="utf-8", headers=headers)


def _read(body: bytes, kind: str) -> _File:
    return _File(body, kind, sha256(body).hexdigest()[:32])
