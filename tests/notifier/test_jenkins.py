"""The handshake as it is really done, against an imitation of Jenkins' gateway on loopback."""

import asyncio
import base64
import contextlib
import json
import logging
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from notifier import presets
from notifier.client import Follower
from notifier.diagnosis import diagnose
from notifier.doctor import look_at_streams
from notifier.errors import StreamFailed
from notifier.line import Line
from notifier.preset import GENERIC
from notifier.probe import Probe
from notifier.recorder import load
from notifier.recording import Arrived
from notifier.sample import Sample
from notifier.source import ReadyState
from notifier.sse import Event
from notifier.stream import Basic, Stream
from notifier.transport import Transport
from tests.notifier.jenkins import COOKIE, Jenkins, serving
from tests.notifier.test_agent import running
from tests.notifier.test_cli import command

KNOWN = {GENERIC.name: GENERIC} | presets.known()
GREETING = ["crumb", "connect", "listen", "configure"]
AGAIN = ["listen", "configure"]


@dataclass
class Following:
    """A line that is followed, and what came of it."""

    line: Line
    follower: Follower
    events: list[Event] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: asyncio.Task[None] | None = None

    @property
    def builds(self) -> list[str]:
        return [json.loads(event.data)["jenkins_object_url"] for event in self.events if event.type == "job"]

    async def wait_for_builds(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.builds) >= count)

    async def wait_for_reason(self, part: str) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: any(part in reason for reason in self.reasons))

    async def failure(self) -> str:
        assert self.task is not None
        with pytest.raises(StreamFailed) as caught:
            await self.task
        return str(caught.value)


@contextlib.asynccontextmanager
async def following(url: str, *, connect_timeout: float = 5.0, **settings: Any) -> AsyncIterator[Following]:
    stream = Stream(url=url, name="ci", connect_timeout=connect_timeout, longest_delay=0.1, **settings)
    line = Line(stream, KNOWN, None)
    notes: set[asyncio.Future[None]] = set()

    async def note() -> None:
        async with made.changed:
            made.changed.notify_all()

    async def deliver(events: Sequence[Event], _: str) -> None:
        made.events += events
        await note()

    def changed(reason: str) -> None:
        made.reasons.append(reason)
        task = asyncio.ensure_future(note())
        notes.add(task)
        task.add_done_callback(notes.discard)

    made = Following(line, Follower(line.source, Transport(stream), deliver, changed))
    made.task = asyncio.create_task(made.follower.follow())
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, *notes, return_exceptions=True)


async def wait_for_steps(jenkins: Jenkins, count: int) -> None:
    """Once all of a conversation is done, events come."""
    await jenkins.wait_for_steps(count)
    await jenkins.wait_until_subscribed()


@pytest.mark.parametrize("prefix", ["", "/jenkins", "/a/b"])
@pytest.mark.parametrize("is_strict", [False, True])
@pytest.mark.parametrize("wants_crumb", [False, True])
async def test_events_come_after_a_handshake(prefix: str, is_strict: bool, wants_crumb: bool) -> None:
    jenkins = Jenkins(prefix=prefix, is_strict=is_strict, wants_crumb=wants_crumb)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        await stream.wait_for_builds(1)
        assert jenkins.asked == GREETING
        assert jenkins.queries == ["", "clientId=desk", "", "batchId=1"]
        cookies = [headers.get("Cookie", "") for headers in jenkins.headers]
        assert [cookie.count(COOKIE) for cookie in cookies] == [0, 1, 1, 1]
        assert len(set(cookies[1:])) == 1
        assert stream.line.source.ready_state is ReadyState.OPEN


@pytest.mark.parametrize("path", ["", "/", "/sse-gateway/listen/"])
async def test_the_address_of_jenkins_itself_is_enough(path: str) -> None:
    jenkins = Jenkins(prefix="/jenkins", is_strict=True)
    async with serving(jenkins), following(jenkins.root + path, preset="jenkins") as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        await stream.wait_for_builds(1)
        (dispatcher,) = jenkins.dispatchers
        assert dispatcher.id.startswith("sse-notifier-")


