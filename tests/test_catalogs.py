"""Every language that there is says everything, and says it with the same fields."""

import gettext
import string

import pytest

from notifier.language import DOMAIN
from tests.catalogs import languages, read, said, source


def fields(text: str) -> set[tuple[str, str, str | None]]:
    """Names of the fields of a message, with how they are written."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return set()  # braces that are only braces
    named = [part for part in parts if part[1] is not None and " " not in part[1]]  # others are braces of TOML
    return {(name or "", spec or "", conversion) for _text, name, spec, conversion in named}


@pytest.mark.parametrize("language", languages())
def test_nothing_is_left_in_english(language: str) -> None:
    catalog = read(language)
    known = {message.id: message for message in catalog if message.id}
    missing = [each.message for each in said() if each.message not in known or not all(_told(known[each.message]))]
    assert not missing, "translate these, then: make translations"


@pytest.mark.parametrize("language", languages())
def test_nothing_is_translated_that_is_no_longer_said(language: str) -> None:
    wanted = {each.message for each in said()}
    assert not [message.id for message in read(language) if message.id and message.id not in wanted]


@pytest.mark.parametrize("language", languages())
def test_each_translation_has_the_fields_of_the_message(language: str) -> None:
    for message in read(language):
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        for said_so in _told(message):
            assert fields(said_so) == fields(str(originals[-1])), message.id


@pytest.mark.parametrize("language", languages())
def test_what_the_program_reads_is_what_persons_edited(language: str) -> None:
    with source(language).with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    for message in read(language):
        if isinstance(message.id, str) and message.id:
            assert spoken.gettext(message.id) == message.string, f"run: make translations ({DOMAIN})"


def _told(message: object) -> tuple[str, ...]:
    text = getattr(message, "string", "")
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)
