"""`rules try` as a person meets it: real processes, real files."""

import json
import signal
from contextlib import closing
from pathlib import Path

import pytest

from notifier.entry import Entry
from notifier.recording import Arrived, Head, Opened, Step, line_of
from notifier.store import Store
from tests.notifier.loopback import OK, Act, loopback
from tests.notifier.stores import entry
from tests.notifier.test_cli import command

BEGAN = 1_764_104_400.0
"""2025-11-25T21:00:00Z."""
OLD = """
[[streams]]
url = "https://ci.example/events?token=s3cret"
name = "ci"

[[streams.rules]]
when = "data.job == 'x'"
title = "Job {{ data.job }}"

[[streams.rules]]
when = "data.door"
problem = "data.door == 'open'"
for = "5m"
title = "The door is open"

[[streams.rules]]
drop = true
"""
NEW = OLD.replace("Job {{ data.job }}", "{{ data.job }} failed").replace("5m", "10m").replace("'x'", "'x' or data.n")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "morning.jsonl"
    steps: list[Step] = [
        Opened(0.0),
        Arrived(0.1, b'id: 1\ndata: {"job": "x"}\n\nid: 2\ndata: {"job": "y", "n": 1}\n\n'),
        Arrived(9.0, b'id: 3\ndata: {"door": "open"}\n\n'),
        Arrived(900.0, b'id: 4\ndata: {"door": "shut"}\n\n'),
    ]
    head = Head("https://ci.example/events", "2025-11-25T21:00:00+00:00")
    path.write_text("".join(line_of(each) for each in (head, *steps)))
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "new.toml").write_text(NEW)
    return path


async def tried(tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    async with command(tmp_path, "rules", "try", *arguments, TZ="UTC") as tool:
        return await tool.result()


async def test_changed_rules_are_compared_with_older_ones(tmp_path: Path, recording: Path) -> None:
    new, old = str(tmp_path / "new.toml"), str(tmp_path / "old.toml")
    code, out, errors = await tried(tmp_path, str(recording), "--config", new, "--against", old)
    assert (code, errors) == (0, "")
    assert out.splitlines() == [
        '~ 2025-11-25 21:00:00 changed: message 1: {"job": "x"}',
        "    title   Job x → x failed",
        '+ 2025-11-25 21:00:00 new: message 2: {"job": "y", "n": 1}',
        "    + y failed: job: y · n: 1",
        "- 2025-11-25 21:05:09 dropped: time has passed",
        "    - The door is open: door: open",
        "+ 2025-11-25 21:10:09 new: time has passed",
        "    + The door is open: door: open",
        "",
        "2 the same, 1 changed, 2 new, 1 dropped",
    ]
    code, out, errors = await tried(
        tmp_path, str(recording), "--config", new, "--against", old, "--json", "--all", "--stream", "ci"
    )
    assert (code, errors) == (0, "")
    *events, summary = map(json.loads, out.splitlines())
    assert summary["summary"] == {
        "same": 2,
        "changed": 1,
        "new": 2,
        "dropped": 1,
        "unknown": 0,
        "too_large": 0,
        "too_fast": 0,
    }
    assert [event["result"] for event in events].count("same") == 2
    assert events[0]["changes"] == {"title": ["Job x", "x failed"]}
    assert "s3cret" not in out


async def test_without_older_rules_the_history_is_the_past(tmp_path: Path, recording: Path) -> None:
    history = tmp_path / ".local" / "state" / "sse-notifier" / "history.db"
    with closing(Store(history, clock=lambda: BEGAN, tell=print)) as store:
        store.resume("ci", "here")
        told: list[Entry] = [entry("Job x", event_id="1", body="job: x"), entry("Job y", event_id="2")]
        store.record("ci", told, "2")
    code, out, errors = await tried(tmp_path, str(recording), "--config", str(tmp_path / "old.toml"))
    assert (code, errors) == (0, "")
    assert "dropped: message 2" in out
    assert "nothing is told, because your rule 3 is silent about it" in out
    assert out.endswith("1 the same, 0 changed, 1 new, 1 dropped; 2 not in the history "
                        "(--against FILE compares with a configuration)\n")  # fmt: skip


async def test_the_events_of_the_history_are_tried(tmp_path: Path) -> None:
    """What was told is what a program that ran by the old rules would have recorded."""
    config = tmp_path / "config.toml"
    async with (
        loopback(
            [OK, b'id: 1\ndata: {"job": "x"}\n\nid: 2\ndata: {"job": "y", "n": 1}\n\n: ping\n\n', Act.HANG]
        ) as server,
        loopback([OK, b"data: " + b"x" * 20_000 + b"\n\n", Act.HANG]) as other,
    ):
        streams = OLD.replace("https://ci.example/events?token=s3cret", server.url)
        streams += f'\n[[streams]]\nname = "large"\nurl = "{other.url}"\n'
        streams += f'\n[[streams]]\nname = "secret"\nurl = "{other.url}"\nkeep_events = false\n'
        config.write_text(streams)
        async with command(tmp_path, "run", "--no-tray", "--config", str(config)) as program:
            told = {await program.line() for _ in range(6)}
            assert any("Job x" in line for line in told)
            code, _, _ = await program.end(signal.SIGTERM)
    assert code == 0
    code, out, errors = await tried(tmp_path, "history", "--config", str(config))
    assert (code, errors) == (0, "")
    assert out.splitlines() == [
        "",
        "ci",
        "2 the same, 0 changed, 0 new, 0 dropped",
        "",
        "large",
        "0 the same, 0 changed, 0 new, 0 dropped",
        "1 event was too large to be kept, and is not tried.",
        "",
        "secret",
        "The history holds no events of it yet; sse-notifier run keeps them, unless keep_events is false.",
    ]
    config.write_text(streams.replace("Job {{ data.job }}", "{{ data.job }} failed").replace("== 'x'", ""))
    code, out, errors = await tried(
        tmp_path, "history", "--config", str(config), "--stream", "ci", "--since", "1h", "--json"
    )
    assert (code, errors) == (0, "")
    changed, new, summary = map(json.loads, out.splitlines())
    assert (changed["result"], changed["changes"]) == ("changed", {"title": ["Job x", "x failed"]})
    assert (new["result"], new["data"], new["now"][0]["title"]) == ("new", '{"job": "y", "n": 1}', "y failed")
    assert summary["summary"]["same"] == 0
    (tmp_path / "old.toml").write_text(streams)
    arguments = ("history", "--config", str(config), "--against", str(tmp_path / "old.toml"))
    assert "0 the same, 1 changed, 1 new, 0 dropped" in (await tried(tmp_path, *arguments))[1]


async def test_a_recording_of_no_stream_that_is_known_needs_its_name(tmp_path: Path, recording: Path) -> None:
    (tmp_path / "new.toml").write_text(NEW.replace("ci.example", "other.example"))
    arguments = (str(recording), "--config", str(tmp_path / "new.toml"))
    code, _, errors = await tried(tmp_path, *arguments)
    assert (code, "Say it with --stream; there are ci" in errors) == (2, True)
    assert (await tried(tmp_path, *arguments, "--stream", "ci"))[0] == 0
    code, _, errors = await tried(tmp_path, *arguments, "--stream", "no")
    assert (code, "has no stream no" in errors) == (2, True)