async def test_without_crumbs_there_is_nothing_to_ask_for() -> None:
    jenkins = Jenkins(has_crumbs=False, is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        await stream.wait_for_builds(1)
        assert "Jenkins-Crumb" not in jenkins.headers[-1]


async def test_credentials_and_own_cookies_go_along_with_every_step() -> None:
    authorization = "Basic " + base64.b64encode(b"ann:t0ken").decode()
    jenkins = Jenkins(authorization=authorization, is_strict=True)
    basic, cookies = Basic(user="ann", password=SecretStr("t0ken")), {"sso": SecretStr("s3cret")}
    async with serving(jenkins), following(jenkins.url(), basic=basic, cookies=cookies):
        await jenkins.wait_until_subscribed()
        assert jenkins.asked == GREETING
        assert all("sso=s3cret" in headers["Cookie"] for headers in jenkins.headers)
        assert all(headers["Authorization"] == authorization for headers in jenkins.headers)


async def test_a_secret_is_fetched_once_for_a_connection(tmp_path: Path) -> None:
    script = tmp_path / "secret"
    count = tmp_path / "count"
    script.write_text(f"#!/bin/sh\necho x >> {count}\necho t0ken\n")
    script.chmod(0o755)
    jenkins = Jenkins(authorization="Bearer t0ken")
    async with serving(jenkins), following(jenkins.url(), bearer={"command": [str(script)]}):
        await jenkins.wait_until_subscribed()
        assert count.read_text() == "x\n"


async def test_the_regular_end_of_a_response_loses_nothing_and_is_no_outage() -> None:
    jenkins = Jenkins(is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.time_out()
        await jenkins.run_ended(12)
        await stream.wait_for_builds(1)
        await wait_for_steps(jenkins, 6)
        assert jenkins.asked == GREETING + AGAIN
        assert len(jenkins.sessions) == 1
        assert not any(stream.reasons)


async def test_a_server_that_has_restarted_is_greeted_anew() -> None:
    jenkins = Jenkins(is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.restart()
        await wait_for_steps(jenkins, 9)
        assert jenkins.asked == [*GREETING, "listen", *GREETING]
        await jenkins.run_ended(13)
        await stream.wait_for_builds(1)


async def test_a_server_that_has_restarted_and_takes_anybody_is_told_what_we_want() -> None:
    jenkins = Jenkins()
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.restart()
        await wait_for_steps(jenkins, 6)
        await jenkins.run_ended(13)
        await stream.wait_for_builds(1)
        assert jenkins.asked == GREETING + AGAIN


async def test_a_reconnect_by_hand_goes_on_with_the_conversation() -> None:
    jenkins = Jenkins(is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(1)
        await stream.wait_for_builds(1)
        stream.follower.reconnect()
        await wait_for_steps(jenkins, 6)
        await jenkins.run_ended(2)
        await stream.wait_for_builds(2)
        assert jenkins.asked == GREETING + AGAIN


async def test_silence_ends_a_conversation() -> None:
    jenkins = Jenkins()
    async with serving(jenkins), following(jenkins.url(), idle_timeout=0.3):
        await wait_for_steps(jenkins, 8)
        assert jenkins.asked[:8] == GREETING * 2


async def test_a_network_that_is_away_ends_none() -> None:
    jenkins = Jenkins(is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(1)
        await stream.wait_for_builds(1)
        jenkins.gates["listen"] = asyncio.Event()
        await jenkins.time_out()
        await jenkins.wait_for_steps(5)
        await jenkins.run_ended(2)
        # It was asked, and nothing was heard of it.
        stream.follower.reconnect()
        del jenkins.gates["listen"]
        await stream.wait_for_builds(2)
        await jenkins.wait_for_steps(7)
        assert jenkins.asked == [*GREETING, "listen", *AGAIN]


async def test_a_lost_cookie_is_noticed_and_not_taken_for_success() -> None:
    jenkins = Jenkins(loses_cookie=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await stream.wait_for_reason("did not accept /sse-gateway/configure of the handshake")
        jenkins.loses_cookie = False
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        await stream.wait_for_builds(1)
        assert jenkins.asked[:4] == GREETING
        assert jenkins.asked[-4:] == GREETING
        assert stream.line.source.failures == 0


async def test_failures_behind_the_open_stream_wait_longer_and_longer() -> None:
    jenkins = Jenkins(loses_cookie=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_for_steps(21)
        assert stream.line.source.failures >= 5


@pytest.mark.parametrize("step", GREETING)
async def test_a_step_that_is_refused_fails_the_stream_with_advice(step: str) -> None:
    jenkins = Jenkins(answers={step: web.Response(status=403)})
    async with serving(jenkins), following(jenkins.url()) as stream:
        said = await stream.failure()
        assert "403 Forbidden" in said
        assert "check the token's rights" in said
        assert stream.line.source.ready_state is ReadyState.CLOSED
        assert stream.line.source.may_recover == (step != "listen")


@pytest.mark.parametrize("step", GREETING)
async def test_a_step_that_fails_for_now_is_tried_again(step: str) -> None:
    jenkins = Jenkins(answers={step: web.Response(status=503)}, is_strict=True)
    async with serving(jenkins), following(jenkins.url()) as stream:
        await jenkins.wait_until_subscribed()
        assert any("503 Service Unavailable" in reason for reason in stream.reasons)
        assert jenkins.asked == [*GREETING[: GREETING.index(step) + 1], *GREETING]


async def test_the_server_says_when_to_come_again() -> None:
    jenkins = Jenkins(answers={"connect": web.Response(status=503, headers={"Retry-After": "1"})})
    async with serving(jenkins), following(jenkins.url()):
        await jenkins.wait_for_steps(2)
        refused = time.monotonic()
        await jenkins.wait_for_steps(3)
        assert time.monotonic() - refused >= 0.9


@pytest.mark.parametrize("step", ["crumb", "connect", "configure"])
async def test_no_step_follows_to_another_server(step: str) -> None:
    elsewhere = Jenkins()
    async with serving(elsewhere):
        moved = web.Response(status=307, headers={"Location": elsewhere.root + "/take/it"})
        jenkins = Jenkins(answers={step: moved})
        async with serving(jenkins), following(jenkins.url(), bearer=SecretStr("t0ken")) as stream:
            assert "to another server" in await stream.failure()
        assert not elsewhere.asked


async def test_cookies_do_not_follow_the_stream_to_another_server() -> None:
    elsewhere = Jenkins()
    async with serving(elsewhere):
        moved = web.Response(status=307, headers={"Location": elsewhere.url()})
        jenkins = Jenkins(answers={"listen": moved})
        async with serving(jenkins), following(jenkins.url(), bearer=SecretStr("t0ken")):
            await elsewhere.wait_for_steps(1)
            assert "Cookie" not in elsewhere.headers[0]
            assert "Authorization" not in elsewhere.headers[0]


async def test_a_step_at_home_is_followed() -> None:
    moved = web.Response(status=302, headers={"Location": "/sse-gateway/connect?clientId=desk"})
    jenkins = Jenkins(answers={"connect": moved}, is_strict=True)
    async with serving(jenkins), following(jenkins.url()):
        await jenkins.wait_until_subscribed()
        assert jenkins.asked == ["crumb", "connect", "connect", "listen", "configure"]


@pytest.mark.parametrize("step", GREETING)
async def test_a_server_that_hangs_in_a_step_is_left_at_the_deadline(step: str) -> None:
    jenkins = Jenkins(gates={step: asyncio.Event()})
    async with serving(jenkins), following(jenkins.url(), connect_timeout=0.3) as stream:
        await stream.wait_for_reason("no answer within 0.3 s")
        del jenkins.gates[step]
        await jenkins.wait_until_subscribed()


async def test_steps_share_one_patience_with_the_stream() -> None:
    jenkins = Jenkins()
    async with serving(jenkins), following(jenkins.url(), connect_timeout=1.0) as stream:
        for step in ("crumb", "connect", "listen"):
            jenkins.gates[step] = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.call_later(0.7, jenkins.gates["crumb"].set)
        loop.call_later(1.4, jenkins.gates["connect"].set)
        await stream.wait_for_reason("no answer within 1 s")
        assert jenkins.asked[:2] == ["crumb", "connect"]
        assert "listen" not in jenkins.asked


async def test_an_answer_without_end_is_not_read_to_it() -> None:
    jenkins = Jenkins(answers={"crumb": web.Response(body=b'{"crumb": "' + b"x" * 10_000_000)})
    async with serving(jenkins), following(jenkins.url()) as stream:
        assert "more than 65,536 bytes" in await stream.failure()


async def test_no_secret_reaches_a_reason_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    jenkins = Jenkins(answers={"connect": web.Response(status=503, text="s3cret-body")}, loses_cookie=True)
    url = jenkins_url = ""
    async with serving(jenkins):
        url = jenkins.url("s3cret-client") + "?token=s3cret-query"
        jenkins_url = url.partition("?")[0]
        async with following(
            url, bearer=SecretStr("s3cret-token"), cookies={"a": SecretStr("s3cret-cookie")}
        ) as stream:
            await stream.wait_for_reason("did not accept")
            jenkins.answers["connect"] = web.Response(status=403, text="s3cret-body")
            said = [
                await stream.failure(),
                *stream.reasons,
                *(r.getMessage() for r in caplog.records if r.name.startswith("notifier")),
            ]
            assert "s3cret" not in "\n".join(said)
            assert jenkins_url not in "\n".join(said)
            assert "crumb-" not in "\n".join(said)


@pytest.mark.parametrize("prefix", ["", "/jenkins"])
async def test_a_build_that_failed_becomes_a_bubble(prefix: str) -> None:
    jenkins = Jenkins(prefix=prefix, is_strict=True)
    async with serving(jenkins), running(jenkins.url()) as app:
        await app.wait_for_state("s0", ReadyState.OPEN)
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        await app.wait_for_bubbles(1)
        (bubble,) = app.desktop.shown
        assert bubble.title == "build failed"
        assert bubble.link == f"{jenkins.root}/job/build/12/"
        await jenkins.time_out()
        await jenkins.run_ended(13, status="SUCCESS")
        await app.wait_for_bubbles(2)
        assert app.titles == ["build failed", "build passed"]
        assert not app.statuses[-1].streams[0].caution


async def test_a_probe_shakes_hands_too() -> None:
    jenkins = Jenkins(is_strict=True)
    samples: list[Sample] = []
    async with serving(jenkins):
        probe = Probe(Stream(url=jenkins.url(), name="ci"), KNOWN, samples.append)

        async def build() -> None:
            await jenkins.wait_until_subscribed()
            await jenkins.run_ended(12)

        _, seen = await asyncio.gather(build(), probe.run(5.0, 3))
    assert [sample.outcomes[0].title for sample in samples if sample.outcomes] == ["build failed"]  # type: ignore[union-attr]
    assert [answer.status for answer in seen.answers] == [200]
    assert seen.trouble is None
    assert seen.closes


@pytest.mark.parametrize(
    ("step", "topic"), [("connect", "handshake"), ("configure", "status"), ("listen", "forbidden")]
)
async def test_a_doctor_says_what_is_wrong_with_a_handshake(step: str, topic: str) -> None:
    jenkins = Jenkins(answers={step: web.Response(status=403)})
    async with serving(jenkins):
        ((_name, findings),) = await look_at_streams([Stream(url=jenkins.url(), name="ci")], KNOWN, 1.0)
    found = {finding.topic: finding for finding in findings}
    assert "403 Forbidden" in found[topic].what


async def test_nobody_there_is_told_of_the_first_step_too() -> None:
    jenkins = Jenkins()
    async with serving(jenkins):
        url = jenkins.url()
    seen = await Probe(Stream(url=url, name="ci"), KNOWN, lambda _: None).run(1.0)
    assert "refused" in {finding.topic for finding in diagnose(seen)}


async def test_a_recording_holds_what_comes_after_a_handshake(tmp_path: Path) -> None:
    jenkins, path = Jenkins(is_strict=True), tmp_path / "ci.jsonl"
    async with serving(jenkins), command(tmp_path, "record", jenkins.url(), str(path), "--for", "30s") as recording:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        while b"job/build/12/" not in heard_in(path):
            await asyncio.sleep(0.05)
        code, out, _log = await recording.end(signal.SIGTERM)
        assert code == 0
        assert "3 events" in out


async def test_watch_shows_what_comes_after_a_handshake(tmp_path: Path) -> None:
    jenkins = Jenkins(is_strict=True)
    async with serving(jenkins), command(tmp_path, "watch", jenkins.url(), "--json") as watching:
        await jenkins.wait_until_subscribed()
        await jenkins.run_ended(12)
        lines = [await watching.line() for _ in range(3)]
        assert [json.loads(line)["type"] for line in lines] == ["open", "configure", "job"]


def heard_in(path: Path) -> bytes:
    _head, steps = load(path)
    return b"".join(step.data for step in steps if isinstance(step, Arrived))
