"""Which data is JSON, and which is text."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import payload
from notifier.payload import NotJson


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ('{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (' \n{"a": 1}\r\n', {"a": 1}),
        ("12", 12),
        ('"x"', "x"),
        ("null", None),
        ("NaN", None),
        ('{"a": Infinity}', {"a": None}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("9" * 40, int("9" * 40)),
        ("[" * 3 + "]" * 3, [[[]]]),
    ],
)
def test_json_is_read(data: str, value: object) -> None:
    assert payload.parse(data) == value


def test_the_deepest_json_that_is_read() -> None:
    assert payload.parse("[" * payload.DEPTH_LIMIT + "]" * payload.DEPTH_LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "Hello",
        "undefined",
        "None",
        "{'a': 1}",
        '{"a": 1',
        "[1,]",
        "12 monkeys",
        '{"a": 1} trailing',
        "[" * 100_000,
        "[" * 101 + "]" * 101,
        '{"a":' * 101 + "1" + "}" * 101,
        '"' + "a" * payload.SIZE_LIMIT + '"',
        "\ufeff{}",
        "[" + "1," * payload.PARTS_LIMIT + "1]",
    ],
    ids=lambda data: data[:12],
)
def test_everything_else_is_text(data: str) -> None:
    with pytest.raises(NotJson):
        payload.parse(data)


@given(st.text() | st.text('[]{}":,0123456789eE+-.truefalsn \\u'))
def test_no_text_breaks_it(data: str) -> None:
    with suppress(NotJson):
        payload.parse(data)
