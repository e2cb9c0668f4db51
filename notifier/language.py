"""A sentence in English in, the same sentence in the person's language out.

Every sentence that a person sees in menus, bubbles and commands goes through here, written where it is said:
``_("Nothing heard from {name}").format(name=name)``.  The message is a literal, so that it can be found and
translated; what changes are named fields.  Where there is no translation it is English.

`speak` is called once, by the command line, before anything is said.  Follows GNU gettext, "Locale Environment
Variables".
"""

import gettext as catalogs
from collections.abc import Iterator, Mapping
from pathlib import Path

DOMAIN = "sse-notifier"
CATALOGS = Path(__file__).with_name("locale")

_catalog = catalogs.NullTranslations()


def speak(environ: Mapping[str, str]) -> None:
    """Say everything in the first language of `environ` that there is a catalog for."""
    global _catalog
    _catalog = catalogs.translation(DOMAIN, CATALOGS, list(_wanted(environ)), fallback=True)


def _(message: str) -> str:
    """`message` in the person's language."""
    return _catalog.gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """`one` or `many`, as the person's language says `count` of them; the number itself is a field of the message."""
    return _catalog.ngettext(one, many, count)


def _wanted(environ: Mapping[str, str]) -> Iterator[str]:
    locale = environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    if locale.partition(".")[0] in ("", "C", "POSIX"):
        return
    yield from (language for language in environ.get("LANGUAGE", "").split(":") if language)
    yield locale
