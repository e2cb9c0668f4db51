"""A sentence in English in, the same sentence in the person's language out.

Every sentence that a person sees in menus, bubbles and commands goes through here, written where it is said:
``_("Nothing heard from {name}", name=name)``.  The message is a literal, so that it can be found and translated; what
changes are named fields, as `str.format` has them.  Where there is no translation it is English.

`speak` is called once, by the command line, before anything is said.  Follows GNU gettext, "Locale Environment
Variables".
"""

import gettext as catalogs
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

DOMAIN = "sse-notifier"
CATALOGS = Path(__file__).with_name("locale")

_catalog = catalogs.NullTranslations()


def speak(environ: Mapping[str, str], system: Callable[[], Sequence[str]] = tuple) -> None:
    """Say everything in the first wanted language that there is a catalog for.

    Args:
        environ: of this process.
        system: the languages that the desktop speaks, such as "ko_KR" or "ko-KR", best first; asked where `environ`
            names no locale.
    """
    global _catalog
    _catalog = catalogs.translation(DOMAIN, CATALOGS, list(_wanted(environ, system)), fallback=True)
    # Typer says the headlines of its help through the module's functions.
    catalogs.bindtextdomain(DOMAIN, CATALOGS)
    catalogs.textdomain(DOMAIN)


def _(message: str, /, **fields: object) -> str:
    """`message` in the person's language, and the fields in their places; without fields its braces are only braces."""
    said = _catalog.gettext(message) if message else ""  # else it is the catalog's own header
    return said.format(**fields) if fields else said


def N_(message: str) -> str:  # noqa: N802 - the name that gettext's own documentation gives it
    """`message` as it is: a constant, found by the translators here and said with `_` later."""
    return message


def ngettext(one: str, many: str, count: int, /, **fields: object) -> str:
    """`one` or `many`, as the person's language says `count` of them; the number itself is a field of the message."""
    said = _catalog.ngettext(one, many, count)
    return said.format(**fields) if fields else said


def _wanted(environ: Mapping[str, str], system: Callable[[], Sequence[str]]) -> Iterator[str]:
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG")
    locales = [locale] if locale else [language.replace("-", "_") for language in system()]
    if not locales or locales[0].partition(".")[0] in ("", "C", "POSIX"):
        return
    for language in [*environ.get("LANGUAGE", "").split(":"), *locales]:
        if language.partition(".")[0].partition("_")[0] in ("en", "C", "POSIX"):
            return  # what there is without a catalog
        if language:
            yield language
