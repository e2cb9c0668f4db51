"""What was seen of a stream, and what a person is told about it."""

from collections.abc import Sequence
from typing import Any

import pytest

from notifier.diagnosis import diagnose
from notifier.finding import Level
from notifier.observation import Answer, Chunk, Observation, Trouble

STREAM = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
IDS = [f"7-{n}" for n in range(9)]


def answer(status: int = 200, path: str = "/events", version: str = "1.1", **headers: str) -> Answer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    told = told if "content-type" in told or status != 200 else STREAM | told
    return Answer(0.1, status, told, version, "a.example:443", path, wall_clock=1_700_000_000.0)


def chunks(*pieces: tuple[float, int] | tuple[float, int, bool]) -> list[Chunk]:
    """When each came, how many bytes, and whether a line ends with it."""
    return [Chunk(*piece) for piece in pieces]


def opened(*answers: Answer, events: int = 0, ids: Sequence[str | None] = (), **more: Any) -> Observation:
    fields: dict[str, Any] = {"lasted": 10.0, "asked": 0.05, "connected": 0.04, "opened": 0.1} | more
    heard = fields.pop("chunks", chunks((0.2, 40)))
    return Observation(
        host="a.example:443",
        answers=list(answers or [answer()]),
        chunks=heard,
        events=events or len(ids),
        ids=list(ids),
        **fields,
    )


def refused(*answers: Answer) -> Observation:
    return Observation(
        host="a.example:443", answers=list(answers), trouble=Trouble.REFUSED_BY_SERVER, reason="no", lasted=0.2
    )


def unreachable(trouble: Trouble, **more: Any) -> Observation:
    return Observation(host="a.example:443", trouble=trouble, reason="it is so", lasted=10.0, **more)


HTML: Any = {"content_type": "text/html"}
CASES: list[tuple[Observation, set[str]]] = [
    (opened(ids=IDS), {"resume"}),
    (opened(ids=[None, None]), {"no-ids"}),
    (opened(ids=["0", "1", "2"]), {"counter"}),
    (opened(ids=["1", "2", "3", "4", "5"]), {"counter"}),
    (opened(ids=["1"]), {"resume"}),
    (opened(ids=["1"], first_again="2"), {"resume"}),
    (opened(ids=["1"], first_again="1"), {"counter"}),
    (opened(ids=["0", "1"], first_again="0"), {"counter"}),
    (opened(ids=["0", "1"], first_again="2"), {"resume"}),
    (opened(ids=["412", "413"]), {"resume"}),
    (opened(ids=["1", "3"]), {"resume"}),
    (opened(ids=["0", "1" * 5_000]), {"resume"}),
    (opened(ids=["x"] * 6), {"same-id"}),
    (opened(ids=[None], resume="query:since={{ data.time }}"), set()),
    (opened(ids=["0"], resume="none"), {"resume"}),
    (opened(answer(x_accel_buffering="no"), ids=IDS), {"resume", "unbuffered"}),
    # Silence, and signs of life.
    (opened(chunks=[]), {"silence"}),
    (opened(chunks=chunks((0.2, 3)), lasted=120.0), {"keep-alive"}),
    (opened(chunks=chunks((0.2, 3)), lasted=120.0, idle=60.0), {"keep-alive"}),
    (opened(chunks=chunks((0.2, 3)), lasted=120.0, idle=300.0), {"keep-alive"}),
    (opened(chunks=chunks((0.2, 3), (15.2, 3), (30.2, 3), (45.1, 3)), lasted=50.0), {"keep-alive"}),
    (opened(chunks=chunks((0.2, 3), (2, 3), (9, 3), (9.5, 3)), lasted=10.0), set()),
    (opened(chunks=chunks((0.2, 400), (5.0, 400))), {"no-event"}),
    (opened(answer(204), chunks=[]), {"closed", "silence"}),
    # Buffers on the way.
    (opened(ids=IDS, chunks=chunks((0.2, 4096, False), (4.2, 4096, False), (8.2, 9))), {"resume", "buffering"}),
    (opened(ids=IDS, chunks=chunks((0.2, 4096, False), (0.3, 4096, True), (8.2, 9))), {"resume"}),
    (opened(events=90, chunks=chunks((0.2, 9), (3, 99), (6, 99), (9, 99)), ids=["a"]), {"resume", "bursts"}),
    (opened(events=4, chunks=chunks((0.2, 9), (3, 99), (6, 99), (9, 99)), ids=["a"]), {"resume"}),
    (opened(ids=IDS, alive=[1.0, 11.0, 21.0, 31.0], lasted=40.0), {"resume", "keep-alive"}),
    (opened(answer(content_length="120"), ids=IDS), {"resume", "length"}),
    (opened(answer(content_encoding="gzip"), ids=IDS), {"resume", "compression"}),
    (opened(answer(content_encoding="identity"), ids=IDS), {"resume"}),
    (opened(answer(version="1.0"), ids=IDS), {"resume", "http-1.0"}),
    (opened(ids=IDS, opened=6.0, chunks=chunks((6.0, 9))), {"resume", "slow-answer"}),
    (unreachable(Trouble.NO_ANSWER, connected=0.1), {"buffering"}),
    (unreachable(Trouble.NO_ANSWER), {"no-answer"}),
    # Ends.
    (opened(ids=IDS, ended=[0.3, 0.9, 2.0], chunks=chunks((0.2, 9))), {"resume", "short-lived"}),
    (opened(ids=IDS, ended=[0.3], closes=True), {"resume"}),
    (opened(ids=IDS, ended=[8.0]), {"resume"}),
    # Secrets in the open.
    (opened(ids=IDS, scheme="http", has_credentials=True), {"resume", "plain-http"}),
    (opened(ids=IDS, scheme="http", secret_in_url=True), {"resume", "plain-http"}),
    (opened(ids=IDS, scheme="http", secret_in_url=True, is_here=True), {"resume"}),
    (opened(ids=IDS, scheme="http"), {"resume"}),
    (opened(ids=IDS, verifies=False), {"resume", "tls-unverified"}),
    # Clocks; it was 22:13:20 when the answer came.
    (opened(answer(date="Tue, 14 Nov 2023 22:13:21 GMT"), ids=IDS), {"resume"}),
    (opened(answer(date="Tue, 14 Nov 2023 23:13:20 GMT"), ids=IDS), {"resume", "clock"}),
    (opened(answer(date="Tue, 14 Nov 2023 21:13:20 GMT", age="3600"), ids=IDS), {"resume"}),
    (opened(answer(date="yesterday"), ids=IDS), {"resume"}),
    # Answers that are no stream.
    (refused(answer(**HTML)), {"html"}),
    (refused(answer(302), answer(path="/login", **HTML)), {"login"}),
    (refused(answer(301), answer(path="/docs/", **HTML)), {"redirect"}),
    (refused(answer(401, www_authenticate='Bearer realm="x"')), {"token"}),
    (refused(answer(403)), {"forbidden"}),
    (refused(answer(404)), {"status"}),
    (refused(answer(406)), {"accept"}),
    (refused(answer(426, upgrade="websocket")), {"websocket"}),
    (refused(answer(400, upgrade="websocket")), {"websocket"}),
    (refused(answer(content_type="application/x-ndjson")), {"json"}),
    (refused(answer(content_type="application/json; charset=utf-8")), {"json"}),
    (refused(answer(content_type="image/png")), {"content-type"}),
    # No way there.
    (unreachable(Trouble.UNKNOWN_HOST), {"dns"}),
    (unreachable(Trouble.REFUSED), {"refused"}),
    (unreachable(Trouble.SELF_SIGNED, fingerprint="ab" * 32), {"tls-self-signed"}),
    (unreachable(Trouble.WRONG_NAME, fingerprint="ab" * 32), {"tls-name"}),
    (unreachable(Trouble.EXPIRED), {"tls-expired"}),
    (unreachable(Trouble.PROXY), {"proxy"}),
]  # fmt: skip
WRONG = {
    "buffering", "length", "html", "login", "redirect", "token", "forbidden", "status", "accept", "websocket", "json",
    "content-type", "no-answer", "no-event", "closed", *(trouble.value for trouble in Trouble),
}  # fmt: skip
"""Topics for which somebody must do something."""


