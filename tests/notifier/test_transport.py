"""The way to a server: credentials, TLS, proxies and sockets, with real servers and real proxies on loopback."""

import asyncio
import base64
import contextlib
import hashlib
import logging
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from notifier.client import Follower
from notifier.environment import Environment
from notifier.errors import StreamFailed
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.stream import Stream
from notifier.tls import UNVERIFIED
from notifier.transport import Transport
from tests.needs import needs
from tests.notifier.loopback import OK, Act, Loopback, Script, loopback
from tests.notifier.proxies import free_port, microsocks, running, tinyproxy

HELLO: Script = [OK, b"data: hello\n\n", Act.HANG]
SECRET = "s3cr3t+/=&?%"


@dataclass
class Followed:
    """A stream at work, and what a person would hear of it."""

    source: Source
    events: list[Event] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def hears(self, text: str = "hello", count: int = 1) -> None:
        while [event.data for event in self.events].count(text) < count:
            assert self.task is not None
            assert not self.task.done(), self.task
            self.changed.clear()
            await self.changed.wait()

    async def reason(self) -> str:
        """Why the first attempt was no success."""
        while not self.reasons:
            assert self.task is not None
            assert not self.task.done(), self.task
            self.changed.clear()
            await self.changed.wait()
        assert self.source.ready_state is ReadyState.CONNECTING
        return self.reasons[0]

    async def failure(self) -> str:
        assert self.task is not None
        with pytest.raises(StreamFailed) as caught:
            await self.task
        assert self.source.ready_state is ReadyState.CLOSED
        return str(caught.value)


@contextlib.asynccontextmanager
async def followed(url: str, environ: dict[str, str] | None = None, /, **settings: Any) -> AsyncIterator[Followed]:
    fields = {"url": url, "name": "ci", "longest_delay": 0.1, "connect_timeout": 30.0} | settings
    stream = Stream.model_validate(fields, context=Environment(environ or {}))
    source = Source(stream)
    made = Followed(source)

    async def deliver(events: Sequence[Event], _: str) -> None:
        made.events.extend(events)
        made.changed.set()

    def changed(reason: str) -> None:
        if reason:
            made.reasons.append(reason)
        made.changed.set()

    made.task = asyncio.create_task(Follower(source, Transport(stream), deliver, changed).follow())
    made.task.add_done_callback(lambda _: made.changed.set())
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


def fields_of(head: str) -> dict[str, str]:
    """Header fields, lower case."""
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# Credentials.


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"bearer": SECRET}, {"authorization": f"Bearer {SECRET}"}),
        ({"basic": {"user": "ann", "password": SECRET}}, {"authorization": basic("ann", SECRET)}),
        ({"basic": {"user": "안녕", "password": "é"}}, {"authorization": basic("안녕", "é")}),
        ({"cookies": {"a": "1", "b": SECRET}}, {"cookie": f"a=1; b={SECRET}"}),
        ({"headers": {"X-Key": SECRET, "user-agent": "mine"}}, {"x-key": SECRET, "user-agent": "mine"}),
        ({"bearer": "${TOKEN}"}, {"authorization": "Bearer from the environment"}),
        ({"bearer": {"command": [sys.executable, "-c", "print('printed')"]}}, {"authorization": "Bearer printed"}),
    ],
)
async def test_credentials_are_sent(settings: dict[str, Any], sent: dict[str, str]) -> None:
    async with (
        loopback(HELLO) as server,
        followed(server.url, {"TOKEN": "from the environment"}, **settings) as stream,
    ):
        await stream.hears()
        assert fields_of(server.heads[0]).items() >= sent.items()


