"""What a stream says of TLS in, the context of its connections out; and what a handshake that failed means.

The pin and the server's name are applied here and not by aiohttp: its SOCKS connectors know neither.
"""

import contextlib
import hashlib
import hmac
import ssl
from collections.abc import Iterator
from pathlib import Path

from notifier.errors import StreamLost
from notifier.language import N_, _
from notifier.stream import Tls

UNVERIFIED = N_(
    "the server's certificate is not checked (tls.verify = false); anybody on the way can read and change it"
)
"""What a person must see as long as a stream has it so."""


class PinMismatch(ssl.SSLCertVerificationError):
    """The server has another certificate than the one that is pinned."""

    found = ""
    """SHA-256 of the certificate that it has."""


class _Handshake(ssl.SSLObject):
    """A handshake that is only done when the pinned certificate was shown."""

    def do_handshake(self) -> None:
        super().do_handshake()
        context = self.context
        if isinstance(context, _Context) and context.pin is not None:
            certificate = self.getpeercert(binary_form=True) or b""
            found = hashlib.sha256(certificate).hexdigest()
            if not hmac.compare_digest(found, context.pin):
                error = PinMismatch(_("the certificate is not the pinned one"))
                error.found = found
                raise error


class _Context(ssl.SSLContext):
    """TLS as a stream wants it."""

    sslobject_class = _Handshake
    pin: str | None = None
    server_name: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.server_name or server_hostname, session)


def make_context(tls: Tls, password: str) -> ssl.SSLContext:
    """What a TLS connection needs.  Reads files, so it blocks for some milliseconds.

    Raises:
        StreamLost: a file is missing or is not what it should be.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.pin = tls.fingerprint
    context.server_name = tls.server_name
    context.set_alpn_protocols(["http/1.1"])
    if not tls.verify or (tls.fingerprint and not tls.ca):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
    if tls.ca is not None:
        with _reading("ca", tls.ca):
            context.load_verify_locations(tls.ca)
    if tls.certificate is not None:
        with _reading("certificate", tls.certificate):
            Path(tls.certificate).read_bytes()
        with _reading("key", tls.key or tls.certificate):
            # Without a function, OpenSSL would ask at the terminal.
            context.load_cert_chain(tls.certificate, tls.key, lambda: password)
    return context


def tell_handshake(error: ssl.SSLError | None, host: str) -> str:
    """What a failed handshake means, for a person; empty if there was no TLS in it.

    Args:
        error: What OpenSSL said.
        host: Name and port of the server.
    """
    match error:
        case None:
            return ""
        case PinMismatch():
            return _(
                "{host} shows another certificate than the pinned one; if you know that it was renewed, "
                "set tls.fingerprint to {found}",
                host=host,
                found=error.found,
            )
        case ssl.SSLCertVerificationError():
            verdict = _VERDICTS.get(error.verify_code)
            untrusted = _("is not trusted ({why}); {advice}", why=error.verify_message, advice=_(_OWN_AUTHORITY))
            advice = untrusted if verdict is None else _(verdict)
            return _("the certificate of {host} {advice}", host=host, advice=advice)
    # Only errors that OpenSSL made have a reason.
    reason = getattr(error, "reason", None) or ""
    words = next((words for part, words in _ALERTS.items() if part in reason), _CUT)
    return f"{host} {_(words)}"


_OWN_AUTHORITY = N_("if an authority of your own has signed it, name its file: tls.ca")
_VERDICTS = {
    9: N_("is not valid yet; is this machine's clock right?"),
    10: N_("has expired; its owner must renew it, or this machine's clock is wrong"),
    23: N_("was revoked; whoever runs the server must replace it"),
    62: N_("is for another name; check the address, or say which name is right: tls.server_name"),
    64: N_("is for another address; check the address, or say which name is right: tls.server_name"),
}
"""By OpenSSL's verification codes (X509_V_ERR_*)."""
_CUT = N_("broke off the TLS handshake; it may demand a client certificate (tls.certificate), or speak no TLS")
_ALERTS = {
    "CERTIFICATE_REQUIRED": N_("demands a client certificate; name its file: tls.certificate"),
    "UNKNOWN_CA": N_("does not know who signed our client certificate; check tls.certificate"),
    "CERTIFICATE_EXPIRED": N_("says that our client certificate has expired; renew tls.certificate"),
    "CERTIFICATE_REVOKED": N_("says that our client certificate was revoked; replace tls.certificate"),
    "BAD_CERTIFICATE": N_("does not take our client certificate; check tls.certificate"),
    "ALERT_CERTIFICATE_UNKNOWN": N_("does not take our client certificate; check tls.certificate"),
    "HANDSHAKE_FAILURE": N_("refuses the TLS handshake; it may demand a client certificate: tls.certificate"),
    "UNRECOGNIZED_NAME": N_("has nothing under this name; check the address, or tls.server_name"),
    "UNSUPPORTED_PROTOCOL": N_("speaks only a TLS that is too old to be safe; whoever runs it must update it"),
    "PROTOCOL_VERSION": N_("speaks no version of TLS that we speak"),
    "WRONG_VERSION_NUMBER": N_("does not speak TLS as we do; check https:// and the port"),
    "RECORD_LAYER": N_("does not speak TLS as we do; check https:// and the port"),
    "HTTP_REQUEST": N_("does not speak TLS as we do; check https:// and the port"),
}
"""By a part of OpenSSL's reason codes."""


@contextlib.contextmanager
def _reading(setting: str, path: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        what = {
            "KEY_VALUES_MISMATCH": _("is not the key of tls.certificate"),
        }.get(error.reason or "", _("cannot be used: it is no PEM file, or its key_password is missing or wrong"))
        raise StreamLost(_("the file {path} of tls.{setting} {what}", path=path, setting=setting, what=what)) from error
    except OSError as error:
        raise StreamLost(
            _("the file {path} of tls.{setting} cannot be read ({why})", path=path, setting=setting, why=error.strerror)
        ) from error
