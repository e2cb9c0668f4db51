"""`sse-notifier probe` against real servers on loopback, one for each thing that can be wrong."""

import asyncio
import json
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from notifier import config
from notifier.diagnosis import diagnose
from notifier.observation import Observation
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.probe import Probe
from notifier.sample import Sample
from notifier.stream import Stream
from tests.notifier.loopback import OK, Act, Script, chunked, loopback
from tests.notifier.proxies import free_port
from tests.notifier.test_cli import command

CHUNKED = OK.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
EVENT = b'data: {"title": "Door", "message": "open"}\n\n'


async def look(
    url: str, seconds: float = 0.4, enough: int | None = None, **settings: Any
) -> tuple[Observation, list[Sample]]:
    samples: list[Sample] = []
    stream = Stream(url=url, name="it", **settings)
    probe = Probe(stream, {GENERIC.name: GENERIC} | known(), samples.append)
    return await probe.run(seconds, enough), samples


def topics(seen: Observation) -> set[str]:
    return {finding.topic for finding in diagnose(seen)}


def head(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"HTTP/" + version + b" " + status, *lines, b"", b""])


TYPE = b"Content-Type: text/event-stream"
LENGTH = b"Content-Length: 0"
SCRIPTS: list[tuple[str, list[Script]]] = [
    ("html", [[head(b"Content-Type: text/html"), b"<html>"]]),
    (
        "login",
        [[head(b"Location: /login", LENGTH, status=b"302 Found")], [head(b"Content-Type: text/html"), b"<html>"]],
    ),
    ("token", [[head(b"WWW-Authenticate: Bearer", LENGTH, status=b"401 Unauthorized")]]),
    ("forbidden", [[head(LENGTH, status=b"403 Forbidden")]]),
    ("accept", [[head(LENGTH, status=b"406 Not Acceptable")]]),
    ("websocket", [[head(b"Upgrade: websocket", LENGTH, status=b"426 Upgrade Required")]]),
    ("json", [[head(b"Content-Type: application/x-ndjson"), b"{}\n"]]),
    ("content-type", [[head(b"Content-Type: text/plain"), b"hi"]]),
    ("http-1.0", [[head(TYPE, version=b"1.0"), EVENT, Act.HANG]]),
    ("length", [[head(TYPE, b"Content-Length: 900"), EVENT, Act.HANG]]),
    ("clock", [[head(TYPE, b"Date: Tue, 14 Nov 2023 22:13:21 GMT"), EVENT, Act.HANG]]),
    ("unbuffered", [[head(TYPE, b"X-Accel-Buffering: no"), EVENT, Act.HANG]]),
    ("no-ids", [[CHUNKED, chunked(EVENT), Act.HANG]]),
    ("counter", [[CHUNKED, chunked(b"id: 0\n" + EVENT, b"id: 1\n" + EVENT), Act.HANG]]),
    ("resume", [[CHUNKED, chunked(b"id: 7:12\n" + EVENT), Act.HANG]]),
    ("silence", [[CHUNKED, Act.HANG]]),
    ("http", [[b"SSH-2.0-OpenSSH_9.2\r\n"]]),
    ("cut", [[Act.RESET]]),
]


@pytest.mark.parametrize(("topic", "scripts"), SCRIPTS, ids=[topic for topic, _ in SCRIPTS])
async def test_what_is_odd_about_a_server_is_found(topic: str, scripts: list[Script]) -> None:
    async with loopback(*scripts) as server:
        seen, _samples = await look(server.url, 0.2)
    assert topic in topics(seen), (diagnose(seen), seen)


async def test_each_way_to_log_in_is_told_and_where_tls_may_be_wanted() -> None:
    both = head(b"WWW-Authenticate: Bearer", b'WWW-Authenticate: Basic realm="a, b"', LENGTH, status=b"401 No")
    async with loopback([both], [Act.RESET]) as server:
        refused, _samples = await look(server.url, 0.2)
        cut, _samples = await look(server.url, 0.2)
    assert "it asks for Bearer, Basic" in [finding.why for finding in diagnose(refused)]
    assert any("begins with https://" in finding.todo for finding in diagnose(cut))


async def test_compression_is_told() -> None:
    import gzip

    packed = gzip.compress(EVENT)
    async with loopback([head(TYPE, b"Content-Encoding: gzip"), packed, Act.HANG]) as server:
        seen, _samples = await look(server.url)
    assert "compression" in topics(seen)


