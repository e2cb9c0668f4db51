"""docs/presets.md: every preset is there, as it is."""

import re
import tomllib
from pathlib import Path

import pytest

from notifier import config, preset, presets
from notifier.exchange import Response
from notifier.handshake import Session
from notifier.preset import Handshake, Request
from notifier.recognition import Recognition
from notifier.sse import Event

PAGE = (Path(__file__).parents[2] / "docs" / "presets.md").read_text("utf-8")
ROWS = {
    row[1]: row
    for row in re.findall(r"^\| ([^`|]+) `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
}
RECORDINGS = Path(__file__).parent / "presets"
ALL = list(presets.known().values())


def test_every_preset_has_a_row_and_every_row_a_preset() -> None:
    assert list(ROWS) == sorted(presets.names(), key=lambda name: presets.bundled(name).title.lower())


@pytest.mark.parametrize("name", presets.names())
def test_a_row_says_what_the_preset_does(name: str) -> None:
    title, _name, signs, resume, seen, paste = ROWS[name]
    there = presets.bundled(name)
    assert title == there.title
    given = {"header": there.signs.headers, "URL": there.signs.url, "events": there.signs.data}
    assert signs == (", ".join(sign for sign, value in given.items() if value) or "nothing")
    how = {"last-event-id": "asked for by ID", "none": "what came meanwhile is lost"}
    if there.handshake is not None:
        how["none"] = "the server keeps it for some minutes"
    assert resume == how.get(there.resume, "asked for by time")
    example = re.findall("`(.+?)`", seen)[-1]
    told = (RECORDINGS / f"{name}.told").read_text("utf-8").splitlines()
    assert example in {line.removesuffix(" (low)").removesuffix(" (critical)") for line in told}
    address = re.findall("`(https?://.+?)`", paste)[0]
    found = Recognition(address, ALL).preset.name
    assert found == (name if there.signs.url else "generic")
    assert bool(given["header"] or given["events"] or given["URL"]) != (f'`preset = "{name}"`' in paste)


BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_example_of_jenkins_is_a_configuration() -> None:
    (stream,) = config.parse(BLOCKS[0], {"JENKINS_TOKEN": "x"}).streams
    handshake = presets.bundled(stream.preset).handshake
    assert handshake is not None
    session = Session(handshake, stream.url, "1")
    assert session.url.startswith("https://ci.example.org/jenkins/sse-gateway/listen/")


def test_the_example_of_a_handshake_does_what_it_says() -> None:
    mine = preset.parse(BLOCKS[1], "intranet.toml")
    assert mine.handshake is not None
    assert tomllib.loads(BLOCKS[1])["name"] == mine.name
    session = Session(mine.handshake, "https://intra.example/events", "1")
    session.begin()
    bodies = []
    for answer in (b'{"token": "t"}', b'{"state": "ready"}'):
        request = session.next_request()
        assert request is not None
        bodies.append(request.body)
        session.answer(Response(200), answer)
    assert session.next_request() is None
    session.opened(Event("message", '{"channel": 7}', ""))
    request = session.next_request()
    assert request is not None
    assert [*bodies, request.body] == [None, b"device=sse-notifier-1", b'{"channel": 7}']


def test_every_block_of_the_page_is_tried() -> None:
    assert len(BLOCKS) == len(re.findall(r"^```\w", PAGE, re.MULTILINE)) == 2


def test_every_setting_of_a_handshake_is_told() -> None:
    table = PAGE[PAGE.index("| setting of a request") :]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Request.model_fields)
    assert all(f"`{name}`" in PAGE for name in Handshake.model_fields)


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/presets.md)" in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
