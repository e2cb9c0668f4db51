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