async def test_a_buffer_on_the_way_is_seen_by_where_it_cuts() -> None:
    passes = asyncio.Event()
    async with loopback([CHUNKED, chunked(EVENT[:20]), passes, chunked(EVENT[20:]), Act.HANG]) as server:
        asyncio.get_running_loop().call_later(1.1, passes.set)
        seen, _samples = await look(server.url, 5.0, enough=1)
    assert "buffering" in topics(seen)


async def test_nobody_there() -> None:
    seen, _samples = await look(f"http://127.0.0.1:{free_port()}/events")
    assert topics(seen) == {"refused"}
    seen, _samples = await look("http://no-such-host.invalid/events")
    assert topics(seen) == {"dns"}


@pytest.mark.parametrize("case", ["tls-self-signed", "tls-untrusted", "tls-name", "tls-expired", "tls-pin", "tls"])
async def test_trouble_with_tls_is_named_and_the_fingerprint_told(case: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    issuer = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(issuer)
    names = ["127.0.0.1"]
    dates: dict[str, Any] = {}
    settings: dict[str, Any] = {"tls": {"ca": str(issuer)}}
    match case:
        case "tls-untrusted" | "tls-self-signed":
            settings = {}
        case "tls-name":
            names = ["other.example"]
        case "tls-expired":
            dates = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), "not_after": datetime(2020, 1, 2, tzinfo=UTC)}
        case "tls-pin":
            settings = {"tls": {"fingerprint": "0" * 64}}
    leaf = authority.issue_cert(*names, **dates)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if case == "tls-self-signed":
        # An authority's own certificate is signed by itself, as those of devices are.
        key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
        authority.private_key_pem.write_to_path(key)
        authority.cert_pem.write_to_path(certificate)
        context.load_cert_chain(certificate, key)
    else:
        leaf.configure_cert(context)
    async with loopback([OK, EVENT, Act.HANG], tls=None if case == "tls" else context) as server:
        seen, _samples = await look(server.url.replace("http:", "https:"), **settings)
    assert topics(seen) == {case}, seen
    told = " ".join(f"{finding.what} {finding.todo}" for finding in diagnose(seen))
    assert ("fingerprint" in told) == (case != "tls")


async def test_what_events_would_become_is_what_run_makes_of_them() -> None:
    events = [b"event: ping\ndata: x\n\n", EVENT, b"data:\n\n", EVENT.replace(b"}", b', "link": "https://a.example/"}')]
    async with loopback([CHUNKED, chunked(*events), Act.HANG]) as server:
        _seen, samples = await look(
            server.url, 5.0, enough=3, rules=[{"when": "data.link is defined", "urgency": "critical", "key": "door"}]
        )
    assert [sample.silent for sample in samples] == ["a sign of life", "", "there is nothing in it to tell", ""]
    (first,), (second,) = samples[1].outcomes, samples[3].outcomes
    assert (first.title, first.body) == ("Door", "open")  # type: ignore[union-attr]
    assert (second.urgency, second.link, second.key) == (2, "https://a.example/", "door")  # type: ignore[union-attr]


async def test_the_rule_that_keeps_quiet_is_named() -> None:
    rules = [{"when": "data.a == 1", "title": "one"}, {"when": "data.a == 2", "drop": True}]
    async with loopback([CHUNKED, chunked(b'data: {"a": 2}\n\n'), Act.HANG]) as server:
        _seen, samples = await look(server.url, 5.0, enough=1, rules=rules)
    assert samples[0].silent == "your rule 2 is silent about it"


async def test_it_is_said_on_the_terminal_and_added_to_the_configuration(tmp_path: Path) -> None:
    script: Script = [
        CHUNKED.replace(b"Content", b"Server: sse-notifier/1\r\nContent"),
        chunked(b"id: 7:1\n" + EVENT),
        Act.HANG,
    ]
    file = tmp_path / ".config" / "sse-notifier" / "config.toml"
    async with loopback(script) as server:
        arguments = ("probe", server.url, "--for", "0.3s", "-H", "Authorization: Bearer s3cret", "--save", "My door")
        async with command(tmp_path, *arguments) as tool:
            code, out, errors = await tool.result()
        assert (code, errors) == (0, ""), out
        assert "• Door\n    open" in out
        assert "✓ its events have IDs" in out
        assert "export MY_DOOR_TOKEN=…" in out
        assert "s3cret" not in out + file.read_text()
        (stream,) = config.parse(file.read_text(), {"MY_DOOR_TOKEN": "x"}).streams
        assert (stream.name, stream.url) == ("My door", server.url)
        before = file.read_bytes()
        async with command(tmp_path, *arguments, MY_DOOR_TOKEN="x") as tool:
            code, out, errors = await tool.result()
        assert code == 2
        assert "has a stream My door already" in errors
        assert file.read_bytes() == before


