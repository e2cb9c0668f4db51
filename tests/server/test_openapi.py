"""The description of the HTTP API is what the server does: its routes, its limits, its answers to a fuzzer."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from server import intake, site, subscription, wire
from server.crew import Crew
from server.eventlog.memory import MemoryLog
from server.hub import Hub
from server.limit import Limits
from server.web import serve
from server.wire import Message
from tests.server.client import request
from tests.server.process import started

PATH = Path(site.__file__).parent / "static" / "openapi.json"
DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
EXAMPLES = 25
"""Requests of each kind to each operation; a run by hand takes thousands."""

WIDER_RULES = ("the message is empty", "another message was published under this name")
"""Of several fields, which may lie outside the body, and of several requests: what a description cannot say."""

LINES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128)
"""What may stand in a header too, where a library of HTTP takes no more."""
LINKS = LINES.map(lambda text: "https://ci.example/" + text)


async def test_the_description_is_served_and_is_openapi() -> None:
    async with serve() as url:
        answer = await request(url, b"GET /openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.body == PATH.read_bytes()
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_every_route_is_described_and_no_other() -> None:
    routes = site.Site(
        Hub(MemoryLog()), loopback=True, hosts=(), origins=(), tokens=None, limits=Limits(), crew=Crew()
    ).application()
    served = {(route.method.lower(), _path(route)) for route in routes.router.routes()}
    described = {(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert served == described


def _path(route: web.AbstractRoute) -> str:
    assert route.resource is not None
    return re.sub(r"\{\w+:(.*?)\}", r"\1", route.resource.canonical)


def test_fields_and_limits_are_those_of_the_code() -> None:
    message = SCHEMAS["Message"]
    assert set(message["properties"]) == set(Message.__dataclass_fields__)
    for name in ("topic", "type", "key"):
        assert SCHEMAS[name]["maxLength"] == wire.NAME_LIMIT
    assert SCHEMAS["title"]["maxLength"] == wire.TITLE_LIMIT
    assert SCHEMAS["link"]["maxLength"] == wire.LINK_LIMIT
    assert tuple(SCHEMAS["urgency"]["enum"]) == wire.URGENCIES
    parameters = {each["name"]: each["schema"] for each in DOCUMENT["paths"]["/events"]["get"]["parameters"]}
    assert parameters["topic"]["maxItems"] == parameters["type"]["maxItems"] == subscription.CHOICES_LIMIT
    assert SCHEMAS["PublishedBatch"]["properties"]["ids"]["maxItems"] == intake.BATCH_LIMIT
    [name] = DOCUMENT["paths"]["/page/{name}"]["get"]["parameters"]
    assert name["schema"]["enum"] == sorted(each.name for each in PATH.parent.iterdir())
    bodies = DOCUMENT["paths"]["/events"]["post"]["requestBody"]["content"]
    assert str(site.MESSAGE_LIMIT) in bodies["text/plain"]["schema"]["description"]
    assert str(site.BATCH_LIMIT) in bodies["application/x-ndjson"]["schema"]["description"]


def test_the_statuses_are_those_of_the_documentation() -> None:
    page = (PATH.parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    table = page[page.index("| status | why |") : page.index("## Subscribe")]
    told = set(re.findall(r"\b[45]\d\d\b", table)) - {"404", "405"}
    described = {each for operation in DOCUMENT["paths"]["/events"].values() for each in operation["responses"]}
    assert {each for each in described if each >= "400"} == told


async def test_a_fuzzer_finds_no_answer_that_is_not_described() -> None:
    async with started("--log", "memory") as server:
        await asyncio.to_thread(fuzz, server.url, EXAMPLES)


def fuzz(url: str, examples: int, *, is_random: bool = False) -> None:
    """Ask for every operation, with what the description allows and with what it forbids."""
    schemathesis.openapi.format("one-line", LINES)
    schemathesis.openapi.format("web-link", LINKS)
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        takes_something = bool(operation.body) or any(True for _ in operation.iter_parameters())
        for mode in GenerationMode if takes_something else [GenerationMode.POSITIVE]:
            _fuzz(operation, mode, url, examples, is_random=is_random)


def _fuzz(operation: Any, mode: GenerationMode, url: str, examples: int, *, is_random: bool) -> None:
    # A list of one and a text are the same in a query, and so are an empty list and nothing.
    unfit = [negative_data_rejection] if operation.label == "GET /events" else []
    with requests.Session() as session:

        @settings(
            max_examples=examples,
            derandomize=not is_random,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            with session.request(**case.as_transport_kwargs(base_url=url), stream=True, timeout=5) as response:
                if response.headers.get("Content-Type", "").startswith("text/event-stream"):
                    # It has no end; its first chunk is enough to look at.
                    response._content = next(response.iter_content(chunk_size=None))
                elif response.status_code == 422 and any(rule in response.json()["error"] for rule in WIDER_RULES):
                    return
                case.validate_response(response, excluded_checks=unfit)

        ask()
