"""What `serve` says at its start, or why there is none: sentences and lines to copy.

It prints nothing.  Where an error does not say which file is at fault, it looks at the files.
"""

import errno
import shlex
from pathlib import Path
from urllib.parse import unquote


def greeting(url: str, *, needs_token: bool) -> str:
    """The first line is for programs too: the URL is its last word."""
    token = "-H 'Authorization: Bearer TOKEN' " if needs_token else ""
    curl, events = f"curl {token}", f"{url}/events"
    if url.startswith("http+unix://"):
        path = unquote(url.removeprefix("http+unix://"))
        curl, events = f"{curl}--unix-socket {shlex.quote(path)} ", "http://localhost/events"
    return (
        f"Serving {url}/\n  publish    {curl}-d 'Backup done' {events}\n"
        f"  notify me  sse-notifier run {token}{url}/events"
    )


def explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is taken; stop the program that has it, or choose another with --port"
        case errno.EACCES:
            return f"port {port} of {host} is not allowed here; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another with --host"
    return f"cannot listen on {host}: {error.strerror or error}; choose another address with --host"


def explain_unix(error: OSError, path: Path) -> str:
    if error.errno == errno.EADDRINUSE:
        what = "another server answers there" if path.is_socket() else "there is something that is no socket"
        return f"{path} is taken: {what}; choose another with --unix"
    return f"cannot listen on {path}: {error.strerror or error}; choose another with --unix"


def explain_tls(error: OSError, cert: Path, key: Path | None) -> str:
    """OpenSSL says neither which of the files it means nor, in words, what is wrong with it."""
    for path, label, lack in (
        (cert, b"CERTIFICATE-----", "is no certificate in PEM form; name another with --tls-cert"),
        (key or cert, b"PRIVATE KEY-----", "has no private key in PEM form; name the file that has it with --tls-key"),
    ):
        try:
            if label not in path.read_bytes():
                return f"{path} {lack}"
        except OSError as unread:
            return f"{path} cannot be used for TLS: {unread.strerror}"
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return f"{key or cert} has the private key of another certificate than {cert}; name its own with --tls-key"
    return f"{cert} with its key cannot be used for TLS: {error.strerror or error}"
