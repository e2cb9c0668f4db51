"""A recording and what comes out of it again, through real files, real sockets and real processes."""

import json
import signal
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import UsageError
from notifier.recording import Arrived, Head, Lost, Opened, Step, harmless, head_of, line_of, read
from tests.notifier.loopback import OK, Act, loopback
from tests.notifier.test_cli import command

TIMES = st.floats(min_value=0, max_value=1e6).map(lambda at: round(at, 4))
STEPS = st.one_of(
    st.builds(Arrived, TIMES, st.binary(min_size=1, max_size=50)),
    st.builds(Lost, TIMES, st.text(max_size=20)),
    st.builds(Opened, TIMES, st.dictionaries(st.text("abc-", min_size=1), st.text(max_size=9), max_size=3)),
)


@given(st.lists(STEPS, max_size=9))
def test_what_is_written_is_read_again(steps: list[Step]) -> None:
    steps = sorted(steps, key=lambda step: step.at)
    head = Head("https://a.example/events", "2026-11-25T21:00:00+00:00")
    assert read([line_of(each) for each in (head, *steps)], "x") == (head, steps)


def test_no_secret_is_kept() -> None:
    assert head_of("https://ann:pw@a.example:8443/e?token=s3cret#x", "").url == "https://a.example:8443/e"
    secret = {"set-cookie": "a", "x-auth-token": "b", "location": "/?t=1", "x-request-id": "c", "etag": "d"}
    assert harmless(secret | {"server": "nginx", "X-Accel-Buffering": "no"}) == {
        "server": "nginx",
        "X-Accel-Buffering": "no",
    }


