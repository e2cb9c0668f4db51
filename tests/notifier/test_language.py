"""Which language is spoken: what the environment wants, and English where there is no catalog for it."""

from collections.abc import Iterator

import pytest

from notifier import language
from notifier.language import _, ngettext


@pytest.fixture(autouse=True)
def back_to_english() -> Iterator[None]:
    yield
    language.speak({})


@pytest.mark.parametrize(
    "environ", [{}, {"LANG": "C.UTF-8"}, {"LANG": "xx_XX.UTF-8"}, {"LC_ALL": "C", "LANG": "ko_KR"}]
)
def test_without_a_catalog_it_is_english(environ: dict[str, str]) -> None:
    language.speak(environ)
    assert _("No streams yet") == "No streams yet"
    assert [ngettext("{n} stream", "{n} streams", n).format(n=n) for n in (1, 2)] == ["1 stream", "2 streams"]


@pytest.mark.parametrize(
    "environ",
    [
        {"LANG": "ko_KR.UTF-8"},
        {"LC_ALL": "ko_KR.UTF-8", "LANG": "C"},
        {"LANG": "en_US.UTF-8", "LANGUAGE": "ko:en"},
        {"LANG": "de_DE.UTF-8", "LANGUAGE": "xx:ko"},
    ],
)
def test_the_first_language_that_there_is_a_catalog_for_is_spoken(environ: dict[str, str]) -> None:
    language.speak(environ)
    assert _("No streams yet") == "아직 스트림 없음"
    assert ngettext("{count} notification", "{count} notifications", 2, count=2) == "알림 2개"


@pytest.mark.parametrize("first", ["en", "en_US", "en_GB.UTF-8", "C", "POSIX"])
def test_who_wants_english_first_gets_it_though_it_has_no_catalog(first: str) -> None:
    language.speak({"LANG": "de_DE.UTF-8", "LANGUAGE": f"{first}:ko"})
    assert _("No streams yet") == "No streams yet"


def test_nothing_said_is_nothing_in_every_language() -> None:
    language.speak({"LANG": "ko_KR.UTF-8"})
    assert _("") == ""


def test_fields_are_put_where_the_language_wants_them() -> None:
    language.speak({"LANG": "ko_KR.UTF-8"})
    assert _("connected, heard {minutes} min ago", minutes=5) == "연결됨, 5분 전 신호"
