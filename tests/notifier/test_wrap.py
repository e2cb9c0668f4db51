"""A line that is laid out for a terminal."""

import pytest

from notifier.cli.wrap import columns_of, wrapped


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two", ["one two"]),
        ("one two three", ["one two", "three"]),
        ("a title  [low]", ["a title ", "[low]"]),
        ("xxxxxxxxxxxxxxxxxxx", ["xxxxxxxx", "xxxxxxxx", "xxx"]),
        ("a xxxxxxxxxxx b", ["a", "xxxxxxxx", "xxx b"]),
        ("see https://a.example/b for more", ["see", "https://a.example/b", "for more"]),
        ("빌드가 실패했습니다", ["빌드가", "실패했습", "니다"]),
        ("構建失敗了", ["構建失敗", "了"]),
        ("re\u0301sume\u0301 x", ["re\u0301sume\u0301 x"]),
    ],
)
def test_lines_fit_and_nothing_is_lost(text: str, lines: list[str]) -> None:
    assert [line.rstrip() for line in wrapped(text, 8)] == [line.rstrip() for line in lines]
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(columns_of(line.rstrip()) <= 8 for line in wrapped(text, 8) if "/" not in line)


def test_a_letter_that_is_wider_than_the_terminal_is_still_said() -> None:
    assert wrapped("構建", 1) == ["構", "建"]


def test_a_long_text_takes_no_long_time() -> None:
    assert len(wrapped("x" * 1_000_000, 80)) == 12_500
    assert len(wrapped("構 " * 200_000, 80)) == 7_408