FIRST = '{"sse-notifier": "recording", "version": 1}\n'


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "is no recording"),
        (['{"a": 1}\n'], "is no recording"),
        (['{"sse-notifier": "recording", "version": 9}\n'], "another version"),
        (
            [FIRST, "nonsense\n", '{"at": 1, "text": "x"}\n'],
            "x:2: this is no line",
        ),
        ([FIRST, '{"at": "x", "text": "y"}\n'], "x:2: this is no line"),
        ([FIRST, '{"at": 1e14, "text": "y"}\n'], "x:2: this is no line"),
        ([FIRST, "[" * 100_000 + "\n", '{"at": 1, "text": "x"}\n'], "x:2: this is no line"),
    ],
)
def test_what_is_no_recording_is_told(lines: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        read(lines, "x")


def test_a_last_line_that_is_not_whole_is_left_out() -> None:
    assert read([FIRST, '{"at": 1, "text": "data: a"}\n', '{"at": 2, "te'], "x")[1] == [Arrived(1.0, b"data: a")]


async def test_a_stream_is_recorded_replayed_and_served_again(tmp_path: Path) -> None:
    file = tmp_path / "morning.jsonl"
    body = b'data: {"title": "Build failed", "link": "https://ci.example/1"}\n\nevent: ping\ndata: x\n\n'
    async with (
        loopback([OK, body, Act.HANG]) as server,
        command(tmp_path, "record", f"{server.url}?token=s3cret", str(file), "--for", "1s") as tool,
    ):
        code, out, errors = await tool.result()
    assert code == 0
    assert errors.endswith(f": connected\nsse-notifier: look at it: sse-notifier replay {file}\n")
    assert out.startswith(f"{file}: 2 events, ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "s3cret" not in file.read_text()
    assert (
        b"".join(step.data for step in read(file.read_text().splitlines(), "x")[1] if isinstance(step, Arrived)) == body
    )

    async with command(tmp_path, "record", server.url, str(file)) as tool:
        code, _, errors = await tool.result()
    assert (code, "--force" in errors) == (2, True)

    async with command(tmp_path, "replay", str(file)) as tool:
        code, out, errors = await tool.result()
    assert (code, errors) == (0, "")
    assert "Build failed" in out
    assert "told: 1; not told: 1" in out

    async with command(tmp_path, "replay", str(file), "--serve") as serving:
        url = next(word for word in (await serving.line()).split() if word.startswith("http")).rstrip(";")
        async with command(tmp_path, "watch", url, "--json") as tool:
            assert json.loads(await tool.line())["data"].startswith('{"title": "Build failed"')
        assert (await serving.end(signal.SIGTERM))[0] == 0


async def test_what_recorded_nothing_leaves_no_file_in_the_way(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    async with (
        loopback([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]) as server,
        command(tmp_path, "record", server.url, str(file)) as tool,
    ):
        code, _, errors = await tool.result()
    assert code == 1
    assert "404" in errors
    assert not file.exists()


async def test_a_recording_is_replayed_by_the_rules_of_the_configuration(tmp_path: Path) -> None:
    file, config = tmp_path / "r.jsonl", tmp_path / "config.toml"
    head = line_of(Head("https://ci.example/events", ""))
    file.write_text(
        head + line_of(Opened(0.0)) + line_of(Arrived(0.1, b'data: {"job": "x"}\n\ndata: {"job": "y"}\n\n'))
    )
    config.write_text(
        '[[streams]]\nurl = "https://ci.example/events"\nname = "ci"\n'
        '[[streams.rules]]\nwhen = "data.job == \'x\'"\ntitle = "Job {{ data.job }}!"\n[[streams.rules]]\ndrop = true\n'
    )
    async with command(tmp_path, "replay", str(file), "--stream", "ci", "--config", str(config)) as tool:
        code, out, errors = await tool.result()
    assert (code, errors) == (0, "")
    assert "Job x!" in out
    assert "told: 1; not told: 1" in out
    async with command(tmp_path, "replay", str(file), "--config", str(config)) as tool:
        assert "Job x!" in (await tool.result())[1], "it is the stream of the recorded address"
    async with command(tmp_path, "replay", str(file), "--preset", "generic", "--config", str(config)) as tool:
        assert "told: 2" in (await tool.result())[1]
    async with command(tmp_path, "replay", str(file), "--config", "away.toml") as tool:
        code, _, errors = await tool.result()
    assert code == 2
    assert "write one to begin with: sse-notifier config init --config away.toml" in errors
    async with command(tmp_path, "replay", str(file), "--stream", "no", "--config", str(config)) as tool:
        assert "has no stream no" in (await tool.result())[2]


RULES = (
    '[[streams]]\nurl = "https://ci.example/events"\nname = "ci"\nminimum_urgency = "normal"\n'
    'quiet_hours = [{ from = "00:00", to = "00:00" }]\nflood = { burst = 3, window = 1 }\n'
    '[[streams.rules]]\ncommand = ["touch", "ran"]\n'
)


def recorded(file: Path, *steps: Step) -> str:
    head = Head("https://ci.example/events", "")
    file.write_text("".join(line_of(each) for each in (head, Opened(0.0), *steps)))
    return str(file)


async def test_a_recording_is_performed_on_the_desktop_through_the_gate(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(RULES)
    body = b"".join(b'data: {"title": "Event %d"}\n\n' % n for n in range(20))
    quiet = b'data: {"title": "Hush", "priority": "low"}\n\n'
    file = recorded(tmp_path / "r.jsonl", Arrived(0.1, body), Arrived(0.2, quiet))
    arguments = ("replay", file, "--desktop", "--speed", "max", "--stream", "ci", "--config", str(config))
    async with command(tmp_path, *arguments) as tool:
        code, out, errors = await tool.result()
    assert (code, "--serve" in errors) == (0, False)
    assert "Event 0" in out
    assert "more from ci" in out
    assert out.endswith("20 notifications\n")
    assert "Hush" not in out
    assert not (tmp_path / ".local").exists()
    assert not Path("ran").exists()
    async with command(tmp_path, "replay", file, "--desktop", "--serve") as tool:
        assert (await tool.result())[0] == 2


async def test_a_served_recording_is_cut_where_it_was_lost(tmp_path: Path) -> None:
    steps = (
        Arrived(0.1, b"data: whole\n\ndata: half of "),
        Lost(0.2, "the connection was cut"),
        Lost(0.3, "no answer"),
        Opened(5.0, {"server": "second"}),
        Arrived(5.1, b"an event\n\ndata: after\n\n"),
    )
    file = recorded(tmp_path / "r.jsonl", *steps)
    async with command(tmp_path, "replay", file, "--serve") as serving:
        url = next(word for word in (await serving.line()).split() if word.startswith("http")).rstrip(";")
        for _ in range(2):  # who comes anew begins anew
            async with command(tmp_path, "watch", url, "--json") as tool:
                assert [json.loads(await tool.line())["data"] for _ in range(2)] == ["whole", "after"]