@pytest.mark.parametrize(
    ("seen", "topics"), CASES, ids=[f"{n} {'+'.join(sorted(t))}" for n, (_, t) in enumerate(CASES)]
)
def test_what_is_found_out(seen: Observation, topics: set[str]) -> None:
    found = diagnose(seen)
    assert {finding.topic for finding in found} == topics
    for finding in found:
        assert finding.what
        kept_alive = finding.topic == "keep-alive" and seen.idle == 60.0
        assert (finding.level is Level.WRONG) == (finding.topic in WRONG or kept_alive), finding
    assert [f.level for f in found] == sorted((f.level for f in found), reverse=True)


def test_the_size_of_the_portions_and_who_is_on_the_way_are_told() -> None:
    pieces = chunks((0.2, 2048, False), (0.21, 2048, False), (4.2, 4096, False), (8.4, 9))
    (worst, *_) = diagnose(opened(answer(via="1.1 cache", server="nginx"), ids=IDS, chunks=pieces))
    assert worst.what == "it comes in portions: 4,096 bytes that end in the middle of a line, the rest 4.0 s later"
    assert "(Via: 1.1 cache, Server: nginx)" in worst.why
    assert "proxy_buffering off" in worst.todo


def test_the_rhythm_of_signs_of_life_is_told() -> None:
    seen = opened(chunks=chunks((0.2, 3), (15.2, 3), (30.2, 3), (45.1, 3)), lasted=50.0)
    assert [finding.what for finding in diagnose(seen)] == ["a sign of life every 15 s"]


def test_comments_between_events_have_a_rhythm_too() -> None:
    beats = [Chunk(at, 3, is_comment=True) for at in (5.0, 15.0, 25.0)]
    seen = opened(ids=IDS, chunks=[Chunk(1.0, 40), *beats, Chunk(26.0, 40)], lasted=30.0)
    assert "a sign of life every 10 s" in {finding.what for finding in diagnose(seen)}


def test_the_fingerprint_is_given_to_paste() -> None:
    (finding,) = diagnose(unreachable(Trouble.SELF_SIGNED, fingerprint="ab" * 32))
    assert f'tls = {{ fingerprint = "{"ab" * 32}" }}' in finding.todo


def test_a_certificate_that_expires_soon_is_told() -> None:
    soon = Answer(0.1, 200, STREAM, wall_clock=1_000.0, certificate_ends=1_000.0 + 3.5 * 86_400, host="a.example:443")
    assert "within 4 days" in " ".join(finding.what for finding in diagnose(opened(soon, ids=IDS)))
    later = Answer(0.1, 200, STREAM, wall_clock=1_000.0, certificate_ends=1_000.0 + 99 * 86_400)
    assert {finding.topic for finding in diagnose(opened(later, ids=IDS))} == {"resume"}


def test_what_a_server_says_cannot_act_on_the_terminal() -> None:
    evil = answer(via="\x1b]0;hello\x07", server="x" * 500)
    pieces = chunks((0.2, 99, False), (4.2, 9))
    worst = diagnose(opened(evil, ids=IDS, chunks=pieces))[0]
    assert "Via: ]0;hello, Server: xxx" in worst.why
    assert worst.why.isprintable()
    assert len(worst.why) < 400
