"""What strangers send to break rules: no exception, nothing run, no event that keeps the others waiting."""

import json
import logging
import sys
import time

import pytest

from notifier.notification import Notification, Withdrawal, is_web_link
from notifier.rule import Rule
from notifier.rules import Rules
from notifier.sse import Event

LONGEST = 1.0
"""Seconds of CPU that one event may take on a slow machine; the measured time is printed."""
ALL = Rule.model_validate(
    {
        "title": "{{ data.title or data }}",
        "body": "{{ data.body|strip_html }} {{ data|spell_out }}",
        "link": "{{ data.url }}",
        "icon": "{{ data.icon }}",
        "image": "{{ data.image }}",
        "time": "{{ data.time }}",
        "group": "{{ data.title }}",
        "sound": "{{ data.title }}",
        "actions": [{"label": "{{ data.title }}", "link": "{{ data.url }}"}],
        "progress": "{{ data.time }}",
        "key": "{{ data.title }}",
        "changed": "data",
        "command": ["true", "--", "{{ title }}", "{{ data.body }}"],
    }
)
PAYLOADS = {
    "template in the data": '{"title": "{{ 7 * 7 }}{% for x in range(9) %}{{ self }}{% endfor %}"}',
    "sandbox escape in the data": '{"title": "{{ \'\'.__class__.__mro__[1].__subclasses__() }}", "__class__": 1}',
    "1 MiB title": json.dumps({"title": "A" * (1 << 20)}),
    "1 MiB of markup": json.dumps({"title": "x", "body": "<p" * (1 << 18)}),
    "right to left": json.dumps({"title": "\u202egpj.exe\u2066 \u200b\u200d" * 1_000}),
    "javascript:": json.dumps({"title": "x", "url": "javascript:alert(1)", "image": "javascript:1", "icon": "data:,x"}),
    "file:": json.dumps({"title": "x", "url": "file:///etc/passwd", "image": "file:///x", "icon": "/etc/passwd"}),
    "100,000 levels": "[" * 100_000,
    "100,000 levels, closed": "[" * 100_000 + "]" * 100_000,
    "100,000 objects deep": '{"a":' * 100_000,
    "a huge number": '{"title": ' + "9" * 100_000 + ', "time": 1e999}',
    "a long power": '{"title": "x", "time": 1e308, "progress": -1e308}',
    "not a number": '{"title": NaN, "time": Infinity}',
    "duplicate keys": '{"title": "first", "title": "second", "url": "https://a/", "url": "file:///b"}',
    "lone surrogates": '{"title": "\\ud800\\udfff\\ud800", "body": "\\udc00"}',
    "NUL and escapes": json.dumps({"title": "\0\x1b[31m\x07x" * 10_000}),
    "many objects": "[" + ",".join(["{}"] * 9_500) + "]",
    "combining marks": json.dumps({"title": "a" + "\u0301" * 100_000}),
}


def test_no_payload_breaks_rules_or_takes_long(caplog: pytest.LogCaptureFixture) -> None:
    worst: dict[str, float] = {}
    with caplog.at_level(logging.WARNING):
        for name, data in PAYLOADS.items():
            for rules in (Rules("s"), Rules("s", rules=[ALL])):
                rules.decide(Event("message", '{"title": "before"}', ""), 0.0)
                began = time.process_time()
                decided = rules.decide(Event("message", data, ""), 1.0)
                worst[name] = max(worst.get(name, 0.0), time.process_time() - began)
                for decision in decided:
                    assert isinstance(decision, Notification | Withdrawal)
                    if isinstance(decision, Notification):
                        assert decision.link is None or is_web_link(decision.link)
                        assert decision.command[:2] in ((), ("true", "--"))
                        assert "49" not in decision.title
    for name, seconds in worst.items():
        sys.stdout.write(f"{name:28} {seconds * 1e3:8.1f} ms\n")
    sys.stdout.write(f"the worst event takes {max(worst.values()) * 1e3:.1f} ms\n")
    assert max(worst.values()) < LONGEST


def test_of_repeated_names_the_last_one_counts() -> None:
    [told] = Rules("s").decide(Event("message", PAYLOADS["duplicate keys"], ""), 0.0)
    assert isinstance(told, Notification)
    assert (told.title, told.link) == ("second", None)
