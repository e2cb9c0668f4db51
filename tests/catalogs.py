"""What the program says, and what the catalogs make of it; `python -m tests.catalogs` brings them up to date."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from notifier import __version__
from notifier.cli import app
from notifier.cli.help import messages
from notifier.language import CATALOGS, DOMAIN

PACKAGE = CATALOGS.parent
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
TYPERS = ["Arguments", "Options", "Commands", "[default: {}]", "[required]"]
"""Headlines of typer's help; it looks them up in our catalog."""


@dataclass(frozen=True)
class Said:
    """A message and the places where it is said."""

    message: str | tuple[str, str]
    places: tuple[tuple[str, int], ...]


def said() -> list[Said]:
    """Every message of the program, in the order of the files."""
    places: dict[str | tuple[str, str], list[tuple[str, int]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        with path.open("rb") as file:
            for line, found, *_ in extract("python", file, KEYWORDS, options={"encoding": "utf-8"}):
                message = (found[0], found[1]) if isinstance(found, tuple) else found
                places.setdefault(message, []).append((path.relative_to(PACKAGE.parent).as_posix(), line))
    for text in [*dict.fromkeys(messages(typer.main.get_command(app([])))), *TYPERS]:
        places.setdefault(text, []).append(("notifier/cli/help.py", 1))
    return [Said(message, tuple(at)) for message, at in places.items()]


def languages() -> list[str]:
    """Those that there is a catalog for."""
    return sorted(path.parent.parent.name for path in CATALOGS.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def source(language: str) -> Path:
    """The catalog that persons edit."""
    return CATALOGS / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The catalog of a language."""
    with source(language).open("rb") as file:
        return read_po(file, language)


def compiled(catalog: Catalog) -> bytes:
    """What the program reads."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def updated(language: str) -> Catalog:
    """The catalog with every message that is said now, and no other; new ones are empty."""
    old = read(language)
    new = Catalog(
        language,
        project=DOMAIN,
        version=__version__,
        header_comment="",
        msgid_bugs_address="the project's issues",
        last_translator="The sse-notifier developers",
        language_team=language,
        fuzzy=False,
        creation_date=old.creation_date,
    )
    for each in said():
        known = old.get(each.message[0] if isinstance(each.message, tuple) else each.message)
        files = sorted({place for place, _line in each.places})
        new.add(
            each.message,
            known.string if known is not None else "",
            locations=[(file, 0) for file in files],
            flags=["fuzzy"] if known is not None and known.fuzzy else [],
        )
    return new


def main() -> Iterator[str]:
    for language in languages():
        catalog = updated(language)
        with source(language).open("wb") as file:
            write_po(file, catalog, width=110, include_lineno=False, omit_header=False)
        source(language).with_suffix(".mo").write_bytes(compiled(catalog))
        missing = sum(not message.string for message in catalog if message.id)
        yield f"{language}: {len(catalog)} messages, {missing} not translated"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in main())
