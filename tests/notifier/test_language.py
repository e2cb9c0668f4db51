"""Which language is spoken: what the environment wants, and English where there is no catalog for it."""

import ctypes
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from notifier import language
from notifier.cli.terminal import languages
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


@pytest.mark.parametrize("preferred", [["ko_KR"], ["ko-KR", "en-US"], ["ko"], ["xx-XX", "ko-KR"]])
def test_where_the_environment_names_no_locale_the_desktop_is_asked(preferred: list[str]) -> None:
    language.speak({}, lambda: preferred)
    assert _("No streams yet") == "아직 스트림 없음"
    language.speak({"LANGUAGE": "en"}, lambda: preferred)
    assert _("No streams yet") == "No streams yet"


@pytest.mark.parametrize("preferred", [[], ["en-GB", "ko-KR"], ["zh-Hans-CN"]])
def test_a_desktop_that_speaks_english_first_or_no_language_of_ours_gets_english(preferred: list[str]) -> None:
    language.speak({}, lambda: preferred)
    assert _("No streams yet") == "No streams yet"


@pytest.mark.parametrize("environ", [{"LANG": "C.UTF-8"}, {"LC_ALL": "en_US.UTF-8"}])
def test_a_locale_in_the_environment_counts_more_than_the_desktop(environ: dict[str, str]) -> None:
    language.speak(environ, lambda: ["ko-KR"])
    assert _("No streams yet") == "No streams yet"


@pytest.mark.parametrize(("number", "spoken"), [(0x0412, ["ko_KR"]), (0x0409, ["en_US"]), (0x1000, [])])
def test_windows_tells_its_language_by_number(number: int, spoken: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = SimpleNamespace(GetUserDefaultUILanguage=lambda: number)
    monkeypatch.setattr(ctypes, "cdll", SimpleNamespace(kernel32=kernel))
    assert languages("win32") == spoken


def test_macos_tells_its_languages_where_pyobjc_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    foundation = ModuleType("Foundation")
    foundation.NSLocale = SimpleNamespace(preferredLanguages=lambda: ("ko-KR", "en-US"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "Foundation", foundation)
    assert languages("darwin") == ["ko-KR", "en-US"]
    monkeypatch.setitem(sys.modules, "Foundation", None)
    assert languages("darwin") == []
    assert languages("linux") == []


def test_nothing_said_is_nothing_in_every_language() -> None:
    language.speak({"LANG": "ko_KR.UTF-8"})
    assert _("") == ""


def test_fields_are_put_where_the_language_wants_them() -> None:
    language.speak({"LANG": "ko_KR.UTF-8"})
    assert _("connected, heard {minutes} min ago", minutes=5) == "연결됨, 5분 전 신호"