async def test_something_wrong_is_exit_code_1_and_nothing_is_added(tmp_path: Path) -> None:
    async with (
        loopback([head(b"Content-Type: text/html"), b"<html>"]) as server,
        command(tmp_path, "probe", server.url, "--save", "page") as tool,
    ):
        code, out, errors = await tool.result()
    assert code == 1
    assert "✗ the server answered with a web page" in out
    assert "page was not added" in errors
    assert not (tmp_path / ".config").exists()


async def test_as_json_all_is_one_object(tmp_path: Path) -> None:
    async with (
        loopback([CHUNKED, chunked(EVENT), Act.HANG]) as server,
        command(tmp_path, "probe", server.url, "--for", "0.3", "--json") as tool,
    ):
        code, out, _errors = await tool.result()
    document = json.loads(out)
    assert code == 0
    assert document["version"] == 1
    assert document["events"][0]["notifications"][0]["title"] == "Door"
    assert [finding["topic"] for finding in document["findings"]] == ["no-ids"]


def test_a_plain_connection_with_a_secret_is_refused_before_it_is_made() -> None:
    with pytest.raises(Exception, match="unencrypted"):
        config.from_arguments(["http://a.example/"], ["X-Key: s3cret"])


async def test_a_stream_that_is_down_is_saved_if_its_kind_is_known(tmp_path: Path) -> None:
    down = f"http://127.0.0.1:{free_port()}/events"
    async with command(tmp_path, "probe", down, "--save", "a") as tool:
        code, out, errors = await tool.result()
    assert (code, "was not added" in errors) == (1, True)
    async with command(tmp_path, "probe", down, "--save", "b", "--preset", "ntfy") as tool:
        code, out, errors = await tool.result()
    assert (code, errors) == (1, "")
    assert "has it now, as b." in out
    assert "it was not seen: it is down, and is taken for ntfy because --preset says so" in out
    assert "unknown is whether it lets you in" in out
    assert 'preset = "ntfy"' in (tmp_path / ".config" / "sse-notifier" / "config.toml").read_text()
    busy, gone = head(LENGTH, status=b"503 Service Unavailable"), head(LENGTH, status=b"404 Not Found")
    async with (
        loopback([busy]) as server,
        command(tmp_path, "probe", server.url, "--save", "c", "--preset", "generic") as tool,
    ):
        assert "has it now, as c." in (await tool.result())[1]
    async with (
        loopback([gone]) as server,
        command(tmp_path, "probe", server.url, "--save", "d", "--preset", "ntfy") as tool,
    ):
        assert "was not added" in (await tool.result())[2]
    by_url = f"http://127.0.0.1:{free_port()}/mytopic/sse"
    async with command(tmp_path, "probe", by_url, "--save", "e") as tool:
        assert "because its URL gives it away" in (await tool.result())[1]
    async with command(tmp_path, "probe", down, "--preset", "nfty") as tool:
        assert (await tool.result())[0] == 2


async def test_a_secret_in_the_address_is_not_printed(tmp_path: Path) -> None:
    secret, token = "9f8a7c6b5d4e3f2a1b0c", "Q7x9Zk3Lm8pR2s5T"
    page = [head(b"Content-Type: text/html"), b"<html>"]
    away = [head(b"Location: /login/" + secret.encode(), LENGTH, status=b"302 Found")]
    for scripts in ([[OK, EVENT, Act.HANG]], [away, page], [[head(LENGTH, status=b"404 Not Found")]], [[Act.RESET]]):
        async with loopback(*scripts) as server:
            url = server.url.rsplit("/", 1)[0] + f"/hook/{secret}/events?k={token}"
            for more in ((), ("--json",)):
                async with command(tmp_path, "probe", url, "--for", "0.3s", *more) as tool:
                    _code, out, errors = await tool.result()
                assert secret.upper() not in (out + errors).upper()
                assert token.upper() not in (out + errors).upper()