@pytest.mark.parametrize(
    ("url", "query", "line"),
    [
        ("", {"auth": SECRET}, "/events?auth=s3cr3t%2B%2F%3D%26%3F%25"),
        ("?a=b%20c", {"auth": "x"}, "/events?a=b%20c&auth=x"),
        ("?auth=mine", {"auth": "x"}, "/events?auth=mine"),
        ("", {"a b": "안 녕"}, "/events?a%20b=%EC%95%88%20%EB%85%95"),
    ],
)
async def test_tokens_go_into_the_query_string(url: str, query: dict[str, str], line: str) -> None:
    async with loopback(HELLO) as server, followed(server.url + url, query=query) as stream:
        await stream.hears()
        assert server.heads[0].startswith(f"GET {line} HTTP/1.1\r\n")


async def test_user_and_password_in_the_address_become_basic_authentication() -> None:
    async with loopback(HELLO) as server:
        url = server.url.replace("http://", "http://ann:s3%40cret@")
        async with followed(url) as stream:
            await stream.hears()
            assert fields_of(server.heads[0])["authorization"] == basic("ann", "s3@cret")
            assert "ann" not in server.heads[0]
            assert "s3" not in repr(stream.source.stream)


async def test_a_rotated_token_is_the_one_that_is_sent_next(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    end = asyncio.Event()
    async with (
        loopback([OK, b"data: hello\n\n", end], HELLO) as server,
        followed(server.url, bearer={"file": str(token)}) as stream,
    ):
        await stream.hears()
        token.write_text("new\n")
        end.set()
        await stream.hears(count=2)
        assert [fields_of(head)["authorization"] for head in server.heads] == ["Bearer old", "Bearer new"]


async def test_a_secret_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with loopback(HELLO) as server, followed(server.url, cookies={"a": {"file": str(token)}}) as stream:
        reason = await stream.reason()
        assert (
            reason
            == f"cookies.a cannot be had: the file {token} with a secret cannot be read (No such file or directory)"
        )
        token.write_text(SECRET)
        await stream.hears()


async def test_a_secret_that_needs_an_installation_fails_the_stream() -> None:
    async with (
        loopback(HELLO) as server,
        followed(server.url, bearer={"command": ["vault-of-nobody"]}) as stream,
    ):
        assert (await stream.failure()).startswith("bearer cannot be had: the command vault-of-nobody")
        assert server.heads == []


CREDENTIALS: dict[str, Any] = {
    "bearer": "s3cret",
    "cookies": {"c": "s3cret"},
    "query": {"q": "s3cret"},
    "headers": {"X-Key": "s3cret"},
}


async def test_a_redirect_keeps_the_credentials_at_home() -> None:
    go = [b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there?x=1\r\nContent-Length: 0\r\n\r\n"]
    async with loopback(go, HELLO) as server, followed(server.url, **CREDENTIALS) as stream:
        await stream.hears()
        assert server.heads[1].startswith("GET /there?x=1&q=s3cret HTTP/1.1")
        sent = fields_of(server.heads[1])
        assert (sent["authorization"], sent["cookie"], sent["x-key"]) == ("Bearer s3cret", "c=s3cret", "s3cret")


async def test_a_redirect_to_another_origin_takes_no_credential_along_and_none_is_brought_back() -> None:
    async with loopback(HELLO) as away:
        back = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
        async with loopback() as home:
            away.scripts = [[back % f"http://127.0.0.1:{home.port}/back".encode()]]
            home.scripts = [[back % away.url.encode()], HELLO]
            async with followed(home.url, **CREDENTIALS) as stream:
                await stream.hears()
                assert "s3cret" in home.heads[0]
                assert "s3cret" not in away.heads[0] + home.heads[1]


async def test_nothing_comes_from_netrc_or_from_the_environment_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login ann password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with loopback(HELLO) as server, followed(server.url) as stream:
        await stream.hears()
        assert "authorization" not in fields_of(server.heads[0])


async def test_no_secret_is_in_any_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        loopback([Act.RESET], [b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"], [b"junk\r\n\r\n"], HELLO) as server,
        followed(
            server.url.replace("//", "//ann:s3cret@") + "?token=s3cret", **CREDENTIALS | {"bearer": None}
        ) as stream,
    ):
        await stream.hears()
        assert "s3cret" in server.heads[0]
        assert "s3cret" not in "".join(stream.reasons) + repr(stream.source) + repr(stream.source.stream)
        assert "s3cret" not in repr(await Transport(stream.source.stream).prepare(stream.source.connect()))
    assert "s3cret" not in caplog.text


# Unix sockets.


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    url = f"http+unix://{str(path).replace('/', '%2F')}/events?a=1"
    async with followed(url, bearer="s3cret") as stream:
        assert (
            await stream.reason()
            == f"the socket {path} cannot be reached (No such file or directory); is the server running?"
        )
        async with loopback(HELLO, path=path) as server:
            await stream.hears()
            assert server.heads[0].startswith("GET /events?a=1 HTTP/1.1\r\nHost: localhost\r\n")
            assert fields_of(server.heads[0])["authorization"] == "Bearer s3cret"


# TLS.


@dataclass
class Authority:
    """Who signs, and the files of what was signed."""

    directory: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def file(self) -> str:
        path = self.directory / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return str(path)

    def server(
        self,
        *names: str,
        demands: trustme.CA | None = None,
        newest: ssl.TLSVersion | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> tuple[ssl.SSLContext, str]:
        """How a server speaks, and its fingerprint."""
        leaf = self.ca.issue_cert(*(names or ("127.0.0.1",)), not_before=not_before, not_after=not_after)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        if newest is not None:
            context.maximum_version = newest
        if demands is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            demands.configure_trust(context)
        der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        return context, hashlib.sha256(der).hexdigest()

    def client(self, password: str = "") -> dict[str, Any]:
        """A client certificate's files."""
        leaf = self.ca.issue_cert("ann@example.org")
        certificate, key = self.directory / "client.pem", self.directory / "client.key"
        leaf.cert_chain_pems[0].write_to_path(certificate)
        pem = leaf.private_key_pem.bytes()
        if password:
            plain = serialization.load_pem_private_key(pem, None)
            pem = plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
        key.write_bytes(pem)
        return {"certificate": str(certificate), "key": str(key)}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.asynccontextmanager
async def secure(context: ssl.SSLContext) -> AsyncIterator[tuple[Loopback, str]]:
    async with loopback(HELLO, tls=context) as server:
        yield server, server.url.replace("http://", "https://")


async def test_an_authority_of_ones_own(authority: Authority) -> None:
    context, _ = authority.server()
    async with secure(context) as (_, url), followed(url, tls={"ca": authority.file}) as stream:
        await stream.hears()


LONG_AGO = datetime.now(UTC) - timedelta(days=9)


@pytest.mark.parametrize(
    ("names", "validity", "trusted", "sentence"),
    [
        ((), {}, False, "is not trusted (unable to get local issuer certificate); if an authority of your own has"),
        ((), {"not_after": LONG_AGO + timedelta(days=1)}, True, "has expired; its owner must renew it"),
        ((), {"not_before": datetime.now(UTC) + timedelta(days=9)}, True, "is not valid yet; is this machine's clock"),
        (("example.org",), {}, True, "is for another address; check the address, or say which name is right"),
    ],
    ids=["unknown authority", "expired", "not valid yet", "other name"],
)
async def test_a_certificate_that_is_not_believed_is_explained(
    authority: Authority, names: tuple[str, ...], validity: dict[str, datetime], trusted: bool, sentence: str
) -> None:
    context, _ = authority.server(*names, not_before=validity.get("not_before"), not_after=validity.get("not_after"))
    tls = {"ca": authority.file} if trusted else {}
    async with secure(context) as (server, url), followed(url, tls=tls, bearer="s3cret") as stream:
        assert await stream.reason() == (
            f"the certificate of 127.0.0.1:{server.port} {sentence}" + (await stream.reason()).partition(sentence)[2]
        )
        assert server.heads == []


async def test_another_name_for_the_server(authority: Authority) -> None:
    context, _ = authority.server("bridge.example")
    asked: list[str] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    tls = {"ca": authority.file, "server_name": "bridge.example"}
    async with secure(context) as (_, url), followed(url, tls=tls) as stream:
        await stream.hears()
        assert asked == ["bridge.example"]


async def test_a_pinned_certificate_is_believed_whoever_signed_it(authority: Authority) -> None:
    context, pin = authority.server("example.org", not_after=LONG_AGO)
    written = ":".join(pin[n : n + 2] for n in range(0, 64, 2)).upper()
    async with secure(context) as (_, url), followed(url, tls={"fingerprint": written}) as stream:
        await stream.hears()


@pytest.mark.parametrize("with_ca", [False, True])
async def test_another_certificate_than_the_pinned_one_gets_no_credential(authority: Authority, with_ca: bool) -> None:
    context, pin = authority.server()
    tls = {"fingerprint": "ab" * 32} | ({"ca": authority.file} if with_ca else {})
    async with secure(context) as (server, url), followed(url, tls=tls, bearer="s3cret") as stream:
        reason = await stream.reason()
        assert reason.startswith(f"127.0.0.1:{server.port} shows another certificate than the pinned one")
        assert reason.endswith(f"set tls.fingerprint to {pin}")
        assert server.heads == []


async def test_a_pin_and_an_authority_are_both_asked_for(authority: Authority, tmp_path: Path) -> None:
    context, pin = authority.server()
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    async with secure(context) as (_, url):
        async with followed(url, tls={"fingerprint": pin, "ca": str(other)}) as stream:
            assert "is not trusted" in await stream.reason()
        async with followed(url, tls={"fingerprint": pin, "ca": authority.file}) as stream:
            await stream.hears()


async def test_verify_false_believes_anybody_and_says_so(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    context, _ = authority.server("example.org", not_after=LONG_AGO)
    async with secure(context) as (_, url), followed(url, tls={"verify": False}) as stream:
        await stream.hears()
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [f"ci: {UNVERIFIED}"]


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("password", ["", "open sesame"])
async def test_a_client_certificate(authority: Authority, version: ssl.TLSVersion, password: str) -> None:
    context, _ = authority.server(demands=authority.ca, newest=version)
    tls = authority.client(password) | {"ca": authority.file} | ({"key_password": password} if password else {})
    async with secure(context) as (_, url), followed(url, tls=tls) as stream:
        await stream.hears()


async def test_certificate_and_key_may_be_in_one_file(authority: Authority) -> None:
    context, _ = authority.server(demands=authority.ca)
    files = authority.client()
    Path(files["certificate"]).write_text(Path(files["key"]).read_text() + Path(files["certificate"]).read_text())
    tls = {"certificate": files["certificate"], "ca": authority.file}
    async with secure(context) as (_, url), followed(url, tls=tls) as stream:
        await stream.hears()


@contextlib.asynccontextmanager
async def openssl_server(authority: Authority, version: ssl.TLSVersion, demands: str) -> AsyncIterator[str]:
    """A server that says why it ends a handshake, as asyncio's do not; its URL."""
    (program,) = needs("openssl")
    leaf = authority.ca.issue_cert("127.0.0.1")
    file = authority.directory / "server.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(file)
    port = free_port()
    flag = "-tls1_2" if version is ssl.TLSVersion.TLSv1_2 else "-tls1_3"
    command = [program, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(file), "-www", flag]
    async with running([*command, "-Verify", "1", "-verify_return_error", "-CAfile", demands], port) as address:
        yield f"https://{address}/"


@pytest.mark.parametrize("version", VERSIONS, ids=str)
async def test_a_server_that_demands_a_client_certificate_says_so(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    async with (
        openssl_server(authority, version, authority.file) as url,
        followed(url, tls={"ca": authority.file}) as stream,
    ):
        reason = await stream.reason()
        assert "demand a client certificate: tls.certificate" in reason.replace("demands", "demand").replace(
            "; name its file", ""
        )


@pytest.mark.parametrize("version", VERSIONS, ids=str)
async def test_a_client_certificate_of_a_stranger_is_explained(
    authority: Authority, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    tls = stranger.client() | {"ca": authority.file}
    async with openssl_server(authority, version, authority.file) as url, followed(url, tls=tls) as stream:
        assert "does not know who signed our client certificate" in await stream.reason()


async def test_a_handshake_that_is_cut_is_no_riddle() -> None:
    async with loopback([Act.RESET]) as server, followed(server.url.replace("http:", "https:")) as stream:
        assert "broke off the TLS handshake; it may demand a client certificate" in await stream.reason()


@pytest.mark.parametrize(
    ("setting", "content", "sentence"),
    [
        ("ca", None, r"of tls.ca cannot be read (No such file or directory)"),
        ("ca", "junk", r"of tls.ca cannot be used: it is no PEM file"),
        ("certificate", None, r"of tls.certificate cannot be read (No such file or directory)"),
        ("key", None, r"of tls.key cannot be read (No such file or directory)"),
        ("key", "junk", r"of tls.key cannot be used: it is no PEM file, or its key_password is missing or wrong"),
        ("key", "other", r"of tls.key is not the key of tls.certificate"),
    ],
)
async def test_a_file_that_is_not_what_it_should_be_is_named(
    authority: Authority, tmp_path: Path, setting: str, content: str | None, sentence: str
) -> None:
    file = tmp_path / "file"
    if content == "other":
        authority.ca.issue_cert("other").private_key_pem.write_to_path(file)
    elif content is not None:
        file.write_text(content)
    tls = authority.client() | {"ca": authority.file} | {setting: str(file)}
    async with followed(f"https://127.0.0.1:{free_port()}/", tls=tls) as stream:
        assert f"the file {file} {sentence}" in await stream.reason()


@pytest.mark.parametrize("given", [None, "wr0ng"])
async def test_a_locked_key_is_not_asked_about_at_the_terminal(authority: Authority, given: str | None) -> None:
    tls = authority.client("s3cret") | ({"key_password": given} if given else {})
    async with followed(f"https://127.0.0.1:{free_port()}/", tls=tls) as stream:
        reason = await stream.reason()
        assert "of tls.key cannot be used" in reason
        assert "key_password is missing or wrong" in reason


async def test_a_redirect_to_another_origin_leaves_pin_and_client_certificate_behind(authority: Authority) -> None:
    context, pin = authority.server()
    away_context, _ = authority.server()
    away_context.verify_mode = ssl.CERT_OPTIONAL
    async with secure(away_context) as (_, away):
        go = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % away.encode()
        async with loopback([go], tls=context) as home:
            tls = authority.client() | {"fingerprint": pin}
            async with followed(home.url.replace("http:", "https:"), tls=tls) as stream:
                # The stranger is judged as any stranger is: by what this machine trusts.
                assert "is not trusted" in await stream.reason()


# Proxies.


@pytest.mark.parametrize("user", ["", "ann"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_through_a_proxy(authority: Authority, tmp_path: Path, kind: str, scheme: str, user: str) -> None:
    context, pin = authority.server("bridge.example") if scheme == "https" else (None, "")
    tls = {"ca": authority.file, "server_name": "bridge.example", "fingerprint": pin} if context else {}
    password = "s3cret" if user else ""
    proxies = tinyproxy(tmp_path, user, password) if kind == "http" else microsocks(user, password)
    async with loopback(HELLO, tls=context) as server, proxies as address:
        proxy = {"url": f"{kind}://{address}"} | ({"user": user, "password": password} if user else {})
        async with followed(
            f"{scheme}://127.0.0.1:{server.port}/events", tls=tls, proxy=proxy, bearer="t0ken"
        ) as stream:
            await stream.hears()
            sent = fields_of(server.heads[0])
            assert sent["authorization"] == "Bearer t0ken"
            assert "proxy-authorization" not in sent
            if kind == "http" and scheme == "http":
                assert "via" in sent


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_the_pin_holds_through_a_proxy(authority: Authority, tmp_path: Path, kind: str) -> None:
    context, _ = authority.server()
    async with (
        secure(context) as (server, url),
        tinyproxy(tmp_path) if kind == "http" else microsocks() as address,
        followed(url, tls={"fingerprint": "ab" * 32}, proxy=f"{kind}://{address}") as stream,
    ):
        assert "another certificate than the pinned one" in await stream.reason()
        assert server.heads == []


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_certificate_is_not_believed_through_a_proxy_either(
    authority: Authority, tmp_path: Path, kind: str
) -> None:
    context, _ = authority.server()
    async with (
        secure(context) as (server, url),
        tinyproxy(tmp_path) if kind == "http" else microsocks() as address,
        followed(url, proxy=f"{kind}://{address}") as stream,
    ):
        assert f"the certificate of 127.0.0.1:{server.port} is not trusted" in await stream.reason()


async def test_the_environment_names_the_proxy(tmp_path: Path) -> None:
    async with (
        tinyproxy(tmp_path) as address,
        followed("http://stream.invalid/events", {"HTTP_PROXY": address}) as stream,
    ):
        assert await stream.reason() == "the server answered 500 Internal Server Error"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("user", "sentence"),
    [("", "wants credentials"), ("ann", "does not take the credentials given")],
)
async def test_a_proxy_that_wants_other_credentials_fails_the_stream(
    tmp_path: Path, scheme: str, user: str, sentence: str
) -> None:
    async with tinyproxy(tmp_path, "bob", "b0b") as address:
        userinfo = f"{user}:s3cret@" if user else ""
        url = f"{scheme}://127.0.0.1:{free_port()}/"
        async with followed(url, proxy=f"http://{userinfo}{address}") as stream:
            failure = await stream.failure()
    assert sentence in failure or (scheme, user) == ("http", "ann")
    assert "s3cret" not in failure


@pytest.mark.parametrize("user", ["", "ann"])
async def test_a_socks_proxy_that_wants_other_credentials_fails_the_stream(user: str) -> None:
    async with microsocks("bob", "b0b") as address:
        userinfo = f"{user}:s3cret@" if user else ""
        async with followed("http://127.0.0.1:1/", proxy=f"socks5://{userinfo}{address}") as stream:
            failure = await stream.failure()
    assert failure.startswith(f"the proxy socks5://{address} ")
    assert "credentials" in failure
    assert "s3cret" not in failure


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_waited_for(kind: str, scheme: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with followed(f"{scheme}://example.invalid/", proxy=f"{kind}://ann:s3cret@{address}") as stream:
        reason = await stream.reason()
    assert reason.startswith(f"the proxy {kind}://{address} cannot be reached (")
    assert reason.endswith('; check it, or go without: proxy = "none"')


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_proxy_whose_name_is_not_known_is_named(kind: str) -> None:
    async with followed("https://example.org/", proxy=f"{kind}://proxy.invalid:3128") as stream:
        assert f"the proxy {kind}://proxy.invalid:3128 cannot be reached" in await stream.reason()


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_server_that_the_proxy_does_not_reach_is_waited_for(tmp_path: Path, kind: str) -> None:
    url = f"https://127.0.0.1:{free_port()}/"
    async with (
        tinyproxy(tmp_path) if kind == "http" else microsocks() as address,
        followed(url, proxy=f"{kind}://{address}") as stream,
    ):
        assert f"the proxy {kind}://{address} could not reach" in await stream.reason()


async def test_socks_needs_a_package_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp_socks", None)
    async with followed("http://example.invalid/", proxy="socks5://127.0.0.1:1") as stream:
        assert await stream.failure() == (
            "SOCKS proxies need one more package: install 'sse-notifier[socks]' the way sse-notifier was installed"
        )


async def test_a_password_of_the_proxy_is_a_secret_like_any_other(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    async with loopback(HELLO) as server, tinyproxy(tmp_path, "ann", "s3cret") as address:
        proxy = {"url": f"http://{address}", "user": "ann", "password": {"file": str(password)}}
        async with followed(server.url, proxy=proxy) as stream:
            await stream.hears()
